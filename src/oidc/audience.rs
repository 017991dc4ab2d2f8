//! `aud` (RFC 7519 §4.1.3): one text, or several in a list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Whom a token is for; never empty as it is made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audience(BTreeSet<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(BTreeSet<String>),
}

impl From<OneOrMany> for Audience {
    fn from(audience: OneOrMany) -> Self {
        match audience {
            OneOrMany::One(one) => Self::one(&one),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

impl From<Audience> for OneOrMany {
    fn from(Audience(mut many): Audience) -> Self {
        match many.pop_last() {
            Some(one) if many.is_empty() => Self::One(one),
            last => Self::Many(many.into_iter().chain(last).collect()),
        }
    }
}

impl Audience {
    /// Of one.
    #[must_use]
    pub fn one(name: &str) -> Self {
        Self(BTreeSet::from([name.to_owned()]))
    }

    /// Of several.
    #[must_use]
    pub const fn of(names: BTreeSet<String>) -> Self {
        Self(names)
    }

    /// Whether it names somebody, to the letter.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// What it and a list have in common; nothing where that is nobody.
    #[must_use]
    pub fn within(&self, names: &BTreeSet<String>) -> Option<Self> {
        let common: BTreeSet<String> = self.0.intersection(names).cloned().collect();
        (!common.is_empty()).then_some(Self(common))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_is_a_text_and_several_are_a_list() {
        let several = Audience::of(["b", "a"].map(str::to_owned).into());
        assert_eq!(serde_json::to_value(Audience::one("a")).unwrap(), json!("a"));
        assert_eq!(serde_json::to_value(&several).unwrap(), json!(["a", "b"]));
        for document in [json!("a"), json!(["a"]), json!(["b", "a"])] {
            let read: Audience = serde_json::from_value(document).unwrap();
            assert!(read.contains("a") && !read.contains("c"));
        }
        assert!(serde_json::from_value::<Audience>(json!({ "a": 1 })).is_err());
        assert_eq!(several.within(&["b", "c"].map(str::to_owned).into()), Some(Audience::one("b")));
        assert_eq!(several.within(&["c".to_owned()].into()), None);
    }
}

//! Scopes of systems: what a client may ask for on its own behalf (RFC 6749 §4.4).
//!
//! Must never be a scope of a person: those are [`Scope`]s, and nothing else releases a claim.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scope::Scope;

/// The longest that is taken.
const LONGEST: usize = 200;

/// A scope of a system, in the grammar of RFC 6749 §3.3.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemScope(String);

/// The text is no scope of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope of a system is 1 to 200 printable ASCII characters without space, quote and backslash"
)]
pub struct NoSystemScope;

impl FromStr for SystemScope {
    type Err = NoSystemScope;

    fn from_str(text: &str) -> Result<Self, NoSystemScope> {
        // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let is_token = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        let is_of_a_person = text.parse::<Scope>().is_ok();
        if is_token && !is_of_a_person && (1..=LONGEST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoSystemScope)
        }
    }
}

impl TryFrom<String> for SystemScope {
    type Error = NoSystemScope;

    fn try_from(text: String) -> Result<Self, NoSystemScope> {
        text.parse()
    }
}

impl From<SystemScope> for String {
    fn from(scope: SystemScope) -> Self {
        scope.0
    }
}

impl SystemScope {
    /// As it is registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_of_a_person_is_none_of_a_system() {
        for good in ["journal:read", "https://api.example.se/read", "!", &"a".repeat(200)] {
            assert_eq!(good.parse::<SystemScope>().unwrap().as_str(), good);
        }
        for person in Scope::NAMES {
            assert_eq!(person.parse::<SystemScope>(), Err(NoSystemScope));
        }
        for bad in ["", "a b", "a\"", "a\\", "å", "a\u{7f}", &"a".repeat(201)] {
            assert_eq!(bad.parse::<SystemScope>(), Err(NoSystemScope), "{bad}");
        }
    }
}

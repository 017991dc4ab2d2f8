//! Level of assurance (tillitsnivå) and its `acr` value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The level of assurance of a login (SITHS: LoA 3 for ordinary cards, LoA 2 for reserve cards).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Loa {
    /// Reserve card.
    #[serde(rename = "loa2")]
    Two,
    /// Ordinary card.
    #[serde(rename = "loa3")]
    Three,
}

impl Loa {
    /// Every level, lowest first.
    pub const ALL: [Self; 2] = [Self::Two, Self::Three];

    /// The `acr` value (Sambi; IANA "Level of Assurance (LoA) Profiles").
    #[must_use]
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Two => "http://id.sambi.se/loa/loa2",
            Self::Three => "http://id.sambi.se/loa/loa3",
        }
    }

    /// The level that an `acr` value names.
    #[must_use]
    pub fn by_acr(acr: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|loa| loa.acr() == acr)
    }

    /// The short name, as configuration and database keep it: `loa2`, `loa3`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Two => "loa2",
            Self::Three => "loa3",
        }
    }
}

impl fmt::Display for Loa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no level of assurance.
#[derive(Debug, thiserror::Error)]
#[error("expected loa2 or loa3")]
pub struct NotALoa;

impl FromStr for Loa {
    type Err = NotALoa;

    fn from_str(text: &str) -> Result<Self, NotALoa> {
        Self::ALL.into_iter().find(|loa| loa.name() == text).ok_or(NotALoa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_acr_values_lead_back() {
        for loa in Loa::ALL {
            assert_eq!(Loa::by_acr(loa.acr()), Some(loa));
            assert_eq!(loa.name().parse::<Loa>().unwrap(), loa);
        }
        assert_eq!(Loa::by_acr("http://id.elegnamnden.se/loa/1.0/loa3"), None);
    }
}

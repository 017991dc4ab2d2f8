//! HSA-id: who a person is in Swedish health and dental care.
//!
//! Kept as it was received; compared in canonical form. Must never be printed whole by `Debug`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::personal_number::luhn_holds;

/// The greatest length of an HSA-id, in characters.
const MAX_LENGTH: usize = 31;

/// An HSA-id in the grammar, as it was received.
///
/// It is deserialised only from what the provider sealed itself; text from outside goes through
/// [`HsaIdGrammar::parse`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HsaId(String);

impl HsaId {
    /// The text as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form to compare by and to keep unique: upper case, because no source says whether
    /// case matters in the local part.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// Whether the organisation number has its right check digit, for warnings only: numbers of
    /// zeros and test numbers exist. True where there is no organisation number.
    #[must_use]
    pub fn luhn_ok(&self) -> bool {
        organisation(&self.0).is_none_or(|number| luhn_holds(number.as_bytes()))
    }
}

impl fmt::Debug for HsaId {
    /// The organisation alone: `HsaId(SE2321000016-…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match organisation(&self.0).and_then(|_| self.0.split_once('-')) {
            Some((organisation, _)) => write!(f, "HsaId({organisation}-…)"),
            None => f.write_str("HsaId(…)"),
        }
    }
}

impl FromStr for HsaId {
    type Err = HsaIdFault;

    /// By the grammar of production: [`HsaIdGrammar::default`].
    fn from_str(text: &str) -> Result<Self, HsaIdFault> {
        HsaIdGrammar::default().parse(text)
    }
}

/// Which texts are HSA-ids: those of the HSA catalogue, and in test environments others.
#[derive(Clone, Debug, Default)]
pub struct HsaIdGrammar {
    /// Beginnings of test identifiers (`TSTNMT2321000156-`) that letters, digits and hyphens may
    /// follow. Empty in production.
    pub extra_prefixes: Vec<String>,
}

impl HsaIdGrammar {
    /// Reads `^SE(16)?[0-9]{10}-[A-Za-z0-9]{1,}$`, at most 31 characters, or a configured prefix
    /// and what follows it.
    ///
    /// # Errors
    /// When the text is too long or of neither form.
    pub fn parse(&self, text: &str) -> Result<HsaId, HsaIdFault> {
        if text.len() > MAX_LENGTH {
            return Err(HsaIdFault::TooLong);
        }
        let regular = organisation(text).is_some()
            && text.split_once('-').is_some_and(|(_, local)| is_local(local));
        if regular || self.is_extra(text) {
            return Ok(HsaId(text.to_owned()));
        }
        Err(HsaIdFault::Malformed)
    }

    fn is_extra(&self, text: &str) -> bool {
        // An empty prefix would admit everything.
        self.extra_prefixes
            .iter()
            .filter(|prefix| !prefix.is_empty())
            .filter_map(|prefix| text.strip_prefix(prefix.as_str()))
            .any(|rest| is_local(&rest.replace('-', "")))
    }
}

/// Why a text is no HSA-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HsaIdFault {
    /// Over 31 characters.
    #[error("an HSA-id has at most 31 characters")]
    TooLong,
    /// Not of the form.
    #[error("an HSA-id is SE, ten digits, a hyphen, and letters or digits")]
    Malformed,
}

/// The ten digits of the organisation in `SE<ten digits>-…` or `SE16<ten digits>-…`.
fn organisation(text: &str) -> Option<&str> {
    let (digits, _) = text.strip_prefix("SE")?.split_once('-')?;
    let number = match digits.len() {
        10 => digits,
        12 => digits.strip_prefix("16")?,
        _ => return None,
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(number)
}

fn is_local(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_the_grammar_is_refused() {
        for text in [
            "",
            "191212121212",
            "SE2321000016",
            "SE2321000016-",
            "SE232100001-1",
            "SE172321000016-1",
            "SE23210000160-1",
            "se2321000016-1",
            "SE2321000016-å",
            "SE2321000016-a@b",
            "SE2321000016-a-b",
            " SE2321000016-1",
            "SE2321000016-1\n",
            "TSTNMT2321000156-1019",
            "T-SERVICES-SE165565594230-1110",
        ] {
            assert_eq!(text.parse::<HsaId>(), Err(HsaIdFault::Malformed), "{text}");
        }
        let long = format!("SE2321000016-{}", "A".repeat(19));
        assert_eq!(long.parse::<HsaId>(), Err(HsaIdFault::TooLong));
    }

    #[test]
    fn both_forms_of_the_organisation_number_are_read() {
        for text in ["SE2321000016-1003", "SE165565594230-YJ54", "SE0000000000-1337"] {
            assert_eq!(text.parse::<HsaId>().unwrap().as_str(), text);
        }
        assert!(format!("SE2321000016-{}", "A".repeat(18)).parse::<HsaId>().is_ok());
    }

    #[test]
    fn test_identifiers_need_a_configured_prefix() {
        let grammar = HsaIdGrammar { extra_prefixes: vec!["TSTNMT".into(), String::new()] };
        assert!(grammar.parse("TSTNMT2321000156-1019").is_ok());
        assert!(grammar.parse("HSATEST2-DGQ").is_err());
        assert!(grammar.parse("TSTNMT").is_err());
        assert!(grammar.parse("TSTNMT/1").is_err());
    }

    #[test]
    fn canonical_form_ignores_case_only() {
        let mixed: HsaId = "SE2321000016-aBc".parse().unwrap();
        assert_eq!(mixed.canonical(), "SE2321000016-ABC");
        assert_eq!(mixed.as_str(), "SE2321000016-aBc");
    }

    #[test]
    fn a_wrong_check_digit_is_only_a_warning() {
        assert!("SE5565594230-YJ54".parse::<HsaId>().unwrap().luhn_ok());
        assert!("SE165565594230-YJ54".parse::<HsaId>().unwrap().luhn_ok());
        assert!(!"SE5565594231-YJ54".parse::<HsaId>().unwrap().luhn_ok());
    }

    #[test]
    fn debug_shows_the_organisation_alone() {
        let id: HsaId = "SE2321000016-1003".parse().unwrap();
        assert_eq!(format!("{id:?}"), "HsaId(SE2321000016-…)");
    }
}

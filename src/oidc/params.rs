//! The parameters of a request, form-encoded, as they came.

use crate::error::Code;

/// Longest query or form that is read, in bytes: a sealed request must still fit a URL.
pub const MAX_LENGTH: usize = 8 * 1024;

/// Longest query with something sealed in it: a request of [`MAX_LENGTH`], sealed twice over.
const MAX_SEALED_LENGTH: usize = 4 * MAX_LENGTH;

/// Parameters that are JSON, where line breaks and tabs are white space (RFC 8259 §2).
const JSON: [&str; 1] = ["claims"];

/// Parameters whose names and values are decoded; nothing is believed yet.
#[derive(Clone)]
pub struct Params(Vec<(String, String)>);

/// Why parameters could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsFault {
    /// Longer than [`MAX_LENGTH`].
    #[error("longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Percent-encoding that does not decode to UTF-8, or control characters.
    #[error("not form-encoded UTF-8")]
    Malformed,
    /// A parameter was sent more than once.
    #[error("a parameter was sent more than once")]
    Repeated,
}

impl ParamsFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::TooLong => Code::RequestTooLong,
            Self::Malformed => Code::RequestMalformed,
            Self::Repeated => Code::ParameterRepeated,
        }
    }
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text: a query or a form body.
    ///
    /// # Errors
    /// [`ParamsFault::TooLong`] and [`ParamsFault::Malformed`].
    pub fn parse(encoded: &str) -> Result<Self, ParamsFault> {
        Self::parse_within(encoded, MAX_LENGTH)
    }

    /// Reads a query that holds something sealed by this provider.
    ///
    /// # Errors
    /// [`ParamsFault::TooLong`] and [`ParamsFault::Malformed`].
    pub fn parse_sealed(encoded: &str) -> Result<Self, ParamsFault> {
        Self::parse_within(encoded, MAX_SEALED_LENGTH)
    }

    fn parse_within(encoded: &str, longest: usize) -> Result<Self, ParamsFault> {
        if encoded.len() > longest {
            return Err(ParamsFault::TooLong);
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(encoded.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self::of_text(pairs)
    }

    /// Parameters that came in another form than this, held to the same rules.
    ///
    /// # Errors
    /// [`ParamsFault::TooLong`] and [`ParamsFault::Malformed`].
    pub fn of(pairs: Vec<(String, String)>) -> Result<Self, ParamsFault> {
        let params = Self::of_text(pairs)?;
        if params.encode().len() > MAX_LENGTH {
            return Err(ParamsFault::TooLong);
        }
        Ok(params)
    }

    fn of_text(pairs: Vec<(String, String)>) -> Result<Self, ParamsFault> {
        // The parser puts U+FFFD where the bytes are no UTF-8.
        let is_text =
            |text: &str| !text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || c.is_control());
        let is_well_formed = |(name, value): &(String, String)| {
            let value = if JSON.contains(&&**name) {
                value.replace(['\t', '\n', '\r'], " ")
            } else {
                value.clone()
            };
            is_text(name) && is_text(&value)
        };
        if !pairs.iter().all(is_well_formed) {
            return Err(ParamsFault::Malformed);
        }
        Ok(Self(pairs))
    }

    /// The same, form-encoded again.
    #[must_use]
    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The same without the parameters of these names.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.cloned().collect())
    }

    /// The same with a parameter set, in place of any that it had.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut params = self.without(&[name]);
        params.0.push((name.to_owned(), value.to_owned()));
        params
    }

    /// The value of a parameter; one without a value counts as left out (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`ParamsFault::Repeated`] (RFC 6749 §3.1: "MUST NOT be included more than once").
    pub fn get(&self, name: &str) -> Result<Option<&str>, ParamsFault> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(ParamsFault::Repeated);
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// The values of the one parameter that may come more than once, `resource` (RFC 8707 §2).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused() {
        let params = Params::parse("a=1&b=2&a=1").unwrap();
        assert_eq!(params.get("a"), Err(ParamsFault::Repeated));
        assert_eq!(params.get("b"), Ok(Some("2")));
    }

    #[test]
    fn all_values_of_a_parameter_are_told_but_empty_ones() {
        let params = Params::parse("a=1&b=2&a=&a=3").unwrap();
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(params.all("c").count(), 0);
    }

    #[test]
    fn only_json_has_line_breaks() {
        assert!(Params::parse("claims={%0A%09%22a%22:1%0D%0A}").is_ok());
        for bad in ["claims=%00", "claims=%7F", "nonce=%0A", "claims%0A=1"] {
            assert!(matches!(Params::parse(bad), Err(ParamsFault::Malformed)), "{bad}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_left_out() {
        let params = Params::parse("a=&b").unwrap();
        assert_eq!(params.get("a"), Ok(None));
        assert_eq!(params.get("b"), Ok(None));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        for bad in ["a=%FF", "a=%C3%28", "a=%00", "%0A=1"] {
            assert!(matches!(Params::parse(bad), Err(ParamsFault::Malformed)), "{bad}");
        }
        assert!(matches!(Params::parse(&"a".repeat(MAX_LENGTH + 1)), Err(ParamsFault::TooLong)));
    }

    #[test]
    fn what_came_in_another_form_is_held_to_the_same_rules() {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let long = "å".repeat(MAX_LENGTH / 6 + 1);
        assert!(matches!(Params::of(pair("a", &long)), Err(ParamsFault::TooLong)));
        assert!(matches!(Params::of(pair("a", "\u{0}")), Err(ParamsFault::Malformed)));
        let params = Params::of(pair("a", "x & y")).unwrap().with("b", "1").with("b", "2");
        assert_eq!(params.encode(), "a=x+%26+y&b=2");
        assert_eq!(params.without(&["a"]).encode(), "b=2");
    }

    #[test]
    fn plus_and_percent_are_decoded() {
        let params = Params::parse("scope=openid+profile&n=%C3%A5").unwrap();
        assert_eq!(params.get("scope"), Ok(Some("openid profile")));
        assert_eq!(params.get("n"), Ok(Some("å")));
    }
}

//! The parameters of a request, form-encoded, as they came.

use crate::error::Code;

/// Longest query or form that is read, in bytes: a sealed request must still fit a URL.
pub const MAX_LENGTH: usize = 8 * 1024;

/// Longest query with something sealed in it: a request of [`MAX_LENGTH`], sealed twice over.
const MAX_SEALED_LENGTH: usize = 4 * MAX_LENGTH;

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
        // The parser puts U+FFFD where the bytes are no UTF-8.
        let malformed =
            |text: &str| text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || c.is_control());
        if pairs.iter().any(|(name, value)| malformed(name) || malformed(value)) {
            return Err(ParamsFault::Malformed);
        }
        Ok(Self(pairs))
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

    /// Every value of a parameter that may be sent more than once, in order; those without a value
    /// count as left out.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty()).collect()
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
    fn a_parameter_that_may_be_repeated_keeps_its_order() {
        let params = Params::parse("a=2&b=3&a=&a=1").unwrap();
        assert_eq!(params.all("a"), ["2", "1"]);
        assert_eq!(params.all("c"), [""; 0]);
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
    fn plus_and_percent_are_decoded() {
        let params = Params::parse("scope=openid+profile&n=%C3%A5").unwrap();
        assert_eq!(params.get("scope"), Ok(Some("openid profile")));
        assert_eq!(params.get("n"), Ok(Some("å")));
    }
}

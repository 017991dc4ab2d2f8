//! What a resource is named by (RFC 8707 §2).

use url::Url;

/// Whether a text is an absolute URI without fragment, in printable ASCII.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains('#')
        && Url::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_an_absolute_uri_without_fragment() {
        for good in
            ["https://api.example.se", "https://api.example.se/a?b", "urn:riv:clinicalprocess"]
        {
            assert!(is_identifier(good), "{good}");
        }
        for bad in [
            "",
            "api",
            "/api",
            "//api.example.se",
            "https://",
            "https://a/#",
            "https://å.se",
            "https://a/ b",
        ] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}

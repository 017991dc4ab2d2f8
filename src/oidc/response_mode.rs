//! How the answer to an authorization request travels back (OAuth 2.0 Multiple Response Type Encoding
//! Practices §2.1, Form Post Response Mode §2, JARM §2.3).
//!
//! Must never name `fragment`: a code does not belong where scripts of any page look for it.

use crate::named::named;

named! {
    /// `response_mode`.
    #[derive(Default)]
    pub enum ResponseMode {
        /// In the query of a redirect: what a code is answered by when nothing is said.
        #[default]
        Query = "query",
        /// As a form that the browser posts.
        FormPost = "form_post",
        /// Signed, in the query.
        QueryJwt = "query.jwt",
        /// Signed, as a form.
        FormPostJwt = "form_post.jwt",
    }
}

impl ResponseMode {
    /// The names that `response_mode` may have: those of the modes, and `jwt`.
    pub const PARAMETERS: [&'static str; 5] =
        ["query", "form_post", "query.jwt", "form_post.jwt", "jwt"];

    /// The mode that a parameter names; `jwt` is `query.jwt` for a code (JARM §2.3.4).
    #[must_use]
    pub fn by_parameter(text: &str) -> Option<Self> {
        if text == "jwt" { Some(Self::QueryJwt) } else { text.parse().ok() }
    }

    /// Whether the browser posts it.
    #[must_use]
    pub const fn is_posted(self) -> bool {
        matches!(self, Self::FormPost | Self::FormPostJwt)
    }

    /// Whether it is a signed JWT.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FormPostJwt)
    }

    /// Whether answers to a redirect URI can travel so: an app's own scheme takes no form.
    #[must_use]
    pub fn fits(self, redirect_uri: &str) -> bool {
        let is_web = redirect_uri.starts_with("https://") || redirect_uri.starts_with("http://");
        !self.is_posted() || is_web
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_names_a_mode_and_fragments_name_none() {
        for text in ResponseMode::PARAMETERS {
            assert!(ResponseMode::by_parameter(text).is_some(), "{text}");
        }
        for text in ["fragment", "fragment.jwt", "web_message", "", "Query"] {
            assert_eq!(ResponseMode::by_parameter(text), None, "{text}");
        }
        assert_eq!(ResponseMode::by_parameter("jwt"), Some(ResponseMode::QueryJwt));
    }

    #[test]
    fn an_app_is_sent_no_form() {
        assert!(!ResponseMode::FormPost.fits("se.example.app:/callback"));
        assert!(ResponseMode::QueryJwt.fits("se.example.app:/callback"));
        assert!(ResponseMode::FormPostJwt.fits("http://127.0.0.1:80/callback"));
    }
}

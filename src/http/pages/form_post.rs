//! An answer as a form that posts itself to the relying party (OAuth 2.0 Form Post Response Mode §2).
//!
//! The one page with a script: a single statement, allowed by its hash, so that nothing else runs; where it
//! does not run, a button does the same. The form can go to the origin of the redirect URI alone. Must
//! never be kept: it holds a code.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::words::{Words, words};
use super::{Language, html};
use crate::secret::sha256;

/// What posts the form.
const SCRIPT: &str = "document.forms[0].submit()";

/// A form that posts itself.
pub struct FormPostPage<'a> {
    /// The language of the page, which is seen where the script does not run.
    pub language: Language,
    /// The redirect URI, to the letter.
    pub action: &'a str,
    /// Names and values.
    pub fields: &'a [(&'static str, String)],
}

impl FormPostPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(&FormPostHtml {
            language: self.language,
            words: words(self.language),
            other_language: None,
            action: self.action,
            fields: self.fields,
            script: SCRIPT,
        })
    }

    /// The Content-Security-Policy under which it works: that of every page, and what it needs besides.
    /// Chromium holds the redirects that follow the form to `form-action`, too, and where a relying party
    /// sends its people next is its own affair: hence `https:` (w3c/webappsec-csp#8).
    #[must_use]
    pub fn content_security_policy(&self) -> String {
        let script = STANDARD.encode(sha256(SCRIPT.as_bytes()));
        let target = source(self.action);
        format!(
            "default-src 'none'; style-src 'self'; script-src 'sha256-{script}'; base-uri 'none'; \
             form-action {target} https:; frame-ancestors 'none'"
        )
    }
}

/// The origin of an address as a source (CSP Level 3 §2.3.1), whose grammar has no IPv6: there the scheme
/// has to do.
fn source(action: &str) -> String {
    match Url::parse(action) {
        Ok(url) if matches!(url.host(), Some(Host::Ipv6(_))) => format!("{}:", url.scheme()),
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "'none'".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostHtml<'a> {
    language: Language,
    words: &'static Words,
    other_language: Option<&'a str>,
    action: &'a str,
    fields: &'a [(&'static str, String)],
    script: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(action: &str) -> FormPostPage<'_> {
        FormPostPage { language: Language::Sv, action, fields: &[] }
    }

    #[test]
    fn markup_in_a_value_is_text() {
        let evil = r#""><script>alert(1)</script><input name='x' å&amp;"#;
        let fields = [("state", evil.to_owned())];
        let page = FormPostPage { fields: &fields, ..page(r#"https://rp.example/cb?a="><b>"#) };
        let html = page.render();
        assert_eq!(html.matches("<script>").count(), 1, "{html}");
        assert_eq!(html.matches("<input").count(), 1, "{html}");
        assert!(!html.contains("<b>") && !html.contains("alert(1)</script>"), "{html}");
        assert!(html.contains(&format!("<script>{SCRIPT}</script>")));
        assert!(html.contains("<button"));
    }

    #[test]
    fn the_form_goes_to_the_origin_of_the_redirect_uri_and_may_be_led_on_by_https() {
        for (action, source) in [
            ("https://rp.example/cb?x=1", "form-action https://rp.example https:;"),
            ("https://RP.example:444/cb", "form-action https://rp.example:444 https:;"),
            ("http://127.0.0.1:51004/cb", "form-action http://127.0.0.1:51004 https:;"),
            ("http://[::1]:51004/cb", "form-action http: https:;"),
        ] {
            let policy = page(action).content_security_policy();
            assert!(policy.contains(source), "{policy}");
            assert!(
                !policy.contains("unsafe") && policy.contains("default-src 'none'"),
                "{policy}"
            );
        }
    }
}

//! The pages of Demo-Symfoni, the demonstration relying party: what a system shows its users.
//!
//! Swedish, as such systems are. Everything is escaped, under the same Content-Security-Policy and
//! with the same style sheet as the provider's own pages.

use askama::Template;

use crate::http::pages::html;

/// The page with the login button.
#[derive(Template)]
#[template(path = "demo/start.html")]
pub struct DemoStart<'a> {
    /// Where the login begins.
    pub login_url: &'a str,
}

/// Who is logged in, as the tokens say.
#[derive(Template)]
#[template(path = "demo/logged_in.html")]
pub struct DemoLoggedIn<'a> {
    /// The claim `name`.
    pub name: &'a str,
    /// The claim `systemRole`.
    pub roles: &'a [String],
    /// The claim `employeeHsaId`.
    pub hsa_id: &'a str,
    /// Every claim by name, as text.
    pub claims: &'a [(String, String)],
    /// Every step and the time it took, as text.
    pub timings: &'a [(String, String)],
    /// Where the logout begins.
    pub logout_url: &'a str,
}

/// Why nobody is logged in, as the provider's back channel says.
#[derive(Template)]
#[template(path = "demo/error.html")]
pub struct DemoError<'a> {
    /// `error_code`.
    pub code: &'a str,
    /// The message for the person, filled in.
    pub sentence: &'a str,
    /// The steps to try.
    pub advice: &'a [String],
    /// `error_ref`.
    pub reference: &'a str,
    /// Whom to contact, in words; may be empty.
    pub contact: &'a str,
    /// Where the login begins.
    pub login_url: &'a str,
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page<'_> {
            /// The page as HTML.
            #[must_use]
            pub fn render(&self) -> String {
                html(self)
            }
        }
    )*};
}

pages! { DemoStart DemoLoggedIn DemoError }

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "<script>\"'å\u{5d0}";

    #[test]
    fn markup_in_what_the_provider_sends_is_text() {
        let many = [EVIL.to_owned()];
        let pairs = [(EVIL.to_owned(), EVIL.to_owned())];
        let pages = [
            DemoStart { login_url: EVIL }.render(),
            DemoLoggedIn {
                name: EVIL,
                roles: &many,
                hsa_id: EVIL,
                claims: &pairs,
                timings: &pairs,
                logout_url: EVIL,
            }
            .render(),
            DemoError {
                code: EVIL,
                sentence: EVIL,
                advice: &many,
                reference: EVIL,
                contact: EVIL,
                login_url: EVIL,
            }
            .render(),
        ];
        for page in pages {
            assert!(!page.contains("<script") && page.contains("å\u{5d0}"), "{page}");
            assert_eq!(page.matches("<h1>").count(), 1);
        }
    }

    #[test]
    fn nobody_without_roles_is_shown_an_empty_line() {
        let page = DemoLoggedIn {
            name: "Anna",
            roles: &[],
            hsa_id: "SE1",
            claims: &[],
            timings: &[],
            logout_url: "/logout",
        };
        assert!(page.render().contains("Inga"));
    }
}

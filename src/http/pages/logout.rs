//! The pages of a logout: whether the person wants to, and that it is done.

use askama::Template;

use super::foreign::shortened;
use super::html;
use super::words::{Words, words};
use crate::error::language::Language;
use crate::flow::logout::SEALED;
use crate::oidc::metadata::paths;

/// Whether the person wants to log out: a form, which works without a script.
pub struct LogOutPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The name of the system that asks.
    pub system: Option<&'a str>,
    /// The sealed request, which the form sends back.
    pub sealed: &'a str,
    /// The same page in the other language.
    pub other_language: &'a str,
}

/// That nobody is logged in here any more.
pub struct LoggedOutPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The name of the system that asked.
    pub system: Option<&'a str>,
    /// Where "back to the system" leads.
    pub return_to: Option<&'a str>,
    /// Pages of systems that end their sessions when they are shown in a frame.
    pub frames: &'a [&'a str],
}

impl LogOutPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(&LogOutHtml {
            language: self.language,
            words: words(self.language),
            said: said(self.language),
            other_language: Some(self.other_language),
            system: self.system.map(shortened),
            sealed: self.sealed,
            name: SEALED,
            action: paths::LOGOUT_CONFIRMED,
        })
    }
}

impl LoggedOutPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(&LoggedOutHtml {
            language: self.language,
            words: words(self.language),
            said: said(self.language),
            other_language: None,
            system: self.system.map(shortened),
            return_to: self.return_to,
            frames: self.frames,
        })
    }
}

#[derive(Template)]
#[template(path = "log_out.html")]
struct LogOutHtml<'a> {
    language: Language,
    words: &'static Words,
    said: &'static Said,
    other_language: Option<&'a str>,
    system: Option<String>,
    sealed: &'a str,
    name: &'static str,
    action: &'static str,
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOutHtml<'a> {
    language: Language,
    words: &'static Words,
    said: &'static Said,
    other_language: Option<&'a str>,
    system: Option<String>,
    return_to: Option<&'a str>,
    frames: &'a [&'a str],
}

struct Said {
    question: &'static str,
    asked_by: &'static str,
    what_ends: &'static str,
    yes: &'static str,
    no: &'static str,
    done: &'static str,
    done_here: &'static str,
    steps: [&'static str; 2],
    goes_back: &'static str,
}

const fn said(language: Language) -> &'static Said {
    match language {
        Language::Sv => &Said {
            question: "Vill du logga ut?",
            asked_by: "Du kommer från",
            what_ends: "Du loggas ut här och ur de system som du har loggat in i med den här webbläsaren.",
            yes: "Logga ut",
            no: "Vill du inte? Stäng fliken eller gå tillbaka, så är du kvar.",
            done: "Du är utloggad",
            done_here: "Ingen är längre inloggad här i den här webbläsaren.",
            steps: [
                "Ta ut kortet ur läsaren.",
                "Syns du fortfarande som inloggad i ett annat system? Logga ut där också.",
            ],
            goes_back: "Du skickas strax tillbaka.",
        },
        Language::En => &Said {
            question: "Do you want to log out?",
            asked_by: "You come from",
            what_ends: "You are logged out here and of the systems that you have logged in to with this browser.",
            yes: "Log out",
            no: "You do not want to? Close the tab or go back, and you stay logged in.",
            done: "You are logged out",
            done_here: "Nobody is logged in here any more in this browser.",
            steps: [
                "Take your card out of the reader.",
                "Does another system still show you as logged in? Log out there as well.",
            ],
            goes_back: "You are sent back in a moment.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = r#"</title><script>"'å"#;

    #[test]
    fn markup_in_what_others_wrote_is_text() {
        for language in [Language::Sv, Language::En] {
            let ask =
                LogOutPage { language, system: Some(EVIL), sealed: EVIL, other_language: EVIL };
            let done = LoggedOutPage {
                language,
                system: Some(EVIL),
                return_to: Some(EVIL),
                frames: &[EVIL],
            };
            for page in [ask.render(), done.render()] {
                assert!(!page.contains("<script") && page.contains('å'), "{page}");
                assert_eq!(page.matches("</title>").count(), 1);
                assert_eq!(page.matches("<h1>").count(), 1);
            }
        }
    }

    #[test]
    fn frames_cannot_take_the_page_around_them_away() {
        let page = LoggedOutPage {
            language: Language::Sv,
            system: None,
            return_to: None,
            frames: &["https://rp.example/logout"],
        };
        let page = page.render();
        assert!(page.contains(r#"sandbox="allow-scripts allow-same-origin""#), "{page}");
    }
}

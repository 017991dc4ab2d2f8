//! The pages that people see: a problem, an error code explained, the start page; and their style.
//!
//! Everything is escaped; there is no script, no inline style and nothing from elsewhere, so the
//! strictest Content-Security-Policy holds (the page that posts itself has one script, and says so). Must never show a personnummer or an HSA-id.

mod check;
mod foreign;
mod form_post;
mod logout;
mod words;

use askama::Template;
use chrono::NaiveDate;

use crate::error::Code;
use crate::error::catalogue::First;
use crate::error::language::Language;
use crate::error::messages::{self, Values, description, developer, fill, messages};
pub use check::CheckPage;
use foreign::{isolated, shortened};
pub use form_post::FormPostPage;
pub use logout::{LogOutPage, LoggedOutPage};
use words::{Words, words};

/// The style sheet of every page, to be served at [`STYLESHEET_PATH`] as `text/css`.
pub const STYLESHEET: &str = include_str!("pages/pages.css");

/// Where the pages look for their style sheet. Named by its content, so it may be cached forever.
pub const STYLESHEET_PATH: &str = match std::str::from_utf8(&PATH) {
    Ok(path) => path,
    Err(_) => "/assets/pages.css",
};

/// The Content-Security-Policy under which every page works whole.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What went wrong, for the person it happened to, with a way forward.
pub struct ProblemPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// What went wrong.
    pub code: Code,
    /// The reference of the login attempt, to be read out to the service desk.
    pub reference: Option<&'a str>,
    /// The relying party's name.
    pub system: Option<&'a str>,
    /// Where "try again" leads.
    pub retry: Option<&'a str>,
    /// Whether the next attempt offers more certificates than the last.
    pub shows_more: bool,
    /// Where "back to the system" leads: to the error answer.
    pub back: Option<&'a str>,
    /// The same page in the other language.
    pub other_language: Option<&'a str>,
    /// What certificate was chosen.
    pub detail: PageDetail<'a>,
}

/// What a page may tell of the chosen certificate: nothing about the person.
#[derive(Clone, Copy, Default)]
pub struct PageDetail<'a> {
    /// The common name of the certificate's issuer, which the browser's chooser shows too.
    pub issuer: Option<&'a str>,
    /// The day its validity begins, where that matters.
    pub valid_from: Option<NaiveDate>,
    /// The day its validity ends, where that matters.
    pub valid_until: Option<NaiveDate>,
}

/// `{issuer}/errors/{code}`: one code explained, for people and for developers.
pub struct CodePage {
    /// The language of the page; its link to the other one carries `ui_locales`.
    pub language: Language,
    /// The code to explain.
    pub code: Code,
}

/// `GET /` of the issuer: what this is, and where a developer reads on.
pub struct StartPage<'a> {
    /// The language of the page; its link to the other one carries `ui_locales`.
    pub language: Language,
    /// The issuer identifier.
    pub issuer: &'a str,
}

impl ProblemPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let said = messages(self.code, self.language);
        let words = words(self.language);
        let unnamed = messages::unnamed_system(self.language);
        let system = self.system.map(shortened);
        let named = system.as_deref().map(isolated);
        // The submitted value has no place on our own pages; a test over all codes holds it.
        let values = Values { submitted_value: "", system: named.as_deref().unwrap_or(unnamed) };
        let day = |day: NaiveDate| day.to_string();
        let detail = [
            (words.issued_by, self.detail.issuer.map(shortened)),
            (words.valid_from, self.detail.valid_from.map(day)),
            (words.valid_until, self.detail.valid_until.map(day)),
        ];
        html(&ProblemHtml {
            language: self.language,
            words,
            other_language: self.other_language,
            code: self.code,
            title: &said.title,
            page: fill(&said.page, &values),
            detail: detail.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            retry: self.retry,
            shows_more: self.shows_more,
            back: self.back,
            system: system.as_deref().unwrap_or(unnamed),
            advice: said.advice.iter().map(|step| fill(step, &values)).collect(),
            contact_name: fill(&said.contact_name, &values),
            reference: self.reference,
            about_card: is_about_card(self.code),
        })
    }
}

impl CodePage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let said = messages(self.code, self.language);
        let system = messages::unnamed_system(self.language);
        let values = Values { submitted_value: "", system };
        html(&CodeHtml {
            language: self.language,
            words: words(self.language),
            other_language: Some(other_language(self.language)),
            code: self.code,
            title: &said.title,
            page: fill(&said.page, &values),
            advice: said.advice.iter().map(|step| fill(step, &values)).collect(),
            description: description(self.code),
            developer: developer(self.code),
            first: match self.code.first() {
                First::Person => "The person, on a page with a way back to the system.",
                First::RelyingParty => "The relying party, at once.",
                First::PageOnly => "The person; nobody is known to redirect to.",
            },
            contact: said.contact.name(),
            about_card: is_about_card(self.code),
        })
    }
}

impl StartPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(&StartHtml {
            language: self.language,
            words: words(self.language),
            other_language: Some(other_language(self.language)),
            issuer: self.issuer,
        })
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemHtml<'a> {
    language: Language,
    words: &'static Words,
    other_language: Option<&'a str>,
    code: Code,
    title: &'a str,
    page: String,
    detail: Vec<(&'static str, String)>,
    retry: Option<&'a str>,
    shows_more: bool,
    back: Option<&'a str>,
    system: &'a str,
    advice: Vec<String>,
    contact_name: String,
    reference: Option<&'a str>,
    about_card: bool,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodeHtml<'a> {
    language: Language,
    words: &'static Words,
    other_language: Option<&'a str>,
    code: Code,
    title: &'a str,
    page: String,
    advice: Vec<String>,
    description: &'a str,
    developer: Option<&'a str>,
    first: &'static str,
    contact: &'static str,
    about_card: bool,
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartHtml<'a> {
    language: Language,
    words: &'static Words,
    other_language: Option<&'a str>,
    issuer: &'a str,
}

/// Writing to a String does not fail, and the templates use no filter that does.
pub(crate) fn html(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// Whether trying the card tells more.
fn is_about_card(code: Code) -> bool {
    let also = [Code::AssuranceTooLow, Code::AssuranceNotAskedFor, Code::UserUnknown];
    code.name().starts_with("certificate_") || also.contains(&code)
}

const fn other_language(language: Language) -> &'static str {
    match language {
        Language::Sv => "?ui_locales=en",
        Language::En => "?ui_locales=sv",
    }
}

/// `/assets/{FNV-1a of the style sheet in hexadecimal}.css`.
const PATH: [u8; 28] = {
    let mut path = *b"/assets/0000000000000000.css";
    let css = STYLESHEET.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < css.len() {
        hash = (hash ^ css[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    let mut digit = 0;
    while digit < 16 {
        path[8 + digit] = b"0123456789abcdef"[(hash >> (60 - 4 * digit)) as usize & 15];
        digit += 1;
    }
    path
};

#[cfg(test)]
mod tests;

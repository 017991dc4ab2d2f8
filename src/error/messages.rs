//! Wording by code, Swedish and English, out of `messages/{sv,en}.toml`.
//!
//! Must never hold a value of anybody's: only placeholders, which [`fill`] fills.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Code, language::Language};

/// What is said of one code in one language.
#[derive(Debug, Serialize)]
pub struct Messages {
    /// A short heading.
    pub title: String,
    /// What happened, for the person, in the words that the relying party shows; has placeholders.
    pub message: String,
    /// What happened, as our own pages say it: without the submitted value, which may be a
    /// personnummer; may name `{system}`.
    pub page: String,
    /// Short steps in the order to try.
    pub advice: Vec<String>,
    /// Whom to ask when the steps do not help.
    pub contact: Contact,
    /// The contact in words; nothing for [`Contact::None`].
    pub contact_name: String,
}

/// Whom to ask for help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// The supplier of the card, or the local IT support that handles cards.
    CardSupplier,
    /// The IT support of one's own workplace.
    LocalIt,
    /// The region's dental care unit, which registers users.
    Tandvardsenheten,
    /// The region's service desk.
    ServiceDesk,
    /// The support of the system that was to be logged in to.
    System,
    /// Nobody need be asked.
    None,
}

impl Contact {
    /// The stable name: `contact` on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardSupplier => "card-supplier",
            Self::LocalIt => "local-it",
            Self::Tandvardsenheten => "tandvardsenheten",
            Self::ServiceDesk => "service-desk",
            Self::System => "system",
            Self::None => "none",
        }
    }
}

/// What the placeholders of a message stand for.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// `{submitted_value}`: the HSA-id or personnummer out of the certificate.
    pub submitted_value: &'a str,
    /// `{system}`: the relying party's name, or [`unnamed_system`].
    pub system: &'a str,
}

/// The wording of a code.
#[must_use]
pub fn messages(code: Code, language: Language) -> &'static Messages {
    let wording = match language {
        Language::Sv => &WORDING.sv,
        Language::En => &WORDING.en,
    };
    &wording[code as usize]
}

/// The `error_description` of a code: English, in the characters of RFC 6749 §4.1.2.1, without
/// anything that differs from login to login.
#[must_use]
pub fn description(code: Code) -> &'static str {
    &WORDING.facts[code as usize].0
}

/// What an integrator changes on his own side, in English, for a code that is his to mend.
#[must_use]
pub fn developer(code: Code) -> Option<&'static str> {
    WORDING.facts[code as usize].1.as_deref()
}

/// What a system is called whose name is not known.
#[must_use]
pub const fn unnamed_system(language: Language) -> &'static str {
    match language {
        Language::Sv => "systemet",
        Language::En => "the system",
    }
}

/// Puts values in the place of `{submitted_value}` and `{system}`, in one pass: a value that looks
/// like a placeholder stays as it is.
#[must_use]
pub fn fill(text: &str, values: &Values<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('{') {
        filled.push_str(before);
        if let Some(after) = from.strip_prefix("submitted_value}") {
            filled.push_str(values.submitted_value);
            rest = after;
        } else if let Some(after) = from.strip_prefix("system}") {
            filled.push_str(values.system);
            rest = after;
        } else {
            filled.push('{');
            rest = from;
        }
    }
    filled.push_str(rest);
    filled
}

/// Both files, each in the order of [`Code::ALL`].
struct Wording {
    sv: Vec<Messages>,
    en: Vec<Messages>,
    /// `error_description` and the developer's line, which are English only.
    facts: Vec<(String, Option<String>)>,
}

static WORDING: LazyLock<Wording> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "compiled in, and every test of this module reads it")]
    Wording::read(include_str!("messages/sv.toml"), include_str!("messages/en.toml"))
        .expect("the wording of every code in both languages")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    contact: BTreeMap<Contact, ContactText>,
    code: BTreeMap<String, Text>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactText {
    name: String,
    /// The advice of codes that give none of their own.
    advice: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    title: String,
    message: String,
    page: Option<String>,
    advice: Option<Vec<String>>,
    // English only, for both languages.
    contact: Option<Contact>,
    description: Option<String>,
    developer: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum WordingError {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("{0} lacks wording")]
    Missing(&'static str),
    #[error("no such code: {0}")]
    Unknown(String),
}

impl Wording {
    fn read(sv: &str, en: &str) -> Result<Self, WordingError> {
        let mut sv: File = toml::from_str(sv)?;
        let mut en: File = toml::from_str(en)?;
        let mut read = Self { sv: Vec::new(), en: Vec::new(), facts: Vec::new() };
        for code in Code::ALL {
            let name = code.name();
            let missing = WordingError::Missing(name);
            let (Some(swedish), Some(mut english)) = (sv.code.remove(name), en.code.remove(name))
            else {
                return Err(missing);
            };
            let (Some(contact), Some(description)) = (english.contact, english.description.take())
            else {
                return Err(missing);
            };
            read.facts.push((description, english.developer.take()));
            read.sv.push(swedish.said(contact, &sv.contact).ok_or(WordingError::Missing(name))?);
            read.en.push(english.said(contact, &en.contact).ok_or(missing)?);
        }
        match sv.code.into_keys().chain(en.code.into_keys()).next() {
            Some(unknown) => Err(WordingError::Unknown(unknown)),
            None => Ok(read),
        }
    }
}

impl Text {
    fn said(self, contact: Contact, contacts: &BTreeMap<Contact, ContactText>) -> Option<Messages> {
        let text = contacts.get(&contact)?.clone();
        Some(Messages {
            title: self.title,
            page: self.page.unwrap_or_else(|| self.message.clone()),
            message: self.message,
            advice: self.advice.unwrap_or(text.advice),
            contact,
            contact_name: text.name,
        })
    }
}

#[cfg(test)]
mod tests;

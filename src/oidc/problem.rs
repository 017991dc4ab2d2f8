//! A failure as a relying party is told of it.

use serde_json::{Value, json};
use url::Url;

use crate::error::{Code, messages};

/// A code and the reference of the attempt it ended: all that may go outward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// `error_ref`: what the person can read aloud and the client can ask for.
    pub reference: String,
}

impl Problem {
    /// The members of an OAuth error answer, in the order they are sent: `error`,
    /// `error_description`, `error_uri` (RFC 6749 §4.1.2.1, §5.2), `error_code`, `error_ref`.
    #[must_use]
    pub fn members(&self, issuer: &Url) -> [(&'static str, String); 5] {
        [
            ("error", self.code.oauth().to_owned()),
            ("error_description", messages::description(self.code).to_owned()),
            ("error_uri", error_uri(issuer, self.code)),
            ("error_code", self.code.name().to_owned()),
            ("error_ref", self.reference.clone()),
        ]
    }

    /// The same members as JSON (RFC 6749 §5.2).
    #[must_use]
    pub fn to_json(&self, issuer: &Url) -> Value {
        let members = self.members(issuer);
        members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
    }
}

/// The page that explains a code: `{issuer}/errors/{code}`.
#[must_use]
pub fn error_uri(issuer: &Url, code: Code) -> String {
    format!("{}/errors/{}", issuer.as_str().trim_end_matches('/'), code.name())
}

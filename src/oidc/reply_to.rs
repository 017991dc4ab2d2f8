//! The capability to answer a relying party through the browser.
//!
//! A [`ReplyTo`] exists only once the client and its redirect URI are known to belong together
//! (or comes back out of a sealed login, which was made from one). Must never be built otherwise.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::jarm::{Recipient, UnsignedFault};
use super::problem::Problem;
use super::redirect_uri;
use super::response_mode::ResponseMode;
use crate::keys::keyring::RingAt;

/// Where answers go: a registered redirect URI of the client, with the `state` to hand back, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    redirect_uri: String,
    state: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    mode: ResponseMode,
    /// Whom a signed answer is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
}

fn is_default(mode: &ResponseMode) -> bool {
    *mode == ResponseMode::default()
}

/// What an answer is made with.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// The issuer, named in every answer (RFC 9207 §2).
    pub issuer: &'a Url,
    /// The keys that signed answers are signed with.
    pub ring: RingAt<'a>,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// An answer as the browser carries it. It has no `Debug`: it holds codes.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// In the address of a redirect.
    Redirect {
        /// Where to.
        location: String,
    },
    /// As a form to be posted (OAuth 2.0 Form Post Response Mode §2).
    Form {
        /// Where to: the redirect URI, to the letter.
        action: String,
        /// Its fields.
        fields: Vec<(&'static str, String)>,
    },
}

impl ReplyTo {
    /// Takes a redirect URI that is one of the client's.
    #[must_use]
    pub fn registered(
        client: &Client,
        redirect_uri: &str,
        state: Option<&str>,
        mode: ResponseMode,
    ) -> Option<Self> {
        let reply_to = Self {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            mode,
            recipient: mode.is_signed().then(|| Recipient::of(client)),
        };
        reply_to.is_registered(client).then_some(reply_to)
    }

    /// Whether the redirect URI is one of the client's now: to the letter (RFC 9700 §2.1), but for
    /// the port of a loopback address (RFC 8252 §7.3).
    #[must_use]
    pub fn is_registered(&self, client: &Client) -> bool {
        let registered = &client.redirect_uris;
        registered.iter().any(|registered| redirect_uri::is_same(registered, &self.redirect_uri))
    }

    /// The redirect URI, to the letter.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// How answers travel.
    #[must_use]
    pub const fn mode(&self) -> ResponseMode {
        self.mode
    }

    /// A successful answer: `code`, `state` (RFC 6749 §4.1.2), `iss` (RFC 9207 §2).
    ///
    /// # Errors
    /// [`UnsignedFault`], where it is to be signed.
    pub fn success(&self, code: &str, at: &Answering<'_>) -> Result<Reply, UnsignedFault> {
        self.reply(vec![("code", code.to_owned())], at)
    }

    /// An error answer (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// [`UnsignedFault`], where it is to be signed.
    pub fn error(&self, problem: &Problem, at: &Answering<'_>) -> Result<Reply, UnsignedFault> {
        self.reply(problem.members(at.issuer).into(), at)
    }

    fn reply(
        &self,
        mut members: Vec<(&'static str, String)>,
        at: &Answering<'_>,
    ) -> Result<Reply, UnsignedFault> {
        if let Some(state) = &self.state {
            members.push(("state", state.clone()));
        }
        members.push(("iss", issuer_identifier(at.issuer).to_owned()));
        if let Some(recipient) = &self.recipient {
            members = vec![("response", recipient.sign(&members, at)?)];
        }
        Ok(if self.mode.is_posted() {
            Reply::Form { action: self.redirect_uri.clone(), fields: members }
        } else {
            Reply::Redirect { location: self.address(&members) }
        })
    }

    // Text is appended: parsing and writing the URI again could change its letters.
    fn address(&self, members: &[(&'static str, String)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in members {
            query.append_pair(name, value);
        }
        let separator = match self.redirect_uri.rsplit_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{}", self.redirect_uri, query.finish())
    }
}

/// The issuer identifier to the letter: without the slash that URL parsing appends.
#[must_use]
pub fn issuer_identifier(issuer: &Url) -> &str {
    issuer.as_str().trim_end_matches('/')
}

//! The capability to redirect to a relying party.
//!
//! A [`ReplyTo`] exists only once the client and its redirect URI are known to belong together
//! (or comes back out of a sealed login, which was made from one). Must never be built otherwise.

use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::problem::Problem;

/// Where answers go: a registered redirect URI of the client, with the `state` to hand back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    redirect_uri: String,
    state: Option<String>,
}

impl ReplyTo {
    /// Takes a redirect URI that is, to the letter, one of the client's (RFC 9700 §2.1).
    #[must_use]
    pub fn registered(client: &Client, redirect_uri: &str, state: Option<&str>) -> Option<Self> {
        let reply_to =
            Self { redirect_uri: redirect_uri.to_owned(), state: state.map(str::to_owned) };
        reply_to.is_registered(client).then_some(reply_to)
    }

    /// Whether the redirect URI is, to the letter, one of the client's now.
    #[must_use]
    pub fn is_registered(&self, client: &Client) -> bool {
        client.redirect_uris.contains(&self.redirect_uri)
    }

    /// The redirect URI, to the letter.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The address of a successful answer: `code`, `state` (RFC 6749 §4.1.2), `iss` (RFC 9207 §2).
    #[must_use]
    pub fn success(&self, issuer: &Url, code: &str) -> String {
        self.address(&[("code", code.to_owned())], issuer)
    }

    /// The address of an error answer (RFC 6749 §4.1.2.1).
    #[must_use]
    pub fn error(&self, issuer: &Url, problem: &Problem) -> String {
        self.address(&problem.members(issuer), issuer)
    }

    // Text is appended: parsing and writing the URI again could change its letters.
    fn address(&self, members: &[(&str, String)], issuer: &Url) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in members {
            query.append_pair(name, value);
        }
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer_identifier(issuer));
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

//! The story of a failed login, for the relying party that it concerns, over its own credentials.
//!
//! The only way in which a submitted value leaves the provider.

use serde_json::{Value, json};

use super::client_call::{Call, CallFault, authenticated};
use crate::error::messages::{Values, fill, messages};
use crate::error::{Code, Language};
use crate::keys::Purpose;
use crate::oidc::client::Client;
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::problem::error_uri;
use crate::state::App;
use crate::store::StoreError;
use crate::store::login_errors::{LoginError, Reading, read};

/// Why a story is not told.
#[derive(Debug, thiserror::Error)]
pub enum LoginErrorFault {
    /// The client did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// No such failure of this client in the last ten minutes.
    #[error("no such failed login")]
    Unknown,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<CallFault> for LoginErrorFault {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Client(fault) => Self::Client(fault),
            CallFault::Store(error) => Self::Store(error),
        }
    }
}

impl LoginErrorFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Unknown => Code::LoginErrorUnknown,
            Self::Store(error) => error.code(),
        }
    }
}

/// Tells the story as problem details (RFC 9457 §3), with the documented messages filled in.
///
/// # Errors
/// [`LoginErrorFault`].
pub async fn login_error(
    app: &App,
    reference: &str,
    call: &Call<'_>,
) -> Result<Value, LoginErrorFault> {
    // It holds what a certificate held: nothing for whoever just names a client.
    let by = authenticated(app, call).await?.confidential()?;
    let now = app.clock.now();
    if !is_reference(reference) {
        return Err(LoginErrorFault::Unknown);
    }
    match read(&app.pool, reference, &by, call.address, now).await? {
        Reading::Found(found) => Ok(story(app, reference, &by.client, &found)),
        Reading::Unknown => Err(LoginErrorFault::Unknown),
        Reading::AssertionReplayed => Err(ClientAuthFault::AssertionReplayed.into()),
    }
}

// As Random::reference makes them; anything else is not looked for.
fn is_reference(text: &str) -> bool {
    text.len() == 9
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 => byte == b'-',
            _ => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        })
}

fn story(app: &App, reference: &str, client: &Client, found: &LoginError) -> Value {
    let code = found.code;
    let submitted = found.sealed_submitted_value.as_deref().and_then(|sealed| {
        let opened = app.sealer.open(Purpose::SubmittedValue, found.id.as_bytes(), sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    });
    let values =
        Values { submitted_value: submitted.as_deref().unwrap_or(""), system: &client.name };
    let told = |language| fill(&messages(code, language).message, &values);
    let actions = |language| -> Vec<String> {
        messages(code, language).advice.iter().map(|step| fill(step, &values)).collect()
    };
    let contact = messages(code, Language::Sv);
    json!({
        "type": error_uri(&app.issuer, code),
        "title": messages(code, Language::En).title,
        "status": code.status(),
        "code": code.name(),
        "error": code.oauth(),
        "ref": reference,
        "time": found.created_at,
        "submitted_value": submitted,
        "messages": { "sv": told(Language::Sv), "en": told(Language::En) },
        "retry": code.again(),
        "contact": {
            "kind": contact.contact.name(),
            "sv": fill(&contact.contact_name, &values),
            "en": fill(&messages(code, Language::En).contact_name, &values),
        },
        "actions": { "sv": actions(Language::Sv), "en": actions(Language::En) },
    })
}

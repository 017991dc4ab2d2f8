//! Whether a registration holds together: rules that no single member can break alone.
//!
//! Each rule is one function; they are asked in the order of [`check`]. Must never change what is
//! registered: a registration that breaks a rule is refused with what would be right.

use url::Url;

use super::client::{Client, ClientAuthentication};
use super::client_metadata::GrantType;

/// Why a client cannot be registered so; the text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegistrationFault(pub String);

type Checked = Result<(), RegistrationFault>;

/// Checks a registration before it is written.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(client: &Client) -> Checked {
    keys_are_given_once(client)?;
    assertions_have_keys(client)?;
    redirect_uris_fit_grant_types(client)?;
    // Rules of requests and profiles.

    // Rules of client authentication.

    // Rules of tokens.

    // Rules of subjects and claims.

    // Rules of logout.

    // Rules of browsers.
    cors_origins_are_origins(client)?;
    Ok(())
}

fn refuse(text: &str) -> Checked {
    Err(RegistrationFault(text.to_owned()))
}

// RFC 7591 §2: jwks and jwks_uri must not both be present.
fn keys_are_given_once(client: &Client) -> Checked {
    if client.jwks.is_some() && client.metadata.jwks_uri.is_some() {
        return refuse("give public keys by value or by jwks_uri, not both");
    }
    Ok(())
}

fn assertions_have_keys(client: &Client) -> Checked {
    let has_keys = client.jwks.is_some() || client.metadata.jwks_uri.is_some();
    match client.authentication {
        ClientAuthentication::PrivateKeyJwt if !has_keys => {
            refuse("private_key_jwt needs public keys: by value or by jwks_uri")
        }
        _ => Ok(()),
    }
}

// RFC 6749 §3.1.2.2: whoever is sent answers must say where they may go.
fn redirect_uris_fit_grant_types(client: &Client) -> Checked {
    let is_sent_answers = client.metadata.may_use(GrantType::AuthorizationCode);
    if is_sent_answers && client.redirect_uris.is_empty() {
        return refuse("the grant type authorization_code needs at least one redirect URI");
    }
    Ok(())
}

// RFC 6454 §6.2: what a browser sends is compared to the letter, so another spelling would never fit.
fn cors_origins_are_origins(client: &Client) -> Checked {
    let is_origin = |text: &String| {
        Url::parse(text).is_ok_and(|url| {
            let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
            is_safe && !text.contains('*') && url.origin().ascii_serialization() == *text
        })
    };
    if !client.metadata.cors_origins.iter().all(is_origin) {
        return refuse(
            "an origin is https://host or https://host:port as browsers send it: lower case, no path, \
             no :443 (http on loopback alone)",
        );
    }
    Ok(())
}

//! Whether a registration holds together: rules that no single member can break alone.
//!
//! Each rule is one function; they are asked in the order of [`check`]. Must never change what is
//! registered: a registration that breaks a rule is refused with what would be right.

mod tokens;

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
    tokens::check(client)?;

    // Rules of subjects and claims.

    // Rules of logout.

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

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::keys::SigningAlg;
    use crate::oidc::client::{Pkce, SignOn, ToldFirst};
    use crate::oidc::client_metadata::ClientMetadata;
    use crate::oidc::scope::Scope;

    /// A client that may be registered, to be bent.
    pub(in crate::oidc) fn client() -> Client {
        Client {
            id: "client".to_owned(),
            name: "Client".to_owned(),
            system: None,
            enabled: true,
            authentication: ClientAuthentication::SecretBasic { hash: [7; 32] },
            redirect_uris: vec!["https://rp.example.se/callback".to_owned()],
            scopes: BTreeSet::from([Scope::OpenId]),
            system_scopes: BTreeSet::new(),
            signing_alg: SigningAlg::Es256,
            pkce: Pkce::Required,
            sign_on: SignOn::Card,
            required_loa: None,
            told_first: ToldFirst::Catalogue,
            jwks: None,
            metadata: ClientMetadata::default(),
        }
    }

    #[test]
    fn a_client_may_be_registered() {
        assert_eq!(check(&client()), Ok(()));
    }
}

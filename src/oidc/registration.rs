//! Whether a registration holds together: rules that no single member can break alone.
//!
//! Each rule is one function; they are asked in the order of [`check`]. Must never change what is
//! registered: a registration that breaks a rule is refused with what would be right.

mod client_authentication;
mod logout;
mod requests;
mod tokens;

use url::Url;

use super::client::{Client, ClientAuthentication};
use super::client_metadata::{GrantType, SubjectType};
use super::tls_client_auth::{ExpectedSubject, certificates_fit_keys, names_a_certificate};
use super::{profile, subject};
use crate::keys::jwe::RecipientKey;

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
    profile::check_registration(client)?;
    requests::check(client)?;
    keys_are_at_a_secure_address(client)?;
    request_objects_have_keys(client)?;

    // Rules of client authentication.
    certificates_are_named_once(client)?;
    registered_certificates_are_there(client)?;
    client_authentication::check(client)?;

    // Rules of tokens.
    tokens::check(client)?;
    what_is_encrypted_has_a_key(client)?;

    // Rules of subjects and claims.
    sector_identifier_is_https(client)?;
    pairwise_subjects_have_a_sector(client)?;

    // Rules of logout.
    logout::check(client)?;

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

// RFC 8705 §2.1.2: exactly one member names the certificate of a client.
fn certificates_are_named_once(client: &Client) -> Checked {
    if matches!(client.authentication, ClientAuthentication::TlsClientAuth) {
        return match ExpectedSubject::registered(&client.metadata) {
            Ok(_) => Ok(()),
            Err(fault) => refuse(&fault.to_string()),
        };
    }
    if names_a_certificate(&client.metadata) {
        return refuse("the members tls_client_auth_... go with the method tls_client_auth");
    }
    Ok(())
}

// RFC 7591 §2: keys come from a server that proves to be the client's.
fn keys_are_at_a_secure_address(client: &Client) -> Checked {
    let Some(address) = &client.metadata.jwks_uri else { return Ok(()) };
    let is_secure = Url::parse(address).is_ok_and(|url| {
        url.scheme() == "https"
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if is_secure {
        return Ok(());
    }
    refuse("jwks_uri must be https with a host, without fragment and user")
}

// RFC 9101 §6.2: there must be a key that a signature could be checked by.
fn request_objects_have_keys(client: &Client) -> Checked {
    let metadata = &client.metadata;
    let must_sign =
        metadata.require_signed_request_object || metadata.request_object_signing_alg.is_some();
    if must_sign && client.jwks.is_none() && metadata.jwks_uri.is_none() {
        return refuse("signed request objects need public keys: by value or by jwks_uri");
    }
    Ok(())
}

// RFC 8705 §2.2.2: the certificates are in x5c, or known by their keys.
fn registered_certificates_are_there(client: &Client) -> Checked {
    if !matches!(client.authentication, ClientAuthentication::SelfSignedTlsClientAuth) {
        return Ok(());
    }
    match &client.jwks {
        None => {
            refuse("self_signed_tls_client_auth needs the certificate by value: a JWK set with x5c")
        }
        Some(jwks) if !certificates_fit_keys(jwks) => refuse(
            "the first certificate of each x5c must hold the key beside it (RFC 7517 section 4.7)",
        ),
        Some(_) => Ok(()),
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

// OpenID Connect Dynamic Client Registration 1.0 §2: enc goes with alg; and a key that cannot be had is
// told here, not to whoever logs in.
fn what_is_encrypted_has_a_key(client: &Client) -> Checked {
    let metadata = &client.metadata;
    for (what, alg, enc) in [
        (
            "id_token",
            metadata.id_token_encrypted_response_alg,
            metadata.id_token_encrypted_response_enc,
        ),
        (
            "userinfo",
            metadata.userinfo_encrypted_response_alg,
            metadata.userinfo_encrypted_response_enc,
        ),
        (
            "authorization",
            metadata.authorization_encrypted_response_alg,
            metadata.authorization_encrypted_response_enc,
        ),
    ] {
        let Some(alg) = alg else {
            if enc.is_some() {
                return refuse(&format!(
                    "{what}_encrypted_response_enc goes with {what}_encrypted_response_alg"
                ));
            }
            continue;
        };
        let has_key = match &client.jwks {
            Some(jwks) => RecipientKey::choose(jwks, alg).is_some(),
            None => metadata.jwks_uri.is_some(),
        };
        if !has_key {
            return refuse(&format!(
                "{what}_encrypted_response_alg {alg} needs a public key that fits it, with use enc \
                 or none: {}",
                if alg.is_rsa() { "RSA of 2048 bits or more" } else { "EC on P-256 or P-384" }
            ));
        }
    }
    Ok(())
}

// OpenID Connect Core 1.0 §8.1.
fn sector_identifier_is_https(client: &Client) -> Checked {
    let Some(uri) = &client.metadata.sector_identifier_uri else { return Ok(()) };
    match Url::parse(uri) {
        Ok(url) if url.scheme() == "https" && url.host_str().is_some() => Ok(()),
        _ => refuse("sector_identifier_uri must be an https address"),
    }
}

// The same: which client may recognise whom must not hang on which redirect URI comes first.
fn pairwise_subjects_have_a_sector(client: &Client) -> Checked {
    let is_pairwise = client.metadata.subject_type == SubjectType::Pairwise;
    if is_pairwise && subject::sector(client).is_none() {
        return refuse(
            "pairwise subjects need redirect URIs of one host, or a sector_identifier_uri",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;

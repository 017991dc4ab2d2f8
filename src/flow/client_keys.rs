//! The public keys of a client: by value.
//!
//! Must never give a key that the client did not register.

use std::sync::Arc;

use secrecy::SecretString;

use crate::keys::JweAlg;
use crate::keys::jwe::RecipientKey;
use crate::keys::jwt::PublicKey;
use crate::oidc::client::Client;
use crate::state::App;

/// The keys that a JWT of the client may be signed with; none where it has no usable ones.
#[expect(clippy::unused_async, reason = "keys by address are fetched within")]
pub async fn signing_with(_app: &App, client: &Client, _jwt: &SecretString) -> Arc<[PublicKey]> {
    let keys = client.jwks.as_ref().and_then(|jwks| PublicKey::from_jwks(jwks).ok());
    keys.unwrap_or_default().into()
}

/// The key that the client is encrypted to by an algorithm; none where it has no fitting one.
#[expect(clippy::unused_async, reason = "keys by address are fetched within")]
pub async fn encrypting_to(_app: &App, client: &Client, alg: JweAlg) -> Option<RecipientKey> {
    client.jwks.as_ref().and_then(|jwks| RecipientKey::choose(jwks, alg))
}

//! The public keys of a client: by value, or from the address that it registered.
//!
//! Must never give a key that the client did not register, or does not publish.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::keys::JweAlg;
use crate::keys::jwe::RecipientKey;
use crate::keys::jwt::{self, PublicKey};
use crate::oidc::client::Client;
use crate::state::App;

/// The keys that a client assertion may be signed with; none where it has no usable ones.
pub async fn signing_with(app: &App, client: &Client, jwt: &SecretString) -> Arc<[PublicKey]> {
    signing(app, client, jwt.expose_secret()).await
}

/// The keys that a JWT of the client may be signed with; none where it has no usable ones.
pub async fn signing(app: &App, client: &Client, jwt: &str) -> Arc<[PublicKey]> {
    let Some(address) = &client.metadata.jwks_uri else {
        let keys = client.jwks.as_ref().and_then(|jwks| PublicKey::from_jwks(jwks).ok());
        return keys.unwrap_or_default().into();
    };
    let kid = jwt::unverified_header(jwt).ok().and_then(|header| header.kid);
    let now = app.clock.now();
    let keys = app.client_keys.keys(&client.id, address, kid.as_deref(), now).await;
    keys.map(|keys| keys.signing.clone()).unwrap_or_default()
}

/// The JWK Set of the client, of keys that it can be encrypted to and of certificates; none where it has
/// none, or none is to be had.
pub async fn jwks(app: &App, client: &Client) -> Option<Arc<Value>> {
    let Some(address) = &client.metadata.jwks_uri else {
        return client.jwks.clone().map(Arc::new);
    };
    let keys = app.client_keys.keys(&client.id, address, None, app.clock.now()).await?;
    Some(keys.jwks.clone())
}

/// The key that the client is encrypted to by an algorithm; none where it has no fitting one.
pub async fn encrypting_to(app: &App, client: &Client, alg: JweAlg) -> Option<RecipientKey> {
    RecipientKey::choose(&*jwks(app, client).await?, alg)
}

//! Tokens of a grant, signed: the same whether a code or a refresh token was exchanged.

use super::protected::Encryption;
use super::token::{TokenRefusal, Tokens};
use crate::keys::KeyRecord;
use crate::keys::keyring::RingAt;
use crate::oidc::claims::{self, Issue};
use crate::oidc::client::Client;
use crate::oidc::code::LiveGrant;
use crate::oidc::confirmation::Confirmation;
use crate::state::App;

/// Whom tokens are for, and what they are bound to.
pub struct Bound<'a> {
    /// The client.
    pub client: &'a Client,
    /// What it must prove to use them.
    pub confirmation: Confirmation,
}

/// Access token and ID token of a grant that is in force.
///
/// # Errors
/// [`TokenRefusal::Signing`], [`TokenRefusal::Encryption`].
pub async fn of_grant(
    app: &App,
    to: &Bound<'_>,
    grant: &LiveGrant,
) -> Result<Tokens, TokenRefusal> {
    let now = app.clock.now();
    let sub = app.subject(to.client, grant.user.id());
    let registry = app.registry.load();
    let key = signing_key(&registry.keyring.at(now), to.client)?;
    let lifetime = app.lifetimes.access_token;
    let issue = Issue {
        issuer: &app.issuer,
        client: to.client,
        grant,
        key,
        now,
        lifetime,
        confirmation: &to.confirmation,
        sub: &sub,
        profile: app.claim_profiles.of(to.client),
    };
    let access_token = claims::access_token(&issue, app.random.uuid(now))
        .map_err(|error| TokenRefusal::Signing(error.to_string()))?;
    let id_token =
        claims::id_token(&Issue { lifetime: app.lifetimes.id_token, ..issue }, &access_token)
            .map_err(|error| TokenRefusal::Signing(error.to_string()))?;
    let metadata = &to.client.metadata;
    let encryption = Encryption {
        alg: metadata.id_token_encrypted_response_alg,
        enc: metadata.id_token_encrypted_response_enc,
    };
    let id_token = encryption.jwt(app, to.client, id_token).await?;
    let scopes: Vec<&str> = grant.scopes.iter().map(|scope| scope.name()).collect();
    Ok(Tokens {
        access_token,
        token_type: if to.confirmation.jkt.is_some() { "DPoP" } else { "Bearer" },
        expires_in: lifetime.num_seconds(),
        id_token: Some(id_token),
        refresh_token: None,
        scope: scopes.join(" "),
    })
}

fn signing_key<'r>(ring: &RingAt<'r>, client: &Client) -> Result<&'r KeyRecord, TokenRefusal> {
    let alg = client.signing_alg;
    let missing = || TokenRefusal::Signing(format!("no key signs with {alg} now"));
    ring.signing(alg).ok_or_else(missing)
}

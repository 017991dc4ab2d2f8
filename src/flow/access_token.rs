//! An access token comes back: is it one of ours, and does all that it rests on still stand?
//!
//! The same for UserInfo, introspection and revocation, whether it is a JWT or tells nothing. Must never
//! believe a claim before the signature was checked or the token was found by its hash.

use std::sync::Arc;

use uuid::Uuid;

use super::authorize::{role_demand, still_stands};
use super::user_info::TokenFault;
use crate::keys::jwt;
use crate::oidc::access_token::{AccessTokenClaims, TYPE};
use crate::oidc::client::Client;
use crate::oidc::code::LiveGrant;
use crate::oidc::reply_to::issuer_identifier;
use crate::secret::sha256;
use crate::state::App;
use crate::store::{StoreError, access_tokens, grants};

/// What an access token says that was issued here and is not past its time. For whom it is is the caller's
/// to judge, and so is whether it [`stands`].
///
/// # Errors
/// [`TokenFault`]: none of ours, expired.
pub async fn issued(app: &App, token: &str) -> Result<AccessTokenClaims, TokenFault> {
    let claims = if is_jwt(token) {
        signed(app, token)?
    } else {
        let found = access_tokens::by_hash(&app.pool, &sha256(token.as_bytes())).await?;
        found.ok_or(TokenFault::Malformed)?
    };
    if claims.has_expired(app.clock.now()) {
        return Err(TokenFault::Expired);
    }
    Ok(claims)
}

/// What a signed access token of ours says, expired or not (RFC 9068 §4: type, signature, issuer).
///
/// # Errors
/// [`TokenFault::Malformed`].
pub fn signed(app: &App, token: &str) -> Result<AccessTokenClaims, TokenFault> {
    let header = jwt::unverified_header(token).map_err(|_| TokenFault::Malformed)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(TokenFault::Malformed);
    }
    let registry = app.registry.load();
    let claims: AccessTokenClaims = header
        .kid
        .and_then(|kid| registry.keyring.at(app.clock.now()).verifying(&kid))
        .ok_or(TokenFault::Malformed)?
        .verify(token)
        .map_err(|_| TokenFault::Malformed)?;
    if claims.iss != issuer_identifier(&app.issuer) {
        return Err(TokenFault::Malformed);
    }
    Ok(claims)
}

/// Whether a text is a JWS in its compact form; our opaque tokens have no dot.
#[must_use]
pub fn is_jwt(token: &str) -> bool {
    token.contains('.')
}

/// Whose an access token is that counts.
pub enum Standing {
    /// A person's, at a client.
    OfPerson(Arc<Client>, Box<LiveGrant>),
    /// A client's own.
    OfClient,
}

/// Whether all that an access token rests on still stands: the client, the grant, its session and its
/// person, and that it was not revoked itself. The grant is told with the scopes of the token.
///
/// # Errors
/// [`TokenFault::Revoked`], or the database failed.
pub async fn stands(app: &App, claims: &AccessTokenClaims) -> Result<Standing, TokenFault> {
    let client =
        app.client(&claims.client_id).filter(|client| client.enabled).ok_or(TokenFault::Revoked)?;
    let Some(grant) = claims.grant else {
        let is_revoked = access_tokens::is_revoked(&app.pool, claims.jti).await?;
        return if is_revoked { Err(TokenFault::Revoked) } else { Ok(Standing::OfClient) };
    };
    let grant = in_force(app, &client, grant, Some(claims.jti))
        .await?
        .filter(|grant| app.subject(&client, grant.user.id()) == claims.sub)
        .ok_or(TokenFault::Revoked)?;
    let scopes = claims.scopes().intersection(&grant.scopes).copied().collect();
    Ok(Standing::OfPerson(client, Box::new(LiveGrant { scopes, ..grant })))
}

/// A grant, if all that it rests on still stands: session, person, role and card, and the signed access
/// token that names it, where one does.
///
/// # Errors
/// The database failed.
pub(super) async fn in_force(
    app: &App,
    client: &Client,
    grant: Uuid,
    by_token: Option<Uuid>,
) -> Result<Option<LiveGrant>, StoreError> {
    let now = app.clock.now();
    let found = grants::by_id(&app.pool, grant, client, by_token, now).await?;
    let Some((grant, certificate)) = found else { return Ok(None) };
    if !still_stands(app, certificate.as_ref(), now).await {
        return Ok(None);
    }
    Ok(grant.live(client, role_demand(client), now))
}

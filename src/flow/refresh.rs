//! A refresh token becomes tokens (RFC 6749 §6; OpenID Connect Core 1.0 §12).
//!
//! The person, the roles and the card are judged anew each time. Must never let a token that rotates be used
//! twice: the second use revokes all that the login gave (RFC 9700 §4.14.2).

use super::access_token;
use super::token::{TokenCall, TokenRefusal, Tokens};
use super::tokens::{self, Bound};
use crate::oidc::client::Client;
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::code::{GrantFault, LiveGrant};
use crate::oidc::confirmation::Confirmation;
use crate::oidc::profile::Rules;
use crate::oidc::refresh::{RefreshRequest, bound_to, is_given_to, outlives_session};
use crate::oidc::reply_to::issuer_identifier;
use crate::oidc::resource;
use crate::secret::sha256;
use crate::state::App;
use crate::store::StoreError;
use crate::store::refresh_tokens::{self, First, Held, Use, Used};

/// The first refresh token of a login, and what is to be kept of it; none where the client gets none.
///
/// # Errors
/// [`TokenRefusal::Store`] where its key does not serialise.
pub fn first(
    app: &App,
    client: &Client,
    grant: &LiveGrant,
    proved: &Confirmation,
) -> Result<Option<(String, First)>, TokenRefusal> {
    if !is_given_to(client) {
        return Ok(None);
    }
    let token = app.random.token();
    let first = First {
        hash: sha256(token.as_bytes()),
        confirmation: serde_json::to_value(bound_to(client, proved))
            .map_err(StoreError::Document)?,
        idle_until: app.clock.now() + app.lifetimes.refresh_token_idle,
        ends_at: grant.authentication.auth_time + app.lifetimes.refresh_token,
        with_session: !outlives_session(client, &grant.scopes),
    };
    Ok(Some((token, first)))
}

/// Uses the refresh token of a client: check by check, and then by one statement. What is refused before
/// that leaves the token as it was.
///
/// # Errors
/// [`TokenRefusal`].
pub async fn refresh(
    app: &App,
    TokenCall { by, params, call, confirmation }: TokenCall<'_>,
) -> Result<Tokens, TokenRefusal> {
    let request = RefreshRequest::parse(params)?;
    let client = &*by.client;
    let now = app.clock.now();
    let attempt = Use {
        hash: sha256(request.token.as_bytes()),
        by: &by,
        next: None,
        idle_until: now + app.lifetimes.refresh_token_idle,
        opaque: None,
        address: call.address,
        now,
    };
    let held = refresh_tokens::by_hash(&app.pool, &attempt.hash, client).await?;
    let held = held.ok_or(GrantFault::RefreshTokenUnknown)?;
    match held.token.check(&confirmation, now) {
        Ok(()) => {}
        Err(GrantFault::RefreshTokenReplayed) => return Err(replayed(app, &attempt).await?),
        Err(fault) => return Err(fault.into()),
    }
    let grant = in_force(app, client, &held).await?.ok_or(GrantFault::Revoked)?;
    let grant = LiveGrant {
        scopes: request.narrowed(&grant.scopes)?,
        // OpenID Connect Core 1.0 §12.2: the nonce was of the authorization request.
        nonce: None,
        ..grant
    };
    let issuer = issuer_identifier(&app.issuer);
    let audience = resource::of_grant(request.resources, &grant.terms, client, issuer)
        .map_err(GrantFault::Resource)?;
    let bound = Bound { client, confirmation, audience };
    let mut made = tokens::of_grant(app, bound, &grant).await?;
    let next = Rules::of(client).rotates_refresh_tokens.then(|| app.random.token());
    let used = Use {
        next: next.as_deref().map(|token| sha256(token.as_bytes())),
        opaque: made.opaque.as_ref(),
        ..attempt
    };
    match refresh_tokens::use_once(&app.pool, &used).await? {
        Used::Fresh => {}
        Used::Replayed => return Err(GrantFault::RefreshTokenReplayed.into()),
        Used::AssertionReplayed => return Err(ClientAuthFault::AssertionReplayed.into()),
    }
    // RFC 6749 §6: without rotation the client keeps the one that it has.
    made.tokens.refresh_token = next;
    Ok(made.tokens)
}

/// The grant of a refresh token, if all that it rests on still stands: session, person, role and card.
///
/// # Errors
/// The database failed.
pub(super) async fn in_force(
    app: &App,
    client: &Client,
    held: &Held,
) -> Result<Option<LiveGrant>, StoreError> {
    access_token::in_force(app, client, held.grant_id, None).await
}

/// Revokes what the login gave, and says so.
async fn replayed(app: &App, attempt: &Use<'_>) -> Result<TokenRefusal, StoreError> {
    Ok(match refresh_tokens::use_once(&app.pool, attempt).await? {
        Used::AssertionReplayed => ClientAuthFault::AssertionReplayed.into(),
        Used::Fresh | Used::Replayed => GrantFault::RefreshTokenReplayed.into(),
    })
}

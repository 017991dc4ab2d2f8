//! A client gets an access token of its own (RFC 6749 §4.4): systems that call each other.
//!
//! Must never give anything of a person: no ID token, no refresh token, no scope of people.

use std::collections::BTreeSet;

use super::token::{TokenCall, TokenRefusal, Tokens};
use super::tokens::{self, Bound};
use crate::oidc::client::Client;
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::code::GrantFault;
use crate::oidc::params::Params;
use crate::oidc::reply_to::issuer_identifier;
use crate::oidc::resource;
use crate::oidc::system_scope::SystemScope;
use crate::state::App;
use crate::store::access_tokens::{self, Given};

/// Gives a client a token, for the scopes and the resource that it is registered for.
///
/// # Errors
/// [`TokenRefusal`].
pub async fn client_credentials(
    app: &App,
    TokenCall { by, params, call, confirmation }: TokenCall<'_>,
) -> Result<Tokens, TokenRefusal> {
    let client = &*by.client;
    let scopes = scopes(params, client)?;
    let asked = resource::asked(params).map_err(GrantFault::Resource)?;
    let audience = resource::of_client(asked, client, issuer_identifier(&app.issuer))
        .map_err(GrantFault::Resource)?;
    let bound = Bound { client, confirmation, audience };
    let made = tokens::of_client(app, bound, &scopes)?;
    let given = Given {
        jti: made.claims.jti,
        scope: &made.claims.scope,
        address: call.address,
        now: app.clock.now(),
    };
    if !access_tokens::give_to_client(&app.pool, &by, made.opaque.as_ref(), given).await? {
        return Err(ClientAuthFault::AssertionReplayed.into());
    }
    Ok(made.tokens)
}

// RFC 6749 §3.3: those asked for, which must all be registered; left out, all that are.
fn scopes(params: &Params, client: &Client) -> Result<BTreeSet<SystemScope>, GrantFault> {
    let Some(scope) = params.get("scope")? else { return Ok(client.system_scopes.clone()) };
    let names = scope.split(' ').filter(|name| !name.is_empty());
    let asked: Option<BTreeSet<SystemScope>> = names.map(|name| name.parse().ok()).collect();
    asked
        .filter(|asked| !asked.is_empty() && asked.is_subset(&client.system_scopes))
        .ok_or(GrantFault::ScopeUnregistered)
}

//! A code becomes tokens (RFC 6749 §4.1.3; OpenID Connect Core 1.0 §3.1.3).

use super::authorize::role_demand;
use super::protected::Encryption;
use super::refresh;
use super::token::{TokenCall, TokenRefusal, Tokens};
use super::tokens::{self, Bound};
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::code::{GrantFault, TokenRequest};
use crate::oidc::reply_to::issuer_identifier;
use crate::oidc::resource;
use crate::state::App;
use crate::store::codes::{Redemption, redeem as redeem_code};
use crate::store::refresh_tokens;

/// Redeems the code of a client, checks the rest, and signs.
///
/// # Errors
/// [`TokenRefusal`]. After a wrong redirect URI or verifier the code is spent all the same.
pub async fn redeem(
    app: &App,
    TokenCall { by, params, call, confirmation }: TokenCall<'_>,
) -> Result<Tokens, TokenRefusal> {
    let request = TokenRequest::parse(params)?;
    let client = &*by.client;
    let now = app.clock.now();
    let issuer = issuer_identifier(&app.issuer);
    resource::could_be_granted(&request.resources, client, issuer).map_err(GrantFault::Resource)?;
    Encryption::of_id_tokens(client).check(app, client).await?;
    let issued = match redeem_code(&app.pool, &request.code, &by, call.address, now).await? {
        Redemption::Fresh(issued) => issued,
        Redemption::Replayed => return Err(GrantFault::CodeReplayed.into()),
        Redemption::Unknown => return Err(GrantFault::CodeUnknown.into()),
        Redemption::AssertionReplayed => return Err(ClientAuthFault::AssertionReplayed.into()),
    };
    issued.check_key(&confirmation)?;
    let grant = issued.check(&request, (client, role_demand(client)), now)?;
    let audience = resource::of_grant(request.resources, &grant.terms, client, issuer)
        .map_err(GrantFault::Resource)?;
    let first = refresh::first(app, client, &grant, &confirmation)?;
    let mut made = tokens::of_grant(app, Bound { client, confirmation, audience }, &grant).await?;
    let (refresh_token, first) = first.unzip();
    // A login that gives nothing to be remembered writes nothing more.
    if made.opaque.is_some() || first.is_some() {
        let given = (made.opaque.as_ref(), first.as_ref());
        let is_kept = refresh_tokens::keep(&app.pool, grant.id, given, now).await?;
        made.tokens.refresh_token = refresh_token.filter(|_| is_kept);
    }
    Ok(made.tokens)
}

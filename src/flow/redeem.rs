//! A code becomes tokens (RFC 6749 §4.1.3; OpenID Connect Core 1.0 §3.1.3).

use super::authorize::role_demand;
use super::token::{TokenCall, TokenRefusal, Tokens};
use super::tokens::{self, Bound};
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::code::{GrantFault, TokenRequest};
use crate::state::App;
use crate::store::codes::{Redemption, redeem as redeem_code};

/// Redeems the code of a client, checks the rest, and signs.
///
/// # Errors
/// [`TokenRefusal`]. After a wrong redirect URI or verifier the code is spent all the same.
pub async fn redeem(
    app: &App,
    TokenCall { by, params, call, confirmation }: TokenCall<'_>,
) -> Result<Tokens, TokenRefusal> {
    let request = TokenRequest::parse(params)?;
    let now = app.clock.now();
    let issued = match redeem_code(&app.pool, &request.code, &by, call.address, now).await? {
        Redemption::Fresh(issued) => issued,
        Redemption::Replayed => return Err(GrantFault::CodeReplayed.into()),
        Redemption::Unknown => return Err(GrantFault::CodeUnknown.into()),
        Redemption::AssertionReplayed => return Err(ClientAuthFault::AssertionReplayed.into()),
    };
    let grant = issued.check(&request, role_demand(&by.client), now)?;
    tokens::of_grant(app, &Bound { client: &by.client, confirmation }, &grant).await
}

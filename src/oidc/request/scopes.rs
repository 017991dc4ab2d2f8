//! `scope` (OpenID Connect Core 1.0 §3.1.2.1, §11).

use std::collections::BTreeSet;

use super::RequestFault;
use crate::oidc::client::Client;
use crate::oidc::client_metadata::{GrantType, RefreshTokens};
use crate::oidc::params::Params;
use crate::oidc::scope::Scope;

/// The scopes asked for that exist; others are ignored (OpenID Connect Core 1.0 §3.1.2.1).
pub(super) fn scopes(params: &Params, client: &Client) -> Result<BTreeSet<Scope>, RequestFault> {
    let mut scopes: BTreeSet<Scope> =
        params.get("scope")?.unwrap_or("").split(' ').filter_map(|s| s.parse().ok()).collect();
    if !scopes.contains(&Scope::OpenId) {
        return Err(RequestFault::ScopeOpenidMissing);
    }
    let is_offline = scopes.remove(&Scope::OfflineAccess) && permits_offline_access(client);
    if !scopes.is_subset(&client.scopes) {
        return Err(RequestFault::ScopeUnregistered);
    }
    scopes.extend(is_offline.then_some(Scope::OfflineAccess));
    Ok(scopes)
}

// OpenID Connect Core 1.0 §11: ignored without prompt=consent, unless other conditions permit it; here,
// that the client is registered for tokens that outlive the session. Nothing else gives such.
fn permits_offline_access(client: &Client) -> bool {
    client.metadata.may_use(GrantType::RefreshToken)
        && client.metadata.refresh_tokens == RefreshTokens::Offline
}

//! The Swedish OpenID Connect Profile 1.0.

use super::Rules;
use crate::oidc::client::{AuthMethod, Client};
use crate::oidc::registration::RegistrationFault;

/// §2.1.2: 128 bits of entropy are 22 characters of base64url at the least.
const SHORTEST_STATE: usize = 22;

pub(super) fn narrow(registered: Rules, client: &Client) -> Rules {
    Rules {
        // §2.1: both are mandatory parameters.
        nonce: true,
        shortest_state: SHORTEST_STATE,
        // §4.3: responses from the UserInfo endpoint must be signed.
        userinfo_alg: registered.userinfo_alg.or(Some(client.signing_alg)),
        // §4.3, §2.3: UserInfo is where claims are told; in the ID token, those asked for there.
        scope_claims_in_id_token: false,
        ..registered
    }
}

pub(super) fn check(client: &Client) -> Result<(), RegistrationFault> {
    // §3.1.1: private_key_jwt, or mutual TLS; a secret is shared with us and proves less. A public
    // client sends a code challenge always.
    let method = client.authentication.method();
    if matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost) {
        return Err(RegistrationFault(
            "profile sweden takes private_key_jwt and mutual TLS, not client secrets".to_owned(),
        ));
    }
    Ok(())
}

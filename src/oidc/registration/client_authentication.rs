//! Whether what a client is registered to prove fits what it may do.

use super::{Checked, refuse};
use crate::oidc::client::{AuthMethod, Client, ClientAuthentication, Pkce};
use crate::oidc::client_metadata::GrantType;

/// Rules of client authentication, and of clients that have none.
pub(super) fn check(client: &Client) -> Checked {
    assertion_members_fit_the_method(client)?;
    if client.authentication != ClientAuthentication::None {
        return Ok(());
    }
    public_clients_send_a_challenge(client)?;
    public_clients_ask_for_people_alone(client)?;
    public_clients_read_no_tokens(client)
}

// OpenID Connect Registration 1.0 §2: only for methods that sign a JWT.
fn assertion_members_fit_the_method(client: &Client) -> Checked {
    let metadata = &client.metadata;
    let says_how =
        metadata.token_endpoint_auth_signing_alg.is_some() || metadata.require_client_assertion_typ;
    if says_how && client.authentication.method() != AuthMethod::PrivateKeyJwt {
        return refuse(
            "token_endpoint_auth_signing_alg and require_client_assertion_typ go with private_key_jwt",
        );
    }
    Ok(())
}

// RFC 9700 §2.1.1.
fn public_clients_send_a_challenge(client: &Client) -> Checked {
    if client.pkce == Pkce::Optional {
        return refuse("PKCE is not optional for a public client (none)");
    }
    Ok(())
}

// RFC 6749 §4.4.
fn public_clients_ask_for_people_alone(client: &Client) -> Checked {
    if client.metadata.may_use(GrantType::ClientCredentials) {
        return refuse("client_credentials is for clients that authenticate, not for none");
    }
    Ok(())
}

// RFC 7662 §2.1: the endpoint must require authorization.
fn public_clients_read_no_tokens(client: &Client) -> Checked {
    if client.metadata.introspects {
        return refuse("introspects is for clients that authenticate, not for none");
    }
    Ok(())
}

//! Rules of tokens: refresh tokens, resources, tokens of systems.

use uuid::Uuid;

use super::{Checked, refuse};
use crate::oidc::client::{AuthMethod, Client};
use crate::oidc::client_metadata::{GrantType, RefreshTokens};
use crate::oidc::profile::Rules;
use crate::oidc::resource::is_identifier;
use crate::oidc::scope::Scope;

pub(super) fn check(client: &Client) -> Checked {
    refresh_tokens_come_of_codes(client)?;
    offline_tokens_are_refresh_tokens(client)?;
    refresh_tokens_of_public_clients_are_guarded(client)?;
    resources_are_absolute_uris(client)?;
    clients_that_act_alone_are_no_people(client)?;
    system_scopes_are_for_clients_that_act_alone(client)?;
    whoever_introspects_has_a_name(client)
}

fn is_public(client: &Client) -> bool {
    client.authentication.method() == AuthMethod::None
}

fn refresh_tokens_come_of_codes(client: &Client) -> Checked {
    let may = |grant_type| client.metadata.may_use(grant_type);
    if may(GrantType::RefreshToken) && !may(GrantType::AuthorizationCode) {
        return refuse("the grant type refresh_token needs authorization_code beside it");
    }
    Ok(())
}

fn offline_tokens_are_refresh_tokens(client: &Client) -> Checked {
    let is_offline = client.metadata.refresh_tokens == RefreshTokens::Offline;
    if is_offline && !client.metadata.may_use(GrantType::RefreshToken) {
        return refuse("refresh_tokens = offline needs the grant type refresh_token");
    }
    if client.scopes.contains(&Scope::OfflineAccess) && !is_offline {
        return refuse("the scope offline_access needs refresh_tokens = offline");
    }
    Ok(())
}

// RFC 9700 §2.2.2: rotation, or bound to a key; for whoever proves nothing else.
fn refresh_tokens_of_public_clients_are_guarded(client: &Client) -> Checked {
    let is_guarded = Rules::of(client).rotates_refresh_tokens || client.metadata.binds_tokens();
    if is_public(client) && client.metadata.may_use(GrantType::RefreshToken) && !is_guarded {
        return refuse("refresh tokens of a public client rotate or are bound to a key");
    }
    Ok(())
}

// RFC 8707 §2.
fn resources_are_absolute_uris(client: &Client) -> Checked {
    if !client.metadata.resources.iter().all(|resource| is_identifier(resource)) {
        return refuse("resources are absolute URIs without a fragment");
    }
    Ok(())
}

// RFC 9068 §5: its sub is the client_id, which must not be taken for a person's.
fn clients_that_act_alone_are_no_people(client: &Client) -> Checked {
    let looks_like_a_person = Uuid::try_parse(&client.id).is_ok();
    if looks_like_a_person && client.metadata.may_use(GrantType::ClientCredentials) {
        return refuse(
            "a client with client_credentials has a client_id that is no UUID, as people's sub are",
        );
    }
    Ok(())
}

fn system_scopes_are_for_clients_that_act_alone(client: &Client) -> Checked {
    let acts_alone = client.metadata.may_use(GrantType::ClientCredentials);
    match client.system_scopes.first() {
        Some(scope) if !acts_alone => refuse(&format!(
            "{} is no scope of people ({}), and others need the grant type client_credentials",
            scope.as_str(),
            Scope::NAMES.join(", "),
        )),
        _ => Ok(()),
    }
}

// RFC 7662 §4.
fn whoever_introspects_has_a_name(client: &Client) -> Checked {
    if client.metadata.introspects && client.metadata.resources.is_empty() {
        return refuse("introspects needs resources: the identifiers that tokens name it by");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::client::ClientAuthentication;
    use crate::oidc::client::testing::client;

    /// What `clients add` says of a client.
    fn said(edit: impl FnOnce(&mut Client)) -> String {
        let mut client = client("client");
        edit(&mut client);
        super::super::check(&client).map_or_else(|fault| fault.to_string(), |()| "good".to_owned())
    }

    fn with_grants(client: &mut Client, grant_types: &[GrantType]) {
        client.metadata.grant_types = grant_types.iter().copied().collect();
    }

    const CODE: GrantType = GrantType::AuthorizationCode;
    const REFRESH: GrantType = GrantType::RefreshToken;
    const ALONE: GrantType = GrantType::ClientCredentials;

    #[test]
    fn refresh_tokens_need_codes() {
        assert_eq!(said(|client| with_grants(client, &[CODE, REFRESH])), "good");
        assert!(
            said(|client| with_grants(client, &[REFRESH, ALONE])).contains("authorization_code")
        );
    }

    #[test]
    fn offline_access_needs_its_registration() {
        let offline = |client: &mut Client| {
            with_grants(client, &[CODE, REFRESH]);
            client.metadata.refresh_tokens = RefreshTokens::Offline;
            client.scopes.insert(Scope::OfflineAccess);
        };
        assert_eq!(said(offline), "good");
        assert!(
            said(|client| {
                offline(client);
                client.metadata.refresh_tokens = RefreshTokens::Session;
            })
            .contains("refresh_tokens = offline")
        );
        assert!(
            said(|client| {
                offline(client);
                with_grants(client, &[CODE]);
            })
            .contains("grant type refresh_token")
        );
    }

    #[test]
    fn rfc_9700_2_2_2_refresh_tokens_of_public_clients_rotate_or_are_bound() {
        let public = |client: &mut Client| {
            client.authentication = ClientAuthentication::None;
            with_grants(client, &[CODE, REFRESH]);
        };
        assert_eq!(said(public), "good");
        let unguarded = |client: &mut Client| {
            public(client);
            client.metadata.refresh_token_rotation = Some(false);
        };
        assert!(said(unguarded).contains("rotate"));
        assert_eq!(
            said(|client| {
                unguarded(client);
                client.metadata.dpop_bound_access_tokens = true;
            }),
            "good"
        );
    }

    #[test]
    fn rfc_8707_2_a_resource_is_an_absolute_uri() {
        let resource = |name: &str| {
            said(|client| client.metadata.resources = [name.to_owned()].into()).contains("URIs")
        };
        assert!(!resource("https://api.example.se"));
        assert!(resource("api") && resource("https://api.example.se#x"));
    }

    #[test]
    fn rfc_6749_4_4_whoever_acts_alone_can_prove_it_and_is_no_person() {
        let alone = |client: &mut Client| {
            with_grants(client, &[ALONE]);
            client.redirect_uris.clear();
            client.scopes.clear();
            client.system_scopes = ["journal:read".parse().unwrap()].into();
        };
        assert_eq!(said(alone), "good");
        assert!(
            said(|client| {
                alone(client);
                client.authentication = ClientAuthentication::None;
            })
            .contains("clients that authenticate")
        );
        assert!(
            said(|client| {
                alone(client);
                client.id = Uuid::nil().to_string();
            })
            .contains("UUID")
        );
        assert!(
            said(|client| client.system_scopes = ["journal:read".parse().unwrap()].into())
                .contains("client_credentials")
        );
    }

    #[test]
    fn rfc_7662_2_1_whoever_introspects_has_a_name_and_a_proof() {
        let resource = |client: &mut Client| {
            client.metadata.introspects = true;
            client.metadata.resources = ["urn:a".to_owned()].into();
        };
        assert_eq!(said(resource), "good");
        assert!(said(|client| client.metadata.introspects = true).contains("resources"));
        assert!(
            said(|client| {
                resource(client);
                client.authentication = ClientAuthentication::None;
            })
            .contains("clients that authenticate")
        );
    }
}

use super::*;
use crate::identity::admission::RoleDemand;
use crate::identity::assurance::Loa;
use crate::identity::user::User;
use crate::oidc::claim_profile::ClaimProfiles;
use crate::oidc::client::testing::client;
use crate::oidc::client_metadata::Profile;
use crate::oidc::code::{Authentication, Grant};
use crate::oidc::terms::{ClaimsRequest, GrantTerms};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn grant(scopes: &[Scope], claims: ClaimsRequest) -> LiveGrant {
    let grant = Grant {
        id: Uuid::nil(),
        scopes: scopes.iter().copied().collect(),
        nonce: None,
        terms: GrantTerms { claims, ..GrantTerms::default() },
        revoked_at: None,
        authentication: Authentication {
            session_id: Uuid::nil(),
            loa: Loa::Three,
            auth_time: NOW,
            ended_at: None,
            hsa_id: "SE2321000222-AB".to_owned(),
            all_hsa_ids: vec!["SE2321000222-AB".to_owned(), "SE2321000222-CD".to_owned()],
            certificate_not_after: Some(NOW),
        },
        user: User {
            id: Uuid::nil(),
            given_name: "Anna".to_owned(),
            family_name: "Testsson".to_owned(),
            enabled: true,
            valid_from: NOW,
            valid_until: None,
            roles: vec!["A".to_owned(), "B".to_owned()],
        },
    };
    let mut client = client("c");
    client.scopes = Scope::ALL.into();
    grant.live(&client, RoleDemand::NotNeeded, NOW).unwrap()
}

fn asked(claims: &[(&str, &[Value])]) -> BTreeMap<String, ClaimDemand> {
    let demand = |values: &[Value]| ClaimDemand { essential: false, values: values.to_vec() };
    claims.iter().map(|(name, values)| ((*name).to_owned(), demand(values))).collect()
}

fn told(client: &Client, grant: &LiveGrant, place: Place) -> Value {
    let profiles = ClaimProfiles::new(&BTreeMap::new());
    Value::Object(released(client, grant, profiles.of(client), place))
}

fn with_profile(name: &str) -> Client {
    let mut client = client("c");
    client.system = Some("S".to_owned());
    client.metadata.claim_profile = Some(name.to_owned());
    client.scopes = Scope::ALL.into();
    client
}

/// OpenID Connect Core 1.0 §5.4.
#[test]
fn each_scope_releases_exactly_what_it_names() {
    let client = with_profile("standard");
    let names = json!({ "given_name": "Anna", "family_name": "Testsson", "name": "Anna Testsson" });
    for (scope, expected) in [
        (Scope::OpenId, json!({})),
        (Scope::Profile, names.clone()),
        (Scope::NaturalPersonInfo, names),
        (Scope::EmployeeHsaId, json!({ "employeeHsaId": "SE2321000222-AB" })),
        (Scope::SystemRole, json!({ "systemRole": ["S;A", "S;B"] })),
    ] {
        let grant = grant(&[scope], ClaimsRequest::default());
        for place in [Place::IdToken, Place::UserInfo] {
            assert_eq!(told(&client, &grant, place), expected, "{scope}");
        }
    }
}

#[test]
fn each_profile_has_its_own_names() {
    let scopes = [Scope::OpenId, Scope::EmployeeHsaId, Scope::SystemRole];
    let grant = grant(&scopes, ClaimsRequest::default());
    let inera = told(&with_profile("inera"), &grant, Place::UserInfo);
    assert_eq!(inera, json!({ "employeeHsaId": "SE2321000222-AB", "systemRole": ["S;A", "S;B"] }));
    let oidc_se = told(&with_profile("oidc-se"), &grant, Place::UserInfo);
    let expected = json!({
        "http://sambi.se/attributes/1/employeeHsaId": "SE2321000222-AB",
        "http://sambi.se/attributes/1/systemRole": ["S;A", "S;B"],
    });
    assert_eq!(oidc_se, expected);
    assert_eq!(told(&with_profile("unknown"), &grant, Place::UserInfo), json!({}));
}

/// OpenID Connect Core 1.0 §5.5: where it was asked for, and no other; unknown ones are ignored.
#[test]
fn claims_that_are_asked_for_are_told_where_they_were_asked_for() {
    let request = ClaimsRequest {
        userinfo: asked(&[("allEmployeeHsaIds", &[]), ("iss", &[]), ("unknown", &[])]),
        id_token: asked(&[("credentialEmployeeHsaId", &[])]),
    };
    let grant = grant(&[Scope::OpenId], request);
    let client = with_profile("inera");
    let both = json!(["SE2321000222-AB", "SE2321000222-CD"]);
    assert_eq!(told(&client, &grant, Place::UserInfo), json!({ "allEmployeeHsaIds": both }));
    let in_id_token = json!({ "credentialEmployeeHsaId": "SE2321000222-AB" });
    assert_eq!(told(&client, &grant, Place::IdToken), in_id_token);
}

#[test]
fn what_a_client_is_not_registered_for_is_not_told_whatever_it_asks() {
    let all = ["given_name", "employeeHsaId", "allEmployeeHsaIds", "systemRole"];
    let asked = asked(&all.map(|name| (name, &[][..])));
    let request = ClaimsRequest { userinfo: asked.clone(), id_token: asked };
    let mut client = with_profile("inera");
    client.scopes = [Scope::OpenId, Scope::Profile].into();
    let told = told(&client, &grant(&[Scope::OpenId], request), Place::UserInfo);
    assert_eq!(told, json!({ "given_name": "Anna" }));
}

/// OpenID Connect Core 1.0 §5.5.1.
#[test]
fn a_value_that_was_asked_for_is_told_or_none() {
    let client = with_profile("standard");
    for (name, values, expected) in [
        (
            "employeeHsaId",
            vec![json!("SE2321000222-AB")],
            json!({ "employeeHsaId": "SE2321000222-AB" }),
        ),
        ("employeeHsaId", vec![json!("SE2321000222-CD")], json!({})),
        ("systemRole", vec![json!("S;B"), json!("S;C")], json!({ "systemRole": ["S;B"] })),
        ("systemRole", vec![json!("S;C")], json!({})),
    ] {
        let userinfo = asked(&[(name, &values)]);
        let request = ClaimsRequest { userinfo, ..ClaimsRequest::default() };
        let grant = grant(&[Scope::OpenId], request);
        assert_eq!(told(&client, &grant, Place::UserInfo), expected, "{name} {values:?}");
    }
}

/// Swedish OpenID Connect Profile 1.0: UserInfo is where claims are told.
#[test]
fn the_swedish_profile_keeps_claims_of_scopes_out_of_the_id_token() {
    let mut client = with_profile("oidc-se");
    client.metadata.profile = Profile::Sweden;
    let valid_to = "https://id.oidc.se/claim/credentialValidTo";
    let request = ClaimsRequest { id_token: asked(&[(valid_to, &[])]), ..ClaimsRequest::default() };
    let grant = grant(&[Scope::OpenId, Scope::NaturalPersonInfo], request);
    assert_eq!(told(&client, &grant, Place::IdToken), json!({ valid_to: 0 }));
    assert_eq!(told(&client, &grant, Place::UserInfo)["name"], "Anna Testsson");
}

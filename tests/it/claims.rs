//! Who a person is to a client, what it is told of them, and in which form.

use serde_json::{Value, json};
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::identity::fact::Fact;
use siths_idp::keys::jwe::{self, DecryptionKey, KeyFamily};
use siths_idp::keys::{JweAlg, JweEnc, SigningAlg};
use siths_idp::oidc::client_metadata::{Profile, SubjectType};
use siths_idp::oidc::scope::Scope;

use crate::harness::TestIdp;
use crate::token::{claims, verified};

/// Writes the `claims` parameter (OpenID Connect Core 1.0 §5.5) beside the grant whose code is still to be
/// redeemed: all of these, by either way.
pub async fn ask_for(idp: &TestIdp, names: &[String]) {
    let asked: Value = names.iter().map(|name| (name.clone(), json!({}))).collect();
    let terms = json!({ "claims": { "userinfo": asked, "id_token": asked } });
    sqlx::query(
        "update grants set terms = $1
        where id in (select grant_id from codes where redeemed_at is null)",
    )
    .bind(terms)
    .execute(idp.pool())
    .await
    .unwrap();
}

/// The claims of both tokens and of UserInfo, from one login.
async fn told(idp: &TestIdp, scope: &str) -> [Value; 3] {
    let tokens = idp.login_tokens(&idp.authorize().set("scope", scope)).await;
    let [access_token, id_token] =
        ["access_token", "id_token"].map(|name| tokens[name].as_str().unwrap());
    let user_info = idp.user_info(access_token).await;
    assert_eq!(user_info.status, 200, "{}", user_info.body);
    [claims(access_token), claims(id_token), user_info.json()]
}

fn key(family: KeyFamily) -> DecryptionKey {
    DecryptionKey::from_pkcs8(family, &DecryptionKey::generate(family).unwrap()).unwrap()
}

fn opened(jwe: &str, key: &DecryptionKey) -> String {
    let plain = jwe::decrypt(jwe, [key].into_iter()).expect("it opens with the client's key");
    String::from_utf8(plain.to_vec()).unwrap()
}

/// OpenID Connect Core 1.0 §8.1.
#[tokio::test]
async fn a_pairwise_subject_is_the_same_everywhere_for_its_sector_and_another_for_others() {
    let mut idp = TestIdp::start().await;
    let public = told(&idp, "openid").await[1]["sub"].clone();
    idp.register(|client| client.metadata.subject_type = SubjectType::Pairwise).await;
    let subs = told(&idp, "openid").await.map(|claims| claims["sub"].clone());
    assert!(subs[0] == subs[1] && subs[1] == subs[2], "{subs:?}");
    assert_ne!(subs[0], public);
    // Another node, later, and after the sealing key's other uses: the salt is the installation's.
    idp.die_and_be_replaced().await;
    assert_eq!(told(&idp, "openid").await[1]["sub"], subs[0]);
    idp.register(|client| {
        client.metadata.subject_type = SubjectType::Pairwise;
        client.metadata.sector_identifier_uri = Some("https://other.example/uris.json".to_owned());
    })
    .await;
    assert_ne!(told(&idp, "openid").await[1]["sub"], subs[0]);
}

/// An access token whose `sub` is no longer what its client knows the person by opens nothing.
#[tokio::test]
async fn a_token_of_another_subject_opens_nothing() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    idp.register(|client| client.metadata.subject_type = SubjectType::Pairwise).await;
    let answer = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
}

/// OpenID Connect Core 1.0 §5.4.
#[tokio::test]
async fn a_profile_of_ones_own_names_what_is_told() {
    let idp = TestIdp::start_with(|config| {
        let claims = [("urn:example:hsa", Fact::HsaId), ("roles", Fact::Roles)];
        let claims = claims.map(|(name, fact)| (name.to_owned(), fact));
        config.claim_profiles.insert("own".to_owned(), claims.into());
    })
    .await;
    idp.register(|client| client.metadata.claim_profile = Some("own".to_owned())).await;
    let [_, id_token, user_info] = told(&idp, "openid profile employeeHsaId systemRole").await;
    let hsa_id = idp.pki().person("clinician").unwrap().hsa_id;
    for told in [&id_token, &user_info] {
        assert_eq!(told["urn:example:hsa"], json!(hsa_id));
        assert_eq!(told["roles"], json!(["Bedömningstandläkare", "Handläggare"]));
        assert!(told.get("name").is_none() && told.get("employeeHsaId").is_none());
    }
    // One that this node's configuration does not have: nothing is told.
    idp.register(|client| client.metadata.claim_profile = Some("gone".to_owned())).await;
    let [_, _, user_info] = told(&idp, "openid profile").await;
    assert_eq!(user_info.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

/// OpenID Connect Core 1.0 §5.5: what is asked for by name, where it is registered.
#[tokio::test]
async fn claims_are_told_when_they_are_asked_for_by_name() {
    let idp = TestIdp::start().await;
    let asked = ["allEmployeeHsaIds", "given_name", "unknown"].map(str::to_owned);
    for (scopes, expected) in [
        (vec![Scope::OpenId, Scope::EmployeeHsaId], vec!["allEmployeeHsaIds", "sub"]),
        (vec![Scope::OpenId, Scope::Profile], vec!["given_name", "sub"]),
        (vec![Scope::OpenId], vec!["sub"]),
    ] {
        idp.register(|client| {
            client.scopes = scopes.into_iter().collect();
            client.metadata.claim_profile = Some("inera".to_owned());
        })
        .await;
        let request = idp.authorize().set("scope", "openid");
        let code = idp.code(&mut idp.browser("clinician"), &request).await;
        ask_for(&idp, &asked).await;
        let tokens = idp.tokens(&idp.token_request(&code)).await;
        let told = idp.user_info(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), expected);
    }
}

/// OpenID Connect Core 1.0 §5.3.2.
#[tokio::test]
async fn user_info_is_signed_where_that_is_registered_and_in_the_swedish_profile() {
    let idp = TestIdp::start().await;
    for (sweden, alg, algorithm) in [
        (false, Some(SigningAlg::EdDsa), jsonwebtoken::Algorithm::EdDSA),
        (true, None, jsonwebtoken::Algorithm::ES256),
    ] {
        idp.register(|client| {
            client.metadata.userinfo_signed_response_alg = alg;
            client.metadata.profile = if sweden { Profile::Sweden } else { Profile::Oidc };
        })
        .await;
        let request = idp.authorize().set("state", "0123456789abcdefABCDEF");
        let tokens = idp.login_tokens(&request).await;
        let answer = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.header("content-type"), "application/jwt");
        assert_eq!(answer.header("cache-control"), "no-store");
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        validation.validate_exp = false;
        let told = crate::token::verified_as(&idp, &answer.body, validation, CLIENT_ID).await;
        assert_eq!(told["iss"], idp.config.issuer_identifier());
        assert_eq!(told["aud"], CLIENT_ID);
        assert_eq!(told["name"], "Anna Testsson");
        assert_eq!(told["sub"], claims(tokens["id_token"].as_str().unwrap())["sub"]);
    }
}

/// OpenID Connect Core 1.0 §2, §10.2: signed, then encrypted.
#[tokio::test]
async fn an_id_token_is_encrypted_to_the_key_that_the_client_registers() {
    let idp = TestIdp::start().await;
    for (family, alg, enc) in [
        (KeyFamily::Rsa, JweAlg::RsaOaep, Some(JweEnc::A256Gcm)),
        (KeyFamily::Ec, JweAlg::EcdhEsA128Kw, None),
    ] {
        let theirs = key(family);
        idp.register(|client| {
            client.jwks = Some(json!({ "keys": [theirs.public_jwk()] }));
            client.metadata.id_token_encrypted_response_alg = Some(alg);
            client.metadata.id_token_encrypted_response_enc = enc;
        })
        .await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        let id_token = tokens["id_token"].as_str().unwrap();
        let header = crate::token::header(id_token);
        assert_eq!(header["alg"], alg.name());
        assert_eq!(header["enc"], enc.unwrap_or(JweEnc::A128CbcHs256).name());
        assert_eq!((&header["cty"], &header["kid"]), (&json!("JWT"), &theirs.public_jwk()["kid"]));
        let inner = opened(id_token, &theirs);
        let claims = verified(&idp, &inner, jsonwebtoken::Algorithm::ES256, CLIENT_ID).await;
        assert_eq!(claims["nonce"], "a-nonce");
    }
}

#[tokio::test]
async fn user_info_is_encrypted_signed_before_where_both_are_registered() {
    let idp = TestIdp::start().await;
    let theirs = key(KeyFamily::Ec);
    for signed in [None, Some(SigningAlg::Ps256)] {
        idp.register(|client| {
            client.jwks = Some(json!({ "keys": [theirs.public_jwk()] }));
            client.metadata.userinfo_signed_response_alg = signed;
            client.metadata.userinfo_encrypted_response_alg = Some(JweAlg::EcdhEs);
        })
        .await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        let answer = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.header("content-type"), "application/jwt");
        assert_eq!(crate::token::header(&answer.body).contains_key("cty"), signed.is_some());
        let inner = opened(&answer.body, &theirs);
        let told = match signed {
            Some(_) => claims(&inner),
            None => serde_json::from_str(&inner).unwrap(),
        };
        assert_eq!(told["name"], "Anna Testsson");
    }
}

/// Nothing goes out in the clear because a key is missing.
#[tokio::test]
async fn without_a_fitting_key_of_the_client_nothing_is_sent() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.jwks = Some(json!({ "keys": [key(KeyFamily::Ec).public_jwk()] }));
        client.metadata.id_token_encrypted_response_alg = Some(JweAlg::RsaOaep);
    })
    .await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "encryption_key_missing");
    idp.register(|client| {
        client.metadata.userinfo_encrypted_response_alg = Some(JweAlg::RsaOaep);
    })
    .await;
    // The code was not lost by it.
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let answer = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert!(answer.status >= 400 && !answer.body.contains("Testsson"), "{}", answer.body);
}

//! The token endpoint: codes are redeemed once, by their client, with their verifier; and what the
//! tokens say.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client::Pkce;

use crate::harness::{Answer, CLIENT_SECRET, TestIdp, VERIFIER};

/// The claims of a JWT, unverified.
pub fn claims(jwt: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(jwt).unwrap()
}

/// The claims of a JWT that one of the published keys has signed, as a relying party would check it.
pub async fn verified(idp: &TestIdp, jwt: &str, algorithm: Algorithm, audience: &str) -> Value {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iat", "iss", "aud", "sub"]);
    verified_as(idp, jwt, validation, audience).await
}

/// The same, by rules of one's own.
pub async fn verified_as(
    idp: &TestIdp,
    jwt: &str,
    mut validation: Validation,
    audience: &str,
) -> Value {
    let jwks: JwkSet = idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    assert!(validation.algorithms.contains(&header.alg));
    let key: &Jwk = jwks.find(header.kid.as_deref().unwrap()).expect("a published key");
    validation.set_issuer(&[idp.config.issuer_identifier()]);
    validation.set_audience(&[audience]);
    let key = DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode(jwt, &key, &validation).unwrap().claims
}

pub fn header(jwt: &str) -> BTreeMap<String, Value> {
    let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn names(claims: &Value) -> BTreeSet<&str> {
    claims.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_request_that_is_no_form_is_refused() {
    let idp = TestIdp::start().await;
    let post = |content_type: &'static str, body: String| {
        let request = idp.http().post(idp.at("/token")).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
        request.header("content-type", content_type).body(body).send()
    };
    let form = idp.token_request("a-code").form();
    let json = r#"{"grant_type":"authorization_code","code":"a-code"}"#.to_owned();
    let a_form = "application/x-www-form-urlencoded";
    for (content_type, body, code) in [
        ("application/json", json, "content_type_unsupported"),
        ("text/plain", form.clone(), "content_type_unsupported"),
        (a_form, format!("{form}&x={}", "x".repeat(8 * 1024)), "request_too_long"),
        (a_form, format!("{form}&x=%ff"), "request_malformed"),
        (a_form, format!("{form}&code=another"), "parameter_repeated"),
        (a_form, format!("{form}&code_verifier=another"), "parameter_repeated"),
        (a_form, format!("{form}&redirect_uri=another"), "parameter_repeated"),
        (a_form, format!("{form}&grant_type=another"), "parameter_repeated"),
    ] {
        let answer = Answer::of(post(content_type, body).await.unwrap()).await;
        assert_eq!(answer.problem(idp.issuer()), code);
    }
    let query = idp.at(&format!("/token?{form}"));
    let answer = Answer::of(idp.http().get(query.clone()).send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "method_not_allowed");
    // Nor are parameters taken from the query.
    let empty = idp.http().post(query).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
    let empty = empty.header("content-type", a_form).send().await.unwrap();
    assert_eq!(Answer::of(empty).await.problem(idp.issuer()), "grant_type_missing");
}

#[tokio::test]
async fn a_request_without_what_it_needs_is_refused() {
    let idp = TestIdp::start().await;
    let good = || idp.token_request("a-code");
    for (request, code) in [
        (good().without("grant_type"), "grant_type_missing"),
        (good().set("grant_type", "refresh_token"), "grant_type_unregistered"),
        (good().set("grant_type", "client_credentials"), "grant_type_unregistered"),
        (good().set("grant_type", "password"), "grant_type_unsupported"),
        (good().without("code"), "code_missing"),
        (good().set("code", ""), "code_missing"),
        (good(), "code_unknown"),
    ] {
        assert_eq!(idp.token_error(&request).await, code);
    }
}

#[tokio::test]
async fn a_code_is_redeemed_with_its_redirect_uri_and_verifier_alone() {
    let idp = TestIdp::start().await;
    let good = |code: &str| idp.token_request(code);
    let mut browser = idp.browser("clinician");
    let long = "a".repeat(129);
    for (name, value, told) in [
        ("redirect_uri", None, "redirect_uri_mismatch"),
        ("redirect_uri", Some("https://rp.localhost/callback/"), "redirect_uri_mismatch"),
        ("redirect_uri", Some("https://RP.localhost/callback"), "redirect_uri_mismatch"),
        ("code_verifier", None, "verifier_missing"),
        ("code_verifier", Some(""), "verifier_missing"),
        ("code_verifier", Some(&VERIFIER[..42]), "verifier_mismatch"),
        ("code_verifier", Some(long.as_str()), "verifier_mismatch"),
        ("code_verifier", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "verifier_mismatch"),
        ("code_verifier", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"), "verifier_mismatch"),
    ] {
        let code = idp.code(&mut browser, &idp.authorize()).await;
        let bent = match value {
            None => good(&code).without(name),
            Some(value) => good(&code).set(name, value),
        };
        assert_eq!(idp.token_error(&bent).await, told, "{name} {value:?}");
        // Whoever guesses has one guess.
        assert_eq!(idp.token_error(&good(&code)).await, "code_replayed");
    }
}

#[tokio::test]
async fn a_verifier_of_too_few_characters_never_fits() {
    let idp = TestIdp::start().await;
    let hash = digest::digest(&digest::SHA256, b"short");
    let request = idp.authorize().set("code_challenge", &URL_SAFE_NO_PAD.encode(hash));
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    let token = idp.token_request(&code).set("code_verifier", "short");
    assert_eq!(idp.token_error(&token).await, "verifier_mismatch");
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_a_downgrade() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.pkce = Pkce::Optional).await;
    let without = idp.authorize().without("code_challenge").without("code_challenge_method");
    let code = idp.code(&mut idp.browser("clinician"), &without).await;
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "verifier_unexpected");
}

#[tokio::test]
async fn a_code_of_another_client_is_unknown_and_stays_good() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "other".to_owned()).await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let stolen = idp.token_request(&code).basic(Some(("other", CLIENT_SECRET)));
    assert_eq!(idp.token_error(&stolen).await, "code_unknown");
    assert_eq!(idp.audited("code.replayed").await, 0);
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    // Nor can another client revoke what it gave.
    assert_eq!(idp.token_error(&stolen).await, "code_unknown");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(idp.user_info(access_token).await.status, 200);
}

#[tokio::test]
async fn a_code_lives_for_its_seconds() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    idp.advance(60);
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "code_expired");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    idp.advance(59);
    idp.tokens(&idp.token_request(&code)).await;
}

#[tokio::test]
async fn a_replayed_code_revokes_what_it_gave() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(idp.user_info(access_token).await.status, 200);
    let wrong = idp.token_request(&code).basic(Some((CLIENT_ID, "wrong")));
    assert_eq!(idp.token_error(&wrong).await, "client_secret_wrong");
    assert_eq!(idp.user_info(access_token).await.status, 200);
    assert_eq!(idp.audited("code.replayed").await, 0);

    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "code_replayed");
    assert_eq!(idp.user_info(access_token).await.problem(idp.issuer()), "token_revoked");
    assert_eq!(idp.audited("code.replayed").await, 1);
    // What another code of the same session gave is not touched.
    let code = idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    assert_eq!(idp.user_info(tokens["access_token"].as_str().unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_redeems_a_code() {
    let idp = TestIdp::start().await;
    let (node, elsewhere) = idp.another_node().await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..20 {
        let request = idp.token_request(&code);
        let node = if at % 2 == 0 { idp.issuer() } else { &elsewhere };
        let (http, endpoint) = (idp.http(), node.join("/token").unwrap());
        tasks.spawn(async move { request.send(&http, &endpoint).await });
    }
    let answers = tasks.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|(_, problem)| problem["error_code"] == "code_replayed"), "{lost:?}");
    let access_token = won[0].1["access_token"].as_str().unwrap();
    assert_eq!(idp.user_info(access_token).await.problem(idp.issuer()), "token_revoked");
    node.kill().await;
}

#[tokio::test]
async fn who_is_switched_off_between_code_and_token_gets_none() {
    let idp = TestIdp::start().await;
    for statement in [
        "update users set enabled = false where given_name = 'Anna'",
        "update users set enabled = true, valid_until = now() - interval '1 hour' where given_name = 'Anna'",
        "update role_grants set revoked_at = now()",
        "update sessions set ended_at = now()",
        "update grants set revoked_at = now()",
    ] {
        idp.sql("update users set enabled = true, valid_until = null").await;
        idp.sql("update role_grants set revoked_at = null").await;
        let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
        idp.sql(statement).await;
        let told = idp.token_error(&idp.token_request(&code)).await;
        assert_eq!(told, "grant_revoked", "{statement}");
    }
}

#[tokio::test]
async fn tokens_are_answered_as_the_standard_says_and_kept_nowhere() {
    let idp = TestIdp::start().await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let answer = idp.token_answer(&idp.token_request(&code)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let tokens = answer.json();
    let expected = ["access_token", "expires_in", "id_token", "scope", "token_type"];
    assert_eq!(names(&tokens), BTreeSet::from(expected));
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 300);
    assert_eq!(tokens["scope"], "openid profile employeeHsaId systemRole");
    // Neither codes nor tokens are in the database.
    let tables = format!("{:?}", idp.tables().await);
    for secret in [code.as_str(), tokens["access_token"].as_str().unwrap(), CLIENT_SECRET] {
        assert!(!tables.contains(secret));
    }
}

#[tokio::test]
async fn an_id_token_says_who_when_and_how() {
    let idp = TestIdp::start().await;
    // OpenID Connect Core 1.0 §3.1.3.6: the hash of the alg; RFC 8032 §5.1 for EdDSA.
    for (signing, algorithm, hashed_by) in [
        (SigningAlg::Es256, Algorithm::ES256, &digest::SHA256),
        (SigningAlg::Es384, Algorithm::ES384, &digest::SHA384),
        (SigningAlg::Ps256, Algorithm::PS256, &digest::SHA256),
        (SigningAlg::Rs256, Algorithm::RS256, &digest::SHA256),
        (SigningAlg::EdDsa, Algorithm::EdDSA, &digest::SHA512),
    ] {
        idp.register(|client| client.signing_alg = signing).await;
        let shown_at = idp.clock.now().timestamp();
        let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
        idp.advance(20);
        let tokens = idp.tokens(&idp.token_request(&code)).await;
        let id_token = tokens["id_token"].as_str().unwrap();
        let claims = verified(&idp, id_token, algorithm, CLIENT_ID).await;

        let header = header(id_token);
        assert_eq!(header["alg"], signing.name());
        // No typ (RFC 7519 §5.1: optional), and so never that of an access token.
        assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "kid"]);
        assert_eq!(claims["iss"], idp.config.issuer_identifier());
        assert!(claims["aud"] == CLIENT_ID || claims["aud"] == json!([CLIENT_ID]), "{claims}");
        let [iat, exp] = ["iat", "exp"].map(|name| claims[name].as_i64().unwrap());
        assert_eq!(iat, shown_at + 20);
        assert!((1..=300).contains(&(exp - iat)), "{claims}");
        assert_eq!(claims["auth_time"], shown_at);
        assert_eq!(claims["nonce"], "a-nonce");
        assert_eq!(claims["acr"], "http://id.sambi.se/loa/loa3");
        assert_eq!(claims["amr"], json!(["sc", "mfa"]));
        let access_token = tokens["access_token"].as_str().unwrap();
        let hash = digest::digest(hashed_by, access_token.as_bytes());
        let half = &hash.as_ref()[..hash.as_ref().len() / 2];
        assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(half), "{signing}");
        let [sub, sid]: [String; 2] = sqlx::query_scalar::<_, Vec<String>>(
            "select array[user_id::text, id::text] from sessions order by created_at desc limit 1",
        )
        .fetch_one(idp.pool())
        .await
        .unwrap()
        .try_into()
        .unwrap();
        assert_eq!(claims["sub"], sub);
        assert_eq!(claims["sid"], sid);
    }
}

#[tokio::test]
async fn a_nonce_that_was_not_sent_is_not_answered() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize().without("nonce")).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap()).get("nonce"), None);
}

#[tokio::test]
async fn claims_are_released_by_scope_alone() {
    let idp = TestIdp::start().await;
    let always = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
    for (scope, released) in [
        ("openid", &[][..]),
        ("openid profile", &["given_name", "family_name", "name"]),
        ("openid employeeHsaId", &["employeeHsaId"]),
        ("openid systemRole", &["systemRole"]),
    ] {
        let tokens = idp.login_tokens(&idp.authorize().set("scope", scope)).await;
        let claims = claims(tokens["id_token"].as_str().unwrap());
        let mut expected: BTreeSet<&str> = always.into_iter().chain(["at_hash"]).collect();
        expected.extend(released);
        assert_eq!(names(&claims), expected, "{scope}");
        let user_info = idp.user_info(tokens["access_token"].as_str().unwrap()).await.json();
        let expected: BTreeSet<&str> = released.iter().copied().chain(["sub"]).collect();
        assert_eq!(names(&user_info), expected, "{scope}");
        for name in expected {
            assert_eq!(user_info[name], claims[name], "{scope}");
        }
    }
}

#[tokio::test]
async fn roles_of_another_system_are_not_told() {
    let idp = TestIdp::start().await;
    idp.sql("insert into systems (id, name, created_at) values ('OTHER', 'Other', now())").await;
    idp.sql("insert into roles (system_id, name, created_at) values ('OTHER', 'Chef', now())")
        .await;
    idp.sql(
        "insert into role_grants (id, user_id, system_id, role, valid_from, created_at)
        select gen_random_uuid(), id, 'OTHER', 'Chef', now() - interval '1 day', now()
        from users where given_name = 'Anna'",
    )
    .await;
    let roles = async |idp: &TestIdp| {
        let tokens = idp.login_tokens(&idp.authorize()).await;
        claims(tokens["id_token"].as_str().unwrap())["systemRole"].clone()
    };
    let in_symfoni = json!(["SYMFONI;Bedömningstandläkare", "SYMFONI;Handläggare"]);
    assert_eq!(roles(&idp).await, in_symfoni);
    idp.register(|client| client.system = Some("OTHER".to_owned())).await;
    assert_eq!(roles(&idp).await, json!(["OTHER;Chef"]));
    idp.register(|client| client.system = None).await;
    assert_eq!(roles(&idp).await, json!([]));
}

#[tokio::test]
async fn a_person_has_the_same_sub_at_every_login() {
    let idp = TestIdp::start().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let tokens = idp.login_tokens(&idp.authorize()).await;
        seen.push(claims(tokens["id_token"].as_str().unwrap()));
    }
    assert_eq!(seen[0]["sub"], seen[1]["sub"]);
    assert_ne!(seen[0]["sid"], seen[1]["sid"]);
    let sub: uuid::Uuid = seen[0]["sub"].as_str().unwrap().parse().unwrap();
    let known: i64 = sqlx::query_scalar("select count(*) from users where id = $1")
        .bind(sub)
        .fetch_one(idp.pool())
        .await
        .unwrap();
    assert_eq!(known, 1);
}

#[tokio::test]
async fn an_access_token_is_one_of_rfc_9068() {
    let idp = TestIdp::start().await;
    let before = idp.clock.now().timestamp();
    let tokens = idp.login_tokens(&idp.authorize().set("scope", "openid profile")).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    let issuer = idp.config.issuer_identifier();
    let claims = verified(&idp, access_token, Algorithm::ES256, issuer).await;
    let header = header(access_token);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    assert_eq!(claims["iss"], issuer);
    assert_eq!(claims["client_id"], CLIENT_ID);
    assert_eq!(claims["scope"], "openid profile");
    assert_eq!(claims["iat"], before);
    assert_eq!(claims["exp"], before + 300);
    assert_eq!(claims["auth_time"], before);
    assert_eq!(claims["acr"], "http://id.sambi.se/loa/loa3");
    assert_eq!(claims["amr"], json!(["sc", "mfa"]));
    assert_eq!(claims["aud"], issuer);
    assert_eq!(claims["sub"], self::claims(tokens["id_token"].as_str().unwrap())["sub"]);
    assert!(claims["jti"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    // It says nothing of the person: names, HSA-id and roles are for UserInfo.
    let further = ["given_name", "family_name", "name", "employeeHsaId", "systemRole"];
    assert!(further.iter().all(|name| claims.get(name).is_none()), "{claims}");
}

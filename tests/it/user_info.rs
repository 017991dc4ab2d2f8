//! UserInfo: what opens it, what does not, and what it tells.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header};
use serde_json::Value;
use siths_idp::keys::signer::PrivateKey;

use crate::harness::assertion::p256;
use crate::harness::{Answer, TestIdp};

async fn access_token(idp: &TestIdp) -> String {
    idp.login_tokens(&idp.authorize()).await["access_token"].as_str().unwrap().to_owned()
}

async fn with_field(idp: &TestIdp, field: &str) -> Answer {
    let request = idp.http().get(idp.at("/userinfo")).header("authorization", field);
    Answer::of(request.send().await.unwrap()).await
}

/// The code of a refusal, which is in the challenge as it is in the body (RFC 6750 §3).
pub fn challenged(idp: &TestIdp, answer: &Answer) -> String {
    let code = answer.problem(idp.issuer());
    if answer.status == 401 {
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
        assert!(challenge.contains(&format!(r#"error_code="{code}""#)), "{challenge}");
    }
    code
}

/// The parts of a JWT: header, claims, signature.
fn parts(jwt: &str) -> [&str; 3] {
    jwt.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// A token of the provider's own key, with other claims or another header.
pub async fn forged_by_our_own_key(
    idp: &TestIdp,
    token: &str,
    edit: impl FnOnce(&mut Value, &mut Value),
) -> String {
    let [header, claims, _] = parts(token);
    let json = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (mut header, mut claims): (Value, Value) = (json(header), json(claims));
    edit(&mut header, &mut claims);
    let registry = idp.node.app.registry.load();
    let now = idp.clock.now();
    let ours: &PrivateKey =
        &registry.keyring.at(now).signing("ES256".parse().unwrap()).unwrap().private;
    let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", text(&header), text(&claims));
    let signature = URL_SAFE_NO_PAD.encode(ours.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn without_a_token_there_is_a_challenge_that_names_no_error() {
    let idp = TestIdp::start().await;
    let http = idp.http();
    let a_form = "application/x-www-form-urlencoded";
    for request in [
        http.get(idp.at("/userinfo")),
        http.post(idp.at("/userinfo")),
        http.post(idp.at("/userinfo")).header("content-type", a_form),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.problem(idp.issuer()), "token_missing");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="siths-idp""#);
    }
}

#[tokio::test]
async fn what_is_no_access_token_of_ours_opens_nothing() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let [good, id_token] =
        ["access_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned());
    let [header, claims, signature] = parts(&good);
    let other_claims = parts(&id_token)[1];
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let body: Value = crate::token::claims(&good);
    let mut foreign = Header::new(Algorithm::ES256);
    foreign.typ = Some("at+jwt".to_owned());
    let of_another_key = jsonwebtoken::encode(&foreign, &body, &p256().signing).unwrap();
    foreign.kid = jsonwebtoken::decode_header(&good).unwrap().kid;
    let under_our_kid = jsonwebtoken::encode(&foreign, &body, &p256().signing).unwrap();
    foreign.jwk = Some(serde_json::from_value(p256().jwk.clone()).unwrap());
    let with_its_key = jsonwebtoken::encode(&foreign, &body, &p256().signing).unwrap();
    for (what, token) in [
        ("nonsense", "nonsense".to_owned()),
        ("three parts", "a.b.c".to_owned()),
        ("no signature", format!("{header}.{claims}.")),
        ("other claims", format!("{header}.{other_claims}.{signature}")),
        ("alg none", format!("{none}.{claims}.")),
        ("the ID token", id_token.clone()),
        ("another key", of_another_key),
        ("another key under our kid", under_our_kid),
        ("its own key", with_its_key),
        (
            "typ JWT",
            forged_by_our_own_key(&idp, &good, |header, _| header["typ"] = "JWT".into()).await,
        ),
        (
            "another issuer",
            forged_by_our_own_key(&idp, &good, |_, claims| {
                claims["iss"] = "https://other.example".into();
            })
            .await,
        ),
    ] {
        let answer = idp.user_info(&token).await;
        assert_eq!(challenged(&idp, &answer), "token_malformed", "{what}");
    }
    let basic = format!("Basic {}", STANDARD.encode("demo-symfoni:secret"));
    for field in [good.clone(), format!("Token {good}"), format!("Bearer{good}"), basic] {
        assert_eq!(challenged(&idp, &with_field(&idp, &field).await), "token_malformed");
    }
    assert_eq!(with_field(&idp, &format!("bearer {good}")).await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_grant_than_its_claims_say_opens_nothing() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    idp.register(|client| client.id = "other".to_owned()).await;
    for (name, value) in [
        ("client_id", "other".to_owned()),
        ("client_id", "nobody".to_owned()),
        ("sub", uuid::Uuid::nil().to_string()),
        ("grant", uuid::Uuid::nil().to_string()),
    ] {
        let edit = |_: &mut Value, claims: &mut Value| claims[name] = value.clone().into();
        let token = forged_by_our_own_key(&idp, &good, edit).await;
        let answer = idp.user_info(&token).await;
        assert_eq!(challenged(&idp, &answer), "token_revoked", "{name} {value}");
    }
}

#[tokio::test]
async fn a_token_is_sent_in_one_way_and_never_in_an_address() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    let http = idp.http();
    let in_query = idp.at(&format!("/userinfo?access_token={good}"));
    let encoded = idp.at(&format!("/userinfo?%61ccess_token={good}"));
    let form = [("access_token", good.as_str())];
    let (once, twice) = ("token_in_query", "token_repeated");
    let at = || http.post(idp.at("/userinfo"));
    for (what, request, code) in [
        ("query", http.get(in_query.clone()), once),
        ("query, encoded", http.get(encoded), once),
        ("query and header", http.get(in_query.clone()).bearer_auth(&good), once),
        ("query and form", http.post(in_query.clone()).form(&form), once),
        ("query and header of a POST", http.post(in_query).bearer_auth(&good), once),
        ("header and form", at().bearer_auth(&good).form(&form), twice),
        ("form twice", at().form(&[form[0], form[0]]), twice),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.problem(idp.issuer()), code, "{what}");
    }
    let json = http.post(idp.at("/userinfo")).json(&serde_json::json!({ "access_token": good }));
    let answer = Answer::of(json.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "content_type_unsupported");
}

#[tokio::test]
async fn a_token_in_the_form_opens_as_one_in_the_header() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    let by_form = idp.http().post(idp.at("/userinfo")).form(&[("access_token", good.as_str())]);
    let by_post = idp.http().post(idp.at("/userinfo")).bearer_auth(&good);
    let in_header = idp.user_info(&good).await;
    for request in [by_form, by_post] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json(), in_header.json());
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_token_lives_for_its_seconds() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    idp.advance(299);
    assert_eq!(idp.user_info(&good).await.status, 200);
    idp.advance(1);
    assert_eq!(challenged(&idp, &idp.user_info(&good).await), "token_expired");
}

#[tokio::test]
async fn a_token_is_dead_as_soon_as_anything_it_stands_on_is() {
    for statement in [
        "update users set enabled = false",
        "update users set valid_until = valid_from + interval '1 second' where valid_until is null",
        "update role_grants set revoked_at = now()",
        "update sessions set ended_at = now()",
        "update grants set revoked_at = now()",
    ] {
        let idp = TestIdp::start().await;
        let good = access_token(&idp).await;
        assert_eq!(idp.user_info(&good).await.status, 200);
        idp.sql(statement).await;
        assert_eq!(challenged(&idp, &idp.user_info(&good).await), "token_revoked", "{statement}");
    }
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    idp.register(|client| client.enabled = false).await;
    assert_eq!(challenged(&idp, &idp.user_info(&good).await), "token_revoked");
}

#[tokio::test]
async fn a_token_of_a_key_that_was_revoked_is_not_ours() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    let kid = jsonwebtoken::decode_header(&good).unwrap().kid.unwrap();
    sqlx::query("update signing_keys set revoked_at = $2 where kid = $1")
        .bind(&kid)
        .bind(idp.clock.now())
        .execute(idp.pool())
        .await
        .unwrap();
    let now = idp.clock.now();
    idp.until(|app| app.registry.load().keyring.at(now).verifying(&kid).is_none()).await;
    assert_eq!(challenged(&idp, &idp.user_info(&good).await), "token_malformed");
}

#[tokio::test]
async fn what_is_told_is_what_is_registered_now() {
    let idp = TestIdp::start().await;
    let good = access_token(&idp).await;
    let before = idp.user_info(&good).await.json();
    idp.sql("update users set family_name = 'Nygift' where given_name = 'Anna'").await;
    idp.sql("update role_grants set revoked_at = now() where role = 'Handläggare'").await;
    let after = idp.user_info(&good).await.json();
    assert_eq!(before["family_name"], "Testsson");
    assert_eq!(after["family_name"], "Nygift");
    assert_eq!(after["name"], "Anna Nygift");
    assert_eq!(after["systemRole"], serde_json::json!(["SYMFONI;Bedömningstandläkare"]));
    assert_eq!(after["sub"], before["sub"]);
}

//! Request objects by value (RFC 9101; OpenID Connect Core 1.0 §6.1): what is signed counts, and nothing
//! else; whatever is wrong with it has its own code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::jwe::RecipientKey;
use siths_idp::keys::{ClientAlg, JweAlg, JweEnc};
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client_metadata::Profile;

use crate::harness::answer::{told_by_page, told_by_redirect};
use crate::harness::assertion::{ClientKey, p256, rsa, stranger};
use crate::harness::request_object::RequestObject;
use crate::harness::{Authorize, REDIRECT_URI, TestIdp};

/// A provider whose client signs by [`p256`].
async fn start() -> TestIdp {
    let idp = TestIdp::start().await;
    register(&idp, |_| {}).await;
    idp
}

async fn register(idp: &TestIdp, edit: impl FnOnce(&mut Client)) {
    idp.register(|client| {
        client.jwks = Some(json!({ "keys": [p256().jwk] }));
        edit(client);
    })
    .await;
}

fn object(idp: &TestIdp) -> RequestObject {
    RequestObject::of(idp, &idp.authorize())
}

/// The request with everything beside the object, too.
fn beside(idp: &TestIdp, jwt: &str) -> Authorize {
    idp.authorize().set("request", jwt)
}

/// The request with the object and `client_id` alone.
fn alone(idp: &TestIdp, jwt: &str) -> Authorize {
    idp.authorize().only(&["client_id"]).set("request", jwt)
}

/// The code that the client is told.
async fn refused(idp: &TestIdp, request: &Authorize) -> String {
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    told_by_redirect(&answer, REDIRECT_URI, idp.issuer())
}

/// Whether the request leads to a card.
async fn is_taken(idp: &TestIdp, request: &Authorize) -> bool {
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    answer.location().is_some_and(|url| url.host_str().unwrap().contains(".card."))
}

#[tokio::test]
async fn a_person_logs_in_by_a_request_object_alone() {
    let idp = start().await;
    let jwt = object(&idp).set("state", "of-the-object").sign(p256());
    let walk = idp.walk(&mut idp.browser("clinician"), &alone(&idp, &jwt).url()).await;
    let told = walk.parameters();
    assert_eq!(told["state"], "of-the-object");
    let tokens = idp.tokens(&idp.token_request(&told["code"])).await;
    let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["nonce"], "a-nonce");
}

/// RFC 9101 §6.3: "MUST only use the parameters in the Request Object".
#[tokio::test]
async fn what_stands_beside_a_request_object_is_not_read() {
    let idp = start().await;
    let jwt = object(&idp).without("nonce").set("scope", "openid").sign(p256());
    let request = beside(&idp, &jwt)
        .set("state", "beside")
        .set("redirect_uri", "https://evil.example/")
        .set("prompt", "nonsense")
        .add("max_age", "x")
        .add("max_age", "y");
    let told = idp.walk(&mut idp.browser("clinician"), &request.url()).await.parameters();
    assert_eq!(told["state"], "a-state");
    let tokens = idp.tokens(&idp.token_request(&told["code"])).await;
    assert_eq!(tokens["scope"], "openid");
    let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims.get("nonce"), None);
}

/// RFC 9101 §5, OpenID Connect Core 1.0 §6.1: what must be the same inside and outside.
#[tokio::test]
async fn client_and_response_type_are_the_same_beside_it_and_in_it() {
    let idp = start().await;
    let jwt = object(&idp).sign(p256());
    let other_type = beside(&idp, &jwt).set("response_type", "token");
    assert_eq!(refused(&idp, &other_type).await, "request_object_contradicted");
    for wrong in [
        object(&idp).set("client_id", "another"),
        object(&idp).without("client_id"),
        object(&idp).set("client_id", json!([CLIENT_ID])),
        object(&idp).set("iss", "another"),
        object(&idp).without("iss"),
        // RFC 9101 §10.8: it could be used as a client assertion.
        object(&idp).set("sub", CLIENT_ID),
    ] {
        let told = refused(&idp, &beside(&idp, &wrong.sign(p256()))).await;
        assert_eq!(told, "request_object_client_wrong", "{}", wrong.claims);
    }
}

/// RFC 9101 §6.2: the signature is checked with the key and the algorithm of the client.
#[tokio::test]
async fn a_signature_of_anybody_else_is_refused() {
    let idp = start().await;
    let good = object(&idp);
    let by_stranger = good.sign(stranger());
    assert_eq!(refused(&idp, &beside(&idp, &by_stranger)).await, "request_object_signature_wrong");
    // Claims altered under a good signature.
    let jwt = good.sign(p256());
    let [header, _, signature] = jwt.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let claims = good.clone().set("redirect_uri", "https://evil.example/").claims;
    let altered = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert_eq!(refused(&idp, &beside(&idp, &altered)).await, "request_object_signature_wrong");
    // Of two clients, neither can sign for the other.
    idp.register(|client| {
        client.id = "other".to_owned();
        client.jwks = Some(json!({ "keys": [stranger().jwk] }));
    })
    .await;
    let of_other = RequestObject::of(&idp, &idp.authorize().set("client_id", "other"));
    let request = beside(&idp, &of_other.sign(p256())).set("client_id", "other");
    assert_eq!(refused(&idp, &request).await, "request_object_signature_wrong");
    let request = beside(&idp, &of_other.sign(stranger()));
    assert_eq!(refused(&idp, &request).await, "request_object_signature_wrong");
}

/// RFC 9101 §10.1, RFC 8725 §3.1: neither `none` nor a shared secret nor an algorithm that was not
/// registered.
#[tokio::test]
async fn only_registered_algorithms_are_taken() {
    let idp = start().await;
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    for alg in ["none", "NONE", "nOnE"] {
        let header = encode(&json!({ "alg": alg }));
        let unsigned = format!("{header}.{}.", encode(&object(&idp).claims));
        let told = refused(&idp, &beside(&idp, &unsigned)).await;
        assert_eq!(told, "request_object_algorithm_wrong", "{alg}");
    }
    // HS256 with the public key for a secret, in the forms that it is found in.
    for public in [p256().jwk.to_string(), p256().jwk["x"].as_str().unwrap().to_owned()] {
        let key = ClientKey {
            signing: EncodingKey::from_secret(public.as_bytes()),
            pem: String::new(),
            jwk: Value::Null,
        };
        let jwt = object(&idp).alg(Algorithm::HS256).sign(&key);
        assert_eq!(refused(&idp, &beside(&idp, &jwt)).await, "request_object_algorithm_wrong");
    }
    register(&idp, |client| {
        client.jwks = Some(json!({ "keys": [p256().jwk, rsa().jwk] }));
        client.metadata.request_object_signing_alg = Some(ClientAlg::Ps256);
    })
    .await;
    for (algorithm, key, code) in [
        (Algorithm::ES256, p256(), Some("request_object_algorithm_wrong")),
        (Algorithm::RS256, rsa(), Some("request_object_algorithm_wrong")),
        (Algorithm::PS256, rsa(), None),
    ] {
        let request = beside(&idp, &object(&idp).alg(algorithm).sign(key));
        match code {
            Some(code) => assert_eq!(refused(&idp, &request).await, code, "{algorithm:?}"),
            None => assert!(is_taken(&idp, &request).await, "{algorithm:?}"),
        }
    }
}

/// RFC 9101 §4: a JWT, of the media type of request objects where it names one (§10.8.1), with the
/// parameters as claims.
#[tokio::test]
async fn what_is_no_request_object_is_refused() {
    let idp = start().await;
    let good = || object(&idp);
    let mut table: Vec<(String, &str)> = ["x", "x.y.z", "..x", "a.b.c.d", "å.å.å"]
        .map(|text| (text.to_owned(), "request_object_malformed"))
        .to_vec();
    for typ in ["at+jwt", "client-authentication+jwt", "dpop+jwt"] {
        table.push((good().typ(Some(typ)).sign(p256()), "request_object_malformed"));
    }
    for (bent, code) in [
        (good().set("jti", 1), "request_object_malformed"),
        (good().set("jti", ""), "request_object_malformed"),
        (good().set("exp", "soon"), "request_object_malformed"),
        (good().set("nbf", json!([])), "request_object_malformed"),
        (good().set("iat", -1), "request_object_malformed"),
        (good().set("request", "x"), "request_object_nested"),
        (good().set("request_uri", "https://rp.localhost/x"), "request_object_nested"),
        (good().set("state", "a\u{0}b"), "request_malformed"),
        // Longer than a request may be that travels sealed.
        (good().set("x", "å".repeat(1500)), "request_too_long"),
        (good().without("response_type"), "response_type_missing"),
        (good().without("scope"), "scope_openid_missing"),
        (good().set("prompt", "nonsense"), "prompt_invalid"),
    ] {
        table.push((bent.sign(p256()), code));
    }
    for (jwt, code) in table {
        let request = beside(&idp, &jwt).without("response_type");
        let answer =
            idp.browser_with(None).post(&idp.at("/authorize"), &request.form()).await.unwrap();
        assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), code, "{jwt}");
    }
    // Where nothing says whom to tell, a page does.
    let answer = idp.browser_with(None).get(&alone(&idp, "x.y.z").url()).await.unwrap();
    assert_eq!(told_by_page(&answer), "request_object_malformed");
    for good in [good().typ(None), good().typ(Some("JWT"))] {
        assert!(is_taken(&idp, &alone(&idp, &good.sign(p256()))).await);
    }
}

/// RFC 9101 §4 and the Swedish profile: the issuer, or the authorization endpoint.
#[tokio::test]
async fn it_is_for_this_provider() {
    let idp = start().await;
    let issuer = idp.config.issuer_identifier().to_owned();
    let endpoint = format!("{issuer}/authorize");
    for good in [json!(issuer), json!(endpoint), json!([issuer]), json!(["x", endpoint])] {
        let jwt = object(&idp).set("aud", good.clone()).sign(p256());
        assert!(is_taken(&idp, &alone(&idp, &jwt)).await, "{good}");
    }
    let token_endpoint = format!("{issuer}/token");
    for wrong in [
        object(&idp).without("aud"),
        object(&idp).set("aud", "https://other.example"),
        object(&idp).set("aud", format!("{issuer}/")),
        object(&idp).set("aud", token_endpoint),
        object(&idp).set("aud", json!([])),
        object(&idp).set("aud", json!({ "0": issuer })),
    ] {
        let told = refused(&idp, &beside(&idp, &wrong.sign(p256()))).await;
        assert_eq!(told, "request_object_audience_wrong", "{}", wrong.claims);
    }
}

#[tokio::test]
async fn it_has_a_time_with_a_minute_for_clocks_that_differ() {
    let idp = start().await;
    let now = idp.clock.now().timestamp();
    let day = 24 * 3600;
    for good in [
        object(&idp).set("exp", now - 59),
        object(&idp).set("nbf", now + 60).set("iat", now + 60),
        object(&idp).set("exp", now + day),
        object(&idp).without("exp").without("nbf").without("iat").without("jti"),
    ] {
        assert!(is_taken(&idp, &alone(&idp, &good.sign(p256()))).await, "{}", good.claims);
    }
    for wrong in [
        object(&idp).set("exp", now - 60),
        object(&idp).set("exp", 0),
        object(&idp).set("nbf", now + 62),
        object(&idp).set("iat", now + 62),
        object(&idp).set("exp", now + day + 2),
    ] {
        let told = refused(&idp, &beside(&idp, &wrong.sign(p256()))).await;
        assert_eq!(told, "request_object_expired", "{}", wrong.claims);
    }
}

/// RFC 7519 §4.1.7: one login for each, on every node.
#[tokio::test]
async fn a_request_object_with_a_jti_is_used_once() {
    let idp = start().await;
    let jwt = object(&idp).sign(p256());
    assert!(is_taken(&idp, &beside(&idp, &jwt)).await);
    assert_eq!(refused(&idp, &beside(&idp, &jwt)).await, "request_object_replayed");
    // The same jti in another object of the client; and of another client, whose it may be, too.
    let jti = "one-jti";
    let first = object(&idp).set("jti", jti).sign(p256());
    assert!(is_taken(&idp, &beside(&idp, &first)).await);
    let second = object(&idp).set("jti", jti).set("state", "another").sign(p256());
    assert_eq!(refused(&idp, &beside(&idp, &second)).await, "request_object_replayed");
    register(&idp, |client| client.id = "other".to_owned()).await;
    let request = idp.authorize().set("client_id", "other");
    let of_other = RequestObject::of(&idp, &request).set("jti", jti).sign(p256());
    assert!(is_taken(&idp, &request.set("request", &of_other)).await);
    // Without one, as often as it is sent within its time.
    let without = object(&idp).without("jti").sign(p256());
    for _ in 0..2 {
        assert!(is_taken(&idp, &beside(&idp, &without)).await);
    }
}

#[tokio::test]
async fn a_plain_request_writes_nothing_and_a_wrong_object_neither() {
    let idp = start().await;
    let rows =
        "select (select count(*) from client_assertions) + (select count(*) from pushed_requests)";
    for request in [
        idp.authorize(),
        beside(&idp, &object(&idp).sign(stranger())),
        beside(&idp, &object(&idp).set("aud", "x").sign(p256())),
    ] {
        idp.browser_with(None).get(&request.url()).await.unwrap();
        assert_eq!(idp.count(rows).await, 0);
    }
}

#[tokio::test]
async fn numbers_and_objects_are_parameters_as_they_would_be_in_a_query() {
    let idp = start().await;
    let good = object(&idp)
        .set("max_age", 3600)
        .set("claims", json!({ "id_token": { "auth_time": { "essential": true } } }));
    assert!(is_taken(&idp, &alone(&idp, &good.sign(p256()))).await);
    let wrong = object(&idp).set("max_age", -1).sign(p256());
    assert_eq!(refused(&idp, &beside(&idp, &wrong)).await, "max_age_invalid");
}

/// OpenID Connect Core 1.0 §3.1.2.6: without a key there is nothing to check it by.
#[tokio::test]
async fn a_client_without_keys_has_no_request_objects() {
    let idp = TestIdp::start().await;
    let request = beside(&idp, &object(&idp).sign(p256()));
    assert_eq!(refused(&idp, &request).await, "request_object_unsupported");
}

/// RFC 9101 §10.5.
#[tokio::test]
async fn a_client_that_must_sign_cannot_send_parameters() {
    let idp = start().await;
    register(&idp, |client| client.metadata.require_signed_request_object = true).await;
    assert_eq!(refused(&idp, &idp.authorize()).await, "request_object_missing");
    let answer = idp.push(&idp.authorize()).await;
    assert_eq!(answer.problem(idp.issuer()), "request_object_missing");
    let jwt = object(&idp).sign(p256());
    assert!(is_taken(&idp, &alone(&idp, &jwt)).await);
    let jwt = object(&idp).sign(p256());
    assert!(is_taken(&idp, &idp.pushed(&alone(&idp, &jwt)).await).await);
}

#[tokio::test]
async fn request_and_request_uri_are_one_too_many() {
    let idp = start().await;
    let jwt = object(&idp).sign(p256());
    let both = beside(&idp, &jwt).set("request_uri", "https://rp.localhost/object.jwt");
    assert_eq!(refused(&idp, &both).await, "request_given_twice");
    for twice in ["request", "request_uri"] {
        let request = idp.authorize().add(twice, &jwt).add(twice, &jwt);
        assert_eq!(refused(&idp, &request).await, "parameter_repeated", "{twice}");
    }
}

/// RFC 9101 §6.1: encrypted to a key of ours, around a JWT that the client signed.
#[tokio::test]
async fn an_encrypted_request_object_is_opened_and_its_signature_checked() {
    let idp = start().await;
    let jwks: Value = idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let encrypted = |alg: JweAlg, enc: JweEnc, text: &str| {
        RecipientKey::choose(&jwks, alg).unwrap().nest(enc, text).unwrap()
    };
    for (alg, enc) in [
        (JweAlg::RsaOaep, JweEnc::A128Gcm),
        (JweAlg::RsaOaep256, JweEnc::A256CbcHs512),
        (JweAlg::EcdhEs, JweEnc::A256Gcm),
    ] {
        let jwe = encrypted(alg, enc, &object(&idp).sign(p256()));
        assert!(is_taken(&idp, &alone(&idp, &jwe)).await, "{alg} {enc}");
    }
    let (alg, enc) = (JweAlg::EcdhEs, JweEnc::A256Gcm);
    // Encryption proves nothing.
    let by_stranger = encrypted(alg, enc, &object(&idp).sign(stranger()));
    let told = refused(&idp, &beside(&idp, &by_stranger)).await;
    assert_eq!(told, "request_object_signature_wrong");
    let bare = encrypted(alg, enc, &object(&idp).claims.to_string());
    assert_eq!(refused(&idp, &beside(&idp, &bare)).await, "request_object_malformed");
    // To somebody else, and altered on the way.
    let theirs = json!({ "keys": [stranger().jwk] });
    let theirs = RecipientKey::choose(&theirs, alg).unwrap();
    let to_others = theirs.nest(enc, &object(&idp).sign(p256())).unwrap();
    let good = encrypted(alg, enc, &object(&idp).sign(p256()));
    let cut = format!("{}A", &good[..good.len() - 2]);
    for wrong in [&to_others, &cut, "a.b.c.d.e", "...."] {
        let told = refused(&idp, &beside(&idp, wrong)).await;
        assert_eq!(told, "request_object_encrypted_wrong", "{wrong}");
    }
}

/// FAPI 2.0 Message Signing §5.3.1: nbf and exp, an hour apart at most; the issuer alone; pushed.
#[tokio::test]
async fn the_profile_fapi2_is_stricter() {
    let idp = start().await;
    register(&idp, |client| client.metadata.profile = Profile::Fapi2).await;
    let now = idp.clock.now().timestamp();
    let push = async |object: &RequestObject, key: &ClientKey| {
        let answer = idp.push(&alone(&idp, &object.sign(key))).await;
        if answer.status == 201 { "taken".to_owned() } else { answer.problem(idp.issuer()) }
    };
    // FAPI 2.0 Security Profile §5.3.2.2.
    for request in [idp.authorize(), beside(&idp, &object(&idp).sign(p256()))] {
        assert_eq!(refused(&idp, &request).await, "request_not_pushed");
    }
    let endpoint = format!("{}/authorize", idp.config.issuer_identifier());
    for (bent, code) in [
        (object(&idp), "taken"),
        (object(&idp).set("nbf", now - 3600).set("exp", now), "taken"),
        (object(&idp).without("exp"), "request_object_expired"),
        (object(&idp).without("nbf"), "request_object_expired"),
        (object(&idp).set("exp", now + 3601), "request_object_expired"),
        (object(&idp).set("nbf", now - 3661), "request_object_expired"),
        (object(&idp).set("aud", endpoint), "request_object_audience_wrong"),
    ] {
        assert_eq!(push(&bent, p256()).await, code, "{}", bent.claims);
    }
    register(&idp, |client| {
        client.metadata.profile = Profile::Fapi2;
        client.jwks = Some(json!({ "keys": [rsa().jwk] }));
    })
    .await;
    let by_rs256 = object(&idp).alg(Algorithm::RS256);
    assert_eq!(push(&by_rs256, rsa()).await, "request_object_algorithm_wrong");
    assert_eq!(push(&object(&idp).alg(Algorithm::PS256), rsa()).await, "taken");
}

//! JWTs that are bent: another algorithm, another key, another meaning of the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::harness::assertion::{Assertion, p256, stranger};
use crate::harness::{Answer, TestIdp};
use crate::user_info::{challenged, forged_by_our_own_key};

async fn good_token(idp: &TestIdp) -> String {
    let tokens = idp.login_tokens(&idp.authorize()).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// RFC 8725 §2.1: a public key is no secret that a MAC could be made with.
#[tokio::test]
async fn an_access_token_under_hs256_by_a_public_key_opens_nothing() {
    let idp = TestIdp::start().await;
    let good = good_token(&idp).await;
    let claims = crate::token::claims(&good);
    let kid = jsonwebtoken::decode_header(&good).unwrap().kid;
    let jwks = Answer::of(idp.http().get(idp.at("/jwks")).send().await.unwrap()).await;
    let jwks_text = jwks.body.clone();
    let jwks = jwks.json();
    let mut secrets = vec![jwks_text.into_bytes(), Vec::new()];
    for key in jwks["keys"].as_array().unwrap() {
        secrets.push(key.to_string().into_bytes());
        for member in ["x", "y", "n", "kid"] {
            if let Some(text) = key[member].as_str() {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(URL_SAFE_NO_PAD.decode(text).unwrap());
            }
        }
    }
    for secret in secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            (header.typ, header.kid) = (Some("at+jwt".to_owned()), kid.clone());
            let key = EncodingKey::from_secret(&secret);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            let answer = idp.user_info(&token).await;
            assert_eq!(challenged(&idp, &answer), "token_malformed", "{algorithm:?}");
        }
    }
}

/// RFC 8725 §3.1: a key is used with the algorithm that it was made for, whatever the header says.
#[tokio::test]
async fn a_header_that_says_other_things_than_we_do_opens_nothing() {
    let idp = TestIdp::start().await;
    let good = good_token(&idp).await;
    let long = "k".repeat(2000);
    for (member, value) in [
        ("alg", json!("RS256")),
        ("alg", json!("ES384")),
        ("alg", json!("EdDSA")),
        ("alg", json!("PS256")),
        ("alg", json!("es256")),
        ("alg", json!("none")),
        ("alg", json!("")),
        ("alg", json!(["ES256"])),
        ("alg", Value::Null),
        ("kid", json!("")),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' or '1'='1")),
        ("kid", json!(long)),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("typ", json!("jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", Value::Null),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ] {
        let token = forged_by_our_own_key(&idp, &good, |header, _| {
            header[member] = value.clone();
        })
        .await;
        let answer = idp.user_info(&token).await;
        assert_eq!(challenged(&idp, &answer), "token_malformed", "{member} {value}");
    }
}

#[tokio::test]
async fn claims_of_the_wrong_type_or_time_open_nothing() {
    let idp = TestIdp::start().await;
    let good = good_token(&idp).await;
    let now = idp.clock.now().timestamp();
    for (claim, value, code) in [
        ("exp", json!(now - 1), "token_expired"),
        ("exp", json!(now), "token_expired"),
        ("exp", json!(-1), "token_expired"),
        ("exp", json!(format!("{}", now + 300)), "token_malformed"),
        ("exp", json!(1e300), "token_malformed"),
        ("exp", Value::Null, "token_malformed"),
        ("iss", json!([idp.config.issuer_identifier()]), "token_malformed"),
        ("iss", Value::Null, "token_malformed"),
        ("sub", Value::Null, "token_malformed"),
        ("client_id", Value::Null, "token_malformed"),
    ] {
        let token = forged_by_our_own_key(&idp, &good, |_, claims| {
            claims[claim] = value.clone();
        })
        .await;
        let answer = idp.user_info(&token).await;
        assert_eq!(challenged(&idp, &answer), code, "{claim} {value}");
    }
}

/// RFC 7519 §7.2: three parts of base64url, with nothing about them.
#[tokio::test]
async fn another_spelling_of_a_good_token_opens_nothing() {
    let idp = TestIdp::start().await;
    let good = good_token(&idp).await;
    let [header, claims, signature] =
        <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
    let json = json!({ "protected": header, "payload": claims, "signature": signature });
    for token in [
        format!("{good}."),
        format!("{good}.x"),
        format!("{good}="),
        format!(".{good}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}"),
        format!("..{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{claims}.{}", "A".repeat(86)),
        format!("{header}.{claims}.{}", &signature[..40]),
        json.to_string(),
        format!("{good},{good}"),
        format!("\"{good}\""),
    ] {
        let answer = idp.user_info(&token).await;
        assert_eq!(challenged(&idp, &answer), "token_malformed", "{token}");
    }
    assert_eq!(idp.user_info(&good).await.status, 200);
}

/// Claims in which a member is there twice: two readers would read two of them.
struct Twice<'a>(&'a Assertion, &'a str, Value);

impl Serialize for Twice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.0.as_object().unwrap() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(self.1, &self.2)?;
        map.end()
    }
}

#[tokio::test]
async fn an_assertion_that_can_be_read_in_two_ways_proves_nothing() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "jwt".to_owned();
        p256().register(client);
    })
    .await;
    let told = async |jwt: String| {
        let request = idp.token_request("a-code").set("client_id", "jwt").assertion(&jwt);
        idp.token_error(&request).await
    };
    let issuer = idp.config.issuer_identifier();
    let good = || Assertion::new("jwt", issuer, idp.clock.now());
    let header = Header::new(Algorithm::ES256);
    for (name, value) in [
        ("iss", json!("demo-symfoni")),
        ("sub", json!("demo-symfoni")),
        ("aud", json!("https://evil.example")),
        ("exp", json!(4_000_000_000_u64)),
        ("jti", json!("another")),
    ] {
        let claims = good();
        let twice = Twice(&claims, name, value);
        let jwt = jsonwebtoken::encode(&header, &twice, &p256().signing).unwrap();
        assert_eq!(told(jwt).await, "assertion_malformed", "{name}");
    }
    // What a header says of keys is not asked: this is signed by the key that it names.
    let mut named = header.clone();
    named.jku = Some("https://evil.example/jwks".to_owned());
    named.x5u = Some("https://evil.example/x5u".to_owned());
    named.jwk = Some(serde_json::from_value(stranger().jwk.clone()).unwrap());
    let jwt = jsonwebtoken::encode(&named, &good().0, &stranger().signing).unwrap();
    assert_eq!(told(jwt).await, "assertion_signature_wrong");
    // As JSON, nested, or an ID token of ours.
    let signed = good().sign(Algorithm::ES256, &p256().signing);
    let parts: Vec<&str> = signed.split('.').collect();
    let json = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] });
    assert_eq!(told(json.to_string()).await, "assertion_malformed");
    let nested = jsonwebtoken::encode(&header, &signed, &p256().signing).unwrap();
    assert_eq!(told(nested).await, "assertion_malformed");
    let deep = jsonwebtoken::encode(&header, &deep(2000), &p256().signing).unwrap();
    assert_eq!(told(deep).await, "assertion_malformed");
}

/// Lists in lists, which a reader could follow until its stack ends.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]))
}

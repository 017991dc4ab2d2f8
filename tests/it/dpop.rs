//! DPoP at the token endpoint (RFC 9449 §4.3, §5, §8, §10): which proofs bind tokens, and which do not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use siths_idp::config::DpopNonce;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::flow::client_call::Call;
use siths_idp::flow::sender::request_key;
use siths_idp::oidc::client_metadata::Profile;

use crate::harness::assertion::{p256, rsa, stranger};
use crate::harness::dpop::{Proof, thumbprint};
use crate::harness::{Answer, CLIENT_SECRET, TestIdp};
use crate::token::claims;

async fn code(idp: &TestIdp) -> String {
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await
}

/// What a token request with this proof is told, of a code that does not exist: a proof is judged first.
async fn told(idp: &TestIdp, proof: &str) -> String {
    idp.token_error(&idp.token_request("a-code").dpop(proof)).await
}

/// RFC 9449 §5, §6.1.
#[tokio::test]
async fn a_proof_binds_the_access_token_to_its_key() {
    let idp = TestIdp::start().await;
    for (key, algorithm, jkt) in [
        (p256(), Algorithm::ES256, Some(thumbprint(p256()))),
        (rsa(), Algorithm::PS256, None),
        (rsa(), Algorithm::RS256, None),
    ] {
        let request =
            idp.token_request(&code(&idp).await).dpop(&idp.token_proof().of(key, algorithm));
        let tokens = idp.tokens(&request).await;
        assert_eq!(tokens["token_type"], "DPoP");
        let bound = claims(tokens["access_token"].as_str().unwrap())["cnf"].clone();
        assert_eq!(bound.as_object().unwrap().len(), 1, "{bound}");
        match jkt {
            Some(jkt) => assert_eq!(bound["jkt"], jkt),
            None => assert_eq!(bound["jkt"].as_str().unwrap().len(), 43),
        }
        // RFC 9449 §6: the ID token is not bound.
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["cnf"], Value::Null);
    }
    let unbound = idp.tokens(&idp.token_request(&code(&idp).await)).await;
    assert_eq!(unbound["token_type"], "Bearer");
    assert_eq!(claims(unbound["access_token"].as_str().unwrap())["cnf"], Value::Null);
}

/// RFC 9449 §4.3, items 1 to 7.
#[tokio::test]
async fn what_is_no_proof_of_a_key_is_refused() {
    let idp = TestIdp::start().await;
    let good = || idp.token_proof();
    let mut private = p256().jwk.clone();
    private["d"] = "AAAA".into();
    let x = URL_SAFE_NO_PAD.decode(p256().jwk["x"].as_str().unwrap()).unwrap();
    let hmac = |key: &[u8], jwk: Value| {
        let proof = good().header("alg", "HS256").header("jwk", jwk);
        proof.signed_by(Algorithm::HS256, &EncodingKey::from_secret(key))
    };
    let mut no_jwk = good();
    no_jwk.header.as_object_mut().unwrap().remove("jwk");
    let mut no_alg = good();
    no_alg.header.as_object_mut().unwrap().remove("alg");
    let short = json!({ "kty": "RSA", "n": "A".repeat(170), "e": "AQAB" });
    let twice = good().sign();
    let tail = good().sign().split_once('.').unwrap().1.to_owned();
    for (what, proof, code) in [
        ("no text", String::new(), "dpop_malformed"),
        ("nonsense", "nonsense".to_owned(), "dpop_malformed"),
        ("two in one field", format!("{twice}, {twice}"), "dpop_malformed"),
        ("a header that is no JSON", format!("AAAA.{tail}"), "dpop_malformed"),
        ("four parts", format!("{twice}.AAAA"), "dpop_malformed"),
        ("typ JWT", good().header("typ", "JWT").sign(), "dpop_malformed"),
        ("typ at+jwt", good().header("typ", "at+jwt").sign(), "dpop_malformed"),
        ("no typ", good().header("typ", Value::Null).sign(), "dpop_malformed"),
        ("crit", good().header("crit", json!(["b64"])).sign(), "dpop_malformed"),
        ("no alg", no_alg.sign(), "dpop_malformed"),
        ("alg none", good().header("alg", "none").under(""), "dpop_alg_unsupported"),
        ("HS256 with x", hmac(&x, p256().jwk.clone()), "dpop_alg_unsupported"),
        ("HS256 with oct", hmac(b"k", json!({ "kty": "oct", "k": "aw" })), "dpop_alg_unsupported"),
        ("an alg that is none", good().header("alg", "ES257").sign(), "dpop_alg_unsupported"),
        ("no jwk", no_jwk.sign(), "dpop_key_unusable"),
        ("a kid for a jwk", no_jwk.clone().header("kid", "k").sign(), "dpop_key_unusable"),
        ("a private key", good().header("jwk", private).sign(), "dpop_key_unusable"),
        (
            "a symmetric key",
            good().header("jwk", json!({ "kty": "oct", "k": "aw" })).sign(),
            "dpop_key_unusable",
        ),
        ("a short key", good().header("jwk", short).sign(), "dpop_key_unusable"),
        ("a key that is text", good().header("jwk", "key").sign(), "dpop_key_unusable"),
        (
            "another key",
            good().signed_by(Algorithm::ES256, &stranger().signing),
            "dpop_signature_wrong",
        ),
        ("an alg of another key", good().header("alg", "PS256").sign(), "dpop_signature_wrong"),
        ("no signature", good().under(""), "dpop_signature_wrong"),
        (
            "another's signature",
            good().under(twice.rsplit_once('.').unwrap().1),
            "dpop_signature_wrong",
        ),
    ] {
        assert_eq!(told(&idp, &proof).await, code, "{what}");
    }
    for claim in ["jti", "htm", "htu", "iat"] {
        assert_eq!(told(&idp, &good().without(claim).sign()).await, "dpop_malformed", "no {claim}");
        let wrong = good().set(claim, json!([1])).sign();
        assert_eq!(told(&idp, &wrong).await, "dpop_malformed", "{claim} of another type");
    }
    assert_eq!(told(&idp, &good().set("jti", "").sign()).await, "dpop_malformed");
    assert_eq!(told(&idp, &good().set("iat", 1e300).sign()).await, "dpop_malformed");
    let two = idp.token_request("a-code").dpop(&good().sign()).dpop(&good().sign());
    assert_eq!(idp.token_error(&two).await, "dpop_repeated");
    // None of them was used up, and none bound anything.
    assert!(idp.tables().await["dpop_proofs"].is_empty());
}

/// RFC 9449 §4.3, items 8 and 9.
#[tokio::test]
async fn a_proof_is_for_one_method_and_one_address() {
    let idp = TestIdp::start().await;
    let good = || idp.token_proof();
    let token = idp.at("/token").to_string();
    for htu in [
        idp.at("/userinfo").to_string(),
        idp.at("/token/").to_string(),
        token.replace("https", "http"),
        token.replace("idp.localhost", "idp.example"),
        token.replace("idp.localhost", "card.idp.localhost"),
        "https://idp.localhost/token".to_owned(),
        "/token".to_owned(),
        String::new(),
    ] {
        let proof = good().set("htu", htu.clone()).sign();
        assert_eq!(told(&idp, &proof).await, "dpop_wrong_endpoint", "{htu}");
    }
    for htm in ["GET", "post", ""] {
        let proof = good().set("htm", htm).sign();
        assert_eq!(told(&idp, &proof).await, "dpop_wrong_endpoint", "{htm}");
    }
    // RFC 3986 §6.2.2, §6.2.3; without query and fragment.
    for htu in [
        format!("{token}?a=b#c"),
        token.replace("https://idp.localhost", "HTTPS://IDP.LocalHost"),
        token.replace("/token", "/%74oken"),
        token.replace("/token", "/./token"),
    ] {
        let proof = good().set("htu", htu.clone()).sign();
        assert_eq!(told(&idp, &proof).await, "code_unknown", "{htu}");
    }
}

/// RFC 9449 §4.3, item 11.
#[tokio::test]
async fn a_proof_lives_for_a_minute_and_clocks_differ_by_one() {
    let idp = TestIdp::start().await;
    let now = idp.clock.now().timestamp();
    for (iat, code) in [
        (now - 3600, "dpop_expired"),
        (now - 121, "dpop_expired"),
        (now - 118, "code_unknown"),
        (now + 59, "code_unknown"),
        (now + 62, "dpop_expired"),
    ] {
        assert_eq!(
            told(&idp, &idp.token_proof().set("iat", iat).sign()).await,
            code,
            "{}",
            iat - now
        );
    }
}

/// RFC 9449 §11.1.
#[tokio::test]
async fn a_proof_is_taken_once_on_any_node() {
    let idp = TestIdp::start().await;
    let (node, elsewhere) = idp.another_node().await;
    let proof = idp.token_proof();
    assert_eq!(told(&idp, &proof.sign()).await, "code_unknown");
    assert_eq!(told(&idp, &proof.sign()).await, "dpop_replayed");
    let request = idp.token_request(&code(&idp).await).dpop(&proof.sign());
    let answer = request.answer(&idp.http(), &elsewhere.join("/token").unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "dpop_replayed");
    // It is remembered as long as it would be taken, and no longer.
    idp.advance(118);
    siths_idp::store::housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
    assert_eq!(told(&idp, &proof.sign()).await, "dpop_replayed");
    idp.advance(3);
    siths_idp::store::housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
    assert!(idp.tables().await["dpop_proofs"].is_empty());
    assert_eq!(told(&idp, &proof.sign()).await, "dpop_expired");
    // The same jti of another key is another proof.
    let ours = idp.token_proof();
    assert_eq!(told(&idp, &ours.sign()).await, "code_unknown");
    assert_eq!(told(&idp, &ours.of(stranger(), Algorithm::ES256)).await, "code_unknown");
    node.kill().await;
}

#[tokio::test]
async fn of_many_uses_of_a_proof_at_once_one_is_the_first() {
    let idp = TestIdp::start().await;
    let proof = idp.token_proof().sign();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (http, endpoint) = (idp.http(), idp.at("/token"));
        let request = idp.token_request("a-code").dpop(&proof);
        tasks.spawn(async move { request.send(&http, &endpoint).await.1["error_code"].clone() });
    }
    let told = tasks.join_all().await;
    assert_eq!(told.iter().filter(|code| **code == "code_unknown").count(), 1);
    assert_eq!(told.iter().filter(|code| **code == "dpop_replayed").count(), 9);
}

/// RFC 9449 §5: a proof is judged before the code is spent, so that the client can try again.
#[tokio::test]
async fn a_refused_proof_leaves_the_code_alone() {
    let idp = TestIdp::start().await;
    let code = code(&idp).await;
    let wrong = idp.token_request(&code).dpop(&idp.token_proof().set("htm", "GET").sign());
    assert_eq!(idp.token_error(&wrong).await, "dpop_wrong_endpoint");
    idp.tokens(&idp.token_request(&code).dpop(&idp.token_proof().sign())).await;
}

/// RFC 9449 §5.2.
#[tokio::test]
async fn dpop_bound_access_tokens_make_a_proof_a_duty() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.metadata.dpop_bound_access_tokens = true).await;
    let code = code(&idp).await;
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "dpop_missing");
    let tokens = idp.tokens(&idp.token_request(&code).dpop(&idp.token_proof().sign())).await;
    assert_eq!(tokens["token_type"], "DPoP");
}

/// FAPI 2.0 §5.4.1.
#[tokio::test]
async fn the_profile_fapi2_takes_three_algorithms() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.metadata.profile = Profile::Fapi2).await;
    let by = |key, algorithm| idp.token_proof().of(key, algorithm);
    assert_eq!(told(&idp, &by(rsa(), Algorithm::RS256)).await, "dpop_alg_unsupported");
    assert_eq!(told(&idp, &by(rsa(), Algorithm::PS256)).await, "code_unknown");
    assert_eq!(told(&idp, &by(p256(), Algorithm::ES256)).await, "code_unknown");
}

fn nonce(answer: &Answer) -> String {
    let nonce = answer.header("dpop-nonce");
    assert!(!nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_graphic()), "{nonce}");
    nonce.to_owned()
}

/// RFC 9449 §8, §8.2.
#[tokio::test]
async fn where_nonces_are_required_a_proof_without_one_is_answered_with_one() {
    let idp = TestIdp::start_with(|config| config.dpop_nonce = DpopNonce::Required).await;
    let (node, elsewhere) = idp.another_node().await;
    let code = code(&idp).await;
    let request = |proof: Proof| idp.token_request(&code).dpop(&proof.sign());
    let answer = idp.token_answer(&request(idp.token_proof())).await;
    assert_eq!(answer.problem(idp.issuer()), "dpop_nonce_wrong");
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("use_dpop_nonce")));
    let first = nonce(&answer);
    // Any node takes it, and the code was not spent.
    let http = idp.http();
    let again = request(idp.token_proof().set("nonce", first.clone()));
    let answer = again.answer(&http, &elsewhere.join("/token").unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A fresh one comes with every answer, and the one before is good for five minutes.
    assert_ne!(nonce(&answer), first);
    idp.advance(298);
    assert_eq!(
        told(&idp, &idp.token_proof().set("nonce", first.clone()).sign()).await,
        "code_unknown"
    );
    idp.advance(2);
    assert_eq!(told(&idp, &idp.token_proof().set("nonce", first).sign()).await, "dpop_nonce_wrong");
    // Who sends no proof is asked for none, and is offered no nonce.
    let plain = idp.token_answer(&idp.token_request("a-code")).await;
    assert_eq!(plain.header("dpop-nonce"), "");
    node.kill().await;
}

/// RFC 9449 §4.3, item 10.
#[tokio::test]
async fn a_nonce_that_is_there_must_be_good() {
    let idp = TestIdp::start().await;
    let answer =
        idp.token_answer(&idp.token_request("a-code").dpop(&idp.token_proof().sign())).await;
    assert_eq!(answer.problem(idp.issuer()), "code_unknown");
    let good = nonce(&answer);
    assert_eq!(
        told(&idp, &idp.token_proof().set("nonce", good.clone()).sign()).await,
        "code_unknown"
    );
    for wrong in ["", "a-nonce", &good[1..]] {
        let proof = idp.token_proof().set("nonce", wrong).sign();
        assert_eq!(told(&idp, &proof).await, "dpop_nonce_wrong", "{wrong}");
    }
    let sealed = idp
        .node
        .app
        .sealer
        .seal_value(siths_idp::keys::Purpose::Login, &idp.clock.now().timestamp());
    let of_another_purpose = idp.token_proof().set("nonce", sealed.unwrap()).sign();
    assert_eq!(told(&idp, &of_another_purpose).await, "dpop_nonce_wrong");
}

/// RFC 9449 §10.
#[tokio::test]
async fn a_code_that_is_bound_to_a_key_is_redeemed_by_that_key_alone() {
    let idp = TestIdp::start().await;
    let bound = async || {
        let request = idp.authorize().set("dpop_jkt", &thumbprint(p256()));
        idp.code(&mut idp.browser("clinician"), &request).await
    };
    for proof in [None, Some(idp.token_proof().of(stranger(), Algorithm::ES256))] {
        let code = bound().await;
        let bare = idp.token_request(&code);
        let request = proof.iter().fold(bare, |request, proof| request.dpop(proof));
        assert_eq!(idp.token_error(&request).await, "grant_key_mismatch");
        // As after a wrong verifier, the code is spent.
        let right = idp.token_request(&code).dpop(&idp.token_proof().sign());
        assert_eq!(idp.token_error(&right).await, "code_replayed");
    }
    idp.tokens(&idp.token_request(&bound().await).dpop(&idp.token_proof().sign())).await;
}

/// RFC 9449 §10.1.
#[tokio::test]
async fn a_proof_with_a_pushed_request_binds_its_code() {
    let idp = TestIdp::start_with(|config| config.dpop_nonce = DpopNonce::Required).await;
    let push = async |proof: &Proof| {
        let form = idp.http().post(idp.at("/par")).form(&idp.authorize().form());
        let by = form.basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).header("dpop", proof.sign());
        Answer::of(by.send().await.unwrap()).await
    };
    let proof = || Proof::new("POST", &idp.at("/par"), idp.clock.now());
    let answer = push(&proof()).await;
    assert_eq!(answer.problem(idp.issuer()), "dpop_nonce_wrong");
    let nonce = nonce(&answer);
    let answer = push(&proof().set("nonce", nonce.clone())).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
    let pushed = idp.authorize().only(&["client_id"]).set("request_uri", &uri);
    let code = idp.code(&mut idp.browser("clinician"), &pushed).await;
    let other = idp.token_proof().set("nonce", nonce).of(stranger(), Algorithm::ES256);
    let request = idp.token_request(&code).dpop(&other);
    assert_eq!(idp.token_error(&request).await, "grant_key_mismatch");
}

/// A call of the endpoint for pushed requests.
fn pushed<'a>(dpop: &'a [String], alias_host: Option<&'a str>) -> Call<'a> {
    Call {
        method: "POST",
        path: "/par",
        alias_host,
        authorization: None,
        dpop,
        chain: None,
        params: None,
        address: "",
    }
}

/// RFC 9449 §10.1: what the endpoint of pushed requests asks.
#[tokio::test]
async fn a_pushed_request_names_one_key() {
    let idp = TestIdp::start().await;
    let client = idp.node.app.client(CLIENT_ID).unwrap();
    let asked = async |proofs: &[String], dpop_jkt: Option<&str>| {
        let asked = request_key(&idp.node.app, &pushed(proofs, None), &client, dpop_jkt).await;
        asked.map_err(|fault| fault.code().name())
    };
    let proof = || vec![Proof::new("POST", &idp.at("/par"), idp.clock.now()).sign()];
    let (ours, other) = (thumbprint(p256()), thumbprint(stranger()));
    assert_eq!(asked(&[], None).await, Ok(None));
    assert_eq!(asked(&[], Some(&other)).await, Ok(Some(other.clone())));
    assert_eq!(asked(&proof(), None).await, Ok(Some(ours.clone())));
    assert_eq!(asked(&proof(), Some(&ours)).await, Ok(Some(ours.clone())));
    assert_eq!(asked(&proof(), Some(&other)).await, Err("dpop_jkt_mismatch"));
    assert_eq!(asked(&[idp.token_proof().sign()], None).await, Err("dpop_wrong_endpoint"));
}

/// RFC 8705 §5: a request to an alias is a request to that address, and to no other.
#[tokio::test]
async fn a_proof_for_an_alias_is_for_the_host_of_the_aliases() {
    let idp = TestIdp::start().await;
    let client = idp.node.app.client(CLIENT_ID).unwrap();
    let mut alias = idp.at("/par");
    alias.set_host(Some("mtls.idp.localhost")).unwrap();
    for (address, host, told) in [
        (&alias, Some("mtls.idp.localhost"), Ok(())),
        (&alias, None, Err("dpop_wrong_endpoint")),
        (&idp.at("/par"), Some("mtls.idp.localhost"), Err("dpop_wrong_endpoint")),
    ] {
        let proofs = [Proof::new("POST", address, idp.clock.now()).sign()];
        let asked = request_key(&idp.node.app, &pushed(&proofs, host), &client, None).await;
        assert_eq!(asked.map(|_| ()).map_err(|fault| fault.code().name()), told, "{address}");
    }
}

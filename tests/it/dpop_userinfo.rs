//! DPoP at a protected resource (RFC 9449 §7, §9): UserInfo.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use siths_idp::config::DpopNonce;
use siths_idp::keys::ClientAlg;

use crate::harness::assertion::stranger;
use crate::harness::{Answer, TestIdp};

/// The code of a refusal by the DPoP scheme, which is in the one challenge as it is in the body.
fn challenged(answer: &Answer) -> String {
    let told = answer.json();
    assert_eq!(answer.status, 401, "{told}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("DPoP realm="), "{challenge}");
    assert!(
        challenge.contains(&format!(r#"algs="{}""#, ClientAlg::NAMES.join(" "))),
        "{challenge}"
    );
    for member in ["error", "error_code"] {
        let named = format!("{member}={}", told[member]);
        assert!(challenge.contains(&named), "{challenge} lacks {named}");
    }
    told["error_code"].as_str().unwrap().to_owned()
}

/// RFC 9449 §7.1.
#[tokio::test]
async fn a_bound_token_opens_user_info_with_a_proof_of_its_key() {
    let idp = TestIdp::start().await;
    let token = idp.bound_token().await;
    let answer = idp.user_info_by_dpop(&token, &[&idp.user_info_proof(&token).sign()]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["sub"].is_string());
    // By POST, and by a scheme of any case (RFC 9110 §11.1).
    let proof = idp.user_info_proof(&token).set("htm", "POST").sign();
    let request = idp.http().post(idp.at("/userinfo"));
    let request = request.header("authorization", format!("dpop {token}")).header("dpop", proof);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// RFC 9449 §4.3, items 8 to 12, and §7.1.
#[tokio::test]
async fn a_bound_token_opens_nothing_without_a_proof_for_it() {
    let idp = TestIdp::start().await;
    let token = idp.bound_token().await;
    let other = idp.bound_token().await;
    let good = || idp.user_info_proof(&token);
    for (what, proofs, code) in [
        ("none", vec![], "dpop_missing"),
        ("two", vec![good().sign(), good().sign()], "dpop_repeated"),
        ("nonsense", vec!["nonsense".to_owned()], "dpop_malformed"),
        ("no ath", vec![good().without("ath").sign()], "dpop_token_hash_wrong"),
        ("ath of another", vec![good().token(&other).sign()], "dpop_token_hash_wrong"),
        ("another key", vec![good().of(stranger(), Algorithm::ES256)], "dpop_key_mismatch"),
        ("another method", vec![good().set("htm", "POST").sign()], "dpop_wrong_endpoint"),
        ("another address", vec![idp.token_proof().token(&token).sign()], "dpop_wrong_endpoint"),
        ("an old one", vec![good().set("iat", 1).sign()], "dpop_expired"),
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = idp.user_info_by_dpop(&token, &proofs).await;
        assert_eq!(challenged(&answer), code, "{what}");
    }
    let proof = good().sign();
    assert_eq!(idp.user_info_by_dpop(&token, &[&proof]).await.status, 200);
    assert_eq!(challenged(&idp.user_info_by_dpop(&token, &[&proof]).await), "dpop_replayed");
}

/// RFC 9449 §7.1, §7.2.
#[tokio::test]
async fn neither_kind_of_token_is_taken_as_the_other() {
    let idp = TestIdp::start().await;
    let bound = idp.bound_token().await;
    let bearer =
        idp.login_tokens(&idp.authorize()).await["access_token"].as_str().unwrap().to_owned();
    let answer = idp.user_info(&bound).await;
    assert_eq!(answer.problem(idp.issuer()), "token_scheme_wrong");
    let in_header = idp.http().get(idp.at("/userinfo")).bearer_auth(&bound);
    let with_proof = in_header.header("dpop", idp.user_info_proof(&bound).sign());
    let answer = Answer::of(with_proof.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "token_scheme_wrong");
    let in_form = idp.http().post(idp.at("/userinfo")).form(&[("access_token", &bound)]);
    let answer = Answer::of(in_form.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "token_scheme_wrong");
    let proof = idp.user_info_proof(&bearer).sign();
    assert_eq!(challenged(&idp.user_info_by_dpop(&bearer, &[&proof]).await), "token_scheme_wrong");
    assert_eq!(idp.user_info(&bearer).await.status, 200);
}

/// RFC 9449 §7.1, §9: both schemes are offered to who uses the other, and a nonce to who proves.
#[tokio::test]
async fn challenges_name_the_scheme_its_algorithms_and_a_nonce() {
    let idp = TestIdp::start_with(|config| config.dpop_nonce = DpopNonce::Required).await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let first = idp.token_answer(&idp.token_request(&code).dpop(&idp.token_proof().sign())).await;
    let nonce = first.header("dpop-nonce").to_owned();
    let request = idp.token_request(&code).dpop(&idp.token_proof().set("nonce", nonce).sign());
    let token = idp.tokens(&request).await["access_token"].as_str().unwrap().to_owned();
    let answer = idp.user_info_by_dpop(&token, &[&idp.user_info_proof(&token).sign()]).await;
    assert_eq!(challenged(&answer), "dpop_nonce_wrong");
    assert_eq!(answer.json()["error"], "use_dpop_nonce");
    let proof = idp.user_info_proof(&token).set("nonce", answer.header("dpop-nonce"));
    let answer = idp.user_info_by_dpop(&token, &[&proof.sign()]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_ne!(answer.header("dpop-nonce"), "");

    let bare = Answer::of(idp.http().get(idp.at("/userinfo")).send().await.unwrap()).await;
    let challenges: Vec<&str> = bare
        .headers
        .get_all("www-authenticate")
        .iter()
        .map(|field| field.to_str().unwrap())
        .collect();
    let dpop = format!(r#"DPoP realm="siths-idp", algs="{}""#, ClientAlg::NAMES.join(" "));
    assert_eq!(challenges, [r#"Bearer realm="siths-idp""#, &dpop]);
    // RFC 9449 §5.1.
    let discovery =
        idp.http().get(idp.at("/.well-known/openid-configuration")).send().await.unwrap();
    let discovery: Value = discovery.json().await.unwrap();
    assert_eq!(discovery["dpop_signing_alg_values_supported"], json!(ClientAlg::NAMES));
    let json: Value = bare.json();
    assert_eq!(json["error_code"], "token_missing");
}

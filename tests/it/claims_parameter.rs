//! The `claims` parameter (OpenID Connect Core 1.0 §5.5) and levels of assurance: what must be met, what is a
//! wish, and what is kept for the tokens.

use serde_json::{Value, json};

use crate::harness::answer::{handed_back, told_by_redirect};
use crate::harness::{Authorize, REDIRECT_URI, TestIdp};

const LOA2: &str = "http://id.sambi.se/loa/loa2";
const LOA3: &str = "http://id.sambi.se/loa/loa3";

fn acr(asked: &Value) -> String {
    json!({ "id_token": { "acr": asked } }).to_string()
}

/// What a login of a person for a request ends in: the `acr` of the ID token, or a code.
async fn ends_in(idp: &TestIdp, person: &str, request: &Authorize) -> String {
    let walk = idp.walk(&mut idp.browser(person), &request.url()).await;
    match handed_back(walk.last(), REDIRECT_URI).get("code") {
        None => told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer()),
        Some(code) => {
            let tokens = idp.tokens(&idp.token_request(code)).await;
            let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
            claims["acr"].as_str().unwrap().to_owned()
        }
    }
}

/// §5.5.1.1: a value of an essential `acr` must be met; it is matched exactly, as by Inera's IdP.
#[tokio::test]
async fn an_essential_acr_is_met_exactly_or_the_login_fails() {
    let idp = TestIdp::start().await;
    for (person, asked, expected) in [
        ("clinician", json!({ "essential": true, "value": LOA3 }), LOA3),
        ("clinician", json!({ "essential": true, "values": [LOA2, LOA3] }), LOA3),
        ("clinician", json!({ "essential": true, "values": ["urn:other", LOA3] }), LOA3),
        ("clinician", json!({ "essential": true }), LOA3),
        ("clinician", json!({ "essential": true, "value": LOA2 }), "assurance_not_asked_for"),
        ("reserve-card", json!({ "essential": true, "value": LOA2 }), LOA2),
        ("reserve-card", json!({ "essential": true }), LOA2),
        ("reserve-card", json!({ "essential": true, "value": LOA3 }), "assurance_too_low"),
        ("reserve-card", json!({ "essential": true, "values": [LOA3] }), "assurance_too_low"),
        // §5.5.1: a voluntary claim is a wish.
        ("reserve-card", json!({ "value": LOA3 }), LOA2),
        ("reserve-card", json!({ "essential": false, "values": [LOA3] }), LOA2),
        ("reserve-card", json!({ "values": ["urn:other"] }), LOA2),
        ("reserve-card", Value::Null, LOA2),
    ] {
        let request = idp.authorize().set("claims", &acr(&asked));
        assert_eq!(ends_in(&idp, person, &request).await, expected, "{person} {asked}");
    }
}

/// §5.5.1.1: "the requirement cannot be met" is told before anybody is asked for a card.
#[tokio::test]
async fn an_essential_acr_that_no_card_gives_is_refused_at_once() {
    let idp = TestIdp::start().await;
    let foreign = "http://id.elegnamnden.se/loa/1.0/loa3";
    let essential = |values: Value| acr(&json!({ "essential": true, "values": values }));
    for request in [
        idp.authorize().set("claims", &acr(&json!({ "essential": true, "value": foreign }))),
        idp.authorize().set("claims", &essential(json!([foreign, "urn:other"]))),
        idp.authorize().set("claims", &essential(json!([3, null]))),
        idp.authorize().set("claims", &essential(json!([LOA3]))).set("acr_values", LOA2),
    ] {
        let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
        assert_eq!(
            handed_back(&answer, REDIRECT_URI)["error"],
            "unmet_authentication_requirements"
        );
        assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "acr_unsupported");
    }
    // Asked for in both ways: both hold.
    let both = format!("{LOA2} {LOA3}");
    let request = idp.authorize().set("acr_values", &both).set("claims", &essential(json!([LOA3])));
    assert_eq!(ends_in(&idp, "clinician", &request).await, LOA3);
    assert_eq!(ends_in(&idp, "reserve-card", &request).await, "assurance_too_low");
}

/// What the certification suite sends: all of `acr_values_supported`, or values that exist nowhere.
#[tokio::test]
async fn acr_values_as_the_certification_suite_sends_them_succeed() {
    let idp = TestIdp::start().await;
    for acr_values in [format!("{LOA2} {LOA3}"), "1 2".to_owned()] {
        let request = idp.authorize().set("acr_values", &acr_values);
        assert_eq!(ends_in(&idp, "clinician", &request).await, LOA3);
    }
}

/// OpenID Connect Registration 1.0 §2: for requests that ask for a level in neither way.
#[tokio::test]
async fn default_acr_values_stand_for_acr_values_that_were_left_out() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.metadata.default_acr_values = vec![LOA3.to_owned()]).await;
    let ask = || idp.authorize();
    assert_eq!(ends_in(&idp, "clinician", &ask()).await, LOA3);
    assert_eq!(ends_in(&idp, "reserve-card", &ask()).await, "assurance_too_low");
    let other = ask().set("acr_values", LOA2);
    assert_eq!(ends_in(&idp, "reserve-card", &other).await, LOA2);
    let other = ask().set("claims", &acr(&json!({ "value": LOA2 })));
    assert_eq!(ends_in(&idp, "reserve-card", &other).await, LOA2);
}

/// OpenID Connect Profile for Sweden Connect §2.2.1: a session of another level answers no `prompt=none`.
#[tokio::test]
async fn a_session_does_not_meet_an_essential_acr_of_another_level() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("reserve-card");
    idp.code(&mut browser, &idp.authorize()).await;
    let silent = |level: &str| {
        let claims = acr(&json!({ "essential": true, "value": level }));
        idp.authorize().set("prompt", "none").set("claims", &claims)
    };
    idp.code(&mut browser, &silent(LOA2)).await;
    let answer = browser.get(&silent(LOA3).url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

/// §3.1.2.2, §5.5.1: a `sub` with a value is answered for that person, or not at all.
#[tokio::test]
async fn a_sub_with_a_value_is_that_person_or_nobody() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let id_token = crate::token::claims(tokens["id_token"].as_str().unwrap());
    let sub = id_token["sub"].as_str().unwrap();
    for place in ["id_token", "userinfo"] {
        for (asked, is_hers) in [
            (json!({ "value": sub }), true),
            (json!({ "values": ["another", sub] }), true),
            (json!({ "essential": true }), true),
            (json!({ "value": "another" }), false),
            (json!({ "value": null }), false),
            (json!({ "values": [[sub]] }), false),
        ] {
            let claims = json!({ place: { "sub": asked } }).to_string();
            let request = idp.authorize().set("claims", &claims);
            let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
            let silent = browser.get(&request.set("prompt", "none").url()).await.unwrap();
            if is_hers {
                assert!(walk.parameters().contains_key("code"), "{claims}");
                assert!(handed_back(&silent, REDIRECT_URI).contains_key("code"), "{claims}");
            } else {
                let told = told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer());
                assert_eq!(told, "user_not_expected", "{claims}");
                assert_eq!(walk.parameters()["error"], "login_required");
                let told = told_by_redirect(&silent, REDIRECT_URI, idp.issuer());
                assert_eq!(told, "login_required", "{claims}");
            }
        }
    }
}

/// §5.5: what is not understood is ignored, and the rest lies with the grant.
#[tokio::test]
async fn what_was_asked_for_is_kept_with_the_grant() {
    let idp = TestIdp::start().await;
    let claims = json!({
        "userinfo": { "given_name": { "essential": true, "purpose": "x" }, "https://x.example/y": null },
        "id_token": { "auth_time": { "essential": true }, "acr": { "values": [LOA3] } },
        "verified_claims": {},
    });
    // A person who writes JSON by hand breaks lines.
    let request = idp.authorize().set("claims", &serde_json::to_string_pretty(&claims).unwrap());
    idp.login_tokens(&request).await;
    let terms = idp.rows("select terms from grants").await;
    let kept = json!({
        "userinfo": { "given_name": { "essential": true }, "https://x.example/y": {} },
        "id_token": { "auth_time": { "essential": true }, "acr": { "values": [LOA3] } },
    });
    assert_eq!(terms, [json!({ "claims": kept })]);
}

#[tokio::test]
async fn a_claims_parameter_as_long_as_is_read_comes_through() {
    let idp = TestIdp::start().await;
    let names: Vec<String> = (0..370).map(|n| format!(r#""{n:03}":null"#)).collect();
    let claims = format!(r#"{{"userinfo":{{{}}}}}"#, names.join(","));
    assert!((3_500..=4_096).contains(&claims.len()), "{}", claims.len());
    let request = idp.authorize().set("claims", &claims);
    let mut browser = idp.browser("clinician");
    let mut answer = browser.post(&idp.at("/authorize"), &request.form()).await.unwrap();
    while let Some(next) = answer.location() {
        assert!(next.as_str().len() < 14 * 1024, "{}", next.as_str().len());
        if next.as_str().starts_with(REDIRECT_URI) {
            break;
        }
        answer = browser.get(&next).await.unwrap();
    }
    assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"));
}

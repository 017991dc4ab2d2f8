//! Where answers go: to the relying party that asked, by its registered address, saying who answers.

use crate::harness::answer::{handed_back, told_by_redirect};
use crate::harness::{Authorize, REDIRECT_URI, TestIdp, link};

/// RFC 9207 §2: with `iss` in each answer, a relying party of two providers cannot be mixed up.
#[tokio::test]
async fn every_answer_to_an_authorization_request_names_its_issuer_once() {
    let idp = TestIdp::start().await;
    let good = || idp.authorize();
    let issuer = idp.config.issuer_identifier();
    for (person, request) in [
        ("clinician", good()),
        ("unknown", good()),
        ("disabled", good()),
        ("no-role", good()),
        ("revoked", good()),
        ("reserve-card", good().set("acr_values", "http://id.sambi.se/loa/loa3")),
        ("clinician", good().set("prompt", "none")),
        ("clinician", good().set("response_type", "token")),
        ("clinician", good().set("scope", "profile")),
        ("clinician", good().without("code_challenge")),
        ("clinician", good().set("iss", "https://evil.example")),
    ] {
        let walk = idp.walk(&mut idp.browser(person), &request.url()).await;
        let told = handed_back(walk.last(), REDIRECT_URI);
        assert_eq!(told["iss"], issuer, "{person} {}", request.url());
        assert!(told.contains_key("code") != told.contains_key("error"), "{told:?}");
    }
}

/// Whoever injects a stolen code into a login of their own brings another verifier (RFC 9700 §4.5).
#[tokio::test]
async fn a_stolen_code_is_no_good_in_another_login() {
    let idp = TestIdp::start().await;
    // Of the victim, with a challenge that the thief's relying party did not make.
    let theirs = "another-verifier-of-forty-three-characters-x";
    let challenge = "diaLWp47GG--31Vfj4ypFwCZkdaBYFUgzgVdC7AuWUU";
    let request: Authorize = idp.authorize().set("code_challenge", challenge);
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    let stolen = idp.token_request(&code);
    assert_eq!(idp.token_error(&stolen).await, "verifier_mismatch");
    // And it is spent.
    let own = idp.token_request(&code).set("code_verifier", theirs);
    assert_eq!(idp.token_error(&own).await, "code_replayed");
}

/// No parameter sends a browser anywhere but to a registered address.
#[tokio::test]
async fn nothing_redirects_where_a_parameter_says() {
    let idp = TestIdp::start().await;
    let evil = "https://evil.example/";
    let mut browser = idp.browser_with(None);
    for name in [
        "next",
        "url",
        "return",
        "return_to",
        "target_link_uri",
        "post_logout_redirect_uri",
        "goto",
        "continue",
        "RelayState",
        "login",
        "ticket",
        "iss",
        "initiate_login_uri",
    ] {
        for path in ["/", "/resume", "/again", "/check", "/errors", "/nowhere", "/card"] {
            let mut address = idp.at(path);
            address.query_pairs_mut().append_pair(name, evil);
            let answer = browser.get(&address).await.unwrap();
            let to = answer.location().map(String::from).unwrap_or_default();
            assert!(!to.starts_with(evil), "{address} leads to {to}");
            assert_eq!(link(&answer.body, evil), None, "{address}");
        }
    }
    // A card host sends everything that is not its own to the issuer host, whatever it is called.
    let host = "x.card.idp.localhost";
    for target in ["//evil.example/", "/\\evil.example", "/%5cevil.example", "/?u=//evil.example"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = idp.wire().send(host, &request).await.unwrap();
        let location = answer.header("location");
        let issuer = idp.config.issuer_identifier();
        assert_eq!(location, [format!("{issuer}/")], "{target}");
    }
}

/// Values that the relying party gets back are values: they cannot become parameters or header fields.
#[tokio::test]
async fn a_state_cannot_write_parameters_or_fields() {
    let idp = TestIdp::start().await;
    for state in
        ["x&code=evil", "x#code=evil", "x%26code%3Devil", "x;code=evil", "\"><script>", "å 🦷"]
    {
        let request = idp.authorize().set("state", state).set("prompt", "none");
        let answer = idp.browser("clinician").get(&request.url()).await.unwrap();
        assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
        let told = handed_back(&answer, REDIRECT_URI);
        assert_eq!((told["state"].as_str(), told.get("code")), (state, None));
    }
}

//! How an answer travels: in the query, as a form that the browser posts, or as a signed JWT; and that
//! errors and "back to the system" travel by the same way.

use std::collections::BTreeMap;

use jsonwebtoken::Algorithm;
use serde_json::Value;
use siths_idp::dev::browser::Response;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::error::Code;
use siths_idp::keys::SigningAlg;
use siths_idp::state::App;
use url::Url;

use crate::harness::answer::{handed_back, posted, told_by, told_by_page, told_by_redirect};
use crate::harness::{REDIRECT_URI, TestIdp};

const SIGNED: [&str; 3] = ["jwt", "query.jwt", "form_post.jwt"];

/// The parameters of an answer, out of the way that it was asked for.
async fn received(idp: &TestIdp, mode: &str, answer: &Response) -> BTreeMap<String, String> {
    let carried = if mode.starts_with("form_post") {
        posted(answer, REDIRECT_URI)
    } else {
        assert_eq!(answer.status, 303);
        handed_back(answer, REDIRECT_URI)
    };
    if !SIGNED.contains(&mode) {
        return carried;
    }
    // JARM §2.3: nothing beside the JWT, RFC 9207 §2.4 included.
    assert_eq!(carried.keys().collect::<Vec<_>>(), ["response"]);
    let mut claims = signed(idp, &carried["response"], Algorithm::ES256).await;
    let members = claims.as_object_mut().unwrap();
    let now = idp.clock.now().timestamp();
    let exp = members.remove("exp").unwrap().as_i64().unwrap();
    assert!(now < exp && exp <= now + 600, "JARM §2.1");
    assert_eq!(members.remove("aud").unwrap(), CLIENT_ID);
    serde_json::from_value(claims).unwrap()
}

/// The claims of a signed answer, checked as JARM §2.4 says.
async fn signed(idp: &TestIdp, jwt: &str, algorithm: Algorithm) -> Value {
    let jwks: jsonwebtoken::jwk::JwkSet =
        idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    assert_eq!(header.alg, algorithm);
    let key = jwks.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_issuer(&[idp.config.issuer_identifier()]);
    validation.set_audience(&[CLIENT_ID]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode(jwt, &key, &validation).unwrap().claims
}

/// Form Post Response Mode §2, JARM §2.3; RFC 6749 §4.1.2, RFC 9207 §2.
#[tokio::test]
async fn a_code_comes_by_the_mode_that_was_asked_for() {
    let idp = TestIdp::start().await;
    for mode in ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"] {
        let request = idp.authorize().set("response_mode", mode);
        let mut browser = idp.browser("clinician");
        let walk = idp.walk(&mut browser, &request.url()).await;
        let received = received(&idp, mode, walk.last()).await;
        assert_eq!(received.keys().collect::<Vec<_>>(), ["code", "iss", "state"], "{mode}");
        assert_eq!(received["state"], "a-state");
        assert_eq!(received["iss"], idp.config.issuer_identifier());
        idp.tokens(&idp.token_request(&received["code"])).await;
        // The session that began was set on the way, whatever the answer looked like.
        let silent = request.set("prompt", "none").url();
        let again = self::received(&idp, mode, &browser.get(&silent).await.unwrap()).await;
        assert!(again.contains_key("code"), "{mode}");
    }
}

/// Multiple Response Type Encoding Practices §2.1: errors travel as a success would.
#[tokio::test]
async fn an_error_comes_by_the_mode_that_was_asked_for() {
    let idp = TestIdp::start().await;
    for mode in ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"] {
        let request = idp.authorize().set("response_mode", mode);
        for (url, code) in [
            (request.clone().set("prompt", "none").url(), "login_required"),
            (request.clone().without("scope").url(), "scope_openid_missing"),
            (request.clone().set("response_type", "token").url(), "response_type_unsupported"),
        ] {
            let answer = idp.browser_with(None).get(&url).await.unwrap();
            let received = received(&idp, mode, &answer).await;
            assert_eq!(told_by(&received, idp.issuer()), code, "{mode}");
            assert_eq!(received["state"], "a-state");
        }
        let walk = idp.walk(&mut idp.browser("unknown"), &request.url()).await;
        let received = received(&idp, mode, walk.last()).await;
        assert_eq!(told_by(&received, idp.issuer()), "user_unknown", "{mode}");
    }
}

#[tokio::test]
async fn a_mode_that_is_not_served_is_refused_by_redirect() {
    let idp = TestIdp::start().await;
    for mode in ["fragment", "fragment.jwt", "form_post.JWT", "form-post", "query jwt"] {
        let request = idp.authorize().set("response_mode", mode);
        let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
        let told = told_by_redirect(&answer, REDIRECT_URI, idp.issuer());
        assert_eq!(told, "response_mode_unsupported", "{mode}");
    }
}

/// Form Post Response Mode §2, §4: works with and without script, and only towards the relying party.
#[tokio::test]
async fn the_page_that_posts_has_a_policy_of_its_own() {
    let idp = TestIdp::start().await;
    let request = idp.authorize().set("response_mode", "form_post").set("prompt", "none");
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let script = answer.body.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = {
        use base64::Engine as _;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest)
    };
    let expected = format!(
        "default-src 'none'; style-src 'self'; script-src 'sha256-{hash}'; base-uri 'none'; \
         form-action https://rp.localhost https:; frame-ancestors 'none'"
    );
    assert_eq!(policy, expected);
    assert_eq!(answer.body.matches("<script").count(), 1);
    assert!(answer.body.contains("<button") && !answer.body.contains("onload"));
    assert_eq!(answer.headers["x-frame-options"], "DENY");
    // No other page may run anything.
    let page = idp.browser_with(None).get(&idp.authorize().without("client_id").url()).await;
    let policy = page.unwrap().headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("script-src") && policy.contains("form-action 'none'"), "{policy}");
}

#[tokio::test]
async fn state_comes_back_to_the_letter_by_every_mode() {
    let idp = TestIdp::start().await;
    let state = r##""'<b>&amp;=+%20%zz\"# å✓</form><script>alert(1)</script>"##;
    for mode in ["form_post", "query.jwt", "form_post.jwt"] {
        let request = idp.authorize().set("response_mode", mode).set("state", state);
        let silent = request.set("prompt", "none");
        let answer = idp.browser_with(None).get(&silent.url()).await.unwrap();
        assert_eq!(received(&idp, mode, &answer).await["state"], state);
        assert!(answer.body.matches("<script").count() <= 1, "{}", answer.body);
    }
}

#[tokio::test]
async fn back_to_the_system_leads_by_the_mode_that_was_asked_for() {
    let idp = TestIdp::start().await;
    let expired = idp.config.issuer_identifier().to_owned() + "/back?answer=";
    for mode in ["form_post", "query.jwt", "form_post.jwt"] {
        let request = idp.authorize().set("response_mode", mode);
        let mut browser = idp.browser("expired");
        let walk = idp.walk(&mut browser, &request.url()).await;
        assert_eq!(told_by_page(walk.last()), "certificate_expired");
        assert_eq!(walk.link(REDIRECT_URI), None, "{mode}");
        let back = walk.link(&expired).expect("back to the system");
        // However long the person read: it is made when the button is pressed.
        idp.advance(3600);
        let answer = browser.get(&back).await.unwrap();
        let received = received(&idp, mode, &answer).await;
        assert_eq!(told_by(&received, idp.issuer()), "certificate_expired", "{mode}");
        assert_eq!(received["state"], "a-state");
        // Too late for "try again", which has a way back of its own.
        let again = browser.get(&walk.link(idp.at("/again").as_str()).unwrap()).await.unwrap();
        assert_eq!(told_by_page(&again), "login_expired");
        let back = crate::harness::link(&again.body, &expired).expect("back to the system");
        let answer = browser.get(&back).await.unwrap();
        let received = self::received(&idp, mode, &answer).await;
        assert_eq!(told_by(&received, idp.issuer()), "login_expired", "{mode}");
    }
}

#[tokio::test]
async fn back_to_the_system_leads_nowhere_else() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("expired");
    let request = idp.authorize().set("response_mode", "form_post");
    let walk = idp.walk(&mut browser, &request.url()).await;
    let back = walk.link(idp.at("/back").as_str()).unwrap();
    let altered = back.as_str().replacen("answer=", "answer=A", 1);
    let login = walk.link(idp.at("/again").as_str()).unwrap();
    let login = login.query().unwrap().replacen("login=", "answer=", 1);
    for lost in [altered, idp.at("/back").into(), idp.at(&format!("/back?{login}")).into()] {
        let answer = browser.get(&Url::parse(&lost).unwrap()).await.unwrap();
        assert_eq!(told_by_page(&answer), "login_lost", "{lost}");
    }
    idp.register(|client| client.redirect_uris = vec!["https://rp.localhost/new".to_owned()]).await;
    let answer = browser.get(&back).await.unwrap();
    assert_eq!(told_by_page(&answer), "redirect_uri_unregistered");
    idp.register(|client| client.enabled = false).await;
    assert_eq!(told_by_page(&browser.get(&back).await.unwrap()), "client_unknown");
}

/// JARM §3: `authorization_signed_response_alg`.
#[tokio::test]
async fn an_answer_is_signed_with_what_the_client_registered() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.signing_alg = SigningAlg::Es256;
        client.metadata.authorization_signed_response_alg = Some(SigningAlg::Rs256);
    })
    .await;
    let request = idp.authorize().set("response_mode", "jwt").set("prompt", "none");
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    let response = handed_back(&answer, REDIRECT_URI).remove("response").unwrap();
    let claims = signed(&idp, &response, Algorithm::RS256).await;
    assert_eq!(claims["error_code"], "login_required");
}

/// JARM §2.4 wants it signed: a client that asked for that must not be handed a code in the clear.
#[tokio::test]
async fn an_answer_that_cannot_be_signed_is_a_page() {
    let idp = TestIdp::start().await;
    idp.sql("update signing_keys set revoked_at = now() - interval '1 day'").await;
    let request = idp.authorize().set("response_mode", "jwt").set("prompt", "none");
    let now = idp.clock.now();
    let signs =
        |app: &App| app.registry.load().keyring.at(now).signing(SigningAlg::Es256).is_some();
    idp.until(|app| !signs(app)).await;
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    assert_eq!(told_by_page(&answer), Code::Internal.name());
}

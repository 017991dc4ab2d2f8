//! When a session stands in for the card, and when the card that was shown will do.

use siths_idp::dev::browser::{Browser, Response};
use siths_idp::oidc::client::SignOn;

use crate::harness::answer::{handed_back, told_by_redirect};
use crate::harness::{Authorize, REDIRECT_URI, TestIdp};

const LOA2: &str = "http://id.sambi.se/loa/loa2";
const LOA3: &str = "http://id.sambi.se/loa/loa3";

fn goes_to_a_card_host(answer: &Response) -> bool {
    let host = answer.location().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.ends_with(".card.idp.localhost"))
}

async fn first_answer(idp: &TestIdp, browser: &mut Browser, request: &Authorize) -> Response {
    let answer = browser.get(&request.url()).await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store", "{}", idp.issuer());
    answer
}

#[tokio::test]
async fn prompt_none_is_answered_by_a_session_and_never_by_a_card() {
    let idp = TestIdp::start().await;
    let silent = idp.authorize().set("prompt", "none");
    let mut browser = idp.browser("clinician");
    let answer = browser.get(&silent.url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    idp.code(&mut browser, &idp.authorize()).await;
    let answer = first_answer(&idp, &mut browser, &silent).await;
    let parameters = handed_back(&answer, REDIRECT_URI);
    idp.tokens(&idp.token_request(&parameters["code"])).await;
    assert_eq!(idp.audited("login.continued").await, 1);
    // Another browser has no session, and neither has a cookie that was made up.
    let answer = idp.browser("clinician").get(&silent.url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    let forged = idp.http().get(silent.url()).header("cookie", "__Host-siths-idp-session=forged");
    let location = forged.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    assert!(location.contains("error_code=login_required"), "{location}");
    // Not beyond its time.
    idp.advance(8 * 3600);
    let answer = browser.get(&silent.url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

#[tokio::test]
async fn a_session_of_whom_may_no_longer_log_in_stands_in_for_nothing() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    idp.sql("update users set enabled = false where given_name = 'Anna'").await;
    let answer = browser.get(&idp.authorize().set("prompt", "none").url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

#[tokio::test]
async fn another_person_in_the_same_browser_ends_the_session_of_the_one_before() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let first = idp.tokens(&idp.token_request(&code)).await;
    idp.swap(&mut browser, Some(idp.card("reserve-card")));
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let second = idp.tokens(&idp.token_request(&code)).await;
    let gone = idp.user_info(first["access_token"].as_str().unwrap()).await;
    assert_eq!(gone.problem(idp.issuer()), "token_revoked");
    let code = idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
    let silent = idp.tokens(&idp.token_request(&code)).await;
    let sub = |tokens: &serde_json::Value| {
        crate::token::claims(tokens["id_token"].as_str().unwrap())["sub"].clone()
    };
    assert_eq!(sub(&silent), sub(&second));
    assert_ne!(sub(&silent), sub(&first));
}

#[tokio::test]
async fn the_cookies_are_bound_to_their_host_and_kept_from_scripts() {
    let idp = TestIdp::start().await;
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    let set: Vec<&str> = walk
        .0
        .iter()
        .flat_map(|answer| answer.headers.get_all("set-cookie"))
        .map(|field| field.to_str().unwrap())
        .collect();
    let names: Vec<&str> = set.iter().map(|field| field.split('=').next().unwrap()).collect();
    assert_eq!(names, ["__Host-siths-idp-browser", "__Host-siths-idp-session"]);
    for field in set {
        assert!(field.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{field}");
        assert!(!field.to_ascii_lowercase().contains("domain"), "{field}");
    }
}

#[tokio::test]
async fn the_card_is_asked_for_unless_the_client_takes_a_session() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let ask = idp.authorize();
    idp.code(&mut browser, &ask).await;
    assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &ask).await));
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let answer = first_answer(&idp, &mut browser, &ask).await;
    assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"));
    for prompt in ["login", "select_account", "consent", "login consent"] {
        let asked = ask.clone().set("prompt", prompt);
        assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &asked).await), "{prompt}");
    }
    idp.advance(8 * 3600);
    assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &ask).await));
}

#[tokio::test]
async fn max_age_bounds_how_long_ago_the_card_was_shown() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let within = |seconds: &str| idp.authorize().set("max_age", seconds);
    assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &within("0")).await));
    let silent = within("0").set("prompt", "none");
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    idp.advance(60);
    for enough in ["60", "3600", "99999999999999999999"] {
        let answer = first_answer(&idp, &mut browser, &within(enough)).await;
        assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"), "{enough}");
    }
    idp.advance(1);
    assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &within("60")).await));
    let silent = within("60").set("prompt", "none");
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

#[tokio::test]
async fn a_card_of_too_low_assurance_lets_nobody_in() {
    let idp = TestIdp::start().await;
    let asked = |acr_values: &str| idp.authorize().set("acr_values", acr_values);
    for (person, acr_values, expected) in [
        ("reserve-card", LOA3, "assurance_too_low"),
        ("clinician", LOA2, "assurance_too_low"),
        ("reserve-card", &format!("{LOA3} {LOA2}") as &str, LOA2),
        ("reserve-card", &format!("urn:other {LOA2}"), LOA2),
        ("clinician", &format!("{LOA3} {LOA2}"), LOA3),
    ] {
        let walk = idp.walk(&mut idp.browser(person), &asked(acr_values).url()).await;
        let parameters = handed_back(walk.last(), REDIRECT_URI);
        match parameters.get("code") {
            None => {
                let told = told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer());
                assert_eq!(told, expected, "{person} {acr_values}");
            }
            Some(code) => {
                let tokens = idp.tokens(&idp.token_request(code)).await;
                let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
                assert_eq!(claims["acr"], expected, "{person} {acr_values}");
            }
        }
    }
    // A session is no better than its card.
    let mut browser = idp.browser("reserve-card");
    idp.code(&mut browser, &idp.authorize()).await;
    let silent = asked(LOA3).set("prompt", "none");
    let answer = browser.get(&silent.url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

#[tokio::test]
async fn a_client_that_takes_loa3_alone_takes_no_reserve_card() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.required_loa = Some("loa3".parse().unwrap())).await;
    let walk = idp.walk(&mut idp.browser("reserve-card"), &idp.authorize().url()).await;
    let told = told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer());
    assert_eq!(told, "assurance_too_low");
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}

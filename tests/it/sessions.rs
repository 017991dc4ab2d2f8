//! When a session stands in for the card, and when the card that was shown will do.

use siths_idp::dev::browser::{Browser, Response};
use siths_idp::oidc::client::SignOn;

use crate::harness::answer::{handed_back, told_by_redirect};
use crate::harness::{Answer, Authorize, REDIRECT_URI, TestIdp};

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

/// OpenID Connect Profile for Sweden Connect §2.2.1: not for another client than the one that it began with,
/// but for those that are registered to share.
#[tokio::test]
async fn prompt_none_of_another_client_is_answered_where_sessions_are_shared_alone() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let other = |sign_on| {
        idp.register(move |client| {
            client.id = "other".to_owned();
            client.sign_on = sign_on;
        })
    };
    let silent = idp.authorize().set("client_id", "other").set("prompt", "none");
    other(SignOn::Card).await;
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    idp.advance(1);
    other(SignOn::Session).await;
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"));
    // That it was served once does not make it the one that the session began with.
    other(SignOn::Card).await;
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
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
    let [bound, "__Host-siths-idp-session", fading] = names.as_slice() else {
        panic!("{names:?}");
    };
    assert!(bound.starts_with("__Host-siths-idp-login-") && bound == fading, "{names:?}");
    // The session ends with the browser, and the login's cookie soon.
    assert!(!set[1].contains("Max-Age") && set[2].ends_with("; Max-Age=60"), "{set:?}");
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

/// OpenID Connect Core 1.0 §3.1.2.1: `login` and `max_age` mean a handshake with the card now, and §2:
/// `auth_time` is its time.
#[tokio::test]
async fn auth_time_is_when_the_card_was_shown() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let mut browser = idp.browser("clinician");
    let told = async |browser: &mut Browser, request: Authorize| {
        let code = idp.code(browser, &request).await;
        let tokens = idp.tokens(&idp.token_request(&code)).await;
        let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
        claims["auth_time"].as_i64().unwrap()
    };
    let first = told(&mut browser, idp.authorize()).await;
    assert_eq!(first, idp.clock.now().timestamp());
    idp.advance(100);
    assert_eq!(told(&mut browser, idp.authorize()).await, first);
    assert_eq!(told(&mut browser, idp.authorize().set("prompt", "none")).await, first);
    assert_eq!(told(&mut browser, idp.authorize().set("max_age", "100")).await, first);
    for (name, value) in [
        ("prompt", "login"),
        ("prompt", "select_account"),
        ("prompt", "consent"),
        ("prompt", "login consent select_account"),
        ("max_age", "0"),
        ("max_age", "9"),
    ] {
        idp.advance(10);
        let again = told(&mut browser, idp.authorize().set(name, value)).await;
        assert_eq!(again, idp.clock.now().timestamp(), "{name}={value}");
    }
}

/// OpenID Connect Registration 1.0 §2: `default_max_age`, which `max_age` overrides.
#[tokio::test]
async fn default_max_age_stands_for_a_max_age_that_was_left_out() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.sign_on = SignOn::Session;
        client.metadata.default_max_age = Some(60);
    })
    .await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    idp.advance(61);
    assert!(goes_to_a_card_host(&first_answer(&idp, &mut browser, &idp.authorize()).await));
    let silent = idp.authorize().set("prompt", "none");
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    let longer = idp.authorize().set("max_age", "62");
    let answer = first_answer(&idp, &mut browser, &longer).await;
    assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"));
}

#[tokio::test]
async fn a_card_of_too_low_assurance_lets_nobody_in() {
    let idp = TestIdp::start().await;
    let asked = |acr_values: &str| idp.authorize().set("acr_values", acr_values);
    for (person, acr_values, expected) in [
        ("reserve-card", LOA3, "assurance_too_low"),
        ("clinician", LOA2, "assurance_not_asked_for"),
        // Levels of others are a wish, and passed over.
        ("clinician", "http://id.sambi.se/loa/loa4", LOA3),
        ("reserve-card", "urn:other", LOA2),
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

#[tokio::test]
async fn a_card_that_lets_nobody_in_ends_the_session_of_somebody_else() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let silent = idp.authorize().set("prompt", "none");
    idp.code(&mut browser, &silent).await;
    // A wrong certificate says nothing of who is there: the session stays.
    idp.swap(&mut browser, Some(idp.card("wrong-certificate")));
    idp.walk(&mut browser, &idp.authorize().url()).await;
    idp.code(&mut browser, &silent).await;
    // A colleague's card does, whether or not she is let in.
    idp.swap(&mut browser, Some(idp.card("unknown")));
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "user_unknown");
    let answer = first_answer(&idp, &mut browser, &silent).await;
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

/// OpenID Connect Core 1.0 §3.1.2.1: POST does what GET does, though browsers send no `Lax` cookie with a
/// form of another site.
#[tokio::test]
async fn a_form_of_another_site_is_answered_by_the_session_too() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let silent = idp.authorize().set("prompt", "none");
    let post = |site: &'static str, request: &Authorize| {
        let form: Vec<(String, String)> =
            request.form().into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        idp.http().post(idp.at("/authorize")).header("sec-fetch-site", site).form(&form).send()
    };
    let answer = Answer::of(post("cross-site", &silent).await.unwrap()).await;
    assert_eq!(answer.status, 303);
    let again = idp.issuer().join(answer.header("location")).unwrap();
    assert_eq!(again.path(), "/authorize");
    let answer = browser.get(&again).await.unwrap();
    assert!(answer.location().unwrap().query_pairs().any(|(name, _)| name == "code"));
    // Nor does an address get what may name a person and came by a form to be in none.
    for name in ["id_token_hint", "login_hint", "claims", "request"] {
        let answer = post("cross-site", &silent.clone().set(name, "x")).await.unwrap();
        let answer = Answer::of(answer).await;
        assert!(!answer.header("location").contains("/authorize?"), "{name}");
    }
    // What no address can carry, and what brings the cookies that there are, is answered as it came.
    let long = silent.set("ui_locales", &"sv ".repeat(2000));
    for (site, request) in
        [("cross-site", long), ("same-origin", idp.authorize().set("prompt", "none"))]
    {
        let answer = Answer::of(post(site, &request).await.unwrap()).await;
        assert!(answer.header("location").contains("error=login_required"), "{site}");
    }
}

//! OpenID Connect RP-Initiated Logout 1.0: who is logged out at once, who is asked, and where it leads.

use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::flow::answer::SESSION_COOKIE;

use crate::harness::answer::told_by_page;
use crate::harness::demo::idp_with_demo;
use crate::harness::logout::{LEFT_URI, forgets_the_session, id_token, question, sid};
use crate::harness::{Answer, REDIRECT_URI, TestIdp, page_code};

#[tokio::test]
async fn section_2_an_id_token_of_the_session_logs_out_at_once_and_leads_back_with_state() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let code = idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
    let url = idp.logout(&[
        ("id_token_hint", id_token(&tokens)),
        ("post_logout_redirect_uri", LEFT_URI),
        ("state", "a b&c"),
        ("client_id", CLIENT_ID),
    ]);
    let answer = browser.get(&url).await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.headers["location"], format!("{LEFT_URI}&state=a+b%26c"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(forgets_the_session(&answer), "{:?}", answer.headers);
    // The session, and everything that was given by it.
    assert!(!idp.is_logged_in(&mut browser).await);
    let gone = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(gone.problem(idp.issuer()), "token_revoked");
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "grant_revoked");
    assert_eq!(idp.count("select count(*) from grants where revoked_at is null").await, 0);
    let event =
        &idp.rows("select to_jsonb(a) from audit_events a where event = 'session.ended'").await;
    assert_eq!(event.len(), 1);
    assert_eq!(event[0]["client_id"], CLIENT_ID);
    assert_eq!(event[0]["details"]["by"], "logout");
    assert_eq!(event[0]["details"]["sessions"][0], sid(&tokens));
}

#[tokio::test]
async fn section_2_a_form_from_another_site_comes_back_with_the_cookie_and_without_the_id_token() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let form = [
        ("id_token_hint", id_token(&tokens)),
        ("post_logout_redirect_uri", LEFT_URI),
        ("state", "s"),
    ];
    // Without a cookie, as browsers send it (SameSite=Lax).
    let request = idp.http().post(idp.at("/logout")).form(&form);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location");
    assert!(location.starts_with(idp.at("/logout?logout=").as_str()), "{location}");
    assert!(!location.contains(id_token(&tokens)));
    assert!(idp.is_logged_in(&mut browser).await);
    let answer = browser.get(&location.parse().unwrap()).await.unwrap();
    assert_eq!(answer.headers["location"], format!("{LEFT_URI}&state=s"));
    assert!(!idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn section_2_an_expired_id_token_proves_as_much() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    // The ID token lives for five minutes; and the session is unused for longer than it may be.
    idp.advance(2 * 3600);
    let url = idp.logout(&[("id_token_hint", id_token(&tokens))]);
    let answer = browser.get(&url).await.unwrap();
    assert_eq!((answer.status, question(&answer)), (200, None));
    assert!(forgets_the_session(&answer));
    assert_eq!(idp.count("select count(*) from sessions where ended_by = 'logout'").await, 1);
}

#[tokio::test]
async fn section_2_without_a_hint_the_person_is_asked() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    let url = idp.logout(&[
        ("client_id", CLIENT_ID),
        ("post_logout_redirect_uri", LEFT_URI),
        ("state", "s"),
        // It proves nothing (§2).
        ("logout_hint", "SE2321000222-DEV1"),
    ]);
    let answer = browser.get(&url).await.unwrap();
    let sealed = question(&answer).expect("a question");
    assert!(answer.body.contains("Demo-Symfoni") && !answer.body.contains("<script"));
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self' https://rp.localhost"
    );
    assert!(idp.is_logged_in(&mut browser).await);
    let answer = browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.headers["location"], format!("{LEFT_URI}&state=s"));
    assert!(forgets_the_session(&answer));
    assert!(!idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn section_2_an_id_token_of_another_session_asks_the_person() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    // Of the same person in another browser, and of another person.
    for person in ["clinician", "reserve-card"] {
        let mut other = idp.browser(person);
        let tokens = idp.log_in_by(&mut other, &idp.authorize()).await;
        let url = idp.logout(&[("id_token_hint", id_token(&tokens))]);
        assert!(question(&browser.get(&url).await.unwrap()).is_some(), "{person}");
        assert!(idp.is_logged_in(&mut other).await, "{person}");
    }
    assert!(idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn the_sessions_of_one_person_in_one_browser_end_together() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let first = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let second = idp.log_in_by(&mut browser, &idp.authorize()).await;
    assert_ne!(sid(&first), sid(&second));
    let mut elsewhere = idp.browser("clinician");
    idp.log_in_by(&mut elsewhere, &idp.authorize()).await;
    // The ID token of the first is one of this browser, and its person's.
    let url = idp.logout(&[("id_token_hint", id_token(&first))]);
    assert_eq!(question(&browser.get(&url).await.unwrap()), None);
    for tokens in [&first, &second] {
        let gone = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(gone.problem(idp.issuer()), "token_revoked");
    }
    // Another browser is another matter.
    assert!(idp.is_logged_in(&mut elsewhere).await);
}

#[tokio::test]
async fn another_persons_card_ends_every_session_of_the_person_before() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let first = idp.log_in_by(&mut browser, &idp.authorize()).await;
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    for card in ["unknown", "reserve-card"] {
        idp.swap(&mut browser, Some(idp.card(card)));
        idp.walk(&mut browser, &idp.authorize().url()).await;
        let gone = idp.user_info(first["access_token"].as_str().unwrap()).await;
        assert_eq!(gone.problem(idp.issuer()), "token_revoked", "{card}");
        let ended = "select count(*) from sessions where ended_by = 'another-card'";
        assert_eq!(idp.count(ended).await, 2, "{card}");
    }
}

#[tokio::test]
async fn section_4_a_hint_that_is_no_id_token_of_ours_is_refused_on_a_page() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let good = id_token(&tokens).to_owned();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let altered: String = claims.chars().rev().collect();
    let unsigned = "eyJhbGciOiJub25lIn0";
    let bad = [
        "x".to_owned(),
        "a.b.c".to_owned(),
        "a.b.c.d.e".to_owned(),
        tokens["access_token"].as_str().unwrap().to_owned(),
        format!("{header}.{altered}.{signature}"),
        format!("{header}.{claims}.{}", "A".repeat(86)),
        format!("{header}.{claims}."),
        format!("{unsigned}.{claims}."),
        format!("{good}x"),
    ];
    for hint in &bad {
        let url = idp.logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", LEFT_URI)]);
        let answer = browser.get(&url).await.unwrap();
        assert_eq!(told_by_page(&answer), "logout_hint_invalid", "{hint}");
        assert!(answer.body.contains(r#"href="/logout""#), "a way to log out all the same");
    }
    // A revoked key has signed nothing.
    idp.sql("update signing_keys set revoked_at = '2000-01-01'").await;
    idp.until(|app| app.registry.load().keyring.at(app.clock.now()).jwks()["keys"][0].is_null())
        .await;
    let answer = browser.get(&idp.logout(&[("id_token_hint", &good)])).await.unwrap();
    assert_eq!(told_by_page(&answer), "logout_hint_invalid");
    assert!(idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn section_2_a_client_id_that_is_not_that_of_the_hint_is_refused() {
    let idp = TestIdp::start().await;
    idp.register(|client| "other".clone_into(&mut client.id)).await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let hint = ("id_token_hint", id_token(&tokens));
    for (client_id, expected) in
        [("other", "logout_client_mismatch"), ("nobody", "logout_client_mismatch")]
    {
        let url = idp.logout(&[hint, ("client_id", client_id)]);
        assert_eq!(told_by_page(&browser.get(&url).await.unwrap()), expected, "{client_id}");
    }
    let url = idp.logout(&[("client_id", "nobody")]);
    assert_eq!(told_by_page(&browser.get(&url).await.unwrap()), "client_unknown");
    idp.register(|client| client.enabled = false).await;
    for parameters in [[hint], [("client_id", CLIENT_ID)]] {
        let answer = browser.get(&idp.logout(&parameters)).await.unwrap();
        assert_eq!(told_by_page(&answer), "client_unknown");
    }
}

#[tokio::test]
async fn section_3_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let hint = ("id_token_hint", id_token(&tokens));
    for uri in [
        "https://evil.example/",
        REDIRECT_URI,
        "https://rp.localhost/left?x=%2F",
        "https://rp.localhost/left?x=/",
        "https://rp.localhost/left",
        "HTTPS://rp.localhost/left?x=%2f",
        "https://rp.localhost/left?x=%2f#",
        "//rp.localhost/left?x=%2f",
        "javascript:alert(1)",
    ] {
        for by in [hint, ("client_id", CLIENT_ID)] {
            let url = idp.logout(&[by, ("post_logout_redirect_uri", uri)]);
            let answer = browser.get(&url).await.unwrap();
            assert_eq!(told_by_page(&answer), "post_logout_redirect_uri_unregistered", "{uri}");
        }
    }
    // Whose it is must be known.
    let url = idp.logout(&[("post_logout_redirect_uri", LEFT_URI), ("state", "s")]);
    let answer = browser.get(&url).await.unwrap();
    assert_eq!(told_by_page(&answer), "post_logout_redirect_uri_unaddressed");
    assert!(idp.is_logged_in(&mut browser).await);
    // Nor to one that was taken away while the person was asked.
    let url = idp.logout(&[("client_id", CLIENT_ID), ("post_logout_redirect_uri", LEFT_URI)]);
    let sealed = question(&browser.get(&url).await.unwrap()).unwrap();
    idp.register(|_| {}).await;
    let answer = browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("rp.localhost") && forgets_the_session(&answer));
}

#[tokio::test]
async fn a_yes_that_was_not_said_on_a_page_of_this_browser_ends_nothing() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let confirm = idp.at("/logout/confirmed");
    // The attacker's own page, in the attacker's own session.
    let mut other = idp.browser("reserve-card");
    idp.log_in_by(&mut other, &idp.authorize()).await;
    let theirs = question(&other.get(&idp.logout(&[])).await.unwrap()).unwrap();
    // A sealed request is no yes.
    let request = idp.http().post(idp.at("/logout")).form(&[("id_token_hint", id_token(&tokens))]);
    let answer = Answer::of(request.send().await.unwrap()).await;
    let (_, sealed) = answer.header("location").split_once("logout=").unwrap();
    let own = question(&browser.get(&idp.logout(&[])).await.unwrap()).unwrap();
    for form in [
        &[][..],
        &[("logout", "")],
        &[("logout", "x")],
        &[("logout", &theirs)],
        &[("logout", sealed)],
        &[("logout", &format!("{own}A"))],
    ] {
        let answer = browser.post(&confirm, form).await.unwrap();
        assert_eq!(told_by_page(&answer), "logout_unconfirmed", "{form:?}");
    }
    let answer = browser.post(&confirm, &[("logout", &own), ("logout", &own)]).await.unwrap();
    assert_eq!(told_by_page(&answer), "parameter_repeated");
    // Nor is a yes a request, and by GET there is no yes.
    let as_request = browser.get(&idp.logout(&[("logout", &own)])).await.unwrap();
    assert_eq!(told_by_page(&as_request), "logout_unconfirmed");
    let mut by_get = confirm.clone();
    by_get.query_pairs_mut().append_pair("logout", &own);
    assert_eq!(told_by_page(&browser.get(&by_get).await.unwrap()), "method_not_allowed");
    assert!(idp.is_logged_in(&mut browser).await);
    // The session of a later card is another.
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    let answer = browser.post(&confirm, &[("logout", &own)]).await.unwrap();
    assert_eq!(told_by_page(&answer), "logout_unconfirmed");
}

#[tokio::test]
async fn a_logout_without_a_session_and_a_second_logout_are_friendly() {
    let idp = TestIdp::start().await;
    idp.register_return().await;
    let mut browser = idp.browser("clinician");
    let answer = browser.get(&idp.logout(&[])).await.unwrap();
    assert_eq!((answer.status, question(&answer)), (200, None));
    assert!(answer.body.contains("Du är utloggad") && page_code(&answer.body).is_none());
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let sealed = question(&browser.get(&idp.logout(&[])).await.unwrap()).unwrap();
    let back = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", LEFT_URI)];
    for _ in 0..2 {
        let answer = browser.get(&idp.logout(&back)).await.unwrap();
        assert_eq!(answer.headers["location"], LEFT_URI);
    }
    // Another tab still asks: its yes comes late and does no harm.
    browser.forget(SESSION_COOKIE);
    let answer = browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    assert_eq!((answer.status, question(&answer)), (200, None));
    assert_eq!(idp.audited("session.ended").await, 1);
    // A cookie of nobody's is forgotten, and nothing else happens.
    let field = format!("{SESSION_COOKIE}=x");
    let request = idp.http().get(idp.at("/logout?ui_locales=en")).header("cookie", field);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert!(answer.body.contains("You are logged out") && answer.body.contains(r#"lang="en""#));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn an_id_token_alone_ends_no_session_of_another_browser() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let url = idp.logout(&[("id_token_hint", id_token(&tokens))]);
    let answer = idp.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_on_a_page() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    for (query, expected) in [
        ("id_token_hint=a&id_token_hint=a", "parameter_repeated"),
        ("client_id=a&client_id=a", "parameter_repeated"),
        ("logout_hint=a&logout_hint=a", "parameter_repeated"),
        ("client_id=demo-symfoni&state=a&state=b", "parameter_repeated"),
        ("post_logout_redirect_uri=a&post_logout_redirect_uri=a", "parameter_repeated"),
        ("ui_locales=sv&ui_locales=en", "parameter_repeated"),
        ("state=%FF", "request_malformed"),
        ("state=%00", "request_malformed"),
        (&format!("state={}", "a".repeat(9000)), "request_too_long"),
        ("logout=x", "logout_unconfirmed"),
        ("logout=x&logout=x", "parameter_repeated"),
        (&format!("logout_hint={}", "a".repeat(9000)), "request_too_long"),
    ] {
        let answer = browser.get(&idp.at(&format!("/logout?{query}"))).await.unwrap();
        assert_eq!(told_by_page(&answer), expected, "{query}");
        for path in ["/logout", "/logout/confirmed"] {
            let request = idp.http().post(idp.at(path)).body(query.to_owned());
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = Answer::of(request.send().await.unwrap()).await;
            let code = page_code(&answer.body);
            let is_read_there = path == "/logout" && !query.starts_with("logout=");
            if is_read_there || expected.starts_with("request_") {
                assert_eq!(code.as_deref(), Some(expected), "{path} {query}");
            }
        }
    }
    // A parameter without a value counts as left out.
    let empty = idp.at("/logout?id_token_hint=&post_logout_redirect_uri=&client_id=");
    assert!(question(&browser.get(&empty).await.unwrap()).is_some());
    let json = idp.http().post(idp.at("/logout")).header("content-type", "application/json");
    let answer = Answer::of(json.body("{}").send().await.unwrap()).await;
    assert_eq!(page_code(&answer.body).as_deref(), Some("content_type_unsupported"));
    assert_eq!(idp.http().head(idp.at("/logout")).send().await.unwrap().status(), 405);
    assert!(idp.is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn demo_symfoni_logs_out_and_is_told_of_logouts() {
    let (idp, demo) = idp_with_demo(|_| {}).await;
    let at = |path: &str| format!("{demo}{path}").parse().unwrap();
    let mut browser = idp.browser("clinician");
    let page = browser.follow(&at("login"), |_| false).await.unwrap().pop().unwrap();
    assert!(page.body.contains(r#"href="/logout""#), "{}", page.body);
    let page = browser.follow(&at("logout"), |_| false).await.unwrap().pop().unwrap();
    assert!(page.body.contains("Välkommen till Demo-Symfoni"), "{}", page.body);
    assert_eq!(idp.count("select count(*) from sessions where ended_by = 'logout'").await, 1);
    // Logged out here, it learns of it by the back channel, and has no ID token to show any more.
    browser.follow(&at("login"), |_| false).await.unwrap();
    let sealed = question(&browser.get(&idp.logout(&[])).await.unwrap()).unwrap();
    browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while idp.audited("logout.delivered").await < 2 {
        assert!(tokio::time::Instant::now() < deadline, "Demo-Symfoni is told");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let answer = browser.get(&at("logout")).await.unwrap();
    assert!(!answer.headers["location"].to_str().unwrap().contains("id_token_hint"));
}

//! What a session is in the database, whose it is, and how it ends.

use serde_json::Value;
use siths_idp::dev::browser::Browser;
use siths_idp::flow::answer::SESSION_COOKIE;
use siths_idp::secret::sha256;

use crate::harness::{Authorize, TestIdp};

/// The claims of a JWT.
fn claims(tokens: &Value) -> Value {
    use base64::Engine as _;
    let middle = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&engine.decode(middle).unwrap()).unwrap()
}

async fn tokens(idp: &TestIdp, browser: &mut Browser, request: &Authorize) -> Value {
    let code = idp.code(browser, request).await;
    let (status, tokens) = idp.token(&idp.token_request(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn user_info(idp: &TestIdp, tokens: &Value) -> (u16, Value) {
    let token = tokens["access_token"].as_str().unwrap();
    let request = idp.http().get(idp.at("/userinfo")).bearer_auth(token);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn silent(idp: &TestIdp) -> Authorize {
    idp.authorize().set("prompt", "none")
}

/// What `prompt=none` is told: nothing where there is a code.
async fn silently(idp: &TestIdp, browser: &mut Browser) -> Option<String> {
    let told = idp.walk(browser, &silent(idp).url()).await.parameters();
    told.get("error_code").cloned()
}

fn session(browser: &Browser) -> String {
    browser.cookie("idp.localhost", SESSION_COOKIE).expect("a session cookie").to_owned()
}

#[tokio::test]
async fn without_a_session_nobody_is_logged_in_silently() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
    // An attempt that was refused gives none.
    idp.walk(&mut idp.browser("expired"), &idp.authorize().url()).await;
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
    // A cookie of somebody's own making neither.
    for made_up in ["", "x", &"A".repeat(43), "' or 1=1 --"] {
        let field = format!("{SESSION_COOKIE}={made_up}");
        let request = idp.http().get(silent(&idp).url()).header("cookie", field);
        let answer = request.send().await.unwrap();
        assert!(answer.headers()["location"].to_str().unwrap().contains("login_required"));
    }
    assert_eq!(idp.count("select count(*) from codes").await, 0);
}

#[tokio::test]
async fn a_session_answers_prompt_none_with_the_same_sid_and_auth_time() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let asked = idp.authorize().set("max_age", "1000");
    let by_card = claims(&tokens(&idp, &mut browser, &asked).await);
    idp.advance(700);
    idp.swap(&mut browser, None);
    let by_session =
        claims(&tokens(&idp, &mut browser, &silent(&idp).set("max_age", "1000")).await);
    for name in ["sid", "auth_time", "sub", "acr", "employeeHsaId"] {
        assert!(!by_card[name].is_null(), "{name}");
        assert_eq!(by_card[name], by_session[name], "{name}");
    }
    let continued = "select count(*) from audit_events where event = 'login.continued'";
    assert_eq!(idp.count(continued).await, 1);
    assert_eq!(idp.count("select count(*) from sessions").await, 1);
    // A session that is older than max_age is not good enough, and prompt=login asks for the card.
    let older = silent(&idp).set("max_age", "600").url();
    let told = idp.walk(&mut browser, &older).await.parameters();
    assert_eq!(told["error"], "login_required");
    let login = idp.authorize().set("prompt", "login").url();
    assert_eq!(idp.walk(&mut browser, &login).await.error_code(), "certificate_missing");
}

#[tokio::test]
async fn the_database_holds_the_hash_of_the_cookie_alone() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let cookie = session(&browser);
    let hash: String = sha256(cookie.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let rows = idp.rows("select to_jsonb(s) from sessions s").await;
    assert_eq!(rows[0]["cookie_hash"], format!("\\x{hash}"));
    for table in [
        "select to_jsonb(s) from sessions s",
        "select to_jsonb(a) from audit_events a",
        "select to_jsonb(l) from login_attempts l",
        "select to_jsonb(g) from grants g",
        "select to_jsonb(c) from codes c",
    ] {
        for row in idp.rows(table).await {
            assert!(!row.to_string().contains(&cookie), "{table}");
        }
    }
}

#[tokio::test]
async fn every_card_begins_a_session_of_its_own() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let first = claims(&tokens(&idp, &mut browser, &idp.authorize()).await);
    let before = session(&browser);
    let second = claims(&tokens(&idp, &mut browser, &idp.authorize()).await);
    assert_ne!(first["sid"], second["sid"]);
    // A cookie that was put there before the login is not the one after it.
    assert_ne!(before, session(&browser));
}

#[tokio::test]
async fn another_persons_card_in_the_same_browser_ends_the_first_persons_session() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let first = tokens(&idp, &mut browser, &idp.authorize()).await;
    let old = session(&browser);
    assert_eq!(user_info(&idp, &first).await.0, 200);

    idp.swap(&mut browser, Some(idp.card("reserve-card")));
    let second = tokens(&idp, &mut browser, &idp.authorize()).await;
    let (status, told) = user_info(&idp, &second).await;
    assert_eq!((status, &told["employeeHsaId"]), (200, &"SE2321000222-DEV2".into()));
    let (status, told) = user_info(&idp, &first).await;
    assert_eq!((status, &told["error_code"]), (401, &"token_revoked".into()));
    // The old cookie, kept by somebody, is worth nothing.
    let field = format!("{SESSION_COOKIE}={old}");
    let answer = idp.http().get(silent(&idp).url()).header("cookie", field).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().contains("login_required"));
    let now = claims(&tokens(&idp, &mut browser, &silent(&idp)).await);
    assert_eq!(now["employeeHsaId"], "SE2321000222-DEV2");
}

#[tokio::test]
async fn a_card_that_is_not_believed_ends_nobodys_session() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    for name in ["expired", "untrusted", "wrong-certificate"] {
        idp.swap(&mut browser, Some(idp.card(name)));
        idp.walk(&mut browser, &idp.authorize().url()).await;
    }
    assert_eq!(silently(&idp, &mut browser).await, None);
}

#[tokio::test]
async fn another_persons_card_ends_the_session_also_when_it_lets_nobody_in() {
    let idp = TestIdp::start().await;
    for name in ["unknown", "no-role", "disabled"] {
        let mut browser = idp.browser("clinician");
        idp.code(&mut browser, &idp.authorize()).await;
        assert_eq!(silently(&idp, &mut browser).await, None);
        idp.swap(&mut browser, Some(idp.card(name)));
        idp.walk(&mut browser, &idp.authorize().url()).await;
        assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"), "{name}");
    }
}

#[tokio::test]
async fn the_session_of_a_person_who_is_switched_off_is_worth_nothing() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let before = tokens(&idp, &mut browser, &idp.authorize()).await;
    // By hand, so that not even the end of the sessions tells.
    idp.sql(
        "update users set enabled = false
        from hsa_ids h where h.user_id = users.id and h.canonical = 'SE2321000222-DEV1'",
    )
    .await;
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
    assert_eq!(user_info(&idp, &before).await.0, 401);
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "user_disabled");
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_missing_at_the_next_login() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let before = tokens(&idp, &mut browser, &idp.authorize()).await;
    let code = idp.code(&mut browser, &idp.authorize()).await;
    idp.sql(
        "update role_grants set revoked_at = now()
        from hsa_ids h where h.user_id = role_grants.user_id and h.canonical = 'SE2321000222-DEV1'",
    )
    .await;
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "role_missing");
    // Neither does what was given before.
    assert_eq!(user_info(&idp, &before).await.0, 401);
    assert_ne!(idp.token(&idp.token_request(&code)).await.0, 200);
}

#[tokio::test]
async fn one_role_of_two_that_is_taken_away_is_no_longer_told() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    idp.sql("update role_grants set revoked_at = now() where role = 'Bedömningstandläkare'").await;
    let told = claims(&tokens(&idp, &mut browser, &silent(&idp)).await);
    assert_eq!(told["systemRole"], serde_json::json!(["SYMFONI;Handläggare"]));
}

#[tokio::test]
async fn a_session_that_nobody_uses_for_an_hour_stands_in_for_nothing() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let first = claims(&tokens(&idp, &mut browser, &idp.authorize()).await);
    // Each use begins the hour again, and the session stays the same.
    for _ in 0..3 {
        idp.advance(3599);
        let again = claims(&tokens(&idp, &mut browser, &silent(&idp)).await);
        assert_eq!(again["sid"], first["sid"]);
    }
    idp.advance(3600);
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
    // Being asked for in vain is no use.
    idp.advance(-1);
    assert_eq!(silently(&idp, &mut browser).await, None);
}

#[tokio::test]
async fn however_often_it_is_used_a_session_ends_with_its_greatest_age() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    tokens(&idp, &mut browser, &idp.authorize()).await;
    for _ in 0..15 {
        idp.advance(1800);
        assert_eq!(silently(&idp, &mut browser).await, None);
    }
    idp.advance(1800);
    assert_eq!(silently(&idp, &mut browser).await.as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_being_used_gives_nothing() {
    use siths_idp::store::logins::{Attempt, Continuation, NewGrant, record_continued};

    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let told = claims(&tokens(&idp, &mut browser, &idp.authorize()).await);
    // It was read, and then the person logged out in another tab.
    let answer = browser.get(&idp.at("/logout")).await.unwrap();
    let sealed = crate::harness::logout::question(&answer).unwrap();
    browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    let (random, now) = (siths_idp::random::Random::system(), idp.clock.now());
    let attempt = Attempt {
        ticket: random.uuid(now),
        reference: "7F3K-92QD",
        client_id: siths_idp::dev::seed::CLIENT_ID,
        certificate: None,
        revocation: None,
        address: "127.0.0.1",
        now,
    };
    let grant = NewGrant {
        id: random.uuid(now),
        scopes: &[],
        nonce: None,
        terms: serde_json::json!({}),
        code_hash: [7; 32],
        redirect_uri: "https://rp.localhost/callback",
        code_challenge: None,
        code_expires_at: now,
        pushed: None,
    };
    let id = |name: &str| told[name].as_str().unwrap().parse().unwrap();
    let written =
        record_continued(idp.pool(), &attempt, id("sid"), id("sub"), &grant).await.unwrap();
    assert_eq!(written, Continuation::SessionEnded);
    assert_eq!(idp.count("select count(*) from grants").await, 1);
    assert_eq!(idp.audited("login.continued").await, 0);
}

//! OpenID Connect Back-Channel Logout 1.0: relying parties are told, by whichever node, until they know.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};
use siths_idp::dev::browser::Browser;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client::SignOn;
use siths_idp::serve::back_channel::{TURN, tell_due};
use siths_idp::store::audit::By;
use siths_idp::store::logout_notices::{self, Notice};
use siths_idp::store::people;

use crate::harness::listener::{HANG, Listener};
use crate::harness::logout::{id_token, sid};
use crate::harness::{TestIdp, loopback};

const WAITING: &str = "select count(*) from logout_notices";

/// A provider with a relying party that is told of logouts.
async fn idp_with_listener() -> (TestIdp, Listener) {
    let idp = TestIdp::start().await;
    let listener = Listener::start(&idp);
    register(&idp, &listener.uri, |_| {}).await;
    (idp, listener)
}

async fn register(idp: &TestIdp, uri: &str, edit: impl FnOnce(&mut Client)) {
    idp.register(|client| {
        client.metadata.backchannel_logout_uri = Some(uri.to_owned());
        edit(client);
    })
    .await;
}

/// Logs in and out; the token answer of the login.
async fn log_in_and_out(idp: &TestIdp, browser: &mut Browser) -> Value {
    let tokens = idp.log_in_by(browser, &idp.authorize()).await;
    let url = idp.logout(&[("id_token_hint", id_token(&tokens))]);
    assert_eq!(browser.get(&url).await.unwrap().status, 200);
    tokens
}

/// Waits until so many notices wait.
async fn waiting(idp: &TestIdp, expected: i64) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while idp.count(WAITING).await != expected {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", idp.rows(NOTICES).await);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

const NOTICES: &str = "select to_jsonb(n) from logout_notices n";

/// Waits until the only notice was tried so often, and lies until its next turn.
async fn tried(idp: &TestIdp, attempts: i64) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let rows = idp.rows(NOTICES).await;
        let try_at = rows[0]["try_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
        // A turn that was taken is a minute long; a postponed notice waits for 10 s and its doubles.
        let waits = try_at.unwrap() - idp.clock.now();
        if rows[0]["attempts"] == attempts && waits != TURN {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{rows:?}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn section_2_4_a_logout_token_holds_exactly_what_it_must() {
    let (idp, mut listener) = idp_with_listener().await;
    let tokens = log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    let told = listener.next().await;
    assert_eq!(told.path, "/back?x=1");
    assert_eq!(told.content_type, "application/x-www-form-urlencoded");
    let header = jsonwebtoken::decode_header(told.token()).unwrap();
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    assert_eq!(header.alg, jsonwebtoken::Algorithm::ES256);
    let mut claims = told.claims(&idp).await;
    let jti = claims["jti"].take();
    assert!(jti.as_str().is_some_and(|jti| jti.len() > 20));
    let now = idp.clock.now().timestamp();
    let login = crate::token::claims(id_token(&tokens));
    assert_eq!(
        claims,
        json!({
            "iss": idp.config.issuer_identifier(),
            "sub": login["sub"],
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": null,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            "sid": login["sid"],
        })
    );
    waiting(&idp, 0).await;
    let events =
        idp.rows("select to_jsonb(a) from audit_events a where event = 'logout.delivered'").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["details"], json!({ "session": login["sid"], "attempts": 1 }));
    // It is no ID token, and logs nobody out here.
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    let url = idp.logout(&[("id_token_hint", told.token())]);
    let answer = browser.get(&url).await.unwrap();
    assert_eq!(crate::harness::answer::told_by_page(&answer), "logout_hint_invalid");
}

#[tokio::test]
async fn section_2_4_it_is_signed_as_the_id_tokens_of_the_client() {
    let (idp, mut listener) = idp_with_listener().await;
    let uri = listener.uri.clone();
    register(&idp, &uri, |client| client.signing_alg = SigningAlg::Rs256).await;
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    let told = listener.next().await;
    let header = jsonwebtoken::decode_header(told.token()).unwrap();
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    told.claims(&idp).await;
}

#[tokio::test]
async fn every_client_of_the_session_is_told_and_nobody_else() {
    let (idp, mut listener) = idp_with_listener().await;
    let uri = listener.uri.clone();
    register(&idp, &uri, |client| {
        "second".clone_into(&mut client.id);
        client.sign_on = SignOn::Session;
    })
    .await;
    register(&idp, &uri, |client| "not-logged-in-to".clone_into(&mut client.id)).await;
    idp.register(|client| {
        "does-not-listen".clone_into(&mut client.id);
        client.sign_on = SignOn::Session;
    })
    .await;
    let mut browser = idp.browser("clinician");
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    for client in ["second", "second", "does-not-listen"] {
        let silent = idp.authorize().set("client_id", client).set("prompt", "none");
        idp.code(&mut browser, &silent).await;
    }
    browser.get(&idp.logout(&[("id_token_hint", id_token(&tokens))])).await.unwrap();
    let mut told = BTreeSet::new();
    for _ in 0..2 {
        let claims = listener.next().await.claims(&idp).await;
        assert_eq!(claims["sid"], sid(&tokens));
        told.insert(claims["aud"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, BTreeSet::from([CLIENT_ID.to_owned(), "second".to_owned()]));
    waiting(&idp, 0).await;
    assert_eq!(listener.unread(), 0);
    assert_eq!(idp.audited("logout.delivered").await, 2);
}

#[tokio::test]
async fn section_2_8_no_content_is_success_and_bad_request_is_final() {
    let (idp, mut listener) = idp_with_listener().await;
    for (status, event) in [(204, "logout.delivered"), (400, "logout.refused")] {
        listener.answers(status);
        log_in_and_out(&idp, &mut idp.browser("clinician")).await;
        listener.next().await;
        waiting(&idp, 0).await;
        assert_eq!(idp.audited(event).await, 1, "{status}");
        assert_eq!(listener.unread(), 0);
    }
}

#[tokio::test]
async fn a_relying_party_that_is_in_trouble_is_told_again_by_a_token_of_that_moment() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(500);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    let mut seen = BTreeSet::new();
    // A redirect leads nowhere: what it leads to would be told here.
    for (attempts, status, pause) in [(1, 500, 10), (2, 302, 20), (3, 404, 40), (4, 503, 80)] {
        let told = listener.next().await;
        assert_eq!(told.path, "/back?x=1");
        let claims = told.claims(&idp).await;
        assert_eq!(claims["iat"], idp.clock.now().timestamp(), "{status}");
        assert!(seen.insert(claims["jti"].to_string()), "{status}");
        tried(&idp, attempts).await;
        listener.answers([302, 404, 503, 200][usize::try_from(attempts).unwrap() - 1]);
        // Not before its time.
        idp.advance(pause - 1);
        tell_due(&idp.node.app).await.unwrap();
        assert_eq!(listener.unread(), 0, "{status}");
        idp.advance(1);
        tell_due(&idp.node.app).await.unwrap();
    }
    listener.next().await;
    waiting(&idp, 0).await;
    assert_eq!(idp.audited("logout.delivered").await, 1);
}

#[tokio::test]
async fn a_relying_party_that_was_down_is_told_hours_later() {
    let idp = TestIdp::start().await;
    let socket = loopback();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let uri = format!("https://symfoni.localhost:{port}/back?x=1");
    register(&idp, &uri, |_| {}).await;
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    tried(&idp, 1).await;
    idp.advance(23 * 3600);
    let listener = crate::harness::bind_again(([127, 0, 0, 1], port).into()).await;
    let mut listener = Listener::start_on(&idp, listener);
    tell_due(&idp.node.app).await.unwrap();
    let claims = listener.next().await.claims(&idp).await;
    assert_eq!(claims["iat"], idp.clock.now().timestamp());
    waiting(&idp, 0).await;
}

#[tokio::test]
async fn a_relying_party_that_stays_away_is_given_up_and_the_audit_trail_says_so() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(503);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    listener.next().await;
    tried(&idp, 1).await;
    idp.advance(24 * 3600);
    tell_due(&idp.node.app).await.unwrap();
    listener.next().await;
    tried(&idp, 2).await;
    idp.advance(3600);
    tell_due(&idp.node.app).await.unwrap();
    waiting(&idp, 0).await;
    assert_eq!(listener.unread(), 0);
    assert_eq!(idp.audited("logout.given_up").await, 1);
}

#[tokio::test]
async fn one_that_never_answers_is_not_waited_for_by_the_person_nor_for_long_by_the_node() {
    let idp = TestIdp::start_with(|config| {
        config.logout.timeout = TimeDelta::milliseconds(50);
    })
    .await;
    let mut listener = Listener::start(&idp);
    register(&idp, &listener.uri, |_| {}).await;
    listener.answers(HANG);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    listener.next().await;
    tried(&idp, 1).await;
}

#[tokio::test]
async fn an_address_of_an_inner_network_is_not_connected_to_unless_it_is_listed() {
    let idp = TestIdp::start_with(|config| config.logout.private_networks.clear()).await;
    let listener = Listener::start(&idp);
    let port = url::Url::parse(&listener.uri).unwrap().port().unwrap();
    for uri in [listener.uri.clone(), format!("https://127.0.0.1:{port}/back")] {
        register(&idp, &uri, |_| {}).await;
        log_in_and_out(&idp, &mut idp.browser("clinician")).await;
        tried(&idp, 1).await;
        idp.sql("delete from logout_notices").await;
    }
    assert_eq!(listener.unread(), 0);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_sent_no_token() {
    let idp = TestIdp::start_with(|config| {
        // Another authority than that of the relying party's server.
        config.logout.authorities = vec![config.trust.roots[0].clone()];
    })
    .await;
    let listener = Listener::start(&idp);
    register(&idp, &listener.uri, |_| {}).await;
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    tried(&idp, 1).await;
    assert_eq!(listener.unread(), 0);
}

#[tokio::test]
async fn however_a_session_ends_before_its_time_the_relying_party_is_told() {
    let (idp, mut listener) = idp_with_listener().await;
    // Another person's card, whether or not it lets anybody in.
    for card in ["reserve-card", "unknown"] {
        let mut browser = idp.browser("clinician");
        let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
        idp.swap(&mut browser, Some(idp.card(card)));
        idp.walk(&mut browser, &idp.authorize().url()).await;
        assert_eq!(listener.next().await.claims(&idp).await["sid"], sid(&tokens), "{card}");
    }
    // The operator's hand.
    let tokens = idp.log_in_by(&mut idp.browser("clinician"), &idp.authorize()).await;
    let mut kept = idp.browser("reserve-card");
    let kept_tokens = idp.log_in_by(&mut kept, &idp.authorize()).await;
    let mut connection = idp.pool().acquire().await.unwrap();
    let id = crate::token::claims(id_token(&tokens))["sub"].as_str().unwrap().parse().unwrap();
    let by = By { now: idp.clock.now(), operator: "test" };
    people::disable(&mut connection, by, id).await.unwrap();
    assert_eq!(listener.next().await.claims(&idp).await["sid"], sid(&tokens));
    // A card that was revoked, at the next use of the session.
    idp.sql("update ocsp_answers set revoked_at = this_update").await;
    assert!(!idp.is_logged_in(&mut kept).await);
    assert_eq!(listener.next().await.claims(&idp).await["sid"], sid(&kept_tokens));
    let reasons = "select to_jsonb(array_agg(distinct ended_by order by ended_by)) from sessions
        where ended_by is not null";
    let expected = json!(["another-card", "certificate-revoked", "disabled"]);
    assert_eq!(idp.rows(reasons).await, [expected]);
}

#[tokio::test]
async fn a_session_that_runs_out_tells_nobody() {
    let (idp, listener) = idp_with_listener().await;
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    idp.advance(9 * 3600);
    assert!(!idp.is_logged_in(&mut browser).await);
    tell_due(&idp.node.app).await.unwrap();
    assert_eq!((idp.count(WAITING).await, listener.unread()), (0, 0));
}

#[tokio::test]
async fn two_nodes_never_tell_the_same_at_once() {
    let (idp, listener) = idp_with_listener().await;
    let (second, _) = idp.another_node().await;
    // Thirty sessions that end in one moment.
    idp.log_in_by(&mut idp.browser("clinician"), &idp.authorize()).await;
    idp.sql(
        "insert into logout_notices (session_id, client_id, user_id, try_at, created_at)
        select gen_random_uuid(), client_id, user_id, created_at, created_at
        from grants, generate_series(1, 30)",
    )
    .await;
    let tellers = [&idp.node.app, &second.app, &idp.node.app, &second.app].map(tell_due);
    for told in futures_of(tellers).await {
        told.unwrap();
    }
    waiting(&idp, 0).await;
    assert_eq!(listener.unread(), 30);
    assert_eq!(idp.audited("logout.delivered").await, 30);
    second.stop().await;
}

/// One that answers nothing keeps no other waiting, however many of its notices are due.
#[tokio::test]
async fn clients_take_turns() {
    let (idp, _listener) = idp_with_listener().await;
    idp.log_in_by(&mut idp.browser("clinician"), &idp.authorize()).await;
    idp.register(|client| client.id = "late".to_owned()).await;
    idp.sql(
        "insert into logout_notices (session_id, client_id, user_id, try_at, created_at)
        select gen_random_uuid(), client_id, user_id, created_at + interval '1 hour', created_at
        from grants, generate_series(1, 30)
        union all
        select gen_random_uuid(), 'late', user_id, created_at + interval '61 minutes', created_at
        from grants",
    )
    .await;
    let now = idp.clock.now() + TimeDelta::minutes(62);
    let taken = logout_notices::take(idp.pool(), now, TURN, 5).await.unwrap();
    let mut clients: Vec<&str> = taken.iter().map(|notice| notice.client_id.as_str()).collect();
    clients.sort();
    assert_eq!(clients.len(), 5);
    assert!(clients.contains(&"late"), "{clients:?}");
}

/// Awaits all at once.
async fn futures_of<T>(all: [impl Future<Output = T>; 4]) -> [T; 4] {
    let [a, b, c, d] = all;
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    [a, b, c, d]
}

#[tokio::test]
async fn the_turn_of_a_node_that_died_is_taken_over_when_it_has_run_out() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(503);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    listener.next().await;
    tried(&idp, 1).await;
    listener.answers(200);
    // A node, whose clock is ten seconds ahead, takes its turn and is not heard of again.
    let ahead = idp.clock.now() + TimeDelta::seconds(10);
    let lost = logout_notices::take(idp.pool(), ahead, TURN, 16).await.unwrap().pop().unwrap();
    assert_eq!(lost.attempts, 2);
    idp.advance(10 + TURN.num_seconds() - 1);
    tell_due(&idp.node.app).await.unwrap();
    assert_eq!((listener.unread(), idp.count(WAITING).await), (0, 1));
    idp.advance(1);
    tell_due(&idp.node.app).await.unwrap();
    listener.next().await;
    waiting(&idp, 0).await;
    // It was not dead, only slow: what it says of its turn is not heard any more.
    logout_notices::postpone(idp.pool(), &lost, ahead).await.unwrap();
    assert_eq!(idp.count(WAITING).await, 0);
}

#[tokio::test]
async fn a_turn_that_was_lost_does_not_undo_the_next() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(503);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    listener.next().await;
    tried(&idp, 1).await;
    let rows = idp.rows(NOTICES).await;
    let now = idp.clock.now();
    let lost = Notice {
        session_id: rows[0]["session_id"].as_str().unwrap().parse().unwrap(),
        client_id: CLIENT_ID.to_owned(),
        user_id: rows[0]["user_id"].as_str().unwrap().parse().unwrap(),
        attempts: 0,
    };
    logout_notices::postpone(idp.pool(), &lost, now - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(idp.rows(NOTICES).await, rows);
}

#[tokio::test]
async fn a_client_that_no_longer_wants_to_be_told_is_given_up() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(503);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    listener.next().await;
    tried(&idp, 1).await;
    idp.register(|_| {}).await;
    idp.advance(10);
    tell_due(&idp.node.app).await.unwrap();
    waiting(&idp, 0).await;
    assert_eq!((listener.unread(), idp.audited("logout.given_up").await), (0, 1));
}

#[tokio::test]
async fn no_token_lies_in_the_database() {
    let (idp, mut listener) = idp_with_listener().await;
    listener.answers(503);
    log_in_and_out(&idp, &mut idp.browser("clinician")).await;
    let token = listener.next().await.token().to_owned();
    tried(&idp, 1).await;
    let signature = token.rsplit('.').next().unwrap();
    for (table, rows) in idp.tables().await {
        assert!(!rows.iter().any(|row| row.contains(signature)), "{table}");
    }
}

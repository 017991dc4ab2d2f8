//! How often a login goes to the database: four times, and not before a certificate is judged. What OCSP
//! says of a card is read and written once an hour besides.

use std::collections::BTreeSet;

use siths_idp::dev::browser::Browser;

use crate::harness::tokens::{opaque, refreshing, text};
use crate::harness::{TestIdp, TokenRequest};

/// The statements of a node's own connections, as PostgreSQL logged them, in order.
async fn statements(idp: &TestIdp) -> Vec<String> {
    let backends = "select to_jsonb(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    let backends = idp.rows(backends).await;
    let of_ours = |line: &str| backends.iter().any(|pid| line.contains(&format!(" [{pid}] ")));
    let log = std::fs::read_to_string(idp.site.postgres.log_file()).unwrap();
    let mut found: Vec<String> = Vec::new();
    let mut within = false;
    for line in log.lines() {
        if let Some(rest) = line.strip_prefix('\t') {
            if within && let Some(last) = found.last_mut() {
                last.push(' ');
                last.push_str(rest.trim());
            }
            continue;
        }
        within = false;
        // "execute sqlx_s_1: select …" and "statement: select …"
        let Some((_, said)) = line.split_once(" LOG:  ") else { continue };
        let Some((kind, text)) = said.split_once(": ") else { continue };
        if of_ours(line) && (kind.starts_with("execute") || kind == "statement") {
            within = true;
            found.push(text.trim().to_owned());
        }
    }
    // Looking for notices of logouts goes on by itself, at any moment.
    found.retain(|text| !text.contains("logout_notices"));
    found
}

/// Waits until the node reads its registry no more, but for now and then.
async fn settled(idp: &TestIdp) -> Vec<String> {
    let listening = "select count(*) from pg_stat_activity
        where datname = current_database() and query like 'LISTEN%' and state = 'idle'";
    for _ in 0..200 {
        if idp.count(listening).await == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    statements(idp).await
}

/// A whole login: the card, the tokens, UserInfo.
async fn whole_login(idp: &TestIdp, browser: &mut Browser) {
    let code = idp.code(browser, &idp.authorize()).await;
    let (_, tokens) = idp.token(&idp.token_request(&code)).await;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = idp.http().get(idp.at("/userinfo")).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_login_takes_four_round_trips() {
    let idp = TestIdp::start().await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    assert!(background.iter().any(|text| text.contains("from signing_keys")), "{background:#?}");
    let mut browser = idp.browser("clinician");
    whole_login(&idp, &mut browser).await;

    let before = statements(&idp).await.len();
    whole_login(&idp, &mut browser).await;
    let after = statements(&idp).await;
    let own: Vec<&String> =
        after[before..].iter().filter(|text| !background.contains(*text)).collect();
    assert_eq!(own.len(), 4, "{own:#?}");
    assert!(own[0].contains("from hsa_ids"), "{}", own[0]);
    assert!(own[1].contains("insert into login_attempts"), "{}", own[1]);
    assert!(own[2].contains("update codes"), "{}", own[2]);
    assert!(own[3].starts_with("select"), "{}", own[3]);
}

#[tokio::test]
async fn a_refresh_takes_three_and_what_is_kept_of_a_login_one_more() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        refreshing(client);
        opaque(client);
    })
    .await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    let of_tokens = |text: &&String| !background.contains(*text);
    let before = statements(&idp).await.len();
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let after = statements(&idp).await;
    let own: Vec<&String> = after[before..].iter().filter(of_tokens).collect();
    assert_eq!(own.len(), 2, "{own:#?}");
    assert!(own[0].contains("update codes"), "{}", own[0]);
    let before = after.len();
    idp.tokens(&TokenRequest::refresh(text(&tokens, "refresh_token"))).await;
    let after = statements(&idp).await;
    let own: Vec<&String> = after[before..].iter().filter(of_tokens).collect();
    assert_eq!(own.len(), 3, "{own:#?}");
    assert!(own[2].contains("update refresh_tokens"), "{}", own[2]);
}

#[tokio::test]
async fn a_card_that_ocsp_was_not_asked_about_takes_a_reading_and_a_writing_for_each_certificate() {
    let idp = TestIdp::start().await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    let own = |after: Vec<String>, before: usize| -> Vec<String> {
        let after = after.into_iter().skip(before);
        after.filter(|text| text.contains("ocsp_answers") && !background.contains(text)).collect()
    };
    // The card and its issuing authority; for the next card, the card alone.
    for (name, certificates) in [("clinician", 2), ("no-role", 1), ("clinician", 0)] {
        let before = statements(&idp).await.len();
        idp.walk(&mut idp.browser(name), &idp.authorize().url()).await;
        let own = own(statements(&idp).await, before);
        let count = |verb: &str| own.iter().filter(|text| text.starts_with(verb)).count();
        let counted = (count("select"), count("insert"), own.len());
        assert_eq!(counted, (certificates, certificates, 2 * certificates), "{name}: {own:#?}");
    }
}

#[tokio::test]
async fn a_refusal_takes_two_at_most() {
    let idp = TestIdp::start().await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    for (name, most) in [("expired", 1), ("wrong-certificate", 1), ("unknown", 2), ("no-role", 2)] {
        // Once before, so that what OCSP says of the card is remembered.
        idp.walk(&mut idp.browser(name), &idp.authorize().url()).await;
        let before = statements(&idp).await.len();
        idp.walk(&mut idp.browser(name), &idp.authorize().url()).await;
        let after = statements(&idp).await;
        let own = after[before..].iter().filter(|text| !background.contains(*text));
        assert_eq!(own.count(), most, "{name}: {:#?}", &after[before..]);
    }
}

#[tokio::test]
async fn nothing_reaches_the_database_before_a_certificate_is_judged() {
    let idp = TestIdp::start().await;
    whole_login(&idp, &mut idp.browser("clinician")).await;
    let traces = idp.traces().await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    for _ in 0..20 {
        let mut browser = idp.browser("clinician");
        let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
        browser.get(&card).await.unwrap();
        browser.get(&idp.authorize().set("client_id", "x").url()).await.unwrap();
        browser.get(&idp.authorize().without("scope").url()).await.unwrap();
        browser.get(&idp.at("/resume?ticket=x")).await.unwrap();
        browser.get(&idp.at("/again?login=x")).await.unwrap();
    }
    let own = statements(&idp).await;
    let own: Vec<&String> = own.iter().filter(|text| !background.contains(*text)).collect();
    assert_eq!(own, [""; 0], "{own:#?}");
    assert_eq!(idp.traces().await, traces);
}

#[tokio::test]
async fn a_good_card_that_is_tried_costs_one_and_any_other_none() {
    let idp = TestIdp::start().await;
    settled(&idp).await;
    for (person, expected) in [("clinician", 1), ("unknown", 1), ("expired", 0), ("untrusted", 0)] {
        let mut browser = idp.browser(person);
        let before = statements(&idp).await;
        browser.follow(&idp.at("/check"), |_| false).await.unwrap();
        let after = statements(&idp).await;
        let asked = after[before.len()..].iter().filter(|text| text.contains("hsa_ids"));
        assert_eq!(asked.count(), expected, "{person}: {:#?}", &after[before.len()..]);
    }
}

#[tokio::test]
async fn a_session_that_stands_in_for_the_card_takes_two_and_is_touched_on_the_way() {
    let idp = TestIdp::start().await;
    let background: BTreeSet<String> = settled(&idp).await.into_iter().collect();
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let before = statements(&idp).await.len();
    idp.advance(60);
    idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
    let after = statements(&idp).await;
    let own: Vec<&String> =
        after[before..].iter().filter(|text| !background.contains(*text)).collect();
    assert_eq!(own.len(), 2, "{own:#?}");
    let used =
        idp.rows("select to_jsonb(floor(extract(epoch from used_at))::bigint) from sessions").await;
    assert_eq!(used, [idp.clock.now().timestamp()]);
}

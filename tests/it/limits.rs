//! What strangers cannot exhaust: bodies, rows, choosers.

use std::num::NonZeroU32;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::TestIdp;

#[tokio::test]
async fn failures_without_a_card_are_bounded_at_an_address_and_write_one_row_each() {
    let idp = TestIdp::start_with(|config| {
        config.limits.failed_logins_per_minute = NonZeroU32::new(3).unwrap();
    })
    .await;
    let mut browser = idp.browser_with(None);
    // However often one login is taken to its card host, it is one row.
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    for _ in 0..2 {
        let walk = idp.walk(&mut browser, &card).await;
        assert_eq!(walk.error_code(), "certificate_missing");
    }
    assert_eq!(rows(&idp).await, 1);
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_missing");
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "busy");
    assert_eq!(rows(&idp).await, 2);
    // Whoever has a card that works is not kept out by it.
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}

async fn rows(idp: &TestIdp) -> i64 {
    let count = "select count(*) from login_attempts";
    sqlx::query_scalar(count).fetch_one(idp.pool()).await.unwrap()
}

#[tokio::test]
async fn a_body_that_never_comes_holds_no_connection() {
    let idp = TestIdp::start().await;
    let mut connection = idp.raw_connection("idp.localhost").await;
    let head = "POST /token HTTP/1.1\r\nhost: idp.localhost\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 8000\r\n\r\na";
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = connection.read_to_string(&mut answer);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), read).await;
    assert!(ended.is_ok(), "the connection is still open");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: serde_json::Value = serde_json::from_str(body.trim()).unwrap();
    assert_eq!(problem["error_code"], "request_too_slow");
}

#[tokio::test]
async fn a_redirect_uri_that_was_taken_away_during_a_login_gets_no_code() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    idp.register(|client| client.redirect_uris = vec!["https://rp.localhost/new".to_owned()]).await;
    let walk = idp.walk(&mut browser, &card).await;
    assert_eq!(walk.error_code(), "redirect_uri_unregistered");
}

#[tokio::test]
async fn two_tabs_of_a_new_browser_both_log_in() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let mut tabs = Vec::new();
    // Both ask before either has an answer, so neither brings a cookie.
    for _ in 0..2 {
        let mut tab = idp.browser("clinician");
        let answer = tab.get(&idp.authorize().url()).await.unwrap();
        tabs.push(answer.location().unwrap());
        browser.take_cookies(tab);
    }
    for card in tabs {
        assert!(idp.walk(&mut browser, &card).await.parameters().contains_key("code"));
    }
}

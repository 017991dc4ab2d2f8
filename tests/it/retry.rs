//! "Try again": another card host, the same browser, and not for ever.

use std::collections::BTreeSet;

use siths_idp::card_hosts::{CardHosts, Chooser};
use url::Url;

use crate::harness::{TestIdp, Walk};

/// "Try again" on the page that a login ended in.
fn again(idp: &TestIdp, walk: &Walk) -> Url {
    walk.link(idp.at("/again").as_str()).expect("a link to try again")
}

fn card_hosts(walk: &Walk) -> Vec<String> {
    let hosts = walk.0.iter().map(|answer| answer.url.host_str().unwrap().to_owned());
    hosts.filter(|host| host.ends_with("card.idp.localhost")).collect()
}

#[tokio::test]
async fn another_browser_cannot_use_the_link() {
    let idp = TestIdp::start().await;
    let mut owner = idp.browser("expired");
    let link = again(&idp, &idp.walk(&mut owner, &idp.authorize().url()).await);
    let mut stranger = idp.browser("clinician");
    assert_eq!(idp.walk(&mut stranger, &link).await.error_code(), "login_lost");
    idp.code(&mut stranger, &idp.authorize()).await;
    assert_eq!(idp.walk(&mut stranger, &link).await.error_code(), "login_lost");
    idp.swap(&mut owner, Some(idp.card("clinician")));
    assert!(idp.walk(&mut owner, &link).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn an_altered_link_is_lost() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("expired");
    let link = again(&idp, &idp.walk(&mut browser, &idp.authorize().url()).await);
    let text = link.as_str();
    for altered in [
        text.split('?').next().unwrap().to_owned(),
        format!("{text}A"),
        text[..text.len() - 4].to_owned(),
        format!("{text}&login=x"),
    ] {
        let walk = idp.walk(&mut browser, &altered.parse().unwrap()).await;
        assert_eq!(walk.error_code(), "login_lost", "{altered}");
    }
}

#[tokio::test]
async fn an_hour_after_the_request_it_is_too_late() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("expired");
    let mut walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    // An attempt now and then does not begin the hour again.
    for _ in 0..3 {
        idp.advance(19 * 60);
        walk = idp.walk(&mut browser, &again(&idp, &walk)).await;
        assert_eq!(walk.error_code(), "certificate_expired");
    }
    idp.advance(3 * 60);
    let late = idp.walk(&mut browser, &again(&idp, &walk)).await;
    assert_eq!(late.error_code(), "login_expired");
    assert_eq!(late.link(idp.at("/again").as_str()), None);
    let back = late.link("https://rp.localhost/callback").expect("a way back");
    assert!(back.query().unwrap().contains("error_code=login_expired"));
}

#[tokio::test]
async fn each_attempt_goes_to_a_host_that_was_never_used() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("expired");
    let mut walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let [host] = &card_hosts(&walk)[..] else { panic!("one card host a login") };
        assert!(seen.insert(host.clone()), "{host} again");
        walk = idp.walk(&mut browser, &again(&idp, &walk)).await;
    }
    // The same link pressed twice leads to two hosts as well.
    let link = again(&idp, &walk);
    for _ in 0..2 {
        let walk = idp.walk(&mut browser, &link).await;
        assert!(seen.insert(card_hosts(&walk)[0].clone()));
    }
}

#[tokio::test]
async fn the_right_card_in_the_reader_logs_in_at_the_next_attempt() {
    let idp = TestIdp::start().await;
    for name in ["wrong-certificate", "expired", "signing", "untrusted"] {
        let mut browser = idp.browser(name);
        let walk = idp.walk(&mut browser, &idp.authorize().set("state", name).url()).await;
        idp.swap(&mut browser, Some(idp.card("clinician")));
        let told = idp.walk(&mut browser, &again(&idp, &walk)).await.parameters();
        assert_eq!(told["state"], name);
        let (status, tokens) = idp.token(&idp.token_request(&told["code"])).await;
        assert_eq!(status, 200, "{tokens}");
    }
    // No card at all the first time.
    let mut browser = idp.browser_with(None);
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_missing");
    idp.swap(&mut browser, Some(idp.card("clinician")));
    let walk = idp.walk(&mut browser, &again(&idp, &walk)).await;
    assert!(walk.parameters().contains_key("code"));
}

#[tokio::test]
async fn of_a_fixed_list_the_next_host_is_taken() {
    let names = ["a.card.idp.localhost", "b.card.idp.localhost"].map(String::from).to_vec();
    let fixed = CardHosts::fixed(&names, &[], Chooser::HsaId);
    let idp = TestIdp::start_with(|config| config.card.hosts = fixed).await;
    let mut browser = idp.browser("expired");
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    let first = card_hosts(&walk)[0].clone();
    let walk = idp.walk(&mut browser, &again(&idp, &walk)).await;
    let second = card_hosts(&walk)[0].clone();
    assert_ne!(first, second);
    assert!(names.contains(&first) && names.contains(&second));
    idp.swap(&mut browser, Some(idp.card("clinician")));
    let walk = idp.walk(&mut browser, &again(&idp, &walk)).await;
    assert_eq!(card_hosts(&walk), [first]);
    assert!(walk.parameters().contains_key("code"));
    // A name that is not on the list asks for nothing.
    let request = "GET / HTTP/1.1\r\nHost: c.card.idp.localhost\r\n\r\n";
    let answer = idp.wire().send("c.card.idp.localhost", request).await.unwrap();
    assert_eq!((answer.asked, answer.status), (false, 421));
}

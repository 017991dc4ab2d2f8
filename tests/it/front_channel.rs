//! OpenID Connect Front-Channel Logout 1.0: pages of relying parties in frames, and nothing else in them.

use siths_idp::dev::browser::Response;
use siths_idp::dev::seed::CLIENT_ID;

use crate::harness::logout::{forgets_the_session, id_token, question, sid};
use crate::harness::{REDIRECT_URI, TestIdp};

const FRAME_URI: &str = "https://rp.localhost/frame?x=%2f";
const LEFT_URI: &str = "https://rp.localhost/left";

async fn register(idp: &TestIdp) {
    idp.register(|client| {
        client.metadata.frontchannel_logout_uri = Some(FRAME_URI.to_owned());
        client.metadata.frontchannel_logout_session_required = true;
        client.metadata.post_logout_redirect_uris.insert(LEFT_URI.to_owned());
    })
    .await;
}

/// The addresses of the frames of a page.
fn frames(answer: &Response) -> Vec<String> {
    let frames = answer.body.split("<iframe ").skip(1);
    let address = |frame: &str| {
        let (_, rest) = frame.split_once("src=\"").unwrap();
        rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
    };
    frames.map(address).collect()
}

#[tokio::test]
async fn section_3_the_page_holds_a_frame_with_iss_and_sid_and_goes_back_by_itself() {
    let idp = TestIdp::start().await;
    register(&idp).await;
    let mut browser = idp.browser("clinician");
    let first = idp.log_in_by(&mut browser, &idp.authorize()).await;
    idp.advance(1);
    let last = idp.log_in_by(&mut browser, &idp.authorize()).await;
    let url = idp.logout(&[
        ("id_token_hint", id_token(&first)),
        ("post_logout_redirect_uri", LEFT_URI),
        ("state", "s"),
    ]);
    let answer = browser.get(&url).await.unwrap();
    assert_eq!(answer.status, 200);
    // Once for each client, with the session that it knows last.
    let issuer: String =
        url::form_urlencoded::byte_serialize(idp.config.issuer_identifier().as_bytes()).collect();
    let expected = format!("{FRAME_URI}&iss={issuer}&sid={}", sid(&last).as_str().unwrap());
    assert_eq!(frames(&answer), [expected]);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'none'; frame-src https://rp.localhost"
    );
    assert_eq!(answer.headers["refresh"], format!("3; url={LEFT_URI}?state=s"));
    assert!(answer.body.contains(&format!(r#"href="{LEFT_URI}?state=s""#)), "{}", answer.body);
    assert!(!answer.body.contains("<script") && forgets_the_session(&answer));
    assert!(!idp.is_logged_in(&mut browser).await);
    // Nothing is left to be told the second time.
    let answer = browser.get(&url).await.unwrap();
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], format!("{LEFT_URI}?state=s"));
}

#[tokio::test]
async fn frames_are_shown_when_the_person_was_asked_and_on_no_other_page() {
    let idp = TestIdp::start().await;
    register(&idp).await;
    // A client that nobody has logged in to is shown no page.
    idp.register(|client| {
        "other".clone_into(&mut client.id);
        client.metadata.frontchannel_logout_uri = Some("https://other.localhost/".to_owned());
    })
    .await;
    let mut browser = idp.browser("clinician");
    idp.log_in_by(&mut browser, &idp.authorize()).await;
    let asked = browser.get(&idp.logout(&[])).await.unwrap();
    let sealed = question(&asked).unwrap();
    let done = browser.post(&idp.at("/logout/confirmed"), &[("logout", &sealed)]).await.unwrap();
    assert_eq!(frames(&done).len(), 1);
    assert!(frames(&done)[0].starts_with(FRAME_URI));
    assert!(!done.headers.contains_key("refresh"), "nowhere to go back to");
    let start = browser.get(&idp.at("/")).await.unwrap();
    let again = browser.get(&idp.logout(&[("client_id", CLIENT_ID)])).await.unwrap();
    for page in [&asked, &start, &again] {
        assert_eq!(frames(page), [""; 0]);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("frame-src") && !policy.contains("rp.localhost"), "{policy}");
    }
    assert!(REDIRECT_URI.starts_with("https://rp.localhost/"));
}

//! Keys of clients at an address of their own (`jwks_uri`): fetched within bounds, kept for a while, and
//! never believed of anybody else.

use jsonwebtoken::{Algorithm, Header};
use serde_json::json;
use siths_idp::dev::seed::{self, CLIENT_ID};
use siths_idp::oidc::registration;

use crate::harness::TestIdp;
use crate::harness::assertion::{Assertion, ClientKey, p256, rsa, stranger};
use crate::harness::key_server::{KeyServer, named};
use crate::harness::request_object::RequestObject;

async fn start(server: &KeyServer) -> TestIdp {
    let idp = TestIdp::start().await;
    idp.register(|client| server.register(client)).await;
    idp
}

/// What a client is told that proves itself by a key under a name: its code is unknown where it is believed.
async fn proves(idp: &TestIdp, client_id: &str, key: &ClientKey, kid: Option<&str>) -> String {
    let claims = Assertion::new(client_id, idp.config.issuer_identifier(), idp.clock.now()).0;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = kid.map(str::to_owned);
    let jwt = jsonwebtoken::encode(&header, &claims, &key.signing).unwrap();
    idp.token_error(&idp.token_request("a-code").assertion(&jwt)).await
}

const BELIEVED: &str = "code_unknown";
const REFUSED: &str = "assertion_signature_wrong";

#[tokio::test]
async fn keys_are_fetched_once_and_used_for_assertions_and_request_objects() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    for kid in [Some("one"), None, Some("one")] {
        assert_eq!(proves(&idp, CLIENT_ID, p256(), kid).await, BELIEVED);
    }
    let jwt = RequestObject::of(&idp, &idp.authorize()).kid("one").sign(p256());
    let request = idp.authorize().only(&["client_id"]).set("request", &jwt);
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    assert!(answer.location().unwrap().host_str().unwrap().contains(".card."));
    assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some("one")).await, REFUSED);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn many_at_once_are_one_request() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    assert_eq!(server.asked(), 0);
    let all = (0..20).map(|_| proves(&idp, CLIENT_ID, p256(), Some("one")));
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut told = Vec::new();
    // All of them are begun before any of them is waited for to its end.
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(code) => {
                told.push(code);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(told, vec![BELIEVED; 20]);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_the_keys_from_the_others() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    let gate = server.gate.clone().write_owned().await;
    let mut impatient = Box::pin(proves(&idp, CLIENT_ID, p256(), Some("one")));
    while server.asked() == 0 {
        let turn = std::time::Duration::from_millis(5);
        let _ = tokio::time::timeout(turn, &mut impatient).await;
    }
    drop(impatient);
    drop(gate);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_at_most_once_a_minute() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    server.publish(&[named(p256(), "one"), named(stranger(), "two")]);
    // Whoever names keys that are not there makes no more requests than that.
    for kid in ["two", "three", "four"] {
        assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some(kid)).await, REFUSED);
    }
    assert_eq!(server.asked(), 1);
    idp.advance(60);
    assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some("two")).await, BELIEVED);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    for kid in ["three", "four"] {
        assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some(kid)).await, REFUSED);
    }
    assert_eq!(server.asked(), 2);
}

/// RFC 9111 §5.2.2.1, between five minutes and a day.
#[tokio::test]
async fn a_set_is_kept_as_long_as_its_server_says() {
    for (header, keeps) in [
        ("", 300),
        ("cache-control: max-age=1\r\n", 300),
        ("cache-control: no-store\r\n", 300),
        ("cache-control: public, max-age=3600\r\n", 3600),
        ("cache-control: max-age=99999999\r\n", 24 * 3600),
    ] {
        let server = KeyServer::start(&[]);
        server.publish_with(header, &[named(p256(), "one")]);
        let idp = start(&server).await;
        assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
        // A key that is withdrawn is believed until then.
        server.publish_with(header, &[named(stranger(), "two")]);
        idp.advance(keeps - 1);
        assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED, "{header}");
        assert_eq!(server.asked(), 1, "{header}");
        idp.advance(1);
        assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED, "{header}");
        assert_eq!(server.asked(), 2, "{header}");
    }
}

#[tokio::test]
async fn the_last_good_set_is_used_for_four_hours_when_the_server_fails() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    server.answer("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n");
    idp.advance(300);
    for _ in 0..3 {
        assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    }
    // It is tried again, but not by every login.
    assert_eq!(server.asked(), 2);
    idp.advance(10);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    assert_eq!(server.asked(), 3);
    idp.advance(4 * 3600 - 11);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    idp.advance(1);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED);
    server.publish(&[named(p256(), "one")]);
    idp.advance(10);
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
}

#[tokio::test]
async fn a_server_that_lies_is_not_believed() {
    let good = json!({ "keys": [named(p256(), "one")] }).to_string();
    let ok =
        |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let elsewhere = KeyServer::start(&[named(p256(), "one")]);
    let huge = format!("{{\"x\":\"{}\",{}", "y".repeat(200 * 1024), &good[1..]);
    let many = json!({ "keys": vec![named(p256(), "one"); 101] }).to_string();
    let server = KeyServer::start(&[]);
    let idp = start(&server).await;
    for answer in [
        ok("<html>"),
        ok("[]"),
        ok("{}"),
        ok("{\"keys\":7}"),
        ok("{\"keys\":[]}"),
        ok(&huge),
        ok(&many),
        format!("HTTP/1.1 404 No\r\ncontent-length: {}\r\n\r\n{good}", good.len()),
        "HTTP/1.1 204 No\r\n\r\n".to_owned(),
        // Cut short.
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{good}", good.len() + 1),
        format!("HTTP/1.1 302 Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url()),
        "no http".to_owned(),
    ] {
        server.answer(&answer);
        // Longer than any answer before is kept.
        idp.advance(24 * 3600);
        let asked = server.asked();
        let told = proves(&idp, CLIENT_ID, p256(), Some("one")).await;
        assert_eq!(told, REFUSED, "{}", &answer[..answer.len().min(80)]);
        assert_eq!(server.asked(), asked + 1);
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_key_that_is_of_no_use_spoils_no_other() {
    let mut for_encryption = named(stranger(), "enc");
    for_encryption["use"] = "enc".into();
    let mut private = named(rsa(), "private");
    private["d"] = "AQAB".into();
    let server = KeyServer::start(&[
        json!(7),
        json!("key"),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "one" }),
        json!({ "kty": "oct", "k": "AAAA", "kid": "one" }),
        for_encryption,
        private,
        named(p256(), "one"),
    ]);
    let idp = start(&server).await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, BELIEVED);
    // RFC 7517 §4.2: a key for encryption signs nothing.
    assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some("enc")).await, REFUSED);
}

#[tokio::test]
async fn no_client_is_believed_by_the_keys_of_another() {
    let [one, two] =
        [KeyServer::start(&[named(p256(), "k")]), KeyServer::start(&[named(stranger(), "k")])];
    let idp = start(&one).await;
    idp.register(|client| {
        client.id = "two".to_owned();
        two.register(client);
    })
    .await;
    for (client_id, key, told) in [
        (CLIENT_ID, p256(), BELIEVED),
        ("two", stranger(), BELIEVED),
        (CLIENT_ID, stranger(), REFUSED),
        ("two", p256(), REFUSED),
    ] {
        assert_eq!(proves(&idp, client_id, key, Some("k")).await, told, "{client_id}");
    }
    // A client that moves is not believed by the keys that it had.
    idp.register(|client| two.register(client)).await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("k")).await, REFUSED);
    assert_eq!(proves(&idp, CLIENT_ID, stranger(), Some("k")).await, BELIEVED);
    assert_eq!([one.asked(), two.asked()], [1, 2]);
}

#[tokio::test]
async fn inner_addresses_are_refused_unless_they_are_configured() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = TestIdp::start_with(|config| config.clients.private_networks.clear()).await;
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let url = server.url().replace("localhost", host);
        idp.register(|client| {
            server.register(client);
            client.metadata.jwks_uri = Some(url.clone());
        })
        .await;
        assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED, "{url}");
    }
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a_server_without_a_certificate_that_is_believed_is_not_asked() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    // The authority of cards, which is none of web servers.
    let idp = TestIdp::start_with(|config| {
        config.clients.authorities = Some(config.trust.roots[0].clone());
    })
    .await;
    idp.register(|client| server.register(client)).await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED);
    assert_eq!(server.asked(), 0);
    // Nor one that does not do TLS.
    let idp = start(&server).await;
    idp.register(|client| {
        server.register(client);
        client.metadata.jwks_uri = Some(server.url().replace("https://", "http://"));
    })
    .await;
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED);
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a_server_that_says_nothing_keeps_nobody_waiting_for_long() {
    let server = KeyServer::start(&[named(p256(), "one")]);
    let idp = start(&server).await;
    server.answer("");
    let begun = std::time::Instant::now();
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED);
    // Five seconds; this machine may be slow.
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    assert_eq!(server.asked(), 1);
    // Those who come next do not wait at all.
    assert_eq!(proves(&idp, CLIENT_ID, p256(), Some("one")).await, REFUSED);
    assert_eq!(server.asked(), 1);
}

/// RFC 7591 §2.
#[test]
fn an_address_of_keys_is_secure_or_it_is_not_registered() {
    let check = |jwks_uri: &str| {
        let mut client = seed::demo_client("https://rp.localhost/callback", "a-secret");
        client.metadata.jwks_uri = Some(jwks_uri.to_owned());
        registration::check(&client)
    };
    for good in ["https://rp.example/jwks", "https://rp.example:8443/a/b?c=d"] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "/jwks",
        "http://rp.example/jwks",
        "file:///etc/passwd",
        "https://rp.example/jwks#one",
        "https://rp.example/jwks#",
        "https://user@rp.example/jwks",
        "https://user:secret@rp.example/jwks",
        "https://",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
}

/// RFC 9101 §6.2.
#[test]
fn who_is_to_sign_requests_has_keys() {
    let mut client = seed::demo_client("https://rp.localhost/callback", "a-secret");
    client.metadata.require_signed_request_object = true;
    assert!(registration::check(&client).is_err());
    client.metadata.jwks_uri = Some("https://rp.example/jwks".to_owned());
    assert_eq!(registration::check(&client), Ok(()));
}

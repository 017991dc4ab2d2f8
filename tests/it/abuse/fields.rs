//! Header fields: too many, too long, twice, of a proxy, or framed so that two readers see two requests.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Answer, TestIdp};

const HOST: &str = "idp.localhost";

/// Sends a request as text: the status, and 0 where the connection ended without one.
async fn status(idp: &TestIdp, request: &str) -> u16 {
    idp.wire().send(HOST, request).await.map_or(0, |answer| answer.status)
}

/// RFC 6585 §5, or no answer at all.
#[tokio::test]
async fn floods_of_header_fields_are_cut_off() {
    let idp = TestIdp::start().await;
    let many: String = (0..5000).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(2 << 20));
    let name = format!("{}: y\r\n", "x".repeat(2 << 20));
    let cookies = format!("cookie: {}\r\n", "a=b; ".repeat(1 << 19));
    for (what, fields) in [("many", many), ("long", long), ("name", name), ("cookies", cookies)] {
        let request = format!("GET /jwks HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n");
        let status = status(&idp, &request).await;
        assert!(matches!(status, 431 | 0), "{what}: {status}");
    }
    let target = format!("GET /authorize?{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(2 << 20));
    let told = status(&idp, &target).await;
    assert!(matches!(told, 414 | 431 | 0), "{told}");
    // The next one is served.
    assert_eq!(idp.http().get(idp.at("/jwks")).send().await.unwrap().status(), 200);
}

/// A head that never ends is not kept in memory.
#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let idp = TestIdp::start().await;
    let (mut from, mut to) = tokio::io::split(idp.raw_connection(HOST).await);
    to.write_all(format!("GET /jwks HTTP/1.1\r\nhost: {HOST}\r\nx: ").as_bytes()).await.unwrap();
    let piece = vec![b'y'; 64 * 1024];
    let pour = async {
        let mut sent = 0_usize;
        while sent < 1 << 30 && to.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        sent
    };
    let hear = async {
        let mut answer = Vec::new();
        let _ = from.read_to_end(&mut answer).await;
    };
    let (sent, ()) = tokio::join!(pour, hear);
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn a_request_of_two_lengths_or_of_no_shape_is_refused() {
    let idp = TestIdp::start().await;
    let a_form = "Content-Type: application/x-www-form-urlencoded";
    for (what, request) in [
        (
            "two lengths",
            format!(
                "POST /token HTTP/1.1\r\nHost: {HOST}\r\n{a_form}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na=bc"
            ),
        ),
        (
            "length of no number",
            format!(
                "POST /token HTTP/1.1\r\nHost: {HOST}\r\n{a_form}\r\nContent-Length: +3\r\n\r\na=b"
            ),
        ),
        (
            "unknown transfer coding",
            format!(
                "POST /token HTTP/1.1\r\nHost: {HOST}\r\n{a_form}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "chunk of no size",
            format!(
                "POST /token HTTP/1.1\r\nHost: {HOST}\r\n{a_form}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            ),
        ),
        ("null byte", format!("GET /jwks HTTP/1.1\r\nHost: {HOST}\r\nX: a\0b\r\n\r\n")),
        ("null byte in the target", format!("GET /jw\0ks HTTP/1.1\r\nHost: {HOST}\r\n\r\n")),
        ("folded", format!("GET /jwks HTTP/1.1\r\nHost: {HOST}\r\nX: a\r\n b\r\n\r\n")),
        ("space before the colon", format!("GET /jwks HTTP/1.1\r\nHost : {HOST}\r\n\r\n")),
        ("space in the target", format!("GET /jwks /token HTTP/1.1\r\nHost: {HOST}\r\n\r\n")),
        ("version", format!("GET /jwks HTTP/3.1\r\nHost: {HOST}\r\n\r\n")),
    ] {
        let status = status(&idp, &request).await;
        assert!(matches!(status, 400 | 0), "{what}: {status}");
    }
}

/// RFC 9112 §6.3: of a length and a transfer coding the coding counts, and nothing comes after it.
#[tokio::test]
async fn what_is_smuggled_behind_a_request_is_not_answered() {
    let idp = TestIdp::start().await;
    let smuggled = format!("GET /jwks HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let body = format!("0\r\n\r\n{smuggled}");
    let request = format!(
        "POST /token HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
        body.len()
    );
    let mut connection = idp.raw_connection(HOST).await;
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    let patience = std::time::Duration::from_secs(2);
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(patience, connection.read(&mut part)).await
    {
        answer.extend_from_slice(&part[..read]);
    }
    let text = String::from_utf8_lossy(&answer);
    assert!(!text.contains("\"keys\""), "{text}");
}

/// Two proofs, or a proof that is no text, prove nothing; each endpoint says so in its own way.
#[tokio::test]
async fn an_authorization_field_that_is_there_twice_or_is_no_text_opens_nothing() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let good = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    for (path, code) in [
        ("/userinfo", "token_malformed"),
        ("/login-errors/AAAA-AAAA", "client_authentication_malformed"),
    ] {
        for values in [
            vec![good.as_bytes(), good.as_bytes()],
            vec![good.as_bytes(), b"Basic eDp5"],
            vec![b"Bearer \xff\xfe"],
            vec![b"Bearer"],
            vec![b""],
        ] {
            let mut request = idp.http().get(idp.at(path));
            for value in &values {
                request = request.header("authorization", *value);
            }
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!(answer.problem(idp.issuer()), code, "{path} {values:?}");
        }
    }
}

/// Nothing is believed that a browser could have written for a proxy, and no method hides in a field.
#[tokio::test]
async fn fields_that_frameworks_obey_change_nothing() {
    let idp = TestIdp::start().await;
    let evil = "evil.example";
    let fields = [
        ("x-forwarded-host", evil),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "/jwks"),
        ("x-rewrite-url", "/jwks"),
        ("x-http-method-override", "POST"),
        ("x-method-override", "POST"),
        ("x-user", "admin"),
    ];
    for path in ["/.well-known/openid-configuration", "/", "/token", "/resume", "/authorize"] {
        let plain = idp.http().get(idp.at(path)).send().await.unwrap();
        let mut request = idp.http().get(idp.at(path));
        for (name, value) in fields {
            request = request.header(name, value);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, plain.status().as_u16(), "{path}");
        assert!(!answer.body.contains(evil), "{path}");
        assert!(answer.headers.values().all(|value| !value.to_str().unwrap().contains(evil)));
    }
}

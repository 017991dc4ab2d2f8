//! Bodies that never end, and bodies that are not what they say.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Answer, TestIdp};

const GIGABYTE: u64 = 1 << 30;
/// What may be under way in the buffers of two sockets and of TLS, when the server has turned away.
const MOST_SENT: u64 = 32 << 20;
/// The endpoints that take a form.
const FORMS: [&str; 7] = [
    "/token",
    "/userinfo",
    "/authorize",
    "/par",
    "/introspect",
    "/revoke",
    "/login-errors/AAAA-AAAA",
];

/// Sends a body of a gigabyte for as long as the server takes it: the answer, and how much was sent.
async fn pours(idp: &TestIdp, path: &str, is_chunked: bool) -> (String, u64) {
    let (mut from, mut to) = tokio::io::split(idp.raw_connection("idp.localhost").await);
    let length = if is_chunked {
        "transfer-encoding: chunked".to_owned()
    } else {
        format!("content-length: {GIGABYTE}")
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: idp.localhost\r\n{length}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n"
    );
    to.write_all(head.as_bytes()).await.unwrap();
    let piece = "a".repeat(64 * 1024);
    let piece = if is_chunked { format!("10000\r\n{piece}\r\n") } else { piece };
    let pour = async {
        let mut sent = 0;
        while sent < GIGABYTE && to.write_all(piece.as_bytes()).await.is_ok() {
            sent += piece.len() as u64;
        }
        sent
    };
    let hear = async {
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut part).await {
            answer.extend_from_slice(&part[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    let both = async { tokio::join!(hear, pour) };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("the connection ends")
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_refused_when_its_first_kilobytes_are_read() {
    let idp = TestIdp::start().await;
    for path in FORMS {
        for is_chunked in [false, true] {
            let (answer, sent) = pours(&idp, path, is_chunked).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{path} {is_chunked}: {answer}");
            assert!(answer.contains("request_too_long"), "{path} {is_chunked}: {answer}");
            assert!(sent < MOST_SENT, "{path} {is_chunked}: {sent} bytes were taken");
        }
    }
}

/// Over HTTP/2, where what is not read holds up the stream alone.
#[tokio::test]
async fn a_long_body_is_refused_over_http_2() {
    let idp = TestIdp::start().await;
    for path in ["/token", "/userinfo"] {
        let request = idp.http().post(idp.at(path)).body(vec![b'a'; 64 << 20]);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.problem(idp.issuer()), "request_too_long", "{path}");
    }
}

/// Who is asked to wait for `100 Continue` is told at once where the form is none.
#[tokio::test]
async fn a_body_that_would_not_be_read_is_not_waited_for() {
    let idp = TestIdp::start().await;
    for path in FORMS {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: idp.localhost\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: {GIGABYTE}\r\n\r\n"
        );
        let answer = idp.wire().send("idp.localhost", &request).await.unwrap();
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert!(answer.text.contains("content_type_unsupported"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_form_is_of_one_type_and_encoded_in_no_other_way() {
    let idp = TestIdp::start().await;
    let a_form = "application/x-www-form-urlencoded";
    for path in FORMS.into_iter().filter(|path| *path != "/authorize") {
        for types in [
            &["application/json"][..],
            &["text/html"],
            &["multipart/form-data; boundary=x"],
            &["application/x-www-form-urlencodedx"],
            &["application/jwt"],
            &[""],
            // Of two, none can be believed.
            &[a_form, "application/json"],
            &["application/json", a_form],
            &[a_form, a_form],
            &["application/json, application/x-www-form-urlencoded"],
        ] {
            let mut request = idp.http().post(idp.at(path)).body("access_token=x&code=y");
            for content_type in types {
                request = request.header("content-type", *content_type);
            }
            let answer = Answer::of(request.send().await.unwrap()).await;
            let code = answer.problem(idp.issuer());
            assert_eq!(code, "content_type_unsupported", "{path} {types:?}");
        }
        for body in [
            // UTF-16 with its mark, gzip, an overlong slash, half a surrogate pair.
            &b"\xff\xfea\0=\0b\0"[..],
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"a=%c0%af",
            b"a=%ed%a0%80",
            b"a=\0",
            b"a%00=b",
            b"a=\x7f",
            b"a=b\r\nc",
        ] {
            let request = idp.http().post(idp.at(path)).header("content-type", a_form);
            let answer = Answer::of(request.body(body).send().await.unwrap()).await;
            let code = answer.problem(idp.issuer());
            assert_eq!(code, "request_malformed", "{path} {}", body.escape_ascii());
        }
    }
}

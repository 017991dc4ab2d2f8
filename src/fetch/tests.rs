use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), bytes: 1000 };

/// Answers each connection with the next text, and keeps what was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
    taken: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, taken) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let server = Self { address, asked, taken };
        let (asked, taken) = (server.asked.clone(), server.taken.clone());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                taken.fetch_add(1, Ordering::SeqCst);
                let mut head = Vec::new();
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    let mut part = [0; 1024];
                    let read = stream.read(&mut part).await.unwrap();
                    head.extend_from_slice(&part[..read]);
                }
                asked.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                // Whoever has read enough hangs up.
                let said = answer.trim_end_matches("HANG");
                let _ = stream.write_all(said.as_bytes()).await;
                if said.len() < answer.len() {
                    std::future::pending::<()>().await;
                }
            }
        });
        server
    }

    fn url(&self) -> Url {
        format!("http://{}/list.crl", self.address).parse().unwrap()
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

fn answer(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    )
}

fn fetcher(inner: &[&str]) -> Fetcher {
    let inner: Vec<IpNet> = inner.iter().map(|network| network.parse().unwrap()).collect();
    Fetcher::new(&inner, Duration::from_secs(5), &[]).unwrap()
}

fn here() -> Fetcher {
    fetcher(&["127.0.0.0/8"])
}

async fn get(fetcher: &Fetcher, url: &Url) -> Result<Fetched, FetchFault> {
    fetcher.get(url, &Validators::default(), BOUNDS).await
}

#[tokio::test]
async fn a_body_is_fetched_and_asked_for_by_its_validators_the_next_time() {
    let fields = "ETag: \"one\"\r\nLast-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n";
    let server = Server::start(vec![
        answer("200 OK", fields, "a list"),
        "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
    ])
    .await;
    let Fetched::Body { bytes, validators, .. } = get(&here(), &server.url()).await.unwrap() else {
        panic!("no body");
    };
    assert_eq!(bytes, b"a list");
    assert_eq!(validators.etag.as_deref(), Some("\"one\""));
    let again = here().get(&server.url(), &validators, BOUNDS).await.unwrap();
    assert_eq!(again, Fetched::Unchanged);
    let asked = server.asked.lock().unwrap().clone();
    assert!(!asked[0].contains("if-"), "{}", asked[0]);
    assert!(asked[1].contains("if-none-match: \"one\"\r\n"), "{}", asked[1]);
    assert!(asked[1].contains("if-modified-since: Mon, 23 Nov 2026 10:00:00 GMT\r\n"));
}

#[tokio::test]
async fn not_modified_to_an_unconditional_request_is_no_answer() {
    let server =
        Server::start(vec!["HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned()])
            .await;
    assert_eq!(get(&here(), &server.url()).await, Err(FetchFault::Redirected(304)));
}

#[tokio::test]
async fn an_inner_address_is_not_connected_to_unless_listed() {
    let server = Server::start(vec![answer("200 OK", "", "a list")]).await;
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "crl.localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let url: Url = format!("http://{host}:{port}/list.crl").parse().unwrap();
        for others in [&[][..], &["10.0.0.0/8", "::1/128"]] {
            let refused = get(&fetcher(others), &url).await.unwrap_err();
            assert!(matches!(refused, FetchFault::Inward(_)), "{host}: {refused:?}");
        }
    }
    assert_eq!(server.taken(), 0);
    // The mapped address of a listed network is in it.
    let mapped: Url = format!("http://[::ffff:127.0.0.1]:{port}/").parse().unwrap();
    assert!(!matches!(get(&here(), &mapped).await, Err(FetchFault::Inward(_))));
    for wrong in ["ftp://127.0.0.1/", "file:///etc/passwd", "data:,x"] {
        assert_eq!(
            get(&here(), &wrong.parse().unwrap()).await,
            Err(FetchFault::Address),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inner = Server::start(vec![answer("200 OK", "", "secret")]).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: {}\r\n", inner.url());
        let server = Server::start(vec![answer(status, &location, "")]).await;
        let told = get(&here(), &server.url()).await.unwrap_err();
        assert!(matches!(told, FetchFault::Redirected(_)), "{told:?}");
    }
    assert_eq!(inner.taken(), 0);
}

#[tokio::test]
async fn what_is_too_long_is_not_read_to_its_end() {
    let announced = Server::start(vec![answer("200 OK", "", &"x".repeat(1001))]).await;
    assert_eq!(get(&here(), &announced.url()).await, Err(FetchFault::TooLong(1000)));
    // Without a length, and without an end.
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}HANG", "x".repeat(2000));
    let endless = Server::start(vec![endless]).await;
    assert_eq!(get(&here(), &endless.url()).await, Err(FetchFault::TooLong(1000)));
    let enough = Server::start(vec![answer("200 OK", "", &"x".repeat(1000))]).await;
    assert!(get(&here(), &enough.url()).await.is_ok());
}

#[tokio::test]
async fn what_takes_too_long_is_not_waited_for() {
    let bounds = Bounds { time: Duration::from_millis(50), ..BOUNDS };
    for begun in ["HANG", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHANG"] {
        let server = Server::start(vec![begun.to_owned()]).await;
        let told = here().get(&server.url(), &Validators::default(), bounds).await;
        assert_eq!(told, Err(FetchFault::TimedOut), "{begun}");
    }
}

#[tokio::test]
async fn what_is_posted_is_answered() {
    let server = Server::start(vec![
        answer("200 OK", "", "answer"),
        answer("500 Internal Server Error", "", ""),
    ])
    .await;
    let post = || here_post(server.url());
    assert_eq!(post().await.unwrap(), b"answer");
    assert_eq!(post().await, Err(FetchFault::Status(500)));
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked[0].starts_with("POST /list.crl HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains("content-type: application/ocsp-request\r\n"), "{}", asked[0]);
}

async fn here_post(url: Url) -> Result<Vec<u8>, FetchFault> {
    here().post(&url, "application/ocsp-request", b"question".to_vec(), BOUNDS).await
}

#[tokio::test]
async fn what_goes_by_https_alone_goes_by_nothing_else() {
    let server = Server::start(vec![answer("200 OK", "", "")]).await;
    let here = Fetcher::by_https(&["127.0.0.0/8".parse().unwrap()], BOUNDS.time, &[]);
    // A machine without authorities makes none, and then nothing goes out either.
    if let Ok(here) = here {
        let told = here.notify(&server.url(), "text/plain", b"token".to_vec(), BOUNDS.time).await;
        assert!(matches!(told, Err(FetchFault::Failed(_))), "{told:?}");
    }
    assert_eq!(server.taken(), 0);
    let garbled = [b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_vec()];
    assert!(Fetcher::by_https(&[], BOUNDS.time, &garbled).is_err());
}

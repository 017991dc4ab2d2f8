//! Balancers that pass TLS through and announce their clients by the PROXY protocol.

use std::time::Duration;

use siths_idp::config::{Config, ProxyProtocol};
use siths_idp::proxy::Peers;
use siths_idp::proxy::protocol::Others;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::TestIdp;
use crate::harness::proxy::{CLIENT, PROXY, connect_from, passes_tls_through};

fn announced(config: &mut Config) {
    let peers = Peers::parse(["127.0.0.2"]).unwrap();
    config.proxy_protocol = ProxyProtocol { peers, others: Others::Serve };
}

fn version_1() -> Vec<u8> {
    format!("PROXY TCP4 {CLIENT} 192.0.2.1 4711 443\r\n").into_bytes()
}

fn version_2(command: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    // Addresses, and a value of a type that nobody knows.
    header.extend([0x20 | command, 0x11, 0, 17]);
    header.extend([198, 51, 100, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 0xbb]);
    header.extend([0xee, 0, 2, 1, 2]);
    header
}

async fn addresses(idp: &TestIdp) -> Vec<String> {
    let query = "select distinct address from audit_events where address is not null";
    sqlx::query_scalar(query).fetch_all(idp.pool()).await.unwrap()
}

#[tokio::test]
async fn a_card_logs_in_through_a_balancer_and_the_audit_trail_has_the_clients_address() {
    for header in [version_1 as fn() -> Vec<u8>, || version_2(1)] {
        let idp = TestIdp::start_behind(announced, |listener, idp| {
            passes_tls_through(listener, idp, header);
        })
        .await;
        idp.log_in(&mut idp.browser("clinician")).await;
        assert_eq!(addresses(&idp).await, [CLIENT]);
    }
}

#[tokio::test]
async fn a_balancers_own_connection_has_its_own_address() {
    for header in [|| b"PROXY UNKNOWN\r\n".to_vec(), || version_2(0)] {
        let idp = TestIdp::start_behind(announced, |listener, idp| {
            passes_tls_through(listener, idp, header);
        })
        .await;
        idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
        assert_eq!(addresses(&idp).await, ["127.0.0.2"]);
    }
}

#[tokio::test]
async fn a_listed_balancer_that_announces_nobody_is_dropped() {
    let idp = TestIdp::start_behind(announced, |listener, idp| {
        passes_tls_through(listener, idp, Vec::new);
    })
    .await;
    assert!(idp.browser("clinician").get(&idp.authorize().url()).await.is_err());
    assert!(idp.node.counters.snapshot().proxy_header >= 1);
    assert_eq!(idp.node.counters.snapshot().accepted, 0);
}

#[tokio::test]
async fn whoever_is_not_listed_announces_nobody() {
    let idp = TestIdp::start_with(announced).await;
    // A browser's own connection is served, with its own address.
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    assert_eq!(addresses(&idp).await, ["127.0.0.1"]);
    // A header of somebody's is no TLS.
    let before = idp.node.counters.snapshot().protocol;
    for header in [version_1(), version_2(1)] {
        let mut stream = connect_from([127, 0, 0, 3], idp.node.addresses[0]).await.unwrap();
        stream.write_all(&header).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.windows(4).any(|four| four == b"HTTP"));
    }
    assert_eq!(idp.node.counters.snapshot().protocol, before + 2);
}

#[tokio::test]
async fn others_are_refused_where_that_is_configured() {
    let idp = TestIdp::start_behind(
        |config| {
            announced(config);
            config.proxy_protocol.others = Others::Refuse;
        },
        |listener, idp| passes_tls_through(listener, idp, version_1),
    )
    .await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let request = "GET / HTTP/1.1\r\nHost: idp.localhost\r\n\r\n";
    assert!(idp.wire().send("idp.localhost", request).await.is_err());
    assert_eq!(idp.node.counters.snapshot().unlisted, 1);
}

#[tokio::test]
async fn malformed_and_oversize_headers_are_dropped() {
    let idp = TestIdp::start_with(announced).await;
    let mut oversize = version_2(1);
    oversize[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    let long_line = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 200], b"\r\n".to_vec()].concat();
    let headers = [
        b"PROXY TCP4 here there 1 2\r\n".to_vec(),
        b"PROXY TCP9 198.51.100.7 192.0.2.1 1 2\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        long_line,
        oversize,
        version_2(7),
    ];
    for (count, header) in headers.into_iter().enumerate() {
        let mut stream = connect_from(PROXY, idp.node.addresses[0]).await.unwrap();
        stream.write_all(&header).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{header:?}");
        assert_eq!(idp.node.counters.snapshot().proxy_header, 1 + count as u64, "{header:?}");
    }
}

#[tokio::test]
async fn a_header_that_comes_a_byte_a_second_ends_at_its_deadline() {
    let idp = TestIdp::start_with(|config| {
        announced(config);
        config.limits.handshake_timeout = chrono::TimeDelta::seconds(2);
    })
    .await;
    let mut stream = connect_from(PROXY, idp.node.addresses[0]).await.unwrap();
    let (mut read, mut write) = stream.split();
    let drip = async {
        for byte in version_1() {
            if write.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let ended = async {
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        answer
    };
    tokio::select! {
        answer = ended => assert!(answer.is_empty()),
        () = drip => panic!("the node waited for all of it"),
    }
    assert_eq!(idp.node.counters.snapshot().timed_out, 1);
    // Nobody else waited.
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}

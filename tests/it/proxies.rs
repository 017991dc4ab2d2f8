//! Logins through proxies that end TLS, in every form that their products write.

use siths_idp::proxy::{ChainFields, ClientAddress, Format};

use crate::harness::TestIdp;
use crate::harness::proxy::{
    CLIENT, PROXY, SECRET, believed, ends_tls, escaped, fields, send_from,
};

#[tokio::test]
async fn a_card_logs_in_through_every_proxy_and_the_audit_trail_has_the_clients_address() {
    for format in Format::ALL {
        let idp = TestIdp::start_behind_proxy(format).await;
        let logged_in = idp.log_in(&mut idp.browser("clinician")).await;
        assert!(logged_in.claims["sub"].is_string(), "{format}");
        let addresses: Vec<String> = sqlx::query_scalar(
            "select address from audit_events where address is not null order by id",
        )
        .fetch_all(idp.pool())
        .await
        .unwrap();
        assert!(addresses.len() >= 2, "{format}: {addresses:?}");
        assert!(addresses.iter().all(|address| address == CLIENT), "{format}: {addresses:?}");
        assert_eq!(idp.node.counters.snapshot().unfit, 0);
    }
}

#[tokio::test]
async fn what_a_proxy_passes_on_is_judged_like_any_card() {
    for format in Format::ALL {
        let idp = TestIdp::start_behind_proxy(format).await;
        for (person, code) in [
            ("expired", "certificate_expired"),
            ("untrusted", "certificate_untrusted"),
            ("signing", "certificate_for_signing"),
        ] {
            let walk = idp.walk(&mut idp.browser(person), &idp.authorize().url()).await;
            assert_eq!(walk.error_code(), code, "{format}");
        }
        let walk = idp.walk(&mut idp.browser_with(None), &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_missing", "{format}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_lets_nobody_in_and_is_told_as_unusable() {
    for format in Format::ALL {
        let idp = TestIdp::start_behind(
            |config| config.proxy = Some(believed(format)),
            |listener, idp| {
                ends_tls(listener, idp, move |chain| {
                    let mut sent = fields(format, chain);
                    for (_, value) in sent.iter_mut().filter(|(_, value)| value.len() > 10) {
                        value.truncate(value.len() - 5);
                    }
                    sent
                });
            },
        )
        .await;
        let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_unusable", "{format}");
        assert!(idp.node.counters.snapshot().unfit >= 1, "{format}");
    }
}

#[tokio::test]
async fn a_proxy_that_adds_to_what_the_browser_sent_lets_nobody_in() {
    // The browser's own field before or after the proxy's: whichever is right, it is not guessed.
    for browser_first in [true, false] {
        let idp = TestIdp::start_behind(
            |config| config.proxy = Some(believed(Format::Nginx)),
            move |listener, idp| {
                let card = idp.card("clinician").chain;
                ends_tls(listener, idp, move |chain| {
                    let (mut forged, own) =
                        (fields(Format::Nginx, &card), fields(Format::Nginx, chain));
                    forged.extend(own);
                    if !browser_first {
                        forged.reverse();
                    }
                    forged
                });
            },
        )
        .await;
        let walk = idp.walk(&mut idp.browser("reserve-card"), &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_unusable");
    }
}

#[tokio::test]
async fn fields_of_proxies_on_the_port_of_browsers_have_no_effect() {
    for format in Format::ALL {
        let idp = TestIdp::start_with(|config| config.proxy = Some(believed(format))).await;
        let card = idp.card("clinician").chain;
        let mut browser = idp.browser_with(None);
        let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_missing", "{format}");
        // The same way, with every form's fields on it.
        let mut forged = String::new();
        for (name, value) in Format::ALL.into_iter().flat_map(|format| fields(format, &card)) {
            forged += &format!("{name}: {value}\r\n");
        }
        forged += &format!("x-proxy-secret: {SECRET}\r\nx-forwarded-for: {CLIENT}\r\n");
        let mut browser = idp.browser_with(None);
        let to_card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
        let host = to_card.host_str().unwrap();
        let target = &to_card[url::Position::BeforePath..];
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{forged}\r\n");
        let answer = idp.wire().send(host, &request).await.unwrap();
        assert_eq!(answer.status, 303, "{format}: {}", answer.text);
        let back = answer.header("location")[0].parse().unwrap();
        let walk = idp.walk(&mut browser, &back).await;
        assert_eq!(walk.error_code(), "certificate_missing", "{format}");
        assert_eq!(idp.node.counters.snapshot().spoofed, 1);
        let address: String = sqlx::query_scalar(
            "select address from audit_events where address is not null order by id desc",
        )
        .fetch_one(idp.pool())
        .await
        .unwrap();
        assert_eq!(address, "127.0.0.1", "{format}");
    }
}

#[tokio::test]
async fn fields_of_another_form_than_the_configured_one_are_not_read() {
    let idp = TestIdp::start_behind(
        |config| config.proxy = Some(believed(Format::Rfc9440)),
        |listener, idp| {
            ends_tls(listener, idp, |chain| {
                let others = Format::ALL.into_iter().filter(|format| *format != Format::Rfc9440);
                others.flat_map(|format| fields(format, chain)).collect()
            });
        },
    )
    .await;
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_missing");
}

#[tokio::test]
async fn fields_can_have_names_of_the_operators_own() {
    let idp = TestIdp::start_behind(
        |config| {
            let mut proxy = believed(Format::Nginx);
            proxy.certificate =
                ChainFields { certificate: "x-card".to_owned(), ..ChainFields::of(Format::Nginx) };
            proxy.client_address = ClientAddress::Forwarded;
            config.proxy = Some(proxy);
        },
        |listener, idp| {
            ends_tls(listener, idp, |chain| {
                let mut sent = fields(Format::Nginx, chain);
                sent.iter_mut().for_each(|(name, _)| *name = "x-card".to_owned());
                sent.push(("forwarded".to_owned(), format!("for={CLIENT};proto=https")));
                sent
            });
        },
    )
    .await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}

/// A request of the proxy's, with its secret and the client's address.
fn proved(target: &str, host: &str, more: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nx-proxy-secret: {SECRET}\r\n\
         x-forwarded-for: {CLIENT}\r\nconnection: close\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn the_host_of_a_request_decides_and_what_is_none_of_ours_is_misdirected() {
    let idp = TestIdp::start_with(|config| config.proxy = Some(believed(Format::Nginx))).await;
    let node = idp.proxy_address();
    for (host, status) in [
        ("idp.localhost", "200"),
        ("idp.localhost:8443", "200"),
        ("x.card.idp.localhost", "303"),
        ("other.example", "421"),
        ("127.0.0.1", "421"),
        ("", "421"),
        ("a.b.card.idp.localhost", "421"),
    ] {
        let answer = send_from(PROXY, node, &proved("/", host, "")).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
        let is_card = status == "303";
        assert!(!is_card || answer.contains("connection: close"), "{answer}");
    }
    for more in ["Host: x.card.idp.localhost\r\n", "Host: idp.localhost\r\n"] {
        let answer = send_from(PROXY, node, &proved("/", "idp.localhost", more)).await.unwrap();
        let status = answer.split(' ').nth(1);
        assert!(matches!(status, Some("400" | "421")), "{more}: {answer}");
    }
    let absolute = proved("https://x.card.idp.localhost/", "idp.localhost", "");
    let answer = send_from(PROXY, node, &absolute).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

#[tokio::test]
async fn where_the_proxy_tells_the_server_name_another_host_is_misdirected() {
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Nginx);
        proxy.server_name_header = Some("x-sni".to_owned());
        config.proxy = Some(proxy);
    })
    .await;
    let (card, other) = ("x.card.idp.localhost", "y.card.idp.localhost");
    for (server_name, host, status) in [
        ("x-sni: idp.localhost\r\n", "idp.localhost", "200"),
        ("x-sni: x.card.idp.localhost\r\n", card, "303"),
        // A browser that reuses a connection on which another card was shown.
        ("x-sni: x.card.idp.localhost\r\n", other, "421"),
        ("x-sni: idp.localhost\r\n", card, "421"),
        ("x-sni: \r\n", card, "421"),
        ("", card, "421"),
        ("x-sni: x.card.idp.localhost\r\nx-sni: x.card.idp.localhost\r\n", card, "421"),
    ] {
        let request = proved("/", host, server_name);
        let answer = send_from(PROXY, idp.proxy_address(), &request).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{server_name}{host}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_login_is_bound_to_its_card_host_behind_a_proxy_too() {
    let idp = TestIdp::start_behind_proxy(Format::Nginx).await;
    let mut browser = idp.browser("clinician");
    let to_card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let target = &to_card[url::Position::BeforePath..];
    let chain = idp.card("clinician").chain;
    let pem = fields(Format::Nginx, &chain).remove(0).1;
    let card = format!("ssl-client-cert: {pem}\r\n");
    let at = async |host: &str| {
        let request = proved(target, host, &card);
        send_from(PROXY, idp.proxy_address(), &request).await.unwrap()
    };
    assert!(!at("elsewhere.card.idp.localhost").await.contains("ticket="));
    assert!(at(to_card.host_str().unwrap()).await.contains("ticket="));
    assert!(escaped("a b").contains("%20"));
}

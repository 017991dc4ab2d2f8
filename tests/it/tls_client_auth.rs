//! Clients that authenticate by the certificate of their connection (RFC 8705 §2).

use chrono::TimeDelta;
use serde_json::json;
use siths_idp::config::Config;
use siths_idp::dev::browser::Inserted;
use siths_idp::dev::pki::{Authority, IssuerName};
use siths_idp::dev::responder::{Fault, What};
use siths_idp::dev::seed::{self, FUNCTION_SUBJECT};
use siths_idp::oidc::client::ClientAuthentication;
use siths_idp::proxy::Format;

use crate::harness::mtls::{MTLS, copy, jwk, jwk_with_certificate, self_signed};
use crate::harness::proxy::{CLIENT, PROXY, SECRET, believed, fields, send_from};
use crate::harness::{CLIENT_SECRET, REDIRECT_URI, TestIdp, TokenRequest};

const HOST: &str = "journal.region.example";

/// A token request that names its client and proves nothing. `code_unknown` says that the client
/// was authenticated.
fn named(idp: &TestIdp, id: &str) -> TokenRequest {
    idp.token_request("a-code").basic(None).set("client_id", id)
}

/// What a certificate comes to, on the host that asks for it.
async fn told(idp: &TestIdp, id: &str, certificate: Option<Inserted>) -> String {
    idp.token_by_mtls(&named(idp, id), certificate).await.problem(idp.issuer())
}

async fn self_signed_client(idp: &TestIdp, id: &str, keys: serde_json::Value) {
    idp.register(|client| {
        client.id = id.to_owned();
        client.authentication = ClientAuthentication::SelfSignedTlsClientAuth;
        client.jwks = Some(json!({ "keys": keys }));
    })
    .await;
}

/// RFC 8705 §2.1: a whole login by `tls_client_auth`, by the subject that RFC 4514 writes.
#[tokio::test]
async fn a_system_gets_tokens_by_its_function_certificate() {
    let idp = TestIdp::start().await;
    // As `dev` registers it.
    let id = idp.register(|client| *client = seed::demo_system(REDIRECT_URI)).await.id;
    let request = idp.authorize().set("client_id", &id);
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    let request = idp.token_request(&code).basic(None).set("client_id", &id);
    let answer = idp.token_by_mtls(&request, Some(idp.card("function"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let access_token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let answer = idp.user_info_by_mtls(&access_token, Some(idp.card("function"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// RFC 8705 §2.1.2: the name that is registered, and no other that the certificate may have.
#[tokio::test]
async fn a_certificate_must_have_the_name_that_is_registered() {
    let idp = TestIdp::start().await;
    let function = || Some(idp.card("function"));
    for (id, subject, expected) in [
        ("a", FUNCTION_SUBJECT, "code_unknown"),
        (
            "b",
            "C=SE,L=Västerbottens län,O=Region Testbotten,CN=journal.region.example,\
               serialNumber=SE2321000222-DEVB",
            "client_certificate_mismatch",
        ),
        ("c", "CN=journal.region.example", "client_certificate_mismatch"),
        (
            "d",
            "serialnumber=se2321000222-devb, CN = journal.region.example, \
               O=region  testbotten, L=V\\C3\\A4sterbottens l\\C3\\A4n, C=#13025345",
            "code_unknown",
        ),
    ] {
        idp.register(|client| {
            client.id = id.to_owned();
            client.authentication = ClientAuthentication::TlsClientAuth;
            client.metadata.tls_client_auth_subject_dn = Some(subject.to_owned());
        })
        .await;
        assert_eq!(told(&idp, id, function()).await, expected, "{subject}");
    }
    for (id, host, expected) in [
        ("e", HOST, "code_unknown"),
        ("f", "Journal.Region.Example", "code_unknown"),
        ("g", "region.example", "client_certificate_mismatch"),
        ("h", "x.journal.region.example", "client_certificate_mismatch"),
    ] {
        idp.register_system(id, host).await;
        assert_eq!(told(&idp, id, function()).await, expected, "{host}");
    }
    // The common name is no alternative name.
    let mute = idp.function("mute.region.example", |card| card);
    idp.register_system("i", "mute.region.example").await;
    assert_eq!(told(&idp, "i", Some(copy(&mute))).await, "code_unknown");
    // The certificate of another client, which is as genuine.
    assert_eq!(told(&idp, "e", Some(mute)).await, "client_certificate_mismatch");
}

/// RFC 8705 §2.1, §7.4: path, purpose and dates of a system's certificate.
#[tokio::test]
async fn a_certificate_that_is_no_systems_authenticates_nobody() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    let expired = idp.function(HOST, |card| card.expired());
    assert_eq!(told(&idp, "journal", Some(expired)).await, "client_certificate_expired");
    let early = idp.function(HOST, |card| card.not_yet_valid());
    assert_eq!(told(&idp, "journal", Some(early)).await, "client_certificate_expired");
    let signing = idp.function(HOST, |card| card.for_signing());
    assert_eq!(told(&idp, "journal", Some(signing)).await, "client_certificate_untrusted");
    let server =
        idp.function(HOST, |card| card.purposes(vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth]));
    assert_eq!(told(&idp, "journal", Some(server)).await, "client_certificate_untrusted");
    // The same names throughout, other keys.
    let impostor = Authority::impostor(IssuerName::Function).unwrap();
    let forged = idp.function_of(&impostor, HOST, |card| card);
    assert_eq!(told(&idp, "journal", Some(forged)).await, "client_certificate_untrusted");
    let own = self_signed(idp.clock.now(), idp.clock.now() + TimeDelta::days(1));
    assert_eq!(told(&idp, "journal", Some(own)).await, "client_certificate_untrusted");
}

/// A person's certificate is never a system's, whatever name it has.
#[tokio::test]
async fn a_persons_card_is_no_client() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    // As the Person HSA-id authority would never issue it, with the very name that is registered.
    let authority = idp.pki().authority(IssuerName::HsaId3).unwrap();
    let card = idp.function_of(&authority, HOST, |card| card);
    assert_eq!(told(&idp, "journal", Some(card)).await, "client_certificate_untrusted");
    idp.register(|client| {
        client.id = "clinician".to_owned();
        client.authentication = ClientAuthentication::TlsClientAuth;
        client.metadata.tls_client_auth_san_email = Some("anna.testsson@region.example".to_owned());
    })
    .await;
    let card = idp.card("clinician");
    assert_eq!(told(&idp, "clinician", Some(card)).await, "client_certificate_untrusted");
    // And a system is nobody who logs in.
    assert_eq!(idp.outcome("function").await.as_deref(), Some("certificate_not_personal"));
}

#[tokio::test]
async fn a_revoked_certificate_authenticates_nobody() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    idp.revoke("function");
    let function = Some(idp.card("function"));
    assert_eq!(told(&idp, "journal", function).await, "client_certificate_revoked");
    // Another of the same name is good.
    let renewed = idp.function(HOST, |card| card);
    assert_eq!(told(&idp, "journal", Some(renewed)).await, "code_unknown");
}

/// As with cards: nobody who answers, and no grace.
#[tokio::test]
async fn where_nobody_says_whether_a_certificate_is_revoked_it_is_not_taken() {
    let ocsp_alone = |config: &mut Config| {
        crate::harness::revocation::order(config, siths_idp::config::RevocationOrder::Ocsp);
    };
    let idp = TestIdp::start_with(ocsp_alone).await;
    idp.register_system("journal", HOST).await;
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    let function = Some(idp.card("function"));
    let answer = idp.token_by_mtls(&named(&idp, "journal"), function).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem(idp.issuer()), "client_certificate_status_unknown");
}

/// RFC 8705 §2: no certificate is `invalid_client`; the issuer host never asks for one.
#[tokio::test]
async fn without_a_certificate_the_client_is_told_where_to_show_it() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    self_signed_client(&idp, "own", json!([])).await;
    for id in ["journal", "own"] {
        assert_eq!(told(&idp, id, None).await, "client_certificate_missing");
        // A certificate that is ready in the client is not asked for here.
        let system = idp.system(Some(idp.card("function")));
        let answer = named(&idp, id).answer(&system, &idp.at("/token")).await;
        assert_eq!(answer.problem(idp.issuer()), "client_certificate_missing");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

/// RFC 8705 §2: `client_id` says which client it is.
#[tokio::test]
async fn a_certificate_without_a_client_id_is_nobodys() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    let function = || Some(idp.card("function"));
    let request = idp.token_request("a-code").basic(None);
    let answer = idp.token_by_mtls(&request, function()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_id_missing");
    let answer = idp.token_by_mtls(&request.clone().set("client_id", ""), function()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_id_missing");
    let twice = request.add("client_id", "journal").add("client_id", "journal");
    let answer = idp.token_by_mtls(&twice, function()).await;
    assert_eq!(answer.problem(idp.issuer()), "parameter_repeated");
    assert_eq!(told(&idp, "nobody", function()).await, "client_not_registered");
}

#[tokio::test]
async fn a_client_authenticates_by_its_own_method_and_by_no_other() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    let function = || Some(idp.card("function"));
    // A secret from a client that has none, with its certificate beside it.
    let request = idp.token_request("a-code").basic(Some(("journal", CLIENT_SECRET)));
    let answer = idp.token_by_mtls(&request, function()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_method_unregistered");
    let request = named(&idp, "journal").set("client_secret", CLIENT_SECRET);
    let answer = idp.token_by_mtls(&request, function()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_method_unregistered");
    // A certificate from a client that is registered with a secret.
    let name = named(&idp, "demo-symfoni");
    let answer = idp.token_by_mtls(&name, function()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_authentication_missing");
    // Its secret is good on this host too, with any certificate or none.
    for certificate in [None, Some(idp.card("function")), Some(idp.card("expired"))] {
        let answer = idp.token_by_mtls(&idp.token_request("a-code"), certificate).await;
        assert_eq!(answer.problem(idp.issuer()), "code_unknown");
    }
    // Switched off.
    idp.register(|client| {
        client.id = "journal".to_owned();
        client.enabled = false;
        client.authentication = ClientAuthentication::TlsClientAuth;
        client.metadata.tls_client_auth_san_dns = Some(HOST.to_owned());
    })
    .await;
    assert_eq!(told(&idp, "journal", function()).await, "client_not_registered");
}

/// A certificate in a header field is none: only the connection has one.
#[tokio::test]
async fn a_certificate_in_a_header_field_is_none() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    let chain = idp.card("function").chain;
    let mut forged = String::new();
    for (name, value) in Format::ALL.into_iter().flat_map(|format| fields(format, &chain)) {
        forged += &format!("{name}: {value}\r\n");
    }
    let form = named(&idp, "journal").form();
    for host in ["idp.localhost", MTLS] {
        let request = format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\n{forged}Content-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        );
        let answer = idp.wire().send(host, &request).await.unwrap();
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(answer.text.contains("client_certificate_missing"), "{host}: {}", answer.text);
    }
    assert_eq!(idp.node.counters.snapshot().spoofed, 2);
}

/// RFC 8705 §6.5: the certificate that a proxy saw, where a proxy ends TLS.
#[tokio::test]
async fn a_certificate_comes_through_every_proxy_and_is_judged_here() {
    for format in Format::ALL {
        let idp = TestIdp::start_with(|config| config.proxy = Some(believed(format))).await;
        idp.register_system("journal", HOST).await;
        let form = named(&idp, "journal").form();
        let at = async |host: &str, sent: &[(String, String)]| {
            let more: String = sent.iter().map(|(name, v)| format!("{name}: {v}\r\n")).collect();
            let request = format!(
                "POST /token HTTP/1.1\r\nHost: {host}\r\nx-proxy-secret: {SECRET}\r\n\
                 x-forwarded-for: {CLIENT}\r\nconnection: close\r\n{more}Content-Length: {}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
                form.len()
            );
            send_from(PROXY, idp.proxy_address(), &request).await.unwrap()
        };
        let function = fields(format, &idp.card("function").chain);
        let mut cut = function.clone();
        for (_, value) in cut.iter_mut().filter(|(_, value)| value.len() > 10) {
            value.truncate(value.len() - 5);
        }
        for (host, sent, code) in [
            (MTLS, &function[..], "code_unknown"),
            (MTLS, &[], "client_certificate_missing"),
            (MTLS, &fields(format, &idp.card("clinician").chain), "client_certificate_untrusted"),
            (MTLS, &cut, "client_certificate_untrusted"),
            ("idp.localhost", &function, "client_certificate_missing"),
        ] {
            let answer = at(host, sent).await;
            assert!(answer.contains(&format!("\"{code}\"")), "{format} {host}: {answer}");
        }
    }
}

/// RFC 8705 §2.2: the certificate, or its key, is one that the client registered; no chain is judged.
#[tokio::test]
async fn a_registered_certificate_authenticates_whoever_issued_it() {
    let idp = TestIdp::start().await;
    let now = idp.clock.now();
    let own = self_signed(now - TimeDelta::days(1), now + TimeDelta::days(1));
    let other = self_signed(now - TimeDelta::days(1), now + TimeDelta::days(1));
    self_signed_client(&idp, "by-certificate", json!([jwk_with_certificate(&own)])).await;
    self_signed_client(&idp, "by-key", json!([jwk(&other), jwk(&own)])).await;
    for id in ["by-certificate", "by-key"] {
        assert_eq!(told(&idp, id, Some(copy(&own))).await, "code_unknown", "{id}");
        let stranger = self_signed(now - TimeDelta::days(1), now + TimeDelta::days(1));
        assert_eq!(told(&idp, id, Some(stranger)).await, "client_certificate_mismatch", "{id}");
        let card = Some(idp.card("function"));
        assert_eq!(told(&idp, id, card).await, "client_certificate_mismatch", "{id}");
    }
    assert_eq!(
        told(&idp, "by-certificate", Some(copy(&other))).await,
        "client_certificate_mismatch"
    );
    // A card's certificate, where it is what is registered: nothing is asked of its issuer.
    let card = idp.card("untrusted");
    self_signed_client(&idp, "by-card", json!([jwk_with_certificate(&card)])).await;
    assert_eq!(told(&idp, "by-card", Some(card)).await, "code_unknown");
}

#[tokio::test]
async fn a_registered_certificate_is_looked_at_for_its_dates() {
    let idp = TestIdp::start().await;
    let now = idp.clock.now();
    let (day, hour) = (TimeDelta::days(1), TimeDelta::hours(1));
    for (id, from, until, expected) in [
        ("expired", now - day, now - hour, "client_certificate_expired"),
        ("early", now + hour, now + day, "client_certificate_expired"),
        ("current", now - day, now + hour, "code_unknown"),
    ] {
        let own = self_signed(from, until);
        self_signed_client(&idp, id, json!([jwk_with_certificate(&own)])).await;
        assert_eq!(told(&idp, id, Some(copy(&own))).await, expected);
        if id == "current" {
            idp.advance(3601);
            assert_eq!(told(&idp, id, Some(own)).await, "client_certificate_expired");
        }
    }
}

/// RFC 7517 §4.2, §4.7: where there is a certificate it counts, and a key to encrypt to is no proof.
#[tokio::test]
async fn another_certificate_of_the_same_key_is_another() {
    let idp = TestIdp::start().await;
    let now = idp.clock.now();
    let [own, other] =
        [(); 2].map(|()| self_signed(now - TimeDelta::days(1), now + TimeDelta::days(1)));
    // The certificate of one beside the key of another: the key is not what is registered.
    let mut mixed = jwk(&own);
    mixed["x5c"] = jwk_with_certificate(&other)["x5c"].clone();
    self_signed_client(&idp, "mixed", json!([mixed])).await;
    assert_eq!(told(&idp, "mixed", Some(copy(&own))).await, "client_certificate_mismatch");
    let mut encryption = jwk(&own);
    encryption["use"] = json!("enc");
    self_signed_client(&idp, "encryption", json!([encryption])).await;
    assert_eq!(told(&idp, "encryption", Some(copy(&own))).await, "client_certificate_mismatch");
    for broken in [json!({}), json!("x"), json!({ "x5c": [] }), json!({ "x5c": ["?"] })] {
        self_signed_client(&idp, "broken", json!([broken])).await;
        assert_eq!(told(&idp, "broken", Some(copy(&own))).await, "client_certificate_mismatch");
    }
}

/// The story of a failed login is for its client, by whatever it authenticates.
#[tokio::test]
async fn a_system_reads_its_login_errors_by_its_certificate() {
    let idp = TestIdp::start().await;
    idp.register_system("journal", HOST).await;
    let request = idp.authorize().set("client_id", "journal");
    let walk = idp.walk(&mut idp.browser("no-role"), &request.url()).await;
    let reference = walk.parameters()["error_ref"].clone();
    let url = idp.at_mtls(&format!("/login-errors/{reference}"));
    let ask = async |certificate| {
        let form = [("client_id", "journal")];
        idp.system(certificate).post(url.clone()).form(&form).send().await.unwrap().status()
    };
    assert_eq!(ask(Some(idp.card("function"))).await, 200);
    assert_eq!(ask(None).await, 401);
}

#[tokio::test]
async fn what_is_registered_must_name_one_certificate() {
    let idp = TestIdp::start().await;
    use siths_idp::oidc::registration::check;
    let of = |edit: fn(&mut siths_idp::oidc::client::Client)| {
        let mut client = seed::demo_client(REDIRECT_URI, CLIENT_SECRET);
        edit(&mut client);
        check(&client).map_err(|fault| fault.to_string())
    };
    let told = |result: Result<(), String>| result.unwrap_err();
    let none = of(|client| client.authentication = ClientAuthentication::TlsClientAuth);
    assert!(told(none).contains("exactly one of"));
    let two = of(|client| {
        client.authentication = ClientAuthentication::TlsClientAuth;
        client.metadata.tls_client_auth_san_dns = Some("a.example".to_owned());
        client.metadata.tls_client_auth_subject_dn = Some("CN=a".to_owned());
    });
    assert!(told(two).contains("exactly one of"));
    let one = of(|client| {
        client.authentication = ClientAuthentication::TlsClientAuth;
        client.metadata.tls_client_auth_subject_dn = Some("CN=a, C=SE".to_owned());
    });
    assert_eq!(one, Ok(()));
    let malformed = of(|client| {
        client.authentication = ClientAuthentication::TlsClientAuth;
        client.metadata.tls_client_auth_subject_dn = Some("a".to_owned());
    });
    assert!(told(malformed).contains("RFC 4514"));
    let stray = of(|client| {
        client.metadata.tls_client_auth_san_dns = Some("a.example".to_owned());
    });
    assert!(told(stray).contains("go with the method tls_client_auth"));
    let keyless =
        of(|client| client.authentication = ClientAuthentication::SelfSignedTlsClientAuth);
    assert!(told(keyless).contains("x5c"));
    let now = idp.clock.now();
    let [own, other] = [(); 2].map(|()| self_signed(now, now + TimeDelta::days(1)));
    let with = |keys: serde_json::Value| {
        let mut client = seed::demo_client(REDIRECT_URI, CLIENT_SECRET);
        client.authentication = ClientAuthentication::SelfSignedTlsClientAuth;
        client.jwks = Some(json!({ "keys": keys }));
        check(&client).map_err(|fault| fault.to_string())
    };
    assert_eq!(with(json!([jwk_with_certificate(&own), jwk(&other)])), Ok(()));
    let mut mixed = jwk(&own);
    mixed["x5c"] = jwk_with_certificate(&other)["x5c"].clone();
    assert!(told(with(json!([mixed]))).contains("RFC 7517"));
    let mut empty = jwk(&own);
    empty["x5c"] = json!([]);
    assert!(told(with(json!([empty]))).contains("RFC 7517"));
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::config::tests::{FILE, Installation};
use crate::config::{Config, ConfigError, ProxyTransport};
use crate::proxy::protocol::Others;
use crate::proxy::{ClientAddress, Format};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Everything that the mode asks for.
const PROXY: &str = r#"
[proxy]
mode = "terminates-tls"
listen = ["10.0.0.5:8443"]
peers = ["10.1.2.0/24"]
headers = "nginx"
client_ca = "proxy-ca.pem"
client_names = ["proxy.region.se"]
"#;

fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("proxy-ca.pem", "");
    installation
}

fn write_secret(installation: &Installation, text: &str, mode: u32) {
    installation.write("proxy.secret", text);
    fs::set_permissions(installation.path("proxy.secret"), fs::Permissions::from_mode(mode))
        .unwrap();
}

fn load(installation: &Installation, proxy: &str) -> Result<Config, ConfigError> {
    installation.load(&format!("{FILE}{proxy}"), &[])
}

/// The mode with pieces replaced.
fn with(pieces: &[(&str, &str)]) -> String {
    pieces.iter().fold(PROXY.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    })
}

/// The one fault of it.
fn fault(proxy: &str) -> String {
    let installation = installation();
    let faults = load(&installation, proxy).expect_err(proxy).faults;
    let [fault] = &faults[..] else { panic!("{proxy}: {faults:?}") };
    fault.clone()
}

#[test]
fn proxies_are_believed_only_where_the_mode_is_on() {
    let installation = installation();
    assert!(load(&installation, "").unwrap().proxy.is_none());
    let off = with(&[("terminates-tls", "off")]);
    assert!(load(&installation, &off).unwrap().proxy.is_none());
    let proxy = load(&installation, PROXY).unwrap().proxy.unwrap();
    assert!(proxy.peers.contains([10, 1, 2, 3].into()));
    assert_eq!(proxy.certificate.format, Format::Nginx);
    assert_eq!(proxy.client_address, ClientAddress::XForwardedFor);
    assert!(matches!(proxy.transport, ProxyTransport::Tls(Some(_))));
}

#[test]
fn without_a_list_or_with_everybody_on_it_nothing_starts() {
    let list = |peers: &str| with(&[("\"10.1.2.0/24\"", peers)]);
    assert!(fault(&list("")).starts_with("proxy.peers is missing"));
    for (peers, told) in [
        ("\"0.0.0.0/0\"", "everybody"),
        ("\"::/0\"", "everybody"),
        ("\"10.1.2.3\", \"0.0.0.0/0\"", "everybody"),
        ("\"proxy.region.se\"", "expected an address"),
    ] {
        let fault = fault(&list(peers));
        assert!(fault.starts_with("proxy.peers is") && fault.contains(told), "{fault}");
    }
}

#[test]
fn without_a_proof_nothing_starts() {
    let names = "client_names = [\"proxy.region.se\"]\n";
    let neither = with(&[("client_ca = \"proxy-ca.pem\"\n", ""), (names, "")]);
    assert!(fault(&neither).starts_with("proxy.client_ca or proxy.secret_file is missing"));
    // But for the one product that cannot prove itself, and only when it is said aloud.
    let aloud = format!("{neither}insecure_address_alone = true\n");
    assert!(fault(&aloud).starts_with("proxy.insecure_address_alone"));
    let alb = neither.replace("\"nginx\"", "\"aws-alb\"");
    assert!(fault(&alb).starts_with("proxy.client_ca or proxy.secret_file is missing"));
    let alb = load(&installation(), &format!("{alb}insecure_address_alone = true\n")).unwrap();
    assert!(alb.proxy.unwrap().is_unproven());
    // A CA of a whole organisation proves nobody.
    assert!(fault(&with(&[(names, "")])).starts_with("proxy.client_names is missing"));
    let wildcard = with(&[("\"proxy.region.se\"", "\"*.region.se\"")]);
    assert!(fault(&wildcard).starts_with("proxy.client_names is \"*.region.se\""));
    let print = |text: &str| with(&[(names, &format!("client_fingerprints = [\"{text}\"]\n"))]);
    assert!(fault(&print("ab:cd")).starts_with("proxy.client_fingerprints is"));
    let installation = installation();
    let by_print = load(&installation, &print("Ab:".repeat(32).trim_end_matches(':'))).unwrap();
    let ProxyTransport::Tls(Some(clients)) = by_print.proxy.unwrap().transport else { panic!() };
    assert_eq!(clients.fingerprints, [[0xab; 32]]);
}

#[test]
fn a_secret_is_long_and_its_owners_alone() {
    let by_secret = with(&[
        ("client_ca = \"proxy-ca.pem\"\n", "secret_file = \"proxy.secret\"\n"),
        ("client_names = [\"proxy.region.se\"]\n", ""),
    ]);
    let installation = installation();
    let short = &SECRET[1..];
    for (text, mode, told) in [
        (SECRET, 0o640, "others may read it"),
        (short, 0o600, "at least 32"),
        ("", 0o600, "at least 32"),
        (&*format!("{SECRET}\n{short}\n"), 0o600, "at least 32"),
        (&*format!("{} {}", &SECRET[..16], SECRET), 0o600, "without spaces"),
    ] {
        write_secret(&installation, text, mode);
        let error = load(&installation, &by_secret).unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
        assert!(!error.contains(short), "{error}");
    }
    // Two, while it is changed.
    write_secret(&installation, &format!("{SECRET}\n\n{SECRET}x\n"), 0o600);
    let config = load(&installation, &by_secret).unwrap();
    assert!(!format!("{config:?}").contains(SECRET));
    assert_eq!(config.proxy.unwrap().secret.unwrap().good.len(), 2);
    fs::remove_file(installation.path("proxy.secret")).unwrap();
    assert!(load(&installation, &by_secret).is_err());
    let none = by_secret.replace("secret_file = \"proxy.secret\"\n", "");
    let environment = [("SITHS_IDP__PROXY__SECRET", SECRET)];
    assert!(installation.load(&format!("{FILE}{none}"), &environment).is_ok());
    let environment = [("SITHS_IDP__PROXY__SECRET", "hunter2")];
    let error = installation.load(&format!("{FILE}{none}"), &environment).unwrap_err().to_string();
    assert!(error.contains("at least 32") && !error.contains("hunter2"), "{error}");
}

#[test]
fn in_the_clear_only_on_this_machine_or_when_it_is_said_aloud() {
    let installation = installation();
    write_secret(&installation, SECRET, 0o600);
    let clear = |listen: &str, peers: &str| {
        with(&[
            ("client_ca = \"proxy-ca.pem\"\n", "secret_file = \"proxy.secret\"\n"),
            ("client_names = [\"proxy.region.se\"]\n", "transport = \"plaintext\"\n"),
            ("10.0.0.5:8443", listen),
            ("10.1.2.0/24", peers),
        ])
    };
    assert!(load(&installation, &clear("127.0.0.1:8443", "127.0.0.1")).is_ok());
    assert!(load(&installation, &clear("[::1]:8443", "::1")).is_ok());
    for (listen, peers) in [
        ("0.0.0.0:8443", "127.0.0.1"),
        ("127.0.0.1:8443", "10.1.2.3"),
        ("127.0.0.1:8443", "127.0.0.1\", \"10.1.2.3"),
    ] {
        let faults = load(&installation, &clear(listen, peers)).unwrap_err().faults;
        assert!(faults.len() == 1 && faults[0].starts_with("proxy.transport is"), "{faults:?}");
        let aloud = format!("{}insecure_plaintext = true\n", clear(listen, peers));
        assert!(load(&installation, &aloud).is_ok());
    }
    let certificate = with(&[
        ("10.0.0.5:8443", "127.0.0.1:8443"),
        ("10.1.2.0/24", "127.0.0.1"),
        ("headers = \"nginx\"\n", "headers = \"nginx\"\ntransport = \"plaintext\"\n"),
    ]);
    assert!(fault(&certificate).starts_with("proxy.client_ca"));
}

#[test]
fn a_port_is_for_browsers_or_for_proxies() {
    let same = "listen = [\"10.0.0.5:8443\"]\n";
    let installation = installation();
    let faults = installation.load(&format!("{same}{FILE}{PROXY}"), &[]).unwrap_err().faults;
    assert!(faults.len() == 1 && faults[0].starts_with("proxy.listen is"), "{faults:?}");
    assert!(fault(&with(&[("\"10.0.0.5:8443\"", "")])).starts_with("proxy.listen: expected"));
    // Behind proxies alone, browsers have none; without proxies they must.
    let none = installation.load(&format!("listen = []\n{FILE}{PROXY}"), &[]).unwrap();
    assert!(none.listen.is_empty());
    assert!(installation.load(&format!("listen = []\n{FILE}"), &[]).is_err());
}

#[test]
fn the_form_is_named_and_its_fields_are_its_own() {
    assert!(fault(&with(&[("headers = \"nginx\"\n", "")])).starts_with("proxy.headers is missing"));
    let slip = load(&installation(), &with(&[("\"nginx\"", "\"ngnix\"")])).unwrap_err().to_string();
    assert!(slip.contains("did you mean nginx?"), "{slip}");
    let and = |more: &str| format!("{PROXY}{more}\n");
    for (more, told) in [
        ("certificate_header = \"Cookie\"", "proxy.certificate_header is"),
        ("certificate_header = \"\"", "proxy.certificate_header is"),
        ("certificate_header = \"x cert\"", "proxy.certificate_header is"),
        ("certificate_header = \"x_cert\"", "proxy.certificate_header is"),
        ("server_name_header = \"Host\"", "proxy.server_name_header is"),
        ("server_name_header = \"SSL-Client-Cert\"", "proxy: two of its header fields"),
        ("chain_header = \"x-chain\"", "proxy.chain_header: headers = \"nginx\""),
        ("client_adress = \"forwarded\"", "proxy.client_adress is no key"),
    ] {
        assert!(fault(&and(more)).starts_with(told), "{more}: {}", fault(&and(more)));
    }
    let installation = installation();
    let named = "certificate_header = \"X-Cert\"\nserver_name_header = \"X-SNI\"\n\
                 client_address = \"forwarded\"";
    let proxy = load(&installation, &and(named)).unwrap().proxy.unwrap();
    assert_eq!(proxy.certificate.certificate, "x-cert");
    assert_eq!(proxy.client_address, ClientAddress::Forwarded);
    for removed in ["x-cert", "x-sni", "client-cert", "ssl-client-cert"] {
        assert!(proxy.fields().iter().any(|name| name == removed), "{removed}");
    }
}

#[test]
fn balancers_that_announce_their_clients_are_listed() {
    let installation = installation();
    let balancers = |text: &str| load(&installation, &format!("\n[proxy_protocol]\n{text}\n"));
    let config = balancers("peers = [\"10.1.2.3\"]\nothers = \"refuse\"").unwrap();
    assert!(config.proxy_protocol.peers.contains([10, 1, 2, 3].into()));
    assert_eq!(config.proxy_protocol.others, Others::Refuse);
    let config = load(&installation, "").unwrap();
    assert!(config.proxy_protocol.peers.is_empty());
    for wrong in ["peers = [\"0.0.0.0/0\"]", "others = \"refuse\"", "others = \"serv\""] {
        assert_eq!(balancers(wrong).unwrap_err().faults.len(), 1, "{wrong}");
    }
}

//! The program itself, as a service manager runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use siths_idp::dev::browser::client;

use crate::harness::{TestIdp, loopback};

/// A configuration file for the look-alike PKI, in a folder of its own.
fn configuration(idp: &TestIdp, port: u16, edit: impl FnOnce(String) -> String) -> PathBuf {
    let label = siths_idp::random::Random::system().label();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{label}"));
    std::fs::create_dir(&folder).unwrap();
    let pki = idp.pki();
    let (certificate, key) = (pki.server_chain_pem(), pki.server_key_pem());
    let mut text = format!(
        "issuer = \"https://idp.localhost:{port}\"\nlisten = [\"127.0.0.1:{port}\"]\n\
         [tls]\ncertificate = {certificate:?}\nkey = {key:?}\n\
         [trust]\nroots = [{:?}]\n",
        pki.root().pem
    );
    text += "[revocation]\norder = \"off\"\n";
    for issuer in pki.issuers().iter().take(1) {
        text += &format!(
            "[[trust.issuers]]\ncertificate = {:?}\nkind = \"hsa-id\"\nloa = \"loa3\"\n",
            issuer.pem
        );
    }
    let file = folder.join("siths-idp.toml");
    std::fs::write(&file, edit(text)).unwrap();
    file
}

fn command(idp: &TestIdp, file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siths-idp"));
    command
        .args(["serve", "--config"])
        .arg(file)
        .env("SITHS_IDP__DATABASE__URL", idp.site.postgres.url(&idp.database()))
        .env("SITHS_IDP__SEALING_KEY", "07".repeat(32))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    loopback().local_addr().unwrap().port()
}

fn ended(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_refused_with_the_key_named() {
    let idp = TestIdp::start().await;
    for (wrong, key) in [
        ("issuer = 7", "issuer"),
        ("nonsense = 1", "nonsense"),
        ("issuer = \"http://idp.localhost\"", "issuer"),
        ("listen = [\"nowhere\"]", "listen"),
        ("issuer = \"https://idp.localhost/path\"", "issuer"),
    ] {
        let file = configuration(&idp, 1, |text| {
            let name = wrong.split(' ').next().unwrap();
            let others = text.lines().filter(|line| !line.starts_with(name));
            format!("{wrong}\n{}", others.collect::<Vec<_>>().join("\n"))
        });
        let told = ended(command(&idp, &file).spawn().unwrap());
        let error = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("- {key}")), "{wrong}: {error}");
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_faults_of_the_configuration() {
    let idp = TestIdp::start().await;
    let root = format!("{:?}", idp.pki().root().pem);
    let unrow = format!(
        "order = \"crl\"\nprivate_networks = [\"127.0.0.0/8\"]\n[[revocation.authorities]]\n\
         certificate = {root}\ncrl = [\"http://127.0.0.1/root.crl\"]"
    );
    let shipped = "config/trust/test/test-siths-e-id-root-ca-v2.pem";
    let shipped = format!("\"{}/{shipped}\"", env!("CARGO_MANIFEST_DIR"));
    let no_ca = format!("{:?}", idp.pki().server_chain_pem());
    for (there, wrong, told_of) in [
        ("order = \"off\"", &unrow, "no [[revocation.authorities]] for"),
        (&root, &shipped, "is not signed by"),
        (&root, &"\"garbage.pem\"".to_owned(), "garbage.pem"),
        (&root, &no_ca, "there is more than one"),
    ] {
        let file = configuration(&idp, free_port(), |text| text.replacen(there, wrong, 1));
        std::fs::write(file.with_file_name("garbage.pem"), "no certificate").unwrap();
        let told = ended(command(&idp, &file).spawn().unwrap());
        let error = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(2), "{wrong}: {error}");
        assert!(error.contains(told_of), "{wrong}: {error}");
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let idp = TestIdp::start().await;
    let taken = loopback();
    let port = taken.local_addr().unwrap().port();
    let file = configuration(&idp, port, |text| text);
    let told = ended(command(&idp, &file).spawn().unwrap());
    let error = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(1), "{error}");
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_and_ends_well() {
    let idp = TestIdp::start().await;
    let port = free_port();
    let file = configuration(&idp, port, |text| text);
    let mut child = command(&idp, &file).spawn().unwrap();
    let http = client(idp.pki().web_ca_pem(), None, rustls::ALL_VERSIONS).unwrap();
    let issuer = format!("https://idp.localhost:{port}");
    let began = Instant::now();
    let metadata: serde_json::Value = loop {
        let asked = http.get(format!("{issuer}/.well-known/openid-configuration")).send().await;
        if let Ok(answer) = asked {
            break answer.json().await.unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(began.elapsed() < Duration::from_secs(30), "it does not serve");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(metadata["issuer"], issuer);
    drop(http);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let told = ended(child);
    let log = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(0), "{log}");
    assert!(log.contains("stopping"), "{log}");
    // Nobody is asked about revoked cards, which is not passed over in silence.
    assert!(log.contains("revocation is OFF"), "{log}");
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
}

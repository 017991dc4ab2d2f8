//! Real proxies in front of a node, set up by the text of `docs/proxies.md`.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::PrivateKeyDer;
use siths_idp::random::Random;
use tokio::process::{Child, Command};

use super::TestIdp;
use super::proxy::{Certified, SECRET};

/// The names that `docs/proxies.md` gives to what differs from one installation to the next.
const NODE: &str = "10.0.0.5";
const ISSUER: &str = "idp.example.se";
const FOLDER: &str = "/etc/idp/";
/// The name that a proxy proves.
pub const PROXY_NAME: &str = "proxy.example.se";

/// A program that stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Nginx,
    Haproxy,
    Apache,
}

/// A program that runs, until this is dropped.
pub struct Running {
    _child: Child,
    folder: PathBuf,
}

impl Running {
    /// What it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Product {
    const fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache2",
        }
    }

    /// Whether it can be run here. Where continuous integration runs, it must.
    pub fn is_installed(self) -> bool {
        if self.path().is_some() {
            return true;
        }
        let line = "not installed: nginx, haproxy or apache2; run tests/proxies/install";
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            let _ = writeln!(std::io::stderr(), "tests of real proxies are skipped, {line}");
        });
        false
    }

    fn path(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        folders.map(|folder| folder.join(self.program())).find(|path| path.is_file())
    }

    /// Starts it on a port, in front of a node's address, with the block of `docs/proxies.md` that
    /// bears a mark.
    pub async fn start(
        self,
        mark: &str,
        port: u16,
        node: SocketAddr,
        idp: &TestIdp,
        proofs: &Certified,
    ) -> Running {
        let folder = folder();
        let set = |text: &str| self.set(text, &folder, port, node);
        let text = set(&block(mark));
        files(&folder, idp, proofs);
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let here = folder.display();
        let mut command = Command::new(self.path().unwrap());
        match self {
            Self::Nginx => {
                let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
                    .concat();
                write(
                    "main.conf",
                    &format!(
                        "daemon off; master_process off; pid {here}/pid; error_log stderr;\nevents {{ }}\n\
                     http {{\naccess_log off; proxy_bind 127.0.0.2;\n{temporary}{text}\n}}\n"
                    ),
                );
                command.arg("-p").arg(&folder).arg("-c").arg(folder.join("main.conf"));
                command.args(["-e", "stderr"]);
            }
            Self::Haproxy => {
                if mark.contains("terminates-tls") {
                    write("crt-list.txt", &set(&block("text haproxy-crt-list")));
                }
                assert!(text.contains("\ndefaults\n") || text.starts_with("defaults\n"));
                write("main.cfg", &text.replace("defaults\n", "defaults\n    source 127.0.0.2\n"));
                command.arg("-db").arg("-f").arg(folder.join("main.cfg"));
            }
            Self::Apache => {
                let secret = format!("RequestHeader set X-Proxy-Secret \"{SECRET}\"\n");
                write("proxy-secret.conf", &secret);
                let modules: String = [
                    "mpm_event",
                    "authz_core",
                    "ssl",
                    "headers",
                    "proxy",
                    "proxy_http",
                    "macro",
                    "reqtimeout",
                ]
                .map(|name| {
                    format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                })
                .concat();
                write(
                    "main.conf",
                    &format!(
                        "ServerRoot {here}\nDefaultRuntimeDir {here}\nPidFile {here}/pid\nServerName localhost\n\
                     ErrorLog /dev/stderr\nListen 127.0.0.1:{port}\n{modules}User nobody\nGroup nogroup\n\
                     ProxySourceAddress 127.0.0.2\n{text}\n"
                    ),
                );
                command.arg("-X").arg("-f").arg(folder.join("main.conf"));
            }
        }
        running(command, folder, port).await
    }

    /// The text for this machine.
    fn set(self, text: &str, folder: &Path, port: u16, node: SocketAddr) -> String {
        let here = format!("{}/", folder.display());
        let ports: &[(&str, String)] = &match self {
            Self::Nginx => [("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl"))],
            Self::Haproxy => [("bind :443", format!("bind 127.0.0.1:{port}"))],
            Self::Apache => [("*:443", format!("127.0.0.1:{port}"))],
        };
        let mut text = text.replace(FOLDER, &here).replace(ISSUER, "idp.localhost");
        for node_port in ["8443", "443"] {
            text = text.replace(&format!("{NODE}:{node_port}"), &node.to_string());
        }
        for (old, new) in ports {
            text = text.replace(old, new);
        }
        assert!(!text.contains(".example.se") && !text.contains(NODE), "{text}");
        text
    }
}

/// Starts a program that keeps its files in a folder, and waits until it listens on a port.
pub async fn running(mut command: Command, folder: PathBuf, port: u16) -> Running {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        if let Some(status) = child.try_wait().unwrap() {
            panic!("{command:?} ended, {status}:\n{}", log());
        }
        assert!(tokio::time::Instant::now() < deadline, "{command:?} does not listen:\n{}", log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Running { _child: child, folder }
}

/// A folder for what a program needs; [`Running`] removes it.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("siths-idp-{}", Random::system().label()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// A block of `docs/proxies.md`, by the words behind its fence.
fn block(mark: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/proxies.md");
    let text = std::fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once(&format!("```{mark}\n")).unwrap_or_else(|| panic!("no {mark}"));
    rest.split_once("```").unwrap().0.to_owned()
}

/// The certificates and keys that the text names.
fn files(folder: &Path, idp: &TestIdp, proofs: &Certified) {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    let pki = idp.pki();
    let (chain, key) = (read(pki.server_chain_pem()), read(pki.server_key_pem()));
    // HAProxy wants the key in the same file; the others do not mind.
    write("tls.pem", format!("{chain}{key}"));
    write("tls.key", key);
    write("node-ca.pem", read(pki.web_ca_pem()));
    write("hints.pem", pki.issuers().iter().map(|issuer| read(&issuer.pem)).collect());
    let (certificate, key) = proofs.issue(PROXY_NAME);
    let PrivateKeyDer::Pkcs8(key) = key else { panic!("not PKCS#8") };
    let key = KeyPair::try_from(key.secret_pkcs8_der()).unwrap();
    assert!(!key.der_bytes().is_empty());
    let certificate = super::proxy::pem(&certificate);
    let key = key.serialize_pem();
    write("proxy-and-key.pem", format!("{certificate}{key}"));
    write("proxy.pem", certificate);
    write("proxy.key", key);
}

/// A port that nobody has, outside the range that connections are given theirs from.
pub fn free_port() -> u16 {
    let random: [u8; 2] = Random::system().bytes();
    let first = 20_000 + u16::from_be_bytes(random) % 12_000;
    let mut ports = (first..32_000).chain(20_000..first);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

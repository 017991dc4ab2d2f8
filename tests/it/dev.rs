//! `siths-idp dev` as a person types it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use siths_idp::dev::pki::zoo;

use crate::harness::{loopback, site};

/// `dev` with a folder that has the look-alike PKI already.
fn dev(arguments: &[&str]) -> Command {
    // The site makes the PKI where it is missing: two processes need not.
    site();
    let mut command = Command::new(env!("CARGO_BIN_EXE_siths-idp"));
    command
        .args(["dev", "--folder", env!("CARGO_TARGET_TMPDIR")])
        .args(arguments)
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn free_port() -> String {
    loopback().local_addr().unwrap().port().to_string()
}

/// A `dev` that runs; killed with the test, should that fail.
struct Running {
    child: Child,
    told: String,
    ports: [String; 3],
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start() -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let mut child = dev(&Self::at(&ports)).spawn().unwrap();
        let mut told = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            told += &line.unwrap();
            told.push('\n');
            if told.contains("Ctrl-C ends it") {
                break;
            }
        }
        Self { child, told, ports }
    }

    fn at(ports: &[String; 3]) -> [&str; 6] {
        let [port, demo_port, status_port] = ports;
        ["--port", port, "--demo-port", demo_port, "--status-port", status_port]
    }

    /// What a command says that speaks to it.
    fn tell(&self, arguments: &[&str]) -> Output {
        dev(&[&Self::at(&self.ports), arguments].concat()).output().unwrap()
    }

    fn login(&self, who: &str) -> Output {
        self.tell(&["login", "--as", who])
    }

    /// The folder of its PostgreSQL, as its watchdog was told.
    fn postgres_folder(&self) -> PathBuf {
        let parent = self.child.id();
        let of_ours = |status: String| status.contains(&format!("\nPPid:\t{parent}\n"));
        for process in processes() {
            let status = std::fs::read_to_string(process.join("status"));
            if status.is_ok_and(of_ours) {
                let words = std::fs::read(process.join("cmdline")).unwrap();
                let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
                let found = words.iter().map(|word| PathBuf::from(text(word)));
                if let Some(folder) = found
                    .filter(|path| path.components().count() > 1)
                    .find(|path| path.to_string_lossy().contains("siths-idp-pg-"))
                {
                    return folder;
                }
            }
        }
        panic!("no watchdog of process {parent}");
    }
}

fn processes() -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.join("cmdline").exists()).collect()
}

/// Whether a process names the folder on its command line.
fn is_used(folder: &Path) -> bool {
    let folder = folder.to_string_lossy().into_owned();
    processes().iter().any(|process| {
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&folder)
    })
}

#[test]
fn a_name_that_nobody_has_is_answered_with_the_names() {
    let told = dev(&["login", "--as", "nobody", "--port", "0", "--demo-port", "0"]).output();
    let told = told.unwrap();
    assert!(!told.status.success());
    let error = text(&told.stderr);
    for name in site().pki.people().iter().map(|person| person.name).chain(["none"]) {
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn the_zoo_is_listed_and_a_card_of_it_written_for_a_browser() {
    let told = dev(&["zoo"]).output().unwrap();
    let out = text(&told.stdout);
    for line in out.lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
    for specimen in zoo::specimens() {
        let code = specimen.outcome.code().map_or("", |code| code.name());
        let listed = |line: &str| line.contains(specimen.name) && line.contains(code);
        assert!(out.lines().any(listed), "{}: {out}", specimen.name);
    }
    let told = dev(&["zoo", "sha1"]).output().unwrap();
    let out = text(&told.stdout);
    let p12 = out.lines().find(|line| line.ends_with("zoo/sha1/card.p12"));
    assert!(Path::new(p12.expect("a file")).metadata().unwrap().len() > 1000);
    let told = dev(&["zoo", "unicorn"]).output().unwrap();
    assert!(!told.status.success() && text(&told.stderr).contains("unicorn"));
}

#[test]
fn a_port_that_is_taken_says_so() {
    let taken = loopback();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in ["--port", "--demo-port", "--status-port"] {
        let ports = ["--port", "--demo-port", "--status-port"]
            .map(|one| [one, if one == option { &port } else { "0" }]);
        let told = dev(&ports.concat()).output().unwrap();
        assert_eq!(told.status.code(), Some(1));
        let error = text(&told.stderr);
        assert!(error.contains(&format!("port {port} is in use")), "{error}");
        assert!(error.contains(option), "{error}");
    }
}

#[test]
fn dev_shows_its_people_and_logs_them_in_and_leaves_nothing_when_it_is_killed() {
    let mut running = Running::start();
    for line in running.told.lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
    for person in site().pki.people() {
        let code = person.expected.map_or("", |code| code.name());
        let listed = |line: &str| line.contains(person.name) && line.contains(code);
        assert!(running.told.lines().any(listed), "{}", running.told);
    }
    let told = running.login("clinician");
    let (out, error) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success(), "{out}{error}");
    assert!(out.contains("SYMFONI;Handläggare") && out.contains("On the provider at"), "{out}");
    // A login that is refused, as it should be, is no failure of the command.
    let told = running.login("unknown");
    let out = text(&told.stdout);
    assert!(told.status.success() && out.contains("user_unknown"), "{out}");
    let told = running.login("none");
    assert!(told.status.success() && text(&told.stdout).contains("certificate_missing"));
    // Cards of the zoo: one that is refused, one that no handshake takes, one that logs in.
    for (who, expected) in [
        ("zoo:two-serial-numbers", "certificate_unusable"),
        ("chain-of-80-kb", "broken off"),
        ("utf8-serial-number", "SYMFONI;Handläggare"),
    ] {
        let told = running.login(who);
        let (out, error) = (text(&told.stdout), text(&told.stderr));
        assert!(told.status.success() && out.contains(expected), "{who}: {out}{error}");
    }
    let told = running.tell(&["login", "--as", "reserve-card", "--loa", "loa3"]);
    assert!(text(&told.stdout).contains("assurance_too_low"), "{}", text(&told.stdout));
    let told = running.tell(&["fault", "ocsp=down"]);
    assert_eq!(text(&told.stdout), "crl=none ocsp=down\n", "{}", text(&told.stderr));
    let told = running.tell(&["fault"]);
    assert_eq!(text(&told.stdout), "crl=none ocsp=down\n");
    // OCSP is down, and the list of the morning is heard.
    let told = running.login("clinician");
    assert!(text(&told.stdout).contains("SYMFONI;Handläggare"), "{}", text(&told.stdout));
    // With no current word from either, nobody logs in who is not remembered.
    running.tell(&["fault", "crl=stale", "ocsp=down"]);
    let told = running.login("disabled");
    assert!(text(&told.stdout).contains("certificate_status_unknown"), "{}", text(&told.stdout));
    let told = running.tell(&["fault", "none"]);
    assert_eq!(text(&told.stdout), "crl=none ocsp=none\n", "{}", text(&told.stderr));
    let told = running.tell(&["revoke", "no-role"]);
    assert!(text(&told.stdout).contains("Cecilia Exempelsson"), "{}", text(&told.stderr));
    let told = running.login("no-role");
    assert!(text(&told.stdout).contains("certificate_revoked"), "{}", text(&told.stdout));
    // What was revoked shows at once, by the list where OCSP is down.
    running.tell(&["fault", "ocsp=down"]);
    running.tell(&["revoke", "clinician"]);
    let told = running.login("clinician");
    assert!(text(&told.stdout).contains("certificate_revoked"), "{}", text(&told.stdout));
    for wrong in ["ocsp=odd", "xyz=1", "down"] {
        let told = running.tell(&["fault", wrong]);
        let error = text(&told.stderr);
        assert!(!told.status.success() && error.contains(wrong), "{error}");
        assert!(error.contains("crl=stale or ocsp=down") && error.contains("wrong-signer"));
    }
    let told = running.tell(&["revoke", "nobody"]);
    assert!(!told.status.success() && text(&told.stderr).contains("clinician, "));

    let folder = running.postgres_folder();
    assert!(folder.is_dir() && is_used(&folder));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let began = Instant::now();
    while folder.exists() || is_used(&folder) {
        assert!(began.elapsed() < Duration::from_secs(20), "{} stays", folder.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

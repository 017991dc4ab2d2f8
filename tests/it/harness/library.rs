//! Relying parties on other people's libraries, driven by lines of JSON.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::TestIdp;

/// How long a step may take: an interpreter that starts on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// A library of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    OpenidClient,
    Authlib,
}

impl Library {
    const fn name(self) -> &'static str {
        match self {
            Self::OpenidClient => "openid_client",
            Self::Authlib => "authlib",
        }
    }

    /// Whether the version that the repository names is installed. Where continuous integration runs,
    /// it must be.
    pub fn is_installed(self) -> bool {
        let list = match self {
            Self::OpenidClient => "openid_client/package-lock.json",
            Self::Authlib => "authlib/requirements.txt",
        };
        let wanted = std::fs::read(sources().join(list)).unwrap();
        let found = std::fs::read(installed(self.name()).join("installed"));
        is_there(found.is_ok_and(|found| found == wanted), self.name())
    }

    /// Starts a relying party; it knows nothing yet.
    pub fn start(self, idp: &TestIdp) -> Party {
        let (folder, ca) = (installed(self.name()), idp.pki().web_ca_pem());
        let mut command = match self {
            Self::OpenidClient => {
                // As text: a file would look for its libraries beside itself.
                let program = sources().join("openid_client/client.mjs");
                let mut command = Command::new("node");
                command.args(["--input-type=module", "--eval"]);
                command.arg(std::fs::read_to_string(program).unwrap());
                command.env("NODE_EXTRA_CA_CERTS", ca);
                command
            }
            Self::Authlib => {
                let mut command = Command::new(folder.join("bin/python"));
                command.arg(sources().join("authlib/client.py")).env("REQUESTS_CA_BUNDLE", ca);
                command
            }
        };
        command.current_dir(&folder).env("NO_PROXY", "localhost");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Party { library: self, stdin, answers, _child: child }
    }
}

/// A relying party that runs, until this is dropped.
pub struct Party {
    library: Library,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Party {
    /// Takes a step: what it gave, or how the library failed.
    pub async fn ask(&mut self, step: &str, mut arguments: Value) -> Result<Value, Value> {
        arguments["do"] = step.into();
        self.stdin.write_all(format!("{arguments}\n").as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let line = answer.expect("an answer in time").unwrap();
        let line = line.unwrap_or_else(|| panic!("{:?} ended at {step}", self.library));
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        match answer.get("failed") {
            Some(failed) => Err(failed.clone()),
            None => Ok(answer["ok"].take()),
        }
    }

    /// Takes a step that must succeed.
    pub async fn done(&mut self, step: &str, arguments: Value) -> Value {
        let answer = self.ask(step, arguments).await;
        answer.unwrap_or_else(|failed| panic!("{:?} failed at {step}: {failed}", self.library))
    }

    /// Takes a step that must fail.
    pub async fn fails(&mut self, step: &str, arguments: Value) -> Value {
        let answer = self.ask(step, arguments).await;
        answer.err().unwrap_or_else(|| panic!("{:?} did not fail at {step}", self.library))
    }

    /// Takes a step without arguments that must succeed.
    pub async fn step(&mut self, step: &str) -> Value {
        self.done(step, json!({})).await
    }
}

/// Says once of each what is not there; where continuous integration runs, that is a failure.
pub fn is_there(found: bool, what: &'static str) -> bool {
    if found {
        return true;
    }
    let line = format!("not installed: {what} as tests/clients has it; run tests/clients/install");
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
    static TOLD: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap().insert(what) {
        let _ = writeln!(std::io::stderr(), "tests of other clients are skipped, {line}");
    }
    false
}

/// Where the programs and what they need are listed.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Where `tests/clients/install` puts a library.
fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients").join(name)
}

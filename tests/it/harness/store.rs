//! The home folder of a browser, and the certificate store that stands in for its card reader.
//!
//! The store is NSS's, which Chromium and Firefox read on Linux. Cards are put in and pulled out
//! while the browser runs. Nothing of the machine is changed.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use siths_idp::dev::pki::Pki;
use siths_idp::dev::pki::card::P12_PASSWORD;
use tokio::sync::Mutex;

use super::token::Token;

/// Browsers want a whole processor to themselves.
pub static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Whether programs are installed. Where they are not, says on stderr that browser tests are
/// skipped; in continuous integration (`CI=true`) the test fails instead.
pub fn are_installed(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_found = |name: &&str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let missing: Vec<&str> = programs.iter().copied().filter(|name| !is_found(name)).collect();
    if missing.is_empty() {
        return true;
    }
    let line = format!("not installed: {}; run tests/browser/install", missing.join(", "));
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
    static TOLD: Once = Once::new();
    // Not by eprintln!, whose lines are shown of failed tests alone.
    TOLD.call_once(|| {
        let _ = writeln!(std::io::stderr(), "browser tests are skipped, {line}");
    });
    false
}

/// Where pictures are kept: `screenshots` of the target folder.
pub fn picture_file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

/// A home folder; gone when dropped.
pub struct Home {
    pub folder: PathBuf,
    store: PathBuf,
}

impl Home {
    /// A new one, whose store lies below it and trusts the servers of the PKI.
    pub fn create(store: &str, pki: &Pki) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("browser-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let home = Self { store: folder.join(store), folder };
        fs::create_dir_all(&home.store).unwrap();
        home.nss("certutil", &["-N", "--empty-password"]);
        let web_ca = pki.web_ca_pem().to_str().unwrap();
        home.nss("certutil", &["-A", "-n", "web", "-t", "C,,", "-i", web_ca]);
        home
    }

    /// Makes a card reader known to the browser.
    pub fn connect(&self) {
        let module = Token::module();
        let add = ["-force", "-add", "reader", "-libfile", module.to_str().unwrap()];
        let store = format!("sql:{}", self.store.display());
        // By its option -dbdir, and without loading the module, which wants a variable.
        run("modutil", &[&["-dbdir", &store], &add[..]].concat());
    }

    /// Puts a card in: a PKCS #12 file.
    pub fn insert(&self, p12: &Path) {
        self.nss("pk12util", &["-i", p12.to_str().unwrap(), "-W", P12_PASSWORD]);
    }

    /// Pulls every card out, certificates and keys.
    pub fn pull(&self) {
        let listed = self.nss("certutil", &["-L"]);
        let own = listed.lines().filter_map(|line| line.trim_end().strip_suffix("u,u,u"));
        for nickname in own {
            self.nss("certutil", &["-F", "-n", nickname.trim_end()]);
        }
    }

    fn nss(&self, program: &str, arguments: &[&str]) -> String {
        let store = format!("sql:{}", self.store.display());
        run(program, &[&["-d", &store], arguments].concat())
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

impl Drop for Home {
    fn drop(&mut self) {
        // The browser's last processes may still be writing: what is left lies in the target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

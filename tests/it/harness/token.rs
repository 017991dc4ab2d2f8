//! A card reader that browsers find by PKCS #11, and that wants a PIN: SoftHSM.
//!
//! Its one token stays in; what is swapped are the certificate and the key on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use siths_idp::dev::pki::Person;

pub const PROGRAMS: [&str; 3] = ["softhsm2-util", "pkcs11-tool", "modutil"];

/// What a person types.
pub const PIN: &str = "1234";

const LABEL: &str = "kort";

/// A reader with an empty card.
pub struct Token {
    folder: PathBuf,
    /// For the variable `SOFTHSM2_CONF`, of whoever loads the module.
    pub settings: PathBuf,
}

impl Token {
    pub fn create(name: &str) -> Self {
        let name = format!("token-{}-{name}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let tokens = folder.join("tokens");
        fs::create_dir_all(&tokens).unwrap();
        let settings = folder.join("softhsm2.conf");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        fs::write(&settings, text).unwrap();
        let token = Self { folder, settings };
        let init =
            ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "12345678"];
        token.run("softhsm2-util", &init);
        token
    }

    /// The module that browsers load.
    pub fn module() -> PathBuf {
        let places =
            ["/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib64/softhsm"];
        let files = places.iter().map(|place| Path::new(place).join("libsofthsm2.so"));
        files.into_iter().find(|file| file.exists()).expect("SoftHSM's module lies where it does")
    }

    /// Puts a person's card in.
    pub fn insert(&self, person: &Person) {
        let key = person.key_pem.to_str().unwrap();
        let import = ["--import", key, "--token", LABEL, "--label", "card", "--id", "01"];
        self.run("softhsm2-util", &[&import[..], &["--pin", PIN]].concat());
        let certificate = self.folder.join("certificate.der");
        fs::write(&certificate, CertificateDer::from_pem_file(&person.cert_pem).unwrap()).unwrap();
        let file = certificate.to_str().unwrap();
        // Chromium overlooks a certificate without a label.
        self.objects(&["--write-object", file, "--type", "cert", "--label", "card"]);
    }

    /// Pulls it out.
    pub fn pull(&self) {
        for kind in ["privkey", "pubkey", "cert"] {
            self.objects(&["--delete-object", "--type", kind]);
        }
    }

    fn objects(&self, arguments: &[&str]) {
        let module = Self::module();
        let of = ["--module", module.to_str().unwrap(), "--token-label", LABEL, "--id", "01"];
        let login = ["--login", "--pin", PIN];
        self.run("pkcs11-tool", &[&of[..], &login, arguments].concat());
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = Command::new(program)
            .args(arguments)
            .env("SOFTHSM2_CONF", &self.settings)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

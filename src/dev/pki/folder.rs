//! The folder of the look-alike PKI: where each file lies, and how the whole is made.
//!
//! Must never leave a folder that looks whole and is not: it is made beside and moved into place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{KeyPair, RsaKeySize};

use super::authority::{self, Authority, CaName, IssuerName};
use super::card::CardFiles;
use super::people::{Oddity, Person, ROWS};
use super::web::{self, Web};
use super::{PkiError, io_error};

/// Raised when the certificates change otherwise than by the table of people.
const VERSION: u32 = 2;

/// The PKI is made anew this long before the first of its certificates ends.
const REMAKE_BEFORE: TimeDelta = TimeDelta::days(30);

/// Holds off other processes until dropped. The lock lies beside the folder, which is replaced.
pub(super) fn lock(dir: &Path) -> Result<File, PkiError> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io_error(parent))?;
    }
    let path = dir.with_extension("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let lock = options.open(&path).map_err(io_error(&path))?;
    lock.lock().map_err(io_error(&path))?;
    Ok(lock)
}

/// Whether the folder was made by this version of the program and is not about to expire.
pub(super) fn is_current(dir: &Path, now: DateTime<Utc>) -> bool {
    let Ok(manifest) = fs::read_to_string(manifest_file(dir)) else {
        return false;
    };
    let Some((contents, made)) = manifest.trim_end().split_once(' ') else {
        return false;
    };
    let Ok(made) = made.parse::<DateTime<Utc>>() else {
        return false;
    };
    contents == fingerprint() && made <= now && now < made + web::LIFETIME - REMAKE_BEFORE
}

/// Makes the whole folder, in the place of what is there.
pub(super) fn make(dir: &Path, now: DateTime<Utc>) -> Result<(), PkiError> {
    let (draft, old) = (dir.with_extension("new"), dir.with_extension("old"));
    remove(&draft)?;
    remove(&old)?;
    fill(&draft, now)?;
    if dir.exists() {
        fs::rename(dir, &old).map_err(io_error(dir))?;
    }
    fs::rename(&draft, dir).map_err(io_error(dir))?;
    remove(&old)
}

pub(super) fn root_file(dir: &Path) -> PathBuf {
    dir.join("root.pem")
}

/// Certificate and key.
pub(super) fn ca_files(dir: &Path, name: CaName) -> (PathBuf, PathBuf) {
    match name {
        CaName::Root => (root_file(dir), dir.join("root.key.pem")),
        CaName::Issuing(name) => issuer_files(dir, name),
    }
}

/// Certificate and key.
pub(super) fn issuer_files(dir: &Path, name: IssuerName) -> (PathBuf, PathBuf) {
    let file = |end: &str| dir.join("issuers").join(format!("{}{end}", name.file_name()));
    (file(".pem"), file(".key.pem"))
}

/// The web authority, the servers' chain and its key.
pub(super) fn web_files(dir: &Path) -> [PathBuf; 3] {
    ["ca.pem", "server.pem", "server.key.pem"].map(|file| dir.join("web").join(file))
}

pub(super) fn people(dir: &Path) -> Vec<Person> {
    ROWS.iter().map(|row| row.person(dir.join("people").join(row.name))).collect()
}

fn manifest_file(dir: &Path) -> PathBuf {
    dir.join("made")
}

fn fingerprint() -> String {
    let contents = format!("{VERSION} {ROWS:?}");
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, contents.as_bytes()))
}

fn fill(dir: &Path, now: DateTime<Utc>) -> Result<(), PkiError> {
    for folder in ["", "issuers", "web", "people"] {
        private_folder(&dir.join(folder))?;
    }

    // The large keys first: they take longest.
    let large = 1 + IssuerName::ALL.len();
    let sizes = std::iter::repeat_n(RsaKeySize::_4096, large)
        .chain(std::iter::repeat_n(RsaKeySize::_2048, ROWS.len()));
    let mut keys = generate(&sizes.collect::<Vec<_>>())?;
    let card_keys = keys.split_off(large);
    let mut keys = keys.into_iter();

    let root_key = keys.next().ok_or(rcgen::Error::KeyGenerationUnavailable)?;
    write(&ca_files(dir, CaName::Root).1, root_key.serialize_pem().as_bytes())?;
    let root = authority::Root::create(root_key)?;
    write(&root_file(dir), pem("CERTIFICATE", &root.certificate).as_bytes())?;
    let mut authorities = Vec::new();
    for (name, key) in IssuerName::ALL.into_iter().zip(keys) {
        let (certificate_file, key_file) = issuer_files(dir, name);
        write(&key_file, key.serialize_pem().as_bytes())?;
        let authority = root.authority(name, key)?;
        write(&certificate_file, pem("CERTIFICATE", authority.certificate()).as_bytes())?;
        authorities.push(authority);
    }

    for ((row, person), key) in ROWS.iter().zip(people(dir)).zip(&card_keys) {
        let impostor;
        let authority = if row.oddity == Oddity::Untrusted {
            impostor = Authority::impostor(row.issuer)?;
            &impostor
        } else {
            let mut named = authorities.iter().filter(|authority| authority.name == row.issuer);
            #[expect(clippy::expect_used, reason = "there is one for each of IssuerName::ALL")]
            named.next().expect("an authority of every name")
        };
        let files = row.card(now).build_with(key, authority)?;
        let chain: String = files.chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
        private_folder(&dir.join("people").join(person.name))?;
        write(&person.cert_pem, chain.as_bytes())?;
        write(&person.key_pem, key.serialize_pem().as_bytes())?;
        write(&person.p12, &files.p12(&format!("{} ({})", person.display, person.name))?)?;
    }

    let web = Web::create(now)?;
    let [ca, chain, key] = web_files(dir);
    write(&ca, pem("CERTIFICATE", &web.authority).as_bytes())?;
    let both = pem("CERTIFICATE", &web.server) + &pem("CERTIFICATE", &web.authority);
    write(&chain, both.as_bytes())?;
    write(&key, web.key.serialize_pem().as_bytes())?;

    write(&manifest_file(dir), format!("{} {}\n", fingerprint(), now.to_rfc3339()).as_bytes())
}

/// Writes a card into a folder of its own, in place of the one before: certificates, key, and both
/// for a browser, where the key is of a kind that can be put together with them.
pub(super) fn write_card(
    dir: &Path,
    files: &CardFiles,
    name: &str,
) -> Result<Vec<PathBuf>, PkiError> {
    remove(dir)?;
    fs::create_dir_all(dir.parent().unwrap_or(dir)).map_err(io_error(dir))?;
    private_folder(dir)?;
    let [cert, key, p12] = ["cert.pem", "key.pem", "card.p12"].map(|file| dir.join(file));
    let chain: String = files.chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
    write(&cert, chain.as_bytes())?;
    write(&key, pem("PRIVATE KEY", files.key.secret_der()).as_bytes())?;
    let mut written = vec![cert, key];
    if let Ok(both) = files.p12(name) {
        write(&p12, &both)?;
        written.push(p12);
    }
    Ok(written)
}

/// RSA keys of these sizes, on all processors.
fn generate(sizes: &[RsaKeySize]) -> Result<Vec<KeyPair>, PkiError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(size) = sizes.get(index) else {
                return Ok(made);
            };
            made.push((index, authority::rsa(*size)?));
        }
    };
    let made: Result<Vec<_>, PkiError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or(Err(rcgen::Error::KeyGenerationUnavailable.into()))
            })
            .collect()
    });
    let mut made: Vec<_> = made?.into_iter().flatten().collect();
    made.sort_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, key)| key).collect())
}

/// Textual encoding (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text + &format!("-----END {label}-----\n")
}

fn write(path: &Path, contents: &[u8]) -> Result<(), PkiError> {
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(contents)).map_err(io_error(path))
}

fn private_folder(path: &Path) -> Result<(), PkiError> {
    DirBuilder::new().mode(0o700).create(path).map_err(io_error(path))
}

fn remove(path: &Path) -> Result<(), PkiError> {
    if path.exists() { fs::remove_dir_all(path).map_err(io_error(path)) } else { Ok(()) }
}

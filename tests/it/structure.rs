//! The shape of the source: who imports whom, which crate is spoken where, and what stays out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom. Everybody may import the leaves.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("audit", &[]),
    ("client_keys", &["keys"]),
    ("cli", &["config", "dev", "identity", "keys", "oidc", "pki", "serve", "store"]),
    ("config", &["identity", "proxy"]),
    (
        "dev",
        &["config", "flow", "http", "identity", "keys", "oidc", "pki", "serve", "store", "tls"],
    ),
    ("flow", &["config", "identity", "keys", "oidc", "pki", "revocation", "state", "store"]),
    ("http", &["flow", "oidc", "state", "tls"]),
    ("identity", &[]),
    ("keys", &[]),
    ("oidc", &["identity", "keys", "pki"]),
    ("pki", &["identity"]),
    ("proxy", &[]),
    ("revocation", &["config", "pki", "store"]),
    (
        "serve",
        &[
            "client_keys",
            "config",
            "http",
            "identity",
            "keys",
            "oidc",
            "pki",
            "revocation",
            "state",
            "store",
            "tls",
        ],
    ),
    ("state", &["client_keys", "config", "keys", "oidc", "pki", "revocation", "store"]),
    ("store", &["audit", "config", "identity", "keys", "oidc"]),
    ("tls", &["pki", "proxy"]),
];

const LEAVES: &[&str] =
    &["card_hosts", "clock", "error", "fetch", "named", "random", "secret", "throttle"];

/// Which modules speak of a crate.
const ONLY: &[(&str, &[&str])] = &[
    ("sqlx", &["store", "dev"]),
    ("axum", &["http", "tls", "serve", "dev"]),
    ("axum_server", &["tls", "serve", "dev"]),
    ("jsonwebtoken", &[]),
    ("x509_parser", &["pki", "dev"]),
    ("x509_ocsp", &["pki", "dev"]),
    ("x509_cert", &["pki"]),
    ("rcgen", &["dev"]),
    ("ppp", &["proxy"]),
    ("sfv", &["proxy"]),
    ("reqwest", &["dev", "fetch"]),
    ("moka", &["client_keys", "revocation"]),
    ("openidconnect", &["oidc", "dev"]),
    ("figment", &["config"]),
    ("clap", &["cli"]),
    ("askama", &["http", "dev"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder that is not ignored.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && ![".git", "target", ".dev"].contains(&name) {
            found.extend(files(&path));
        } else if path.is_file() && name != ".git" {
            found.push(path);
        }
    }
    found
}

/// The top-level module of a file of `src`.
fn module(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file: without comments, and without the tests at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.split(" // ").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn is_test(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    let folders = file.parent().unwrap().components();
    name == "tests.rs"
        || name == "testing.rs"
        || folders.rev().any(|folder| folder.as_os_str() == "tests")
}

fn sources() -> Vec<PathBuf> {
    let mut sources = files(&root().join("src"));
    sources.retain(|file| file.extension().is_some_and(|end| end == "rs") && !is_test(file));
    sources
}

/// The names that follow `crate::`, alone or in braces.
fn imported(code: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = Vec::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, text)| (at, &code[at + text.len()..]))
    {
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap();
                found.extend(group.split(',').map(|part| name(part.trim())));
            }
            None => found.push(name(rest)),
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn every_module_imports_what_it_may_and_no_more() {
    let rules: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for file in sources() {
        let module = module(&file);
        if ["lib", "main"].contains(&&*module) {
            continue;
        }
        for name in imported(&code(&file)) {
            let name = name.as_str();
            let leaf = LEAVES.contains(&name);
            let allowed = if LEAVES.contains(&&*module) {
                leaf
            } else {
                let rule = rules.get(&*module);
                leaf || rule
                    .unwrap_or_else(|| panic!("src/{module} has no rule: write one"))
                    .contains(&name)
            };
            if name != module && !allowed {
                broken.push(format!("{} imports {name}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn an_import_that_breaks_the_rules_would_be_found() {
    let found = imported("use crate::{store, http::x};\nfn f() { crate::flow::x() }");
    assert_eq!(found, ["store", "http", "flow"]);
}

#[test]
fn each_crate_is_spoken_of_where_it_belongs() {
    let mut broken = Vec::new();
    for file in sources() {
        let (module, code) = (module(&file), code(&file));
        let mut words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        let spoken: Vec<&str> = words
            .by_ref()
            .filter_map(|word| word.split_once("::").map(|(first, _)| first))
            .collect();
        for (name, modules) in ONLY {
            if spoken.contains(name) && !modules.contains(&&*module) {
                broken.push(format!("{} says {name}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn nothing_that_is_pure_has_a_clock_a_socket_or_a_task_of_its_own() {
    let mut broken = Vec::new();
    for file in sources() {
        if !["oidc", "identity", "pki", "proxy", "keys"].contains(&&*module(&file)) {
            continue;
        }
        let code = code(&file);
        for word in [
            "async fn",
            ".await",
            "tokio::",
            "TcpStream",
            "UdpSocket",
            "to_socket_addrs",
            "std::fs",
            "Clock",
            "Instant::",
        ] {
            if code.contains(word) {
                broken.push(format!("{} says {word}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn there_is_one_implementation_of_tls_and_one_of_cryptography() {
    for name in ["ring", "openssl-sys", "native-tls"] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--invert", name])
            .current_dir(root())
            .output()
            .unwrap();
        let (told, failed) =
            (String::from_utf8_lossy(&tree.stdout), String::from_utf8_lossy(&tree.stderr));
        assert!(told.is_empty(), "{name} is there:\n{told}");
        // Not there at all, or not for this machine: anything else is a tree that was not looked at.
        let looked =
            failed.contains("did not match any packages") || failed.contains("nothing to print");
        assert!(looked, "{failed}");
    }
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    // Put together here, or this file would be the first to break it.
    let words: Vec<String> = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["index.", "crates.io"],
        ["static.", "crates.io"],
        ["registry.", "npmjs"],
        ["proxy.", "golang"],
        ["artifact", "ory"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect();
    for file in files(root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for word in &words {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    for source in sources {
        assert!(source.contains("github.com/rust-lang/crates.io-index"), "{source}");
    }
}

//! `siths-idp trust`: what operators are shown of an authority, and what is refused to be believed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use serde_json::{Value, json};
use siths_idp::cli::{self, Exit, Surroundings};
use siths_idp::clock::Clock;
use siths_idp::config::{Environment, TrustFiles};
use siths_idp::random::Random;
use siths_idp::serve;

const NAME: &str = "SITHS e-id Person HSA-id 3 CA v1";
const FILE: &str = "config/trust/production/siths-e-id-person-hsa-id-3-ca-v1.pem";

/// A folder with a configuration whose root is of its own.
struct Desk {
    folder: PathBuf,
    root: Ca,
}

struct Ca {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

struct Told {
    exit: Exit,
    out: String,
    err: String,
}

impl Told {
    fn code(&self) -> String {
        assert_ne!(self.exit, Exit::Done, "{}", self.out);
        let told: Value = serde_json::from_str(&self.err).unwrap();
        told["error"]["code"].as_str().unwrap().to_owned()
    }

    fn json(&self) -> Value {
        assert_eq!(self.exit, Exit::Done, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Ca {
    fn root(name: &str) -> Self {
        let (params, key) = (params(name), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    fn under(&self, name: &str) -> Self {
        self.under_with(name, KeyPair::generate().unwrap(), |_| {})
    }

    fn under_with(
        &self,
        name: &str,
        key: KeyPair,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = params(name);
        edit(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self { params, key, der }
    }

    fn pem(&self) -> String {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn sha256(&self) -> String {
        use aws_lc_rs::digest;
        let hash = digest::digest(&digest::SHA256, &self.der);
        hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2019, 5, 15);
    params.not_after = date_time_ymd(2049, 9, 15);
    params
}

impl Desk {
    fn new() -> Self {
        let label = Random::system().label();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("desk-{label}"));
        fs::create_dir_all(folder.join("config")).unwrap();
        let desk = Self { folder, root: Ca::root("SITHS e-id Root CA v2") };
        desk.write("config/root.pem", desk.root.pem());
        desk.configure("");
        desk
    }

    fn configure(&self, rows: &str) {
        let section = format!("[trust]\nroots = [\"root.pem\"]\n{rows}");
        self.write("config/siths-idp.toml", section);
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn config(&self) -> PathBuf {
        self.folder.join("config/siths-idp.toml")
    }

    /// As a person types it, who answers the question so.
    async fn type_in(&self, arguments: &[&str], answer: &str) -> Told {
        self.run(arguments, Some(&mut Cursor::new(answer.to_owned()))).await
    }

    /// As a script runs it.
    async fn script(&self, arguments: &[&str]) -> Told {
        let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
        self.run(&arguments, None).await
    }

    async fn run(&self, arguments: &[&str], input: Option<&mut Cursor<String>>) -> Told {
        let config = self.config();
        let before = ["siths-idp", "--config", config.to_str().unwrap()];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let surroundings = Surroundings {
            clock: Clock::manual("2026-11-24T12:00:00Z".parse().unwrap()),
            random: Random::system(),
            environment: Environment::new(),
            input: input.map(|input| input as &mut (dyn std::io::BufRead + Send)),
            out: &mut out,
            err: &mut err,
        };
        let exit = cli::run(before.iter().chain(arguments).map(OsString::from), surroundings).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { exit, out: text(out), err: text(err) }
    }

    /// Every file below the configuration's folder.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.folder.join("config"), &mut found);
        found
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn kept(file: &str) -> String {
    format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn an_issuing_ca_is_shown_then_asked_about_then_put_where_the_row_names_it() {
    let desk = Desk::new();
    let ca = desk.root.under(NAME);
    let file = desk.write("from-inera.cer", &ca.der);
    let told = desk.type_in(&["trust", "add", &file], "yes\n").await;
    assert_eq!(told.exit, Exit::Done, "{}", told.err);
    for shown in [ca.sha256().as_str(), "SITHS e-id Root CA v2, in trust.roots", "hsa-id loa3"] {
        assert!(told.err.contains(shown), "{shown} before the question: {}", told.err);
    }
    assert!(desk.folder.join(FILE).exists());

    // The rows that are printed are those that a node starts with.
    let rows = told.out.split_once("[[trust.issuers]]").unwrap().1;
    let rows = rows.split_once("[[revocation.authorities]]").unwrap().0;
    desk.configure(&format!("[[trust.issuers]]{rows}"));
    let files = TrustFiles::load_with(Some(&desk.config()), &Environment::new()).unwrap();
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let trust = serve::trust::trust(&files, now).unwrap();
    assert!(format!("{trust:?}").contains(NAME));

    let before = desk.files();
    let again = desk.script(&["trust", "add", &file]).await.json();
    assert_eq!(again["outcome"], "known");
    assert_eq!(again["rows"], Value::Null);
    assert_eq!(desk.files(), before);
}

#[tokio::test]
async fn a_script_names_the_fingerprint_that_it_expects() {
    let desk = Desk::new();
    let ca = desk.root.under(NAME);
    let file = desk.write("ca.pem", ca.pem());
    let add = ["trust", "add", &file, "--yes", "--sha256", &ca.sha256().to_lowercase()];
    let told = desk.script(&add).await.json();
    assert_eq!(told["outcome"], "added");
    assert_eq!(
        told["by_name"],
        json!({ "hierarchy": "production", "kind": "hsa-id", "loa": "loa3" })
    );
    assert_eq!(told["signed_by"]["configured"], true);
    let rows = told["rows"].as_str().unwrap();
    assert!(rows.contains("http://crl1.siths.se/sithseidpersonhsaid3cav1.crl"), "{rows}");
    // A second time nothing is written, and the rows are still to be pasted.
    let again = desk.script(&add).await.json();
    assert_eq!((&again["outcome"], &again["rows"]), (&json!("there"), &told["rows"]));
}

#[tokio::test]
async fn what_will_not_do_is_refused_and_nothing_is_written() {
    let desk = Desk::new();
    let generate = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let good = desk.root.under(NAME);
    let other = desk.root.under("Another CA");
    let card = good.under_with("Anna Testsson", generate(), |params| params.is_ca = IsCa::NoCa);
    let bare = good.under_with("Anna Testsson", generate(), |params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    let expired = desk.root.under_with(NAME, generate(), |params| {
        params.not_after = date_time_ymd(2026, 11, 23);
    });
    let no_signer = desk.root.under_with(NAME, generate(), |params| {
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    });
    let impostor = Ca::root("SITHS e-id Root CA v2").under(NAME);
    let again =
        desk.root.under_with(NAME, KeyPair::from_pem(&other.key.serialize_pem()).unwrap(), |_| {});
    let configured = desk.write("config/other.pem", other.pem());
    desk.configure("[[trust.issuers]]\ncertificate = \"other.pem\"\nkind = \"function\"\n");

    let file = |name: &str, content: &[u8]| desk.write(name, content);
    let right = file("good.pem", good.pem().as_bytes());
    let both = file("both.pem", [good.pem(), other.pem()].concat().as_bytes());
    let secret = file("key.pem", (good.pem() + &good.key.serialize_pem()).as_bytes());
    let half = good.pem();
    let half = file("half.pem", &half.as_bytes()[..half.len() / 2]);
    let unnamed = file("unnamed.pem", desk.root.under("Some CA").pem().as_bytes());
    let der = |name: &str, ca: &Ca| file(name, &ca.der);
    let (print, wrong) = (good.sha256(), other.sha256());
    let yes = ["--yes", "--sha256"];
    let cases: Vec<(&str, Vec<&str>, &str)> = vec![
        (&right, vec![], "not_confirmed"),
        (&right, vec!["--sha256", &print], "not_confirmed"),
        (&right, vec!["--yes"], "usage"),
        (&right, vec![yes[0], yes[1], &wrong], "fingerprint_differs"),
        (&right, vec![yes[0], yes[1], &print[..59]], "usage"),
        (&right, vec!["--kind", "person-id"], "kind_differs"),
        (&right, vec!["--loa", "loa2"], "kind_differs"),
        (&right, vec!["--kind", "anything"], "usage"),
        (&both, vec![], "several_certificates"),
        (&secret, vec![], "private_key"),
        (&half, vec![], "certificate_unreadable"),
        (&unnamed, vec![], "kind_missing"),
        (&unnamed, vec!["--kind", "hsa-id"], "loa_missing"),
        ("/none/such.pem", vec![], "file_unreadable"),
        (&configured, vec!["--kind", "function", yes[0], yes[1], &print], "fingerprint_differs"),
    ];
    let others = [
        (file("garbage", b"no certificate"), "certificate_unreadable"),
        (file("empty", b""), "certificate_unreadable"),
        (der("card.cer", &card), "not_a_ca"),
        (der("bare.cer", &bare), "not_a_ca"),
        (der("expired.cer", &expired), "expired"),
        (der("no-signer.cer", &no_signer), "not_a_ca"),
        (der("impostor.cer", &impostor), "not_under_a_root"),
        (der("root.cer", &desk.root), "is_a_root"),
        (der("again.cer", &again), "key_known"),
        (kept("config/trust/test/test-siths-e-id-function-ca-v1.pem"), "root_not_configured"),
    ];
    let others = others.iter().map(|(file, code)| (file.as_str(), vec![], *code));
    // What is asked about is shown first.
    let told = desk.type_in(&["trust", "add", &unnamed], "").await;
    let (shown, asked) = told.err.split_once("--kind").unwrap();
    assert!(shown.contains("SHA-256  ") && shown.contains("signature verified"), "{shown}");
    assert!(asked.contains("person-id"), "{asked}");
    let before = desk.files();
    for (file, options, code) in cases.into_iter().chain(others) {
        let arguments: Vec<&str> = ["trust", "add", file].into_iter().chain(options).collect();
        let told = desk.script(&arguments).await;
        assert_eq!(told.code(), code, "{arguments:?}: {}", told.err);
        assert!(!told.err.contains("Testsson"), "{}", told.err);
        assert_eq!(desk.files(), before, "{arguments:?}");
        // Whoever says yes without looking changes nothing of that.
        if ["not_confirmed", "usage"].contains(&code) {
            continue;
        }
        let told = desk.type_in(&arguments, "yes\n").await;
        assert_ne!(told.exit, Exit::Done, "{arguments:?}");
        assert_eq!(desk.files(), before, "{arguments:?}");
    }
    for answer in ["", "\n", "no\n", "y\n", "YES\n", "yes please\n"] {
        let told = desk.type_in(&["trust", "add", &right], answer).await;
        assert_eq!(told.exit, Exit::Failed, "{answer:?}");
        assert_eq!(desk.files(), before, "{answer:?}");
    }
}

#[tokio::test]
async fn another_file_in_its_place_is_left_alone() {
    let desk = Desk::new();
    let (first, second) = (desk.root.under(NAME), desk.root.under(NAME));
    let file = desk.write("second.pem", second.pem());
    let print = second.sha256();
    let add = ["trust", "add", &file, "--yes", "--sha256", &print];
    desk.write(FILE, first.pem());
    let before = desk.files();
    assert_eq!(desk.script(&add).await.code(), "file_exists");
    assert_eq!(desk.files(), before);

    // A link leads elsewhere: nothing is written through it.
    fs::remove_file(desk.folder.join(FILE)).unwrap();
    let outside = desk.folder.join("outside.pem");
    std::os::unix::fs::symlink(&outside, desk.folder.join(FILE)).unwrap();
    assert_eq!(desk.script(&add).await.code(), "file_exists");
    assert!(!outside.exists());
}

#[tokio::test]
async fn a_ca_of_another_name_is_taken_for_what_the_operator_says() {
    let desk = Desk::new();
    let ca = desk.root.under("../../Röd CA");
    let (file, print) = (desk.write("ca.pem", ca.pem()), ca.sha256());
    let add = ["trust", "add", &file, "--kind", "person-id", "--yes", "--sha256", &print];
    let told = desk.script(&add).await.json();
    assert_eq!(told["by_name"], Value::Null);
    assert!(desk.folder.join("config/trust/other/r-d-ca.pem").exists());
    assert!(told["rows"].as_str().unwrap().contains("kind = \"person-id\""));
}

#[tokio::test]
async fn a_ca_below_another_that_is_configured_is_taken() {
    let desk = Desk::new();
    let between = desk.root.under("Between");
    let ca = between.under(NAME);
    let (file, print) = (desk.write("ca.pem", ca.pem()), ca.sha256());
    let add = ["trust", "add", &file, "--yes", "--sha256", &print];
    assert_eq!(desk.script(&add).await.code(), "not_under_a_root");
    desk.write("config/between.pem", between.pem());
    desk.write(
        "config/siths-idp.toml",
        "[trust]\nroots = [\"root.pem\"]\nintermediates = [\"between.pem\"]\n",
    );
    let told = desk.script(&add).await.json();
    assert_eq!(
        (&told["outcome"], &told["signed_by"]["name"]),
        (&json!("added"), &json!("Between"))
    );
    let listed = desk.script(&["trust", "list"]).await.json();
    assert_eq!(listed["intermediates"][0]["under"], "SITHS e-id Root CA v2");
}

#[tokio::test]
async fn nothing_is_added_without_a_configuration() {
    let desk = Desk::new();
    let file = desk.write("ca.pem", desk.root.under(NAME).pem());
    fs::remove_file(desk.config()).unwrap();
    assert_eq!(desk.script(&["trust", "add", &file]).await.code(), "config");
}

#[tokio::test]
async fn what_is_there_and_what_is_missing_is_listed() {
    let desk = Desk::new();
    // As it is shipped: the example names six, five of which come from Inera.
    let shipped = fs::read_to_string(kept("config/example.toml")).unwrap();
    desk.write("config/siths-idp.toml", &shipped);
    for name in ["siths-e-id-root-ca-v2", "siths-e-id-function-ca-v1"] {
        let name = format!("trust/production/{name}.pem");
        desk.write(&format!("config/{name}"), fs::read(kept(&format!("config/{name}"))).unwrap());
    }
    let told = desk.script(&["trust", "list"]).await;
    let warnings = told.err.lines().count();
    let told = told.json();
    assert_eq!(told["roots"][0]["readable"], true);
    let issuers = told["issuers"].as_array().unwrap();
    let readable: Vec<bool> = issuers.iter().map(|one| one["readable"] == true).collect();
    assert_eq!(readable, [false, false, false, false, false, true]);
    assert_eq!(warnings, 5);
    assert_eq!(told["missing"].as_array().unwrap().len(), 5);
    // Without the row of the one that is there, it is said to lie there.
    let row = "[[trust.issuers]]\ncertificate = \"trust/production/siths-e-id-function-ca-v1.pem\"";
    let kind_of_none = "[[trust.issuers]]\ncertificate = \"trust/production/none.pem\"";
    assert!(shipped.contains(row));
    desk.write("config/siths-idp.toml", shipped.replace(row, kind_of_none));
    let told = desk.script(&["trust", "list"]).await.json();
    let missing: Vec<(&str, &str, bool)> = told["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            (text("name"), text("row"), one["there"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        missing,
        [
            ("SITHS e-id Person HSA-id 3 CA v1", "hsa-id loa3", false),
            ("SITHS e-id Person HSA-id 2 CA v1", "hsa-id loa2", false),
            ("SITHS e-id Person ID 3 CA v1", "person-id", false),
            ("SITHS e-id Person ID 2 CA v1", "person-id", false),
            ("SITHS e-id Person ID Mobile CA v1", "mobile", false),
            ("SITHS e-id Function CA v1", "function", true),
        ]
    );
}

#[tokio::test]
async fn a_row_that_would_stop_a_node_is_warned_of() {
    let desk = Desk::new();
    let impostor = Ca::root("SITHS e-id Root CA v2").under(NAME);
    desk.write("config/impostor.pem", impostor.pem());
    let row =
        "[[trust.issuers]]\ncertificate = \"impostor.pem\"\nkind = \"hsa-id\"\nloa = \"loa3\"\n";
    desk.configure(row);
    let told = desk.script(&["trust", "list"]).await;
    assert!(told.err.contains("is not signed by a configured root"), "{}", told.err);
    assert_eq!(told.json()["issuers"][0]["under"], Value::Null);
    // And the person's certificate that somebody put there by mistake is not read out.
    let card = impostor.under_with("Anna Testsson", KeyPair::generate().unwrap(), |params| {
        params.is_ca = IsCa::NoCa;
    });
    desk.write("config/impostor.pem", card.pem());
    let told = desk.type_in(&["trust", "list"], "").await;
    assert_eq!(told.exit, Exit::Done);
    assert!(!format!("{}{}", told.out, told.err).contains("Testsson"));
}

#[tokio::test]
async fn an_authority_that_nobody_could_ask_about_is_warned_of() {
    let desk = Desk::new();
    let ca = desk.root.under(NAME);
    desk.write("config/ca.pem", ca.pem());
    desk.write("config/root-again.pem", desk.root.pem());
    let row = "[[trust.issuers]]\ncertificate = \"ca.pem\"\nkind = \"hsa-id\"\nloa = \"loa3\"\n";
    let of = |file: &str| format!("[[revocation.authorities]]\ncertificate = \"{file}\"\n");
    let off = "[revocation]\norder = \"off\"\n";
    for (rows, unasked) in [
        (String::new(), vec!["SITHS e-id Root CA v2", NAME]),
        (of("ca.pem"), vec!["SITHS e-id Root CA v2"]),
        // By key, whatever the file.
        (of("root-again.pem"), vec![NAME]),
        (of("root.pem") + &of("ca.pem"), vec![]),
        (off.to_owned(), vec![]),
    ] {
        desk.configure(&format!("{row}{rows}"));
        let told = desk.script(&["trust", "list"]).await;
        assert_eq!(told.err.lines().count(), unasked.len(), "{rows}: {}", told.err);
        let warnings = told.json()["warnings"].clone();
        let warnings: Vec<&Value> = warnings.as_array().into_iter().flatten().collect();
        for (name, warning) in unasked.iter().zip(warnings) {
            let warning = warning.as_str().unwrap();
            let said = warning.starts_with(&format!("{name} has no [[revocation.authorities]]"));
            assert!(said, "{rows}: {warning}");
        }
    }
}

#[tokio::test]
async fn cas_that_sign_each_other_are_under_no_root() {
    let desk = Desk::new();
    let lost = Ca::root("Another root").under("Lost CA");
    desk.write("config/lost.pem", lost.pem());
    desk.write("config/below.pem", lost.under(NAME).pem());
    desk.configure(
        "intermediates = [\"lost.pem\"]\n[[trust.issuers]]\ncertificate = \"below.pem\"\n\
         kind = \"hsa-id\"\nloa = \"loa3\"\n[revocation]\norder = \"off\"\n",
    );
    let told = desk.script(&["trust", "list"]).await;
    for name in ["Lost CA", NAME] {
        let warning = format!("{name} is not signed by a configured root");
        assert!(told.err.contains(&warning), "{}", told.err);
    }
    assert_eq!(told.err.lines().count(), 2, "{}", told.err);
}

#[tokio::test]
async fn the_shipped_certificates_are_those_of_the_readme() {
    let desk = Desk::new();
    let readme = fs::read_to_string(kept("config/trust/README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| {
        let (file, rest) = line.strip_prefix("| `")?.split_once('`')?;
        let print = rest.split('`').nth(1)?;
        (print.len() == 64).then(|| (file.to_owned(), print.to_lowercase()))
    });
    let rows: Vec<(String, String)> = rows.collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    for (file, print) in rows {
        let told = desk.script(&["trust", "show", &kept(&format!("config/trust/{file}"))]).await;
        let told = told.json();
        assert_eq!(told["sha256"], print, "{file}");
        // Signed by the very root that is shipped inside the program.
        assert_eq!(told["signed_by"]["shipped"], true, "{file}");
    }
}

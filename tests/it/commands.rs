//! The administrators' commands: what they refuse, what they change, and what they tell.

use std::ffi::OsString;
use std::path::PathBuf;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use rcgen::{PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};
use siths_idp::cli::{self, Exit, Surroundings};
use siths_idp::clock::Clock;
use siths_idp::config::Environment;
use siths_idp::random::Random;
use siths_idp::serve::registry;

use crate::harness::{REDIRECT_URI, TestIdp, site};

const NUMBER: &str = "189001019802";
const NEW: [&str; 6] =
    ["--hsa-id", "SE2321000222-NEW1", "--given-name", "Ny", "--family-name", "Nysson"];

/// What a command came to, and what it wrote.
pub struct Told {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl Told {
    pub fn json(&self) -> Value {
        assert_eq!(self.exit, Exit::Done, "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }

    /// The code of a refusal.
    pub fn code(&self) -> String {
        assert_ne!(self.exit, Exit::Done, "{}", self.out);
        assert_eq!(self.out, "");
        let told: Value = serde_json::from_str(&self.err).unwrap();
        told["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// Runs a command on a database, as a script does.
async fn run(url: &str, clock: Clock, arguments: &[&str]) -> Told {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let environment = [("SITHS_IDP__DATABASE__URL", url), ("SUDO_USER", "inspectable")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let surroundings = Surroundings {
        clock,
        random: Random::system(),
        environment: Environment::from(environment),
        input: None,
        out: &mut out,
        err: &mut err,
    };
    let all = ["siths-idp", "--json"].iter().chain(arguments).map(OsString::from);
    let exit = cli::run(all, surroundings).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { exit, out: text(out), err: text(err) }
}

impl TestIdp {
    /// Runs a command on the node's database, as a script does.
    pub async fn command(&self, arguments: &[&str]) -> Told {
        let url = self.site.postgres.url(&self.database());
        run(&url, self.clock.clone(), arguments).await
    }

    async fn events(&self) -> Vec<Value> {
        self.rows("select to_jsonb(e) from audit_events e order by id").await
    }
}

fn file(name: &str, content: &str) -> PathBuf {
    let label = Random::system().label();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{label}-{name}"));
    std::fs::write(&path, content).unwrap();
    path
}

fn with<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<&'a str> {
    before.iter().chain(after).copied().collect()
}

#[tokio::test]
async fn a_refusal_tells_its_code_and_changes_nothing() {
    let idp = TestIdp::start().await;
    let private = file("private.pem", &KeyPair::generate().unwrap().serialize_pem());
    let private = private.to_str().unwrap();
    let empty = file("empty.json", r#"{"keys":[]}"#);
    let empty = empty.to_str().unwrap();
    let unknown_member = file("unknown.json", r#"{"redirect_uri":"https://rp.example/"}"#);
    let unknown_member = unknown_member.to_str().unwrap();
    let client = ["clients", "add", "new", "--name", "New", "--redirect-uri", REDIRECT_URI];
    let by_key = with(&client, &["--any-user", "--auth", "private_key_jwt"]);
    let add = |facts: &[&'static str]| with(&["users", "add"], facts);
    let before = idp.tables().await;
    for (arguments, code) in [
        (vec!["users", "add"], "usage"),
        (vec!["users", "delete"], "usage"),
        (
            add(&["--hsa-id", "nonsense", "--given-name", "A", "--family-name", "B"]),
            "hsa_id_malformed",
        ),
        (
            add(&["--hsa-id", "SE2321000222-N", "--given-name", " ", "--family-name", "B"]),
            "name_missing",
        ),
        (with(&add(&NEW), &["--hsa-id", "SE2321000222-DEV1"]), "hsa_id_taken"),
        (
            with(&add(&NEW), &["--valid-from", "2026-02-01", "--valid-until", "2026-01-01"]),
            "dates_out_of_order",
        ),
        (vec!["users", "disable", "SE2321000222-NONE"], "user_unknown"),
        (vec!["users", "enable", "5b0c1f2e-0000-4000-8000-000000000000"], "user_unknown"),
        (vec!["roles", "add", "SYM FONI", "Role"], "system_malformed"),
        (vec!["roles", "add", "SYMFONI", "a;b"], "role_malformed"),
        (vec!["roles", "add", "SYMFONI"], "role_missing"),
        (
            vec!["roles", "grant", "--hsa-id", "SE2321000222-DEV1", "SYMFONI", "Ingen"],
            "role_unknown",
        ),
        (
            vec!["roles", "grant", "--hsa-id", "SE2321000222-NONE", "SYMFONI", "Handläggare"],
            "user_unknown",
        ),
        (client.to_vec(), "usage"),
        (with(&client, &["--any-user", "--system", "SYMFONI"]), "usage"),
        (with(&client, &["--system", "NONE"]), "system_unknown"),
        (
            vec![
                "clients",
                "add",
                "a b",
                "--name",
                "x",
                "--redirect-uri",
                REDIRECT_URI,
                "--any-user",
            ],
            "client_id_malformed",
        ),
        (
            vec![
                "clients",
                "add",
                "x",
                "--name",
                "x",
                "--redirect-uri",
                "http://rp.example/cb",
                "--any-user",
            ],
            "redirect_uri_refused",
        ),
        (
            vec![
                "clients",
                "add",
                "x",
                "--name",
                "x",
                "--redirect-uri",
                "https://rp.example/#f",
                "--any-user",
            ],
            "redirect_uri_refused",
        ),
        (with(&client, &["--any-user", "--public-key", private]), "public_key_refused"),
        (by_key.clone(), "client_refused"),
        (with(&by_key, &["--secret-file", "/none"]), "usage"),
        (with(&client, &["--any-user", "--metadata", unknown_member]), "metadata_refused"),
        (vec!["clients", "add", "x", "--name", "x", "--any-user"], "client_refused"),
        (with(&by_key, &["--public-key", private]), "public_key_refused"),
        (with(&by_key, &["--public-key", empty]), "public_key_refused"),
        (with(&by_key, &["--jwks-file", empty]), "public_key_refused"),
        (with(&by_key, &["--jwks-file", "/none"]), "public_key_refused"),
        (
            vec![
                "clients",
                "add",
                "demo-symfoni",
                "--name",
                "Other",
                "--redirect-uri",
                REDIRECT_URI,
                "--system",
                "SYMFONI",
            ],
            "client_differs",
        ),
        (vec!["clients", "disable", "none"], "client_unknown"),
    ] {
        let told = idp.command(&arguments).await;
        assert_eq!(told.code(), code, "{arguments:?}: {}", told.err);
        let after = idp.tables().await;
        assert!(after == before, "{arguments:?} changed something");
    }
}

#[tokio::test]
async fn a_personnummer_is_registered_nowhere_and_repeated_nowhere() {
    let idp = TestIdp::start().await;
    for typed in [NUMBER, "18900101-9802", "900101-9802", "900101+9802", "9001019802"] {
        for arguments in [
            vec!["users", "add", "--hsa-id", typed, "--given-name", "A", "--family-name", "B"],
            vec!["users", "disable", typed],
            vec!["users", "enable", typed],
            vec!["roles", "grant", "--hsa-id", typed, "SYMFONI", "Handläggare"],
            vec!["roles", "revoke", "--user", typed, "SYMFONI", "Handläggare"],
            vec!["users", "list", typed],
            vec!["users", typed],
        ] {
            let told = idp.command(&arguments).await;
            assert!(["hsa_id_malformed", "usage"].contains(&&*told.code()), "{}", told.err);
            assert!(!told.err.contains("9802"), "{}", told.err);
        }
    }
    // Four digits alone stand in a key's hexadecimal now and then.
    let written = ["9001019802", "900101-9802", "900101+9802"];
    for (table, rows) in idp.tables().await {
        assert!(!rows.iter().any(|row| written.iter().any(|text| row.contains(text))), "{table}");
    }
}

#[tokio::test]
async fn a_person_is_registered_given_a_role_and_switched_off_each_once() {
    let idp = TestIdp::start().await;
    let before = idp.events().await.len();
    let person = "SE2321000222-NEW1";
    let add = with(&["users", "add"], &NEW);
    let grant = ["roles", "grant", "--hsa-id", person, "SYMFONI", "Granskare"];
    let revoke = ["roles", "revoke", "--hsa-id", person, "SYMFONI;Granskare"];
    for (arguments, first, again) in [
        (&add[..], "added", "exists"),
        (&["roles", "add", "SYMFONI", "Granskare"], "added", "exists"),
        (&grant, "granted", "exists"),
        (&revoke, "revoked", "unchanged"),
        (&["users", "disable", person], "disabled", "unchanged"),
        (&["users", "enable", person], "enabled", "unchanged"),
    ] {
        for expected in [first, again] {
            let told = idp.command(arguments).await.json();
            assert_eq!(told["outcome"], expected, "{arguments:?}: {told}");
        }
    }
    // What changed is written down once, with who did it; what did not is not.
    let events: Vec<Value> = idp.events().await.split_off(before);
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected = [
        "user.added",
        "role.added",
        "role.granted",
        "role.revoked",
        "user.disabled",
        "user.enabled",
    ];
    assert_eq!(names, expected);
    for event in &events {
        assert!(event["details"].to_string().contains("inspectable"), "{event}");
    }
    let listed = idp.command(&["users", "list"]).await.json();
    let listed = listed["users"].as_array().unwrap();
    assert!(listed.iter().any(|user| user["hsa_ids"] == json!([person])), "{listed:?}");
}

#[tokio::test]
async fn who_is_switched_off_is_logged_out_by_the_command() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let told = idp.command(&["users", "disable", "SE2321000222-DEV1"]).await.json();
    assert_eq!((&told["sessions_ended"], &told["grants_revoked"]), (&json!(1), &json!(1)));
    let gone = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(gone.problem(idp.issuer()), "token_revoked");
    let enabled = idp.command(&["users", "enable", "SE2321000222-DEV1"]).await.json();
    assert_eq!(enabled["outcome"], "enabled");
    let gone = idp.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(gone.problem(idp.issuer()), "token_revoked");
    idp.code(&mut browser, &idp.authorize()).await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_works() {
    let idp = TestIdp::start().await;
    let add =
        ["clients", "add", "new", "--name", "New", "--redirect-uri", REDIRECT_URI, "--any-user"];
    let told = idp.command(&add).await;
    let secret = told.json()["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(told.out.matches(&secret).count(), 1);
    assert_eq!(told.err, "");
    // 256 bits in base64url.
    assert_eq!(secret.len(), 43);
    let again = idp.command(&add).await;
    assert_eq!(again.json()["outcome"], "exists");
    let listed = idp.command(&["clients", "list"]).await;
    for later in [&again, &listed] {
        assert!(!later.out.contains(&secret) && later.json()["client_secret"].is_null());
        assert!(!later.out.contains("secret_hash"));
    }
    for (table, rows) in idp.tables().await {
        assert!(!rows.iter().any(|row| row.contains(&secret)), "{table}");
    }

    registry::reload(&idp.node.app).await.unwrap();
    let request = idp.authorize().set("client_id", "new").set("scope", "openid");
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    let by = |secret: &str| idp.token_request(&code).basic(Some(("new", secret)));
    let (status, refused) = idp.token(&by("another")).await;
    assert_eq!((status, &refused["error_code"]), (401, &"client_secret_wrong".into()));
    assert_eq!(idp.token(&by(&secret)).await.0, 200);

    // Another secret ends the one before.
    let told = idp.command(&with(&add, &["--new-secret"])).await.json();
    let newer = told["client_secret"].as_str().unwrap().to_owned();
    registry::reload(&idp.node.app).await.unwrap();
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    let by = |secret: &str| idp.token_request(&code).basic(Some(("new", secret)));
    assert_eq!(idp.token(&by(&secret)).await.0, 401);
    assert_eq!(idp.token(&by(&newer)).await.0, 200);
}

#[tokio::test]
async fn a_secret_file_is_the_owners_alone_and_never_written_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let idp = TestIdp::start().await;
    let taken = file("taken", "precious");
    let path = taken.with_extension("secret");
    let add =
        ["clients", "add", "new", "--name", "New", "--redirect-uri", REDIRECT_URI, "--any-user"];
    let refused = idp.command(&with(&add, &["--secret-file", taken.to_str().unwrap()])).await;
    assert_eq!(refused.code(), "secret_file");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious");
    assert_eq!(idp.count("select count(*) from clients where id = 'new'").await, 0);

    let told = idp.command(&with(&add, &["--secret-file", path.to_str().unwrap()])).await;
    let secret = std::fs::read_to_string(&path).unwrap();
    assert!(!told.out.contains(secret.trim()) && told.json()["client_secret"].is_null());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for path in [taken, path] {
        std::fs::remove_file(path).unwrap();
    }
}

/// A key that a client may have, with what it signs by.
fn client_key(kind: &'static SignatureAlgorithm, alg: Algorithm) -> (String, EncodingKey) {
    let pair = KeyPair::generate_for(kind).unwrap();
    let pem = pair.serialize_pem();
    let signing = match alg {
        Algorithm::RS256 | Algorithm::PS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
        _ => EncodingKey::from_ec_pem(pem.as_bytes()),
    };
    (pair.public_key_pem(), signing.unwrap())
}

#[tokio::test]
async fn every_kind_of_key_that_is_registered_authenticates() {
    let idp = TestIdp::start().await;
    for (id, kind, alg) in [
        ("p256", &PKCS_ECDSA_P256_SHA256, Algorithm::ES256),
        ("p384", &PKCS_ECDSA_P384_SHA384, Algorithm::ES384),
        ("ed25519", &PKCS_ED25519, Algorithm::EdDSA),
        ("rsa", &PKCS_RSA_SHA256, Algorithm::RS256),
        ("rsa-pss", &PKCS_RSA_SHA256, Algorithm::PS256),
    ] {
        let (public, signing) = client_key(kind, alg);
        let public = file("public.pem", &public);
        let add = ["clients", "add", id, "--name", "New", "--redirect-uri", REDIRECT_URI];
        let by_key = ["--any-user", "--auth", "private_key_jwt", "--public-key"];
        let told = idp.command(&with(&with(&add, &by_key), &[public.to_str().unwrap()])).await;
        assert_eq!(told.json()["outcome"], "added");
        assert!(told.json()["client_secret"].is_null());
        registry::reload(&idp.node.app).await.unwrap();

        let request = idp.authorize().set("client_id", id).set("scope", "openid");
        let code = idp.code(&mut idp.browser("clinician"), &request).await;
        let now = idp.clock.now().timestamp();
        let claims = json!({
            "iss": id, "sub": id, "aud": idp.config.issuer_identifier(),
            "jti": Random::system().token(), "iat": now, "exp": now + 60,
        });
        let assertion = jsonwebtoken::encode(&Header::new(alg), &claims, &signing).unwrap();
        let token = idp
            .token_request(&code)
            .basic(None)
            .add("client_id", id)
            .add("client_assertion_type", crate::harness::assertion::ASSERTION_TYPE)
            .add("client_assertion", &assertion);
        let (status, tokens) = idp.token(&token).await;
        assert_eq!(status, 200, "{id}: {tokens}");
        std::fs::remove_file(public).unwrap();
    }
}

#[tokio::test]
async fn a_client_is_switched_off_and_on_by_command() {
    let idp = TestIdp::start().await;
    for (switch, outcome) in [("disable", "disabled"), ("enable", "enabled")] {
        for expected in [outcome, "unchanged"] {
            let told = idp.command(&["clients", switch, "demo-symfoni"]).await.json();
            assert_eq!(told["outcome"], expected);
        }
        registry::reload(&idp.node.app).await.unwrap();
        let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
        match switch {
            "disable" => assert_eq!(walk.error_code(), "client_unknown"),
            _ => assert!(walk.parameters().contains_key("code")),
        }
    }
}

#[tokio::test]
async fn migrate_is_safe_to_repeat_and_to_run_at_once() {
    let site = site();
    let url = site.empty_database().await;
    let told = run(&url, Clock::system(), &["users", "list"]).await;
    assert_eq!(told.code(), "unmigrated");
    let migrate = || run(&url, Clock::system(), &["migrate"]);
    let (a, b, c, d) = tokio::join!(migrate(), migrate(), migrate(), migrate());
    let told = [a, b, c, d, migrate().await].map(|told| told.json());
    let all = json!({ "migrations": migrations_there_are() });
    assert!(told.iter().all(|told| *told == all), "{told:?}");
    let listed = run(&url, Clock::system(), &["users", "list"]).await.json();
    assert_eq!(listed["users"], json!([]));
}

fn migrations_there_are() -> usize {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "sql")).count()
}

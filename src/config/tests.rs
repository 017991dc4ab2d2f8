use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use secrecy::ExposeSecret as _;

use super::*;
use crate::card_hosts::{Chooser, Label};
use crate::random::Random;

/// A folder with everything that a configuration names; gone when dropped.
pub(super) struct Installation(PathBuf);

pub(super) const FILE: &str = r#"
issuer = "https://idp.region.se"
sealing_key_file = "sealing.key"

[database]
url = "postgres://idp@localhost/idp"

[tls]
certificate = "tls.pem"
key = "tls.key"

[trust]
roots = ["root.pem"]

[[revocation.authorities]]
certificate = "root.pem"
crl = ["http://crl.example/root.crl"]
ocsp = ["http://ocsp.example"]

[[revocation.authorities]]
certificate = "ca.pem"
crl = ["http://crl.example/ca.crl"]
ocsp = ["http://ocsp.example"]

[[trust.issuers]]
certificate = "ca.pem"
kind = "hsa-id"
loa = "loa3"
"#;

impl Installation {
    pub(super) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("siths-idp-{}", Random::system().label()));
        fs::create_dir(&folder).unwrap();
        let installation = Self(folder);
        for name in ["tls.pem", "tls.key", "root.pem", "ca.pem"] {
            installation.write(name, "");
        }
        installation.write_key("sealing.key", 0o600);
        installation
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn write_key(&self, name: &str, mode: u32) {
        self.write(name, &"0a".repeat(32));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn load(
        &self,
        file: &str,
        environment: &[(&str, &str)],
    ) -> Result<Config, ConfigError> {
        self.write("siths-idp.toml", file);
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load_with(Some(&self.path("siths-idp.toml")), &environment.collect())
    }

    pub(super) fn faults(&self, file: &str) -> Vec<String> {
        self.load(file, &[]).unwrap_err().faults
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The file with one piece replaced.
fn with(old: &str, new: &str) -> String {
    assert!(FILE.contains(old), "{old}");
    FILE.replace(old, new)
}

#[test]
fn what_is_not_said_is_the_default_and_paths_are_beside_the_file() {
    let installation = Installation::new();
    let config = installation.load(FILE, &[]).unwrap();
    assert_eq!(config.issuer_identifier(), "https://idp.region.se");
    assert_eq!(
        config.card.hosts,
        CardHosts::wildcard("card.idp.region.se", Label::Always, Chooser::HsaId)
    );
    assert_eq!(config.lifetimes.session, TimeDelta::hours(8));
    assert_eq!(config.tls.certificate, installation.path("tls.pem"));
    assert_eq!(config.sealing_key.expose(), &[0x0a; 32]);
    // A machine that allows 4096 open files can be started on.
    assert!(config.limits.max_connections + config.database.max_connections as usize + 64 <= 4096);
}

#[test]
fn relying_parties_have_a_host_of_their_own_unless_it_is_switched_off() {
    let installation = Installation::new();
    let hosts = |more: &str| {
        installation.load(&format!("{FILE}\n{more}"), &[]).map(|config| config.mtls.hosts)
    };
    assert_eq!(hosts("").unwrap(), ["mtls.idp.region.se"]);
    let named = "[mtls]\nhosts = [\"system.region.se\", \"mtls.idp.region.se\"]";
    assert_eq!(hosts(named).unwrap(), ["system.region.se", "mtls.idp.region.se"]);
    assert_eq!(hosts("[mtls]\nenabled = false").unwrap(), [""; 0]);
    for (wrong, told) in [
        ("idp.region.se", "the issuer host never asks"),
        ("card.idp.region.se", "asks people for a card"),
        ("x.card.idp.region.se", "asks people for a card"),
        ("MTLS.region.se", "a host name in lower case"),
        ("*.region.se", "a host name in lower case"),
        ("192.0.2.1:443", "a host name in lower case"),
    ] {
        let faults = hosts(&format!("[mtls]\nhosts = [\"{wrong}\"]")).unwrap_err().faults;
        assert!(faults.len() == 1 && faults[0].contains(told), "{wrong}: {faults:?}");
    }
    let faults = hosts("[mtls]\nhosts = [\"a.se\", \"a.se\"]").unwrap_err().faults;
    assert!(faults.len() == 1 && faults[0].contains("named twice"), "{faults:?}");
    // Card hosts that an operator names, too.
    let cards = "[card]\nhosts = [\"c1.region.se\", \"mtls.idp.region.se\"]";
    let faults = hosts(cards).unwrap_err().faults;
    assert!(faults.len() == 1 && faults[0].contains("mtls.hosts"), "{faults:?}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let installation = Installation::new();
    let environment = [
        ("SITHS_IDP__DATABASE__URL", "postgres://other@localhost/idp"),
        ("SITHS_IDP__LISTEN", r#"["127.0.0.1:8443"]"#),
        ("SITHS_IDP__LIMITS__MAX_CONNECTIONS", "7"),
        ("SITHS_IDP_CONFIG", "elsewhere"),
        ("PATH", "/bin"),
    ];
    let config = installation.load(FILE, &environment).unwrap();
    assert_eq!(config.database.url.expose_secret(), "postgres://other@localhost/idp");
    assert_eq!(config.listen, ["127.0.0.1:8443".parse().unwrap()]);
    assert_eq!(config.limits.max_connections, 7);
}

#[test]
fn a_wrong_variable_is_named() {
    let installation = Installation::new();
    let error = installation.load(FILE, &[("SITHS_IDP__LISTEN", "[\"here\"]")]).unwrap_err();
    assert!(error.faults[0].contains("by SITHS_IDP__LISTEN"), "{error}");
    let error = installation.load(FILE, &[("SITHS_IDP__ISUER", "x")]).unwrap_err();
    assert!(error.faults[0].contains("SITHS_IDP__ISUER"), "{error}");
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let installation = Installation::new();
    for (key, meant) in [("isuer", "issuer"), ("sealing-key", "sealing_key")] {
        let faults = installation.faults(&format!("{key} = 1\n{FILE}"));
        assert_eq!(faults, [format!("{key} is no key: did you mean {meant}?")]);
    }
    let faults = installation.faults(&with("[tls]\n", "[tls]\ncertifcate = \"x\"\n"));
    assert_eq!(faults, ["tls.certifcate is no key: did you mean certificate?"]);
    let faults = installation.faults(&format!("{FILE}lao = \"loa3\"\n"));
    assert_eq!(faults, ["trust.issuers.0.lao is no key: did you mean loa?"]);
}

#[test]
fn every_fault_is_told_in_one_run() {
    let installation = Installation::new();
    let file = FILE
        .replace("https://idp.region.se", "http://idp.region.se")
        .replace("\"tls.pem\"", "\"gone.pem\"")
        + "\n[lifetimes]\nid_token = \"6m\"\nsesion = \"1h\"\nsession_idle = \"25h\"\n\
           [log]\nformat = \"jsn\"\n\
           [logout]\nkeep_trying = \"8d\"\ntimeout = \"31s\"\nauthorities = [\"inner.pem\"]\n\
           private_networks = [\"10.0.0.0/33\"]\n\
           [limits]\nmax_connections = \"many\"\n";
    let faults = installation.faults(&file).join("\n");
    for told in [
        "issuer is \"http://idp.region.se\"",
        "gone.pem",
        "lifetimes.id_token is \"6m\": expected 10s to 5m",
        "lifetimes.sesion is no key: did you mean session?",
        "lifetimes.session_idle is \"25h\": expected 10s to 24h",
        "logout.keep_trying is \"8d\": expected 1m to 7d",
        "logout.timeout is \"31s\": expected 1s to 30s",
        "inner.pem",
        "logout.private_networks is \"10.0.0.0/33\"",
        "log.format is \"jsn\": did you mean json?",
        "limits.max_connections is string \"many\"",
    ] {
        assert!(faults.contains(told), "{told} is not in\n{faults}");
    }
}

#[test]
fn claim_profiles_of_ones_own_are_read_and_their_faults_told() {
    let installation = Installation::new();
    let good = format!(
        "{FILE}\n[claim_profiles.region]\n\"urn:region:hsa\" = \"hsa_id\"\nroles = \"roles\"\n"
    );
    let config = installation.load(&good, &[]).unwrap();
    let region = &config.claim_profiles["region"];
    assert_eq!(region["urn:region:hsa"], crate::identity::fact::Fact::HsaId);
    assert_eq!(region.len(), 2);
    let bad = format!(
        "{FILE}\n[claim_profiles.inera]\nhsa = \"hsa_id\"\n[claim_profiles.own]\nsub = \"hsa_id\"\n\
         pnr = \"personnummer\"\n"
    );
    let faults = installation.faults(&bad).join("\n");
    for told in [
        "claim_profiles.inera: is built in",
        "claim_profiles.own.sub: the provider itself answers",
        "claim_profiles.own.pnr is \"personnummer\": expected given_name, family_name",
    ] {
        assert!(faults.contains(told), "{told} is not in\n{faults}");
    }
}

#[test]
fn an_empty_file_tells_all_that_is_needed() {
    let installation = Installation::new();
    let faults = installation.faults("").join("\n");
    for key in [
        "issuer",
        "sealing_key_file",
        "database.url",
        "tls.certificate",
        "tls.key",
        "trust.roots",
        "trust.issuers",
        "revocation.authorities",
    ] {
        assert!(faults.contains(&format!("{key} is missing")), "{key} is not in\n{faults}");
    }
}

#[test]
fn an_issuer_that_could_be_written_in_two_ways_is_refused() {
    let installation = Installation::new();
    for wrong in [
        "https://idp.region.se/",
        "https://IDP.region.se",
        "https://idp.region.se:443",
        "https://idp.region.se/idp",
        "https://idp.region.se?x",
        "https://idp.region.se#x",
        "https://user@idp.region.se",
        "https://192.0.2.1",
        "idp.region.se",
    ] {
        let faults = installation.faults(&with("https://idp.region.se", wrong));
        assert!(faults.len() == 1 && faults[0].contains(wrong), "{wrong}: {faults:?}");
    }
    let config =
        installation.load(&with("https://idp.region.se", "https://idp.localhost:8443"), &[]);
    assert_eq!(config.unwrap().issuer_identifier(), "https://idp.localhost:8443");
}

#[test]
fn a_sealing_key_that_others_may_read_is_refused_with_what_to_type() {
    let installation = Installation::new();
    for mode in [0o640, 0o604, 0o660, 0o620] {
        installation.write_key("sealing.key", mode);
        let faults = installation.faults(FILE);
        assert!(faults.len() == 1 && faults[0].contains("chmod 600 "), "{mode:o}: {faults:?}");
    }
    installation.write_key("sealing.key", 0o400);
    assert!(installation.load(FILE, &[]).is_ok());
}

#[test]
fn a_sealing_key_that_is_missing_is_refused_with_what_to_type() {
    let installation = Installation::new();
    fs::remove_file(installation.path("sealing.key")).unwrap();
    let path = installation.path("sealing.key").display().to_string();
    let type_this = format!("(umask 077; openssl rand -hex 32 > {path})");
    assert!(installation.faults(FILE)[0].contains(&type_this));
    let none = with("sealing_key_file = \"sealing.key\"", "");
    assert!(
        installation.faults(&none)[0]
            .contains("(umask 077; openssl rand -hex 32 > keys/sealing.key)")
    );
    let by_environment = [("SITHS_IDP__SEALING_KEY", "11".repeat(32))];
    let by_environment = by_environment.each_ref().map(|(name, key)| (*name, key.as_str()));
    assert_eq!(
        installation.load(&none, &by_environment).unwrap().sealing_key.expose(),
        &[0x11; 32]
    );
}

#[test]
fn secrets_are_repeated_neither_in_faults_nor_in_debug_output() {
    let installation = Installation::new();
    let wrong = with("postgres://idp@localhost/idp", "mysql://idp:hunter2@localhost/idp");
    assert!(!installation.load(&wrong, &[]).unwrap_err().to_string().contains("hunter2"));
    let wrong = format!("sealing_key = \"hunter2\"\n{FILE}");
    assert!(!installation.load(&wrong, &[]).unwrap_err().to_string().contains("hunter2"));
    let right = with("postgres://idp@localhost/idp", "postgres://idp:hunter2@localhost/idp");
    let config = installation.load(&right, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_database_address_comes_from_a_file_where_one_is_named() {
    let installation = Installation::new();
    installation.write("database.url", "postgres://idp:pw@localhost/idp\n");
    let file = with("url = \"postgres://idp@localhost/idp\"", "url_file = \"database.url\"");
    let config = installation.load(&file, &[]).unwrap();
    assert_eq!(config.database.url.expose_secret(), "postgres://idp:pw@localhost/idp");
}

#[test]
fn one_database_connection_is_too_few() {
    let installation = Installation::new();
    let file = |number: u32| with("[tls]\n", &format!("max_connections = {number}\n\n[tls]\n"));
    for wrong in [0, 1, 1001] {
        let faults = installation.faults(&file(wrong));
        let told = format!("database.max_connections is \"{wrong}\": expected 2 to 1000");
        assert!(faults.len() == 1 && faults[0].starts_with(&told), "{faults:?}");
    }
    assert_eq!(installation.load(&file(2), &[]).unwrap().database.max_connections, 2);
}

#[test]
fn card_hosts_are_none_or_at_least_two_others_than_the_issuer() {
    let installation = Installation::new();
    let hosts = |hosts: &str| format!("{FILE}\n[card]\nhosts = {hosts}\n");
    for wrong in [
        r#"["card.region.se"]"#,
        r#"["idp.region.se", "card.region.se"]"#,
        r#"["card.region.se", "card.region.se"]"#,
        r#"["CARD.region.se", "card2.region.se"]"#,
        r#"["*.region.se", "card.region.se"]"#,
    ] {
        assert_eq!(installation.faults(&hosts(wrong)).len(), 1, "{wrong}");
    }
    let config = installation.load(&hosts(r#"["a.region.se", "b.region.se"]"#), &[]).unwrap();
    let names = ["a.region.se", "b.region.se"].map(String::from);
    let fixed = CardHosts::fixed(&names, &[], Chooser::HsaId);
    assert_eq!(config.card.hosts, fixed);
    let neither = format!("{FILE}\n[card]\ntls12 = false\ntls13 = false\n");
    assert_eq!(installation.faults(&neither), ["card: tls12 or tls13 must be true"]);
}

#[test]
fn what_the_choosers_of_card_hosts_show_is_configured_and_must_make_sense() {
    let installation = Installation::new();
    let card = |lines: &str| format!("{FILE}\n[card]\n{lines}\n");
    let hosts = |lines: &str| installation.load(&card(lines), &[]).unwrap().card.hosts;
    let parent = "card.idp.region.se";
    for chooser in Chooser::ALL {
        let expected = CardHosts::wildcard(parent, Label::Always, chooser);
        assert_eq!(hosts(&format!("chooser = \"{chooser}\"")), expected);
    }
    for label in Label::ALL {
        let expected = CardHosts::wildcard(parent, label, Chooser::HsaId);
        assert_eq!(hosts(&format!("label = \"{label}\"")), expected);
    }
    let [two, wider] = [["a.region.se", "b.region.se"], ["c.region.se", "d.region.se"]];
    let both = format!("hosts = {two:?}\nwider_hosts = {wider:?}\nchooser = \"siths\"");
    let expected =
        CardHosts::fixed(&two.map(String::from), &wider.map(String::from), Chooser::Siths);
    assert_eq!(hosts(&both), expected);
    for (lines, key) in [
        ("chooser = \"all\"".to_owned(), "card.chooser"),
        ("label = \"never\"".to_owned(), "card.label"),
        (format!("hosts = {two:?}\nlabel = \"retry\""), "card.label"),
        (format!("hosts = {two:?}\nlabel = \"always\""), "card.label"),
        (format!("wider_hosts = {wider:?}"), "card.wider_hosts"),
        (format!("hosts = {two:?}\nwider_hosts = [\"c.region.se\"]"), "card.wider_hosts"),
        (
            format!("hosts = {two:?}\nwider_hosts = [\"a.region.se\", \"c.region.se\"]"),
            "card.wider_hosts",
        ),
        (
            format!("hosts = {two:?}\nwider_hosts = [\"idp.region.se\", \"c.region.se\"]"),
            "card.wider_hosts",
        ),
        (both.replace("siths", "any"), "card.wider_hosts"),
    ] {
        let faults = installation.faults(&card(&lines));
        assert!(faults.len() == 1 && faults[0].starts_with(key), "{lines}: {faults:?}");
    }
}

#[test]
fn who_may_log_in_has_a_level_of_assurance() {
    let installation = Installation::new();
    let faults = installation.faults(&with("loa = \"loa3\"", ""));
    assert!(faults.len() == 1 && faults[0].starts_with("trust.issuers.0.loa is missing"));
    let policies = "[[trust.issuers.policies]]\noid = \"1.2.752.74.8.512\"\nkind = \"hsa-id\"\n";
    // Also where each policy has one: a certificate may have none of the policies.
    let file = format!("{}{policies}loa = \"loa3\"\n", with("loa = \"loa3\"", ""));
    let faults = installation.faults(&file);
    assert!(faults.len() == 1 && faults[0].starts_with("trust.issuers.0.loa is missing"));
    let other = with("\"hsa-id\"\nloa = \"loa3\"", "\"mobile\"");
    assert!(installation.load(&other, &[]).is_ok());
    let faults = installation.faults(&format!("{other}{policies}"));
    assert!(faults.len() == 1 && faults[0].starts_with("trust.issuers.0.policies.0.loa"));
    // A policy has its issuer's.
    assert!(installation.load(&format!("{FILE}{policies}"), &[]).is_ok());
    let policies = policies.replace("hsa-id", "mobile");
    let config = installation.load(&format!("{FILE}{policies}loa = \"loa3\"\n"), &[]).unwrap();
    assert_eq!(config.trust.issuers[0].policies[0].kind, IssuerKind::Mobile);
    let faults =
        installation.faults(&format!("{FILE}{policies}loa = \"loa3\"\n").replace("1.2.", "1..2."));
    assert!(faults[0].starts_with("trust.issuers.0.policies.0.oid"));
}

#[test]
fn a_missing_ca_is_told_with_where_to_get_it() {
    let installation = Installation::new();
    for file in ["root.pem", "ca.pem"] {
        let faults = installation.faults(&with(file, "gone.pem"));
        let told = faults.len() == 1 && faults[0].contains("gone.pem");
        assert!(told && faults[0].contains("config/trust/README.md says where to get it"));
    }
}

#[test]
fn a_missing_part_of_an_issuer_is_told() {
    let installation = Installation::new();
    let faults = installation.faults(&with("kind = \"hsa-id\"", "")).join("\n");
    assert!(faults.contains("trust.issuers.0: kind is missing"), "{faults}");
}

#[test]
fn administrators_need_the_database_alone() {
    let environment =
        [("SITHS_IDP__DATABASE__URL".to_owned(), "postgres://i@localhost/i".to_owned())];
    assert!(Administration::load_with(None, &environment.into()).is_ok());
    let error = Administration::load_with(None, &Environment::new()).unwrap_err();
    assert!(error.faults[0].contains("SITHS_IDP__DATABASE__URL"));
}

#[test]
fn the_example_can_be_started_from() {
    let installation = Installation::new();
    let example = include_str!("../../config/example.toml");
    for quoted in example.lines().filter(|line| !line.starts_with('#')).flat_map(|l| l.split('"')) {
        if quoted.ends_with(".pem") || quoted.ends_with("tls.key") {
            installation.write(&format!("config/{quoted}"), "");
        }
    }
    installation.write_key("keys/sealing.key", 0o600);
    installation.write("config/siths-idp.toml", example);
    let path = installation.path("config/siths-idp.toml");
    let config = Config::load_with(Some(&path), &Environment::new()).unwrap();
    assert_eq!(config.trust.issuers.len(), 6);
    assert!(config.trust.intermediates.is_empty());
    // Whoever is trusted has a row, and no row is for somebody else.
    let rows: Vec<_> = config.revocation.authorities.iter().map(|row| &row.certificate).collect();
    let issuers = config.trust.issuers.iter().map(|issuer| &issuer.certificate);
    assert_eq!(rows, config.trust.roots.iter().chain(issuers).collect::<Vec<_>>());
}

/// The file with more in `[revocation]`, and in the row of the issuing CA.
fn revocation(section: &str, row: &str) -> String {
    let row = with(
        "crl = [\"http://crl.example/ca.crl\"]\nocsp = [\"http://ocsp.example\"]\n",
        &format!("{row}\n"),
    );
    row.replacen("[[revocation", &format!("[revocation]\n{section}\n\n[[revocation"), 1)
}

#[test]
fn an_authority_has_the_section_s_settings_and_its_own() {
    let installation = Installation::new();
    let file = revocation(
        "grace = \"12h\"\nrefresh = \"30m\"\nnonce = \"off\"",
        "order = \"crl\"\ngrace = \"0s\"\nmax_crl_entries = 7\ncrl = [\"https://one.example/a\", \"http://two.example/a\"]",
    );
    let revocation = installation.load(&file, &[]).unwrap().revocation;
    let [root, issuing] = revocation.authorities.as_slice() else { panic!("{revocation:?}") };
    assert_eq!(root.settings.order, RevocationOrder::OcspThenCrl);
    assert_eq!(root.settings.grace, TimeDelta::hours(12));
    assert_eq!(root.settings.nonce, OcspNonce::Off);
    assert_eq!(issuing.settings.order, RevocationOrder::Crl);
    assert_eq!(issuing.settings.grace, TimeDelta::zero());
    assert_eq!(issuing.settings.refresh, TimeDelta::minutes(30));
    assert_eq!(issuing.settings.max_crl_entries, 7);
    assert_eq!(issuing.crl.len(), 2);
    assert!(issuing.ocsp.is_empty());
    // A file of 40 MB with a million entries is taken where nothing is said.
    assert!(root.settings.max_crl_bytes > 40_000_000);
    assert!(root.settings.max_crl_entries > 1_000_000);
}

#[test]
fn a_source_that_is_to_be_asked_has_an_address_that_can_be_fetched_from() {
    let installation = Installation::new();
    for (section, row, told) in [
        ("", "crl = [\"http://a.example\"]", "revocation.authorities.1.ocsp is missing"),
        ("", "ocsp = [\"http://a.example\"]", "revocation.authorities.1.crl is missing"),
        ("", "order = \"crl\"", "revocation.authorities.1.crl is missing"),
        ("", "order = \"ocsp\"\nocsp = [\"ldap://a.example\"]", "expected http or https"),
        ("", "order = \"ocsp\"\nocsp = [\"http://u:p@a.example\"]", "expected http or https"),
        ("", "order = \"ocsp\"\nocsp = [\"http://10.1.2.3/\"]", "revocation.private_networks"),
        ("", "order = \"ocsp\"\nocsp = [\"http://[::1]/\"]", "revocation.private_networks"),
        ("private_networks = [\"10\"]", "order = \"off\"", "expected a network"),
        ("grace = \"31d\"", "order = \"off\"", "revocation.grace is"),
        ("ocsp_timeout = \"10m\"", "order = \"off\"", "revocation.ocsp_timeout is"),
        ("max_crl_bytes = 0", "order = \"off\"", "revocation.max_crl_bytes is"),
        ("max_crl_bytes = 268435456", "order = \"off\"", "expected 1 to 268435455"),
        ("order = \"none\"", "order = \"off\"", "revocation.order is"),
        ("", "order = \"off\"\nrefresh = \"1s\"", "revocation.authorities.1.refresh is"),
    ] {
        let faults = installation.faults(&revocation(section, row)).join("\n");
        assert!(faults.contains(told), "{section} {row}: {faults}");
    }
    let inner = "private_networks = [\"10.0.0.0/8\"]";
    let row = "order = \"ocsp\"\nocsp = [\"http://10.1.2.3/\"]";
    assert!(installation.load(&revocation(inner, row), &[]).is_ok());
    let twice = with("certificate = \"ca.pem\"\ncrl", "certificate = \"root.pem\"\ncrl");
    assert!(installation.faults(&twice)[0].contains("has a row already"));
}

#[test]
fn without_authorities_revocation_is_off_by_being_said_alone() {
    let installation = Installation::new();
    let start = FILE.find("[[revocation").unwrap();
    let end = FILE.find("[[trust.issuers").unwrap();
    let none = format!("{}{}", &FILE[..start], &FILE[end..]);
    let faults = installation.faults(&none);
    assert!(faults.len() == 1 && faults[0].starts_with("revocation.authorities is missing"));
    let off = none.replace("[trust]", "[revocation]\norder = \"off\"\n\n[trust]");
    assert_eq!(
        installation.load(&off, &[]).unwrap().revocation.defaults.order,
        RevocationOrder::Off
    );
}

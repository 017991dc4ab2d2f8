//! What operators meet: starting, standing beside other versions, forgetting in time.

use std::ffi::OsString;

use chrono::{TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use siths_idp::cli::{self, Exit, Surroundings};
use siths_idp::clock::Clock;
use siths_idp::config::Config;
use siths_idp::dev::seed;
use siths_idp::random::Random;
use siths_idp::serve;
use siths_idp::store::{self, housekeeping};

use crate::harness::{TestIdp, site};

/// What a command came to, and what it wrote: its result, its errors.
async fn command(idp: &TestIdp, arguments: &[&str]) -> (Exit, String, String) {
    let url = idp.config.database.url.expose_secret().to_owned();
    let (mut out, mut err) = (vec![], vec![]);
    let surroundings = Surroundings {
        clock: idp.clock.clone(),
        random: Random::system(),
        environment: [("SITHS_IDP__DATABASE__URL".to_owned(), url)].into(),
        input: None,
        out: &mut out,
        err: &mut err,
    };
    let arguments = ["siths-idp", "--json"].iter().chain(arguments).map(OsString::from);
    let exit = cli::run(arguments, surroundings).await;
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn two_database_connections_are_enough_to_serve() {
    let idp = TestIdp::start_with(|config| config.database.max_connections = 2).await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    idp.register(|client| client.name = "Told of".to_owned()).await;
    idp.login_tokens(&idp.authorize()).await;
}

#[tokio::test]
async fn a_registered_person_gets_another_name_only_where_that_is_meant() {
    let idp = TestIdp::start().await;
    let named = |given| {
        [
            "users",
            "add",
            "--hsa-id",
            "SE2321000222-A1B2",
            "--family-name",
            "Ek",
            "--given-name",
            given,
        ]
    };
    assert_eq!(command(&idp, &named("Eva")).await.0, Exit::Done);
    let before = idp.tables().await;
    let (exit, out, err) = command(&idp, &named("Åsa")).await;
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    assert!(err.contains("\"user_differs\""), "{err}");
    assert_eq!(idp.tables().await, before);
    let (exit, out, err) = command(&idp, &[&named("Åsa")[..], &["--update"]].concat()).await;
    assert!(exit == Exit::Done && out.contains("\"updated\""), "{out}{err}");
    let (exit, out, err) = command(&idp, &named("Åsa")).await;
    assert!(exit == Exit::Done && out.contains("\"exists\""), "{out}{err}");
}

/// The constraint that a statement breaks.
async fn broken(idp: &TestIdp, statement: &'static str) -> String {
    let refused = sqlx::query(statement).execute(idp.pool()).await.unwrap_err();
    refused.as_database_error().and_then(|error| error.constraint()).unwrap().to_owned()
}

#[tokio::test]
async fn session_grant_and_code_are_of_one_person_and_one_client() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "other".to_owned()).await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let of_another = "update grants set user_id = (
            select id from users where id <> grants.user_id limit 1
        )";
    assert_eq!(broken(&idp, of_another).await, "grants_session_of_user");
    let to_another = "update codes set client_id = 'other'";
    assert_eq!(broken(&idp, to_another).await, "codes_grant_of_client");
}

#[tokio::test]
async fn people_with_logins_or_roles_cannot_be_deleted() {
    let idp = TestIdp::start().await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let deletion = "delete from users where given_name = 'Anna'";
    assert_eq!(broken(&idp, deletion).await, "role_grants_user_id_fkey");
    idp.sql("delete from role_grants").await;
    assert_eq!(broken(&idp, deletion).await, "sessions_user_id_fkey");
}

#[tokio::test]
async fn sessions_and_attempts_are_forgotten_in_time_and_the_audit_trail_is_not() {
    let idp = TestIdp::start().await;
    idp.login_tokens(&idp.authorize()).await;
    let before = idp.tables().await;
    let kept = async |hours: i64, table: &str| {
        let now = idp.clock.now() + TimeDelta::hours(hours);
        housekeeping::run(idp.pool(), now).await.unwrap();
        let before = now - idp.config.lifetimes.attempts;
        housekeeping::forget_attempts(idp.pool(), before).await.unwrap();
        idp.tables().await[table].len()
    };
    // A session ends after eight hours.
    assert_eq!(kept(31, "sessions").await, 1);
    assert_eq!(kept(31, "grants").await, 1);
    assert_eq!(kept(33, "sessions").await, 0);
    assert_eq!(kept(33, "grants").await, 0);
    assert_eq!(kept(90 * 24 - 1, "login_attempts").await, 1);
    assert_eq!(kept(90 * 24 + 1, "login_attempts").await, 0);
    assert_eq!(idp.tables().await["audit_events"], before["audit_events"]);
}

/// What a node with a database says that does not start, by a clock that is `behind`.
async fn refusal(config: &Config, behind: TimeDelta) -> Option<String> {
    let clock = Clock::manual(Utc::now() - behind);
    match serve::start(config, clock, Random::system(), Vec::new()).await {
        Ok(node) => {
            node.stop().await;
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

/// A configuration with a database of its own, after a statement.
async fn configured(statement: &'static str) -> Config {
    let site = site();
    let config = site.config(443, site.database().await);
    let pool = store::connect(&config.database).await.unwrap();
    sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    pool.close().await;
    config
}

#[tokio::test]
async fn a_clock_that_is_behind_takes_the_first_key_of_another_node() {
    let config = configured("delete from signing_keys where alg = 'ES256'").await;
    assert_eq!(refusal(&config, TimeDelta::zero()).await, None);
    assert_eq!(refusal(&config, TimeDelta::seconds(50)).await, None);
}

#[tokio::test]
async fn an_installation_that_is_updated_gets_the_keys_that_it_lacks_and_keeps_those_it_has() {
    let config = configured(
        "delete from signing_keys where alg not in ('ES256', 'RS256'); delete from pairwise_salt;",
    )
    .await;
    let pool = store::connect(&config.database).await.unwrap();
    let keys = async || -> Vec<(String, String)> {
        sqlx::query_as("select alg, kid from signing_keys").fetch_all(&pool).await.unwrap()
    };
    let before = keys().await;
    assert_eq!(refusal(&config, TimeDelta::zero()).await, None);
    let after = keys().await;
    assert_eq!((before.len(), after.len()), (2, 7));
    assert!(before.iter().all(|key| after.contains(key)));
}

/// A newer version may have made it, and run beside.
#[tokio::test]
async fn a_key_of_an_unknown_algorithm_stands_in_nobodys_way() {
    let config = configured(
        "alter table signing_keys drop constraint signing_keys_alg_known;
        insert into signing_keys
            (kid, alg, public_jwk, sealed_private_key, publish_at, activate_at, created_at)
        values ('new', 'ML-DSA-44', '{}', '', now(), now(), now())",
    )
    .await;
    assert_eq!(refusal(&config, TimeDelta::zero()).await, None);
}

#[tokio::test]
async fn a_node_that_could_not_sign_does_not_start() {
    let config = configured("delete from signing_keys where alg = 'ES256'").await;
    assert_eq!(refusal(&config, TimeDelta::zero()).await, None);
    let told = refusal(&config, TimeDelta::hours(1)).await.expect("it does not start");
    assert!(told.contains("no signing key for ") && told.contains("NTP"), "{told}");
}

#[tokio::test]
async fn a_statement_is_not_waited_for_without_end() {
    let idp = TestIdp::start().await;
    for (setting, expected) in
        [("statement_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s")]
    {
        let set: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(idp.pool())
            .await
            .unwrap();
        assert_eq!(set, expected, "{setting}");
    }
}

#[tokio::test]
async fn a_client_that_this_version_does_not_understand_stands_in_no_others_way() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "newer".to_owned()).await;
    idp.sql("alter table clients drop constraint clients_pkce_known").await;
    idp.sql("update clients set pkce = 'by-a-later-version' where id = 'newer'").await;
    idp.until(|app| app.client("newer").is_none()).await;
    idp.register(|client| client.name = "Told of".to_owned()).await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    // An administrator is told which it is.
    let (exit, _, err) = command(&idp, &["clients", "list"]).await;
    assert!(exit == Exit::Failed && err.contains("client newer has a pkce"), "{err}");
}

#[tokio::test]
async fn a_node_starts_on_its_own_schema_or_a_later_one() {
    for (statement, expected) in [
        ("drop table _sqlx_migrations", "siths-idp migrate"),
        ("delete from _sqlx_migrations where version = 6", "lacks migration 6"),
        ("update _sqlx_migrations set success = false where version = 3", "siths-idp migrate"),
        ("update _sqlx_migrations set checksum = 'x' where version = 2", "with another text"),
        ("delete from _sqlx_migrations; drop table login_attempts", "siths-idp migrate"),
    ] {
        let told = refusal(&configured(statement).await, TimeDelta::zero()).await;
        let told = told.unwrap_or_else(|| panic!("it starts after: {statement}"));
        assert!(told.contains(expected), "{statement}: {told}");
    }
    let config = configured(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (9999, 'of the next version', true, 'x', 0)",
    )
    .await;
    assert_eq!(refusal(&config, TimeDelta::zero()).await, None);
    let url = site().empty_database().await;
    let told = refusal(&site().config(443, url), TimeDelta::zero()).await;
    assert!(told.is_some_and(|told| told.contains("siths-idp migrate")));
}

#[tokio::test]
async fn a_node_that_may_not_open_as_many_files_as_connections_does_not_start() {
    let mut config = configured("").await;
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.limits.max_connections = 1 << 40;
    let serving = serve::run(&config, Clock::manual(Utc::now()), Random::system());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), serving).await;
    let told = ended.expect("it does not serve").unwrap_err().to_string();
    assert!(told.contains("1099511627860 open files") && told.contains("LimitNOFILE="), "{told}");
}

#[tokio::test]
async fn dev_writes_to_no_database_with_people_of_others() {
    let idp = TestIdp::start().await;
    seed::holds_nobody_else(idp.pool(), idp.pki()).await.unwrap();
    let add = ["users", "add", "--hsa-id", "SE2321000222-A1B2", "--given-name", "Eva"];
    command(&idp, &[&add[..], &["--family-name", "Ek"]].concat()).await;
    let told = seed::holds_nobody_else(idp.pool(), idp.pki()).await.unwrap_err().to_string();
    assert!(told.contains("people whom dev did not make (1)"), "{told}");
    let empty = site().config(443, site().empty_database().await);
    let pool = store::connect(&empty.database).await.unwrap();
    seed::holds_nobody_else(&pool, idp.pki()).await.unwrap();
}

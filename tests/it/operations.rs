//! What operators meet: starting, standing beside other versions, forgetting in time.

use std::ffi::OsString;

use secrecy::ExposeSecret as _;
use siths_idp::cli::{self, Exit, Surroundings};
use siths_idp::random::Random;

use crate::harness::TestIdp;

/// What a command came to, and what it wrote: its result, its errors.
async fn command(idp: &TestIdp, arguments: &[&str]) -> (Exit, String, String) {
    let url = idp.config.database.url.expose_secret().to_owned();
    let (mut out, mut err) = (vec![], vec![]);
    let surroundings = Surroundings {
        clock: idp.clock.clone(),
        random: Random::system(),
        environment: [("SITHS_IDP__DATABASE__URL".to_owned(), url)].into(),
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

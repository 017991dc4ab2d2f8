//! `dev`: a throw-away installation, started whole and ended whole.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum_server::Handle;
use chrono::{DateTime, TimeDelta, Utc};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::demo;
use super::folder::Folder;
use super::installation::{DEMO_HOST, ISSUER_HOST, Site, config};
use super::pki::Pki;
use super::pki::card::P12_PASSWORD;
use super::postgres::{self, PostgresError, Server};
use super::relying_party::Registered;
use super::responder::Responder;
use super::seed;
use crate::clock::Clock;
use crate::random::Random;
use crate::serve::{self, Node};
use crate::store::{self, PgPool};

/// What is asked of `dev`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that stays between starts.
    pub folder: PathBuf,
    /// A database of one's own.
    pub database_url: Option<String>,
    /// Keep the data of the database it starts.
    pub keep: bool,
    /// Install PostgreSQL where there is none.
    pub install_postgres: bool,
    /// The port of the provider.
    pub port: u16,
    /// The port of Demo-Symfoni.
    pub demo_port: u16,
    /// The port of revocation lists and OCSP.
    pub status_port: u16,
}

/// A throw-away installation that runs.
pub struct Installation {
    /// The provider.
    pub node: Node,
    /// The look-alike PKI.
    pub pki: Pki,
    /// Demo-Symfoni as it is registered.
    pub registered: Registered,
    /// Revocation lists and OCSP.
    pub responder: Responder,
    demo: Handle<SocketAddr>,
    // Ended last: dropping it stops the server and removes its folder.
    _postgres: Option<Server>,
}

/// Starts a throw-away installation on ports that are free (0: any).
///
/// # Errors
/// With what to do about it: no PostgreSQL, a port in use, a folder that cannot be written.
pub async fn start(options: &Options) -> anyhow::Result<Installation> {
    let (clock, random) = (Clock::system(), Random::system());
    let listener = bind(options.port, "--port")?;
    let demo_listener = bind(options.demo_port, "--demo-port")?;
    let status_listener = bind(options.status_port, "--status-port")?;
    let folder = Folder::open(&options.folder)
        .with_context(|| format!("the folder {}", options.folder.display()))?;

    // The PKI and the database take their time the first time, and wait for nothing of each other.
    let now = clock.now();
    let pki_folder = folder.pki();
    let pki = tokio::task::spawn_blocking(move || Pki::load_or_create(&pki_folder, now));
    let (postgres, database_url) = database(options, &folder).await?;
    let pki = pki.await?.context("the look-alike PKI")?;

    let responder = Responder::start(status_listener, &pki, clock.clone())?;
    let port = listener.local_addr()?.port();
    let demo_port = demo_listener.local_addr()?.port();
    let sealing_key = folder.sealing_key(&random)?;
    let site = Site { port, database_url, pki: &pki, responder: Some(&responder), sealing_key };
    let mut config = config(site)?;
    for authority in &mut config.revocation.authorities {
        authority.settings.ocsp_max_age = OCSP_MAX_AGE;
    }
    let pool = store::connect(&config.database).await?;
    if options.database_url.is_some() {
        // Before the first change: it may have been typed for another.
        seed::holds_nobody_else(&pool, &pki).await?;
    }
    store::migrate::run(&pool).await?;
    seed::people(&pool, &pki, &random, now).await?;
    let secret = folder.client_secret(&random)?;
    let redirect_uri = demo::redirect_uri(demo_port);
    let mut client = seed::demo_client(&redirect_uri, &secret);
    demo::register_logout(&mut client.metadata, demo_port);
    seed::client(&pool, &client, now).await?;
    seed::client(&pool, &seed::demo_system(&redirect_uri), now).await?;
    pool.close().await;

    let registered = Registered {
        issuer: config.issuer_identifier().to_owned(),
        client_id: seed::CLIENT_ID.to_owned(),
        client_secret: secret,
        redirect_uri,
    };
    let node = serve::start(&config, clock, random, vec![listener]).await?;
    let (app, mut switched) = (node.app.clone(), responder.switched());
    tokio::spawn(async move {
        while let Some(done) = switched.recv().await {
            let forgotten = forget_lists(&app.pool, app.clock.now()).await;
            let asked = app.revocation.begin_anew(PATIENCE).await;
            if let Err(error) = forgotten.and(asked.map_err(Into::into)) {
                tracing::warn!(%error, "revocation lists are not fetched anew");
            }
            let _ = done.send(());
        }
    });
    let demo = Handle::new();
    let serving = demo::serve(demo_listener, &pki, registered.clone(), demo.clone())?;
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "Demo-Symfoni ended");
        }
    });
    Ok(Installation { node, pki, registered, responder, demo, _postgres: postgres })
}

/// What was heard of revocation before something was switched is forgotten, so that it shows at
/// once: lists live for a day, and one that is current is never given up for a stale one.
async fn forget_lists(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<()> {
    let forget = "update revocation_lists set der = null, sha256 = null, number = null, \
                  this_update = null, next_update = null, source = null, etag = null, \
                  last_modified = null, confirmed_at = null, failures = 0, last_error = null, \
                  fetch_after = $1";
    sqlx::query(forget).bind(now).execute(pool).await?;
    Ok(())
}

impl Installation {
    /// Ends it whole.
    pub async fn stop(self) {
        self.demo.shutdown();
        self.node.stop().await;
    }
}

/// Runs until Ctrl-C or SIGTERM.
///
/// # Errors
/// As [`start`], or when nothing can be written to `out`.
pub async fn run(options: &Options, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let began = Instant::now();
    if !options.folder.join("pki").exists() {
        writeln!(out, "Making keys and cards, once: a few seconds …")?;
    }
    let installation = start(options).await?;
    write!(out, "{}", welcome(&installation, options, began.elapsed().as_millis()))?;
    out.flush()?;
    serve::told_to_stop().await;
    writeln!(out, "\nStopping.")?;
    installation.stop().await;
    Ok(())
}

fn bind(port: u16, option: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = TcpListener::bind(address).with_context(|| {
        format!("port {port} is in use: is `dev` running already? {option} takes another")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn database(options: &Options, folder: &Folder) -> anyhow::Result<(Option<Server>, String)> {
    if let Some(url) = &options.database_url {
        return Ok((None, url.clone()));
    }
    let keep = options.keep.then(|| folder.database());
    let install = options.install_postgres;
    let start = move || -> Result<Server, PostgresError> {
        let options = postgres::Options { keep };
        match Server::start(&options) {
            Err(PostgresError::NotInstalled { .. }) if install => {
                postgres::install()?;
                Server::start(&options)
            }
            other => other,
        }
    };
    let server = tokio::task::spawn_blocking(start).await??;
    let url = server.url("siths_idp");
    match server.create_database("siths_idp", None).await {
        Ok(()) => {}
        Err(error) if options.keep && error.is_duplicate_database() => {}
        Err(error) => return Err(error.into()),
    }
    Ok((Some(server), url))
}

fn welcome(installation: &Installation, options: &Options, millis: u128) -> String {
    let Installation { node, pki, registered, responder, .. } = installation;
    let issuer = &registered.issuer;
    let demo = registered.redirect_uri.trim_end_matches("/callback");
    let mut people = table(&["--as", "card", "what will happen", "error_code"]);
    for person in pki.people() {
        let code = person.expected.map_or("", |code| code.name());
        people.add_row([person.name, &person.display, person.what_happens, code]);
    }
    people.add_row(["none", "no card", "told to put the card in", "certificate_missing"]);
    whole(&mut people, &[0, 3]);
    let here = std::env::current_dir().unwrap_or_default();
    let shown = |path: &Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
    let mut addresses = table(&["address", "what"]);
    addresses.add_row([demo, "Demo-Symfoni: press the button"]);
    addresses.add_row([issuer.as_str(), "the provider"]);
    let port = node.app.issuer.port_or_known_default().unwrap_or(443);
    addresses.add_row([
        format!("https://*.card.idp.localhost:{port}").as_str(),
        "card hosts, one for each try",
    ]);
    addresses.add_row([
        format!("https://mtls.{ISSUER_HOST}:{port}").as_str(),
        "relying parties by certificate: client demo-system, docs/integrators.md",
    ]);
    addresses.add_row([
        format!("http://{}", responder.address()).as_str(),
        "revocation lists and OCSP, with faults to be switched on",
    ]);
    let mut files = table(&["file", "import it as"]);
    files.add_row([shown(pki.web_ca_pem()).as_str(), "a trusted authority for websites"]);
    let cards = pki.people().first().map_or_else(String::new, |person| {
        shown(person.p12.parent().unwrap_or(&person.p12)).replace(person.name, "*")
    });
    files.add_row([
        format!("{cards}/card.p12").as_str(),
        &format!("your certificate; password {P12_PASSWORD}"),
    ]);
    let usual = options.port == DEFAULT_PORT && options.status_port == DEFAULT_STATUS_PORT;
    let further = if usual { "" } else { " (with the same ports)" };
    format!(
        "\nsiths-idp dev: ready after {millis} ms. Everything here is made up, on this machine only.\n\n\
         {addresses}\n\n{people}\n\n{files}\n\n\
         Next: type this in another terminal{further}:\n\n    \
         cargo run -- dev login --as clinician\n    \
         cargo run -- dev login --as wrong-certificate\n    \
         cargo run -- dev zoo                          odd cards of every kind\n    \
         cargo run -- dev fault crl=stale ocsp=down    and `none` again; `dev revoke clinician`\n\n\
         or import the two files into a browser and open {demo}\n\
         ({DEMO_HOST} and *.idp.localhost lead to this machine by themselves.) Ctrl-C ends it.\n"
    )
}

/// How long a command that switches waits for lists to be fetched: they may be what is slow.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer to OCSP is believed: so short that what is switched shows.
pub(super) const OCSP_MAX_AGE: TimeDelta = TimeDelta::seconds(5);

/// The port of the provider where none is asked for.
pub const DEFAULT_PORT: u16 = 8443;
/// The port of Demo-Symfoni where none is asked for.
pub const DEFAULT_DEMO_PORT: u16 = 8444;

/// The port of revocation lists and OCSP where none is asked for, and the one that certificates name.
pub const DEFAULT_STATUS_PORT: u16 = 8445;

pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    if table.width().is_none() {
        table.set_width(100);
    }
    table
}

/// Keeps columns whole: names and codes are copied from here, and the prose beside them gives way.
pub(super) fn whole(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

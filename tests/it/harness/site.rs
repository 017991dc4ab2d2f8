//! What the tests of one process share: a PostgreSQL, the PKI, and a template database.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;
use siths_idp::clock::Clock;
use siths_idp::config::{Config, RevocationOrder, SealingKey};
use siths_idp::dev::installation;
use siths_idp::dev::pki::Pki;
use siths_idp::dev::postgres::{Options, Server};
use siths_idp::dev::responder::Responder;
use siths_idp::dev::seed;
use siths_idp::random::Random;
use siths_idp::{serve, store};

use super::loopback;
use super::revocation::order;

/// The sealing key of every node under test.
pub const SEALING_KEY: [u8; 32] = [7; 32];
/// The secret of `demo-symfoni`.
pub const CLIENT_SECRET: &str = "a-client-secret-for-tests-of-256-random-bits";
/// The redirect URI of `demo-symfoni`.
pub const REDIRECT_URI: &str = "https://rp.localhost/callback";

const TEMPLATE: &str = "template_idp";

/// What the tests of one process share.
pub struct Site {
    pub postgres: Server,
    pub pki: Pki,
    databases: AtomicU32,
}

/// The site, made by the first test that asks. PostgreSQL ends with the process.
pub fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    // A thread of its own, because a runtime cannot wait inside another.
    SITE.get_or_init(|| std::thread::spawn(make).join().expect("the site is made"))
}

fn make() -> Site {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pki");
    let pki = std::thread::spawn(move || Pki::load_or_create(&folder, Utc::now()));
    let postgres = Server::start(&Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let pki = pki.join().expect("no panic").expect("the look-alike PKI");
    let site = Site { postgres, pki, databases: AtomicU32::new(0) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(site.make_template());
    site
}

impl Site {
    /// The configuration of a node on a port, with a database.
    pub fn config(&self, port: u16, database_url: String) -> Config {
        installation::config(installation::Site {
            port,
            database_url,
            pki: &self.pki,
            responder: None,
            sealing_key: SealingKey::new(SEALING_KEY),
        })
        .unwrap()
    }

    /// A database of a test's own, cloned from the template; its statements are logged.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.postgres.create_database(&name, Some(TEMPLATE)).await.unwrap();
        self.url(&name)
    }

    /// An empty database of a test's own.
    pub async fn empty_database(&self) -> String {
        let name = format!("empty_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.postgres.create_database(&name, None).await.unwrap();
        self.url(&name)
    }

    fn url(&self, name: &str) -> String {
        format!("{}&options[log_statement]=all", self.postgres.url(name))
    }

    // Migrated, seeded, with its signing keys and revocation lists, so that no test waits for them.
    async fn make_template(&self) {
        self.postgres.create_database(TEMPLATE, None).await.unwrap();
        let mut config = self.config(443, self.url(TEMPLATE));
        let pool = store::connect(&config.database).await.unwrap();
        store::migrate::run(&pool).await.unwrap();
        let (random, now) = (Random::system(), Utc::now());
        seed::people(&pool, &self.pki, &random, now).await.unwrap();
        let client = seed::demo_client(REDIRECT_URI, CLIENT_SECRET);
        seed::client(&pool, &client, now).await.unwrap();
        pool.close().await;
        let responder = Responder::start(loopback(), &self.pki, Clock::system()).unwrap();
        config.revocation = installation::revocation(&self.pki, Some(&responder)).unwrap();
        // The list of every authority, also of those that a test then asks by OCSP alone.
        order(&mut config, RevocationOrder::Crl);
        let node = serve::start(&config, Clock::system(), random, Vec::new()).await.unwrap();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while !node.app.revocation.report(Utc::now()).current {
            assert!(tokio::time::Instant::now() < deadline, "the lists are not fetched");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        node.stop().await;
    }
}

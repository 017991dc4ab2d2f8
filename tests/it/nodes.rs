//! Several nodes on one database, and a database that is away.

use std::time::{Duration, Instant};

use siths_idp::clock::Clock;
use siths_idp::config::{Config, SealingKey};
use siths_idp::dev::seed;
use siths_idp::random::Random;
use siths_idp::serve::{self, Node, ServeError};
use siths_idp::store;
use url::Url;

use crate::harness::{CLIENT_SECRET, REDIRECT_URI, TestIdp, loopback, site};

/// A second node beside the first, with the same issuer, database and clock.
async fn beside(idp: &TestIdp) -> Node {
    let listener = loopback();
    serve::start(&idp.config, idp.clock.clone(), Random::system(), vec![listener]).await.unwrap()
}

/// What a load balancer does: the same address, on another node.
struct Balancer<'a> {
    idp: &'a TestIdp,
    nodes: [&'a Node; 2],
}

impl Balancer<'_> {
    async fn get(&self, node: usize, url: &Url, cookie: &str, card: bool) -> reqwest::Response {
        let card = card.then(|| self.idp.card("clinician"));
        let ca = self.idp.pki().web_ca_pem();
        let client = siths_idp::dev::browser::client(ca, card, rustls::ALL_VERSIONS).unwrap();
        client.get(self.to(node, url)).header("cookie", cookie).send().await.unwrap()
    }

    /// The port alone differs, and the port is not compared.
    fn to(&self, node: usize, url: &Url) -> Url {
        let mut url = url.clone();
        url.set_port(Some(self.nodes[node].addresses[0].port())).unwrap();
        url
    }
}

fn location(answer: &reqwest::Response) -> Url {
    answer.headers()["location"].to_str().unwrap().parse().unwrap()
}

fn cookie(answer: &reqwest::Response) -> String {
    let field = answer.headers()["set-cookie"].to_str().unwrap();
    field.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_login_goes_from_node_to_node() {
    let idp = TestIdp::start().await;
    let second = beside(&idp).await;
    for [first_step, card, resume, token] in [[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]] {
        let nodes = Balancer { idp: &idp, nodes: [&idp.node, &second] };
        let begun = nodes.get(first_step, &idp.authorize().url(), "", false).await;
        let browser = cookie(&begun);
        let judged = nodes.get(card, &location(&begun), "", true).await;
        let ended = nodes.get(resume, &location(&judged), &browser, false).await;
        let told = location(&ended);
        let code = told.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let endpoint = nodes.to(token, &idp.at("/token"));
        let (status, tokens) = idp.token_request(&code).send(&idp.http(), &endpoint).await;
        assert_eq!(status, 200, "{tokens}");
        // The access token is good on both, and the code on neither once more.
        for node in 0..2 {
            let bearer = tokens["access_token"].as_str().unwrap();
            let url = nodes.to(node, &idp.at("/userinfo"));
            let answer = idp.http().get(url).bearer_auth(bearer).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        let endpoint = nodes.to(1 - token, &idp.at("/token"));
        let (status, again) = idp.token_request(&code).send(&idp.http(), &endpoint).await;
        assert_eq!((status, &again["error_code"]), (400, &"code_replayed".into()));
    }
    second.stop().await;
}

/// Waits until a node knows a client, and says how long it took.
async fn known(node: &Node, id: &str, patience: Duration) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < patience {
        if node.app.client(id).is_some() {
            return Some(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

async fn add_client(idp: &TestIdp, id: &str) {
    let mut client = seed::demo_client(REDIRECT_URI, CLIENT_SECRET);
    id.clone_into(&mut client.id);
    seed::client(idp.pool(), &client, idp.clock.now()).await.unwrap();
}

/// Until both nodes listen.
async fn listening(idp: &TestIdp, nodes: i64) {
    let query = "select count(*) from pg_stat_activity
        where datname = current_database() and query like 'LISTEN%' and state = 'idle'";
    let began = Instant::now();
    while idp.count(query).await < nodes {
        assert!(began.elapsed() < Duration::from_secs(10), "the nodes do not listen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_is_added_is_known_to_every_node_without_waiting_for_the_poll() {
    let idp = TestIdp::start().await;
    let second = beside(&idp).await;
    listening(&idp, 2).await;
    add_client(&idp, "new").await;
    for node in [&idp.node, &second] {
        let took = known(node, "new", Duration::from_secs(5)).await.expect("known");
        // A second is promised; a loaded machine gets more, and still less than the poll's ten.
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    // And one that is switched off is out.
    idp.sql("update clients set enabled = false where id = 'new'").await;
    let began = Instant::now();
    for node in [&idp.node, &second] {
        while node.app.client("new").is_some_and(|client| client.enabled) {
            assert!(began.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    second.stop().await;
}

#[tokio::test]
async fn without_being_told_a_node_learns_of_a_client_all_the_same() {
    let idp = TestIdp::start().await;
    listening(&idp, 1).await;
    // A notification that was lost, as with a pooler that does not pass them on.
    idp.sql("drop trigger clients_changed on clients").await;
    idp.sql("drop trigger client_redirect_uris_changed on client_redirect_uris").await;
    idp.sql("drop trigger client_scopes_changed on client_scopes").await;
    add_client(&idp, "new").await;
    assert!(known(&idp.node, "new", Duration::from_secs(15)).await.is_some());
}

#[tokio::test]
async fn a_node_whose_listening_connection_was_cut_listens_again() {
    let idp = TestIdp::start().await;
    listening(&idp, 1).await;
    cut(&idp).await;
    listening(&idp, 1).await;
    add_client(&idp, "new").await;
    assert!(known(&idp.node, "new", Duration::from_secs(2)).await.is_some());
}

async fn migrated() -> Config {
    let site = site();
    let config = site.config(0, site.empty_database().await);
    let pool = store::connect(&config.database).await.unwrap();
    store::migrate::run(&pool).await.unwrap();
    pool.close().await;
    config
}

async fn start(config: &Config) -> Result<Node, ServeError> {
    serve::start(config, Clock::system(), Random::system(), Vec::new()).await
}

#[tokio::test]
async fn nodes_that_start_at_once_make_one_key_for_each_algorithm() {
    let config = migrated().await;
    let starts = (0..3).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { start(&config).await })
    });
    let mut nodes = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        nodes.push(start.await.unwrap().expect("each node starts"));
    }
    let keys: Vec<(String, String)> = sqlx::query_as(
        "select alg, kid from signing_keys where use = 'sig' order by alg collate \"C\"",
    )
    .fetch_all(&nodes[0].app.pool)
    .await
    .unwrap();
    let algs: Vec<&str> = keys.iter().map(|(alg, _)| alg.as_str()).collect();
    assert_eq!(algs, ["ES256", "ES384", "EdDSA", "PS256", "RS256"]);
    let for_encryption: Vec<String> =
        sqlx::query_scalar("select alg from signing_keys where use = 'enc' order by alg")
            .fetch_all(&nodes[0].app.pool)
            .await
            .unwrap();
    assert_eq!(for_encryption, ["ECDH-ES", "RSA-OAEP"]);
    for node in nodes {
        let ring = node.app.registry.load();
        for (alg, kid) in &keys {
            let signing = ring.keyring.at(node.app.clock.now());
            let signing = signing.signing(alg.parse().unwrap()).expect("a key signs");
            assert_eq!(&signing.kid, kid);
        }
        drop(ring);
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_with_another_sealing_key_does_not_start_and_says_why() {
    let idp = TestIdp::start().await;
    let mut config = idp.config.clone();
    config.sealing_key = SealingKey::new([8; 32]);
    let error = start(&config).await.err().expect("no node").to_string();
    assert!(error.contains("sealed under another sealing key"), "{error}");
    assert_eq!(idp.count("select count(*) from signing_keys").await, 7);
}

#[tokio::test]
async fn on_a_database_without_tables_a_node_says_what_to_type() {
    let site = site();
    let config = site.config(0, site.empty_database().await);
    let error = start(&config).await.err().expect("no node").to_string();
    assert!(error.contains("siths-idp migrate"), "{error}");
}

/// Ends every connection of the node, as a failover does.
async fn cut(idp: &TestIdp) {
    idp.count(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()",
    )
    .await;
}

/// Lets nobody into the database, or everybody again.
async fn admit(idp: &TestIdp, admit: bool) {
    use sqlx::Connection as _;
    let url = idp.site.postgres.url("postgres");
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let name = idp.database();
    let statement = format!("alter database {name} allow_connections {admit}");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    let statement = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    sqlx::query(statement).bind(name).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_database_that_goes_during_a_login_is_told_and_the_node_recovers() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let resume = browser.get(&card).await.unwrap().location().unwrap();

    admit(&idp, false).await;
    let told = idp.walk(&mut browser, &resume).await.parameters();
    assert_eq!(told["error_code"], "unavailable");
    assert_eq!((&*told["error"], &*told["state"]), ("temporarily_unavailable", "a-state"));
    let (status, answer) = idp.token(&idp.token_request(&code)).await;
    assert_eq!((status, &answer["error_code"]), (503, &"unavailable".into()), "{answer}");
    // What needs no database is served all the same.
    assert_eq!(idp.http().get(idp.at("/jwks")).send().await.unwrap().status(), 200);

    admit(&idp, true).await;
    // The code was not spent, and the person tries again. The first statement on a cut connection may fail.
    let mut tries = 0;
    let (status, tokens) = loop {
        let answer = idp.token(&idp.token_request(&code)).await;
        tries += 1;
        if answer.0 != 503 || tries == 10 {
            break answer;
        }
    };
    assert_eq!(status, 200, "{tokens}");
    idp.code(&mut browser, &idp.authorize()).await;
}

#[tokio::test]
async fn connections_that_were_cut_are_made_again() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    for _ in 0..3 {
        idp.code(&mut browser, &idp.authorize()).await;
        cut(&idp).await;
        // The first statement on a cut connection may fail; it is told as such, and then it is over.
        let mut tries = 0;
        while !idp
            .walk(&mut browser, &idp.authorize().url())
            .await
            .parameters()
            .contains_key("code")
        {
            tries += 1;
            assert!(tries < 10);
        }
    }
}

//! What a test stands on: a node on port 0, a database cloned from a migrated and seeded one, a clock
//! that the test moves, people with cards, and a relying party.

pub mod answer;
pub mod apache_site;
pub mod assertion;
pub mod chromium;
pub mod demo;
pub mod display;
pub mod dpop;
pub mod firefox;
pub mod key_server;
pub mod library;
pub mod listener;
pub mod logout;
pub mod mtls;
pub mod person;
pub mod probe;
pub mod products;
pub mod proxy;
pub mod request;
pub mod request_object;
pub mod revocation;
pub mod site;
pub mod store;
pub mod tables;
pub mod token;
pub mod tokens;
pub mod wire;

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use siths_idp::clock::Clock;
use siths_idp::config::Config;
use siths_idp::dev::browser::{Browser, Inserted, Response, client};
use siths_idp::dev::installation;
use siths_idp::dev::pki::Pki;
use siths_idp::dev::relying_party::{Callback, LoggedIn, Registered, RelyingParty};
use siths_idp::dev::responder::Responder;
use siths_idp::dev::seed;
use siths_idp::oidc::client::Client;
use siths_idp::random::Random;
use siths_idp::serve::{self, Node};
use siths_idp::state::App;
use siths_idp::store::PgPool;
use sqlx::Connection as _;
use url::Url;

pub use answer::Answer;
pub use request::{Authorize, TokenRequest, VERIFIER};
pub use site::{CLIENT_SECRET, REDIRECT_URI, Site, site};

/// A provider under test.
pub struct TestIdp {
    pub node: Node,
    pub clock: Clock,
    pub config: Config,
    pub site: &'static Site,
    /// Lists and OCSP of this test alone.
    pub responder: Responder,
}

impl TestIdp {
    /// A provider with the people of the PKI and the client `demo-symfoni`.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with another configuration.
    pub async fn start_with(edit: impl FnOnce(&mut Config)) -> Self {
        Self::start_with_responder(|config, _| edit(config)).await
    }

    /// The same, with a look at the responder, which runs already. The database holds the list of
    /// every authority, fetched a moment ago.
    pub async fn start_with_responder(edit: impl FnOnce(&mut Config, &Responder)) -> Self {
        let listener = loopback();
        let port = listener.local_addr().unwrap().port();
        Self::start_on(site().database().await, (listener, port), edit).await
    }

    /// The same, whose issuer is at a port where something else listens, which leads to it.
    pub async fn start_at(port: u16, edit: impl FnOnce(&mut Config)) -> Self {
        let database = site().database().await;
        Self::start_on(database, (loopback(), port), |config, _| edit(config)).await
    }

    /// The same, in an installation that never fetched a list.
    pub async fn start_without_lists(edit: impl FnOnce(&mut Config, &Responder)) -> Self {
        let database = site().database().await;
        let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
        sqlx::query("delete from revocation_lists").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let listener = loopback();
        let port = listener.local_addr().unwrap().port();
        Self::start_on(database, (listener, port), edit).await
    }

    async fn start_on(
        database: String,
        (listener, port): (std::net::TcpListener, u16),
        edit: impl FnOnce(&mut Config, &Responder),
    ) -> Self {
        let site = site();
        let clock = Clock::manual(Utc::now());
        let mut config = site.config(port, database);
        let responder = Responder::start(loopback(), &site.pki, clock.clone()).unwrap();
        config.revocation = installation::revocation(&site.pki, Some(&responder)).unwrap();
        edit(&mut config, &responder);
        let node = serve::start(&config, clock.clone(), Random::system(), vec![listener])
            .await
            .expect("the node starts");
        Self { node, clock, config, site, responder }
    }

    /// Kills the node, and starts another with the same address, database and sealing key.
    pub async fn die_and_be_replaced(&mut self) {
        let address = self.node.addresses[0];
        let listener = std::net::TcpListener::bind(address);
        assert!(listener.is_err(), "the first node holds the address");
        let clock = self.clock.clone();
        // The new node is started on the old one's port, as a load balancer would lead there.
        let old = std::mem::replace(&mut self.node, {
            let listener = loopback();
            serve::start(&self.config, clock.clone(), Random::system(), vec![listener])
                .await
                .expect("a second node starts beside the first")
        });
        old.kill().await;
        let listener = bind_again(address).await;
        let replacement = serve::start(&self.config, clock, Random::system(), vec![listener])
            .await
            .expect("the node starts");
        std::mem::replace(&mut self.node, replacement).kill().await;
    }

    /// Another node beside, with the same issuer, database and sealing key, and where it listens.
    pub async fn another_node(&self) -> (Node, Url) {
        let listener = loopback();
        let mut address = self.issuer().clone();
        address.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let node = serve::start(&self.config, self.clock.clone(), Random::system(), vec![listener])
            .await
            .expect("a node starts beside the first");
        (node, address)
    }

    pub fn issuer(&self) -> &Url {
        &self.config.issuer
    }

    /// An address of the issuer.
    pub fn at(&self, path_and_query: &str) -> Url {
        self.issuer().join(path_and_query).unwrap()
    }

    pub fn pki(&self) -> &'static Pki {
        &self.site.pki
    }

    pub fn pool(&self) -> &PgPool {
        &self.node.app.pool
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// The card of one of the people.
    pub fn card(&self, person: &str) -> Inserted {
        let person = self.pki().person(person).unwrap_or_else(|| panic!("nobody is {person}"));
        Inserted::load(&person.cert_pem, &person.key_pem).unwrap()
    }

    /// A browser with that person's card in its reader.
    pub fn browser(&self, person: &str) -> Browser {
        self.browser_with(Some(self.card(person)))
    }

    /// A browser with a card in its reader, or none.
    pub fn browser_with(&self, card: Option<Inserted>) -> Browser {
        Browser::new(self.pki().web_ca_pem(), card).unwrap()
    }

    /// Puts another card into the reader of a browser.
    pub fn swap(&self, browser: &mut Browser, card: Option<Inserted>) {
        browser.insert(self.pki().web_ca_pem(), card).unwrap();
    }

    /// A plain HTTP client that trusts the provider.
    pub fn http(&self) -> reqwest::Client {
        client(self.pki().web_ca_pem(), None, rustls::ALL_VERSIONS).unwrap()
    }

    /// A TLS connection to write requests on by hand, over HTTP/1.1.
    pub async fn raw_connection(
        &self,
        host: &'static str,
    ) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        use rustls::pki_types::pem::PemObject as _;
        use rustls::pki_types::{CertificateDer, ServerName};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.pki().web_ca_pem()).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(self.node.addresses[0]).await.unwrap();
        let name = ServerName::try_from(host).unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }

    /// Changes the registration of `demo-symfoni`, in force when this returns.
    pub async fn register(&self, edit: impl FnOnce(&mut Client)) -> Client {
        let mut client = seed::demo_client(REDIRECT_URI, CLIENT_SECRET);
        edit(&mut client);
        seed::client(self.pool(), &client, self.clock.now()).await.unwrap();
        self.until(|app| app.client(&client.id).as_deref() == Some(&client)).await;
        client
    }

    /// Waits for the node to be told of a change and to have it in use. A reload of one's own could
    /// be undone by the node's, which may have read before.
    pub async fn until(&self, is_in_use: impl Fn(&App) -> bool) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while !is_in_use(&self.node.app) {
            assert!(tokio::time::Instant::now() < deadline, "the node is not told of the change");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// Runs one statement that has no place in the product.
    pub async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.pool()).await.unwrap();
    }

    /// A valid authorization request of `demo-symfoni`.
    pub fn authorize(&self) -> Authorize {
        Authorize::new(self.issuer())
    }

    /// Pushes a request of `demo-symfoni`, by its secret, and returns the whole answer.
    pub async fn push(&self, request: &Authorize) -> Answer {
        self.push_by(request, Some((seed::CLIENT_ID, CLIENT_SECRET))).await
    }

    /// The same by other credentials, or none.
    pub async fn push_by(&self, request: &Authorize, basic: Option<(&str, &str)>) -> Answer {
        let mut post = self.http().post(self.at("/par")).form(&request.form());
        if let Some((id, secret)) = basic {
            post = post.basic_auth(id, Some(secret));
        }
        Answer::of(post.send().await.unwrap()).await
    }

    /// The request of a browser for what `demo-symfoni` has pushed.
    pub async fn pushed(&self, request: &Authorize) -> Authorize {
        let answer = self.push(request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let json = answer.json();
        let client_id = request.value("client_id").unwrap_or(seed::CLIENT_ID);
        self.authorize()
            .only(&[])
            .set("client_id", client_id)
            .set("request_uri", json["request_uri"].as_str().unwrap())
    }

    /// A valid token request for a code.
    pub fn token_request(&self, code: &str) -> TokenRequest {
        TokenRequest::new(code)
    }

    /// The whole answer to a token request.
    pub async fn token_answer(&self, request: &TokenRequest) -> Answer {
        request.answer(&self.http(), &self.at("/token")).await
    }

    /// The code that a token request is refused with, in the form of RFC 6749 §5.2.
    pub async fn token_error(&self, request: &TokenRequest) -> String {
        let answer = self.token_answer(request).await;
        assert_ne!(answer.status, 200, "{}", answer.body);
        answer.problem(self.issuer())
    }

    /// The tokens of a token request.
    pub async fn tokens(&self, request: &TokenRequest) -> Value {
        let answer = self.token_answer(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// The tokens of a whole login of the clinician.
    pub async fn login_tokens(&self, request: &Authorize) -> Value {
        let code = self.code(&mut self.browser("clinician"), request).await;
        self.tokens(&self.token_request(&code)).await
    }

    /// The answer of UserInfo to an access token in the header.
    pub async fn user_info(&self, access_token: &str) -> Answer {
        let request = self.http().get(self.at("/userinfo")).bearer_auth(access_token);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Sends a token request.
    pub async fn token(&self, request: &TokenRequest) -> (u16, Value) {
        request.send(&self.http(), &self.at("/token")).await
    }

    /// The relying party on the `openidconnect` crate.
    pub async fn relying_party(&self) -> RelyingParty {
        let registered = Registered {
            issuer: self.config.issuer_identifier().to_owned(),
            client_id: seed::CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            redirect_uri: REDIRECT_URI.to_owned(),
        };
        RelyingParty::discover(registered, self.http()).await.unwrap()
    }

    /// A whole login through the `openidconnect` crate.
    pub async fn log_in(&self, browser: &mut Browser) -> LoggedIn {
        let party = self.relying_party().await;
        let (url, pending) = party.begin();
        let callback = self.walk(browser, &url).await.callback();
        let Callback::Code(code) = party.callback(&callback, &pending).unwrap() else {
            panic!("no code: {callback}");
        };
        let (claims, id_token, access_token) = party.redeem(code, pending).await.unwrap();
        let user_info = party.user_info(&access_token).await.unwrap();
        LoggedIn { claims, user_info, id_token, access_token }
    }

    /// Follows a login until it leads to the relying party or ends in a page.
    pub async fn walk(&self, browser: &mut Browser, url: &Url) -> Walk {
        let is_callback = |url: &Url| url.as_str().starts_with(REDIRECT_URI);
        Walk(browser.follow(url, is_callback).await.unwrap())
    }

    /// The code of a successful login for the request.
    pub async fn code(&self, browser: &mut Browser, request: &Authorize) -> String {
        let parameters = self.walk(browser, &request.url()).await.parameters();
        parameters.get("code").unwrap_or_else(|| panic!("no code: {parameters:?}")).clone()
    }
}

/// The answers on the way of a login, the last one last.
pub struct Walk(pub Vec<Response>);

impl Walk {
    pub fn last(&self) -> &Response {
        self.0.last().unwrap()
    }

    /// Where the relying party was called back.
    pub fn callback(&self) -> Url {
        let last = self.last();
        last.location().unwrap_or_else(|| panic!("ended in a page: {} {}", last.status, last.body))
    }

    /// The parameters that the relying party was called back with.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        self.callback().query_pairs().into_owned().collect()
    }

    /// The `error_code` that the relying party or the person was told: by parameter or by page.
    pub fn error_code(&self) -> String {
        match self.last().location() {
            Some(location) => {
                let mut pairs = location.query_pairs();
                let found = pairs.find(|(name, _)| name == "error_code");
                found.map_or_else(|| format!("no error: {location}"), |(_, code)| code.into_owned())
            }
            None => page_code(&self.last().body).unwrap_or_default(),
        }
    }

    /// The link of a page whose address begins so.
    pub fn link(&self, beginning: &str) -> Option<Url> {
        link(&self.last().body, beginning)
    }
}

/// The code that a page is about.
pub fn page_code(html: &str) -> Option<String> {
    // The last: the link to the other language comes first, and may be of any address.
    let (_, rest) = html.rsplit_once("href=\"/errors/")?;
    Some(rest.split(['"', '?']).next()?.to_owned())
}

/// The first link of a page whose address begins so.
pub fn link(html: &str, beginning: &str) -> Option<Url> {
    let start = html.find(&format!("href=\"{beginning}"))? + "href=\"".len();
    let address = html.get(start..)?.split('"').next()?;
    Url::parse(&address.replace("&#38;", "&").replace("&amp;", "&")).ok()
}

/// A listener on a free port.
pub fn loopback() -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

pub async fn bind_again(address: std::net::SocketAddr) -> std::net::TcpListener {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match std::net::TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true).unwrap();
                return listener;
            }
            Err(error) if tokio::time::Instant::now() > deadline => panic!("{address}: {error}"),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

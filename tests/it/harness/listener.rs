//! A relying party that is told of logouts (OpenID Connect Back-Channel Logout 1.0), as bad as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum_server::Handle;
use serde_json::Value;
use siths_idp::card_hosts::{CardHosts, Chooser};
use siths_idp::keys::jwt::{PublicKey, verify_with_any};
use siths_idp::tls::{self, Balancers, Counters, Hints, Hosts, Identity, Settings, TlsParts};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{TestIdp, loopback};

/// What a relying party that never answers is set to.
pub const HANG: u16 = 0;

/// A relying party at `https://symfoni.localhost:<port>`.
pub struct Listener {
    /// Its `backchannel_logout_uri`.
    pub uri: String,
    status: Arc<AtomicU16>,
    received: UnboundedReceiver<Received>,
}

/// What it was sent.
pub struct Received {
    pub path: String,
    pub content_type: String,
    pub body: String,
}

#[derive(Clone)]
struct Shared {
    status: Arc<AtomicU16>,
    received: UnboundedSender<Received>,
}

impl Listener {
    pub fn start(idp: &TestIdp) -> Self {
        Self::start_on(idp, loopback())
    }

    /// The same, on a listener that is bound already.
    pub fn start_on(idp: &TestIdp, listener: std::net::TcpListener) -> Self {
        const HOST: &str = "symfoni.localhost";
        let port = listener.local_addr().unwrap().port();
        let pki = idp.pki();
        let identity = Identity::load(pki.server_chain_pem(), pki.server_key_pem()).unwrap();
        let parts = TlsParts {
            balancers: Balancers::none(),
            proxy_fields: Arc::default(),
            hosts: Hosts::new(HOST, CardHosts::fixed(&[], &[], Chooser::default())),
            card_identity: identity.clone(),
            identity,
            hints: Hints::default(),
            places: Settings::default().places(),
            settings: Settings::default(),
            counters: Arc::new(Counters::default()),
        };
        let (sender, received) = unbounded_channel();
        let status = Arc::new(AtomicU16::new(200));
        let shared = Shared { status: status.clone(), received: sender };
        let router = Router::new().fallback(any(answer)).with_state(shared);
        tokio::spawn(tls::serve(listener, parts, router, Handle::new()));
        Self { uri: format!("https://{HOST}:{port}/back?x=1"), status, received }
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The next that it is sent.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(20), self.received.recv()).await;
        next.expect("the relying party is told").unwrap()
    }

    /// How much it was sent that nobody has looked at.
    pub fn unread(&self) -> usize {
        self.received.len()
    }
}

impl Received {
    /// The token, as it came: there is nothing else in the form.
    pub fn token(&self) -> &str {
        self.body.strip_prefix("logout_token=").expect("a logout token")
    }

    /// The claims of the token, verified by the published keys of the provider.
    pub async fn claims(&self, idp: &TestIdp) -> Value {
        let jwks: Value =
            idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
        verify_with_any(&PublicKey::from_jwks(&jwks).unwrap(), self.token()).unwrap()
    }
}

async fn answer(
    State(shared): State<Shared>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    let _ = shared.received.send(Received {
        path: uri.to_string(),
        content_type: content_type.to_owned(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    match shared.status.load(Ordering::SeqCst) {
        HANG => std::future::pending().await,
        status => {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            if (300..400).contains(&status) {
                response.headers_mut().insert("location", HeaderValue::from_static("/elsewhere"));
            }
            response
        }
    }
}

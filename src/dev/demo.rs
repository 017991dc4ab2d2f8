//! Demo-Symfoni: a relying party with a login button, on its own origin.
//!
//! Shows who is logged in with which roles, or the documented Swedish message of each error code.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_server::Handle;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::demo_logout::{LoggedInHere, ended_session, logout_url};
use super::demo_pages::{DemoError, DemoLoggedIn, DemoStart};
use super::installation::DEMO_HOST;
use super::pki::Pki;
use super::relying_party::{Callback, Pending, Registered, RelyingParty};
use crate::card_hosts::{CardHosts, Chooser};
use crate::flow::answer::Cookie;
use crate::http::cookies::{cookie, set_cookie};
use crate::http::pages::{CONTENT_SECURITY_POLICY as POLICY, STYLESHEET, STYLESHEET_PATH};
use crate::oidc::client_metadata::ClientMetadata;
use crate::random::Random;
use crate::tls::{self, Balancers, Counters, Hints, Hosts, Identity, Settings, TlsParts};

/// Logins under way that are remembered; the oldest are forgotten beyond that.
const MOST_PENDING: usize = 1000;
const COOKIE: &str = "__Host-demo-symfoni";
const LOGOUT_PATH: &str = "/logout";
/// Where the provider tells of logouts.
const BACK_CHANNEL_PATH: &str = "/backchannel-logout";

struct Demo {
    registered: Registered,
    http: reqwest::Client,
    random: Random,
    // By the browser's cookie. A real system keeps this in its session.
    pending: Mutex<HashMap<String, (Pending, Instant)>>,
    logged_in: LoggedInHere,
}

type Shared = Arc<Demo>;

/// The redirect URI of Demo-Symfoni on a port.
#[must_use]
pub fn redirect_uri(port: u16) -> String {
    format!("https://{DEMO_HOST}:{port}/callback")
}

/// What Demo-Symfoni on a port registers for logouts.
pub fn register_logout(metadata: &mut ClientMetadata, port: u16) {
    let at = |path: &str| format!("https://{DEMO_HOST}:{port}{path}");
    metadata.post_logout_redirect_uris.insert(at("/"));
    metadata.backchannel_logout_uri = Some(at(BACK_CHANNEL_PATH));
    metadata.backchannel_logout_session_required = true;
}

/// Demo-Symfoni, to be awaited: it serves until `handle` says otherwise.
///
/// # Errors
/// When its certificate cannot be used.
pub fn serve(
    listener: TcpListener,
    pki: &Pki,
    registered: Registered,
    handle: Handle<SocketAddr>,
) -> anyhow::Result<impl Future<Output = std::io::Result<()>> + Send + use<>> {
    let http = super::browser::client(pki.web_ca_pem(), None, rustls::ALL_VERSIONS)?;
    let identity = Identity::load(pki.server_chain_pem(), pki.server_key_pem())?;
    let parts = TlsParts {
        balancers: Balancers::none(),
        proxy_fields: Arc::default(),
        hosts: Hosts::new(DEMO_HOST, CardHosts::fixed(&[], &[], Chooser::default())),
        card_identity: identity.clone(),
        identity,
        hints: Hints::default(),
        places: Settings::default().places(),
        settings: Settings::default(),
        counters: Arc::new(Counters::default()),
    };
    let demo = Demo {
        registered,
        http,
        random: Random::system(),
        pending: Mutex::default(),
        logged_in: LoggedInHere::default(),
    };
    let router = Router::new()
        .route("/", get(start))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route(LOGOUT_PATH, get(logout))
        .route(BACK_CHANNEL_PATH, post(back_channel))
        .route(STYLESHEET_PATH, get(stylesheet))
        .with_state(Arc::new(demo));
    Ok(tls::serve(listener, parts, router, handle))
}

async fn start() -> Response {
    page(DemoStart { login_url: "/login" }.render())
}

async fn stylesheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLESHEET).into_response()
}

async fn login(State(demo): State<Shared>) -> Response {
    let party = match RelyingParty::discover(demo.registered.clone(), demo.http.clone()).await {
        Ok(party) => party,
        Err(error) => return broken(&error),
    };
    let (url, pending) = party.begin();
    let key = demo.random.token();
    demo.remember(key.clone(), pending);
    let cookie = Cookie { name: COOKIE.into(), value: key, max_age: None };
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, url.to_string())]).into_response();
    if let Some(field) = set_cookie(&cookie) {
        response.headers_mut().append(axum::http::header::SET_COOKIE, field);
    }
    response
}

async fn callback(State(demo): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let key = cookie(&headers, COOKIE);
    let Some((key, pending)) = key.and_then(|key| Some((key, demo.take(key)?))) else {
        return lost();
    };
    match finish(&demo, &uri.to_string(), key, pending).await {
        Ok(html) => page(html),
        Err(error) => broken(&error),
    }
}

async fn finish(demo: &Demo, uri: &str, key: &str, pending: Pending) -> anyhow::Result<String> {
    let url = Url::parse(&demo.registered.redirect_uri)?.join(uri)?;
    let mut clock = Steps::begin();
    let party = RelyingParty::discover(demo.registered.clone(), demo.http.clone()).await?;
    clock.step("Discovery och nycklar");
    let code = match party.callback(&url, &pending)? {
        Callback::Code(code) => code,
        Callback::Error { parameters } => return told(&party, &parameters).await,
    };
    let (claims, id_token, access_token) = party.redeem(code, pending).await?;
    demo.logged_in.remember(key, &id_token, &claims);
    clock.step("Kod mot tokens");
    let user_info = party.user_info(&access_token).await?;
    clock.step("UserInfo");
    let text = |name: &str| user_info[name].as_str().unwrap_or_default().to_owned();
    let roles: Vec<String> = user_info["systemRole"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|role| role.as_str().map(str::to_owned))
        .collect();
    let listed: Vec<(String, String)> = claims
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    let name = text("name");
    let hsa_id = text("employeeHsaId");
    Ok(DemoLoggedIn {
        name: &name,
        roles: &roles,
        hsa_id: &hsa_id,
        claims: &listed,
        timings: &clock.steps,
        logout_url: LOGOUT_PATH,
    }
    .render())
}

// Here first, then at the provider, which logs out of the other systems and leads back.
async fn logout(State(demo): State<Shared>, headers: HeaderMap) -> Response {
    let id_token = cookie(&headers, COOKIE).and_then(|key| demo.logged_in.forget(key));
    let Registered { issuer, client_id, redirect_uri, .. } = &demo.registered;
    let start = redirect_uri.trim_end_matches("callback");
    let mut parameters = vec![("client_id", &**client_id), ("post_logout_redirect_uri", start)];
    parameters.extend(id_token.as_deref().map(|token| ("id_token_hint", token)));
    match logout_url(&demo.http, issuer, &parameters).await {
        Ok(url) => (StatusCode::SEE_OTHER, [(LOCATION, url.to_string())]).into_response(),
        Err(error) => broken(&error),
    }
}

// OpenID Connect Back-Channel Logout 1.0 §2.8.
async fn back_channel(State(demo): State<Shared>, Form(form): Form<LogoutForm>) -> Response {
    let Registered { issuer, client_id, .. } = &demo.registered;
    let status = match ended_session(&demo.http, issuer, client_id, &form.logout_token).await {
        Ok(sid) => {
            demo.logged_in.forget_session(&sid);
            StatusCode::OK
        }
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "Demo-Symfoni takes no such logout token");
            StatusCode::BAD_REQUEST
        }
    };
    (status, [(CACHE_CONTROL, "no-store")]).into_response()
}

#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

// What a system shows its user: the documented message of the code, from the back channel where a
// card was judged, and from the public catalogue where the request did not come so far.
async fn told(party: &RelyingParty, parameters: &[(String, String)]) -> anyhow::Result<String> {
    let get = |name: &str| {
        parameters.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    };
    let (code, reference) = (get("error_code"), get("error_ref"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let story = party.login_error(reference).await?;
    let (sentence, advice, contact) = if story["messages"]["sv"].is_string() {
        (
            story["messages"]["sv"].clone(),
            story["actions"]["sv"].clone(),
            story["contact"]["sv"].clone(),
        )
    } else {
        let row = party.catalogued(code).await?;
        let sv = &row["messages"]["sv"];
        (sv["message"].clone(), sv["advice"].clone(), sv["contact_name"].clone())
    };
    let named = |value: &Value| text(value).replace("{system}", "Demo-Symfoni");
    let advice: Vec<String> = advice.as_array().into_iter().flatten().map(named).collect();
    let page = DemoError {
        code,
        sentence: &named(&sentence),
        advice: &advice,
        reference,
        contact: &named(&contact),
        login_url: "/login",
    };
    Ok(page.render())
}

fn lost() -> Response {
    let advice = ["Börja om med knappen nedan.".to_owned()];
    page(
        DemoError {
            code: "state_unknown",
            sentence: "Den här webbläsaren har ingen påbörjad inloggning i Demo-Symfoni.",
            advice: &advice,
            reference: "",
            contact: "",
            login_url: "/login",
        }
        .render(),
    )
}

fn broken(error: &anyhow::Error) -> Response {
    tracing::error!(error = format!("{error:#}"), "Demo-Symfoni");
    let advice = [format!("{error:#}")];
    let html = DemoError {
        code: "demo_broken",
        sentence: "Demo-Symfoni fick ett svar från inloggningstjänsten som det inte godtar.",
        advice: &advice,
        reference: "",
        contact: "",
        login_url: "/login",
    }
    .render();
    (StatusCode::BAD_GATEWAY, page(html)).into_response()
}

fn page(html: String) -> Response {
    ([(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

impl Demo {
    fn remember(&self, key: String, pending: Pending) {
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_PENDING
            && let Some(oldest) =
                all.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
        all.insert(key, (pending, Instant::now()));
    }

    fn take(&self, key: &str) -> Option<Pending> {
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(key).map(|(pending, _)| pending)
    }
}

/// Steps of a story with the time that each took.
pub struct Steps {
    last: Instant,
    /// Name and time, as text.
    pub steps: Vec<(String, String)>,
}

impl Steps {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    /// Ends a step.
    pub fn step(&mut self, name: &str) {
        let took = self.last.elapsed();
        self.last = Instant::now();
        self.steps.push((name.to_owned(), format!("{:.1} ms", took.as_secs_f64() * 1000.0)));
    }
}

//! `dev login`: a whole login without a browser's window, step by step.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Inserted, client};
use super::folder::Folder;
use super::pki::Pki;
use super::pki::card::CardFiles;
use super::pki::zoo::{Keeper, Outcome};
use super::relying_party::{Callback, Registered, RelyingParty};
use super::run::{self, Options};
use super::seed::CLIENT_ID;
use super::{demo, installation};
use crate::clock::Clock;
use crate::identity::assurance::Loa;
use crate::random::Random;

/// The person without a card.
const NO_CARD: &str = "none";

/// Who is to log in, and how well.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// A person of the table, a card of the zoo, or `none`.
    pub who: &'a str,
    /// The level of assurance that the relying party demands.
    pub loa: Option<Loa>,
}

/// Logs one of the people in, on a `dev` that runs or on one started for it.
///
/// # Errors
/// An unknown person, or a provider that does not answer as it should. A login that is refused, as
/// it should be, is no error.
pub async fn run(
    options: &Options,
    wish: &Wish<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let began = Instant::now();
    if let Some((registered, pki)) = running(options).await {
        writeln!(out, "On the provider at {}.\n", registered.issuer)?;
        return log_in(&registered, &pki, wish, out).await;
    }
    let options = Options { port: 0, demo_port: 0, status_port: 0, ..options.clone() };
    let installation = run::start(&options).await?;
    writeln!(
        out,
        "No `dev` is running: one was started for this, in {} ms.\n",
        began.elapsed().as_millis()
    )?;
    let done = log_in(&installation.registered, &installation.pki, wish, out).await;
    installation.stop().await;
    writeln!(out, "\nFrom cold start to the end: {} ms.", began.elapsed().as_millis())?;
    done
}

// A `dev` that runs on the ports asked for, out of the same folder.
async fn running(options: &Options) -> Option<(Registered, Pki)> {
    if options.port == 0 || !options.folder.join("pki").exists() {
        return None;
    }
    let folder = Folder::open(&options.folder).ok()?;
    let pki = Pki::load_or_create(&folder.pki(), Clock::system().now()).ok()?;
    let issuer = format!("https://{}:{}", installation::ISSUER_HOST, options.port);
    let http = client(pki.web_ca_pem(), None, rustls::ALL_VERSIONS).ok()?;
    http.get(format!("{issuer}/jwks")).send().await.ok()?.error_for_status().ok()?;
    let registered = Registered {
        issuer,
        client_id: CLIENT_ID.to_owned(),
        client_secret: folder.client_secret(&Random::system()).ok()?,
        redirect_uri: demo::redirect_uri(options.demo_port),
    };
    Some((registered, pki))
}

/// What is printed as one goes.
struct Story<'o> {
    out: &'o mut (dyn Write + Send),
    last: Instant,
    number: u32,
}

impl Story<'_> {
    fn step(&mut self, told: &str) -> std::io::Result<()> {
        self.number += 1;
        let took = self.last.elapsed().as_secs_f64() * 1000.0;
        writeln!(self.out, "{:>2}. {told:<74} {took:>8.1} ms", self.number)?;
        self.last = Instant::now();
        Ok(())
    }

    fn show(&mut self, title: &str, value: &Value) -> anyhow::Result<()> {
        writeln!(self.out, "\n{title}\n{}", serde_json::to_string_pretty(value)?)?;
        self.last = Instant::now();
        Ok(())
    }
}

async fn log_in(
    registered: &Registered,
    pki: &Pki,
    wish: &Wish<'_>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let (card, outcome) = card_of(pki, wish.who)?;
    let mut story = Story { out, last: Instant::now(), number: 0 };
    let http = client(pki.web_ca_pem(), None, rustls::ALL_VERSIONS)?;
    let party = RelyingParty::discover(registered.clone(), http).await?;
    story.step("Relying party: discovery document and keys")?;
    let (mut url, pending) = party.begin();
    if let Some(loa) = wish.loa {
        url.query_pairs_mut().append_pair("acr_values", loa.acr());
    }
    let mut browser = Browser::new(pki.web_ca_pem(), card)?;
    let is_callback = |url: &Url| url.as_str().starts_with(registered.redirect_uri.as_str());
    let mut next = url;
    let callback = loop {
        let answer = match browser.get(&next).await {
            Err(_) if outcome == Some(Outcome::BreaksOff) => {
                let told = "Browser: the handshake is broken off, its own error is shown";
                return Ok(story.step(told)?);
            }
            answer => answer?,
        };
        story.step(&format!("Browser: {} -> {}", spoken(&next), answer.status))?;
        match answer.location() {
            Some(location) if is_callback(&location) => break location,
            Some(location) => next = location,
            None => {
                // A page: the person reads it, and presses "back to the system".
                let link = link_back(&answer.body, &registered.redirect_uri)
                    .context("a page without a way back to the system")?;
                story.step(&format!("Person: reads \"{}\", goes back", heading(&answer.body)))?;
                break link;
            }
        }
    };
    match party.callback(&callback, &pending)? {
        Callback::Code(code) => {
            let (_, id_token, access_token) = party.redeem(code, pending).await?;
            story.step("Relying party: code for tokens, ID token verified")?;
            let user_info = party.user_info(&access_token).await?;
            story.step("Relying party: UserInfo")?;
            story.show("ID token", &decoded(&id_token)?)?;
            story.show("Access token", &decoded(&access_token)?)?;
            story.show("UserInfo", &user_info)?;
        }
        Callback::Error { parameters } => {
            let redirect: serde_json::Map<String, Value> =
                parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let reference = redirect.get("error_ref").and_then(Value::as_str).unwrap_or_default();
            let told = party.login_error(reference).await?;
            story.step("Relying party: the story, by its own credentials")?;
            story.show("Error, as the redirect tells it", &Value::Object(redirect))?;
            story.show("Error, as /login-errors tells it", &told)?;
        }
    }
    Ok(())
}

fn card_of(pki: &Pki, who: &str) -> anyhow::Result<(Option<Inserted>, Option<Outcome>)> {
    if who == NO_CARD {
        return Ok((None, None));
    }
    let Some(person) = pki.person(who) else {
        let Ok(specimen) = super::zoo::named(who) else {
            let names: Vec<&str> = pki.people().iter().map(|person| person.name).collect();
            bail!(
                "nobody is called {who}: there are {}, {NO_CARD}, and the cards of `dev zoo`",
                names.join(", ")
            );
        };
        let CardFiles { chain, key } = specimen.make(&Keeper::new(pki, Clock::system().now())?)?;
        return Ok((Some(Inserted { chain, key }), Some(specimen.outcome)));
    };
    let read = |path: &Path| format!("the card {}", path.display());
    let card = Inserted::load(&person.cert_pem, &person.key_pem)
        .with_context(|| read(&person.cert_pem))?;
    Ok((Some(card), None))
}

// Addresses hold sealed text: the host and the path are enough to read along.
fn spoken(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = match host.split_once(".card.") {
        Some((label, rest)) if label.len() > 8 => format!("{}….card.{rest}", &label[..8]),
        _ => host.to_owned(),
    };
    format!("{host}{}", url.path())
}

fn link_back(html: &str, redirect_uri: &str) -> Option<Url> {
    let start = html.find(&format!("href=\"{redirect_uri}?"))? + "href=\"".len();
    let link = html.get(start..)?.split('"').next()?;
    Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).ok()
}

fn heading(html: &str) -> &str {
    let inner = html.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
    inner.map_or("", |(heading, _)| heading.trim())
}

fn decoded(token: &str) -> anyhow::Result<Value> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part)?;
        anyhow::Ok(serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null))
    });
    let header = parts.next().context("no header")??;
    let claims = parts.next().context("no claims")??;
    Ok(json!({ "header": header, "claims": claims }))
}

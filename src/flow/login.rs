//! A login between its steps: it travels sealed through the browser, and lies nowhere.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::answer::Cookie;
use super::settled::Settled;
use crate::card_hosts::{CardHost, CardHosts};
use crate::oidc::reply_to::issuer_identifier;
use crate::oidc::request::AuthorizationRequest;
use crate::pki::Judgement;
use crate::random::Random;
use crate::secret::{equal, sha256};

/// How long after the relying party's request a person may still try again.
const RETRY_LIMIT: TimeDelta = TimeDelta::hours(1);

/// How the names of the cookies begin that bind logins to browsers.
pub const LOGIN_COOKIE: &str = "__Host-siths-idp-login-";

/// Path on card hosts where the certificate is judged.
pub const CARD_PATH: &str = "/card";
/// Path on the issuer host where a ticket comes back.
pub const RESUME_PATH: &str = "/resume";
/// Path on the issuer host behind "try again".
pub const AGAIN_PATH: &str = "/again";

/// A login on its way to a card host, bound to one browser and to one host name.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The reference of this attempt.
    #[serde(rename = "r")]
    pub reference: String,
    /// What the relying party asked for.
    #[serde(rename = "q")]
    pub request: AuthorizationRequest,
    /// What its cookie is called by: one for each login, so that two tabs do not undo each other.
    #[serde(rename = "c")]
    cookie: String,
    /// SHA-256 of the value of that cookie.
    #[serde(rename = "b")]
    browser: [u8; 32],
    /// The card host that this attempt goes to, and no other.
    #[serde(flatten)]
    card_host: CardHost,
    /// Whether the browser sent no certificate there: the next attempt is to offer more then.
    #[serde(rename = "e", default)]
    sent_none: bool,
    /// When the relying party asked.
    #[serde(rename = "a")]
    pub asked_at: DateTime<Utc>,
    /// When this attempt began.
    #[serde(rename = "s")]
    pub started_at: DateTime<Utc>,
}

/// A judged login on its way back to the issuer host: single-use by its id.
#[derive(Serialize, Deserialize)]
pub struct Ticket {
    /// What makes it single-use.
    #[serde(rename = "i")]
    pub id: Uuid,
    /// The login.
    #[serde(rename = "l")]
    pub login: Login,
    /// What the card host found.
    #[serde(rename = "j")]
    pub judgement: Judgement,
    /// How it was settled whether it is revoked, for a certificate that is genuine.
    #[serde(rename = "v", default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// When: the `auth_time` of a login that succeeds.
    #[serde(rename = "t")]
    pub judged_at: DateTime<Utc>,
}

impl Login {
    /// A first attempt, with the cookie that binds it to the browser.
    #[must_use]
    pub fn begin(
        request: AuthorizationRequest,
        hosts: &CardHosts,
        random: &Random,
        now: DateTime<Utc>,
    ) -> (Self, Cookie) {
        let value = random.token();
        let login = Self {
            reference: random.reference(),
            request,
            cookie: random.label(),
            browser: sha256(value.as_bytes()),
            card_host: hosts.first(random),
            sent_none: false,
            asked_at: now,
            started_at: now,
        };
        let name = login.cookie_name().into();
        // Longer than the last attempt may take, so that whoever is too late is told so.
        (login, Cookie { name, value, max_age: Some(RETRY_LIMIT * 3) })
    }

    /// The name of the cookie that binds it to the browser.
    #[must_use]
    pub fn cookie_name(&self) -> String {
        format!("{LOGIN_COOKIE}{}", self.cookie)
    }

    /// Whether it was begun in the browser that has this value of its cookie.
    #[must_use]
    pub fn is_of_browser(&self, cookie: Option<&str>) -> bool {
        cookie.is_some_and(|value| equal(&sha256(value.as_bytes()), &self.browser))
    }

    /// Its cookie, soon forgotten: the login is over, and only a ticket that comes twice needs it.
    #[must_use]
    pub fn fading_cookie(&self, value: &str, max_age: TimeDelta) -> Cookie {
        let name = self.cookie_name().into();
        Cookie { name, value: value.to_owned(), max_age: Some(max_age) }
    }

    /// Whether this attempt went to the card host of this name, normalised.
    #[must_use]
    pub fn is_of_host(&self, name: &str) -> bool {
        self.card_host.name == name
    }

    /// The name of its card host.
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.card_host.name
    }

    /// The same, for "try again" after the browser sent no certificate.
    #[must_use]
    pub fn without_a_certificate(self) -> Self {
        Self { sent_none: true, ..self }
    }

    /// Whether "try again" offers more certificates than this attempt did.
    #[must_use]
    pub fn widens(&self, hosts: &CardHosts) -> bool {
        self.sent_none && hosts.wider_than(&self.card_host).is_some()
    }

    /// Another attempt, on a host name that this browser has not been sent to by this login;
    /// `None` when the relying party asked too long ago. It offers more where no certificate was
    /// sent, because what is not offered cannot be told of, and what the first did otherwise.
    #[must_use]
    pub fn again(self, hosts: &CardHosts, random: &Random, now: DateTime<Utc>) -> Option<Self> {
        (now < self.asked_at + RETRY_LIMIT).then(|| {
            let wider = self.sent_none.then(|| hosts.wider(&self.card_host, random)).flatten();
            let card_host = wider.unwrap_or_else(|| hosts.again(&self.card_host, random));
            let reference = random.reference();
            Self { reference, card_host, sent_none: false, started_at: now, ..self }
        })
    }

    /// Where the browser is sent: the card host, on the port of the issuer.
    #[must_use]
    pub fn card_address(&self, issuer: &Url, sealed: &str) -> String {
        let port = issuer.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("https://{}{port}{CARD_PATH}?login={sealed}", self.host_name())
    }
}

/// Where a ticket is brought back to.
#[must_use]
pub fn resume_address(issuer: &Url, sealed: &str) -> String {
    format!("{}{RESUME_PATH}?ticket={sealed}", issuer_identifier(issuer))
}

/// Where "try again" leads.
#[must_use]
pub fn again_address(issuer: &Url, sealed: &str) -> String {
    format!("{}{AGAIN_PATH}?login={sealed}", issuer_identifier(issuer))
}

//! A login between its steps: it travels sealed through the browser, and lies nowhere.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::answer::Cookie;
use super::settled::Settled;
use crate::config::CardHosts;
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
    #[serde(rename = "h")]
    pub card_host: String,
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
            card_host: fresh_host(hosts, None, random),
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

    /// Another attempt, on a host name that this browser has not been sent to by this login;
    /// `None` when the relying party asked too long ago.
    #[must_use]
    pub fn again(self, hosts: &CardHosts, random: &Random, now: DateTime<Utc>) -> Option<Self> {
        (now < self.asked_at + RETRY_LIMIT).then(|| Self {
            reference: random.reference(),
            card_host: fresh_host(hosts, Some(&self.card_host), random),
            started_at: now,
            ..self
        })
    }

    /// Where the browser is sent: the card host, on the port of the issuer.
    #[must_use]
    pub fn card_address(&self, issuer: &Url, sealed: &str) -> String {
        let port = issuer.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("https://{}{port}{CARD_PATH}?login={sealed}", self.card_host)
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

// Browsers remember the choice of a certificate for each host name. Under a wildcard a name is never
// used twice; of a fixed list the one after the last is taken, beginning anywhere, so that the next
// person at a shared workstation seldom meets the choice of the last.
fn fresh_host(hosts: &CardHosts, last: Option<&str>, random: &Random) -> String {
    match hosts {
        CardHosts::Wildcard(parent) => format!("{}.{parent}", random.label()),
        CardHosts::Fixed(names) => {
            let at = match last.and_then(|last| names.iter().position(|name| name == last)) {
                Some(last) => last + 1,
                None => usize::from(random.bytes::<1>()[0]),
            };
            names[at % names.len()].clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn under_a_wildcard_no_host_is_used_twice() {
        let hosts = CardHosts::Wildcard("card.idp.example".to_owned());
        let random = Random::system();
        let seen: HashSet<String> =
            (0..100).map(|_| fresh_host(&hosts, Some("x.card.idp.example"), &random)).collect();
        assert_eq!(seen.len(), 100);
        assert!(seen.iter().all(|host| host.ends_with(".card.idp.example")));
    }

    #[test]
    fn of_a_fixed_list_the_next_is_taken() {
        let names = ["c1", "c2", "c3"].map(String::from).to_vec();
        let hosts = CardHosts::Fixed(names.clone());
        let random = Random::system();
        assert_eq!(fresh_host(&hosts, Some("c1"), &random), "c2");
        assert_eq!(fresh_host(&hosts, Some("c3"), &random), "c1");
        assert!(names.contains(&fresh_host(&hosts, None, &random)));
    }
}

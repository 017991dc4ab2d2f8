//! What the revocation lists in the database say of a path. Nobody else is asked: an operator's
//! machine fetches nothing, and OCSP is for nodes.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::context::Context;
use crate::config::{Administration, RevocationOrder, RevocationOrders, TrustFiles};
use crate::pki::revocation::crl::CrlLimits;
use crate::pki::revocation::{Authority, CrlIndex, Link, Verdict};
use crate::serve::trust::certificate;
use crate::store::{self, PgPool, revocation};

const UNCONFIGURED: &str = "an authority that is not configured";

/// What a list says of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// It is current, and does not name it.
    NotRevoked,
    /// It names it.
    Revoked,
    /// It names it, from a moment on that was still to come.
    RevokedLater,
    /// There is none that is current.
    NotDetermined,
    /// It is not looked into: by the configuration a node asks nobody either.
    Off,
}

impl Word {
    const fn name(self) -> &'static str {
        match self {
            Self::NotRevoked => "not-revoked",
            Self::Revoked => "revoked",
            Self::RevokedLater => "revoked-later",
            Self::NotDetermined => "not-determined",
            Self::Off => "off",
        }
    }
}

/// What was found of one certificate of the path, the card's first.
pub(super) struct Found {
    pub word: Word,
    /// The authority whose list it is.
    authority: String,
    revoked_at: Option<DateTime<Utc>>,
    this_update: Option<DateTime<Utc>>,
    next_update: Option<DateTime<Utc>>,
    /// Why nothing is determined.
    why: String,
}

impl Found {
    /// The verdict for the outcome: what a list does not say, a node would ask elsewhere, and the
    /// outcome stays open.
    pub const fn verdict(&self) -> Verdict {
        match self.word {
            Word::NotRevoked | Word::RevokedLater => Verdict::NotRevoked,
            Word::Revoked => Verdict::Revoked,
            Word::NotDetermined | Word::Off => Verdict::NotChecked,
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "authority": self.authority,
            "verdict": self.word.name(),
            "revoked_at": self.revoked_at,
            "this_update": self.this_update,
            "next_update": self.next_update,
            "why": self.why,
        })
    }

    pub fn text(&self) -> String {
        if self.word == Word::Off {
            return format!("nobody is asked about {}'s certificates", self.authority);
        }
        let mut text = format!("{} by the list of {}", self.word.name(), self.authority);
        if let Some(at) = self.revoked_at {
            text += &format!(", since {at}");
        }
        if let Some(at) = self.this_update {
            text += &format!(", of {at}");
        }
        if !self.why.is_empty() {
            text += &format!(": {}", self.why);
        }
        text
    }
}

/// Looks the certificates of a path up at a moment.
///
/// # Errors
/// Why no list could be looked into, in a few words: no database is configured, or none answers.
pub(super) async fn look(
    links: &[Link],
    (files, orders): (&TrustFiles, &RevocationOrders),
    context: &Context,
    at: DateTime<Utc>,
) -> Result<Vec<Found>, String> {
    let authorities = authorities(files);
    let known = links.iter().map(|link| {
        let authority = authorities.iter().find(|authority| authority.id() == link.issuer);
        (link, authority, order(link, orders))
    });
    if known.clone().all(|(.., order)| order == RevocationOrder::Off) {
        return Ok(known.map(|(_, authority, _)| unasked(authority)).collect());
    }
    let Ok(Administration { database, .. }) = context.administration() else {
        return Err("no database is configured".to_owned());
    };
    let pool = store::connect(&database).await.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for (link, authority, order) in known {
        found.push(match authority {
            _ if order == RevocationOrder::Off => unasked(authority),
            Some(authority) => by_list(&pool, authority, link, (at, context.clock.now())).await,
            None => undetermined(UNCONFIGURED, "it has no list"),
        });
    }
    Ok(found)
}

/// What a node would ask about a certificate of this issuer.
fn order(link: &Link, orders: &RevocationOrders) -> RevocationOrder {
    let is_of = |file: &Path| {
        let authority = certificate(file).ok().and_then(|der| Authority::new(&der).ok());
        authority.is_some_and(|authority| authority.id() == link.issuer)
    };
    let row = orders.authorities.iter().find(|(file, _)| is_of(file));
    row.map_or(orders.default, |(_, order)| *order)
}

fn authorities(files: &TrustFiles) -> Vec<Authority> {
    let issuers = files.issuers.iter().map(|row| &row.certificate);
    let all = files.roots.iter().chain(&files.intermediates).chain(issuers);
    all.filter_map(|file| Authority::new(&certificate(file).ok()?).ok()).collect()
}

async fn by_list(
    pool: &PgPool,
    authority: &Authority,
    link: &Link,
    (at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Found {
    let name = authority.common_name();
    let der = match revocation::list(pool, authority.id().as_bytes()).await {
        Ok(Some((der, _))) => der,
        Ok(None) => return undetermined(name, "the database holds none"),
        Err(error) => return undetermined(name, &error.to_string()),
    };
    // Nothing else runs here that a long list could hold up.
    let limits = CrlLimits { bytes: usize::MAX, entries: usize::MAX };
    let list = match CrlIndex::read(&der, authority, limits, now) {
        Ok(list) => list,
        Err(fault) => return undetermined(name, &fault.to_string()),
    };
    let revoked_at = list.find(&link.serial).map(|revocation| revocation.at);
    let holds = list.is_current(now) && at <= list.next_update();
    let (word, why) = match revoked_at {
        Some(since) if since <= at => (Word::Revoked, ""),
        Some(_) => (Word::RevokedLater, ""),
        None if !list.covers(link) => (Word::NotDetermined, "it is not about this certificate"),
        None if !holds => (Word::NotDetermined, "it has run out by then"),
        None => (Word::NotRevoked, ""),
    };
    Found {
        word,
        authority: name.to_owned(),
        revoked_at,
        this_update: Some(list.this_update()),
        next_update: Some(list.next_update()),
        why: why.to_owned(),
    }
}

fn undetermined(authority: &str, why: &str) -> Found {
    without_list(Word::NotDetermined, authority, why)
}

fn unasked(authority: Option<&Authority>) -> Found {
    let name = authority.map_or(UNCONFIGURED, Authority::common_name);
    without_list(Word::Off, name, "the configuration asks nobody")
}

fn without_list(word: Word, authority: &str, why: &str) -> Found {
    Found {
        word,
        authority: authority.to_owned(),
        revoked_at: None,
        this_update: None,
        next_update: None,
        why: why.to_owned(),
    }
}

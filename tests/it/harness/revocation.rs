//! What tests of revocation ask of a node, and change of its responder.

use serde_json::Value;
use siths_idp::config::{Config, RevocationOrder};
use siths_idp::dev::pki::IssuerName;
use siths_idp::revocation::{AuthorityReport, ListReport, Report};

use super::TestIdp;

/// The name of the authority of most cards.
pub const HSA_ID_3: &str = IssuerName::HsaId3.common_name();

/// The same order for every authority.
pub fn order(config: &mut Config, order: RevocationOrder) {
    for row in &mut config.revocation.authorities {
        row.settings.order = order;
    }
}

/// The same grace for every authority.
pub fn grace(config: &mut Config, hours: i64) {
    for row in &mut config.revocation.authorities {
        row.settings.grace = chrono::TimeDelta::hours(hours);
    }
}

impl TestIdp {
    /// The state of every source.
    pub fn sources(&self) -> Report {
        self.node.app.revocation.report(self.clock.now())
    }

    /// The state of the sources of most cards.
    pub fn sources_of_cards(&self) -> AuthorityReport {
        of_cards(self.sources())
    }

    /// The list of most cards.
    pub fn list_of_cards(&self) -> ListReport {
        self.sources_of_cards().crl.unwrap()
    }

    /// Waits until the sources are as wished.
    pub async fn until_sources(&self, are_so: impl Fn(&Report) -> bool) {
        let clock = self.clock.clone();
        self.until(|app| are_so(&app.revocation.report(clock.now()))).await;
    }

    /// Waits until every authority has a list that is current.
    pub async fn until_listed(&self) {
        let is_current =
            |authority: &AuthorityReport| authority.crl.as_ref().is_none_or(|crl| crl.current);
        self.until_sources(|report| report.authorities.iter().all(is_current)).await;
    }

    /// Moves the clock to when lists are due, and waits until each was asked for.
    pub async fn fetch_again(&self) {
        let asked = |report: &Report| report.counts.list_fetches + report.counts.list_failures;
        let before = asked(&self.sources());
        let listed =
            |report: &Report| report.authorities.iter().filter(|a| a.crl.is_some()).count();
        let authorities = listed(&self.sources()) as u64;
        self.advance(3600);
        self.until_sources(|report| asked(report) >= before + authorities).await;
    }

    /// The same where lists are asked; else the clock alone.
    pub async fn fetch_again_or_advance(&self) {
        if self.sources_of_cards().crl.is_some() {
            self.fetch_again().await;
        } else {
            self.advance(3600);
        }
    }

    /// Revokes the card of one of the people, by whoever issued it.
    pub fn revoke(&self, person: &str) {
        self.responder.revoke_certificate(&self.card(person).chain[0]).unwrap();
    }

    /// The code that a login with a person's card ends with; `None` where it succeeds.
    pub async fn outcome(&self, person: &str) -> Option<String> {
        let walk = self.walk(&mut self.browser(person), &self.authorize().url()).await;
        match walk.last().location() {
            Some(url) if url.query_pairs().any(|(name, _)| name == "code") => None,
            _ => Some(walk.error_code()),
        }
    }

    /// What the audit trail says of the revocation of the last login's certificate.
    pub async fn settled(&self) -> Value {
        let query = "select details->'revocation'->0 from audit_events
            where event in ('login.succeeded', 'login.failed') order by id desc limit 1";
        self.rows(query).await.remove(0)
    }
}

/// The state of the sources of most cards.
pub fn of_cards(report: Report) -> AuthorityReport {
    report.authorities.into_iter().find(|found| found.authority == HSA_ID_3).unwrap()
}

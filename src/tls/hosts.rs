//! The host names of an installation: the issuer's, and those that ask for a card.
//!
//! Must never treat an unknown name as a card host.

use crate::card_hosts::{Asks, CardHosts, normalised};

/// The host names that are served.
#[derive(Clone, Debug)]
pub struct Hosts {
    issuer: String,
    card: CardHosts,
}

/// What a host name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The issuer host, and whatever is no card host: no certificate is asked for.
    Issuer,
    /// A card host.
    Card {
        /// The whole name, normalised.
        name: String,
        /// What it asks for.
        asks: Asks,
    },
}

impl Hosts {
    /// The issuer's host name and the card hosts, in any case, without ports.
    #[must_use]
    pub fn new(issuer: &str, card: CardHosts) -> Self {
        Self { issuer: normalised(issuer), card }
    }

    /// The issuer's host name, normalised.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the server name of a ClientHello (RFC 6066 §3) stands for. No name, and a name that is
    /// none of ours, gets the issuer's configuration, which asks for nothing.
    #[must_use]
    pub fn classify(&self, sni: Option<&str>) -> Host {
        let Some(name) = sni.map(normalised) else {
            return Host::Issuer;
        };
        // The issuer host first: it never asks, however the card hosts are configured.
        if name == self.issuer {
            return Host::Issuer;
        }
        match self.card.asks(&name) {
            Some(asks) => Host::Card { name, asks },
            None => Host::Issuer,
        }
    }

    /// The one host name that requests on a connection may name: the server name, or the issuer's
    /// where none was sent; none at all where the server name is none of ours.
    #[must_use]
    pub(super) fn authority(&self, sni: Option<&str>) -> Option<String> {
        match (self.classify(sni), sni) {
            (Host::Card { name, .. }, _) => Some(name),
            (Host::Issuer, None) => Some(self.issuer.clone()),
            (Host::Issuer, Some(sni)) => {
                (normalised(sni) == self.issuer).then(|| self.issuer.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card_hosts::{Chooser, Label};

    fn wildcard() -> Hosts {
        let card = CardHosts::wildcard("Card.idp.localhost", Label::Always, Chooser::Siths);
        Hosts::new("IDP.localhost.", card)
    }

    #[test]
    fn what_is_no_card_host_is_never_asked() {
        for name in [
            None,
            Some(""),
            Some("."),
            Some("idp.localhost"),
            Some("other.example"),
            Some("a.b.card.idp.localhost"),
            Some(".card.idp.localhost"),
            Some("evilcard.idp.localhost"),
            Some("card.idp.localhost.evil"),
        ] {
            assert_eq!(wildcard().classify(name), Host::Issuer, "{name:?}");
        }
    }

    #[test]
    fn card_hosts_are_told_in_any_case_and_with_a_dot() {
        for (asked, name, asks) in [
            ("card.idp.localhost", "card.idp.localhost", Asks::ForNothing),
            ("CARD.idp.LOCALHOST.", "card.idp.localhost", Asks::ForNothing),
            ("X7.card.idp.localhost", "x7.card.idp.localhost", Asks::For(Chooser::Siths)),
            (
                "A0123456789abcdefghjk.card.idp.localhost",
                "a0123456789abcdefghjk.card.idp.localhost",
                Asks::For(Chooser::Any),
            ),
        ] {
            let expected = Host::Card { name: name.to_owned(), asks };
            assert_eq!(wildcard().classify(Some(asked)), expected);
        }
    }

    #[test]
    fn the_issuer_is_never_a_card_host() {
        let names = ["idp.example".to_owned()];
        let hosts = Hosts::new("idp.example", CardHosts::fixed(&names, &names, Chooser::HsaId));
        assert_eq!(hosts.classify(Some("idp.example")), Host::Issuer);
    }

    #[test]
    fn a_foreign_server_name_may_name_nothing() {
        assert_eq!(wildcard().authority(Some("other.example")), None);
        assert_eq!(wildcard().authority(None).as_deref(), Some("idp.localhost"));
        assert_eq!(wildcard().authority(Some("IDP.localhost")).as_deref(), Some("idp.localhost"));
    }
}

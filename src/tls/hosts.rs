//! The host names of an installation: the issuer's, those that ask for a card, and those that ask
//! relying parties for a certificate (RFC 8705).
//!
//! Must never treat an unknown name as one that asks.

use crate::card_hosts::{Asks, CardHosts, normalised};

/// The host names that are served.
#[derive(Clone, Debug)]
pub struct Hosts {
    issuer: String,
    card: CardHosts,
    mtls: Vec<String>,
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
    /// A host where relying parties show a certificate, if they have one: for them alone.
    Mtls {
        /// The whole name, normalised.
        name: String,
    },
}

impl Host {
    /// Whether a certificate is asked for, so that what was presented means something.
    #[must_use]
    pub const fn takes_certificates(&self) -> bool {
        match self {
            Self::Issuer => false,
            Self::Card { .. } | Self::Mtls { .. } => true,
        }
    }
}

impl Hosts {
    /// The issuer's host name and the card hosts, in any case, without ports.
    #[must_use]
    pub fn new(issuer: &str, card: CardHosts) -> Self {
        Self { issuer: normalised(issuer), card, mtls: Vec::new() }
    }

    /// The same, with hosts for the certificates of relying parties.
    #[must_use]
    pub fn with_mtls(mut self, names: &[String]) -> Self {
        self.mtls = names.iter().map(|name| normalised(name)).collect();
        self
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
        if self.mtls.contains(&name) {
            return Host::Mtls { name };
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
            (Host::Card { name, .. } | Host::Mtls { name }, _) => Some(name),
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
    fn hosts_for_relying_parties_are_told_and_the_issuer_is_none_of_them() {
        let names = ["MTLS.idp.localhost.".to_owned(), "idp.localhost".to_owned()];
        let hosts = wildcard().with_mtls(&names);
        for name in ["mtls.idp.localhost", "Mtls.idp.localhost."] {
            let expected = Host::Mtls { name: "mtls.idp.localhost".to_owned() };
            assert_eq!(hosts.classify(Some(name)), expected);
            assert_eq!(hosts.authority(Some(name)).as_deref(), Some("mtls.idp.localhost"));
        }
        for name in ["idp.localhost", "x.mtls.idp.localhost", "evilmtls.idp.localhost"] {
            assert_eq!(hosts.classify(Some(name)), Host::Issuer);
        }
        // Where there is none, the name is nobody's.
        assert_eq!(wildcard().classify(Some("mtls.idp.localhost")), Host::Issuer);
        assert_eq!(wildcard().authority(Some("mtls.idp.localhost")), None);
    }

    #[test]
    fn a_foreign_server_name_may_name_nothing() {
        assert_eq!(wildcard().authority(Some("other.example")), None);
        assert_eq!(wildcard().authority(None).as_deref(), Some("idp.localhost"));
        assert_eq!(wildcard().authority(Some("IDP.localhost")).as_deref(), Some("idp.localhost"));
    }
}

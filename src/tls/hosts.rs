//! The host names of an installation: the issuer's, and those that ask for a card.
//!
//! Must never treat an unknown name as a card host.

/// The host names that are served.
#[derive(Clone, Debug)]
pub struct Hosts {
    issuer: String,
    card: CardHosts,
}

/// The host names that ask for a certificate.
#[derive(Clone, Debug)]
pub enum CardHosts {
    /// This name and every name of one label more: a login goes to a fresh label.
    Wildcard(String),
    /// These names and no other, where there is no wildcard in DNS or in the certificate.
    Fixed(Vec<String>),
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
        /// The label before the wildcard's name, where there is one.
        label: Option<String>,
    },
}

impl Hosts {
    /// The issuer's host name and the card hosts, in any case, without ports.
    #[must_use]
    pub fn new(issuer: &str, card: CardHosts) -> Self {
        let card = match card {
            CardHosts::Wildcard(name) => CardHosts::Wildcard(normalised(&name)),
            CardHosts::Fixed(names) => {
                CardHosts::Fixed(names.iter().map(|name| normalised(name)).collect())
            }
        };
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
        match &self.card {
            CardHosts::Wildcard(parent) if name == *parent => Host::Card { name, label: None },
            CardHosts::Wildcard(parent) => match label_under(&name, parent) {
                Some(label) => Host::Card { label: Some(label.to_owned()), name },
                None => Host::Issuer,
            },
            CardHosts::Fixed(names) if names.contains(&name) => Host::Card { name, label: None },
            CardHosts::Fixed(_) => Host::Issuer,
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

/// Lower case, without the dot that ends a fully qualified name.
pub(super) fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The one label of `name` before `.parent`, as a wildcard certificate covers it (RFC 9525 §6.3).
fn label_under<'a>(name: &'a str, parent: &str) -> Option<&'a str> {
    let label = name.strip_suffix(parent)?.strip_suffix('.')?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wildcard() -> Hosts {
        Hosts::new("IDP.localhost.", CardHosts::Wildcard("Card.idp.localhost".into()))
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
        let card = |name: &str, label: Option<&str>| Host::Card {
            name: name.into(),
            label: label.map(str::to_owned),
        };
        let plain = card("card.idp.localhost", None);
        assert_eq!(wildcard().classify(Some("card.idp.localhost")), plain);
        assert_eq!(wildcard().classify(Some("CARD.idp.LOCALHOST.")), plain);
        let labelled = card("x7.card.idp.localhost", Some("x7"));
        assert_eq!(wildcard().classify(Some("X7.card.idp.localhost")), labelled);
    }

    #[test]
    fn a_fixed_list_admits_nothing_beside_it() {
        let hosts = Hosts::new("idp.example", CardHosts::Fixed(vec!["C1.idp.example".into()]));
        assert!(matches!(hosts.classify(Some("c1.idp.example")), Host::Card { label: None, .. }));
        assert_eq!(hosts.classify(Some("c2.idp.example")), Host::Issuer);
        assert_eq!(hosts.classify(Some("x.c1.idp.example")), Host::Issuer);
    }

    #[test]
    fn the_issuer_is_never_a_card_host() {
        let hosts = Hosts::new("idp.example", CardHosts::Fixed(vec!["idp.example".into()]));
        assert_eq!(hosts.classify(Some("idp.example")), Host::Issuer);
    }

    #[test]
    fn a_foreign_server_name_may_name_nothing() {
        assert_eq!(wildcard().authority(Some("other.example")), None);
        assert_eq!(wildcard().authority(None).as_deref(), Some("idp.localhost"));
        assert_eq!(wildcard().authority(Some("IDP.localhost")).as_deref(), Some("idp.localhost"));
    }
}

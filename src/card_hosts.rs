//! The host names that ask for a card, and which certificates browsers are told to offer on each.
//!
//! A browser remembers its choice of a certificate for each host name, so a login is given a name,
//! and each attempt another. The name alone says what is asked for there: TLS knows nothing else
//! before it asks. Must never take an unknown name for a card host.

use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::random::Random;

named! {
    /// Which certificates browsers are told to offer, by the issuers that are named to them.
    #[derive(Default)]
    pub enum Chooser {
        /// Those of the issuing CAs whose certificates log in.
        #[default]
        HsaId = "hsa-id",
        /// Those of every configured issuing CA.
        Siths = "siths",
        /// Any at all: no issuer is named.
        Any = "any",
    }
}

named! {
    /// Which attempts get a label of their own under a wildcard.
    #[derive(Default)]
    pub enum Label {
        /// Each: the next person at a workstation is asked, too.
        #[default]
        Always = "always",
        /// Each but the first, which goes to the name that all logins begin at: a browser may send
        /// there what was chosen before, without asking.
        Retry = "retry",
    }
}

impl Chooser {
    /// The next wider one.
    #[must_use]
    pub const fn wider(self) -> Option<Self> {
        match self {
            Self::HsaId => Some(Self::Siths),
            Self::Siths => Some(Self::Any),
            Self::Any => None,
        }
    }

    /// What a label begins with.
    const fn letter(self) -> char {
        match self {
            Self::HsaId => 'h',
            Self::Siths => 's',
            Self::Any => 'a',
        }
    }

    fn of_label(label: &str) -> Option<Self> {
        let is_ours = label.len() == 1 + Random::LABEL_LENGTH;
        let letter = label.chars().next().filter(|_| is_ours)?;
        Self::ALL.into_iter().find(|chooser| chooser.letter() == letter)
    }
}

/// Whether a card host asks for a certificate, and for which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// It does not: no login goes there.
    ForNothing,
    /// It does, offering these.
    For(Chooser),
}

/// The card hosts of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardHosts {
    names: Names,
    chooser: Chooser,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    Wildcard { parent: String, label: Label },
    Fixed { hosts: Vec<String>, wider: Vec<String> },
}

/// The card host of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardHost {
    /// Its name, normalised.
    #[serde(rename = "h")]
    pub name: String,
    /// What browsers are told to offer there.
    #[serde(rename = "o", default)]
    pub chooser: Chooser,
    /// Where in a fixed list it stands.
    #[serde(rename = "n", default)]
    turn: usize,
}

impl CardHosts {
    /// `parent` and every name of one label more, for which DNS and certificate have a wildcard.
    #[must_use]
    pub fn wildcard(parent: &str, label: Label, chooser: Chooser) -> Self {
        Self { names: Names::Wildcard { parent: normalised(parent), label }, chooser }
    }

    /// These names and no other. On the `wider` ones no issuer is named.
    #[must_use]
    pub fn fixed(hosts: &[String], wider: &[String], chooser: Chooser) -> Self {
        let all = |names: &[String]| names.iter().map(|name| normalised(name)).collect();
        Self { names: Names::Fixed { hosts: all(hosts), wider: all(wider) }, chooser }
    }

    /// What a host of this name, normalised, asks for; `None` where it is no card host. A label that
    /// no login was given asks for what the first attempt does.
    #[must_use]
    pub fn asks(&self, name: &str) -> Option<Asks> {
        let is_in = |names: &[String]| names.iter().any(|listed| listed == name);
        Some(Asks::For(match &self.names {
            Names::Wildcard { parent, label } if name == parent => match label {
                // People are told this name; a chooser there would be one too many.
                Label::Always => return Some(Asks::ForNothing),
                Label::Retry => self.chooser,
            },
            Names::Wildcard { parent, .. } => {
                let label = label_under(name, parent)?;
                Chooser::of_label(label).unwrap_or(self.chooser)
            }
            Names::Fixed { hosts, .. } if is_in(hosts) => self.chooser,
            Names::Fixed { wider, .. } if is_in(wider) => Chooser::Any,
            Names::Fixed { .. } => return None,
        }))
    }

    /// Where a login begins: under a wildcard a name that was never used (if labels are for all);
    /// of a fixed list any, so that the next person at a workstation seldom meets the choice of the
    /// last.
    #[must_use]
    pub fn first(&self, random: &Random) -> CardHost {
        match &self.names {
            Names::Wildcard { parent, label: Label::Retry } => {
                CardHost { name: parent.clone(), chooser: self.chooser, turn: 0 }
            }
            Names::Wildcard { parent, label: Label::Always } => {
                labelled(parent, self.chooser, random)
            }
            Names::Fixed { hosts, .. } => {
                listed(hosts, usize::from(u16::from_ne_bytes(random.bytes())), self.chooser)
            }
        }
    }

    /// Another attempt, that offers what the first did: under a wildcard a name that was never used,
    /// of a fixed list the next.
    #[must_use]
    pub fn again(&self, last: &CardHost, random: &Random) -> CardHost {
        match &self.names {
            Names::Wildcard { parent, .. } => labelled(parent, self.chooser, random),
            Names::Fixed { hosts, .. } => listed(hosts, last.turn.saturating_add(1), self.chooser),
        }
    }

    /// Another attempt, that offers more than the last; `None` where there is no more.
    #[must_use]
    pub fn wider(&self, last: &CardHost, random: &Random) -> Option<CardHost> {
        let chooser = self.wider_than(last)?;
        Some(match &self.names {
            Names::Wildcard { parent, .. } => labelled(parent, chooser, random),
            // Its turn is kept: the next of the list has not been visited.
            Names::Fixed { wider, .. } => {
                CardHost { turn: last.turn, ..listed(wider, last.turn, chooser) }
            }
        })
    }

    /// What [`wider`](Self::wider) would offer.
    #[must_use]
    pub fn wider_than(&self, last: &CardHost) -> Option<Chooser> {
        match &self.names {
            Names::Wildcard { .. } => last.chooser.wider(),
            Names::Fixed { wider, .. } => {
                (!wider.is_empty() && last.chooser != Chooser::Any).then_some(Chooser::Any)
            }
        }
    }
}

/// The names on which a card is tried out, without a login.
impl CardHosts {
    /// Where a card is tried: under a wildcard a name that was never used, offering any certificate;
    /// of a fixed list the name after `last`, and any of it where `last` is none of them.
    #[must_use]
    pub fn trial(&self, last: Option<&str>, random: &Random) -> String {
        match &self.names {
            Names::Wildcard { parent, .. } => labelled(parent, Chooser::Any, random).name,
            Names::Fixed { hosts, wider } => {
                let names = if wider.is_empty() { hosts } else { wider };
                let after = last.and_then(|last| names.iter().position(|name| name == last));
                let turn = after.map_or_else(|| usize::from(random.bytes::<1>()[0]), |at| at + 1);
                listed(names, turn, Chooser::Any).name
            }
        }
    }

    /// Whether this is the name that people are told, below which the names for trials are.
    #[must_use]
    pub fn is_parent(&self, name: &str) -> bool {
        matches!(&self.names, Names::Wildcard { parent, .. } if parent == name)
    }
}

/// Lower case, without the dot that ends a fully qualified name.
#[must_use]
pub fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn labelled(parent: &str, chooser: Chooser, random: &Random) -> CardHost {
    let name = format!("{}{}.{parent}", chooser.letter(), random.label());
    CardHost { name, chooser, turn: 0 }
}

fn listed(names: &[String], turn: usize, chooser: Chooser) -> CardHost {
    let turn = turn % names.len().max(1);
    CardHost { name: names.get(turn).cloned().unwrap_or_default(), chooser, turn }
}

/// The one label of `name` before `.parent`, as a wildcard certificate covers it (RFC 9525 §6.3).
fn label_under<'a>(name: &'a str, parent: &str) -> Option<&'a str> {
    let label = name.strip_suffix(parent)?.strip_suffix('.')?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PARENT: &str = "card.idp.example";

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn every_kind() -> Vec<CardHosts> {
        let names = strings(&["c1.example", "c2.example", "c3.example"]);
        let wider = strings(&["w1.example", "w2.example"]);
        let mut all = Vec::new();
        for chooser in Chooser::ALL {
            for label in Label::ALL {
                all.push(CardHosts::wildcard(PARENT, label, chooser));
            }
            all.push(CardHosts::fixed(&names, &[], chooser));
            all.push(CardHosts::fixed(&names, &wider, chooser));
        }
        all
    }

    #[test]
    fn the_name_of_an_attempt_tells_what_it_offers() {
        let random = Random::system();
        for hosts in every_kind() {
            let mut host = hosts.first(&random);
            for step in 0..20 {
                let asks = hosts.asks(&host.name);
                assert_eq!(asks, Some(Asks::For(host.chooser)), "{hosts:?} {step}");
                let wider = (step % 3 == 0).then(|| hosts.wider(&host, &random)).flatten();
                host = wider.unwrap_or_else(|| hosts.again(&host, &random));
            }
        }
    }

    #[test]
    fn the_next_attempt_is_never_on_the_host_of_the_last() {
        let random = Random::system();
        for hosts in every_kind() {
            let mut host = hosts.first(&random);
            for step in 0..50 {
                let wider = (step % 5 < 2).then(|| hosts.wider(&host, &random)).flatten();
                let next = wider.unwrap_or_else(|| hosts.again(&host, &random));
                assert_ne!(next.name, host.name, "{hosts:?} {step}");
                host = next;
            }
        }
    }

    #[test]
    fn under_a_wildcard_no_label_is_used_twice() {
        let random = Random::system();
        let hosts = CardHosts::wildcard("Card.idp.EXAMPLE.", Label::Always, Chooser::HsaId);
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let first = hosts.first(&random);
            for host in [hosts.again(&first, &random), hosts.wider(&first, &random).unwrap(), first]
            {
                assert!(host.name.ends_with(".card.idp.example"), "{}", host.name);
                assert!(seen.insert(host.name));
            }
        }
    }

    #[test]
    fn labels_for_retries_alone_begin_at_the_name_that_all_share() {
        let random = Random::system();
        let hosts = CardHosts::wildcard(PARENT, Label::Retry, Chooser::Siths);
        let first = hosts.first(&random);
        assert_eq!((first.name.as_str(), first.chooser), (PARENT, Chooser::Siths));
        assert_ne!(hosts.again(&first, &random).name, PARENT);
        assert_ne!(hosts.wider(&first, &random).unwrap().name, PARENT);
    }

    #[test]
    fn an_attempt_widens_step_by_step_and_falls_back_to_the_configured() {
        let random = Random::system();
        let hosts = CardHosts::wildcard(PARENT, Label::Always, Chooser::HsaId);
        let mut host = hosts.first(&random);
        for expected in [Chooser::Siths, Chooser::Any] {
            assert_eq!(hosts.wider_than(&host), Some(expected));
            host = hosts.wider(&host, &random).unwrap();
            assert_eq!(host.chooser, expected);
        }
        assert_eq!((hosts.wider_than(&host), hosts.wider(&host, &random)), (None, None));
        assert_eq!(hosts.again(&host, &random).chooser, Chooser::HsaId);
    }

    #[test]
    fn a_fixed_list_is_gone_through_in_turn_and_widens_where_there_is_a_second() {
        let random = Random::system();
        let names = strings(&["c1", "c2", "c3"]);
        let hosts = CardHosts::fixed(&names, &strings(&["w1", "w2"]), Chooser::HsaId);
        let c3 = listed(&names, 2, Chooser::HsaId);
        assert_eq!(hosts.again(&c3, &random).name, "c1");
        assert!(names.contains(&hosts.first(&random).name));
        // By way of a wider one, the next of the list is one that was not visited.
        let c1 = listed(&names, 0, Chooser::HsaId);
        let w1 = hosts.wider(&c1, &random).unwrap();
        assert_eq!((w1.name.as_str(), w1.chooser), ("w1", Chooser::Any));
        assert_eq!(hosts.wider(&w1, &random), None);
        assert_eq!(hosts.again(&w1, &random).name, "c2");
        let narrow = CardHosts::fixed(&names, &[], Chooser::HsaId);
        assert_eq!(narrow.wider(&c1, &random), None);
    }

    #[test]
    fn a_label_of_nobodys_asks_for_what_the_first_attempt_does() {
        let hosts = CardHosts::wildcard(PARENT, Label::Always, Chooser::Siths);
        for label in ["x7", "a", "any", "hsa-id", "z0123456789abcdefghjk"] {
            let name = format!("{label}.{PARENT}");
            assert_eq!(hosts.asks(&name), Some(Asks::For(Chooser::Siths)), "{name}");
        }
        for (letter, chooser) in [("h", Chooser::HsaId), ("s", Chooser::Siths), ("a", Chooser::Any)]
        {
            let name = format!("{letter}0123456789abcdefghjk.{PARENT}");
            assert_eq!(hosts.asks(&name), Some(Asks::For(chooser)), "{name}");
        }
    }

    #[test]
    fn the_name_without_a_label_asks_where_logins_begin_at_it() {
        let asks = |label| CardHosts::wildcard(PARENT, label, Chooser::Any).asks(PARENT);
        assert_eq!(asks(Label::Always), Some(Asks::ForNothing));
        assert_eq!(asks(Label::Retry), Some(Asks::For(Chooser::Any)));
    }

    #[test]
    fn what_is_no_card_host_is_none() {
        let hosts = CardHosts::wildcard(PARENT, Label::Always, Chooser::HsaId);
        for name in [
            "",
            ".",
            "idp.example",
            "a.b.card.idp.example",
            ".card.idp.example",
            "evilcard.idp.example",
        ] {
            assert_eq!(hosts.asks(name), None, "{name}");
        }
        let fixed =
            CardHosts::fixed(&strings(&["C1.example"]), &strings(&["w.example"]), Chooser::HsaId);
        assert_eq!(fixed.asks("c1.example"), Some(Asks::For(Chooser::HsaId)));
        assert_eq!(fixed.asks("w.example"), Some(Asks::For(Chooser::Any)));
        for name in ["c2.example", "x.c1.example", "example"] {
            assert_eq!(fixed.asks(name), None, "{name}");
        }
    }

    #[test]
    fn a_card_is_tried_on_a_name_of_its_own_that_asks_for_any() {
        let random = Random::system();
        for hosts in every_kind() {
            let mut last: Option<String> = None;
            for _ in 0..10 {
                let name = hosts.trial(last.as_deref(), &random);
                let widest = match &hosts.names {
                    Names::Fixed { wider, .. } if wider.is_empty() => hosts.chooser,
                    _ => Chooser::Any,
                };
                assert_eq!(hosts.asks(&name), Some(Asks::For(widest)), "{hosts:?}");
                assert!(!hosts.is_parent(&name), "{name}");
                assert_ne!(last.as_ref(), Some(&name), "{hosts:?}");
                last = Some(name);
            }
        }
        assert!(CardHosts::wildcard(PARENT, Label::Always, Chooser::Any).is_parent(PARENT));
    }
}

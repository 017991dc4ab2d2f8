//! Which addresses are believed.
//!
//! Must never be everybody: a list that holds the whole of IPv4 or IPv6 is refused.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Networks whose members are believed; none believes nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers(Vec<IpNet>);

/// A network that cannot be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeersFault {
    /// Neither an address nor a network.
    #[error("expected an address or a network, such as 10.1.2.3 or 10.1.2.0/24")]
    Unreadable,
    /// Everybody.
    #[error("that is everybody: name the proxies' own addresses")]
    Everybody,
    /// Bits beyond the prefix are set: something else was meant.
    #[error("the address has bits beyond its prefix: write {0}")]
    Untidy(IpNet),
    /// IPv6 that stands for IPv4, which connections are never shown as.
    #[error("write the IPv4 network itself")]
    Mapped,
}

impl Peers {
    /// From networks as they are written in the configuration.
    ///
    /// # Errors
    /// The first text that will not do, and why.
    pub fn parse<'t>(
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, (&'t str, PeersFault)> {
        let read = |text| network(text).map_err(|fault| (text, fault));
        texts.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is of one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody is listed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of them are this machine.
    #[must_use]
    pub fn are_loopback(&self) -> bool {
        let first_and_last =
            |net: &IpNet| net.network().is_loopback() && net.broadcast().is_loopback();
        self.0.iter().all(first_and_last)
    }
}

fn network(text: &str) -> Result<IpNet, PeersFault> {
    let network = IpNet::from_str(text)
        .or_else(|_| IpAddr::from_str(text).map(IpNet::from))
        .map_err(|_| PeersFault::Unreadable)?;
    if network.prefix_len() == 0 {
        return Err(PeersFault::Everybody);
    }
    if network.trunc() != network {
        return Err(PeersFault::Untidy(network.trunc()));
    }
    if network.addr() != network.addr().to_canonical() {
        return Err(PeersFault::Mapped);
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_alone_are_believed() {
        let peers = Peers::parse(["10.1.2.0/24", "192.0.2.7", "2001:db8::/64"]).unwrap();
        for member in ["10.1.2.0", "10.1.2.255", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8::5"] {
            assert!(peers.contains(member.parse().unwrap()), "{member}");
        }
        for stranger in ["10.1.3.0", "192.0.2.8", "2001:db8:0:1::5", "127.0.0.1", "::1"] {
            assert!(!peers.contains(stranger.parse().unwrap()), "{stranger}");
        }
        assert!(!Peers::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn everybody_and_nonsense_cannot_be_listed() {
        for (text, fault) in [
            ("0.0.0.0/0", PeersFault::Everybody),
            ("::/0", PeersFault::Everybody),
            ("10.1.2.3/24", PeersFault::Untidy("10.1.2.0/24".parse().unwrap())),
            ("::ffff:10.1.2.3", PeersFault::Mapped),
            ("proxy.example", PeersFault::Unreadable),
            ("", PeersFault::Unreadable),
            ("10.1.2.0/33", PeersFault::Unreadable),
        ] {
            assert_eq!(Peers::parse(["10.0.0.1", text]), Err((text, fault)));
        }
    }

    #[test]
    fn loopback_is_told_from_the_network() {
        assert!(Peers::parse(["127.0.0.1", "127.0.0.0/8", "::1"]).unwrap().are_loopback());
        assert!(!Peers::parse(["127.0.0.1", "10.0.0.1"]).unwrap().are_loopback());
        assert!(!Peers::parse(["126.0.0.0/7"]).unwrap().are_loopback());
    }
}

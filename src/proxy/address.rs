//! The address of the client, as the proxies on the way tell it.
//!
//! Read from the end, where the proxy that is connected wrote: listed proxies are passed over, and
//! the first address that is none is the client's. Must never believe what is further left: the
//! client may have written it.

use std::net::{IpAddr, SocketAddr};

use super::peers::Peers;
use crate::named::named;

/// The most text that is read, in bytes.
const MAX_TEXT: usize = 8 * 1024;

named! {
    /// The field that tells the client's address.
    pub enum ClientAddress {
        /// `X-Forwarded-For: client, proxy, …`.
        XForwardedFor = "x-forwarded-for",
        /// `Forwarded: for=client, for=proxy, …` (RFC 7239).
        Forwarded = "forwarded",
    }
}

/// Why a field tells no client address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// The field is not there, or names proxies alone.
    #[error("it names no client")]
    Missing,
    /// The field is too long or not ASCII, or its grammar is broken.
    #[error("it cannot be read")]
    Malformed,
    /// The nearest hop that is no listed proxy is none that can be read, such as `unknown`.
    #[error("the last hop before the listed proxies has no address")]
    Hidden,
}

impl ClientAddress {
    /// The client's address, of all values of the field in order.
    ///
    /// # Errors
    /// [`AddressFault`]: a proxy that does not tell is not set up.
    pub fn read(self, values: &[&[u8]], proxies: &Peers) -> Result<SocketAddr, AddressFault> {
        // A field with several values is one list (RFC 9110 §5.3).
        let all = values.join(&b", "[..]);
        if all.len() > MAX_TEXT || !all.is_ascii() {
            return Err(AddressFault::Malformed);
        }
        let all = String::from_utf8(all).map_err(|_| AddressFault::Malformed)?;
        let hops = match self {
            Self::XForwardedFor => all.split(',').map(|hop| hop.trim_ascii().to_owned()).collect(),
            Self::Forwarded => forwarded(&all).ok_or(AddressFault::Malformed)?,
        };
        for hop in hops.iter().rev().filter(|hop| !hop.is_empty()) {
            let address = address(hop).ok_or(AddressFault::Hidden)?;
            if !proxies.contains(address.ip()) {
                return Ok(address);
            }
        }
        Err(AddressFault::Missing)
    }
}

/// An address with or without a port (0 then), IPv6 with or without brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    let address = address.or_else(|_| text.parse::<SocketAddr>()).ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

/// The `for` of each element; `unknown` where an element has none. `None` where the grammar of
/// RFC 7239 §4 is broken anywhere: an open quotation mark of the client's could hide what follows.
fn forwarded(text: &str) -> Option<Vec<String>> {
    let mut hops = Vec::new();
    let mut hop = None;
    let mut rest = text.trim_ascii();
    if rest.is_empty() {
        return Some(hops);
    }
    loop {
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = after.bytes().position(|byte| !is_token(byte)).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        if value.is_empty() {
            return None;
        }
        if name.eq_ignore_ascii_case("for") && hop.replace(value).is_some() {
            return None;
        }
        let after = after.trim_ascii_start();
        rest = match after.split_at_checked(1) {
            None => {
                hops.push(hop.unwrap_or_else(|| "unknown".to_owned()));
                return Some(hops);
            }
            Some((";", rest)) => rest.trim_ascii_start(),
            Some((",", rest)) => {
                hops.push(hop.take().unwrap_or_else(|| "unknown".to_owned()));
                rest.trim_ascii_start()
            }
            Some(_) => return None,
        };
    }
}

/// The value of a quoted string whose first mark is gone, and what follows (RFC 9110 §5.6.4).
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (end, '"') => return Some((value, &text[end + 1..])),
            (_, '\\') => value.push(chars.next()?.1),
            (_, other) => value.push(other),
        }
    }
}

// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Peers {
        Peers::parse(["10.0.0.0/8", "2001:db8:1::/48"]).unwrap()
    }

    fn read(field: ClientAddress, values: &[&str]) -> Result<String, AddressFault> {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        field.read(&values, &proxies()).map(|address| address.ip().to_string())
    }

    #[test]
    fn the_last_hop_that_is_no_listed_proxy_is_the_client() {
        for (values, client) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["192.0.2.1, 10.0.0.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1,10.0.0.1,  10.9.9.9"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1"], "192.0.2.1"),
            (&["garbage, unknown, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711, 2001:db8:1::7"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, "], "192.0.2.1"),
        ] {
            assert_eq!(
                read(ClientAddress::XForwardedFor, values).as_deref(),
                Ok(client),
                "{values:?}"
            );
        }
        for (values, client) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["For=\"192.0.2.1:80\";proto=https;by=_x"], "192.0.2.1"),
            (&["for=203.0.113.9, for=\"[2001:db8::1]:4711\", for=10.0.0.1"], "2001:db8::1"),
            (&["for=203.0.113.9", "proto=https;for=192.0.2.1"], "192.0.2.1"),
            (&["for=\"a\\\"b\", for=192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(read(ClientAddress::Forwarded, values).as_deref(), Ok(client), "{values:?}");
        }
    }

    #[test]
    fn a_client_that_is_not_told_is_a_fault() {
        use AddressFault::{Hidden, Malformed, Missing};
        let long = "1".repeat(MAX_TEXT + 1);
        for (values, fault) in [
            (&[][..], Missing),
            (&[""], Missing),
            (&["10.0.0.1, 10.0.0.2"], Missing),
            (&["192.0.2.1, unknown"], Hidden),
            (&["192.0.2.1, 10.0.0.1, garbage"], Hidden),
            (&["192.0.2.1 192.0.2.2"], Hidden),
            (&["192.0.2.1:port"], Hidden),
            (&["é"], Malformed),
            (&[&long], Malformed),
        ] {
            assert_eq!(read(ClientAddress::XForwardedFor, values), Err(fault), "{values:?}");
        }
        for (values, fault) in [
            (&[][..], Missing),
            (&["for=10.0.0.1"], Missing),
            (&["for=unknown"], Hidden),
            (&["for=192.0.2.1, by=10.0.0.1"], Hidden),
            (&["for=_hidden"], Hidden),
            // What a client sends before the proxy's own element cannot swallow it.
            (&["for=203.0.113.9;x=\", for=192.0.2.1"], Malformed),
            (&["for=203.0.113.9;x=\", for=\"[2001:db8::1]:4711\""], Malformed),
            (&["for=192.0.2.1;for=203.0.113.9"], Malformed),
            (&["192.0.2.1"], Malformed),
            (&["for=192.0.2.1,"], Malformed),
            (&["for="], Malformed),
            (&["for=\"192.0.2.1\"x"], Malformed),
        ] {
            assert_eq!(read(ClientAddress::Forwarded, values), Err(fault), "{values:?}");
        }
    }
}

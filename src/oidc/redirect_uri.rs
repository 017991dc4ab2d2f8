//! Which redirect URIs may be registered (RFC 9700 §2.1, RFC 8252 §7).
//!
//! Must never normalise: what is registered is compared to the letter, but for the port of a loopback address.

use std::fmt;

use url::{Host, Url};

/// A redirect URI that may be registered, kept to the letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedirectUri(String);

/// The longest that is registered.
const MAX_LENGTH: usize = 2000;

/// Why a redirect URI is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriFault {
    /// Empty, or not an absolute URI of printable ASCII.
    #[error("expected an absolute address in ASCII, such as https://symfoni.example.se/callback")]
    NotAbsolute,
    /// Longer than 2000 characters.
    #[error("longer than 2000 characters")]
    TooLong,
    /// A fragment (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment (#)")]
    Fragment,
    /// A user name or password before the host.
    #[error("a redirect URI names no user before the host (@)")]
    UserInfo,
    /// A wildcard: redirect URIs are compared to the letter.
    #[error("redirect URIs are compared to the letter: register each one, without *")]
    Wildcard,
    /// Plain HTTP to another machine.
    #[error("http is taken for 127.0.0.1, [::1] and localhost alone; use https")]
    Insecure,
    /// A scheme that is neither https nor a private-use scheme with a dot (RFC 8252 §7.1).
    #[error(
        "expected https, or a native app's scheme with a dot in it, such as se.example.app:/callback"
    )]
    Scheme,
}

impl RedirectUri {
    /// Takes a redirect URI that may be registered.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, RedirectUriFault> {
        if text.len() > MAX_LENGTH {
            return Err(RedirectUriFault::TooLong);
        }
        // Url::parse trims spaces, drops tabs and turns backslashes: what it would change is refused.
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
            return Err(RedirectUriFault::NotAbsolute);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriFault::NotAbsolute)?;
        if text.contains('#') {
            return Err(RedirectUriFault::Fragment);
        }
        if authority(text).contains('@') {
            return Err(RedirectUriFault::UserInfo);
        }
        if authority(text).contains('*') {
            return Err(RedirectUriFault::Wildcard);
        }
        match url.scheme() {
            "https" | "http" if !text.contains("://") => Err(RedirectUriFault::NotAbsolute),
            "https" => Ok(()),
            "http" if is_loopback(&url) => Ok(()),
            "http" => Err(RedirectUriFault::Insecure),
            scheme if scheme.contains('.') => Ok(()),
            _ => Err(RedirectUriFault::Scheme),
        }?;
        Ok(Self(text.to_owned()))
    }

    /// To the letter, as registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a redirect URI of a request is the one that is registered: to the letter (RFC 9700 §2.1), but
/// any port of a loopback address (RFC 8252 §7.3). `localhost` is a name, and compared to the letter (§8.3).
#[must_use]
pub fn is_same(registered: &str, requested: &str) -> bool {
    let without_ports = without_loopback_port(registered).zip(without_loopback_port(requested));
    registered == requested
        || without_ports.is_some_and(|(registered, requested)| registered == requested)
}

/// A loopback address as its host and what follows the port.
fn without_loopback_port(text: &str) -> Option<(&str, &str)> {
    let host =
        ["http://127.0.0.1", "http://[::1]"].into_iter().find(|host| text.starts_with(host))?;
    let rest = text.get(host.len()..)?;
    let Some(port) = rest.strip_prefix(':') else { return Some((host, rest)) };
    let end = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
    let (port, rest) = port.split_at(end);
    let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
    is_port.then_some((host, rest))
}

/// What stands between `//` and the path, as written.
fn authority(text: &str) -> &str {
    let (_, after) = text.split_once("://").unwrap_or_default();
    after.split(['/', '?']).next().unwrap_or_default()
}

/// Whether an answer sent there cannot be read on the way: `https`, a native app's own scheme, or this
/// machine.
#[must_use]
pub fn is_encrypted_or_loopback(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() != "http" || is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_refused_by_that_rule() {
        let long = format!("https://rp.example/{}", "a".repeat(2000));
        let table = [
            ("", RedirectUriFault::NotAbsolute),
            ("/callback", RedirectUriFault::NotAbsolute),
            ("//rp.example/callback", RedirectUriFault::NotAbsolute),
            ("https:rp.example/callback", RedirectUriFault::NotAbsolute),
            ("https://", RedirectUriFault::NotAbsolute),
            (" https://rp.example/", RedirectUriFault::NotAbsolute),
            ("https://rp.example\\@evil.example/", RedirectUriFault::NotAbsolute),
            ("https://rp.example/å", RedirectUriFault::NotAbsolute),
            (&long, RedirectUriFault::TooLong),
            ("https://rp.example/#", RedirectUriFault::Fragment),
            ("https://rp.example/cb#part", RedirectUriFault::Fragment),
            ("https://user@rp.example/", RedirectUriFault::UserInfo),
            ("https://@rp.example/", RedirectUriFault::UserInfo),
            ("https://*.rp.example/", RedirectUriFault::Wildcard),
            ("http://rp.example/cb", RedirectUriFault::Insecure),
            ("http://localhost.rp.example/cb", RedirectUriFault::Insecure),
            ("javascript:alert(1)", RedirectUriFault::Scheme),
            ("myapp:/cb", RedirectUriFault::Scheme),
            ("urn:ietf:wg:oauth:2.0:oob", RedirectUriFault::Scheme),
        ];
        for (text, fault) in table {
            assert_eq!(RedirectUri::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_loopback_address_has_any_port_and_nothing_else_differs() {
        let registered = "http://127.0.0.1/callback?a=1";
        for same in [
            registered,
            "http://127.0.0.1:1/callback?a=1",
            "http://127.0.0.1:51004/callback?a=1",
            "http://127.0.0.1:65535/callback?a=1",
        ] {
            assert!(is_same(registered, same) && is_same(same, registered), "{same}");
        }
        assert!(is_same("http://[::1]:80/", "http://[::1]:8080/"));
        for other in [
            "http://127.0.0.1:51004/callback",
            "http://127.0.0.1:51004/callback?a=1&b=2",
            "http://127.0.0.1:51004/other?a=1",
            "http://127.0.0.1:/callback?a=1",
            "http://127.0.0.1:0/callback?a=1",
            "http://127.0.0.1:080/callback?a=1",
            "http://127.0.0.1:65536/callback?a=1",
            "http://127.0.0.1:+1/callback?a=1",
            "http://127.0.0.1:1@evil.example/callback?a=1",
            "http://127.0.0.1.evil.example/callback?a=1",
            "http://127.0.0.1@evil.example/callback?a=1",
            "http://127.0.0.2:51004/callback?a=1",
            "http://[::1]:51004/callback?a=1",
            "http://localhost:51004/callback?a=1",
            "https://127.0.0.1:51004/callback?a=1",
            "HTTP://127.0.0.1:51004/callback?a=1",
        ] {
            assert!(!is_same(registered, other), "{other}");
        }
        for (registered, other) in [
            ("http://localhost:3000/cb", "http://localhost:3001/cb"),
            ("https://rp.example/cb", "https://rp.example:443/cb"),
            ("https://rp.example:443/cb", "https://rp.example:444/cb"),
        ] {
            assert!(is_same(registered, registered) && !is_same(registered, other), "{other}");
        }
    }

    #[test]
    fn what_is_good_is_kept_to_the_letter() {
        for text in [
            "https://rp.example",
            "https://RP.example:443/cb/../x?a=%2f&b=@",
            "http://127.0.0.1:8080/cb",
            "http://[::1]/cb",
            "http://localhost:3000/cb",
            "se.example.app:/callback",
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().as_str(), text);
        }
    }
}

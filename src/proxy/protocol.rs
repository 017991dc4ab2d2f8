//! The header of the PROXY protocol, version 1 and 2, that a balancer sends before the TLS it passes
//! through (HAProxy, `doc/proxy-protocol.txt`).
//!
//! Parsing is ppp's. Must never read a byte beyond the header: what follows is the ClientHello.

use std::net::SocketAddr;

use ppp::v2::{Command, Protocol};
use ppp::{v1, v2};

use crate::named::named;

/// The most bytes of a header that are read: room for addresses and type-length-values.
pub const MAX_HEADER: usize = 4096;

/// The fixed part of version 2.
const V2_FIXED: usize = 16;
/// How version 2 begins (§2.2).
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// How version 1 begins (§2.1).
const V1_SIGNATURE: &[u8] = b"PROXY ";
/// The longest header of version 1, with its line end (§2.1).
const V1_LONGEST: usize = 107;

named! {
    /// What becomes of connections from addresses that announce nobody.
    pub enum Others {
        /// They are browsers: TLS from the first byte.
        Serve = "serve",
        /// They are dropped.
        Refuse = "refuse",
    }
}

/// Whom a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A client by its address.
    Client(SocketAddr),
    /// Nobody: the balancer itself (`LOCAL`, as health checks are), or an address of another kind
    /// (`UNKNOWN`, a Unix socket). The connection's own address stands (§2.1, §2.2).
    Balancer,
}

/// How far a header has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes more belong to it.
    More(usize),
    /// It is whole.
    Whole(Announced),
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolFault {
    /// The connection does not begin with one.
    #[error("no PROXY protocol header")]
    Missing,
    /// It begins as one and is none.
    #[error("a malformed PROXY protocol header")]
    Malformed,
    /// Longer than is read.
    #[error("a PROXY protocol header that is too long")]
    TooLong,
    /// Of something else than a connection over TCP.
    #[error("a PROXY protocol header that is not of TCP")]
    NotTcp,
}

/// Reads what has come so far, and says how much more to wait for.
///
/// # Errors
/// [`ProtocolFault`], as soon as it is certain.
pub fn read(bytes: &[u8]) -> Result<Progress, ProtocolFault> {
    match bytes.first() {
        None => Ok(Progress::More(1)),
        Some(b'P') => version_1(bytes),
        Some(b'\r') => version_2(bytes),
        Some(_) => Err(ProtocolFault::Missing),
    }
}

fn version_1(bytes: &[u8]) -> Result<Progress, ProtocolFault> {
    if !begins_as(bytes, V1_SIGNATURE) {
        return Err(ProtocolFault::Missing);
    }
    if bytes.len() > V1_LONGEST {
        return Err(ProtocolFault::TooLong);
    }
    match bytes.iter().position(|byte| *byte == b'\n') {
        None if bytes.len() == V1_LONGEST => return Err(ProtocolFault::TooLong),
        // Byte by byte, because only the line end tells the length.
        None => return Ok(Progress::More(1)),
        Some(end) if end + 1 < bytes.len() => return Err(ProtocolFault::Malformed),
        Some(_) => {}
    }
    let header = v1::Header::try_from(bytes).map_err(|_| ProtocolFault::Malformed)?;
    if header.header.len() != bytes.len() {
        return Err(ProtocolFault::Malformed);
    }
    Ok(Progress::Whole(match header.addresses {
        v1::Addresses::Unknown => Announced::Balancer,
        v1::Addresses::Tcp4(ip) => client(ip.source_address, ip.source_port),
        v1::Addresses::Tcp6(ip) => client(ip.source_address, ip.source_port),
    }))
}

fn version_2(bytes: &[u8]) -> Result<Progress, ProtocolFault> {
    if !begins_as(bytes, V2_SIGNATURE) {
        return Err(ProtocolFault::Missing);
    }
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED) else {
        return Ok(Progress::More(V2_FIXED - bytes.len()));
    };
    let length = match fixed {
        [.., high, low] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => return Err(ProtocolFault::Malformed),
    };
    if V2_FIXED + length > MAX_HEADER {
        return Err(ProtocolFault::TooLong);
    }
    if rest.len() < length {
        return Ok(Progress::More(length - rest.len()));
    }
    let header = v2::Header::try_from(bytes).map_err(|_| ProtocolFault::Malformed)?;
    if header.header.len() != bytes.len() {
        return Err(ProtocolFault::Malformed);
    }
    if header.command == Command::Local {
        return Ok(Progress::Whole(Announced::Balancer));
    }
    let announced = match header.addresses {
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => Announced::Balancer,
        v2::Addresses::IPv4(_) | v2::Addresses::IPv6(_) if header.protocol != Protocol::Stream => {
            return Err(ProtocolFault::NotTcp);
        }
        v2::Addresses::IPv4(ip) => client(ip.source_address, ip.source_port),
        v2::Addresses::IPv6(ip) => client(ip.source_address, ip.source_port),
    };
    Ok(Progress::Whole(announced))
}

fn begins_as(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(is, expected)| is == expected)
}

fn client(ip: impl Into<std::net::IpAddr>, port: u16) -> Announced {
    Announced::Client(SocketAddr::new(ip.into().to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [V2_SIGNATURE, &[command, family], &length, payload].concat()
    }

    const IPV4: [u8; 12] = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x67, 1, 0xbb];

    fn client_of(text: &str) -> Result<Progress, ProtocolFault> {
        Ok(Progress::Whole(Announced::Client(text.parse().unwrap())))
    }

    #[test]
    fn the_announced_client_is_read_and_nothing_beyond_the_header() {
        let mut ipv6 = vec![0; 36];
        ipv6[..16].copy_from_slice(&"2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
        ipv6[33] = 7;
        let with_values = [&IPV4[..], &[0x04, 0, 2, 9, 9]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(), "192.0.2.1:4711"),
            (b"PROXY TCP6 2001:db8::1 ::1 7 443\r\n".to_vec(), "[2001:db8::1]:7"),
            (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 7 443\r\n".to_vec(), "192.0.2.1:7"),
            (v2(0x21, 0x11, &IPV4), "192.0.2.1:4711"),
            (v2(0x21, 0x11, &with_values), "192.0.2.1:4711"),
            (v2(0x21, 0x21, &ipv6), "[2001:db8::1]:7"),
        ] {
            assert_eq!(read(&header), client_of(expected));
            // However it comes in parts, never more is asked for than belongs to it.
            let mut come = 0;
            while let Ok(Progress::More(more)) = read(&header[..come]) {
                come += more;
                assert!(come <= header.len());
            }
            assert_eq!(come, header.len());
            let beyond = [&header[..], b"\x16"].concat();
            assert!(read(&beyond).is_err(), "{beyond:?}");
        }
    }

    #[test]
    fn a_header_may_announce_nobody() {
        for header in [
            b"PROXY UNKNOWN\r\n".to_vec(),
            b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(),
            v2(0x20, 0x00, &[]),
            v2(0x20, 0x11, &IPV4),
            v2(0x21, 0x00, &[1, 2, 3]),
            v2(0x21, 0x31, &[b'x'; 216]),
        ] {
            assert_eq!(read(&header), Ok(Progress::Whole(Announced::Balancer)), "{header:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused_as_soon_as_it_is_certain() {
        use ProtocolFault::{Malformed, Missing, NotTcp, TooLong};
        let long = |length: u16| [V2_SIGNATURE, &[0x21, 0x11], &length.to_be_bytes()].concat();
        let line = |length: usize| [b"PROXY ".to_vec(), vec![b'x'; length - 6]].concat();
        for (bytes, fault) in [
            (b"\x16\x03\x01".to_vec(), Missing),
            (b"GET / HTTP/1.1\r\n".to_vec(), Missing),
            (b"POST".to_vec(), Missing),
            (b"\r\n\r\nX".to_vec(), Missing),
            (b"PROXY\n".to_vec(), Missing),
            (b"PROXY \r\n".to_vec(), Malformed),
            (b"PROXY UNKNOWNSE2321000016-\r\n\x06\x03".to_vec(), Malformed),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\n".to_vec(), Malformed),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 99999\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 2001:db8::1 ::1 4711 443\r\n".to_vec(), Malformed),
            (b"PROXY UDP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(), Malformed),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 \xff 443\r\n".to_vec(), Malformed),
            (line(107), TooLong),
            (line(108), TooLong),
            (long(4081), TooLong),
            (long(u16::MAX), TooLong),
            (v2(0x11, 0x11, &IPV4), Malformed),
            (v2(0x22, 0x11, &IPV4), Malformed),
            (v2(0x21, 0x41, &IPV4), Malformed),
            (v2(0x21, 0x13, &IPV4), Malformed),
            (v2(0x21, 0x11, &IPV4[..11]), Malformed),
            (v2(0x21, 0x12, &IPV4), NotTcp),
            (v2(0x21, 0x10, &IPV4), NotTcp),
        ] {
            assert_eq!(read(&bytes), Err(fault), "{bytes:?}");
        }
        assert_eq!(read(&line(106)), Ok(Progress::More(1)));
        assert_eq!(read(&long(4080)), Ok(Progress::More(4080)));
    }
}

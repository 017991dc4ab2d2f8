//! The reference to a pushed authorization request (RFC 9126 §2.2).
//!
//! Whoever has it can have the request served, so it is a secret: it is kept as its SHA-256, and must
//! never be logged.

use serde::{Deserialize, Serialize};

use crate::error::Code;
use crate::random::Random;
use crate::secret::sha256;

/// How each begins (RFC 9126 §2.2).
const BEGINNING: &str = "urn:ietf:params:oauth:request_uri:";

/// A `request_uri` of our own making.
pub struct RequestUri(String);

/// SHA-256 of a `request_uri`: what it is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestUriHash(pub [u8; 32]);

/// Why a `request_uri` leads to no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestUriFault {
    /// An address to fetch a request object from (RFC 9101 §5.2), or anything else.
    #[error("not a request_uri of the endpoint for pushed requests")]
    Unsupported,
    /// Never given, or forgotten long ago.
    #[error("no such request_uri")]
    Unknown,
    /// Given to another client (RFC 9126 §2.2: bound to the client that posted it).
    #[error("a request_uri of another client")]
    OfOtherClient,
    /// Past its time.
    #[error("an expired request_uri")]
    Expired,
    /// It has led to a code already (RFC 9126 §7.3).
    #[error("a request_uri that was used")]
    Replayed,
}

impl RequestUriFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Unsupported => Code::RequestUriUnsupported,
            Self::Unknown => Code::RequestUriUnknown,
            Self::OfOtherClient => Code::RequestUriOfOtherClient,
            Self::Expired => Code::RequestUriExpired,
            Self::Replayed => Code::RequestUriReplayed,
        }
    }
}

impl RequestUri {
    /// A new one, of 256 random bits (RFC 9126 §7.1).
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Self(format!("{BEGINNING}{}", random.token()))
    }

    /// Takes what a request says.
    ///
    /// # Errors
    /// [`RequestUriFault::Unsupported`].
    pub fn parse(text: &str) -> Result<Self, RequestUriFault> {
        if text.starts_with(BEGINNING) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RequestUriFault::Unsupported)
        }
    }

    /// What it is kept under.
    #[must_use]
    pub fn hash(&self) -> RequestUriHash {
        RequestUriHash(sha256(self.0.as_bytes()))
    }

    /// As the client is told it.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_is_ours_and_an_address_is_not() {
        let made = RequestUri::new(&Random::system());
        let hash = made.hash();
        assert!(RequestUri::parse(&made.into_string()).is_ok_and(|read| read.hash() == hash));
        for other in ["https://rp.example/request.jwt", "urn:ietf:params:oauth:request_urix", ""] {
            assert!(RequestUri::parse(other).is_err(), "{other}");
        }
    }
}

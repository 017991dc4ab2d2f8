//! The faults of a responder, and how they are typed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a fault is switched on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Revocation lists.
    Crl,
    /// OCSP.
    Ocsp,
}

impl What {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Crl, Self::Ocsp];

    /// How it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crl => "crl",
            Self::Ocsp => "ocsp",
        }
    }
}

/// What is wrong with a responder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It takes its time, and then answers as it should.
    Slow(Duration),
    /// It ends the connection without a word.
    Down,
    /// What it says has run out: its nextUpdate is past.
    Stale,
    /// Another authority's key has signed.
    WrongSigner,
    /// OCSP: the status is `unknown`. Lists: there is none, 404.
    Unknown,
    /// A body without a length and larger than any list is.
    Huge,
    /// Another address is named, 302. Empty: one here that answers well.
    Redirecting(String),
    /// A body that is no DER.
    Garbage,
}

/// How long [`Fault::Slow`] takes where no time is typed.
const SLOW: Duration = Duration::from_secs(30);

/// What may be typed.
pub const NAMES: &str = "none, slow, slow:SECONDS, down, stale, wrong-signer, unknown, huge, \
                         redirecting, redirecting:URL, garbage";

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Ok(match (name, value) {
            ("none", "") => Self::None,
            ("slow", "") => Self::Slow(SLOW),
            ("slow", seconds) => {
                let seconds = seconds.parse::<u64>().map_err(|_| format!("{text}: in seconds"))?;
                Self::Slow(Duration::from_secs(seconds))
            }
            ("down", "") => Self::Down,
            ("stale", "") => Self::Stale,
            ("wrong-signer", "") => Self::WrongSigner,
            ("unknown", "") => Self::Unknown,
            ("huge", "") => Self::Huge,
            ("redirecting", to) => Self::Redirecting(to.to_owned()),
            ("garbage", "") => Self::Garbage,
            _ => return Err(format!("no fault is called {text}: there are {NAMES}")),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Slow(time) => return write!(f, "slow:{}", time.as_secs()),
            Self::Down => "down",
            Self::Stale => "stale",
            Self::WrongSigner => "wrong-signer",
            Self::Unknown => "unknown",
            Self::Huge => "huge",
            Self::Redirecting(to) if to.is_empty() => "redirecting",
            Self::Redirecting(to) => return write!(f, "redirecting:{to}"),
            Self::Garbage => "garbage",
        })
    }
}

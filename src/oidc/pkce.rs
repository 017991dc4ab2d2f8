//! Proof Key for Code Exchange (RFC 7636): S256 alone; plain never.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::Pkce;
use super::params::{Params, ParamsFault};
use crate::error::Code;
use crate::secret::{equal, sha256};

/// What is wrong with the challenge of an authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeFault {
    /// A parameter sent twice.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// None, from a client that must send one.
    #[error("no code_challenge")]
    Missing,
    /// The method is `plain`, also by being left out (RFC 7636 §4.3).
    #[error("code_challenge_method is plain")]
    Plain,
    /// An unknown method, or no SHA-256 in base64url.
    #[error("code_challenge is not 43 characters of base64url, or its method is unknown")]
    Malformed,
}

impl ChallengeFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Missing => Code::PkceMissing,
            Self::Plain => Code::PkcePlain,
            Self::Malformed => Code::PkceMalformed,
        }
    }
}

/// Reads `code_challenge` and `code_challenge_method` (RFC 7636 §4.3).
///
/// # Errors
/// [`ChallengeFault`].
pub fn challenge(params: &Params, pkce: Pkce) -> Result<Option<String>, ChallengeFault> {
    let challenge = params.get("code_challenge")?;
    let method = params.get("code_challenge_method")?;
    let Some(challenge) = challenge else {
        return match (pkce, method) {
            (Pkce::Optional, None) => Ok(None),
            _ => Err(ChallengeFault::Missing),
        };
    };
    match method {
        Some("S256") => {}
        None | Some("plain") => return Err(ChallengeFault::Plain),
        Some(_) => return Err(ChallengeFault::Malformed),
    }
    match URL_SAFE_NO_PAD.decode(challenge) {
        Ok(hash) if hash.len() == 32 => Ok(Some(challenge.to_owned())),
        _ => Err(ChallengeFault::Malformed),
    }
}

/// Whether `code_verifier` is one (RFC 7636 §4.1) and its SHA-256 is the challenge (§4.6).
#[must_use]
pub fn verifier_fits(verifier: &str, challenge: &str) -> bool {
    let grammar = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let hash = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    grammar && equal(hash.as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_fits() {
        assert!(verifier_fits(VERIFIER, CHALLENGE));
        assert!(!verifier_fits(&VERIFIER.replace('d', "e"), CHALLENGE));
        assert!(!verifier_fits("short", CHALLENGE));
        assert!(!verifier_fits(&"å".repeat(43), CHALLENGE));
    }

    #[test]
    fn plain_is_refused_named_or_by_default() {
        for query in [
            format!("code_challenge={CHALLENGE}&code_challenge_method=plain"),
            format!("code_challenge={CHALLENGE}"),
        ] {
            let params = Params::parse(&query).unwrap();
            assert_eq!(challenge(&params, Pkce::Optional), Err(ChallengeFault::Plain));
        }
    }

    #[test]
    fn none_is_for_clients_that_may_alone() {
        let params = Params::parse("").unwrap();
        assert_eq!(challenge(&params, Pkce::Required), Err(ChallengeFault::Missing));
        assert_eq!(challenge(&params, Pkce::Optional), Ok(None));
        let method_alone = Params::parse("code_challenge_method=S256").unwrap();
        assert_eq!(challenge(&method_alone, Pkce::Optional), Err(ChallengeFault::Missing));
    }

    #[test]
    fn a_challenge_that_is_no_hash_is_refused() {
        for bad in ["abc", &format!("{CHALLENGE}A"), &CHALLENGE.replace('-', "+")] {
            let query = format!("code_challenge={bad}&code_challenge_method=S256");
            let params = Params::parse(&query).unwrap();
            assert_eq!(challenge(&params, Pkce::Required), Err(ChallengeFault::Malformed));
        }
    }
}

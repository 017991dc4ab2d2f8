//! What tokens are bound to, and whether whoever uses one holds it (RFC 8705 §3).
//!
//! The certificate of a connection binds by its hash alone: its chain need not be worth anything
//! (RFC 8705 §6.2). Must never bind to what was not proved in the handshake.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::oidc::client::Client;
use crate::oidc::code::GrantFault;
use crate::oidc::confirmation::Confirmation;
use crate::pki::{PresentedCertificate, PresentedChain};

/// Why whoever uses a token does not hold what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHeld {
    /// The connection has no certificate.
    Missing,
    /// It has another.
    Mismatch,
}

/// What new tokens of a client are bound to, by the certificate of its connection: nothing, unless it
/// is registered so (RFC 8705 §3.4).
///
/// # Errors
/// [`GrantFault::CertificateMissing`]: tokens that are not bound are not what was registered.
pub fn of_certificate(
    client: &Client,
    chain: Option<&PresentedChain>,
) -> Result<Confirmation, GrantFault> {
    if !client.metadata.tls_client_certificate_bound_access_tokens {
        return Ok(Confirmation::default());
    }
    let certificate = thumbprint(chain).ok_or(GrantFault::CertificateMissing)?;
    Ok(Confirmation { certificate: Some(certificate), ..Confirmation::default() })
}

/// Whether a token that is bound so may be used over a connection (RFC 8705 §3); also for the
/// refresh tokens of public clients (§4).
///
/// # Errors
/// [`NotHeld`].
pub fn must_hold_certificate(
    confirmation: &Confirmation,
    chain: Option<&PresentedChain>,
) -> Result<(), NotHeld> {
    let Some(bound) = &confirmation.certificate else { return Ok(()) };
    match thumbprint(chain) {
        None => Err(NotHeld::Missing),
        Some(presented) if presented == *bound => Ok(()),
        Some(_) => Err(NotHeld::Mismatch),
    }
}

/// `x5t#S256` (RFC 8705 §3.1): base64url without padding.
fn thumbprint(chain: Option<&PresentedChain>) -> Option<String> {
    let certificate = PresentedCertificate::read(chain?)?;
    Some(URL_SAFE_NO_PAD.encode(certificate.thumbprint()))
}

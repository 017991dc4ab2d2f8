//! The algorithms that tokens are signed with.

use crate::named::named;

named! {
    /// A JWS algorithm (RFC 7518 §3.1), chosen for each relying party.
    pub enum SigningAlg {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
    }
}

//! The algorithms that tokens are signed with.
//!
//! Must never know a symmetric algorithm or `none`: what has no name here cannot be asked for.

use crate::named::named;

named! {
    /// A JWS algorithm that this provider signs with (RFC 7518 §3.1; RFC 8037 §3.1), chosen for each
    /// relying party.
    pub enum SigningAlg {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

//! The algorithms that clients register: what they sign with, and what is encrypted to them by.
//!
//! Must never name `none`, a symmetric signature or RSA1_5: what has no name here cannot be registered.

use crate::named::named;

named! {
    /// What a client signs with (RFC 7518 §3.1, RFC 8037 §3.1).
    pub enum ClientAlg {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        Rs384 = "RS384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        Rs512 = "RS512",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// RSASSA-PSS with SHA-384.
        Ps384 = "PS384",
        /// RSASSA-PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// ECDSA on P-521 with SHA-512.
        Es512 = "ES512",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl ClientAlg {
    /// Those of the FAPI 2.0 Security Profile (§5.4.1), and no others.
    pub const FAPI: [Self; 3] = [Self::Ps256, Self::Es256, Self::EdDsa];
}

impl JweAlg {
    /// Whether it takes an RSA key; else it takes one of an elliptic curve.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaOaep | Self::RsaOaep256)
    }
}

named! {
    /// How the content key reaches a recipient (RFC 7518 §4.1).
    pub enum JweAlg {
        /// RSAES OAEP with SHA-1, as the Swedish profile requires it.
        RsaOaep = "RSA-OAEP",
        /// RSAES OAEP with SHA-256.
        RsaOaep256 = "RSA-OAEP-256",
        /// Ephemeral-static Diffie-Hellman, agreed on directly.
        EcdhEs = "ECDH-ES",
        /// The same, which wraps a key by AES-128.
        EcdhEsA128Kw = "ECDH-ES+A128KW",
        /// The same, by AES-256.
        EcdhEsA256Kw = "ECDH-ES+A256KW",
    }
}

named! {
    /// What the content is encrypted by (RFC 7518 §5.1).
    pub enum JweEnc {
        /// AES-128-GCM.
        A128Gcm = "A128GCM",
        /// AES-256-GCM.
        A256Gcm = "A256GCM",
        /// AES-128-CBC with HMAC-SHA-256.
        A128CbcHs256 = "A128CBC-HS256",
        /// AES-256-CBC with HMAC-SHA-512.
        A256CbcHs512 = "A256CBC-HS512",
    }
}

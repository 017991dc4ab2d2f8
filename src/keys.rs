//! Signing keys and the material of clients' keys.

pub mod alg;
pub mod public_jwk;

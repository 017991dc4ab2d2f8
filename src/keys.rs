//! Keys: the ring of keys as a function of time, signing, verifying, encrypting, sealing.
//!
//! Pure and synchronous: given `now`, never a clock of its own. JOSE is written here alone, on the
//! primitives of `aws_lc_rs`. Must never let a private key out, into a log or unsealed into the database.

pub mod alg;
pub mod client_alg;
pub mod jwe;
mod jwk;
pub mod jwt;
pub mod keyring;
pub mod pairwise;
pub mod public_jwk;
pub mod sealing;
pub mod signer;

pub use alg::SigningAlg;
pub use client_alg::{ClientAlg, JweAlg, JweEnc};
pub use keyring::{KeyRecord, KeyRing, Life};
pub use sealing::{Purpose, Sealer};

//! Keys: the ring of signing keys as a function of time, signing, verifying, sealing.
//!
//! Pure and synchronous: given `now`, never a clock of its own. The only module that says
//! `jsonwebtoken`. Must never let a private key out, into a log or unsealed into the database.

pub mod alg;
pub mod client_alg;
pub mod jwt;
pub mod keyring;
pub mod possession;
pub mod public_jwk;
pub mod sealing;
pub mod signer;

pub use alg::SigningAlg;
pub use client_alg::{ClientAlg, JweAlg, JweEnc};
pub use keyring::{KeyRecord, KeyRing};
pub use sealing::{Purpose, Sealer};

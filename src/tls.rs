//! TLS on one port: which host asks for a certificate, and who came in by which.
//!
//! The issuer host never asks. Card hosts ask, accept any certificate or none, prove possession of
//! its key and leave trust to [`pki`](crate::pki). Must never share session storage between the
//! two, and must never let one slow peer hold up another.

pub mod counters;
pub mod hosts;
pub mod listener;
pub mod peer;
mod proof;
pub mod server_config;

pub use counters::{Counters, Snapshot};
pub use hosts::{Host, Hosts};
pub use listener::{Settings, TlsParts, serve};
pub use peer::{Peer, TlsFacts, card_headers, misdirected};
pub use server_config::{Hints, Identity, IdentityFault};

#[cfg(test)]
mod tests;

//! TLS on one port: which host asks for a certificate, and who came in by which.
//!
//! The issuer host never asks. Card hosts ask, accept any certificate or none, prove possession of
//! its key and leave trust to [`pki`](crate::pki). Listed proxies, which end TLS themselves, have ports
//! of their own ([`proxied`]). Must never share session storage between the two, must never let one
//! slow peer hold up another, and must never believe a header field of anybody but a listed proxy.

pub mod announced;
pub mod counters;
mod fields;
pub mod hosts;
pub mod listener;
pub mod peer;
mod proof;
pub mod proxied;
pub mod server_config;

pub use announced::Balancers;
pub use counters::{Counters, Snapshot};
pub use hosts::{Host, Hosts};
pub use listener::{Settings, TlsParts, serve};
pub use peer::{Peer, TlsFacts, card_headers, misdirected};
pub use proxied::{Proxies, ProxyClients, ProxyParts, ProxyTls, serve_proxies};
pub use server_config::{Hints, Identity, IdentityFault};

#[cfg(test)]
mod tests;

//! `siths-idp`: an OpenID Provider for Swedish health and dental care.

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "dev")]
pub mod dev;
pub mod error;
pub mod flow;
pub mod http;
pub mod identity;
pub mod keys;
mod named;
pub mod oidc;
pub mod pki;
pub mod random;
pub mod secret;
pub mod serve;
pub mod state;
pub mod store;
pub mod tls;

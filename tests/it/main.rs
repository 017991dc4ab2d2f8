//! The provider from outside: real TLS, a real PostgreSQL, cards of a look-alike SITHS PKI.
//!
//! One binary. Every test has a database and a node of its own, and a clock that it moves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "all of it is tests"
)]

mod harness;

mod authorize;
mod browser;
mod card_hosts;
mod cards;
mod check;
mod chooser;
mod client_authentication;
mod client_credentials;
mod commands;
mod dev;
mod discovery;
mod documents;
mod errors;
mod inspect;
mod introspection;
mod labels;
mod limits;
mod login;
mod login_errors;
mod nodes;
mod opaque_tokens;
mod operations;
mod proxies;
mod proxy_peers;
mod proxy_protocol;
mod readiness;
mod real_proxies;
mod refresh;
mod refresh_life;
mod refresh_replay;
mod resources;
mod retry;
mod revocation;
mod revocation_lists;
mod revocation_ocsp;
mod revocation_sessions;
mod round_trips;
mod serve;
mod session_life;
mod sessions;
mod structure;
mod tickets;
mod token;
mod token_revocation;
mod trust_commands;
mod user_info;
mod user_warnings;
mod zoo;

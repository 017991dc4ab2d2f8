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

mod abuse;
mod authorize;
mod back_channel;
mod bound_tokens;
mod browser;
mod card_hosts;
mod cards;
mod check;
mod chooser;
mod claims;
mod claims_parameter;
mod client_authentication;
mod commands;
mod cors;
mod dev;
mod discovery;
mod documents;
mod errors;
mod front_channel;
mod hints;
mod inspect;
mod jwks_uri;
mod labels;
mod limits;
mod login;
mod login_errors;
mod logout;
mod mtls_host;
mod native_apps;
mod nodes;
mod operations;
mod other_clients;
mod proxies;
mod proxy_peers;
mod proxy_protocol;
mod pushed_requests;
mod readiness;
mod real_proxies;
mod registration;
mod request_objects;
mod request_terms;
mod response_modes;
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
mod tls_client_auth;
mod token;
mod trust_commands;
mod user_info;
mod user_warnings;
mod zoo;

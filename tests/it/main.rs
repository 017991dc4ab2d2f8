//! The provider from outside: real TLS, a real PostgreSQL, cards of a look-alike SITHS PKI.
//!
//! One binary. Every test has a database and a node of its own, and a clock that it moves.

// The whole discovery document is one json!.
#![recursion_limit = "256"]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "all of it is tests"
)]

mod harness;

mod abuse;
mod assertions;
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
mod client_credentials;
mod commands;
mod cors;
mod dev;
mod discovery;
mod documents;
mod dpop;
mod dpop_userinfo;
mod errors;
mod front_channel;
mod hints;
mod inspect;
mod introspection;
mod jwks_uri;
mod labels;
mod limits;
mod login;
mod login_errors;
mod logout;
mod mtls_host;
mod native_apps;
mod nodes;
mod opaque_tokens;
mod operations;
mod other_clients;
mod profiles;
mod proxies;
mod proxy_peers;
mod proxy_protocol;
mod public_clients;
mod pushed_requests;
mod readiness;
mod real_proxies;
mod refresh;
mod refresh_life;
mod refresh_replay;
mod registration;
mod request_objects;
mod request_terms;
mod resources;
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
mod token_revocation;
mod trust_commands;
mod user_info;
mod user_warnings;
mod zoo;

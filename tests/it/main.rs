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
mod client_authentication;
mod discovery;
mod errors;
mod login;
mod login_errors;
mod operations;
mod sessions;
mod token;
mod user_info;

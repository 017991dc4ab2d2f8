//! The provider from outside: real TLS, a real PostgreSQL, cards of a look-alike SITHS PKI.
//!
//! One binary. Every test has a database and a node of its own, and a clock that it moves.

mod browser;
mod harness;
mod login;

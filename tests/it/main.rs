//! The provider from outside: real TLS, a real PostgreSQL, cards of a look-alike SITHS PKI.
//!
//! One binary. Every test has a database and a node of its own, and a clock that it moves.

mod card_hosts;
mod cards;
mod documents;
mod harness;
mod login;
mod nodes;
mod retry;
mod round_trips;
mod sessions;
mod structure;
mod tickets;

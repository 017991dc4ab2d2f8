//! Feature `dev`: everything that shows the provider without a region around it.
//!
//! A throw-away PostgreSQL, a look-alike SITHS PKI, people with cards, a browser without a window,
//! and Demo-Symfoni, a relying party. Must never be part of a production build, and nothing outside
//! may depend on it but the command line and the tests.

pub mod browser;
pub mod demo;
mod demo_logout;
pub mod demo_pages;
pub mod folder;
pub mod installation;
pub mod login;
mod odd_key;
pub mod pki;
pub mod postgres;
pub mod relying_party;
pub mod responder;
pub mod run;
pub mod seed;
pub mod switch;
pub mod zoo;

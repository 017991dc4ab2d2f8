//! OpenID Connect and OAuth 2.0: the protocol, pure and synchronous.
//!
//! Must never read a database, a socket or a clock: it is given what it decides upon.

pub mod client;
pub mod redirect_uri;
pub mod scope;

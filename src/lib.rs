//! `siths-idp`: an OpenID Provider for Swedish health and dental care.
//!
//! A relying party sends a browser here; the browser shows the certificate of a SITHS card by mutual
//! TLS; the person is found by HSA-id in PostgreSQL; the relying party gets a code, or an error with a
//! stable code. `docs/architecture.md` tells one login step by step. This is the map of the rooms:
//!
//! | room | what is done there |
//! | --- | --- |
//! | [`cli`] | the commands: `serve`, `migrate`, `users`, `roles`, `clients`, `trust`, `inspect`, `errors`, `dev` |
//! | [`config`] | file and environment, checked whole before anything starts |
//! | [`serve`] | a node: started whole or not at all, kept in step, telling relying parties of logouts, stopped gracefully |
//! | [`state`] | what a node is made of: data only, cheap to clone |
//! | [`tls`] | one port, hosts by SNI: which asks for a certificate, and who came in by which; ports for proxies |
//! | [`http`] | a handler for each endpoint, pages, and [`http::render`], the only bridge outward |
//! | [`flow`] | the stories: authorize, par, card, check, resume, again, back, token, user_info, introspect, revoke, login_error, logout, readiness |
//! | [`oidc`] | the protocol as pure rules: clients and their registration, profiles, requests, codes, tokens, claims, logout, discovery |
//! | [`pki`] | a presented chain becomes a verified certificate, or a rejection with its cause |
//! | [`proxy`] | what listed proxies say: client certificates, client addresses, the PROXY protocol |
//! | [`identity`] | HSA-id, personal number, level of assurance; who is let in |
//! | [`revocation`] | what issuers say of revoked cards: fetched, kept, asked within a login |
//! | [`client_keys`] | keys of relying parties at their own addresses: fetched, kept |
//! | [`keys`] | keys as a function of time, JWS, JWE, JWK, sealing |
//! | [`store`] | PostgreSQL: SQL by subject; single use and invariants |
//! | [`audit`] | what is recorded of a login for an inspector |
//! | [`error`] | the catalogue of codes, and their wording in Swedish and English |
//! | [`card_hosts`] | the host names that ask for a card, and what browsers are told to offer on each |
//! | [`clock`], [`random`], [`secret`] | seams for time and randomness, comparison in constant time |
//! | [`fetch`] | HTTP from configured addresses: bounded, and never inward |
//! | [`throttle`] | how often something may happen at one address |
//! | `dev` | feature `dev`: a throw-away database, a look-alike SITHS PKI, a relying party |
//!
//! Who may use whom:
//!
//! ```text
//! main -> cli -> { serve, dev, store, config, oidc, pki, keys, identity }
//! serve -> { http, tls, state, revocation, client_keys, store, config, oidc, pki, keys, identity }
//! http -> { flow, state, oidc, tls (Peer alone) }
//! flow -> { state, revocation, store, oidc, identity, pki, keys, config }
//! state -> { revocation, client_keys, store, oidc, pki, keys, config }
//! revocation -> { store, pki, config }      client_keys -> keys
//! store -> { oidc, identity, keys, audit, config }
//! tls -> { pki, proxy }      pki -> identity      oidc -> { identity, keys, pki }      config -> { identity, proxy }
//! dev -> { serve, http, flow, tls, store, config, oidc, pki, keys, identity }, in builds with the feature `dev` alone
//! leaves for all: error, card_hosts, clock, fetch, random, secret, throttle, named
//! ```
//!
//! `oidc`, `identity`, `pki`, `proxy` and `keys` are pure and synchronous, and given `now`. Only `store` says
//! `sqlx`, only `pki` says `x509_parser` (`dev` and the tests apart).
//! `tests/it/structure.rs` holds all of this.

pub mod audit;
pub mod card_hosts;
pub mod cli;
pub mod client_keys;
pub mod clock;
pub mod config;
#[cfg(feature = "dev")]
pub mod dev;
pub mod error;
pub mod fetch;
pub mod flow;
pub mod http;
pub mod identity;
pub mod keys;
mod named;
pub mod oidc;
pub mod pki;
pub mod proxy;
pub mod random;
pub mod revocation;
pub mod secret;
pub mod serve;
pub mod state;
pub mod store;
pub mod throttle;
pub mod tls;

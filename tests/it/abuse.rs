//! What strangers try: refused early, with the right code, and with nothing done.
//!
//! What belongs to one endpoint is tried beside its own tests (`authorize`, `token`, `tickets`,
//! `client_authentication`, `user_info`); here is what is tried everywhere.

mod bodies;
mod fields;
mod paths;
mod tokens;
mod ways_back;

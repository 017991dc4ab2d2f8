//! Who a person is: HSA-id, personnummer, user, roles, assurance level.
//!
//! Pure: no database, no clock of its own.

pub mod admission;
pub mod assurance;
pub mod fact;
pub mod hsa_id;
pub mod personal_number;
pub mod user;

//! Every failure has a code; the code's facts and wording are one table.
//!
//! A leaf: imported by everybody, imports nobody. Must never hold what happened in detail: that is
//! for the log and the audit trail, and no renderer can reach it from here.

pub mod catalogue;
pub mod language;
pub mod messages;
pub mod tables;

pub use catalogue::Code;
pub use language::Language;

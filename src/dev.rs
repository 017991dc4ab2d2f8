//! Feature `dev`: everything that shows the provider without a region around it.

pub mod demo_pages;
pub mod pki;
pub mod postgres;

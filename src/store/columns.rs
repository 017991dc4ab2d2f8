//! Columns that hold names of ours, read back into types.

use std::collections::BTreeSet;

use super::StoreError;
use crate::identity::assurance::Loa;
use crate::oidc::scope::Scope;

/// A level of assurance, kept by name.
pub(super) fn loa(table: &'static str, text: &str) -> Result<Loa, StoreError> {
    text.parse().map_err(|_| StoreError::Row { table, column: "loa" })
}

/// The scopes of a grant, kept by name.
pub(super) fn scopes(names: Vec<String>) -> Result<BTreeSet<Scope>, StoreError> {
    names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::Row { table: "grants", column: "scopes" })
}

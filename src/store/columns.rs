//! Columns that hold names of ours, read back into types.

use std::collections::BTreeSet;

use super::StoreError;
use crate::identity::assurance::Loa;
use crate::oidc::scope::Scope;
use crate::oidc::terms::GrantTerms;

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

/// What a grant was given beyond its scopes.
pub(super) fn terms(document: serde_json::Value) -> Result<GrantTerms, StoreError> {
    serde_json::from_value(document)
        .map_err(|_| StoreError::Row { table: "grants", column: "terms" })
}

//! Wording by code, Swedish and English, out of `messages/{sv,en}.toml`.
use super::Code;
/// stub
#[must_use] pub fn description(_code: Code) -> &'static str { "" }

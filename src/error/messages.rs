//! Wording by code, Swedish and English, out of `messages/{sv,en}.toml`.

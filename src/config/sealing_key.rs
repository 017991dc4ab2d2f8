//! The key that seals: 32 bytes, from a file that only its owner reads, or from the environment.
//!
//! Must never be printed.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox};
use zeroize::Zeroizing;

/// What seals private keys and what travels through browsers; all nodes share it.
pub struct SealingKey(SecretBox<[u8; 32]>);

/// Why a sealing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealingKeyFault {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(io::Error),
    /// Others than its owner may read or change the file.
    #[error("others may read it (its mode is {mode:o})")]
    Open {
        /// The mode.
        mode: u32,
    },
    /// Not 32 bytes.
    #[error("expected 32 bytes as 64 hexadecimal digits or as base64")]
    Malformed,
}

impl SealingKey {
    /// From 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// The bytes, for sealing alone.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    pub(super) fn read(path: &Path) -> Result<Self, SealingKeyFault> {
        let metadata = std::fs::metadata(path).map_err(SealingKeyFault::Unreadable)?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SealingKeyFault::Open { mode });
        }
        let text = std::fs::read_to_string(path).map_err(SealingKeyFault::Unreadable)?;
        Self::parse(&Zeroizing::new(text))
    }

    pub(super) fn parse(text: &str) -> Result<Self, SealingKeyFault> {
        let text = text.trim();
        let bytes = Zeroizing::new(from_hex(text).or_else(|| STANDARD.decode(text).ok()));
        let bytes = bytes.as_deref().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self::new).ok_or(SealingKeyFault::Malformed)
    }
}

impl Clone for SealingKey {
    fn clone(&self) -> Self {
        Self::new(*self.expose())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let nibble =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    text.as_bytes().chunks(2).map(|pair| Some(nibble(&pair[0])? << 4 | nibble(&pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_are_read_and_other_lengths_refused() {
        let hex = "00ff".repeat(16);
        let bytes = *SealingKey::parse(&format!("{hex}\n")).unwrap().expose();
        assert_eq!(bytes[..2], [0, 0xff]);
        assert_eq!(SealingKey::parse(&STANDARD.encode(bytes)).unwrap().expose(), &bytes);
        for bad in ["", "00ff", &"0g".repeat(32), &"00".repeat(33), &STANDARD.encode([0; 31])] {
            assert!(SealingKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_output_holds_no_key() {
        assert_eq!(format!("{:?}", SealingKey::new([7; 32])), "SealingKey");
    }
}

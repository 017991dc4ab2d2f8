//! How proxies write certificates into header fields: percent-encoding, PEM on one line, base64, and
//! DER after DER.
//!
//! Must never guess: what is not wholly of the encoding is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Reader as _, SliceReader};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Percent-decoding (RFC 3986 §2.1). `+` stays what it is, because base64 has it and AWS leaves it
/// as it is. What is not encoded stays as it is.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // `from_str_radix` takes a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The certificates of PEM text (RFC 7468), whose line ends may have become spaces or be gone.
/// `None` where there is anything else than certificates, or none at all.
pub(super) fn pem(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let (body, after) = rest.strip_prefix(BEGIN)?.split_once(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        certificates.push(base64(&body)?);
        rest = after.trim_ascii_start();
    }
    (!certificates.is_empty()).then_some(certificates)
}

/// Base64 (RFC 4648 §4), with its padding, and of something.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

/// The certificates of DER that was written one after the other.
pub(super) fn concatenated(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = SliceReader::new(der).ok()?;
    let mut certificates = Vec::new();
    while !reader.is_finished() {
        certificates.push(reader.tlv_bytes().ok()?.to_vec());
    }
    Some(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding_leaves_a_plus_and_refuses_half_an_octet() {
        assert_eq!(percent_decoded("a%20b+c%2B%0a").as_deref(), Some("a b+c+\n"));
        assert_eq!(percent_decoded("").as_deref(), Some(""));
        for wrong in ["%", "%2", "a%2", "%zz", "%+1", "%ff", "%é1"] {
            assert_eq!(percent_decoded(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pem_is_read_however_its_lines_end() {
        for end in ["\n", "\r\n", " ", "\t", "\n\t", ""] {
            let one = format!("{BEGIN}{end}AQ{end}ID{end}{END}{end}");
            assert_eq!(pem(&one), Some(vec![vec![1, 2, 3]]), "{end:?}");
            assert_eq!(pem(&one.repeat(2)), Some(vec![vec![1, 2, 3]; 2]), "{end:?}");
        }
    }

    #[test]
    fn what_is_not_wholly_certificates_is_refused() {
        for wrong in [
            "",
            "AQID",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----AQID",
            "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
            "x-----BEGIN CERTIFICATE-----AQID-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----AQID-----END CERTIFICATE-----x",
            "-----BEGIN CERTIFICATE-----AQ*D-----END CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----AQID-----END PRIVATE KEY-----",
            "-----BEGIN TRUSTED CERTIFICATE-----AQID-----END TRUSTED CERTIFICATE-----",
        ] {
            assert_eq!(pem(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn der_after_der_is_taken_apart() {
        assert_eq!(
            concatenated(&[0x30, 1, 7, 0x30, 0, 0x30, 2, 8, 9]),
            Some(vec![vec![0x30, 1, 7], vec![0x30, 0], vec![0x30, 2, 8, 9]])
        );
        for wrong in
            [&[0x30][..], &[0x30, 2, 1], &[0x30, 0, 0x30], &[0x30, 0x84, 255, 255, 255, 255]]
        {
            assert_eq!(concatenated(wrong), None, "{wrong:?}");
        }
    }
}

//! The few pieces of DER (X.690) that certificates need and `rcgen` has no word for.
//!
//! Must never be used to read: it only writes.

use chrono::{DateTime, Utc};

/// SEQUENCE, SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;
/// PrintableString: the card number.
pub(super) const PRINTABLE_STRING: u8 = 0x13;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// GeneralName `[6]`: a URI (RFC 5280 §4.2.1.6).
pub(super) const URI: u8 = 0x86;

/// Tag, length, value (X.690 §8.1).
pub(in crate::dev) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let length = value.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let octets = length.get(zeros..).unwrap_or_default();
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend_from_slice(octets);
        }
    }
    out.extend_from_slice(value);
    out
}

/// INTEGER that is not negative (X.690 §8.3), from its bytes.
pub(super) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    let bytes = magnitude.get(zeros..).unwrap_or_default();
    match bytes.first() {
        Some(0..=0x7f) => tlv(0x02, bytes),
        _ => tlv(0x02, &[&[0], bytes].concat()),
    }
}

/// SEQUENCE of what is given, in order.
pub(in crate::dev) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// `[number] EXPLICIT` (X.690 §8.14).
pub(super) fn explicit(number: u8, value: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, value)
}

/// BIT STRING of whole octets (X.690 §8.6).
pub(super) fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], octets].concat())
}

/// GeneralizedTime as RFC 5280 §4.1.2.5.2 wants it: whole seconds, UTC.
pub(super) fn generalized_time(time: DateTime<Utc>) -> Vec<u8> {
    tlv(0x18, time.format("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// OBJECT IDENTIFIER (X.690 §8.19).
pub(in crate::dev) fn oid(arcs: &[u64]) -> Vec<u8> {
    let [first, second, rest @ ..] = arcs else {
        return tlv(0x06, &[]);
    };
    let mut value = Vec::new();
    for arc in std::iter::once(&(first * 40 + second)).chain(rest) {
        let septets = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for septet in (0..septets).rev() {
            let bits = (arc >> (7 * septet)).to_le_bytes()[0] & 0x7f;
            value.push(if septet == 0 { bits } else { bits | 0x80 });
        }
    }
    tlv(0x06, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lengths_and_large_arcs_are_written_as_der_wants() {
        assert_eq!(tlv(4, &[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(tlv(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(tlv(4, &[7; 70_000])[..5], [4, 0x83, 1, 0x11, 0x70]);
        // 1.2.840.113549 (RFC 8017, Appendix C)
        assert_eq!(oid(&[1, 2, 840, 113_549]), [6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]);
        assert_eq!(oid(&[2, 5, 29, 32, 0]), [6, 4, 0x55, 0x1d, 0x20, 0]);
    }
}

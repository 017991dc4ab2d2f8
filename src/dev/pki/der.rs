//! The few pieces of DER (X.690) that certificates need and `rcgen` has no word for.
//!
//! Must never be used to read: it only writes.

/// SEQUENCE, SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;
/// PrintableString: the card number.
pub(super) const PRINTABLE_STRING: u8 = 0x13;
/// GeneralName `[6]`: a URI (RFC 5280 §4.2.1.6).
pub(super) const URI: u8 = 0x86;

/// Tag, length, value (X.690 §8.1); values up to 65 535 bytes.
pub(super) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut out = vec![tag];
    match (high, low) {
        (0, 0..=0x7f) => out.push(low),
        (0, _) => out.extend([0x81, low]),
        (_, _) => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(value);
    out
}

/// OBJECT IDENTIFIER (X.690 §8.19).
pub(super) fn oid(arcs: &[u64]) -> Vec<u8> {
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
        // 1.2.840.113549 (RFC 8017, Appendix C)
        assert_eq!(oid(&[1, 2, 840, 113_549]), [6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]);
        assert_eq!(oid(&[2, 5, 29, 32, 0]), [6, 4, 0x55, 0x1d, 0x20, 0]);
    }
}

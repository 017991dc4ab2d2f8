//! Where the fields of a certificate lie in its bytes (DER, X.690 §8 and §10).
//!
//! The parsers that read certificates do not tell positions, and [`view`](super::view) needs them.
//! Must never interpret more than tags and lengths, and never take what is not DER.

use std::ops::Range;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A field: its tag, and where it and its content lie.
pub(super) struct Field {
    pub(super) tag: u8,
    pub(super) start: usize,
    pub(super) content: Range<usize>,
}

impl Field {
    /// The whole of it, with its header.
    pub(super) const fn whole(&self) -> Range<usize> {
        self.start..self.content.end
    }
}

/// The field that begins at `within.start` and ends in `within`.
pub(super) fn first(bytes: &[u8], within: &Range<usize>) -> Option<Field> {
    let start = within.start;
    let header = bytes.get(start..within.end)?;
    let (&tag, rest) = header.split_first()?;
    // Tags of several bytes occur in no certificate.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&short, rest) = rest.split_first()?;
    let (length, octets) = match short {
        0..=0x7f => (usize::from(short), 0),
        // The shortest form that holds the length, of three octets at most.
        0x81..=0x83 => {
            let octets = usize::from(short & 0x7f);
            let digits = rest.get(..octets)?;
            let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            let shortest = digits.first() != Some(&0) && length > 0x7f;
            (shortest.then_some(length)?, octets)
        }
        _ => return None,
    };
    let content = start + 2 + octets;
    let end = content.checked_add(length).filter(|end| *end <= within.end)?;
    Some(Field { tag, start, content: content..end })
}

/// The fields that fill `within`, one after another.
pub(super) fn all(bytes: &[u8], within: Range<usize>) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let field = first(bytes, &(at..within.end))?;
        at = field.content.end;
        fields.push(field);
    }
    Some(fields)
}

/// The fields of a SEQUENCE.
pub(super) fn sequence(bytes: &[u8], field: &Field) -> Option<Vec<Field>> {
    if field.tag != SEQUENCE {
        return None;
    }
    all(bytes, field.content.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_der_is_walked() {
        let read = |bytes: &[u8]| first(bytes, &(0..bytes.len())).map(|field| field.content);
        assert_eq!(read(&[4, 1, 9]), Some(2..3));
        assert_eq!(read(&[&[4, 0x81, 0x80][..], &[0; 0x80]].concat()), Some(3..0x83));
        for wrong in [
            &[][..],
            &[4],
            &[4, 2, 9],             // runs over the end
            &[4, 0x80, 0, 0],       // indefinite
            &[4, 0x81, 1, 9],       // not the shortest
            &[4, 0x82, 0, 1, 9],    // a leading zero
            &[4, 0x84, 0, 0, 0, 1], // more octets than a certificate needs
            &[0x1f, 1, 1],          // a tag of several bytes
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert!(all(&[4, 0, 4, 1], 0..4).is_none());
        assert_eq!(all(&[4, 0, 4, 0], 0..4).map(|fields| fields.len()), Some(2));
    }
}

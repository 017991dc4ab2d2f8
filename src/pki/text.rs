//! The strings of names.

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::AttributeTypeAndValue;

/// The text of an attribute; `None` where it is none, or in a character set that is not read
/// (TeletexString, UniversalString).
pub(super) fn of(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    read(attribute.attr_value())
}

/// The text of a value, as [`of`].
pub(super) fn read(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::NumericString | Tag::Ia5String => {
            String::from_utf8(value.data.to_vec()).ok()
        }
        // UCS-2, big-endian (X.690 §8.23.8).
        Tag::BmpString => {
            let (pairs, rest) = value.data.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let text: Result<String, _> = char::decode_utf16(units).collect();
            text.ok().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

/// For comparison (RFC 5280 §7.1): case folded, and one space for many.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The text with every run of six digits or more, and what hangs on it by `-` or `+`, as `****`: it
/// may be a personal number.
pub(super) fn without_numbers(text: &str) -> String {
    let is_part = |c: char| c.is_numeric() || matches!(c, '-' | '+');
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        let is_long = run.split(['-', '+']).any(|digits| digits.chars().count() >= 6);
        out.push_str(before);
        out.push_str(if is_long { "****" } else { run });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_personal_number_is_masked_and_other_numbers_are_not() {
        for (text, told) in [
            ("SITHS e-id Person HSA-id 3 CA v1", "SITHS e-id Person HSA-id 3 CA v1"),
            ("CA 2019-2024", "CA 2019-2024"),
            ("CA 12345", "CA 12345"),
            ("CA 123456", "CA ****"),
            ("Berit 191212121212 Björk", "Berit **** Björk"),
            ("121212-1212 och 19121212+1212", "**** och ****"),
            ("nr121212", "nr****"),
            ("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}", "****"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text), told);
        }
    }
}

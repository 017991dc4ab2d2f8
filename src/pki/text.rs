//! The strings of names.

use x509_parser::asn1_rs::Tag;
use x509_parser::x509::AttributeTypeAndValue;

/// The text of an attribute; `None` where it is none, or in a character set that is not read
/// (TeletexString, UniversalString).
pub(super) fn of(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let value = attribute.attr_value();
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

//! Distinguished names as text (RFC 4514), compared attribute by attribute (RFC 5280 §7.1).
//!
//! Must never compare the texts: one name can be written in many ways, and two names in ways that
//! look alike.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::x509::X509Name;

use super::text;

/// Types that have a name in text: RFC 4514 §3 first, then those that programs write.
const TYPES: [(&str, &str); 20] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("serialNumber", "2.5.4.5"),
    ("SN", "2.5.4.4"),
    ("surname", "2.5.4.4"),
    ("givenName", "2.5.4.42"),
    ("GN", "2.5.4.42"),
    ("title", "2.5.4.12"),
    ("postalCode", "2.5.4.17"),
    ("businessCategory", "2.5.4.15"),
    ("organizationIdentifier", "2.5.4.97"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
];

/// UTF8String (X.680 §8.4).
const UTF8_STRING: u8 = 12;

/// A distinguished name: its relative names, the last of the certificate first, as RFC 4514 §2.1
/// writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<BTreeSet<Attribute>>);

/// An attribute of a relative name, which is a set: its order means nothing.
#[derive(Clone, Debug)]
struct Attribute {
    /// The object identifier, dotted.
    kind: String,
    /// The value as text, where it is one.
    text: Option<String>,
    /// The value as DER.
    der: Vec<u8>,
}

/// A text that is no distinguished name by RFC 4514.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDistinguishedName {
    /// Nothing: a certificate without a subject would have that name.
    #[error("a distinguished name of nothing")]
    Empty,
    /// No `=` in a part, or an attribute type that is neither known by name nor dotted.
    #[error("expected type=value, with a type such as CN, O or serialNumber, or a dotted number")]
    Type,
    /// A value that breaks RFC 4514 §2.4.
    #[error(
        "a value that is not written as RFC 4514 §2.4 says: , + \" ; < > and \\ need a \\ before them"
    )]
    Value,
}

impl DistinguishedName {
    /// From a Name in DER; `None` where it cannot be read.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        let (rest, name) = X509Name::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let relative = name.iter().map(|relative| {
            let attributes = relative.iter().map(|attribute| {
                let kind = attribute.attr_type().to_id_string();
                let value = attribute.attr_value();
                let der = tlv(value.tag().0, value.data);
                Some(Attribute { kind, text: text::of(attribute), der: der? })
            });
            attributes.collect::<Option<BTreeSet<_>>>()
        });
        let mut relative = relative.collect::<Option<Vec<_>>>()?;
        relative.reverse();
        Some(Self(relative))
    }
}

impl FromStr for DistinguishedName {
    type Err = NoDistinguishedName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(NoDistinguishedName::Empty);
        }
        let mut relative = Vec::new();
        for part in split(text, ',') {
            let attributes = split(part, '+').into_iter().map(attribute);
            relative.push(attributes.collect::<Result<BTreeSet<_>, _>>()?);
        }
        Ok(Self(relative))
    }
}

impl Attribute {
    /// What is compared: text without regard to case and to the number of spaces, all else by its
    /// bytes.
    fn compared(&self) -> (&str, Result<String, &[u8]>) {
        let value = self.text.as_deref().map(text::folded).ok_or(self.der.as_slice());
        (&self.kind, value)
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for Attribute {}

impl PartialOrd for Attribute {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Attribute {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.compared().cmp(&other.compared())
    }
}

/// The string form of RFC 4514.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, relative) in self.0.iter().enumerate() {
            for (number, attribute) in relative.iter().enumerate() {
                f.write_str(match (place, number) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                })?;
                write!(f, "{attribute}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TYPES.iter().find(|(_, oid)| *oid == self.kind).map(|(name, _)| *name);
        match (name, &self.text) {
            (Some(name), Some(text)) => write!(f, "{name}={}", escaped(text)),
            // RFC 4514 §2.4: a type without a name has its value in hexadecimal.
            (name, _) => {
                write!(f, "{}=#", name.unwrap_or(&self.kind))?;
                self.der.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
    }
}

/// RFC 4514 §2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (place, c) in text.chars().enumerate() {
        match c {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            ' ' if place == 0 || place == last => out.push_str("\\ "),
            '#' if place == 0 => out.push_str("\\#"),
            _ => out.push(c),
        }
    }
    out
}

/// The parts between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == separator {
            parts.push(&text[start..at]);
            start = at + separator.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

fn attribute(text: &str) -> Result<Attribute, NoDistinguishedName> {
    let (kind, value) = text.split_once('=').ok_or(NoDistinguishedName::Type)?;
    let kind = object_identifier(kind.trim()).ok_or(NoDistinguishedName::Type)?;
    let value = value.trim_start();
    let (text, der) = match value.strip_prefix('#') {
        Some(hexadecimal) => {
            let der = bytes(hexadecimal.trim_end()).ok_or(NoDistinguishedName::Value)?;
            let (rest, any) = Any::from_der(&der).map_err(|_| NoDistinguishedName::Value)?;
            if !rest.is_empty() {
                return Err(NoDistinguishedName::Value);
            }
            (text::read(&any), der)
        }
        None => {
            let text = unescaped(value).ok_or(NoDistinguishedName::Value)?;
            let der = tlv(UTF8_STRING.into(), text.as_bytes()).ok_or(NoDistinguishedName::Value)?;
            (Some(text), der)
        }
    };
    Ok(Attribute { kind, text, der })
}

fn object_identifier(kind: &str) -> Option<String> {
    if let Some((_, oid)) = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)) {
        return Some((*oid).to_owned());
    }
    let is_arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    let arcs = kind.split('.');
    (arcs.clone().count() > 1 && arcs.clone().all(is_arc)).then(|| kind.to_owned())
}

/// The value that a text stands for (RFC 4514 §2.4, §3), without the spaces around it; `None` where
/// it is none, or empty.
fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::new();
    // Spaces that are not escaped count only where something follows.
    let mut spaces = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == ' ' {
            spaces += 1;
            continue;
        }
        out.extend(std::iter::repeat_n(b' ', spaces));
        spaces = 0;
        match c {
            '\\' => match rest.next()? {
                c @ ('"' | '+' | ',' | ';' | '<' | '>' | '\\' | ' ' | '#' | '=') => {
                    out.extend(c.to_string().bytes());
                }
                first => out.push(byte(first, rest.next()?)?),
            },
            '"' | '+' | ',' | ';' | '<' | '>' | '\0' => return None,
            c => out.extend(c.to_string().bytes()),
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.is_empty())
}

fn byte(high: char, low: char) -> Option<u8> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let mut rest = hexadecimal.chars();
    let mut out = Vec::new();
    while let Some(high) = rest.next() {
        out.push(byte(high, rest.next()?)?);
    }
    (!out.is_empty()).then_some(out)
}

/// A primitive field in DER; `None` where its tag or length is beyond what names have.
fn tlv(tag: u32, content: &[u8]) -> Option<Vec<u8>> {
    let tag = u8::try_from(tag).ok().filter(|tag| *tag < 31)?;
    let mut out = vec![tag];
    match u16::try_from(content.len()).ok()?.to_be_bytes() {
        [0, length @ 0..=0x7f] => out.push(length),
        [0, length] => out.extend([0x81, length]),
        [high, low] => out.extend([0x82, high, low]),
    }
    out.extend(content);
    Some(out)
}

#[cfg(test)]
mod tests {
    use rcgen::{DistinguishedName as Subject, DnType};

    use super::*;
    use crate::pki::profile::Profile;
    use crate::pki::testing::Ca;

    fn of(pairs: &[(&[u64], &str)]) -> DistinguishedName {
        let card = Ca::root("Root").card(|params| {
            params.distinguished_name = Subject::new();
            for (kind, value) in pairs {
                params.distinguished_name.push(DnType::CustomDnType(kind.to_vec()), *value);
            }
        });
        let profile = Profile::read(card.chain().leaf()).unwrap();
        DistinguishedName::of_der(&profile.subject).unwrap()
    }

    const C: &[u64] = &[2, 5, 4, 6];
    const O: &[u64] = &[2, 5, 4, 10];
    const CN: &[u64] = &[2, 5, 4, 3];

    fn region() -> DistinguishedName {
        of(&[(C, "SE"), (O, "Region Test, Öst"), (CN, "journal.region.example")])
    }

    #[test]
    fn a_subject_is_written_as_rfc_4514_says_and_read_back() {
        let name = region();
        assert_eq!(name.to_string(), "CN=journal.region.example,O=Region Test\\, Öst,C=SE");
        assert_eq!(name.to_string().parse(), Ok(name));
        for text in [" a", "a ", " ", "#a", "a#", "a+b", "a\"b", "a\\b", "<a>;", "a=b", "\u{e5}"] {
            let name = of(&[(O, text)]);
            assert_eq!(name.to_string().parse(), Ok(name), "{text}");
        }
    }

    /// RFC 8705 §2.1.2: the value is a name, so what is compared is what it means.
    #[test]
    fn one_name_in_many_ways_is_one_name() {
        for text in [
            "CN=journal.region.example,O=Region Test\\, Öst,C=SE",
            "CN = journal.region.example, O = Region Test\\2C \\C3\\96st , C = SE",
            "cn=JOURNAL.region.example,o=region  test\\, öst,c=se",
            "2.5.4.3=journal.region.example,O=Region Test\\, Öst,2.5.4.6=#13025345",
            "CN=#0c166a6f75726e616c2e726567696f6e2e6578616d706c65,O=Region Test\\, Öst,C=#0C025345",
        ] {
            assert_eq!(text.parse(), Ok(region()), "{text}");
        }
    }

    #[test]
    fn another_name_is_another_however_alike() {
        for text in [
            "C=SE,O=Region Test\\, Öst,CN=journal.region.example",
            "CN=journal.region.example,O=Region Test\\, Öst",
            "CN=journal.region.example,O=Region Test\\, Öst,C=SE,C=SE",
            "CN=journal.region.example,O=Region Test,OU=Öst,C=SE",
            "CN=journal.region.example+O=Region Test\\, Öst,C=SE",
            "O=journal.region.example,CN=Region Test\\, Öst,C=SE",
            "CN=journal.region.example.evil,O=Region Test\\, Öst,C=SE",
            "CN=journal.region.example,O=Region Test\\, Ost,C=SE",
            // The bytes of another type than text.
            "CN=journal.region.example,O=Region Test\\, Öst,C=#02025345",
        ] {
            assert_ne!(text.parse(), Ok(region()), "{text}");
        }
    }

    #[test]
    fn the_attributes_of_a_relative_name_have_no_order() {
        let one: DistinguishedName = "CN=a+serialNumber=b,C=SE".parse().unwrap();
        assert_eq!("serialNumber=b+CN=a,C=SE".parse(), Ok(one.clone()));
        assert_ne!("CN=a,serialNumber=b,C=SE".parse(), Ok(one));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        use NoDistinguishedName::{Empty, Type, Value};
        for (text, fault) in [
            ("", Empty),
            ("  ", Empty),
            ("journal.region.example", Type),
            ("CN=a,", Type),
            (",CN=a", Type),
            ("CN=a,=b", Type),
            ("NAME=a", Type),
            ("1=a", Type),
            ("1.02=a", Type),
            ("CN=", Value),
            ("CN=a\\", Value),
            ("CN=a\\x", Value),
            ("CN=\\C3", Value),
            ("CN=a;b", Value),
            ("CN=\"a\"", Value),
            ("CN=#", Value),
            ("CN=#1", Value),
            ("CN=#zz", Value),
            ("CN=#0c05", Value),
            ("CN=#0c0161ff", Value),
        ] {
            assert_eq!(text.parse::<DistinguishedName>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_type_without_a_name_has_its_value_in_hexadecimal() {
        let name = of(&[(&[1, 2, 3, 4], "a")]);
        assert_eq!(name.to_string(), "1.2.3.4=#0C0161");
        assert_eq!("1.2.3.4=a".parse(), Ok(name.clone()));
        assert_eq!("1.2.3.4=b".parse::<DistinguishedName>().map(|other| other == name), Ok(false));
    }
}

//! Personnummer and samordningsnummer: recognised, so that they can be kept out.
//!
//! The provider never identifies anybody by them. They are recognised to tell a person that the
//! wrong certificate was chosen, and to be masked wherever they would be shown. Must never print
//! one whole.

/// The two kinds of Swedish personal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalNumberKind {
    /// A personnummer.
    Personnummer,
    /// A samordningsnummer (coordination number): the day of birth plus 60.
    Samordningsnummer,
}

/// The grammar of personal numbers; no value of one is ever held.
#[derive(Debug)]
pub enum PersonalNumber {}

impl PersonalNumber {
    /// Which kind of personal number `text` is: 12 digits `YYYYMMDDNNNC` with a century from 1800
    /// on, a month, a day (plus 60 in a samordningsnummer) and Luhn's check digit over the last ten.
    #[must_use]
    pub fn recognise(text: &str) -> Option<PersonalNumberKind> {
        let digits: &[u8; 12] = text.as_bytes().try_into().ok()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = |at: usize| 10 * (digits[at] - b'0') + (digits[at + 1] - b'0');
        let kind = match number(6) {
            1..=31 => PersonalNumberKind::Personnummer,
            61..=91 => PersonalNumberKind::Samordningsnummer,
            _ => return None,
        };
        let dated = number(0) >= 18 && (1..=12).contains(&number(4));
        (dated && luhn_holds(&digits[2..])).then_some(kind)
    }

    /// `text` as it may be shown: a personal number as `YYYYMMDD-****`, anything else that is made
    /// of ten digits or more as `****` (it may be a mistyped one), other text as it is.
    #[must_use]
    pub fn masked(text: &str) -> String {
        if Self::recognise(text).is_some() {
            return format!("{}-****", &text[..8]);
        }
        let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"-+ ".contains(&byte));
        if numeric && text.bytes().filter(u8::is_ascii_digit).count() >= 10 {
            return "****".to_owned();
        }
        text.to_owned()
    }
}

/// Whether the last of `digits` is Luhn's check digit over the others (ISO/IEC 7812-1, annex B).
pub(super) fn luhn_holds(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit.wrapping_sub(b'0'));
            if place % 2 == 0 { value } else { value * 2 / 10 + value * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_personal_number_is_not_taken_for_one() {
        for text in [
            "",
            "19121212121",    // eleven digits
            "1912121212123",  // thirteen
            "191212121213",   // check digit
            "171212121212",   // century
            "191213121212",   // month
            "191212321211",   // day between the two ranges
            "19121212-1212",  // hyphen
            "1912121212１2",  // a digit that is not ASCII
            "SE2321000016-1", // an HSA-id
        ] {
            assert_eq!(PersonalNumber::recognise(text), None, "{text}");
        }
    }

    #[test]
    fn both_kinds_are_recognised() {
        let personnummer = Some(PersonalNumberKind::Personnummer);
        let samordningsnummer = Some(PersonalNumberKind::Samordningsnummer);
        assert_eq!(PersonalNumber::recognise("191212121212"), personnummer);
        assert_eq!(PersonalNumber::recognise("197010632391"), samordningsnummer);
    }

    #[test]
    fn masking_leaves_no_whole_number() {
        assert_eq!(PersonalNumber::masked("191212121212"), "19121212-****");
        assert_eq!(PersonalNumber::masked("191212121213"), "****");
        assert_eq!(PersonalNumber::masked("19121212-1212"), "****");
        assert_eq!(PersonalNumber::masked("SE2321000016-1003"), "SE2321000016-1003");
    }
}

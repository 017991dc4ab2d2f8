//! The languages of users' texts: Swedish first, English by request.
//!
//! Must never fail: whatever a browser or a relying party sends, there is an answer.

use serde::{Deserialize, Serialize};

/// More of a header or a parameter than this is not read.
const READ: usize = 1024;

/// A language that every user's text exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Swedish.
    #[default]
    Sv,
    /// English.
    En,
}

impl Language {
    /// The language to answer in: the relying party's `ui_locales` (OpenID Connect Core 1.0
    /// §3.1.2.1, in order of preference), else the browser's `Accept-Language` (RFC 9110 §12.5.4),
    /// else Swedish. Tags are looked up by their first subtag (RFC 4647 §3.4), so `en-GB` is English.
    #[must_use]
    pub fn negotiate(ui_locales: Option<&str>, accept_language: Option<&str>) -> Self {
        ui_locales
            .and_then(|tags| beginning(tags).split_ascii_whitespace().find_map(Self::lookup))
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or_default()
    }

    /// The BCP 47 tag, for `lang` and `hreflang`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Sv => "sv",
            Self::En => "en",
        }
    }

    /// The other of the two.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Sv => Self::En,
            Self::En => Self::Sv,
        }
    }

    fn lookup(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        [Self::Sv, Self::En]
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }
}

/// The language of the highest weight; the first of equals. A wildcard names none (RFC 4647 §3.4).
fn preferred(accept_language: &str) -> Option<Language> {
    let mut best = None;
    for range in beginning(accept_language).split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(language) = parts.next().and_then(Language::lookup) else {
            continue;
        };
        let Some(weight) = parts.next().map_or(Some(1000), weight) else {
            continue;
        };
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

/// `q=0.8` in thousandths (RFC 9110 §12.4.2).
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(READ)]
}

#[cfg(test)]
mod tests {
    use super::Language::{self, En, Sv};

    fn accept(header: &str) -> Language {
        Language::negotiate(None, Some(header))
    }

    #[test]
    fn nonsense_is_answered_in_swedish() {
        for header in
            ["", ",", ";;;", "q=1", "*", "en;q=", "en;q=2", "en;q=1.5", "en;q=0.1234", "en;q=-1"]
        {
            assert_eq!(accept(header), Sv, "{header:?}");
        }
        assert_eq!(accept("english"), Sv);
        assert_eq!(Language::negotiate(Some("  "), None), Sv);
        assert_eq!(Language::negotiate(None, None), Sv);
    }

    #[test]
    fn endless_input_is_read_to_its_bound_only() {
        assert_eq!(accept(&format!("{}en", "å,".repeat(1_000_000))), Sv);
        assert_eq!(Language::negotiate(Some(&"å".repeat(1_000_000)), Some("en")), En);
    }

    #[test]
    fn a_refused_language_is_not_given_where_another_is_accepted() {
        assert_eq!(accept("sv;q=0, en;q=0.1"), En);
        assert_eq!(accept("en;q=0"), Sv);
    }

    #[test]
    fn the_highest_weight_wins_and_the_first_of_equals() {
        assert_eq!(accept("sv;q=0.5, en;q=0.8"), En);
        assert_eq!(accept("en-GB, sv"), En);
        assert_eq!(accept("de, nb;q=0.9, SV-FI ; Q=0.8 , en;q=0.7"), Sv);
        assert_eq!(accept("en;q=1.000,sv;q=0.999"), En);
    }

    #[test]
    fn the_relying_partys_wish_goes_before_the_browsers() {
        assert_eq!(Language::negotiate(Some("fi en-US sv"), Some("sv")), En);
        assert_eq!(Language::negotiate(Some("fi de"), Some("en")), En);
    }
}

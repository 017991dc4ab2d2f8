//! Text that others wrote, made fit to stand on a page of ours.
//!
//! Escaping is the templates' work; here is what escaping does not mend: length, control
//! characters, and the direction of writing.

/// Longer names than this are cut.
const LONGEST: usize = 60;

/// At most 60 characters, without control characters and without those that turn the direction of
/// writing; an ellipsis stands for what was cut.
pub(super) fn shortened(text: &str) -> String {
    let mut kept = text.chars().filter(|&letter| !letter.is_control() && !turns(letter));
    let mut short: String = kept.by_ref().take(LONGEST).collect();
    if kept.next().is_some() {
        short.push('…');
    }
    short
}

/// Set apart inside a sentence, so that a right-to-left name leaves the words around it in place
/// (Unicode UAX #9: first strong isolate, pop directional isolate).
pub(super) fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

const fn turns(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_turn_the_page_around() {
        assert_eq!(shortened("a\u{202e}b\u{2069}c\u{0}\nd"), "abcd");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(shortened(&"å".repeat(10_000)), format!("{}…", "å".repeat(60)));
        assert_eq!(shortened(&"å".repeat(60)), "å".repeat(60));
    }
}

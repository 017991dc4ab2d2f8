//! The known word that a mistyped one was meant to be.

/// The word of `known` that is fewest edits away from `typed`, where that is few.
pub(super) fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let (edits, word) = known.iter().map(|word| (distance(typed, word), *word)).min()?;
    (edits <= 1 + typed.chars().count() / 3).then_some(word)
}

/// How many letters to insert, delete or replace (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_none() {
        let known = ["issuer", "listen", "sealing_key_file"];
        assert_eq!(nearest("isuer", &known), Some("issuer"));
        assert_eq!(nearest("sealing-key-file", &known), Some("sealing_key_file"));
        assert_eq!(nearest("bananas", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}

//! HSA-ids and personal numbers in whatever a serialNumber holds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use siths_idp::identity::hsa_id::{HsaId, HsaIdGrammar};
use siths_idp::identity::personal_number::PersonalNumber;

static GRAMMAR: LazyLock<HsaIdGrammar> = LazyLock::new(HsaIdGrammar::default);

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = PersonalNumber::recognise(&text);
    let masked = PersonalNumber::masked(&text);
    assert!(masked.len() <= text.len() + 16);
    let Ok(id) = GRAMMAR.parse(&text) else { return };
    assert_eq!(id.as_str(), text);
    assert!(text.len() <= 31 && text.is_ascii());
    // As read from the database, and compared.
    let again: HsaId = text.parse().expect("it was one");
    assert_eq!(again.canonical(), id.canonical());
    let of_canonical: HsaId = id.canonical().parse().expect("the canonical form is one");
    assert_eq!(of_canonical.canonical(), id.canonical());
    let _ = id.luhn_ok();
});

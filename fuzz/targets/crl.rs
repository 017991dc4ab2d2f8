//! CRLs. First octet even: a file as it is. Odd: what is to be signed of a list, signed by the CA.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use siths_idp::pki::revocation::crl::CrlLimits;
use siths_idp::pki::revocation::{Authority, CrlIndex, Heard, Link, Serial, Subject};
use siths_idp_fuzz::{Ca, now};

static CA: LazyLock<(Ca, Authority)> = LazyLock::new(|| {
    let ca = Ca::fixed();
    let authority = Authority::new(&ca.certificate).expect("an authority");
    (ca, authority)
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let (ca, authority) = &*CA;
    let der = if mode % 2 == 1 { ca.signed(data, &[]) } else { data.to_vec() };
    let Ok(crl) = CrlIndex::read(&der, authority, CrlLimits::default(), now()) else { return };
    assert!(crl.bytes() <= 1024 + 16 * data.len(), "{} of {}", crl.bytes(), data.len());
    assert_eq!(crl.is_empty(), crl.len() == 0);
    assert!(!crl.is_older_than(&crl));
    // Whatever is looked for: a serial that is in the file as an INTEGER may be listed.
    let mut listed = 0;
    for (at, window) in data.windows(3).enumerate() {
        if let [2, length @ 1..=0x7f, _] = window
            && let Some(content) = data.get(at + 2..at + 2 + usize::from(*length))
        {
            let serial = Serial::new(content);
            listed += usize::from(crl.find(&serial).is_some());
            let link = Link { issuer: authority.id(), serial, subject: Subject::Person, points: vec![] };
            let _ = Heard::from_crl(&crl, &link);
        }
    }
    // Serials of up to 127 octets have just been found again.
    let long = data.windows(2).any(|window| matches!(window, [2, 0x80..=0xff]));
    assert!(long || listed >= crl.len(), "{listed} of {}", crl.len());
});

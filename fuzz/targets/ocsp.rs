//! OCSP answers. First octet, modulo three: an answer as it is; what is to be signed of one, signed
//! by the CA; the same with certificates after it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use siths_idp::pki::revocation::ocsp::{Answer, Asked, MAX_BYTES, Request, Rules};
use siths_idp::pki::revocation::{Authority, Evidence, Order, Policy, Serial};
use siths_idp_fuzz::{Ca, now, tlv};

static CA: LazyLock<(Ca, Authority)> = LazyLock::new(|| {
    let ca = Ca::fixed();
    let authority = Authority::new(&ca.certificate).expect("an authority");
    (ca, authority)
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let (ca, authority) = &*CA;
    let nonce = (mode & 0x80 != 0).then_some([7; 32]);
    let request = Request::new(authority, &Serial::new(&[1, 2, 3, 4]), nonce).expect("a request");
    let der = match mode % 3 {
        0 => data.to_vec(),
        1 => successful(&ca.signed(data, &[])),
        _ => {
            // A length, what is to be signed, and certificates.
            let Some((length, rest)) = data.split_first_chunk() else { return };
            let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
            let (message, certificates) = rest.split_at(length);
            successful(&ca.signed(message, &tlv(0xa0, &tlv(0x30, certificates))))
        }
    };
    let asked = Asked { request: &request, authority, rules: Rules::default() };
    let Ok(answer) = Answer::read(&der, &asked, now()) else { return };
    assert!(der.len() <= MAX_BYTES && now() <= answer.until);
    assert_ne!(mode % 3, 0, "nobody but the CA makes an answer");
    let evidence = Evidence { ocsp: answer.into(), ..Evidence::default() };
    let _ = Policy { order: Order::OcspThenCrl, grace: None }.decide(&evidence, now());
});

fn successful(basic: &[u8]) -> Vec<u8> {
    let basic = [&b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"[..], &tlv(4, basic)].concat();
    tlv(0x30, &[&[0x0a, 1, 0][..], &tlv(0xa0, &tlv(0x30, &basic))].concat())
}

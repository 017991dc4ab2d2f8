//! The judgement of whatever a browser may present.
//!
//! First octet even: certificates as they are, each behind two octets of length. Odd: what is to be
//! signed of a leaf, signed by the issuing CA.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use siths_idp::identity::assurance::Loa;
use siths_idp::identity::hsa_id::HsaIdGrammar;
use siths_idp::pki::{IssuerRow, Kind, PolicyRow, PresentedChain, Trust, TrustSource, UnknownPolicy};
use siths_idp_fuzz::{Ca, now};

struct Material {
    issuing: Ca,
    trust: Trust,
}

static MATERIAL: LazyLock<Material> = LazyLock::new(|| {
    let root = Ca::root();
    let issuing = root.issuing();
    let policy = PolicyRow { oid: "1.2.752.74.8.512".to_owned(), kind: Kind::Mobile, loa: None };
    let row = IssuerRow {
        certificate: issuing.certificate.clone(),
        kind: Kind::HsaId,
        loa: Some(Loa::Three),
        policies: vec![policy],
    };
    let source = TrustSource {
        roots: vec![root.certificate.clone()],
        issuers: vec![row],
        intermediates: Vec::new(),
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::FollowIssuer,
    };
    Material { issuing, trust: Trust::new(source, now()).expect("trust") }
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, mut data)) = data.split_first() else { return };
    let mut chain = Vec::new();
    if mode % 2 == 1 {
        chain.push(CertificateDer::from(MATERIAL.issuing.signed(data, &[])));
    } else {
        while let Some((length, rest)) = data.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
            let (certificate, rest) = rest.split_at(length);
            chain.push(CertificateDer::from(certificate.to_vec()));
            data = rest;
        }
    }
    let Some(chain) = PresentedChain::new(chain) else { return };
    let assessment = MATERIAL.trust.assess(&chain, now());
    let outcome = MATERIAL.trust.verify(&chain, now());
    assert_eq!(assessment.outcome.is_ok(), outcome.is_ok());
    if let Ok(authentic) = outcome {
        assert_eq!(mode % 2, 1, "nobody but the issuing CA makes a card");
        assert_eq!(authentic.links().len(), 2);
    }
});

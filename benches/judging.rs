//! What judging a card costs: `cargo bench --bench judging`.
//!
//! The chain is SITHS's: a root and an issuing CA of RSA-4096, a card of RSA-2048, signed with
//! SHA-512. `signatures` is the two RSA verifications that every judgement needs; what `assess`
//! takes beyond them is ours. On Linux the time on the processor is printed first, which other work
//! on the machine does not change much; criterion measures the clock on the wall.

#![expect(missing_docs, reason = "criterion's macros make public functions")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;

use chrono::{DateTime, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA512, RsaKeySize, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use siths_idp::identity::assurance::Loa;
use siths_idp::identity::hsa_id::HsaIdGrammar;
use siths_idp::pki::revocation::Verdict;
use siths_idp::pki::{
    IssuerRow, Kind, PolicyRow, PresentedChain, Trust, TrustSource, UnknownPolicy,
};
use webpki::RawPublicKeyEntity;
use webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512;
use x509_parser::prelude::{FromDer as _, X509Certificate};

type Der = CertificateDer<'static>;

fn name(common_name: &str) -> rcgen::DistinguishedName {
    let mut name = rcgen::DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("SE".try_into().unwrap()));
    name.push(DnType::OrganizationName, "Inera AB");
    name.push(DnType::CommonName, common_name);
    name
}

fn policy(oid: &[u8]) -> CustomExtension {
    let inner = [&[6, u8::try_from(oid.len()).unwrap()], oid].concat();
    let list = [&[0x30, u8::try_from(inner.len()).unwrap()], &inner[..]].concat();
    let all = [&[0x30, u8::try_from(list.len()).unwrap()], &list[..]].concat();
    CustomExtension::from_oid_content(&[2, 5, 29, 32], all)
}

fn ca(common_name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.custom_extensions = vec![policy(&[0x55, 0x1d, 32, 0])];
    params.not_before = date_time_ymd(2019, 5, 15);
    params.not_after = date_time_ymd(2049, 9, 15);
    params
}

fn rsa(size: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA512, size).unwrap()
}

struct Pki {
    root: Der,
    issuers: Vec<Der>,
    card: Der,
}

fn pki() -> Pki {
    let root_key = rsa(RsaKeySize::_4096);
    let root_params = ca("SITHS e-id Root CA v2", BasicConstraints::Unconstrained);
    let root = root_params.self_signed(&root_key).unwrap().der().clone();
    let root_issuer = Issuer::from_params(&root_params, &root_key);
    let key = rsa(RsaKeySize::_4096);
    let others = [rsa(RsaKeySize::_2048), rsa(RsaKeySize::_2048), rsa(RsaKeySize::_2048)];
    let params = ca("SITHS e-id Person HSA-id 3 CA v1", BasicConstraints::Constrained(0));
    let issuing = params.signed_by(&key, &root_issuer).unwrap().der().clone();
    let others = others.iter().enumerate().map(|(index, key)| {
        let params = ca(&format!("Other CA {index}"), BasicConstraints::Constrained(0));
        params.signed_by(key, &root_issuer).unwrap().der().clone()
    });
    let mut card = CertificateParams::default();
    card.distinguished_name = name("Berit Björk");
    card.distinguished_name.push(
        DnType::CustomDnType(vec![2, 5, 4, 5]),
        DnValue::PrintableString("SE2321000016-1003".try_into().unwrap()),
    );
    card.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    card.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    card.use_authority_key_identifier_extension = true;
    card.custom_extensions = vec![policy(&[0x2a, 0x85, 0x70, 0x4a, 8, 3])];
    card.not_before = date_time_ymd(2025, 1, 1);
    card.not_after = date_time_ymd(2028, 1, 1);
    let issuer = Issuer::from_params(&params, &key);
    let card = card.signed_by(&rsa(RsaKeySize::_2048), &issuer).unwrap().der().clone();
    Pki { issuers: std::iter::once(issuing).chain(others).collect(), root, card }
}

fn trust(pki: &Pki, now: DateTime<Utc>) -> Trust {
    let row = |certificate: &Der| IssuerRow {
        certificate: certificate.clone(),
        kind: Kind::HsaId,
        loa: Some(Loa::Three),
        policies: vec![PolicyRow {
            oid: "1.2.752.74.8.3".into(),
            kind: Kind::HsaId,
            loa: Some(Loa::Three),
        }],
    };
    let source = TrustSource {
        roots: vec![pki.root.clone()],
        issuers: pki.issuers.iter().map(row).collect(),
        intermediates: Vec::new(),
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::Refuse,
    };
    Trust::new(source, now).unwrap()
}

fn judge(trust: &Trust, chain: &PresentedChain, now: DateTime<Utc>) {
    let assessment = trust.assess(black_box(chain), now);
    let authentic = assessment.outcome.unwrap();
    let verdicts = vec![Verdict::NotRevoked; authentic.links().len()];
    black_box(authentic.settle(&verdicts).unwrap());
}

/// Verifies the signature of one certificate by another's key, and nothing else.
fn verify(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) {
    let key = SubjectPublicKeyInfoDer::from(issuer.public_key().raw);
    let key = RawPublicKeyEntity::try_from(&key).unwrap();
    let message = subject.tbs_certificate.as_ref();
    let signature = &subject.signature_value.data;
    key.verify_signature(RSA_PKCS1_2048_8192_SHA512, message, signature).unwrap();
}

/// Microseconds on the processor of one call; `None` where the system does not tell.
fn processor_time(work: impl Fn()) -> Option<f64> {
    let spent = || -> Option<u64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok()
    };
    const CALLS: u32 = 2000;
    (0..100).for_each(|_| work());
    let before = spent()?;
    (0..CALLS).for_each(|_| work());
    let nanoseconds = f64::from(u32::try_from(spent()? - before).ok()?);
    Some(nanoseconds / f64::from(CALLS) / 1000.0)
}

fn benches(criterion: &mut Criterion) {
    let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
    let pki = pki();
    let trust = trust(&pki, now);
    let alone = PresentedChain::new(vec![pki.card.clone()]).unwrap();
    let issuing = pki.issuers[0].clone();
    let sent = PresentedChain::new(vec![pki.card.clone(), issuing, pki.root.clone()]).unwrap();

    let read = |der| X509Certificate::from_der(der).unwrap().1;
    let (card, issuing, root) = (read(&pki.card), read(&pki.issuers[0]), read(&pki.root));
    let signatures = || {
        verify(black_box(&card), &issuing);
        verify(black_box(&issuing), &root);
    };
    let ours = processor_time(|| judge(&trust, &alone, now));
    if let (Some(signatures), Some(all)) = (processor_time(signatures), ours) {
        let beyond = all - signatures;
        println!(
            "on the processor: {all:.0} us, of them two signatures {signatures:.0} us, the rest {beyond:.0} us"
        );
    }

    let mut group = criterion.benchmark_group("judging");
    group.bench_function("signatures", |bencher| bencher.iter(signatures));
    group.bench_function("card alone", |bencher| bencher.iter(|| judge(&trust, &alone, now)));
    group.bench_function("card and CAs", |bencher| bencher.iter(|| judge(&trust, &sent, now)));
    // Nothing of it is signed by anybody who is trusted: the costliest chain that we know.
    let hostile = hostile();
    group.bench_function("hostile chain", |bencher| {
        bencher.iter(|| black_box(trust.assess(black_box(&hostile), now).outcome.is_err()));
    });
    group.finish();
}

/// Ten certificates whose names lead around in circles and to the root: every order of them is a
/// path to try.
fn hostile() -> PresentedChain {
    let names = ["SITHS e-id Person HSA-id 3 CA v1", "A", "B", "C"];
    let mut chain = Vec::new();
    let params = |name: &str| ca(name, BasicConstraints::Unconstrained);
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name = name("Nobody");
    leaf.not_before = date_time_ymd(2025, 1, 1);
    leaf.not_after = date_time_ymd(2028, 1, 1);
    let key = rsa(RsaKeySize::_2048);
    let issuer_params = params(names[0]);
    let issuer = Issuer::from_params(&issuer_params, &key);
    chain.push(leaf.signed_by(&rsa(RsaKeySize::_2048), &issuer).unwrap().der().clone());
    for round in 0..9_usize {
        let subject = params(names[round % 4]);
        let above = match round {
            8 => params("SITHS e-id Root CA v2"),
            _ => params(names[(round + 1) % 4]),
        };
        let key = rsa(RsaKeySize::_2048);
        let by = Issuer::from_params(&above, &key);
        chain.push(subject.signed_by(&rsa(RsaKeySize::_2048), &by).unwrap().der().clone());
    }
    PresentedChain::new(chain).unwrap()
}

criterion_group!(all, benches);
criterion_main!(all);

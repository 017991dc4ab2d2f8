//! A CRL of a million entries: what reading it costs, what it keeps, what a look-up costs.
//!
//! `cargo bench --bench revocation`. The memory is told before the times, on Linux alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench, not the product"
)]

use std::hint::black_box;

use chrono::Utc;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, SigningKey as _};
use siths_idp::pki::revocation::crl::CrlLimits;
use siths_idp::pki::revocation::{Authority, CrlIndex, Serial};

const ENTRIES: u64 = 1_000_000;

/// Numbers that look random (splitmix64).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Serials as SITHS has them: 15 octets that begin with a clock, 16 and 20 that are random.
fn serial(n: u64) -> Vec<u8> {
    let [a, b] = [mixed(2 * n).to_be_bytes(), mixed(2 * n + 1).to_be_bytes()];
    let mut serial = match n % 3 {
        0 => [&[1][..], &(0x6a_ba6d_5d70 + n).to_be_bytes()[3..], &a, &b[..1]].concat(),
        1 => [a, b].concat(),
        _ => [&a[..], &b, &a[..4]].concat(),
    };
    serial[0] = (serial[0] & 0x7f) | 1;
    serial
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = match content.len() {
        0..=0x7f => &length[7..],
        0x80..=0xff => &[&[0x81], &length[7..]].concat(),
        0x100..=0xffff => &[&[0x82], &length[6..]].concat(),
        0x1_0000..=0xff_ffff => &[&[0x83], &length[5..]].concat(),
        _ => &[&[0x84], &length[4..]].concat(),
    };
    [&[tag][..], length, content].concat()
}

/// A CA, and its CRL of [`ENTRIES`] entries, each with a reason.
fn made() -> (Authority, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).unwrap();
    let (_, read) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();

    let reason = tlv(0x30, &tlv(0x30, b"\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01"));
    let entries: Vec<u8> = (0..ENTRIES)
        .flat_map(|n| tlv(0x30, &[&tlv(2, &serial(n))[..], &time(-24), &reason].concat()))
        .collect();
    let number = tlv(0x30, b"\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x07");
    let algorithm = tlv(0x30, b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
    let list = [
        tlv(2, &[1]),
        algorithm.clone(),
        read.subject().as_raw().to_vec(),
        time(-1),
        time(24),
        tlv(0x30, &entries),
        tlv(0xa0, &tlv(0x30, &number)),
    ];
    let list = tlv(0x30, &list.concat());
    let signature = [&[0][..], &key.sign(&list).unwrap()].concat();
    let der = tlv(0x30, &[list, algorithm, tlv(3, &signature)].concat());
    (Authority::new(certificate.der()).unwrap(), der)
}

fn time(hours: i64) -> Vec<u8> {
    let time = Utc::now() + chrono::TimeDelta::hours(hours);
    tlv(0x17, time.format("%y%m%d%H%M%SZ").to_string().as_bytes())
}

/// A field of `/proc/self/status` in MiB.
fn status(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

fn read(der: &[u8], authority: &Authority) -> CrlIndex {
    CrlIndex::read(der, authority, CrlLimits::default(), Utc::now()).unwrap()
}

fn revocation(criterion: &mut Criterion) {
    let (authority, der) = made();
    let mib = |bytes: usize| bytes as f64 / 1024.0 / 1024.0;
    // Forget the peak of making the file.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS");
    let crl = read(&der, &authority);
    println!(
        "file {:.1} MiB, {} entries; index {:.1} MiB counted, {:.1} MiB resident, {:.1} MiB more at the peak",
        mib(der.len()),
        crl.len(),
        mib(crl.bytes()),
        status("VmRSS") - before,
        status("VmHWM") - before,
    );

    let mut group = criterion.benchmark_group("crl of a million");
    group.sample_size(10);
    group.bench_function("read", |bencher| bencher.iter(|| black_box(read(&der, &authority))));
    group.sample_size(100);
    // In random order, so that neither the table nor the record is in a cache.
    let mut n = 0;
    let mut next = |from: u64| {
        n += 1;
        Serial::new(&serial(from + mixed(n) % ENTRIES))
    };
    group.bench_function("listed", |bencher| {
        bencher.iter_batched(
            || next(0),
            |serial| crl.find(&serial).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("not listed", |bencher| {
        bencher.iter_batched(
            || next(ENTRIES),
            |serial| assert!(crl.find(&serial).is_none()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, revocation);
criterion_main!(benches);

//! CRLs as they come, and as they must not be taken.

use rcgen::{
    CertificateRevocationListParams, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};

use super::super::testing::{
    TestCa, UNKNOWN, ecdsa_with_sha256, extension, generalized, hours, integer, now, of_fixtures,
    sequence, tlv, uri, utc,
};
use super::super::{Heard, Subject};
use super::*;

/// What is signed of a CRL, in parts.
struct Tbs {
    version: Vec<u8>,
    algorithm: Vec<u8>,
    issuer: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    entries: Vec<u8>,
    extensions: Vec<u8>,
}

impl Tbs {
    fn of(ca: &TestCa) -> Self {
        Self {
            version: integer(&[1]),
            algorithm: ecdsa_with_sha256(),
            issuer: ca.authority.name.clone(),
            this_update: utc(now() - hours(1)),
            next_update: utc(now() + hours(23)),
            entries: Vec::new(),
            extensions: extensions(&[&crl_number(7)]),
        }
    }

    fn entries(mut self, entries: &[Vec<u8>]) -> Self {
        self.entries = tlv(0x30, &entries.concat());
        self
    }

    fn extensions(mut self, more: &[&[u8]]) -> Self {
        self.extensions = extensions(&[&[&*crl_number(7)], more].concat());
        self
    }

    fn point(self, point: &[&[u8]]) -> Self {
        self.extensions(&[&extension(&[0x55, 0x1d, 28], true, &sequence(point))])
    }

    fn der(&self) -> Vec<u8> {
        sequence(&[
            &self.version,
            &self.algorithm,
            &self.issuer,
            &self.this_update,
            &self.next_update,
            &self.entries,
            &self.extensions,
        ])
    }

    fn read(&self, ca: &TestCa) -> Result<CrlIndex, CrlFault> {
        read(&ca.signed(&self.der(), &[]), ca)
    }

    fn fault(&self, ca: &TestCa) -> CrlFault {
        self.read(ca).unwrap_err()
    }
}

fn read(der: &[u8], ca: &TestCa) -> Result<CrlIndex, CrlFault> {
    CrlIndex::read(der, &ca.authority, CrlLimits::default(), now())
}

fn extensions(extensions: &[&[u8]]) -> Vec<u8> {
    tlv(0xa0, &sequence(extensions))
}

fn crl_number(number: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 20], false, &integer(&[number]))
}

fn entry(serial: &[u8], more: &[&[u8]]) -> Vec<u8> {
    let extensions = if more.is_empty() { Vec::new() } else { sequence(more) };
    sequence(&[&integer(serial), &utc(now() - hours(100)), &extensions])
}

fn reason(code: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 21], false, &tlv(10, &[code]))
}

fn serial(content: &[u8]) -> Serial {
    Serial::new(content)
}

#[test]
fn a_list_of_another_implementation_is_read_and_serials_are_found_in_it() {
    let ca = TestCa::new("Root");
    let revoked = |serial: &[u8], reason| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: date_time_ymd(2026, 11, 1),
        reason_code: reason,
        invalidity_date: Some(date_time_ymd(2026, 10, 1)),
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 23),
        next_update: date_time_ymd(2026, 11, 24),
        crl_number: SerialNumber::from_slice(&[1, 0]),
        issuing_distribution_point: None,
        revoked_certs: vec![
            revoked(&[0x81; 20], Some(RevocationReason::KeyCompromise)),
            revoked(&[5], None),
        ],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let crl = read(params.signed_by(&ca.issuer()).unwrap().der(), &ca).unwrap();
    assert_eq!((crl.len(), crl.number()), (2, &[1, 0][..]));
    assert_eq!(crl.this_update().to_rfc3339(), "2026-11-23T00:00:00+00:00");
    assert_eq!(crl.next_update().to_rfc3339(), "2026-11-24T00:00:00+00:00");
    // As certificates and lists encode it: positive, so with a zero before the highest bit.
    let found = crl.find(&serial(&[&[0][..], &[0x81; 20]].concat())).unwrap();
    assert_eq!(found.reason, Some(Reason::KeyCompromise));
    assert_eq!(found.at.to_rfc3339(), "2026-11-01T00:00:00+00:00");
    assert_eq!(crl.find(&serial(&[5])).unwrap().reason, None);
    assert_eq!(crl.find(&serial(&[6])), None);
    assert!(crl.is_current(now()) && !crl.is_current(now() + hours(13)));
}

#[test]
fn whatever_its_reason_what_is_listed_is_revoked() {
    let ca = TestCa::new("Root");
    let codes = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10];
    let entries: Vec<_> = codes.iter().map(|code| entry(&[*code + 1], &[&reason(*code)])).collect();
    let crl = Tbs::of(&ca).entries(&entries).read(&ca).unwrap();
    for (code, reason) in codes.iter().zip(Reason::ALL) {
        assert_eq!(crl.find(&serial(&[code + 1])).unwrap().reason, Some(reason));
    }
}

#[test]
fn serials_of_every_length_and_sign_are_told_apart() {
    let ca = TestCa::new("Root");
    let mut serials: Vec<Vec<u8>> = (1..=300).map(|length| vec![0x31; length]).collect();
    serials.extend([vec![0], vec![0x80], vec![0, 0x80], vec![0, 0x31]]);
    // The last is the first in a longer encoding.
    let duplicate =
        Tbs::of(&ca).entries(&serials.iter().map(|s| entry(s, &[])).collect::<Vec<_>>());
    assert_eq!(duplicate.fault(&ca), CrlFault::EntryRepeated(304));
    serials.pop();
    let crl = Tbs::of(&ca).entries(&serials.iter().map(|s| entry(s, &[])).collect::<Vec<_>>());
    let crl = crl.read(&ca).unwrap();
    assert_eq!(crl.len(), serials.len());
    assert!(serials.iter().all(|content| crl.find(&serial(content)).is_some()));
    let other = |length: usize| [vec![0x31; length - 1], vec![0x32]].concat();
    assert!((1..=301).all(|length| crl.find(&serial(&other(length))).is_none()));
    assert_eq!(crl.find(&serial(&[0x31; 301])), None);
    assert_eq!(crl.find(&serial(&[0x7f])), None);
    assert_eq!(crl.find(&serial(&[])), None);
}

#[test]
fn an_empty_list_says_that_all_is_well() {
    let ca = TestCa::new("Root");
    let none = Tbs::of(&ca).read(&ca).unwrap();
    // RFC 5280 §5.1.2.6 wants the list absent then; some CAs write an empty one.
    let empty = Tbs::of(&ca).entries(&[]).read(&ca).unwrap();
    for crl in [none, empty] {
        assert!(crl.is_empty());
        assert!(matches!(Heard::from_crl(&crl, &ca.link(&[1])), Heard::Said(_)));
    }
}

#[test]
fn the_signature_is_the_authoritys_over_these_bytes() {
    let (ca, other) = (TestCa::new("Root"), TestCa::new("Root"));
    let tbs = Tbs::of(&ca).entries(&[entry(&[0x77; 16], &[])]);
    // Another CA of the same name.
    assert_eq!(read(&other.signed(&tbs.der(), &[]), &ca).unwrap_err(), CrlFault::Signature);
    let der = ca.signed(&tbs.der(), &[]);
    let at = der.windows(16).position(|window| window == [0x77; 16]).unwrap();
    let mut altered = der.clone();
    altered[at] ^= 1;
    assert_eq!(read(&altered, &ca).unwrap_err(), CrlFault::Signature);
    assert!(read(&der, &ca).is_ok());
}

#[test]
fn the_issuer_is_the_authority() {
    let (ca, other) = (TestCa::new("Root"), TestCa::new("Another"));
    let mut tbs = Tbs::of(&ca);
    tbs.issuer = other.authority.name.clone();
    // Signed by the right key all the same.
    assert_eq!(tbs.fault(&ca), CrlFault::IssuerOther);
}

#[test]
fn a_ca_that_may_not_sign_lists_has_none() {
    let usages = |usages: &[KeyUsagePurpose]| {
        let ca = TestCa::with("Root", |params| params.key_usages = usages.to_vec());
        Tbs::of(&ca).read(&ca).map(|_| ())
    };
    assert_eq!(usages(&[KeyUsagePurpose::KeyCertSign]), Err(CrlFault::MayNotSign));
    assert_eq!(usages(&[KeyUsagePurpose::CrlSign]), Ok(()));
    // RFC 5280 §6.3.3 (f): if a key usage extension is present.
    assert_eq!(usages(&[]), Ok(()));
}

#[test]
fn weak_algorithms_and_keys_are_refused() {
    let refused = |certificate: &[u8], crl: &[u8]| {
        let authority = Authority::new(&certificate.into()).unwrap();
        CrlIndex::read(crl, &authority, CrlLimits::default(), of_fixtures()).unwrap_err()
    };
    let sha1 = include_bytes!("../fixtures/sha1.ca.der");
    assert_eq!(refused(sha1, include_bytes!("../fixtures/sha1.crl")), CrlFault::Algorithm);
    let short = include_bytes!("../fixtures/rsa1024.ca.der");
    assert_eq!(refused(short, include_bytes!("../fixtures/rsa1024.crl")), CrlFault::Signature);
    // The same without what is weak: openssl's own list.
    let certificate = &include_bytes!("../fixtures/rsa2048.ca.der")[..];
    let authority = Authority::new(&certificate.into()).unwrap();
    let crl = include_bytes!("../fixtures/rsa2048.crl");
    let crl = CrlIndex::read(crl, &authority, CrlLimits::default(), of_fixtures()).unwrap();
    assert_eq!(crl.find(&serial(&[0x10, 1])).unwrap().reason, Some(Reason::KeyCompromise));
}

#[test]
fn both_places_name_the_same_algorithm() {
    let ca = TestCa::new("Root");
    let mut tbs = Tbs::of(&ca);
    // ecdsa-with-SHA384.
    tbs.algorithm = sequence(&[&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])]);
    assert_eq!(tbs.fault(&ca), CrlFault::AlgorithmsDiffer);
}

#[test]
fn version_two_alone_is_read() {
    let ca = TestCa::new("Root");
    for version in [vec![], integer(&[0]), integer(&[2])] {
        let mut tbs = Tbs::of(&ca);
        tbs.version = version;
        assert_eq!(tbs.fault(&ca), CrlFault::Version);
    }
}

#[test]
fn times_are_there_and_agree() {
    let ca = TestCa::new("Root");
    let times = |this_update, next_update| {
        let mut tbs = Tbs::of(&ca);
        (tbs.this_update, tbs.next_update) = (this_update, next_update);
        tbs.read(&ca).map(|crl| crl.is_current(now()))
    };
    let (minutes, late) = (chrono::TimeDelta::minutes, now() + hours(1));
    assert_eq!(times(utc(now() + minutes(5)), utc(late)), Ok(true));
    assert_eq!(times(utc(now() + minutes(6)), utc(late)), Err(CrlFault::NotYet));
    assert_eq!(times(utc(now()), vec![]), Err(CrlFault::NextUpdateMissing));
    assert_eq!(times(utc(now()), utc(now() - minutes(1))), Err(CrlFault::DatesDisagree));
    assert_eq!(times(tlv(0x17, b"261123"), utc(late)), Err(CrlFault::Unreadable("thisUpdate")));
    // Read all the same: what it lists stays revoked, and grace counts from it.
    assert_eq!(times(utc(now() - hours(2)), utc(now() - hours(1))), Ok(false));
    assert_eq!(times(generalized(now()), generalized(now())), Ok(true));
}

#[test]
fn what_is_critical_and_not_understood_spoils_the_list() {
    let ca = TestCa::new("Root");
    let oid = "1.3.6.1.4.1.55738.1".to_owned();
    let odd = |critical| extension(UNKNOWN, critical, &[5, 0]);
    let list = |critical| Tbs::of(&ca).extensions(&[&odd(critical)]).read(&ca).map(|_| ());
    assert_eq!(list(true), Err(CrlFault::ExtensionUnknown(oid.clone())));
    assert_eq!(list(false), Ok(()));
    let list = |critical| {
        let entries = [entry(&[1], &[]), entry(&[2], &[&odd(critical)])];
        Tbs::of(&ca).entries(&entries).read(&ca).map(|_| ())
    };
    assert_eq!(list(true), Err(CrlFault::EntryExtensionUnknown(oid)));
    assert_eq!(list(false), Ok(()));
}

#[test]
fn lists_of_other_kinds_are_refused_with_their_name() {
    let ca = TestCa::new("Root");
    let yes = [1, 0xff];
    let delta = extension(&[0x55, 0x1d, 27], true, &integer(&[1]));
    assert_eq!(Tbs::of(&ca).extensions(&[&delta]).fault(&ca), CrlFault::Delta);
    let flag = |tag| [&[tag][..], &yes].concat();
    let relative = tlv(0xa0, &tlv(0xa1, &sequence(&[&tlv(6, &[0x55, 4, 3]), &tlv(12, b"x")])));
    for (point, fault) in [
        (flag(0x84), CrlFault::Indirect),
        (tlv(0x83, &[6, 0x40]), CrlFault::SomeReasons),
        (flag(0x85), CrlFault::AttributeCertificates),
        (relative, CrlFault::RelativePoint),
        ([flag(0x81), flag(0x82)].concat(), CrlFault::Unreadable("issuingDistributionPoint")),
        (vec![5, 0], CrlFault::Unreadable("issuingDistributionPoint")),
    ] {
        assert_eq!(Tbs::of(&ca).point(&[&point]).fault(&ca), fault);
    }
    // An entry of another issuer makes the list an indirect one, whatever it says of itself.
    let issuer = extension(&[0x55, 0x1d, 29], true, &sequence(&[&uri("x")]));
    let entries = [entry(&[1], &[&issuer])];
    assert_eq!(Tbs::of(&ca).entries(&entries).fault(&ca), CrlFault::Indirect);
}

#[test]
fn a_list_speaks_of_those_alone_that_it_is_for() {
    let ca = TestCa::new("Root");
    let good = |crl: &CrlIndex, link: &Link| match Heard::from_crl(crl, link) {
        Heard::Said(said) => said.status == super::super::policy::Status::Good,
        _ => false,
    };
    let person = ca.link(&[9]);
    let of_ca = Link { subject: Subject::Ca, ..person.clone() };
    for (flag, persons, cas) in [(0x81, true, false), (0x82, false, true)] {
        let crl = Tbs::of(&ca).point(&[&[flag, 1, 0xff]]).read(&ca).unwrap();
        assert_eq!((good(&crl, &person), good(&crl, &of_ca)), (persons, cas));
    }
    let other = Link { issuer: CaId::of(b"other"), ..person.clone() };
    let whole = Tbs::of(&ca).read(&ca).unwrap();
    assert!(good(&whole, &person) && !good(&whole, &other));

    let address = uri("http://crl1.siths.se/a.crl");
    let point = tlv(0xa0, &tlv(0xa0, &address));
    let crl = Tbs::of(&ca).entries(&[entry(&[1], &[])]).point(&[&point]).read(&ca).unwrap();
    let at = |points: Vec<Vec<u8>>| Link { points, ..person.clone() };
    assert!(good(&crl, &at(vec![uri("http://b"), address.clone()])));
    assert!(!good(&crl, &at(vec![uri("http://crl1.siths.se/b.crl")])));
    assert!(!good(&crl, &at(vec![])));
    // What it lists is revoked all the same, but not another CA's certificate of that number.
    assert!(matches!(Heard::from_crl(&crl, &ca.link(&[1])), Heard::Said(_)));
    let other = Link { issuer: CaId::of(b"other"), ..ca.link(&[1]) };
    assert!(matches!(Heard::from_crl(&crl, &other), Heard::Nothing(_)));
}

#[test]
fn the_points_of_a_certificate_are_those_for_all_reasons_and_its_own_issuer() {
    let address = uri("http://crl1.siths.se/a.crl");
    let full = tlv(0xa0, &tlv(0xa0, &address));
    let reasons = tlv(0x81, &[6, 0x40]);
    let issuer = tlv(0xa2, &tlv(0xa4, &sequence(&[])));
    let points = |point: &[&[u8]]| super::super::extensions::points(&sequence(&[&sequence(point)]));
    assert_eq!(points(&[&full]), vec![address]);
    assert!(points(&[&full, &reasons]).is_empty());
    assert!(points(&[&full, &issuer]).is_empty());
    assert!(super::super::extensions::points(&[1, 2, 3]).is_empty());
}

#[test]
fn the_number_is_there_once_and_is_a_number() {
    let ca = TestCa::new("Root");
    let numbers = |all: &[&[u8]]| {
        let mut tbs = Tbs::of(&ca);
        tbs.extensions = extensions(all);
        tbs.fault(&ca)
    };
    let number =
        |critical, content: &[u8]| extension(&[0x55, 0x1d, 20], critical, &integer(content));
    assert_eq!(numbers(&[]), CrlFault::NumberMissing);
    let mut bare = Tbs::of(&ca);
    bare.extensions = Vec::new();
    assert_eq!(bare.fault(&ca), CrlFault::NumberMissing);
    assert_eq!(numbers(&[&number(true, &[1])]), CrlFault::Number);
    assert_eq!(numbers(&[&number(false, &[0x80])]), CrlFault::Number);
    assert_eq!(numbers(&[&number(false, &[1; 21])]), CrlFault::Number);
    let twice = CrlFault::ExtensionRepeated("2.5.29.20".to_owned());
    assert_eq!(numbers(&[&number(false, &[1]), &number(false, &[1])]), twice);
}

#[test]
fn a_list_with_a_lower_number_or_an_earlier_time_is_older() {
    let ca = TestCa::new("Root");
    let crl = |number: &[u8], at| {
        let mut tbs = Tbs::of(&ca);
        let number = extension(&[0x55, 0x1d, 20], false, &integer(number));
        (tbs.extensions, tbs.this_update) = (extensions(&[&number]), utc(at));
        tbs.read(&ca).unwrap()
    };
    let before = now() - hours(1);
    let in_use = crl(&[0, 0xff], before);
    assert!(crl(&[2], before).is_older_than(&in_use));
    assert!(!crl(&[1, 0], before).is_older_than(&in_use));
    assert!(!in_use.is_older_than(&in_use));
    assert!(crl(&[1, 0], before - hours(1)).is_older_than(&in_use));
}

#[test]
fn a_serial_twice_spoils_the_list() {
    let ca = TestCa::new("Root");
    let entries = [entry(&[1], &[&reason(6)]), entry(&[2], &[]), entry(&[1], &[&reason(8)])];
    assert_eq!(Tbs::of(&ca).entries(&entries).fault(&ca), CrlFault::EntryRepeated(3));
}

#[test]
fn nothing_follows_and_nothing_is_missing() {
    let ca = TestCa::new("Root");
    let der = ca.signed(&Tbs::of(&ca).der(), &[]);
    let outer = CrlFault::Unreadable("outer structure");
    let longer = [&der[..], &[0]].concat();
    assert_eq!(read(&longer, &ca).unwrap_err(), outer);
    assert_eq!(read(&ca.signed(&Tbs::of(&ca).der(), &[5, 0]), &ca).unwrap_err(), outer);
    for length in 0..der.len() {
        assert!(read(&der[..length], &ca).is_err());
    }
    let mut tbs = Tbs::of(&ca);
    tbs.extensions.extend([5, 0]);
    assert_eq!(tbs.fault(&ca), CrlFault::Unreadable("list"));
}

#[test]
fn a_broken_entry_spoils_the_list_and_is_named() {
    let ca = TestCa::new("Root");
    let date = utc(now());
    for broken in [
        vec![5, 0],
        sequence(&[]),
        tlv(0x31, &[integer(&[1]), date.clone()].concat()),
        sequence(&[&tlv(4, &[1]), &date]),
        sequence(&[&integer(&[1])]),
        sequence(&[&integer(&[1]), &tlv(0x17, b"nonsense")]),
        sequence(&[&integer(&[1]), &date, &[5, 0]]),
        sequence(&[&integer(&[1]), &date, &sequence(&[]), &[5, 0]]),
        entry(&[1], &[&reason(7)]),
        vec![0x30, 0x7f, 2],
    ] {
        let tbs = Tbs::of(&ca).entries(&[entry(&[9], &[]), broken]);
        assert_eq!(tbs.fault(&ca), CrlFault::Entry(2));
    }
    // Extensions that are there and empty: some CAs write them so.
    let empty = sequence(&[&integer(&[1]), &date, &sequence(&[])]);
    assert_eq!(Tbs::of(&ca).entries(&[empty]).read(&ca).unwrap().len(), 1);
}

#[test]
fn size_and_number_are_limited() {
    let ca = TestCa::new("Root");
    let entries: Vec<_> = (1..=5).map(|serial| entry(&[serial], &[])).collect();
    let der = ca.signed(&Tbs::of(&ca).entries(&entries).der(), &[]);
    let limited = |bytes, entries| {
        let limits = CrlLimits { bytes, entries };
        CrlIndex::read(&der, &ca.authority, limits, now()).map(|crl| crl.len())
    };
    assert_eq!(limited(der.len(), 5), Ok(5));
    assert_eq!(limited(der.len() - 1, 5), Err(CrlFault::TooLarge));
    assert_eq!(limited(der.len(), 4), Err(CrlFault::TooMany));
    // Extensions are small things: what is larger is not taken apart.
    let large = vec![0; MAX_EXTENSIONS];
    let list = Tbs::of(&ca).extensions(&[&extension(UNKNOWN, false, &large)]);
    assert_eq!(list.fault(&ca), CrlFault::Unreadable("extensions"));
    let list = Tbs::of(&ca).entries(&[entry(&[1], &[&extension(UNKNOWN, false, &large)])]);
    assert_eq!(list.fault(&ca), CrlFault::Entry(1));
}

#[test]
fn a_hundred_thousand_entries_take_a_tenth_of_what_a_million_may() {
    let ca = TestCa::new("Root");
    let entries: Vec<u8> = (0..100_000u32)
        .flat_map(|n| {
            let serial = [&[0x7f; 16][..], &n.to_be_bytes()].concat();
            entry(&serial, &[&reason(1)])
        })
        .collect();
    let mut tbs = Tbs::of(&ca);
    tbs.entries = tlv(0x30, &entries);
    let crl = tbs.read(&ca).unwrap();
    assert_eq!(crl.len(), 100_000);
    assert!(crl.bytes() < 64 * 1024 * 1024 / 10, "{}", crl.bytes());
    // Measured: not more than what was counted beforehand.
    assert_eq!(crl.bytes(), size_of::<CrlIndex>() + 100_000 * (20 + 6) + 200_001 * 4 + 1);
    for n in [0u32, 1, 50_000, 99_999] {
        assert!(crl.find(&serial(&[&[0x7f; 16][..], &n.to_be_bytes()].concat())).is_some());
    }
    assert!(crl.find(&serial(&[&[0x7f; 16][..], &100_000u32.to_be_bytes()].concat())).is_none());
}

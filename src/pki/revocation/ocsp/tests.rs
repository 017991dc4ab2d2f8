//! Answers of responders, right and wrong in one way each.

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, date_time_ymd};

use super::super::Reason;
use super::super::testing::{
    Delegate, TestCa, UNKNOWN, extension, generalized, hours, integer, now, of_fixtures, sequence,
    tlv,
};
use super::*;

const SERIAL: &[u8] = &[0x5a; 15];
const SENT: Nonce = [7; 32];

/// What is signed of an answer, in parts.
struct Data {
    responder: Vec<u8>,
    produced_at: Vec<u8>,
    singles: Vec<Vec<u8>>,
    extensions: Vec<u8>,
}

/// One thing that is said, in parts.
struct Single {
    hash: fn(&[u8]) -> Vec<u8>,
    algorithm: &'static [u8],
    name: Vec<u8>,
    key: Vec<u8>,
    serial: Vec<u8>,
    status: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    extensions: Vec<u8>,
}

impl Single {
    fn of(ca: &TestCa) -> Self {
        Self {
            hash: sha1,
            algorithm: &[0x2b, 14, 3, 2, 26],
            name: ca.authority.name.clone(),
            key: ca.authority.key_bits.clone(),
            serial: SERIAL.to_vec(),
            status: vec![0x80, 0],
            this_update: generalized(now() - hours(1)),
            next_update: tlv(0xa0, &generalized(now() + hours(1))),
            extensions: Vec::new(),
        }
    }

    fn der(&self) -> Vec<u8> {
        let id = sequence(&[
            &sequence(&[&tlv(6, self.algorithm), &[5, 0]]),
            &tlv(4, &(self.hash)(&self.name)),
            &tlv(4, &(self.hash)(&self.key)),
            &integer(&self.serial),
        ]);
        sequence(&[&id, &self.status, &self.this_update, &self.next_update, &self.extensions])
    }
}

impl Data {
    fn of(ca: &TestCa, single: &Single) -> Self {
        Self {
            responder: tlv(0xa1, &ca.authority.name),
            produced_at: generalized(now() - hours(1)),
            singles: vec![single.der()],
            extensions: Vec::new(),
        }
    }

    fn der(&self) -> Vec<u8> {
        let singles = sequence(&[&self.singles.concat()]);
        sequence(&[&self.responder, &self.produced_at, &singles, &self.extensions])
    }
}

/// A successful answer of the basic type.
fn successful(basic: &[u8]) -> Vec<u8> {
    let oid = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
    sequence(&[&tlv(10, &[0]), &tlv(0xa0, &sequence(&[&oid, &tlv(4, basic)]))])
}

fn extensions(tag: u8, all: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &sequence(&[&all.concat()]))
}

fn nonce(bytes: &[u8]) -> Vec<u8> {
    extension(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2], false, &tlv(4, bytes))
}

fn read_with(
    der: &[u8],
    ca: &TestCa,
    nonce: Option<Nonce>,
    rules: Rules,
) -> Result<Answer, OcspFault> {
    let request = Request::new(&ca.authority, &Serial::new(SERIAL), nonce).unwrap();
    Answer::read(der, &Asked { request: &request, authority: &ca.authority, rules }, now())
}

fn read(der: &[u8], ca: &TestCa) -> Result<Answer, OcspFault> {
    read_with(der, ca, Some(SENT), Rules::default())
}

/// An answer that the CA itself signed, with one thing said and `edit`ed.
fn said(edit: impl FnOnce(&TestCa, &mut Single)) -> Result<Answer, OcspFault> {
    let ca = TestCa::new("CA");
    let mut single = Single::of(&ca);
    edit(&ca, &mut single);
    read(&successful(&ca.signed(&Data::of(&ca, &single).der(), &[])), &ca)
}

/// The same, with the whole `edit`ed.
fn answered(edit: impl FnOnce(&TestCa, &mut Data)) -> Result<Answer, OcspFault> {
    let ca = TestCa::new("CA");
    let mut data = Data::of(&ca, &Single::of(&ca));
    edit(&ca, &mut data);
    read(&successful(&ca.signed(&data.der(), &[])), &ca)
}

/// An answer that a delegate signed.
fn delegated(ca: &TestCa, delegate: &Delegate) -> Result<Answer, OcspFault> {
    let mut data = Data::of(ca, &Single::of(ca));
    data.responder = delegate.name();
    read(&successful(&delegate.signed(&data.der())), ca)
}

#[test]
fn a_request_is_that_of_another_implementation() {
    let certificate = &include_bytes!("../fixtures/rsa2048.ca.der")[..];
    let authority = Authority::new(&certificate.into()).unwrap();
    let request = Request::new(&authority, &Serial::new(&[0x10, 1]), None).unwrap();
    assert_eq!(request.der(), include_bytes!("../fixtures/ocsp-request.der"));
}

#[test]
fn the_nonce_is_in_the_request() {
    let ca = TestCa::new("CA");
    let request = Request::new(&ca.authority, &Serial::new(SERIAL), Some(SENT)).unwrap();
    let sent = OcspRequest::from_der(request.der()).unwrap().nonce().unwrap();
    assert_eq!(sent.0.as_bytes(), SENT);
}

#[test]
fn serials_that_no_request_can_hold_are_not_asked_about() {
    let ca = TestCa::new("CA");
    let asked = |serial: &[u8]| Request::new(&ca.authority, &Serial::new(serial), None).is_ok();
    assert!(asked(&[0]) && asked(&[0, 0x80]) && asked(&[0x7f; 20]));
    assert!(asked(&[&[0][..], &[0xff; 20]].concat()));
    assert!(!asked(&[]) && !asked(&[0x80]) && !asked(&[0x7f; 22]));
}

#[test]
fn answers_of_another_implementation_are_read() {
    let certificate = &include_bytes!("../fixtures/rsa2048.ca.der")[..];
    let authority = Authority::new(&certificate.into()).unwrap();
    let read = |last, answer: &[u8]| {
        let request = Request::new(&authority, &Serial::new(&[0x10, last]), None).unwrap();
        let asked = Asked { request: &request, authority: &authority, rules: Rules::default() };
        Answer::read(answer, &asked, of_fixtures()).map(|answer| answer.status)
    };
    let at = "2026-11-01T00:00:00Z".parse().unwrap();
    let revoked = Status::Revoked(Revocation { at, reason: Some(Reason::KeyCompromise) });
    // By a delegate under its name, and by the CA itself under its key.
    assert_eq!(read(1, include_bytes!("../fixtures/ocsp-del-revoked.der")), Ok(revoked));
    assert_eq!(read(1, include_bytes!("../fixtures/ocsp-ca-revoked.der")), Ok(revoked));
    assert_eq!(read(2, include_bytes!("../fixtures/ocsp-del-good.der")), Ok(Status::Good));
    assert_eq!(read(2, include_bytes!("../fixtures/ocsp-ca-good.der")), Ok(Status::Good));
    assert_eq!(read(3, include_bytes!("../fixtures/ocsp-del-unknown.der")), Ok(Status::Unknown));
    // About another certificate.
    let other = read(1, include_bytes!("../fixtures/ocsp-del-good.der"));
    assert_eq!(other, Err(OcspFault::Other));
    // Signed with SHA-1.
    let weak = read(2, include_bytes!("../fixtures/ocsp-del-sha1.der"));
    assert_eq!(weak, Err(OcspFault::Algorithm));
}

#[test]
fn each_status_is_itself() {
    assert_eq!(said(|_, _| {}).unwrap().status, Status::Good);
    assert_eq!(said(|_, single| single.status = vec![0x82, 0]).unwrap().status, Status::Unknown);
    let at = now() - hours(10);
    let reason = tlv(0xa0, &tlv(10, &[6]));
    let revoked = said(|_, single| {
        single.status = tlv(0xa1, &[generalized(at), reason].concat());
    });
    let reason = Some(Reason::CertificateHold);
    assert_eq!(revoked.unwrap().status, Status::Revoked(Revocation { at, reason }));
    let bare = said(|_, single| single.status = tlv(0xa1, &generalized(at)));
    assert_eq!(bare.unwrap().status, Status::Revoked(Revocation { at, reason: None }));
}

#[test]
fn a_responder_that_does_not_answer_is_named_by_its_word() {
    let ca = TestCa::new("CA");
    for (status, word) in [
        (1, "malformedRequest"),
        (2, "internalError"),
        (3, "tryLater"),
        (5, "sigRequired"),
        (6, "unauthorized"),
    ] {
        let der = sequence(&[&tlv(10, &[status])]);
        assert_eq!(read(&der, &ca), Err(OcspFault::NotSuccessful(word)));
    }
    let outer = Err(OcspFault::Unreadable("outer structure"));
    assert_eq!(read(&sequence(&[&tlv(10, &[4])]), &ca), outer);
    assert_eq!(read(&sequence(&[&tlv(10, &[0])]), &ca), outer);
}

#[test]
fn an_answer_of_another_type_is_refused() {
    let ca = TestCa::new("CA");
    let bytes = sequence(&[&tlv(6, UNKNOWN), &tlv(4, &[])]);
    let der = sequence(&[&tlv(10, &[0]), &tlv(0xa0, &bytes)]);
    assert_eq!(read(&der, &ca), Err(OcspFault::Type));
}

#[test]
fn an_answer_is_about_this_certificate_of_this_ca() {
    let other = Err(OcspFault::Other);
    assert_eq!(said(|_, single| single.serial[14] ^= 1), other);
    assert_eq!(said(|_, single| single.serial.insert(0, 1)), other);
    assert_eq!(said(|_, single| single.name = TestCa::new("B").authority.name), other);
    // A CA of the same name.
    assert_eq!(said(|_, single| single.key = TestCa::new("CA").authority.key_bits), other);
    assert_eq!(said(|_, single| single.algorithm = UNKNOWN), other);
    let sha256 = |_: &TestCa, single: &mut Single| {
        (single.hash, single.algorithm) = (sha256, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]);
    };
    assert!(said(sha256).is_ok());
    assert_eq!(
        said(|_, single| single.algorithm = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]),
        other
    );
}

#[test]
fn among_several_things_said_exactly_one_is_about_it() {
    let of_other = |ca: &TestCa| Single { serial: vec![1], ..Single::of(ca) }.der();
    assert!(answered(|ca, data| data.singles.insert(0, of_other(ca))).is_ok());
    let twice = answered(|ca, data| data.singles.push(Single::of(ca).der()));
    assert_eq!(twice, Err(OcspFault::Repeated));
    let none = answered(|ca, data| data.singles = vec![of_other(ca)]);
    assert_eq!(none, Err(OcspFault::Other));
    assert_eq!(answered(|_, data| data.singles.clear()), Err(OcspFault::Other));
}

#[test]
fn the_ca_itself_signs_these_bytes() {
    let (ca, other) = (TestCa::new("CA"), TestCa::new("CA"));
    let data = Data::of(&ca, &Single::of(&ca)).der();
    assert_eq!(read(&successful(&other.signed(&data, &[])), &ca), Err(OcspFault::Signature));
    let der = successful(&ca.signed(&data, &[]));
    let at = der.windows(2).position(|window| window == [0x80, 0]).unwrap();
    let mut altered = der.clone();
    // "unknown" made of "good".
    altered[at] = 0x82;
    assert_eq!(read(&altered, &ca), Err(OcspFault::Signature));
    assert!(read(&der, &ca).is_ok());
}

#[test]
fn the_signer_is_who_the_answer_says() {
    let ca = TestCa::new("CA");
    let delegate = ca.delegate(|_| {});
    assert!(delegated(&ca, &delegate).is_ok());
    let mut data = Data::of(&ca, &Single::of(&ca));
    data.responder = delegate.key_hash();
    assert!(read(&successful(&delegate.signed(&data.der())), &ca).is_ok());
    // The CA is named, the delegate signed.
    data.responder = tlv(0xa1, &ca.authority.name);
    let fault = read(&successful(&delegate.signed(&data.der())), &ca);
    assert_eq!(fault, Err(OcspFault::Signature));
    // Another delegate is named.
    data.responder = ca.delegate(|_| {}).key_hash();
    let fault = read(&successful(&delegate.signed(&data.der())), &ca);
    assert_eq!(fault, Err(OcspFault::SignerMissing));
    data.responder = delegate.name();
    // Named, but its certificate did not come with the answer.
    let fault = read(&successful(&ca.signed(&data.der(), &[])), &ca);
    assert_eq!(fault, Err(OcspFault::SignerMissing));
}

#[test]
fn a_delegate_is_one_that_the_ca_issued_for_this() {
    use OcspFault as F;
    let ca = TestCa::new("CA");
    let by = |edit: &dyn Fn(&mut rcgen::CertificateParams)| {
        delegated(&ca, &ca.delegate(|params| edit(params))).map(|answer| answer.status)
    };
    assert_eq!(by(&|_| {}), Ok(Status::Good));
    assert_eq!(by(&|p| p.extended_key_usages.clear()), Err(F::DelegatePurpose));
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    assert_eq!(by(&|p| p.extended_key_usages = vec![client.clone()]), Err(F::DelegatePurpose));
    let any = ExtendedKeyUsagePurpose::Any;
    assert_eq!(by(&|p| p.extended_key_usages = vec![any.clone()]), Err(F::DelegatePurpose));
    assert_eq!(by(&|p| p.key_usages.clear()), Ok(Status::Good));
    let encipher = KeyUsagePurpose::KeyEncipherment;
    assert_eq!(by(&|p| p.key_usages = vec![encipher]), Err(F::DelegateKeyUsage));
    assert_eq!(by(&|p| p.not_after = date_time_ymd(2026, 11, 23)), Err(F::DelegateNotCurrent));
    assert_eq!(by(&|p| p.not_before = date_time_ymd(2026, 11, 24)), Err(F::DelegateNotCurrent));
    let is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(by(&|p| p.is_ca = is_ca), Err(F::DelegateNotIssued));

    // Of another CA of the same name, and of one below it.
    let other = TestCa::new("CA");
    assert_eq!(delegated(&ca, &other.delegate(|_| {})), Err(F::DelegateNotIssued));
    let mut below = TestCa::with("Below", |params| params.is_ca = is_ca);
    below.sign_by(&ca);
    assert_eq!(delegated(&ca, &below.delegate(|_| {})), Err(F::DelegateNotIssued));
}

#[test]
fn a_delegate_that_could_be_revoked_is_short_lived() {
    let ca = TestCa::new("CA");
    let lives = |first, last, no_check: bool| {
        let delegate = ca.delegate(|params| {
            params.not_before = date_time_ymd(2026, 11, first);
            params.not_after = date_time_ymd(2026, 11, last);
            if !no_check {
                params.custom_extensions.clear();
            }
        });
        delegated(&ca, &delegate).map(|answer| answer.status)
    };
    assert_eq!(lives(20, 30, true), Ok(Status::Good));
    assert_eq!(lives(20, 28, false), Ok(Status::Good));
    assert_eq!(lives(20, 29, false), Err(OcspFault::DelegateRevocable));
}

#[test]
fn what_is_critical_and_not_understood_spoils_the_answer() {
    let fault = Err(OcspFault::ExtensionUnknown("1.3.6.1.4.1.55738.1".to_owned()));
    let odd = |critical| extensions(0xa1, &[extension(UNKNOWN, critical, &[5, 0])]);
    assert_eq!(answered(|_, data| data.extensions = odd(true)), fault);
    assert!(answered(|_, data| data.extensions = odd(false)).is_ok());
    assert_eq!(said(|_, single| single.extensions = odd(true)), fault);
    assert!(said(|_, single| single.extensions = odd(false)).is_ok());
}

#[test]
fn a_nonce_is_the_one_that_was_sent() {
    let ca = TestCa::new("CA");
    let with = |nonces: &[Vec<u8>], sent, nonce_required| {
        let mut data = Data::of(&ca, &Single::of(&ca));
        if !nonces.is_empty() {
            data.extensions = extensions(0xa1, nonces);
        }
        let rules = Rules { nonce_required, ..Rules::default() };
        let der = successful(&ca.signed(&data.der(), &[]));
        read_with(&der, &ca, sent, rules).map(|answer| answer.status)
    };
    let good = Ok(Status::Good);
    assert_eq!(with(&[nonce(&SENT)], Some(SENT), true), good);
    assert_eq!(with(&[], Some(SENT), false), good);
    assert_eq!(with(&[], Some(SENT), true), Err(OcspFault::NonceMissing));
    for required in [false, true] {
        let other = with(&[nonce(&[8; 32])], Some(SENT), required);
        assert_eq!(other, Err(OcspFault::NonceOther));
        let two = with(&[nonce(&SENT), nonce(&[8; 32])], Some(SENT), required);
        assert_eq!(two, Err(OcspFault::NonceOther));
        let short = with(&[nonce(&SENT[..31])], Some(SENT), required);
        assert_eq!(short, Err(OcspFault::NonceOther));
        // An answer from the store.
        assert_eq!(with(&[nonce(&[8; 32])], None, required), good);
    }
}

#[test]
fn an_answer_is_of_now() {
    let next = |at| tlv(0xa0, &generalized(at));
    let minute = TimeDelta::minutes(1);
    let this = |at| said(|_, single| single.this_update = generalized(at)).map(|_| ());
    assert_eq!(this(now() - hours(1) + SKEW), Ok(()));
    let times = |produced, this_update, next_update: Option<_>| {
        answered(|ca, data| {
            data.produced_at = generalized(produced);
            let single = Single {
                this_update: generalized(this_update),
                next_update: next_update.map(next).unwrap_or_default(),
                ..Single::of(ca)
            };
            data.singles = vec![single.der()];
        })
        .map(|answer| answer.until)
    };
    let (ahead, late) = (now() + SKEW, now() + hours(1));
    assert_eq!(times(ahead, ahead, Some(late)), Ok(late));
    assert_eq!(times(ahead, ahead + minute, Some(late)), Err(OcspFault::NotYet));
    assert_eq!(times(ahead + minute, now(), Some(late)), Err(OcspFault::NotYet));
    assert_eq!(times(now(), now(), Some(now())), Ok(now()));
    assert_eq!(times(now(), now() - hours(2), Some(now() - minute)), Err(OcspFault::Stale));
    assert_eq!(times(now(), now(), Some(now() - minute)), Err(OcspFault::DatesDisagree));
    assert_eq!(times(now() - hours(1), now(), Some(late)), Err(OcspFault::DatesDisagree));
    // Without nextUpdate an hour, as configured.
    assert_eq!(times(now(), now() - hours(1), None), Ok(now()));
    assert_eq!(times(now(), now() - hours(1) - minute, None), Err(OcspFault::Stale));
}

#[test]
fn nothing_follows_and_nothing_is_missing() {
    let ca = TestCa::new("CA");
    let delegate = ca.delegate(|_| {});
    let mut data = Data::of(&ca, &Single::of(&ca));
    data.responder = delegate.name();
    let der = successful(&delegate.signed(&data.der()));
    assert!(read(&der, &ca).is_ok());
    for length in 0..der.len() {
        assert!(read(&der[..length], &ca).is_err());
    }
    assert!(read(&[&der[..], &[0]].concat(), &ca).is_err());
    let certificates = tlv(0xa0, &sequence(&[]));
    for rest in [vec![5, 0], [certificates, vec![5, 0]].concat()] {
        let basic = ca.signed(&Data::of(&ca, &Single::of(&ca)).der(), &rest);
        assert_eq!(read(&successful(&basic), &ca), Err(OcspFault::Unreadable("basic response")));
    }
    let large = vec![0; MAX_BYTES + 1];
    assert_eq!(read(&large, &ca), Err(OcspFault::TooLarge));
}

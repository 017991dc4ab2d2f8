//! What a client sends beside its certificate: several certificates of one CA, circles, much of it.

use super::forge::*;
use super::*;
use crate::pki::trust::path::{Authority, sent};

type Der = CertificateDer<'static>;

struct Site {
    root: Draft,
    ca: Draft,
    trust: Trust,
}

fn source(roots: &[&Der], issuer: &Der) -> TrustSource {
    TrustSource {
        roots: roots.iter().map(|root| (*root).clone()).collect(),
        issuers: vec![IssuerRow {
            certificate: issuer.clone(),
            kind: Kind::HsaId,
            loa: Some(Loa::Three),
            policies: Vec::new(),
        }],
        intermediates: Vec::new(),
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::FollowIssuer,
    }
}

impl Site {
    fn new() -> Self {
        let (root, ca) = (Draft::ca("Root"), Draft::ca("Person HSA-id 3 CA"));
        let source = source(&[&root.signed_by(&root)], &ca.signed_by(&root));
        Self { trust: Trust::new(source, now()).unwrap(), root, ca }
    }

    /// The verdict on a card of the CA with other certificates beside it.
    fn with(&self, others: &[Der]) -> Result<(), CertificateRejection> {
        self.judge(Draft::card().signed_by(&self.ca), others)
    }

    fn judge(&self, card: Der, others: &[Der]) -> Result<(), CertificateRejection> {
        let chain = std::iter::once(card).chain(others.iter().cloned()).collect();
        let verdict = self.trust.verify(&PresentedChain::new(chain).unwrap(), now());
        verdict.map(|_| ()).map_err(|rejected| rejected.cause)
    }
}

fn expired(draft: Draft) -> Draft {
    draft.valid((0x17, "190101000000Z"), (0x17, "250101000000Z"))
}

#[test]
fn nothing_that_is_sent_beside_a_good_card_makes_it_bad() {
    let site = Site::new();
    let old = expired(site.ca.clone()).signed_by(&site.root);
    let mute = site.ca.clone().with(KEY_USAGE, true, vec![3, 2, 1, 2]).signed_by(&site.root);
    let odd = site.ca.clone().with(UNKNOWN, true, vec![5, 0]).signed_by(&site.root);
    let impostor = Draft { key: Draft::card().key, ..site.ca.clone() }.signed_by(&site.root);
    let other_root = Draft::ca("Other root");
    let crossed = site.root.clone().signed_by(&other_root);
    let narrow = constraints(&[directory(name(&[(6, PRINTABLE, "NO")]))], &[]);
    let narrow = site.ca.clone().with(NAME_CONSTRAINTS, true, narrow).signed_by(&site.root);
    let garbage = Der::from(vec![0x30, 3, 1, 1, 1]);
    let card = Draft::card().signed_by(&site.ca);
    for others in [
        vec![old.clone()],
        vec![old, mute.clone(), odd.clone()],
        vec![mute, impostor.clone(), odd, narrow.clone()],
        vec![impostor, narrow],
        vec![crossed.clone(), other_root.signed_by(&other_root)],
        vec![garbage, crossed],
        vec![card; 8],
        vec![site.root.signed_by(&site.root)],
    ] {
        assert_eq!(site.with(&others), Ok(()));
    }
}

#[test]
fn a_renewed_certificate_of_a_configured_ca_may_be_sent() {
    let (root, ca) = (Draft::ca("Root"), Draft::ca("CA"));
    let old = expired(ca.clone()).signed_by(&root);
    let trust = Trust::new(source(&[&root.signed_by(&root)], &old), now()).unwrap();
    let site = Site { root, ca, trust };
    assert_eq!(site.with(&[]), Err(CertificateRejection::IssuerNotCurrent));
    let good = site.ca.signed_by(&site.root);
    assert_eq!(site.with(&[good.clone()]), Ok(()));
    // Also beside another that is of no use.
    let mute = site.ca.clone().with(KEY_USAGE, true, vec![3, 2, 1, 2]).signed_by(&site.root);
    assert_eq!(site.with(&[mute, good]), Ok(()));
}

#[test]
fn a_path_may_lead_over_another_root() {
    // limbo nc-forbids-same-chain-ica: the first path is forbidden, the second is not.
    let (one, two) = (Draft::ca("Root"), Draft::ca("Root"));
    let ca = Draft::ca("CA");
    let narrow = constraints(&[], &[directory(name(&[(6, PRINTABLE, "SE")]))]);
    let forbidding = one.clone().with(NAME_CONSTRAINTS, true, narrow);
    let roots = [&forbidding.signed_by(&one), &two.signed_by(&two)];
    let trust = Trust::new(source(&roots, &ca.signed_by(&one)), now()).unwrap();
    let card = || Draft::card().signed_by(&ca);
    let rejected = trust.verify(&chain([&card()]), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::PathInvalid);
    assert!(trust.verify(&chain([&card(), &ca.signed_by(&two)]), now()).is_ok());
}

#[test]
fn circles_lead_nowhere() {
    let site = Site::new();
    let (one, two) = (Draft::ca("One"), Draft::ca("Two"));
    let circle = [one.signed_by(&two), two.signed_by(&one)];
    let card = Draft::card().signed_by(&one);
    assert_eq!(site.judge(card, &circle), Err(CertificateRejection::IssuerUnknown));
    // limbo intermediate-cycle-same-logical-ca.
    let (one, two) = (Draft::ca("One"), Draft::ca("One"));
    let circle = [one.signed_by(&two), two.signed_by(&one)];
    let card = Draft::card().signed_by(&one);
    assert_eq!(site.judge(card, &circle), Err(CertificateRejection::IssuerUnknown));
}

#[test]
fn a_long_chain_and_a_large_one_are_judged_and_lead_nowhere() {
    let site = Site::new();
    let mut above = site.root.clone();
    let mut chain = Vec::new();
    for place in 0..7 {
        let next = Draft::ca(&format!("CA {place}"));
        chain.push(next.signed_by(&above));
        above = next;
    }
    chain.reverse();
    let card = Draft::card().signed_by(&above);
    assert!(matches!(
        site.judge(card, &chain),
        Err(CertificateRejection::IssuerNotAllowed
            | CertificateRejection::PathInvalid
            | CertificateRejection::IssuerUnknown)
    ));
    let large = site.ca.clone().with(CARD_NUMBER, false, tlv(4, vec![0; 60_000]));
    assert_eq!(site.with(&[large.signed_by(&site.root)]), Ok(()));
    let large = Draft::card().with(CARD_NUMBER, false, tlv(4, vec![0; 60_000]));
    assert_eq!(site.judge(large.signed_by(&site.ca), &[]), Ok(()));
}

#[test]
fn no_more_than_two_cas_of_a_name_are_tried_and_those_that_may_sign_first() {
    let site = Site::new();
    let leaf = View::of(Draft::card().signed_by(&site.ca)).unwrap();
    let same = |draft: Draft| Draft { key: Draft::card().key, ..draft }.signed_by(&site.root);
    let mute = || same(site.ca.clone().with(KEY_USAGE, true, vec![3, 2, 1, 2]));
    let old = || same(expired(site.ca.clone()));
    let mut all = vec![leaf.original.clone(), mute(), old(), old()];
    all.extend([same(site.ca.clone()), mute(), same(site.ca.clone()), same(site.ca.clone())]);
    all.push(Draft::card().signed_by(&site.ca));
    let configured = [Authority::read(&site.ca.signed_by(&site.root)).unwrap()];
    let kept = sent(&PresentedChain::new(all).unwrap(), &leaf, &configured, now());
    assert_eq!(kept.len(), 2);
    let good = |profile: &Profile| profile.may_issue() && is_current(profile, now());
    assert!(kept.iter().all(|authority| good(&authority.profile)));
}

#[test]
fn two_certificates_with_one_copy_are_not_both_taken() {
    let site = Site::new();
    let base = |tag: u8| tlv(tag, seq(&[]));
    let with = |tag| {
        let constraints = constraints(&[], &[base(tag)]);
        site.ca.clone().with(NAME_CONSTRAINTS, true, constraints).signed_by(&site.root)
    };
    // A directoryName and an x400Address: webpki is shown the same signed bytes of both.
    let (ours, theirs) = (with(0xa4), with(0xa3));
    let (ours, theirs) = (View::of(ours).unwrap(), View::of(theirs).unwrap());
    assert!(ours.is_ambiguous_with(&theirs) && theirs.is_ambiguous_with(&ours));
    assert!(!ours.is_ambiguous_with(&ours));
    let leaf = View::of(Draft::card().signed_by(&site.ca)).unwrap();
    let all = vec![leaf.original.clone(), ours.original.clone(), theirs.original.clone()];
    let kept = sent(&PresentedChain::new(all).unwrap(), &leaf, &[], now());
    assert!(kept.len() == 1 && kept[0].view.original == ours.original);
}

#[test]
fn a_ca_that_was_signed_otherwise_than_it_is_shown_is_nothing() {
    // The issuer of a certificate with a critical extension signs the neutral copy of it: that is
    // another certificate, which is not DER.
    let site = Site::new();
    let critical = Draft::card().with(POLICIES, true, policy_list(&[P1]));
    assert_eq!(site.judge(critical.signed_by(&site.ca), &[]), Ok(()));
    let mut copy = critical;
    let policies = copy.extensions.iter_mut().find(|(oid, ..)| oid == POLICIES).unwrap();
    policies.1 = Some(0);
    let copy = copy.signed_by(&site.ca);
    assert_eq!(site.judge(copy, &[]), Err(CertificateRejection::Malformed));
}

#[test]
fn an_issuing_ca_may_stand_below_other_configured_cas() {
    let (root, middle, ca) = (Draft::ca("Root"), Draft::ca("Middle"), Draft::ca("CA"));
    let card = chain([&Draft::card().signed_by(&ca)]);
    let signed = [root.signed_by(&root), middle.signed_by(&root), ca.signed_by(&middle)];
    let mut source = source(&[&signed[0]], &signed[2]);
    let fault = Trust::new(source.clone(), now()).unwrap_err();
    assert_eq!(fault.reason, TrustFaultReason::NotUnderARoot);
    source.intermediates = vec![signed[1].clone()];
    let trust = Trust::new(source.clone(), now()).unwrap();
    let authentic = trust.verify(&card, now()).unwrap();
    assert_eq!(authentic.links().len(), 3);
    // Nobody logs in by a CA that is only a link.
    let of_middle = chain([&Draft::card().signed_by(&middle)]);
    let rejected = trust.verify(&of_middle, now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::IssuerNotAllowed);
    source.intermediates.push(Draft::ca("Lost").signed_by(&Draft::ca("Nobody")));
    let fault = Trust::new(source, now()).unwrap_err();
    assert!(fault.certificate.starts_with("intermediate CA \"Lost\""), "{fault}");
}

#[test]
fn no_ca_of_a_path_has_a_weak_key() {
    let (root, weak) = (Draft::ca("Root"), Draft::ca("Weak").p521());
    let ca = Draft::ca("CA");
    let anchor = root.signed_by(&root);
    // Configured.
    let fault = Trust::new(source(&[&anchor], &weak.signed_by(&root)), now()).unwrap_err();
    assert_eq!(fault.reason, TrustFaultReason::KeyWeak);
    let weak_root = Draft::ca("Root").p521();
    let anchored = weak_root.clone().sha512().signed_by(&weak_root);
    let below = ca.clone().sha512().signed_by(&weak_root);
    let fault = Trust::new(source(&[&anchored], &below), now()).unwrap_err();
    assert_eq!(fault.reason, TrustFaultReason::KeyWeak);
    // Sent: the configured certificate has expired, and another leads over a weak CA.
    let old = expired(ca.clone()).signed_by(&root);
    let trust = Trust::new(source(&[&anchor], &old), now()).unwrap();
    let site = Site { root, ca, trust };
    let over = |middle: &Draft, ca: &Draft| [ca.signed_by(middle), middle.signed_by(&site.root)];
    let strong = Draft::ca("Strong");
    assert_eq!(site.with(&over(&strong, &site.ca)), Ok(()));
    let unfit = Err(CertificateRejection::IssuerUnfit);
    assert_eq!(site.with(&over(&weak, &site.ca.clone().sha512())), unfit);
}

//! The rules of RFC 5280 one by one, by the names that x509-limbo and PKITS have for them where
//! they have one. Every line is a chain, root first, card last, with one thing changed.

use super::forge::*;
use super::*;

/// The verdict that a chain must have.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Expected {
    Accepted,
    /// At the start, or at a login for whatever cause.
    Refused,
    /// At a login, for this cause.
    For(CertificateRejection),
}

use CertificateRejection as C;
use Expected::{Accepted, For, Refused};

fn root() -> Draft {
    Draft::ca("Root")
}

fn ca() -> Draft {
    Draft::ca("Person HSA-id 3 CA").path_length(0)
}

fn card() -> Draft {
    Draft::card()
}

fn san(names: &[Vec<u8>]) -> Draft {
    card().with(ALTERNATIVE, false, seq(names))
}

/// A CA with name constraints.
fn narrow(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Draft {
    ca().with(NAME_CONSTRAINTS, true, constraints(permitted, excluded))
}

fn dn(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    directory(name(attributes))
}

/// A card with this subject.
fn called(attributes: &[(u8, u8, &str)]) -> Draft {
    card().named(name(attributes))
}

const ID: (u8, u8, &str) = (5, PRINTABLE, "SE2321000016-1003");
const SE: (u8, u8, &str) = (6, PRINTABLE, "SE");

/// policyConstraints.
fn demand(draft: Draft, explicit: Option<u8>, mapping: Option<u8>) -> Draft {
    let part = |tag, skip: Option<u8>| skip.map(|skip| tlv(tag, [skip])).unwrap_or_default();
    draft.with(POLICY_CONSTRAINTS, true, seq(&[part(0x80, explicit), part(0x81, mapping)]))
}

fn asserting(draft: Draft, oids: &[&[u8]]) -> Draft {
    draft.with(POLICIES, false, policy_list(oids))
}

/// Signs a chain from its root down, and judges it with all of its CAs configured; the first
/// below the root has issued the card where there is one alone.
fn verdict(drafts: &[Draft]) -> Result<(), (Option<C>, String)> {
    let signed: Vec<CertificateDer<'static>> = drafts
        .iter()
        .enumerate()
        .map(|(place, draft)| draft.signed_by(&drafts[place.saturating_sub(1)]))
        .collect();
    let (leaf, above) = signed.split_last().unwrap();
    let (issuer, links) = above.split_last().unwrap();
    let source = TrustSource {
        roots: vec![above[0].clone()],
        issuers: vec![IssuerRow {
            certificate: issuer.clone(),
            kind: Kind::HsaId,
            loa: Some(Loa::Three),
            policies: Vec::new(),
        }],
        intermediates: links.iter().skip(1).cloned().collect(),
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::FollowIssuer,
    };
    let trust = Trust::new(source, now()).map_err(|fault| (None, fault.to_string()))?;
    let judged = |chain: Vec<CertificateDer<'static>>| {
        let verdict = trust.verify(&PresentedChain::new(chain).unwrap(), now());
        verdict.map(|_| ()).map_err(|rejected| (Some(rejected.cause), rejected.detail))
    };
    let alone = judged(vec![leaf.clone()]);
    let all = judged(signed.iter().rev().cloned().collect());
    assert_eq!(alone, all, "what is sent beside the leaf changes the verdict");
    alone
}

fn check(cases: Vec<(&str, Expected, Vec<Draft>)>) {
    let mut wrong = Vec::new();
    for (id, expected, drafts) in cases {
        let verdict = verdict(&drafts);
        let good = match (expected, &verdict) {
            (Accepted, Ok(())) | (Refused, Err(_)) => true,
            (For(cause), Err((Some(found), _))) => cause == *found,
            _ => false,
        };
        if !good {
            wrong.push(format!("{id}: {expected:?} expected, {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[rustfmt::skip]
fn cas() {
    let unfit = For(C::IssuerUnfit);
    check(vec![
        ("a chain of SITHS", Accepted, vec![root(), ca(), card()]),
        ("PKITS 4.6.4 basicConstraints not critical", Accepted, vec![root(), ca().with(BASIC, false, seq(&[vec![1, 1, 0xff]])), card()]),
        ("PKITS 4.6.1 no basicConstraints", Refused, vec![root(), ca().without(BASIC), card()]),
        ("PKITS 4.6.2 cA false", Refused, vec![root(), ca().with(BASIC, true, seq(&[])), card()]),
        ("PKITS 4.7.1 no keyCertSign", Refused, vec![root(), ca().with(KEY_USAGE, true, vec![3, 2, 1, 2]), card()]),
        ("PKITS 4.7.3 key usage not critical", Accepted, vec![root(), ca().with(KEY_USAGE, false, vec![3, 2, 1, 6]), card()]),
        ("no key usage", Refused, vec![root(), ca().without(KEY_USAGE), card()]),
        ("PKITS 4.6.5 pathLen 0 and a CA below", For(C::PathInvalid), vec![root(), ca(), Draft::ca("Below"), card()]),
        ("PKITS 4.6.13 pathLen that is long enough", Accepted, vec![root(), Draft::ca("One").path_length(1), ca(), card()]),
        ("limbo pathlen may increase", Accepted, vec![root(), Draft::ca("One").path_length(1), Draft::ca("Two").path_length(2), card()]),
        ("the root's own pathLen", For(C::PathInvalid), vec![root().path_length(0), ca(), card()]),
        ("the root's own pathLen, kept", Accepted, vec![root().path_length(1), ca(), card()]),
        ("the root issues cards", Accepted, vec![root().path_length(0), card()]),
        ("PKITS 4.16.1 unknown extension not critical", Accepted, vec![root(), ca(), card().with(UNKNOWN, false, vec![5, 0])]),
        ("PKITS 4.16.2 unknown critical extension", For(C::CriticalExtensionUnknown), vec![root(), ca(), card().with(UNKNOWN, true, vec![5, 0])]),
        ("limbo unknown-critical-extension-intermediate", For(C::CriticalExtensionUnknown), vec![root(), ca().with(UNKNOWN, true, vec![5, 0]), card()]),
        ("limbo unknown-critical-extension-root", Refused, vec![root().with(UNKNOWN, true, vec![5, 0]), ca(), card()]),
        ("limbo root-non-critical-basic-constraints", Refused, vec![root().with(BASIC, false, seq(&[vec![1, 1, 0xff]])), ca(), card()]),
        ("limbo root-missing-basic-constraints", Refused, vec![root().without(BASIC), ca(), card()]),
        ("limbo root-inconsistent-ca-extensions", Refused, vec![root().with(KEY_USAGE, false, vec![3, 2, 1, 0]), ca(), card()]),
        ("limbo critical-aki", Refused, vec![root().with(AUTHORITY_KEY, true, seq(&[tlv(0x80, [7; 20])])), ca(), card()]),
        ("limbo critical-ski", Refused, vec![root().with(SUBJECT_KEY, true, tlv(4, [7; 20])), ca(), card()]),
        ("limbo critical-aki on the card", Refused, vec![root(), ca(), card().with(AUTHORITY_KEY, true, seq(&[tlv(0x80, [7; 20])]))]),
        ("limbo ca-empty-subject", Refused, vec![root().named(seq(&[])), ca(), card()]),
        ("limbo ee-empty-issuer", Refused, vec![root(), ca(), Draft { issuer: Some(seq(&[])), ..card() }]),
        ("a CA without a name, and so no issuer", For(C::Malformed), vec![root(), ca().named(seq(&[])), card()]),
        ("limbo permitted-dn-match-noncritical on the root", Refused, vec![root().with(NAME_CONSTRAINTS, false, constraints(&[dn(&[SE])], &[])), ca(), card()]),
        ("an extension of the root twice", Refused, vec![root().with(CARD_NUMBER, false, vec![5, 0]).twice(CARD_NUMBER), ca(), card()]),
        ("limbo ca-as-leaf", For(C::CaPresented), vec![root(), Draft::ca("Above"), card().with(BASIC, true, seq(&[vec![1, 1, 0xff]]))]),
        ("limbo self-signed-root-missing-aki", Accepted, vec![root().without(AUTHORITY_KEY), ca(), card()]),
        ("no authorityKeyIdentifier on the card", Accepted, vec![root(), ca(), card().without(AUTHORITY_KEY)]),
        ("an EKU of the root without clientAuth", Refused, vec![root().with(PURPOSES, false, purposes(&[SERVER_AUTH])), ca(), card()]),
        ("an EKU of the CA without clientAuth", unfit, vec![root(), ca().with(PURPOSES, false, purposes(&[SERVER_AUTH])), card()]),
        ("an EKU of the CA with clientAuth", Accepted, vec![root(), ca().with(PURPOSES, true, purposes(&[SERVER_AUTH, CLIENT_AUTH])), card()]),
        ("a serial number of the CA below zero", unfit, vec![root(), ca().serial(&[0x80]), card()]),
        ("PKITS 4.2.1 CA not yet valid", For(C::IssuerNotCurrent), vec![root(), ca().valid((0x17, "470101120100Z"), (0x17, "490101120100Z")), card()]),
        ("PKITS 4.2.5 CA expired", For(C::IssuerNotCurrent), vec![root(), ca().valid((0x17, "190101120100Z"), (0x17, "210101120100Z")), card()]),
        ("PKITS 4.1.2 CA signature", Refused, vec![root(), Draft { forged: true, ..ca() }, card()]),
        ("PKITS 4.1.3 card signature", For(C::SignatureWrong), vec![root(), ca(), Draft { forged: true, ..card() }]),
    ]);
}

#[test]
#[rustfmt::skip]
fn cards() {
    let malformed = For(C::Malformed);
    let v = |from, to| vec![root(), ca(), card().valid(from, to)];
    let serial = |bytes: &[u8]| vec![root(), ca(), card().serial(bytes)];
    let with = |draft: Draft| vec![root(), ca(), draft];
    check(vec![
        ("PKITS 4.2.2 not yet valid", For(C::NotYetValid), v((0x17, "470101120100Z"), (0x17, "490101120100Z"))),
        ("PKITS 4.2.3 notBefore before 2000", Accepted, v((0x17, "970101120100Z"), (0x17, "300101120100Z"))),
        ("PKITS 4.2.4 notBefore as GeneralizedTime", Accepted, v((0x18, "20020101120100Z"), (0x17, "300101120100Z"))),
        ("PKITS 4.2.6 expired", For(C::Expired), v((0x17, "190101120100Z"), (0x17, "260101120100Z"))),
        ("PKITS 4.2.7 notAfter before 2000", Refused, v((0x17, "970101120100Z"), (0x17, "990101120100Z"))),
        ("PKITS 4.2.8 notAfter from 2050 on", Accepted, v((0x17, "190101120100Z"), (0x18, "20500101120100Z"))),
        ("ends before it begins", Refused, v((0x17, "270101120100Z"), (0x17, "250101120100Z"))),
        ("a time without seconds", Refused, v((0x17, "2501011201Z"), (0x17, "300101120100Z"))),
        ("a time of another zone", Refused, v((0x17, "250101120100+0100"), (0x17, "300101120100Z"))),
        ("limbo serial-number-zero", malformed, serial(&[0])),
        ("limbo serial-number-negative", malformed, serial(&[0xff])),
        ("limbo serial-number-too-long", malformed, serial(&[1; 22])),
        ("21 octets", malformed, serial(&[1; 21])),
        ("20 octets with their highest bit set", Accepted, serial(&[&[0][..], &[0xff; 20]].concat())),
        ("20 octets", Accepted, serial(&[0x7f; 20])),
        ("16 octets, as SITHS has lately", Accepted, serial(&[&[0][..], &[0xf1; 16]].concat())),
        ("limbo duplicate-extensions", Refused, with(card().twice(KEY_USAGE))),
        ("an unknown extension twice", malformed, with(card().twice(CARD_NUMBER))),
        ("policies twice", Refused, with(card().twice(POLICIES))),
        ("a policy twice", malformed, with(asserting(card(), &[P1, P1]))),
        ("critical FALSE, written", malformed, with({
            let mut draft = card();
            draft.extensions[0].1 = Some(0);
            draft
        })),
        ("critical that is neither", Refused, with({
            let mut draft = card();
            draft.extensions[0].1 = Some(1);
            draft
        })),
        ("limbo leaf-ku-keycertsign", malformed, with(card().with(KEY_USAGE, true, vec![3, 2, 2, 0x84]))),
        ("pathLen without CA", malformed, with(card().with(BASIC, true, seq(&[vec![2, 1, 0]])))),
        ("limbo nc::not-allowed-in-ee", malformed, with(card().with(NAME_CONSTRAINTS, true, constraints(&[host("a.se")], &[])))),
        ("limbo san::malformed", Refused, with(card().with(ALTERNATIVE, false, b"example.com".to_vec()))),
        ("limbo malformed-aia", malformed, with(card().with(ACCESS, false, b"malformed".to_vec()))),
        ("limbo ee-critical-aia-invalid", For(C::CriticalExtensionUnknown), with(card().with(ACCESS, true, seq(&[])))),
        ("limbo v1-cert", Refused, with(Draft { version: None, extensions: Vec::new(), ..card() })),
        ("version 1 with extensions", Refused, with(Draft { version: None, ..card() })),
        ("version 2", Refused, with(Draft { version: Some(1), ..card() })),
        ("version 4", Refused, with(Draft { version: Some(3), ..card() })),
        ("PKITS 4.3.6 unique identifiers", Refused, with(Draft { unique_ids: vec![0x81, 2, 0, 1], ..card() })),
        ("limbo mismatching-signature-algorithm", Refused, with(Draft {
            outer_algorithm: seq(&[tlv(6, [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])]),
            ..card()
        })),
        ("limbo no-basicconstraints", Accepted, with(card())),
        ("cA false, written out", Accepted, with(card().with(BASIC, true, seq(&[])))),
        ("limbo no-keyusage: digitalSignature must be there", For(C::KeyUsageUnfit), with(card().without(KEY_USAGE))),
        ("nonRepudiation alone", For(C::ForSigning), with(card().with(KEY_USAGE, true, vec![3, 2, 6, 0x40]))),
        ("limbo ee-without-eku", Accepted, with(card().without(PURPOSES))),
        ("limbo ee-wrong-eku", For(C::PurposeUnfit), with(card().with(PURPOSES, false, purposes(&[SERVER_AUTH])))),
        ("any purpose alone", For(C::PurposeUnfit), with(card().with(PURPOSES, false, purposes(&[ANY_PURPOSE])))),
        ("no purpose in the EKU", Refused, with(card().with(PURPOSES, false, seq(&[])))),
        ("a critical EKU with clientAuth", Accepted, with(card().with(PURPOSES, true, purposes(&[CLIENT_AUTH])))),
        ("a critical EKU without", For(C::PurposeUnfit), with(card().with(PURPOSES, true, purposes(&[SERVER_AUTH])))),
        ("a user principal name", Accepted, with(san(&[upn("berit@example.se"), mailbox("berit@example.se")]))),
        ("two identifiers", For(C::IdentifierRepeated), with(called(&[SE, ID, ID]))),
        ("an HSA-id in the common name alone", For(C::IdentifierMissing), with(called(&[SE, (3, UTF8, "SE2321000016-1003")]))),
        ("an identifier as UTF8String", Accepted, with(called(&[SE, (5, UTF8, "SE2321000016-1003")]))),
        ("an identifier as TeletexString", For(C::IdentifierMalformed), with(called(&[SE, (5, 0x14, "SE2321000016-1003")]))),
        ("an identifier as BMPString", Accepted, with(called(&[SE, (5, 0x1e, &"SE2321000016-1003".chars().flat_map(|c| ['\0', c]).collect::<String>())]))),
        ("a BMPString of an odd length", For(C::IdentifierMalformed), with(called(&[SE, (5, 0x1e, "\0S\0E2")]))),
        ("12 digits that are no personnummer", For(C::IdentifierPersonal), with(called(&[SE, (5, PRINTABLE, "191212121213")]))),
        ("limbo san::noncritical-with-empty-subject", For(C::IdentifierMissing), with(san(&[mailbox("a@b.se")]).named(seq(&[])))),
    ]);
}

#[test]
#[rustfmt::skip]
fn policies_along_a_path() {
    let top = |oids: &[&[u8]]| asserting(Draft::ca("Top"), oids);
    let issuer = |oids: &[&[u8]]| asserting(ca(), oids);
    let leaf = |oids: &[&[u8]]| asserting(card(), oids);
    let mapping = |draft: Draft, pairs: &[(&[u8], &[u8])]| draft.with(MAPPINGS, true, mappings(pairs));
    let no_any = |draft: Draft, skip: u8| draft.with(INHIBIT_ANY, true, vec![2, 1, skip]);
    let broken = For(C::PathInvalid);
    check(vec![
        ("PKITS 4.8.1 same policies", Accepted, vec![root(), demand(issuer(&[P1]), Some(0), None), leaf(&[P1])]),
        ("PKITS 4.8.2 no policies", Accepted, vec![root(), ca().without(POLICIES), card().without(POLICIES)]),
        ("the same, demanded", broken, vec![root(), demand(ca().without(POLICIES), Some(0), None), card().without(POLICIES)]),
        ("PKITS 4.8.3 different, none demanded", Accepted, vec![root(), issuer(&[P1]), leaf(&[P2])]),
        ("PKITS 4.8.4 different, demanded", broken, vec![root(), demand(top(&[P1]), Some(0), None), issuer(&[P1]), leaf(&[P2])]),
        ("PKITS 4.8.6 overlapping", Accepted, vec![root(), demand(top(&[P1, P2]), Some(0), None), issuer(&[P1, P3]), leaf(&[P1])]),
        ("PKITS 4.8.7 what is left differs", broken, vec![root(), demand(top(&[P1, P2]), Some(0), None), issuer(&[P2]), leaf(&[P1])]),
        ("PKITS 4.8.11 anyPolicy all along", Accepted, vec![root(), demand(issuer(&[ANY]), Some(0), None), leaf(&[ANY])]),
        ("PKITS 4.8.14 anyPolicy, then one", Accepted, vec![root(), demand(issuer(&[ANY]), Some(0), None), leaf(&[P1])]),
        ("anyPolicy below one", Accepted, vec![root(), demand(top(&[P1]), Some(0), None), issuer(&[ANY]), leaf(&[P1])]),
        ("anyPolicy below another", broken, vec![root(), demand(top(&[P1]), Some(0), None), issuer(&[ANY]), leaf(&[P2])]),
        ("PKITS 4.9.3 explicit policy within reach", broken, vec![root(), demand(ca().without(POLICIES), Some(1), None), card().without(POLICIES)]),
        ("PKITS 4.9.1 explicit policy out of reach", Accepted, vec![root(), demand(ca().without(POLICIES), Some(5), None), card().without(POLICIES)]),
        ("explicit policy of the card itself", broken, vec![root(), issuer(&[P1]), demand(leaf(&[P2]), Some(0), None)]),
        ("limbo pc::ica-noncritical-pc", Refused, vec![root(), ca().with(POLICY_CONSTRAINTS, false, seq(&[tlv(0x80, [3])])), card()]),
        ("PKITS 4.10.1 mapped", Accepted, vec![root(), demand(mapping(issuer(&[P1]), &[(P1, P2)]), Some(0), None), leaf(&[P2])]),
        ("PKITS 4.10.2 mapped away", broken, vec![root(), demand(mapping(issuer(&[P1]), &[(P1, P2)]), Some(0), None), leaf(&[P1])]),
        ("PKITS 4.10.7 from anyPolicy", broken, vec![root(), mapping(issuer(&[ANY]), &[(ANY, P1)]), leaf(&[P1])]),
        ("PKITS 4.10.8 to anyPolicy", broken, vec![root(), mapping(issuer(&[P1]), &[(P1, ANY)]), leaf(&[P1])]),
        ("PKITS 4.11.1 mapping inhibited", broken, vec![root(), demand(top(&[P1]), Some(0), Some(0)), mapping(issuer(&[P1]), &[(P1, P2)]), leaf(&[P2])]),
        ("PKITS 4.12.1 anyPolicy inhibited", broken, vec![root(), no_any(demand(top(&[P1]), Some(0), None), 0), issuer(&[ANY]), leaf(&[P1])]),
        ("PKITS 4.12.2 anyPolicy inhibited, none used", Accepted, vec![root(), no_any(demand(top(&[P1]), Some(0), None), 0), issuer(&[P1]), leaf(&[P1])]),
        ("PKITS 4.12.9 anyPolicy of a self-issued CA counts", Accepted, vec![root(), no_any(demand(top(&[P1]), Some(0), None), 0), top(&[ANY]), issuer(&[P1]), leaf(&[P1])]),
        ("anyPolicy inhibited for the card alone", Accepted, vec![root(), no_any(demand(top(&[P1]), Some(0), None), 1), issuer(&[ANY]), leaf(&[P1])]),
        ("the card's anyPolicy inhibited", broken, vec![root(), no_any(demand(issuer(&[P1]), Some(0), None), 0), leaf(&[ANY])]),
        ("critical policies", Accepted, vec![root(), ca().with(POLICIES, true, policy_list(&[ANY])), card().with(POLICIES, true, policy_list(&[P1]))]),
    ]);
}

#[test]
#[rustfmt::skip]
fn name_constraints() {
    let broken = For(C::PathInvalid);
    let sweden = dn(&[SE]);
    let nc = |permitted: &[Vec<u8>], excluded: &[Vec<u8>], leaf: Draft| {
        vec![root(), narrow(permitted, excluded), leaf]
    };
    check(vec![
        ("PKITS 4.13.1 within a directory", Accepted, nc(&[sweden.clone()], &[], card())),
        ("PKITS 4.13.2 outside of it", broken, nc(&[dn(&[(6, PRINTABLE, "NO")])], &[], card())),
        ("two attributes deep", Accepted, nc(&[dn(&[SE, (7, UTF8, "Stockholms län")])], &[], card())),
        ("case and spaces mean nothing", Accepted, nc(&[dn(&[SE, (7, UTF8, " stockholms  LÄN ")])], &[], card())),
        ("PrintableString and UTF8String compare", Accepted, nc(&[dn(&[(6, UTF8, "se")])], &[], card())),
        ("the right attributes in another order", broken, nc(&[dn(&[(7, UTF8, "Stockholms län"), SE])], &[], card())),
        ("longer than the name", broken, nc(&[dn(&[SE, (7, UTF8, "Stockholms län"), (10, UTF8, "Testbolaget"), (3, UTF8, "Berit Björk"), ID, SE])], &[], card())),
        ("the empty directory is all", Accepted, nc(&[dn(&[])], &[], card())),
        ("PKITS 4.13.4 one of two directories", Accepted, nc(&[dn(&[(6, PRINTABLE, "NO")]), sweden.clone()], &[], card())),
        ("PKITS 4.13.7 excluded", broken, nc(&[], &[sweden.clone()], card())),
        ("PKITS 4.13.6 excluded elsewhere", Accepted, nc(&[], &[dn(&[(6, PRINTABLE, "NO")])], card())),
        ("permitted and excluded", broken, nc(&[sweden.clone()], &[dn(&[SE, (7, UTF8, "Stockholms län")])], card())),
        ("a name that cannot be compared", broken, nc(&[], &[dn(&[(6, 0x14, "NO")])], card())),
        ("PKITS 4.13.3 another directory in subjectAltName", broken, nc(&[sweden.clone()], &[], san(&[dn(&[(6, PRINTABLE, "NO")])]))),
        ("limbo permitted-dn-match-subject-san-mismatch", broken, nc(&[dn(&[(3, UTF8, "foo")])], &[], san(&[dn(&[(3, UTF8, "foo")])]))),
        ("limbo excluded-dn-match", broken, nc(&[], &[dn(&[(3, UTF8, "foo")])], san(&[dn(&[(3, UTF8, "foo")])]))),
        ("the root's constraints", For(C::PathInvalid), vec![root().with(NAME_CONSTRAINTS, true, constraints(&[dn(&[(6, PRINTABLE, "NO")])], &[])), ca(), card()]),
        ("constraints of two CAs", broken, vec![root(), Draft::ca("Top").with(NAME_CONSTRAINTS, true, constraints(&[], &[dn(&[SE, (7, UTF8, "Stockholms län")])])), narrow(&[sweden.clone()], &[]), card()]),
        ("PKITS 4.13.21 a mailbox of the host", Accepted, nc(&[mailbox("example.se")], &[], san(&[mailbox("berit@Example.se")]))),
        ("PKITS 4.13.22 a mailbox of another", broken, nc(&[mailbox("example.se")], &[], san(&[mailbox("berit@mail.example.se")]))),
        ("PKITS 4.13.23 a mailbox in the domain", Accepted, nc(&[mailbox(".example.se")], &[], san(&[mailbox("berit@mail.example.se")]))),
        ("PKITS 4.13.24 the domain itself is not in it", broken, nc(&[mailbox(".example.se")], &[], san(&[mailbox("berit@example.se")]))),
        ("PKITS 4.13.26 excluded", broken, nc(&[], &[mailbox("example.se")], san(&[mailbox("berit@example.se")]))),
        ("limbo nc-permits-email-exact", Accepted, nc(&[mailbox("berit@example.se")], &[], san(&[mailbox("berit@example.se")]))),
        ("another mailbox than the one", broken, nc(&[mailbox("berit@example.se")], &[], san(&[mailbox("Berit@example.se")]))),
        ("limbo nc-permits-invalid-email-san", broken, nc(&[mailbox("example.se")], &[], san(&[mailbox("a@b@example.se")]))),
        ("limbo invalid-email-address", broken, nc(&[mailbox("a@b@example.se")], &[], san(&[mailbox("a@example.se")]))),
        ("a constraint that is no mailbox", broken, nc(&[], &[mailbox("a@b@example.se")], san(&[mailbox("a@example.se")]))),
        ("a name that cannot be read", broken, nc(&[sweden.clone()], &[], san(&[tlv(0x81, [0xff, 0xfe])]))),
        ("no mailbox, so no constraint", Accepted, nc(&[mailbox("example.se")], &[], card())),
        ("PKITS 4.13.30 a host in the domain", Accepted, nc(&[host("example.se")], &[], san(&[host("a.example.se")]))),
        ("PKITS 4.13.31 a host of another", broken, nc(&[host("example.se")], &[], san(&[host("example.com")]))),
        ("PKITS 4.13.38 a host that only ends so", broken, nc(&[host("example.se")], &[], san(&[host("notexample.se")]))),
        ("limbo invalid-dnsname-leading-period", broken, nc(&[host(".example.se")], &[], san(&[host("a.example.se")]))),
        ("limbo invalid-dnsname-wildcard", broken, nc(&[host("*.example.se")], &[], san(&[host("a.example.se")]))),
        ("limbo nc-permits-invalid-dns-san", broken, nc(&[host("example.se")], &[], san(&[host(".example.se")]))),
        ("limbo cve-2025-61727", broken, nc(&[host("example.se")], &[host("b.example.se")], san(&[host("*.example.se")]))),
        ("limbo permitted-ipv4-match", Accepted, nc(&[address(&[192, 0, 2, 0, 255, 255, 255, 0])], &[], san(&[address(&[192, 0, 2, 1])]))),
        ("limbo permitted-ip-mismatch", broken, nc(&[address(&[192, 0, 2, 0, 255, 255, 255, 0])], &[], san(&[address(&[192, 0, 3, 1])]))),
        ("limbo invalid-ipv4-address", broken, nc(&[address(&[192, 0, 2, 1])], &[], san(&[address(&[192, 0, 2, 1])]))),
        ("PKITS 4.13.35 addresses are not processed", broken, nc(&[uri("example.se")], &[], san(&[uri("http://other.se/")]))),
        ("limbo nc-forbids-othername", broken, nc(&[], &[upn("x")], san(&[upn("berit@example.se")]))),
        ("limbo nc-forbids-othername-noop", Accepted, nc(&[], &[upn("x")], card())),
        ("limbo permitted-dns-match-noncritical", Refused, vec![root(), ca().with(NAME_CONSTRAINTS, false, constraints(&[sweden], &[])), card()]),
    ]);
}

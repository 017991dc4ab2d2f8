//! Every order of asking, with everything that can be heard.

use super::super::Reason;
use super::super::testing::{hours, now};
use super::*;
use Verdict::{NotChecked, NotRevoked, Undetermined};

fn policy(order: Order) -> Policy {
    Policy { order, grace: None }
}

/// Said `age` hours ago, to hold for four hours.
fn said(status: Status, age: i64) -> Heard {
    let this_update = now() - hours(age);
    let until = this_update + hours(4);
    Heard::Said(Statement { status, this_update, next_update: Some(until), until })
}

fn revoked() -> Status {
    Status::Revoked(Revocation { at: now() - hours(50), reason: Some(Reason::KeyCompromise) })
}

fn silent() -> Heard {
    Heard::Nothing("timed out".to_owned())
}

fn heard(ocsp: Heard, crl: Heard) -> Evidence {
    Evidence { crl, ocsp }
}

#[test]
fn whom_each_order_asks() {
    for (order, sources) in [
        (Order::OcspThenCrl, &[Source::Ocsp, Source::Crl][..]),
        (Order::CrlThenOcsp, &[Source::Crl, Source::Ocsp]),
        (Order::Ocsp, &[Source::Ocsp]),
        (Order::Crl, &[Source::Crl]),
        (Order::Off, &[]),
    ] {
        assert_eq!(order.sources(), sources);
        for source in Source::ALL {
            assert_eq!(order.asks(source), sources.contains(&source));
        }
        let (first, second) = (sources.first().copied(), sources.get(1).copied());
        let nobody = Evidence::default();
        assert_eq!(policy(order).next(&nobody, now()), first, "{order}");
        let after = |heard: Heard| {
            let mut evidence = Evidence::default();
            match first? {
                Source::Crl => evidence.crl = heard,
                Source::Ocsp => evidence.ocsp = heard,
            }
            policy(order).next(&evidence, now())
        };
        // Settled by the first; the second where it is silent, does not know, or speaks of the past.
        assert_eq!(after(said(Status::Good, 0)), None);
        assert_eq!(after(said(revoked(), 9)), None);
        for heard in [silent(), said(Status::Unknown, 0), said(Status::Good, 9)] {
            assert_eq!(after(heard), second, "{order}");
        }
    }
}

#[test]
fn who_is_off_asks_nobody_and_says_so() {
    let evidence = heard(said(revoked(), 0), said(revoked(), 0));
    let finding = policy(Order::Off).decide(&evidence, now());
    assert_eq!((finding.verdict, finding.source), (NotChecked, None));
}

#[test]
fn the_first_that_settles_it_is_named() {
    use Order::{Crl, CrlThenOcsp, Ocsp, OcspThenCrl};
    let good = || said(Status::Good, 0);
    let (ocsp, crl) = (Some(Source::Ocsp), Some(Source::Crl));
    for (order, evidence, verdict, source) in [
        (OcspThenCrl, heard(good(), good()), NotRevoked, ocsp),
        (CrlThenOcsp, heard(good(), good()), NotRevoked, crl),
        (OcspThenCrl, heard(silent(), good()), NotRevoked, crl),
        (CrlThenOcsp, heard(good(), silent()), NotRevoked, ocsp),
        (OcspThenCrl, heard(said(Status::Unknown, 0), good()), Undetermined, ocsp),
        (CrlThenOcsp, heard(said(Status::Unknown, 0), good()), Undetermined, ocsp),
        (OcspThenCrl, heard(said(Status::Unknown, 5), good()), NotRevoked, crl),
        (OcspThenCrl, heard(said(Status::Good, 5), good()), NotRevoked, crl),
        (CrlThenOcsp, heard(good(), said(Status::Good, 5)), NotRevoked, ocsp),
        (OcspThenCrl, heard(silent(), silent()), Undetermined, None),
        (OcspThenCrl, heard(Heard::NotAsked, Heard::NotAsked), Undetermined, None),
        (OcspThenCrl, heard(said(Status::Unknown, 0), silent()), Undetermined, ocsp),
        (Ocsp, heard(said(Status::Unknown, 0), good()), Undetermined, ocsp),
        (Ocsp, heard(silent(), good()), Undetermined, None),
        (Crl, heard(good(), silent()), Undetermined, None),
        (Crl, heard(good(), said(Status::Good, 5)), Undetermined, None),
    ] {
        let finding = policy(order).decide(&evidence, now());
        assert_eq!((finding.verdict, finding.source), (verdict, source), "{order} {evidence:?}");
        assert!(!finding.within_grace);
    }
}

#[test]
fn revoked_wins_whoever_says_it_and_however_long_ago() {
    for order in [Order::OcspThenCrl, Order::CrlThenOcsp] {
        for age in [0, 5, 5000] {
            for other in [said(Status::Good, 0), said(Status::Unknown, 0), silent()] {
                for (evidence, source) in [
                    (heard(said(revoked(), age), other.clone()), Source::Ocsp),
                    (heard(other.clone(), said(revoked(), age)), Source::Crl),
                ] {
                    let policy = Policy { order, grace: Some(hours(10_000)) };
                    let finding = policy.decide(&evidence, now());
                    assert_eq!(finding.verdict, Verdict::Revoked, "{order} {evidence:?}");
                    assert_eq!(finding.source, Some(source));
                    let reason = finding.revocation.unwrap().reason;
                    assert_eq!(reason, Some(Reason::KeyCompromise));
                }
            }
        }
    }
}

#[test]
fn a_statement_holds_until_its_last_moment() {
    let evidence = heard(Heard::NotAsked, said(Status::Good, 4));
    let at = |now| policy(Order::Crl).decide(&evidence, now).verdict;
    assert_eq!(at(now()), NotRevoked);
    assert_eq!(at(now() + TimeDelta::seconds(1)), Undetermined);
}

#[test]
fn grace_counts_for_a_list_from_its_end_and_for_an_answer_from_its_beginning() {
    let second = TimeDelta::seconds(1);
    let graced = |evidence: &Evidence, now| {
        let policy = Policy { order: Order::OcspThenCrl, grace: Some(hours(12)) };
        let finding = policy.decide(evidence, now);
        (finding.verdict, finding.source, finding.within_grace)
    };
    // Issued now, to hold for four hours.
    let list = heard(silent(), said(Status::Good, 0));
    let (crl, ocsp) = (Some(Source::Crl), Some(Source::Ocsp));
    assert_eq!(graced(&list, now() + hours(4)), (NotRevoked, crl, false));
    assert_eq!(graced(&list, now() + hours(4) + second), (NotRevoked, crl, true));
    assert_eq!(graced(&list, now() + hours(16)), (NotRevoked, crl, true));
    assert_eq!(graced(&list, now() + hours(16) + second), (Undetermined, None, false));
    let answer = heard(said(Status::Good, 0), silent());
    assert_eq!(graced(&answer, now() + hours(4)), (NotRevoked, ocsp, false));
    assert_eq!(graced(&answer, now() + hours(12)), (NotRevoked, ocsp, true));
    assert_eq!(graced(&answer, now() + hours(12) + second), (Undetermined, None, false));
    // What was never good has no grace.
    assert_eq!(graced(&heard(silent(), silent()), now()), (Undetermined, None, false));
    let unknown = heard(said(Status::Unknown, 5), silent());
    assert_eq!(graced(&unknown, now()), (Undetermined, None, false));
}

#[test]
fn grace_is_for_silence_and_not_for_who_does_not_know_it() {
    let policy = Policy { order: Order::OcspThenCrl, grace: Some(hours(12)) };
    let list = || said(Status::Good, 5);
    assert!(policy.decide(&heard(silent(), list()), now()).within_grace);
    let unknown = policy.decide(&heard(said(Status::Unknown, 0), list()), now());
    assert_eq!((unknown.verdict, unknown.within_grace), (Undetermined, false));
}

#[test]
fn grace_without_end_is_no_overflow() {
    let policy = Policy { order: Order::Crl, grace: Some(TimeDelta::MAX) };
    let finding = policy.decide(&heard(silent(), said(Status::Good, 5)), now());
    assert_eq!(finding.verdict, Undetermined);
}

#[test]
fn the_detail_tells_what_each_said() {
    let evidence = heard(silent(), said(Status::Good, 5));
    let detail = policy(Order::OcspThenCrl).decide(&evidence, now()).detail;
    assert_eq!(detail, "ocsp: timed out; crl: good, no longer current");
    let evidence = heard(said(revoked(), 0), Heard::NotAsked);
    let finding = policy(Order::OcspThenCrl).decide(&evidence, now());
    assert_eq!(finding.detail, "ocsp: revoked; crl: not asked");
    assert_eq!(finding.this_update, Some(now()));
    assert_eq!(finding.next_update, Some(now() + hours(4)));
}

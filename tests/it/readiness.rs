//! `/live` and `/ready`: one word for strangers, the age of each source for whoever runs it.

use serde_json::Value;
use siths_idp::config::RevocationOrder;
use siths_idp::dev::responder::{Fault, What};

use crate::harness::revocation::{HSA_ID_3, order};
use crate::harness::{Answer, TestIdp};

async fn ready(idp: &TestIdp) -> (u16, Value) {
    let answer = Answer::of(idp.http().get(idp.at("/ready")).send().await.unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    (answer.status, answer.json())
}

fn cards(told: &Value) -> &Value {
    let authorities = told["revocation"]["authorities"].as_array().unwrap();
    authorities.iter().find(|one| one["authority"] == HSA_ID_3).unwrap()
}

#[tokio::test]
async fn it_tells_the_age_of_each_source() {
    let idp = TestIdp::start().await;
    let (status, told) = ready(&idp).await;
    assert_eq!((status, &told["status"]), (200, &"ready".into()), "{told:#}");
    assert_eq!((&told["database"], &told["signing_keys"]), (&true.into(), &true.into()));
    assert_eq!(told["revocation"]["authorities"].as_array().unwrap().len(), 7);
    let list = &cards(&told)["crl"];
    let age = list["age"].as_i64().unwrap();
    assert!((0..=3700).contains(&age), "{told:#}");
    assert_eq!((&list["current"], list["entries"].is_u64()), (&true.into(), true));
    // Never asked yet.
    assert!(cards(&told)["ocsp"]["age"].is_null(), "{told:#}");
    assert_eq!(idp.outcome("clinician").await, None);
    idp.advance(60);
    let (_, told) = ready(&idp).await;
    assert_eq!(cards(&told)["ocsp"]["age"], 60, "{told:#}");
    assert_eq!(told["revocation"]["counts"]["not_revoked"], 2);
    assert_eq!(told["revocation"]["counts"]["ocsp_answers"], 2);
    // Nothing of a person, nothing secret.
    assert!(!told.to_string().contains("SE2321000222"));
}

#[tokio::test]
async fn a_list_that_has_run_out_or_a_silent_responder_is_degraded_and_takes_no_node_away() {
    let idp = TestIdp::start().await;
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    assert_eq!(idp.outcome("clinician").await, None);
    let (status, told) = ready(&idp).await;
    assert_eq!((status, &told["status"]), (200, &"degraded".into()), "{told:#}");
    let ocsp = &cards(&told)["ocsp"];
    assert_eq!(ocsp["current"], false);
    assert!(ocsp["last_error"].is_string() && ocsp["failed_at"].is_string(), "{ocsp}");
    idp.responder.set_fault(What::Ocsp, Fault::None);
    idp.advance(10);
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(ready(&idp).await.1["status"], "ready");

    idp.responder.set_fault(What::Crl, Fault::Down);
    idp.advance(25 * 3600);
    let (status, told) = ready(&idp).await;
    assert_eq!((status, &told["status"]), (200, &"degraded".into()), "{told:#}");
    let list = &cards(&told)["crl"];
    assert_eq!(list["current"], false);
    assert!(list["age"].as_i64().unwrap() >= 25 * 3600);
}

#[tokio::test]
async fn authorities_that_nobody_is_asked_about_are_told() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Off)).await;
    let (status, told) = ready(&idp).await;
    assert_eq!((status, &told["status"]), (200, &"ready".into()));
    let unasked = told["revocation"]["unasked"].as_array().unwrap();
    assert!(unasked.contains(&HSA_ID_3.into()), "{told:#}");
}

#[tokio::test]
async fn strangers_are_told_one_word() {
    let idp = TestIdp::start_with(|config| {
        config.health.networks = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    assert_eq!(ready(&idp).await, (200, serde_json::json!({ "status": "ready" })));
    let live = Answer::of(idp.http().get(idp.at("/live")).send().await.unwrap()).await;
    assert_eq!((live.status, live.json()), (200, serde_json::json!({ "status": "alive" })));
}

#[tokio::test]
async fn without_a_database_a_node_is_not_ready_and_lives() {
    let idp = TestIdp::start().await;
    idp.pool().close().await;
    let (status, told) = ready(&idp).await;
    assert_eq!((status, &told["status"]), (503, &"not-ready".into()));
    assert_eq!(told["database"], false);
    let live = idp.http().get(idp.at("/live")).send().await.unwrap();
    assert_eq!(live.status(), 200);
}

//! HSA-ids that look like slips: an administrator is told, and finds those that are there.

use serde_json::{Value, json};

use crate::commands::Told;
use crate::harness::TestIdp;

impl TestIdp {
    async fn add(&self, family_name: &str, hsa_ids: &[&str]) -> Told {
        let mut arguments =
            vec!["users", "add", "--given-name", "Ny", "--family-name", family_name];
        for hsa_id in hsa_ids {
            arguments.extend(["--hsa-id", hsa_id]);
        }
        self.command(&arguments).await
    }
}

/// The warnings of a result, and that standard error has the same, one a line.
fn warnings(told: &Told) -> Vec<String> {
    let lines = told.err.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["warning"].as_str().unwrap().to_owned()
    });
    let lines: Vec<String> = lines.collect();
    let expected = if lines.is_empty() { Value::Null } else { json!(lines) };
    assert_eq!(told.json()["warnings"], expected);
    lines
}

#[tokio::test]
async fn what_differs_by_16_is_registered_and_warned_of() {
    let idp = TestIdp::start().await;
    let (short, long) = ("SE2321000222-Slip", "SE162321000222-sLIP");
    assert_eq!(warnings(&idp.add("Ett", &[short]).await), [""; 0]);
    let told = idp.add("Tva", &[long]).await;
    assert_eq!(told.json()["outcome"], "added");
    let [warning] = &warnings(&told)[..] else { panic!("{}", told.err) };
    assert!(warning.contains(short) && warning.contains(long), "{warning}");
    // In one command, too.
    let both = ["SE2321000222-BOTH", "SE162321000222-BOTH"];
    assert_eq!(warnings(&idp.add("Tre", &both).await).len(), 1);
}

#[tokio::test]
async fn what_differs_by_case_is_one_and_the_one_that_exists_is_told() {
    let idp = TestIdp::start().await;
    let (first, second) = ("SE2321000222-case", "SE2321000222-CASE");
    idp.add("Ett", &[first]).await;
    let again = idp.add("Ett", &[second]).await;
    assert_eq!(again.json()["outcome"], "exists");
    assert!(warnings(&again)[0].contains(first), "{}", again.err);
    // Another person's: refused, and not without telling which it is.
    let refused = idp.add("Annan", &[second, "SE2321000222-MORE"]).await;
    assert_eq!(refused.code(), "hsa_id_taken");
    assert!(refused.err.contains(first), "{}", refused.err);
    let listed = idp.command(&["users", "list"]).await.out;
    assert!(!listed.contains(second) && !listed.contains("Annan"), "{listed}");
}

#[tokio::test]
async fn a_wrong_check_digit_is_warned_of() {
    let idp = TestIdp::start().await;
    let told = idp.add("Ett", &["SE2321000221-X"]).await;
    assert_eq!(told.json()["outcome"], "added");
    assert!(warnings(&told)[0].contains("check digit"), "{}", told.err);
    assert_eq!(warnings(&idp.add("Tva", &["SE2321000222-Y"]).await), [""; 0]);
}

#[tokio::test]
async fn those_that_are_registered_are_found() {
    let idp = TestIdp::start().await;
    let none = idp.command(&["users", "warnings"]).await.json();
    assert_eq!(none, json!({ "findings": [] }));
    for (name, hsa_ids) in [
        ("Ett", &["SE2321000222-pair"][..]),
        ("Tva", &["SE162321000222-PAIR"]),
        ("Tre", &["SE2321000222-OWN", "SE162321000222-OWN"]),
        ("Fyra", &["SE2321000221-DIGIT"]),
        ("Fem", &["SE162321000222-ALONE"]),
    ] {
        idp.add(name, hsa_ids).await;
    }
    let found = idp.command(&["users", "warnings"]).await.json();
    let told = |index: usize| {
        let finding = &found["findings"][index];
        (
            finding["kind"].clone(),
            finding["hsa_ids"].clone(),
            finding["users"].as_array().unwrap().len(),
        )
    };
    assert_eq!(found["findings"].as_array().unwrap().len(), 3, "{found}");
    assert_eq!(told(0), (json!("check-digit"), json!(["SE2321000221-DIGIT"]), 1));
    let own = json!(["SE2321000222-OWN", "SE162321000222-OWN"]);
    assert_eq!(told(1), (json!("differ-by-16"), own, 1));
    let pair = json!(["SE2321000222-pair", "SE162321000222-PAIR"]);
    assert_eq!(told(2), (json!("differ-by-16"), pair, 2));
}

//! HSA-ids that look like slips: told at registration, and found among those that are registered.
//!
//! Two that differ by case alone are one and the same, so that the register never holds both; `SE16…`
//! and `SE…` are two, because no source says that they are one person's (docs/decisions).

use std::collections::BTreeMap;

use serde_json::json;

use super::super::context::{Context, Registry};
use super::super::output::{Failure, Report, table};
use crate::identity::hsa_id::{HsaId, HsaIdGrammar};
use crate::store::people::{self, ListedPerson};

/// What looks like a slip in HSA-ids that are about to be registered.
pub(super) async fn of(registry: &Registry, hsa_ids: &[HsaId]) -> Result<Vec<String>, Failure> {
    let mut warnings = among(hsa_ids);
    let mut connection = registry.connection().await?;
    for hsa_id in hsa_ids {
        let given = hsa_id.as_str();
        if !hsa_id.luhn_ok() {
            warnings.push(format!(
                "{given}: the check digit of the organisation number is wrong (right for test cards \
                 alone)"
            ));
        }
        let canonical = hsa_id.canonical();
        let same =
            people::registered_hsa_ids(&mut connection, std::slice::from_ref(&canonical)).await?;
        for other in same.iter().filter(|other| *other != given) {
            warnings.push(format!("{given} is registered as {other}: the same, but for the case"));
        }
        let sixteen: Vec<String> = other_form(&canonical).into_iter().collect();
        for other in people::registered_hsa_ids(&mut connection, &sixteen).await? {
            warnings.push(format!(
                "{given} and {other}, which is registered, differ by 16 alone: they are two HSA-ids"
            ));
        }
    }
    Ok(warnings)
}

/// The same among those that are given together.
fn among(hsa_ids: &[HsaId]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, one) in hsa_ids.iter().enumerate() {
        for other in hsa_ids.iter().skip(at + 1) {
            let (a, b) = (one.as_str(), other.as_str());
            if one.canonical() == other.canonical() && a != b {
                warnings.push(format!("{a} and {b} are the same, but for the case: one is kept"));
            }
            if other_form(&one.canonical()).as_ref() == Some(&other.canonical()) {
                warnings.push(format!("{a} and {b} differ by 16 alone: they are two HSA-ids"));
            }
        }
    }
    warnings
}

/// The same organisation number with 16 before it, or without.
fn other_form(canonical: &str) -> Option<String> {
    let (number, local) = canonical.strip_prefix("SE")?.split_once('-')?;
    match (number.len(), number.strip_prefix("16")) {
        (12, Some(short)) => Some(format!("SE{short}-{local}")),
        (10, _) => Some(format!("SE16{number}-{local}")),
        _ => None,
    }
}

/// An HSA-id of the register that looks like a slip.
struct Finding<'p> {
    kind: &'static str,
    hsa_ids: Vec<&'p str>,
    people: Vec<&'p ListedPerson>,
}

/// `siths-idp users warnings`.
pub(super) async fn run(context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let people = people::list(&mut connection).await?;
    let findings = findings(&people, &registry.grammar);
    let json = findings.iter().map(|finding| {
        json!({
            "kind": finding.kind,
            "hsa_ids": finding.hsa_ids,
            "users": finding.people.iter().map(|person| person.id).collect::<Vec<_>>(),
        })
    });
    let json = json!({ "findings": json.collect::<Vec<_>>() });
    if findings.is_empty() {
        return Ok(Report::new(json, "No registered HSA-id looks like a slip."));
    }
    let rows = findings.iter().map(|finding| {
        let name = |person: &&ListedPerson| format!("{} {}", person.given_name, person.family_name);
        let names: Vec<String> = finding.people.iter().map(name).collect();
        vec![finding.kind.to_owned(), finding.hsa_ids.join(" "), names.join(", ")]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    Ok(Report::new(json, table(&["KIND", "HSA-IDS", "USERS"], &rows)))
}

fn findings<'p>(people: &'p [ListedPerson], grammar: &HsaIdGrammar) -> Vec<Finding<'p>> {
    let mut registered: BTreeMap<String, (&str, &ListedPerson)> = BTreeMap::new();
    for person in people {
        for hsa_id in &person.hsa_ids {
            registered.insert(hsa_id.to_ascii_uppercase(), (hsa_id, person));
        }
    }
    let mut findings = Vec::new();
    for (canonical, &(hsa_id, person)) in &registered {
        // Of each pair the longer is met with the shorter, once.
        let other = other_form(canonical).filter(|other| other.len() > canonical.len());
        if let Some(&(long, owner)) = other.and_then(|other| registered.get(&other)) {
            let people = if owner.id == person.id { vec![person] } else { vec![person, owner] };
            findings.push(Finding { kind: "differ-by-16", hsa_ids: vec![hsa_id, long], people });
        }
        if grammar.parse(hsa_id).is_ok_and(|parsed| !parsed.luhn_ok()) {
            let (hsa_ids, people) = (vec![hsa_id], vec![person]);
            findings.push(Finding { kind: "check-digit", hsa_ids, people });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_with_16_and_the_one_without_lead_to_each_other() {
        let (short, long) = ("SE2321000255-ABC", "SE162321000255-ABC");
        assert_eq!(other_form(short).as_deref(), Some(long));
        assert_eq!(other_form(long).as_deref(), Some(short));
        assert_eq!(other_form("TST1-ABC"), None);
    }

    #[test]
    fn two_that_are_given_together_are_compared() {
        let read = |texts: &[&str]| -> Vec<HsaId> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(among(&read(&["SE2321000255-A", "SE2321000255-B"])), [""; 0]);
        assert_eq!(among(&read(&["SE2321000255-a", "SE2321000255-A"])).len(), 1);
        assert_eq!(among(&read(&["SE162321000255-A", "SE2321000255-a"])).len(), 1);
    }
}

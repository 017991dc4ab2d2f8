//! The whole catalogue as a table: JSON for `GET /errors` and for generating a client's own table,
//! Markdown for the README, text and CSV for people.
//!
//! Must never say more than the catalogue and the wording do.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::catalogue::{Code, First};
use super::language::Language;
use super::messages::{description, developer, messages};

/// Every code with its facts and its wording.
///
/// `{"errors": [{"code", "error", "status", "first": "person"|"relying_party"|"page", "again",
/// "description", "developer": string or null, "contact",
/// "messages": {"sv"|"en": {"title", "message", "page", "advice": [], "contact", "contact_name"}}}]}`
#[must_use]
pub fn as_json() -> Value {
    let errors: Vec<Value> = Code::ALL
        .iter()
        .map(|&code| {
            json!({
                "code": code.name(),
                "error": code.oauth(),
                "status": code.status(),
                "first": first(code),
                "again": code.again(),
                "description": description(code),
                "developer": developer(code),
                "contact": messages(code, Language::En).contact,
                "messages": {
                    "sv": messages(code, Language::Sv),
                    "en": messages(code, Language::En),
                },
            })
        })
        .collect();
    json!({ "errors": errors })
}

/// The table of the README.
#[must_use]
pub fn as_markdown() -> String {
    let mut table = String::from(
        "| code | OAuth error | told first | again | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for &code in Code::ALL {
        let [name, oauth, _, first, again, meaning] = row(code);
        // Writing to a String does not fail.
        let _ = writeln!(table, "| `{name}` | `{oauth}` | {first} | {again} | {meaning} |");
    }
    table
}

/// Columns in line, for a terminal.
#[must_use]
pub fn as_text() -> String {
    let rows: Vec<_> = std::iter::once(COLUMNS.map(str::to_owned))
        .chain(Code::ALL.iter().map(|&code| row(code)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// RFC 4180, with a header line.
#[must_use]
pub fn as_csv() -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut csv = format!("{},message_sv,message_en,developer\r\n", COLUMNS.join(","));
    for &code in Code::ALL {
        let texts = [
            messages(code, Language::Sv).message.as_str(),
            messages(code, Language::En).message.as_str(),
            developer(code).unwrap_or_default(),
        ];
        let facts = row(code);
        let cells = facts.iter().map(String::as_str).chain(texts).map(quoted);
        csv.push_str(&cells.collect::<Vec<_>>().join(","));
        csv.push_str("\r\n");
    }
    csv
}

const COLUMNS: [&str; 6] = ["code", "error", "status", "first", "again", "meaning"];

fn row(code: Code) -> [String; 6] {
    let again = if code.again() { "yes" } else { "no" };
    let status = code.status().to_string();
    [code.name(), code.oauth(), &status, &first(code).replace('_', " "), again, description(code)]
        .map(str::to_owned)
}

const fn first(code: Code) -> &'static str {
    match code.first() {
        First::Person => "person",
        First::RelyingParty => "relying_party",
        First::PageOnly => "page",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_every_code_once() {
        let json = as_json();
        assert_eq!(json["errors"].as_array().map(Vec::len), Some(Code::ALL.len()));
        assert_eq!(as_markdown().lines().count(), Code::ALL.len() + 2);
        assert_eq!(as_text().lines().count(), Code::ALL.len() + 1);
        assert_eq!(as_csv().lines().count(), Code::ALL.len() + 1);
    }

    #[test]
    fn the_json_says_what_the_back_channel_promises() {
        let json = as_json();
        let error = &json["errors"][1];
        assert_eq!(error["code"], "certificate_wrong_type");
        assert_eq!(error["error"], "access_denied");
        assert_eq!(error["first"], "person");
        assert_eq!(error["contact"], "card-supplier");
        assert!(error["messages"]["sv"]["message"].as_str().unwrap().contains("{submitted_value}"));
        assert!(error["messages"]["en"]["advice"].as_array().unwrap().len() > 2);
    }

    #[test]
    fn no_meaning_breaks_the_markdown_table() {
        for line in as_markdown().lines() {
            assert_eq!(line.matches('|').count(), 6, "{line}");
        }
    }

    #[test]
    fn quotes_in_csv_are_doubled_and_every_line_has_its_columns() {
        for line in as_csv().lines().skip(1) {
            assert_eq!(line.split("\",\"").count(), 9, "{line}");
        }
    }
}

//! What the documents say is what the program says.

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use siths_idp::error::tables;

use sources::{Sources, root};

#[test]
fn the_readme_has_the_table_of_the_catalogue() {
    let file = root().join("README.md");
    let readme = fs::read_to_string(&file).expect("README.md");
    let (_, rest) = readme.split_once("<!-- errors -->").expect("<!-- errors --> in README.md");
    let (table, rest) = rest.split_once("<!-- /errors -->").expect("<!-- /errors --> in README.md");
    assert!(
        table.trim() == tables::as_markdown().trim(),
        "the table in README.md is not the one that `siths-idp errors --format markdown` prints"
    );
    assert!(!rest.contains("<!-- errors -->"), "the table is there once");
}

/// The markdown files of a folder, and those below it.
fn pages(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut pages = Vec::new();
    for path in entries {
        let inside = path.strip_prefix(root()).unwrap();
        if path.is_dir() {
            pages.extend(pages_below(inside));
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(inside.to_owned());
        }
    }
    pages.sort();
    pages
}

fn pages_below(folder: &Path) -> Vec<PathBuf> {
    pages(folder.to_str().unwrap())
}

/// The lines of a page that are no example, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut is_example = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_example = !is_example;
        } else if !is_example {
            lines.push((at + 1, line));
        }
    }
    lines
}

/// What stands between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// The rows of a page's tables whose last column is of tests, each with its number.
fn rows_with_tests(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut rows = Vec::new();
    // How many columns the table has that is being read, if it is one with tests.
    let mut columns = None;
    let mut is_within = false;
    for (number, line) in prose(text) {
        let Some(row) = cells(line) else {
            is_within = false;
            continue;
        };
        if !is_within {
            is_within = true;
            columns = row.last().is_some_and(|last| *last == "test").then_some(row.len());
        } else if let Some(columns) = columns
            && !row.iter().all(|cell| *cell == "---")
        {
            assert_eq!(row.len(), columns, "cells in line {number}: {line}");
            rows.push((number, row));
        }
    }
    rows
}

fn is_path(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.contains("::") && text.strip_suffix("::*").unwrap_or(text).split("::").all(is_name)
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Every row of the specifications names tests that there are, a page that does, or says why none.
#[test]
fn every_test_that_the_specifications_name_is_there() {
    let sources = Sources::read();
    let mut faults = Vec::new();
    for page in pages("docs/spec") {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (line, row) in rows_with_tests(&text) {
            let last = row.last().unwrap();
            if last.is_empty() {
                faults.push(format!("{}:{line}: no test, and not said why", page.display()));
            }
            let unknown = quoted(last).filter(|name| !sources.has_test(name));
            faults.extend(unknown.map(|name| {
                let page = page.display();
                format!("{page}:{line}: no test `{name}`{}", sources.like_test(name))
            }));
        }
    }
    none(&faults);
}

/// Every path with `::` in any document, be it of a function, a type, a module or a test.
#[test]
fn every_path_that_a_document_names_is_there() {
    let sources = Sources::read();
    let mut faults = Vec::new();
    for page in pages("docs") {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (line, prose) in prose(&text) {
            let unknown = quoted(prose)
                .filter(|name| is_path(name) && !sources.has_item(name) && !sources.has_test(name));
            faults.extend(unknown.map(|name| {
                format!("{}:{line}: nothing is called `{name}`, from the root", page.display())
            }));
            let page_of_specification = page.starts_with("docs/spec");
            let shortened = quoted(prose)
                .filter(|name| page_of_specification && name.contains("::") && !is_path(name));
            faults.extend(
                shortened
                    .map(|name| format!("{}:{line}: `{name}` is no whole path", page.display())),
            );
        }
    }
    none(&faults);
}

#[test]
fn the_list_of_specifications_has_every_page() {
    let list = fs::read_to_string(root().join("docs/spec/README.md")).unwrap();
    let missing: Vec<String> = pages("docs/spec")
        .iter()
        .map(|page| page.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "README.md" && !list.contains(&format!("]({name})")))
        .map(|name| format!("docs/spec/README.md does not list {name}"))
        .collect();
    none(&missing);
}

/// The anchor of a heading, as web pages of repositories make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter(|(_, line)| line.starts_with('#'));
    headings.map(|(_, heading)| anchor(heading)).collect()
}

/// The targets of the links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_of_it() {
    let mut faults = Vec::new();
    let others = ["README.md", "CONTRIBUTING.md", "migrations/README.md", "keys/README.md"];
    for page in pages("docs").into_iter().chain(others.map(PathBuf::from)) {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (line, prose) in prose(&text) {
            for target in links(prose).filter(|target| !target.contains("://")) {
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = match file {
                    "" => root().join(&page),
                    file => root().join(page.parent().unwrap()).join(file),
                };
                let has = |heading: &str| {
                    fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(heading))
                };
                if !file.exists() || !(heading.is_empty() || has(heading)) {
                    faults.push(format!("{}:{line}: {target} leads nowhere", page.display()));
                }
            }
        }
    }
    none(&faults);
}

//! What the documents say is what the program says.

use std::fs;
use std::path::Path;

use siths_idp::error::tables;

#[test]
fn the_readme_has_the_table_of_the_catalogue() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("README.md");
    let (_, rest) = readme.split_once("<!-- errors -->").expect("<!-- errors --> in README.md");
    let (table, rest) = rest.split_once("<!-- /errors -->").expect("<!-- /errors --> in README.md");
    assert!(
        table.trim() == tables::as_markdown().trim(),
        "the table in README.md is not the one that `siths-idp errors --format markdown` prints"
    );
    assert!(!rest.contains("<!-- errors -->"), "the table is there once");
}

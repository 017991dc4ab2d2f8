//! What the source holds, by name: every test, and every item of every module.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The folder of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Modules of `src` with their text, and tests by the module that they stand in.
pub struct Sources {
    modules: BTreeMap<String, String>,
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Sources {
    /// Reads `src` and `tests/it`.
    pub fn read() -> Self {
        let mut sources = Self { modules: BTreeMap::new(), tests: BTreeMap::new() };
        each_file(&root().join("src"), "", &mut |module, text| {
            sources.add_tests(module, &text);
            sources.modules.insert(module.to_owned(), text);
        });
        each_file(&root().join("tests/it"), "", &mut |module, text| {
            sources.add_tests(module, &text);
        });
        sources
    }

    fn add_tests(&mut self, module: &str, text: &str) {
        let mut module_now = module.to_owned();
        let mut is_test = false;
        for line in text.lines() {
            if let Some(inner) = line.strip_prefix("mod ").and_then(|m| m.strip_suffix(" {")) {
                module_now = format!("{module}::{inner}");
            } else if line == "}" {
                module.clone_into(&mut module_now);
            }
            let line = line.trim_start();
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some((name, _)) = function(line) {
                if is_test {
                    self.tests.entry(module_now.clone()).or_default().insert(name.to_owned());
                }
                is_test = false;
            }
        }
    }

    /// Whether there is a test of this name, from the root; `module::*` is any test of it or below it.
    pub fn has_test(&self, path: &str) -> bool {
        if let Some(module) = path.strip_suffix("::*") {
            let is_below = |m: &String| m.strip_prefix(module).is_some_and(|m| m.starts_with("::"));
            return self.tests.keys().any(|m| m == module || is_below(m));
        }
        path.rsplit_once("::").is_some_and(|(module, name)| {
            self.tests.get(module).is_some_and(|tests| tests.contains(name))
        })
    }

    /// What may have been meant by the name of a test that does not exist.
    pub fn like_test(&self, path: &str) -> String {
        let name = path.rsplit("::").next().unwrap_or(path);
        let same =
            |other: &str| other.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        let all = self.tests.iter().flat_map(|(m, names)| names.iter().map(move |n| (m, n)));
        let nearest = all.max_by_key(|(_, other)| (same(other), *other == name));
        nearest
            .filter(|(_, other)| same(other) >= 8)
            .map_or_else(String::new, |(module, other)| format!("; perhaps `{module}::{other}`"))
    }

    /// Whether a path leads from the root to a module, to an item of one, or to a member of an item.
    pub fn has_item(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split("::").collect();
        let module_of = |length: usize| self.modules.get_key_value(&parts[..length].join("::"));
        let Some((length, (_, text))) =
            (1..=parts.len()).rev().find_map(|n| module_of(n).map(|found| (n, found)))
        else {
            return false;
        };
        match parts[length..] {
            [] => true,
            [item] => declares(text, item),
            [item, member] => declares(text, item) && self.has_member(item, member),
            _ => false,
        }
    }

    fn has_member(&self, item: &str, member: &str) -> bool {
        self.modules.values().any(|text| {
            let implements = text.lines().any(|line| {
                line.trim_start().starts_with("impl") && words(line).any(|word| word == item)
            });
            (implements && (follows(text, "fn", member) || follows(text, "const", member)))
                || body(text, item).is_some_and(|body| words(body).any(|word| word == member))
        })
    }
}

fn each_file(folder: &Path, module: &str, with: &mut impl FnMut(&str, String)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let inside = match (module, stem) {
            (_, "mod" | "lib" | "main") => module.to_owned(),
            ("", stem) => stem.to_owned(),
            (module, stem) => format!("{module}::{stem}"),
        };
        if path.is_dir() {
            each_file(&path, &inside, with);
        } else if path.extension().is_some_and(|end| end == "rs") {
            with(&inside, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split_once('(')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn follows(text: &str, keyword: &str, name: &str) -> bool {
    words(text).zip(words(text).skip(1)).any(|pair| pair == (keyword, name))
}

/// Whether a module declares an item, or hands on one of another.
fn declares(text: &str, name: &str) -> bool {
    let keywords = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod"];
    let hands_on = |statement: &str| {
        let handed = statement.rsplit_once("pub use ").map(|(_, names)| names);
        handed.is_some_and(|names| words(names).any(|word| word == name))
    };
    keywords.iter().any(|keyword| follows(text, keyword, name)) || text.split(';').any(hands_on)
}

/// What stands in the braces of a type.
fn body<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    ["struct", "enum"].iter().find_map(|keyword| {
        let (_, rest) = text.split_once(&format!("{keyword} {name} {{"))?;
        rest.split_once("\n}").map(|(body, _)| body)
    })
}

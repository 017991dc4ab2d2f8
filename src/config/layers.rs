//! Defaults, file and environment, one above the other.

use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Tag, Value};
use figment::{Profile, Provider as _};

use super::nearest::nearest;
use super::raw::RawConfig;
use super::{ConfigError, Environment};

/// What is in force where nothing is said.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");

/// How environment variables of the configuration begin; `__` stands between nested keys.
pub(super) const PREFIX: &str = "SITHS_IDP__";

/// Keys whose values are never repeated.
const SECRETS: [&str; 3] = ["sealing_key", "database.url", "proxy.secret"];

/// What was read, and where.
pub(super) struct Layers {
    defaults: Dict,
    file: Dict,
    environment: Dict,
    path: Option<PathBuf>,
    /// What is wrong so far.
    pub faults: Vec<String>,
}

/// Reads all three.
pub(super) fn read(path: Option<&Path>, environment: &Environment) -> Result<Layers, ConfigError> {
    let broken = |fault: String| ConfigError { faults: vec![fault] };
    let defaults = toml(DEFAULTS).map_err(|error| broken(format!("default.toml: {error}")))?;
    let file = match path {
        None => Dict::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| broken(format!("{}: {error}", path.display())))?;
            toml(&text).map_err(|error| broken(format!("{}: {error}", path.display())))?
        }
    };
    let mut nested = Dict::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let keys: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
        put(&mut nested, &keys, environment_value(&keys, value));
    }
    let path = path.map(Path::to_owned);
    Ok(Layers { defaults, file, environment: nested, path, faults: vec![] })
}

impl Layers {
    /// The three merged into the raw mirror. A value of the wrong type, or under a key that does not
    /// exist, is noted and set aside, so that one run finds every fault.
    pub fn raw(&mut self) -> Result<RawConfig, ConfigError> {
        loop {
            let mut merged = self.defaults.clone();
            merge(&mut merged, &self.file);
            merge(&mut merged, &self.environment);
            let error = match Value::Dict(Tag::Default, merged).deserialize::<RawConfig>() {
                Ok(raw) => return Ok(raw),
                Err(error) => error,
            };
            let fault = self.describe(&error.path, &error.kind);
            self.faults.push(fault);
            // What is missing inside a list (an issuer without its kind) takes the list away too.
            let mut keys = error.path.as_slice();
            if let Some(list) = keys.iter().position(|key| key.parse::<usize>().is_ok()) {
                keys = match error.kind {
                    Kind::UnknownField(..) => keys,
                    _ => &keys[..list],
                };
            }
            let removed = remove(&mut self.file, keys) | remove(&mut self.environment, keys);
            if !removed {
                return Err(ConfigError { faults: std::mem::take(&mut self.faults) });
            }
        }
    }

    /// A path as the file means it: relative to the file's folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        match self.path.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(path),
            None => PathBuf::from(path),
        }
    }

    /// Notes a wrong value: its key, what is there, what would be right.
    pub fn wrong(&mut self, key: &str, is: &str, right: &str) {
        let origin = self.origin(key);
        self.faults.push(format!("{key} is \"{is}\"{origin}: {right}"));
    }

    /// Notes a value that is missing.
    pub fn missing(&mut self, key: &str, right: &str) {
        let variable = variable(key);
        self.faults.push(format!("{key} is missing (or {variable} in the environment): {right}"));
    }

    /// Notes a fault in what a key leads to.
    pub fn fault(&mut self, key: &str, fault: &str) {
        let origin = self.origin(key);
        self.faults.push(format!("{key}{origin}: {fault}"));
    }

    fn describe(&self, path: &[String], kind: &Kind) -> String {
        let key = path.join(".");
        let origin = self.origin(&key);
        match kind {
            Kind::UnknownField(name, known) => match nearest(name, known) {
                Some(meant) => format!("{key}{origin} is no key: did you mean {meant}?"),
                None => format!("{key}{origin} is no key: expected one of {}", known.join(", ")),
            },
            Kind::UnknownVariant(is, known) => match nearest(is, known) {
                Some(meant) => format!("{key} is \"{is}\"{origin}: did you mean {meant}?"),
                None => format!("{key} is \"{is}\"{origin}: expected {}", known.join(" or ")),
            },
            Kind::MissingField(field) => format!("{key}{origin}: {field} is missing"),
            Kind::InvalidType(_, right) | Kind::InvalidValue(_, right)
                if SECRETS.contains(&key.as_str()) =>
            {
                format!("{key}{origin}: expected {right}")
            }
            Kind::InvalidType(is, right) | Kind::InvalidValue(is, right) => {
                format!("{key} is {is}{origin}: expected {right}")
            }
            Kind::Message(_)
            | Kind::InvalidLength(..)
            | Kind::DuplicateField(_)
            | Kind::ISizeOutOfRange(_)
            | Kind::USizeOutOfRange(_)
            | Kind::Unsupported(_)
            | Kind::UnsupportedKey(..) => format!("{key}{origin}: {kind}"),
        }
    }

    fn origin(&self, key: &str) -> String {
        let keys: Vec<String> = key.split('.').map(str::to_owned).collect();
        if has(&self.environment, &keys) {
            return format!(" (by {})", variable(key));
        }
        String::new()
    }
}

/// The environment variable of a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Secrets stay text, whatever they look like; the rest is read as TOML values are.
fn environment_value(keys: &[String], value: &str) -> Value {
    if SECRETS.contains(&keys.join(".").as_str()) {
        return Value::from(value);
    }
    match value.parse() {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

fn toml(text: &str) -> Result<Dict, String> {
    let mut profiles = Toml::string(text).data().map_err(|error| error.to_string())?;
    Ok(profiles.remove(&Profile::Default).unwrap_or_default())
}

fn put(dict: &mut Dict, keys: &[String], value: Value) {
    let Some((key, rest)) = keys.split_first() else {
        return;
    };
    if rest.is_empty() {
        dict.insert(key.clone(), value);
        return;
    }
    let entry = dict.entry(key.clone()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, inner) = entry {
        put(inner, rest, value);
    }
}

fn merge(below: &mut Dict, above: &Dict) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Dict(_, below)), Value::Dict(_, above)) => merge(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}

fn has(dict: &Dict, keys: &[String]) -> bool {
    match keys {
        [] => true,
        [key, rest @ ..] => match dict.get(key) {
            Some(Value::Dict(_, inner)) => has(inner, rest),
            Some(_) => true,
            None => false,
        },
    }
}

fn remove(dict: &mut Dict, keys: &[String]) -> bool {
    match keys {
        [] => false,
        [key] => dict.remove(key).is_some(),
        [key, rest @ ..] => dict.get_mut(key).is_some_and(|value| remove_in(value, rest)),
    }
}

fn remove_in(value: &mut Value, keys: &[String]) -> bool {
    match (value, keys) {
        (Value::Dict(_, dict), keys) => remove(dict, keys),
        (Value::Array(_, items), [index, rest @ ..]) => {
            let item = index.parse().ok().and_then(|index: usize| items.get_mut(index));
            item.is_some_and(|item| remove_in(item, rest))
        }
        _ => false,
    }
}

//! How many files a node may hold open: each connection is one.
//!
//! Must never take on more than the system allows: connections would fail one by one, under load.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// Files that are no connections: listeners, the log, certificates, what libraries hold.
const BESIDES: u64 = 64;

/// The system allows fewer open files than the configured connections need.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} open files are needed (limits.max_connections, database.max_connections and {BESIDES} \
     more), but the system allows {allowed}: set LimitNOFILE={needed} in the unit (or ulimit -n), or \
     lower limits.max_connections"
)]
pub struct TooFew {
    needed: u64,
    allowed: u64,
}

/// Raises the limit of open files as far as the system lets a process do by itself, and compares it
/// with what the configuration needs.
///
/// # Errors
/// [`TooFew`], with both numbers.
pub fn allow(config: &Config) -> Result<(), TooFew> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it cannot be raised, what there is may be enough.
    let _ = setrlimit(Resource::Nofile, limit);
    let connections = u64::try_from(config.limits.max_connections).unwrap_or(u64::MAX);
    let needed = connections
        .saturating_add(u64::from(config.database.max_connections))
        .saturating_add(BESIDES);
    enough(needed, getrlimit(Resource::Nofile).current)
}

/// No limit allows everything.
const fn enough(needed: u64, limit: Option<u64>) -> Result<(), TooFew> {
    match limit {
        Some(allowed) if allowed < needed => Err(TooFew { needed, allowed }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_open_files_than_connections_are_refused_with_both_numbers() {
        assert_eq!(enough(4080, Some(4080)), Ok(()));
        assert_eq!(enough(4080, None), Ok(()));
        let told = enough(4080, Some(4079)).unwrap_err().to_string();
        for part in ["4080 open files", "allows 4079", "LimitNOFILE=4080"] {
            assert!(told.contains(part), "{told}");
        }
    }
}

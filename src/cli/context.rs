//! What every command shares: where the configuration and the database are, who asks, and when.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::output::Failure;
use crate::clock::Clock;
use crate::config::{Administration, Config, Environment};
use crate::identity::hsa_id::{HsaId, HsaIdGrammar};
use crate::random::Random;
use crate::store::audit::By;
use crate::store::{self, PgConnection, PgPool, logins, people};

/// Where the configuration is looked for.
const DEFAULT_CONFIG: &str = "config/siths-idp.toml";

pub(super) struct Context {
    pub config: Option<PathBuf>,
    pub database_url: Option<String>,
    pub clock: Clock,
    pub random: Random,
    pub environment: Environment,
}

/// The database, and how HSA-ids are read.
pub(super) struct Registry {
    pub pool: PgPool,
    pub grammar: HsaIdGrammar,
}

impl Context {
    /// The file: as told, else by the environment, else where it usually is.
    pub fn config_file(&self) -> Option<PathBuf> {
        let told = self.config.clone();
        let told = told.or_else(|| self.environment.get("SITHS_IDP_CONFIG").map(PathBuf::from));
        told.or_else(|| {
            let usual = Path::new(DEFAULT_CONFIG);
            usual.exists().then(|| usual.to_owned())
        })
    }

    /// The whole configuration.
    pub fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load_with(self.config_file().as_deref(), &self.environment())?)
    }

    /// What is needed for the database alone.
    pub fn administration(&self) -> Result<Administration, Failure> {
        Ok(Administration::load_with(self.config_file().as_deref(), &self.environment())?)
    }

    /// Connects to the database.
    pub async fn registry(&self) -> Result<Registry, Failure> {
        let Administration { database, hsa_id_prefixes } = self.administration()?;
        let pool = store::connect(&database).await?;
        Ok(Registry { pool, grammar: HsaIdGrammar { extra_prefixes: hsa_id_prefixes } })
    }

    /// Who asks, and when.
    pub fn by(&self) -> By<'_> {
        let variable = |name| self.environment.get(name).map(String::as_str);
        let operator = variable("SUDO_USER").or_else(|| variable("USER")).unwrap_or("unknown");
        By { now: self.clock.now(), operator }
    }

    fn environment(&self) -> Environment {
        let mut environment = self.environment.clone();
        if let Some(url) = &self.database_url {
            environment.insert("SITHS_IDP__DATABASE__URL".to_owned(), url.clone());
        }
        environment
    }
}

impl Registry {
    /// A connection of the pool.
    pub async fn connection(
        &self,
    ) -> Result<impl std::ops::DerefMut<Target = PgConnection>, Failure> {
        Ok(self.pool.acquire().await.map_err(store::StoreError::from)?)
    }

    /// An HSA-id, without repeating what is none.
    pub fn hsa_id(&self, text: &str) -> Result<HsaId, Failure> {
        self.grammar.parse(text).map_err(|_| {
            let message = if is_like_personal_number(text) {
                "that looks like a personnummer, which is never registered: give the HSA-id of the \
                 person's card (it is not repeated here)"
            } else {
                "that is no HSA-id: expected SE, ten digits (or 16 and ten), - and letters or digits, \
                 31 characters at most (it is not repeated here)"
            };
            Failure::usage("hsa_id_malformed", message)
        })
    }

    /// The id of a registered person, by id or HSA-id.
    pub async fn person(&self, who: &str, now: DateTime<Utc>) -> Result<Uuid, Failure> {
        let user = if let Ok(id) = who.parse::<Uuid>() {
            let mut connection = self.connection().await?;
            people::by_id(&mut connection, id).await?
        } else {
            let canonical = self.hsa_id(who)?.canonical();
            logins::user_by_hsa_id(&self.pool, &canonical, None, now).await?
        };
        let user = user.ok_or_else(|| Failure::failed("user_unknown", "there is no such user"))?;
        Ok(user.id)
    }
}

/// Whether this may be a personnummer or a samordningsnummer, however it is written.
fn is_like_personal_number(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '+' | ' ')).collect();
    matches!(digits.len(), 10 | 12) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A moment (RFC 3339), or a day: its first moment in UTC.
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let moment = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    moment.map_err(|_| "expected a day, 2026-01-31, or a moment, 2026-01-31T08:00:00+01:00".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personnummer_is_known_however_it_is_written() {
        for text in ["191212121212", "19121212-1212", "121212+1212", "121212 1212"] {
            assert!(is_like_personal_number(text));
        }
        assert!(!is_like_personal_number("SE2321000016-1234"));
    }

    #[test]
    fn days_and_moments_are_read() {
        assert_eq!(moment("2026-01-31").unwrap(), moment("2026-01-31T01:00:00+01:00").unwrap());
        assert!(moment("31/1 2026").is_err());
    }
}

//! A person who may be let in, and one who has been.
//!
//! Must never hold an HSA-id: the user is the id, whichever card was shown.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A registered person, with the roles in force in the one system that was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// What relying parties get as `sub`.
    pub id: Uuid,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// Whether the person is switched on.
    pub enabled: bool,
    /// The first moment of the registration.
    pub valid_from: DateTime<Utc>,
    /// The first moment after the registration; without it, it has no end.
    pub valid_until: Option<DateTime<Utc>>,
    /// Names of the roles in force in the system asked for, in order.
    pub roles: Vec<String>,
}

impl User {
    /// The whole name, as the claim `name` has it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("enabled", &self.enabled)
            .field("valid_from", &self.valid_from)
            .field("valid_until", &self.valid_until)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// A person who is let in: made by [`User::admit`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ActiveUser(User);

impl ActiveUser {
    /// Called by admission, once every check has passed.
    pub(super) const fn admitted(user: User) -> Self {
        Self(user)
    }

    /// What relying parties get as `sub`.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.0.id
    }

    /// First name.
    #[must_use]
    pub fn given_name(&self) -> &str {
        &self.0.given_name
    }

    /// Surname.
    #[must_use]
    pub fn family_name(&self) -> &str {
        &self.0.family_name
    }

    /// The whole name.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Names of the roles in force in the system asked for.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.0.roles
    }
}

impl fmt::Debug for ActiveUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActiveUser").field(&self.0).finish()
    }
}

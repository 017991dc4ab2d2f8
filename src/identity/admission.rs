//! Who is let in: the one decision between a registered person and an active user.
//!
//! Must never be bypassed: nothing else makes an [`ActiveUser`].

use chrono::{DateTime, Utc};

use super::user::{ActiveUser, User};
use crate::error::Code;

/// Whether a role is asked of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleDemand {
    /// At least one role in the relying party's system.
    InSystem,
    /// None: the relying party takes any active user.
    NotNeeded,
}

/// Why a registered person is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionRefusal {
    /// Switched off.
    #[error("the user is disabled")]
    Disabled,
    /// Before or after the dates of the registration.
    #[error("the user is outside the dates of the registration")]
    NotCurrent,
    /// No role in the system.
    #[error("the user has no role in the system")]
    RoleMissing,
}

impl AdmissionRefusal {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Disabled => Code::UserDisabled,
            Self::NotCurrent => Code::UserNotCurrent,
            Self::RoleMissing => Code::RoleMissing,
        }
    }
}

impl User {
    /// Lets the person in at `now`, or says why not: first whether switched on, then the dates, then
    /// the role, so that the refusal told is the one that an administrator must see to first.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn admit(
        self,
        now: DateTime<Utc>,
        role: RoleDemand,
    ) -> Result<ActiveUser, AdmissionRefusal> {
        if !self.enabled {
            return Err(AdmissionRefusal::Disabled);
        }
        let ended = self.valid_until.is_some_and(|end| end <= now);
        if now < self.valid_from || ended {
            return Err(AdmissionRefusal::NotCurrent);
        }
        if role == RoleDemand::InSystem && self.roles.is_empty() {
            return Err(AdmissionRefusal::RoleMissing);
        }
        Ok(ActiveUser::admitted(self))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn user() -> User {
        User {
            id: Uuid::nil(),
            given_name: "Anna".into(),
            family_name: "Björk".into(),
            enabled: true,
            valid_from: at(1_000),
            valid_until: Some(at(2_000)),
            roles: vec!["Handläggare".into()],
        }
    }

    #[test]
    fn dates_include_their_start_and_exclude_their_end() {
        let not_current = Some(AdmissionRefusal::NotCurrent);
        let table = [
            (at(1_000) - MICROSECOND, not_current),
            (at(1_000), None),
            (at(1_000) + MICROSECOND, None),
            (at(2_000) - MICROSECOND, None),
            (at(2_000), not_current),
            (at(2_000) + MICROSECOND, not_current),
        ];
        for (now, refusal) in table {
            assert_eq!(user().admit(now, RoleDemand::InSystem).err(), refusal, "at {now}");
        }
    }

    #[test]
    fn without_an_end_the_registration_never_ends() {
        let open = User { valid_until: None, ..user() };
        assert!(open.clone().admit(at(4_000_000_000), RoleDemand::InSystem).is_ok());
        let early = open.admit(at(999), RoleDemand::InSystem);
        assert_eq!(early.unwrap_err(), AdmissionRefusal::NotCurrent);
    }

    #[test]
    fn without_a_role_only_clients_of_any_user_let_in() {
        let idle = User { roles: vec![], ..user() };
        let refusal = idle.clone().admit(at(1_500), RoleDemand::InSystem).unwrap_err();
        assert_eq!(refusal.code(), Code::RoleMissing);
        assert!(idle.admit(at(1_500), RoleDemand::NotNeeded).is_ok());
    }

    #[test]
    fn disabled_is_told_before_dates_and_dates_before_roles() {
        let wrong_in_all = User { enabled: false, roles: vec![], ..user() };
        let refusal = wrong_in_all.clone().admit(at(0), RoleDemand::InSystem).unwrap_err();
        assert_eq!(refusal.code(), Code::UserDisabled);
        let enabled = User { enabled: true, ..wrong_in_all };
        let refusal = enabled.admit(at(0), RoleDemand::InSystem).unwrap_err();
        assert_eq!(refusal.code(), Code::UserNotCurrent);
    }

    #[test]
    fn debug_output_holds_no_name() {
        let active = user().admit(at(1_500), RoleDemand::InSystem).unwrap();
        let shown = format!("{:?} {active:?}", user());
        assert!(!shown.contains("Anna") && !shown.contains("Björk"));
    }
}

//! Notices of logouts: which relying party has still to be told, and who tells it.
//!
//! Must never let two nodes tell at the same time: a turn is taken by one statement, which moves `try_at`
//! on, and a turn that was lost changes nothing any more.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use crate::audit::Event;

/// A turn at telling a relying party that a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The session: `sid`.
    pub session_id: Uuid,
    /// Whom to tell.
    pub client_id: String,
    /// Whose session it was.
    pub user_id: Uuid,
    /// The how many-th turn this is.
    pub attempts: i32,
}

/// How a notice came to its end.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// The relying party knows.
    Delivered,
    /// It answered that the token is invalid, or that it cannot log out (Back-Channel Logout 1.0 §2.8).
    Refused,
    /// It is no longer registered to be told.
    Unregistered,
}

impl Outcome {
    const fn event(self) -> Event {
        match self {
            Self::Delivered => Event::LogoutDelivered,
            Self::Refused => Event::LogoutRefused,
            Self::Unregistered => Event::LogoutGivenUp,
        }
    }
}

/// Takes turns at notices that are due, at most so many; nobody else takes them for the time of `turn`.
/// Clients take turns too, so that one which answers nothing keeps no other waiting.
///
/// # Errors
/// The database failed.
pub async fn take(
    pool: &PgPool,
    now: DateTime<Utc>,
    turn: TimeDelta,
    most: i64,
) -> Result<Vec<Notice>, StoreError> {
    let taken = sqlx::query_as!(
        Notice,
        "with due as (
            select session_id, client_id,
                row_number() over (partition by client_id order by try_at) as place
            from logout_notices
            where try_at <= $1
        )
        update logout_notices
        set try_at = $2, attempts = attempts + 1
        where (session_id, client_id) in (
            select n.session_id, n.client_id
            from logout_notices n
            join due using (session_id, client_id)
            where n.try_at <= $1
            order by due.place, n.try_at
            limit $3
            for update of n skip locked
        )
        returning session_id, client_id, user_id, attempts",
        now,
        now + turn,
        most,
    )
    .fetch_all(pool)
    .await?;
    Ok(taken)
}

/// Ends a notice, with the audit event that tells how.
///
/// # Errors
/// The database failed.
pub async fn settle(
    pool: &PgPool,
    notice: &Notice,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with gone as (
            delete from logout_notices
            where session_id = $1 and client_id = $2
            returning session_id, client_id, user_id, attempts
        )
        insert into audit_events (created_at, event, client_id, user_id, details)
        select $3, $4, client_id, user_id,
            jsonb_build_object('session', session_id, 'attempts', attempts)
        from gone",
        notice.session_id,
        notice.client_id,
        now,
        outcome.event().name(),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Lets a notice be tried again at a moment, unless another took its turn meanwhile.
///
/// # Errors
/// The database failed.
pub async fn postpone(
    pool: &PgPool,
    notice: &Notice,
    try_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update logout_notices
        set try_at = $4
        where session_id = $1 and client_id = $2 and attempts = $3",
        notice.session_id,
        notice.client_id,
        notice.attempts,
        try_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives up what was written before a moment, with an audit event for each; tells how many.
///
/// # Errors
/// The database failed.
pub async fn give_up(
    pool: &PgPool,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "with gone as (
            delete from logout_notices
            where created_at < $1 and try_at <= $2
            returning session_id, client_id, user_id, attempts
        )
        insert into audit_events (created_at, event, client_id, user_id, details)
        select $2, $3, client_id, user_id,
            jsonb_build_object('session', session_id, 'attempts', attempts)
        from gone",
        before,
        now,
        Event::LogoutGivenUp.name(),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

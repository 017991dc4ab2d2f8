//! Logout: whose session is it, and its end.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::sessions::End;
use crate::audit::Event;

/// A session that a browser could log out of.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The person.
    pub user_id: Uuid,
    /// Whether the session that was hinted at is one of this person in this browser.
    pub is_hinted: bool,
}

/// The session of a cookie that nobody has ended, whether or not its time is over, seen with a `sid` that
/// was hinted at.
///
/// # Errors
/// The database failed.
pub async fn standing(
    pool: &PgPool,
    cookie_hash: &[u8; 32],
    hinted: Option<Uuid>,
) -> Result<Option<Standing>, StoreError> {
    let found = sqlx::query_as!(
        Standing,
        r#"select
            s.user_id,
            exists (
                select
                from sessions h
                where h.id = $2
                    and h.user_id = s.user_id
                    and coalesce(h.browser, h.id) = coalesce(s.browser, s.id)
            ) as "is_hinted!"
        from sessions s
        where s.cookie_hash = $1
            and s.ended_at is null"#,
        &cookie_hash[..],
        hinted,
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

/// A logout.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// SHA-256 of the session cookie.
    pub cookie_hash: &'a [u8; 32],
    /// The relying party that asked for it, where one did.
    pub client_id: Option<&'a str>,
    /// The address of the browser.
    pub address: &'a str,
    /// The moment.
    pub now: DateTime<Utc>,
}

/// A client that the person had logged in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedInTo {
    /// `client_id`.
    pub client_id: String,
    /// The last session that it knows: `sid`.
    pub session_id: Uuid,
}

/// Ends the session of a cookie and those of the same person that went before it in the same browser,
/// with all that clients were given by them; tells which clients those are. One statement, whose
/// triggers revoke the grants and write the notices (`migrations/0071_logout_notices.sql`).
///
/// # Errors
/// The database failed.
pub async fn end(pool: &PgPool, leaving: Leaving<'_>) -> Result<Vec<LoggedInTo>, StoreError> {
    let told = sqlx::query_as!(
        LoggedInTo,
        r#"with the_session as (
            select coalesce(s.browser, s.id) as browser, s.user_id
            from sessions s
            where s.cookie_hash = $1
                and s.ended_at is null
        ), ended as (
            update sessions s
            set ended_at = $2, ended_by = $3
            from the_session t
            where (s.id = t.browser or s.browser = t.browser)
                and s.user_id = t.user_id
                and s.ended_at is null
            returning s.id, s.user_id, s.hsa_id, s.created_at
        ), audit as (
            insert into audit_events
                (created_at, event, client_id, user_id, hsa_id, address, details)
            select $2, $4, $5, user_id, min(hsa_id), $6,
                jsonb_build_object('sessions', jsonb_agg(id), 'by', $3::text)
            from ended
            group by user_id
        )
        select distinct on (g.client_id) g.client_id, e.id as session_id
        from ended e
        join grants g on g.session_id = e.id
        order by g.client_id, e.created_at desc"#,
        &leaving.cookie_hash[..],
        leaving.now,
        End::Logout.name(),
        Event::SessionEnded.name(),
        leaving.client_id,
        leaving.address,
    )
    .fetch_all(pool)
    .await?;
    Ok(told)
}

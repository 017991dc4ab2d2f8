//! Sessions: a browser in which a person has shown a card.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use super::columns::loa;
use crate::identity::user::User;
use crate::oidc::code::Authentication;

/// The live session of a cookie, with its person and the roles in force in a system.
///
/// # Errors
/// The database failed.
pub async fn by_cookie(
    pool: &PgPool,
    cookie_hash: &[u8; 32],
    system: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<(Authentication, User)>, StoreError> {
    let row = sqlx::query!(
        r#"select
            s.id as session_id,
            s.hsa_id,
            s.loa,
            s.auth_time,
            s.ended_at,
            u.id,
            u.given_name,
            u.family_name,
            u.enabled,
            u.valid_from,
            u.valid_until,
            roles_in_force(u.id, $2, $3) as "roles!"
        from sessions s
        join users u on u.id = s.user_id
        where s.cookie_hash = $1
            and s.ended_at is null
            and s.expires_at > $3"#,
        &cookie_hash[..],
        system,
        now,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let authentication = Authentication {
            session_id: row.session_id,
            loa: loa("sessions", &row.loa)?,
            auth_time: row.auth_time,
            ended_at: row.ended_at,
            hsa_id: row.hsa_id,
        };
        let user = User {
            id: row.id,
            given_name: row.given_name,
            family_name: row.family_name,
            enabled: row.enabled,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            roles: row.roles,
        };
        Ok((authentication, user))
    })
    .transpose()
}

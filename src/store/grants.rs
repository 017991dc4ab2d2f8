//! Grants: what an access token refers to.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::columns::{loa, scopes, terms};
use super::sessions::ShownCertificate;
use crate::identity::user::User;
use crate::oidc::client::Client;
use crate::oidc::code::{Authentication, Grant};

/// A grant of a client, with its person as registered now, and the certificate that its session rests on;
/// none where the signed access token that names it was revoked.
///
/// # Errors
/// The database failed.
pub async fn by_id(
    pool: &PgPool,
    id: Uuid,
    client: &Client,
    by_token: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<(Grant, Option<ShownCertificate>)>, StoreError> {
    let row = sqlx::query!(
        r#"select
            g.scopes,
            g.nonce,
            g.terms,
            g.revoked_at,
            s.id as session_id,
            s.hsa_id,
            array(
                select as_received
                from hsa_ids
                where hsa_ids.user_id = u.id
                order by canonical
            ) as "all_hsa_ids!",
            s.certificate_not_after,
            s.certificate_issuers,
            s.certificate_serials,
            exists (
                select
                from unnest(s.certificate_issuers, s.certificate_serials) as link (issuer, serial)
                join ocsp_answers o on o.authority = link.issuer and o.serial = link.serial
                where o.revoked_at is not null
            ) as "is_revoked!",
            s.loa,
            s.auth_time,
            s.ended_at,
            u.id,
            u.given_name,
            u.family_name,
            u.enabled,
            u.valid_from,
            u.valid_until,
            roles_in_force(u.id, $3, $4) as "roles!"
        from grants g
        join sessions s on s.id = g.session_id
        join users u on u.id = g.user_id
        where g.id = $1
            and g.client_id = $2
            and not exists (select from revoked_tokens where jti = $5)"#,
        id,
        client.id,
        client.system,
        now,
        by_token,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let certificate = ShownCertificate::read(
            [row.certificate_issuers, row.certificate_serials],
            row.certificate_not_after,
            row.is_revoked,
        );
        let grant = Grant {
            id,
            scopes: scopes(row.scopes)?,
            nonce: row.nonce,
            terms: terms(row.terms)?,
            revoked_at: row.revoked_at,
            authentication: Authentication {
                session_id: row.session_id,
                loa: loa("sessions", &row.loa)?,
                auth_time: row.auth_time,
                ended_at: row.ended_at,
                hsa_id: row.hsa_id,
                all_hsa_ids: row.all_hsa_ids,
                certificate_not_after: row.certificate_not_after,
            },
            user: User {
                id: row.id,
                given_name: row.given_name,
                family_name: row.family_name,
                enabled: row.enabled,
                valid_from: row.valid_from,
                valid_until: row.valid_until,
                roles: row.roles,
            },
        };
        Ok((grant, certificate))
    })
    .transpose()
}

//! Sessions: a browser in which a person has shown a card.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::columns::loa;
use crate::audit::Event;
use crate::identity::user::User;
use crate::named::named;
use crate::oidc::client::Client;
use crate::oidc::code::Authentication;

/// A session with its person.
pub struct Session {
    /// The login that it rests on.
    pub authentication: Authentication,
    /// The person.
    pub user: User,
    /// The certificate that was shown; none where a version before this one wrote the session.
    pub certificate: Option<ShownCertificate>,
    /// Whether the client that asks now is the one whose login began it.
    pub begun_by_client: bool,
}

/// What a session keeps of the certificate that it began with.
#[derive(Clone, Debug)]
pub struct ShownCertificate {
    /// The end of its validity.
    pub not_after: DateTime<Utc>,
    /// Authority (SHA-256 of its key) and serial number: of the certificate, then of the CAs above.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether an OCSP answer that lies in the database says that one of them is revoked.
    pub is_revoked: bool,
}

impl ShownCertificate {
    /// From the columns of a session: issuers and serial numbers, the end of validity, and whether an answer
    /// says that one is revoked.
    pub(super) fn read(
        [issuers, serials]: [Option<Vec<Vec<u8>>>; 2],
        not_after: Option<DateTime<Utc>>,
        is_revoked: bool,
    ) -> Option<Self> {
        let links = issuers?.into_iter().zip(serials?).collect();
        Some(Self { not_after: not_after?, links, is_revoked })
    }
}

named! {
    /// What ends a session before its time.
    pub enum End {
        /// The person, at the logout endpoint.
        Logout = "logout",
        /// The person was switched off.
        Disabled = "disabled",
        /// Somebody else showed a card in the same browser.
        AnotherCard = "another-card",
        /// The card that it rests on was revoked.
        CertificateRevoked = "certificate-revoked",
    }
}

/// When a session is looked at, and how long it may rest unused.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long after its last use a session stands in for no card any more.
    pub idle: TimeDelta,
}

/// The live session of a cookie, with its person and the roles in force in the system of a client.
///
/// # Errors
/// The database failed.
pub async fn by_cookie(
    pool: &PgPool,
    cookie_hash: &[u8; 32],
    client: &Client,
    at: Moment,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query!(
        r#"select
            s.id as session_id,
            s.hsa_id,
            array(
                select as_received
                from hsa_ids
                where hsa_ids.user_id = u.id
                order by canonical
            ) as "all_hsa_ids!",
            s.loa,
            s.auth_time,
            s.ended_at,
            s.certificate_not_after,
            s.certificate_issuers,
            s.certificate_serials,
            exists (
                select
                from unnest(s.certificate_issuers, s.certificate_serials) as link (issuer, serial)
                join ocsp_answers o on o.authority = link.issuer and o.serial = link.serial
                where o.revoked_at is not null
            ) as "is_revoked!",
            exists (
                select
                from grants g
                where g.session_id = s.id
                    and g.client_id = $4
                    and g.created_at = s.created_at
            ) as "begun_by_client!",
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
            and s.expires_at > $3
            and coalesce(s.used_at, s.created_at) > $5"#,
        &cookie_hash[..],
        client.system,
        at.now,
        client.id,
        at.now - at.idle,
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
            all_hsa_ids: row.all_hsa_ids,
            certificate_not_after: row.certificate_not_after,
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
        let certificate = ShownCertificate::read(
            [row.certificate_issuers, row.certificate_serials],
            row.certificate_not_after,
            row.is_revoked,
        );
        Ok(Session { authentication, user, certificate, begun_by_client: row.begun_by_client })
    })
    .transpose()
}

/// Ends a session whose card was revoked, with the audit event that tells of it. What ended it earlier
/// stays.
///
/// # Errors
/// The database failed.
pub async fn end_revoked(
    pool: &PgPool,
    id: Uuid,
    address: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with ended as (
            update sessions
            set ended_at = $2, ended_by = $3
            where id = $1 and ended_at is null
            returning id, user_id, hsa_id
        )
        insert into audit_events (created_at, event, user_id, hsa_id, address, details)
        select $2, $4, user_id, hsa_id, $5,
            jsonb_build_object('sessions', jsonb_build_array(id), 'by', $3::text)
        from ended",
        id,
        now,
        End::CertificateRevoked.name(),
        Event::SessionEnded.name(),
        address,
    )
    .execute(pool)
    .await?;
    Ok(())
}

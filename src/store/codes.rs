//! Authorization codes: redeemed once, by one statement.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use super::columns::{loa, scopes, terms};
use crate::audit::Event;
use crate::identity::user::User;
use crate::oidc::client_auth::AuthenticatedClient;
use crate::oidc::code::{Authentication, Grant, IssuedCode};
use crate::secret::sha256;

/// What came of presenting a code.
#[derive(Debug)]
pub enum Redemption {
    /// It was redeemed, for the first time.
    Fresh(Box<IssuedCode>),
    /// It had been redeemed before: what it gave is revoked now.
    Replayed,
    /// No such code of this client.
    Unknown,
    /// The client assertion had been used before: the code was not touched.
    AssertionReplayed,
}

/// Redeems a code, marks the client's assertion as used, and revokes the grant of a replayed code:
/// one statement, so that of two at once one wins, on one node or on ten.
///
/// # Errors
/// The database failed.
pub async fn redeem(
    pool: &PgPool,
    code: &str,
    by: &AuthenticatedClient,
    address: &str,
    now: DateTime<Utc>,
) -> Result<Redemption, StoreError> {
    let client = &by.client;
    let row = sqlx::query!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $2, $3, $4, $5
            where $3::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $3::bytea is null or exists (select from assertion) as holds
        ), redeemed as (
            update codes
            set redeemed_at = $5
            where hash = $1
                and client_id = $2
                and redeemed_at is null
                and (select holds from proof)
            returning grant_id
        ), revoked as (
            update grants
            set revoked_at = $5
            where id = (select c.grant_id from codes c where c.hash = $1 and c.client_id = $2)
                and revoked_at is null
                and (select holds from proof)
                and not exists (select from redeemed)
            returning id
        ), audit as (
            insert into audit_events
                (created_at, event, client_id, user_id, address, details)
            select
                $5,
                case when exists (select from redeemed) then $7 else $8 end,
                $2,
                g.user_id,
                $9,
                jsonb_build_object('grant', g.id)
            from codes c
            join grants g on g.id = c.grant_id
            where c.hash = $1
                and c.client_id = $2
                and (select holds from proof)
        )
        select
            p.holds as "proof_holds!",
            exists (select from redeemed) as "fresh!",
            (select count(*) from revoked) as revoked_now,
            c.redirect_uri as "redirect_uri?",
            c.code_challenge as "code_challenge?",
            c.expires_at as "expires_at?",
            g.id as "grant_id?",
            g.scopes as "scopes?",
            g.nonce as "nonce?",
            g.terms as "terms?",
            g.revoked_at as "revoked_at?",
            s.id as "session_id?",
            s.hsa_id as "hsa_id?",
            array(
                select as_received
                from hsa_ids
                where hsa_ids.user_id = u.id
                order by canonical
            ) as "all_hsa_ids!",
            s.certificate_not_after as "certificate_not_after?",
            s.loa as "loa?",
            s.auth_time as "auth_time?",
            s.ended_at as "ended_at?",
            u.id as "user_id?",
            u.given_name as "given_name?",
            u.family_name as "family_name?",
            u.enabled as "enabled?",
            u.valid_from as "valid_from?",
            u.valid_until as "valid_until?",
            roles_in_force(u.id, $6, $5) as roles
        from proof p
        left join codes c on c.hash = $1 and c.client_id = $2
        left join grants g on g.id = c.grant_id
        left join sessions s on s.id = g.session_id
        left join users u on u.id = g.user_id"#,
        &sha256(code.as_bytes())[..],
        client.id,
        by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        by.assertion.as_ref().map(|used| used.expires_at),
        now,
        client.system,
        Event::CodeRedeemed.name(),
        Event::CodeReplayed.name(),
        address,
    )
    .fetch_one(pool)
    .await?;
    if !row.proof_holds {
        return Ok(Redemption::AssertionReplayed);
    }
    let Some(grant_id) = row.grant_id else { return Ok(Redemption::Unknown) };
    if !row.fresh {
        return Ok(Redemption::Replayed);
    }
    let missing = || StoreError::Row { table: "codes", column: "grant_id" };
    Ok(Redemption::Fresh(Box::new(IssuedCode {
        redirect_uri: row.redirect_uri.ok_or_else(missing)?,
        code_challenge: row.code_challenge,
        expires_at: row.expires_at.ok_or_else(missing)?,
        grant: Grant {
            id: grant_id,
            scopes: scopes(row.scopes.unwrap_or_default())?,
            nonce: row.nonce,
            terms: terms(row.terms.ok_or_else(missing)?)?,
            revoked_at: row.revoked_at,
            authentication: Authentication {
                session_id: row.session_id.ok_or_else(missing)?,
                loa: loa("sessions", &row.loa.unwrap_or_default())?,
                auth_time: row.auth_time.ok_or_else(missing)?,
                ended_at: row.ended_at,
                hsa_id: row.hsa_id.ok_or_else(missing)?,
                all_hsa_ids: row.all_hsa_ids,
                certificate_not_after: row.certificate_not_after,
            },
            user: User {
                id: row.user_id.ok_or_else(missing)?,
                given_name: row.given_name.ok_or_else(missing)?,
                family_name: row.family_name.ok_or_else(missing)?,
                enabled: row.enabled.ok_or_else(missing)?,
                valid_from: row.valid_from.ok_or_else(missing)?,
                valid_until: row.valid_until,
                roles: row.roles.unwrap_or_default(),
            },
        },
    })))
}

//! A login's two statements: who is it, and this is what came of it.
//!
//! Single use of a ticket is the primary key of `login_attempts`: a second insert changes nothing,
//! and then nothing else of the statement happens either. So it is with a pushed request that was used.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::sessions::End;
use crate::audit::Event;
use crate::error::Code;
use crate::identity::assurance::Loa;
use crate::identity::user::User;
use crate::oidc::request_uri::RequestUriHash;

/// A judged certificate, on its way into the database.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The id of the ticket.
    pub ticket: Uuid,
    /// `error_ref`.
    pub reference: &'a str,
    /// The client that asked.
    pub client_id: &'a str,
    /// What the audit trail keeps of the certificate.
    pub certificate: Option<Value>,
    /// How it was settled whether it is revoked.
    pub revocation: Option<Value>,
    /// The address of the browser.
    pub address: &'a str,
    /// The moment of the decision.
    pub now: DateTime<Utc>,
}

/// Why nobody was let in. It has no `Debug`: it holds an HSA-id.
pub struct Failure<'a> {
    /// The code.
    pub code: Code,
    /// The check that failed, where several share a code.
    pub cause: Option<&'a str>,
    /// The person, where known.
    pub user_id: Option<Uuid>,
    /// The HSA-id on the card, where it is one.
    pub hsa_id: Option<&'a str>,
    /// What the certificate held, sealed.
    pub sealed_submitted_value: Option<Vec<u8>>,
    /// SHA-256 of the session cookie that the browser had: the session ends if it is not that of the
    /// person whose card was shown, or if that card is revoked.
    pub session_cookie_hash: Option<[u8; 32]>,
}

/// What a person who was let in is given.
pub struct Success<'a> {
    /// The session, new for every card.
    pub session: NewSession<'a>,
    /// What the client is given.
    pub grant: NewGrant<'a>,
}

/// A session that begins with this card.
pub struct NewSession<'a> {
    /// Its id: `sid`.
    pub id: Uuid,
    /// SHA-256 of its cookie.
    pub cookie_hash: [u8; 32],
    /// SHA-256 of the cookie that the browser had: another person's session in it ends.
    pub previous_cookie_hash: Option<[u8; 32]>,
    /// The person.
    pub user_id: Uuid,
    /// The HSA-id on the card.
    pub hsa_id: &'a str,
    /// The level of assurance of the card.
    pub loa: Loa,
    /// When the card was shown.
    pub auth_time: DateTime<Utc>,
    /// The end of the session.
    pub expires_at: DateTime<Utc>,
    /// The end of the validity of the certificate.
    pub certificate_not_after: DateTime<Utc>,
    /// Who issued it and the CAs above it, leaf first: SHA-256 of each key.
    pub certificate_issuers: Option<&'a [Vec<u8>]>,
    /// Their serial numbers, in the same order.
    pub certificate_serials: Option<&'a [Vec<u8>]>,
}

/// What a client is given, with the code to fetch it by.
pub struct NewGrant<'a> {
    /// Its id.
    pub id: Uuid,
    /// The scopes granted.
    pub scopes: &'a [String],
    /// The `nonce` of the request.
    pub nonce: Option<&'a str>,
    /// What the request asked for beyond that.
    pub terms: Value,
    /// SHA-256 of the code.
    pub code_hash: [u8; 32],
    /// The redirect URI of the request.
    pub redirect_uri: &'a str,
    /// Its PKCE challenge.
    pub code_challenge: Option<&'a str>,
    /// The end of the code.
    pub code_expires_at: DateTime<Utc>,
    /// The pushed request that is used up by the code.
    pub pushed: Option<RequestUriHash>,
}

/// Whether the ticket was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was, and everything was written.
    First,
    /// It was used before, and nothing was written.
    Again {
        /// How it ended then, where it had ended in a failure.
        earlier: Option<Code>,
    },
    /// It was new, but the pushed request had led to a code already, and nothing was written.
    RequestUsed,
}

/// What came of a login that a session was to stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Everything was written.
    Written,
    /// The session ended since it was read: nothing was written.
    SessionEnded,
    /// The pushed request had led to a code already: nothing was written.
    RequestUsed,
}

impl Recorded {
    fn from_row(fresh: bool, earlier: Option<&str>) -> Self {
        if fresh { Self::First } else { Self::Again { earlier: earlier.and_then(Code::by_name) } }
    }
}

/// The person with an HSA-id, with the roles in force in a system (architecture, step 9).
///
/// # Errors
/// The database failed.
pub async fn user_by_hsa_id(
    pool: &PgPool,
    canonical: &str,
    system: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<User>, StoreError> {
    let row = sqlx::query_as!(
        User,
        r#"select
            u.id,
            u.given_name,
            u.family_name,
            u.enabled,
            u.valid_from,
            u.valid_until,
            roles_in_force(u.id, $2, $3) as "roles!"
        from hsa_ids h
        join users u on u.id = h.user_id
        where h.canonical = $1"#,
        canonical,
        system,
        now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row)
}

/// Writes a login that let nobody in.
///
/// # Errors
/// The database failed.
pub async fn record_failure(
    pool: &PgPool,
    attempt: &Attempt<'_>,
    failure: &Failure<'_>,
) -> Result<Recorded, StoreError> {
    let details = serde_json::json!({
        "code": failure.code.name(),
        "cause": failure.cause,
        "certificate": attempt.certificate,
        "revocation": attempt.revocation,
    });
    // A revoked card ends the session in its browser, whosever it is.
    let end = match failure.code {
        Code::CertificateRevoked => End::CertificateRevoked,
        _ => End::AnotherCard,
    };
    let row = sqlx::query!(
        r#"with attempt as (
            insert into login_attempts
                (id, ref, client_id, code, user_id, hsa_id, sealed_submitted_value, certificate, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (id) do nothing
            returning id
        ), before as (
            select coalesce(s.browser, s.id) as browser
            from sessions s
            where s.cookie_hash = $13
        ), ended as (
            update sessions s
            set ended_at = $9, ended_by = $14
            from before b
            where (s.id = b.browser or s.browser = b.browser)
                and s.ended_at is null
                and ($15 or (upper(s.hsa_id) <> upper($6) and s.user_id is distinct from $5))
                and exists (select from attempt)
        ), audit as (
            insert into audit_events
                (created_at, event, ref, client_id, user_id, hsa_id, address, details)
            select $9, $10, $2, $3, $5, $6, $11, $12
            from attempt
        )
        select
            exists (select from attempt) as "fresh!",
            (select a.code from login_attempts a where a.id = $1) as earlier"#,
        attempt.ticket,
        attempt.reference,
        attempt.client_id,
        failure.code.name(),
        failure.user_id,
        failure.hsa_id,
        failure.sealed_submitted_value,
        attempt.certificate,
        attempt.now,
        Event::LoginFailed.name(),
        attempt.address,
        details,
        failure.session_cookie_hash.as_ref().map(<[u8; 32]>::as_slice),
        end.name(),
        end == End::CertificateRevoked,
    )
    .fetch_one(pool)
    .await?;
    Ok(Recorded::from_row(row.fresh, row.earlier.as_deref()))
}

/// How a ticket ended that was used before and let nobody in.
///
/// # Errors
/// The database failed.
pub async fn earlier_failure(pool: &PgPool, ticket: Uuid) -> Result<Option<Code>, StoreError> {
    let code = sqlx::query_scalar!("select code from login_attempts where id = $1", ticket)
        .fetch_optional(pool)
        .await?;
    Ok(code.flatten().as_deref().and_then(Code::by_name))
}

/// Writes a login that let a person in: session, attempt, grant, code and audit event, or nothing
/// (architecture, step 11).
///
/// # Errors
/// The database failed.
pub async fn record_success(
    pool: &PgPool,
    attempt: &Attempt<'_>,
    success: &Success<'_>,
) -> Result<Recorded, StoreError> {
    let Success { session, grant } = success;
    let details = serde_json::json!({
        "certificate": attempt.certificate,
        "revocation": attempt.revocation,
        "session": session.id,
        "grant": grant.id,
        "loa": session.loa,
    });
    let row = sqlx::query!(
        r#"with pushed as (
            update pushed_requests
            set used_at = $7
            where hash = $28
                and client_id = $3
                and used_at is null
            returning hash
        ), attempt as (
            insert into login_attempts
                (id, ref, client_id, code, user_id, hsa_id, certificate, created_at)
            select $1, $2, $3, null, $4, $5, $6, $7
            where $28::bytea is null
                or exists (select from pushed)
            on conflict (id) do nothing
            returning id
        ), before as (
            select coalesce(s.browser, s.id) as browser, s.user_id
            from sessions s
            where s.cookie_hash = $8
        ), ended as (
            update sessions s
            set ended_at = $7, ended_by = $29
            from before b
            where (s.id = b.browser or s.browser = b.browser)
                and s.ended_at is null
                and s.user_id <> $4
                and exists (select from attempt)
        ), the_session as (
            insert into sessions
                (id, cookie_hash, user_id, hsa_id, loa, auth_time, expires_at, created_at, used_at,
                browser, certificate_not_after, certificate_issuers, certificate_serials)
            select $9, $10, $4, $5, $11, $12, $13, $7, $7,
                coalesce((select b.browser from before b where b.user_id = $4), $9),
                $24, $25, $26
            from attempt
            returning id
        ), the_grant as (
            insert into grants
                (id, session_id, client_id, user_id, scopes, nonce, created_at, terms)
            select $14, s.id, $3, $4, $15, $16, $7, $27
            from the_session s
            returning id
        ), the_code as (
            insert into codes
                (hash, grant_id, client_id, redirect_uri, code_challenge, expires_at, created_at)
            select $17, g.id, $3, $18, $19, $20, $7
            from the_grant g
            returning hash
        ), audit as (
            insert into audit_events
                (created_at, event, ref, client_id, user_id, hsa_id, address, details)
            select $7, $21, $2, $3, $4, $5, $22, $23
            from attempt
        )
        select
            exists (select from the_code) as "fresh!",
            exists (select from login_attempts a where a.id = $1) as "ticket_used!",
            (select a.code from login_attempts a where a.id = $1) as earlier"#,
        attempt.ticket,
        attempt.reference,
        attempt.client_id,
        session.user_id,
        session.hsa_id,
        attempt.certificate,
        attempt.now,
        session.previous_cookie_hash.as_ref().map(<[u8; 32]>::as_slice),
        session.id,
        &session.cookie_hash[..],
        session.loa.name(),
        session.auth_time,
        session.expires_at,
        grant.id,
        grant.scopes,
        grant.nonce,
        &grant.code_hash[..],
        grant.redirect_uri,
        grant.code_challenge,
        grant.code_expires_at,
        Event::LoginSucceeded.name(),
        attempt.address,
        details,
        session.certificate_not_after,
        session.certificate_issuers,
        session.certificate_serials,
        grant.terms,
        grant.pushed.as_ref().map(|hash| &hash.0[..]),
        End::AnotherCard.name(),
    )
    .fetch_one(pool)
    .await?;
    if !row.fresh && !row.ticket_used && grant.pushed.is_some() {
        return Ok(Recorded::RequestUsed);
    }
    Ok(Recorded::from_row(row.fresh, row.earlier.as_deref()))
}

/// Writes a login that a session stood in for: the session was used, grant, code and audit event; or
/// nothing of it.
///
/// # Errors
/// The database failed.
pub async fn record_continued(
    pool: &PgPool,
    attempt: &Attempt<'_>,
    session_id: Uuid,
    user_id: Uuid,
    grant: &NewGrant<'_>,
) -> Result<Continuation, StoreError> {
    let details = serde_json::json!({ "session": session_id, "grant": grant.id });
    let row = sqlx::query!(
        r#"with the_session as (
            select s.id
            from sessions s
            where s.id = $2 and s.ended_at is null
            for update
        ), pushed as (
            update pushed_requests
            set used_at = $7
            where hash = $17
                and client_id = $3
                and used_at is null
                and exists (select from the_session)
            returning hash
        ), used as (
            update sessions
            set used_at = $7
            where id = (select id from the_session)
                and ($17::bytea is null or exists (select from pushed))
            returning id
        ), the_grant as (
            insert into grants
                (id, session_id, client_id, user_id, scopes, nonce, created_at, terms)
            select $1, u.id, $3, $4, $5, $6, $7, $16
            from used u
            returning id
        ), the_code as (
            insert into codes
                (hash, grant_id, client_id, redirect_uri, code_challenge, expires_at, created_at)
            select $8, g.id, $3, $9, $10, $11, $7
            from the_grant g
        ), audit as (
            insert into audit_events
                (created_at, event, ref, client_id, user_id, address, details)
            select $7, $12, $13, $3, $4, $14, $15
            from the_grant
        )
        select
            exists (select from the_session) as "stands!",
            exists (select from used) as "written!""#,
        grant.id,
        session_id,
        attempt.client_id,
        user_id,
        grant.scopes,
        grant.nonce,
        attempt.now,
        &grant.code_hash[..],
        grant.redirect_uri,
        grant.code_challenge,
        grant.code_expires_at,
        Event::LoginContinued.name(),
        attempt.reference,
        attempt.address,
        details,
        grant.terms,
        grant.pushed.as_ref().map(|hash| &hash.0[..]),
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.stands, row.written) {
        (false, _) => Continuation::SessionEnded,
        (true, false) => Continuation::RequestUsed,
        (true, true) => Continuation::Written,
    })
}

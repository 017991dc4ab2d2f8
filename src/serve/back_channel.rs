//! Relying parties are told of logouts (OpenID Connect Back-Channel Logout 1.0 §2.5), by whichever node
//! comes first, until they know it or are given up.
//!
//! What is to be told lies in the outbox (`store::logout_notices`), so that a node may die at any moment.
//! Must never let a logout token into a log, nor follow where a relying party leads.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use crate::config::Logout;
use crate::fetch::{FetchFault, Fetcher};
use crate::oidc::client::Client;
use crate::oidc::logout::token::LogoutNotice;
use crate::state::{App, BackChannel};
use crate::store::StoreError;
use crate::store::logout_notices::{self, Notice, Outcome};

/// How often it is looked for notices without being told: retries, and what a dead node left.
const UNTOLD: Duration = Duration::from_secs(5);

/// How many relying parties are told at once.
const AT_ONCE: i64 = 16;

/// For how long nobody else takes a turn that was taken: longer than any try takes.
pub const TURN: TimeDelta = TimeDelta::seconds(60);

/// How long after the first failure it is tried again; it doubles with each, up to [`SELDOM`].
const SOON: TimeDelta = TimeDelta::seconds(10);
/// The longest between two tries.
const SELDOM: TimeDelta = TimeDelta::minutes(30);

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);

/// Why relying parties cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum BackChannelFault {
    /// A file of `logout.authorities`.
    #[error("logout.authorities: {file}: {error}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What is in them.
    #[error("logout.authorities: {0}")]
    Authorities(FetchFault),
}

/// How the configuration says that relying parties are told.
///
/// # Errors
/// [`BackChannelFault`]: authorities that cannot be read. A machine that believes none is warned of, because it
/// matters only where a relying party wants to be told.
pub fn of(config: &Logout) -> Result<BackChannel, BackChannelFault> {
    let read = |file: &PathBuf| {
        std::fs::read(file).map_err(|error| BackChannelFault::File { file: file.clone(), error })
    };
    let authorities = config.authorities.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let fetcher = match Fetcher::by_https(&config.private_networks, CONNECT, &authorities) {
        Err(error) if authorities.is_empty() => {
            tracing::warn!(%error, "no server is believed: relying parties cannot be told of logouts");
            Fetcher::new(&config.private_networks, CONNECT, &[])
        }
        made => made,
    };
    Ok(BackChannel {
        fetcher: fetcher.map_err(BackChannelFault::Authorities)?,
        keep_trying: config.keep_trying,
        timeout: config.timeout.to_std().unwrap_or_default(),
        told: tokio::sync::Notify::new(),
    })
}

/// Tells relying parties until the task is ended.
pub async fn keep_telling(app: &App) {
    loop {
        if let Err(error) = tell_due(app).await {
            tracing::warn!(%error, "notices of logouts could not be read; they are tried again");
        }
        let _ = timeout(UNTOLD, app.back_channel.told.notified()).await;
    }
}

/// Tells whoever is to be told by now, and gives up who was away for too long.
///
/// # Errors
/// The database failed.
pub async fn tell_due(app: &App) -> Result<(), StoreError> {
    loop {
        let now = app.clock.now();
        let given_up = logout_notices::give_up(&app.pool, now - app.back_channel.keep_trying, now);
        match given_up.await? {
            0 => {}
            notices => tracing::error!(notices, "relying parties were not told of logouts"),
        }
        let taken = logout_notices::take(&app.pool, now, TURN, AT_ONCE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        let mut telling = JoinSet::new();
        for notice in taken {
            let app = app.clone();
            telling.spawn(async move { tell(&app, &notice).await });
        }
        while let Some(told) = telling.join_next().await {
            told.unwrap_or(Ok(()))?;
        }
    }
}

async fn tell(app: &App, notice: &Notice) -> Result<(), StoreError> {
    let outcome = match send(app, notice).await {
        Ok(outcome) => outcome,
        Err(fault) => {
            let (client, attempts) = (&notice.client_id, notice.attempts);
            tracing::warn!(%client, attempts, %fault, "a relying party was not told of a logout");
            let try_at = app.clock.now() + pause(attempts);
            return logout_notices::postpone(&app.pool, notice, try_at).await;
        }
    };
    tracing::info!(client = %notice.client_id, ?outcome, "a relying party was told of a logout");
    logout_notices::settle(&app.pool, notice, outcome, app.clock.now()).await
}

/// Why a relying party was not told this time.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("this node does not know the client yet")]
    Unknown,
    #[error("the token cannot be signed")]
    Signing,
    #[error("{0}")]
    Fetch(#[from] FetchFault),
    #[error("answered with status {0}")]
    Status(u16),
}

async fn send(app: &App, notice: &Notice) -> Result<Outcome, Fault> {
    // Added on another node a moment ago, perhaps; a client that is gone takes its notices with it.
    let client = app.client(&notice.client_id).ok_or(Fault::Unknown)?;
    let Some(address) = &client.metadata.backchannel_logout_uri else {
        return Ok(Outcome::Unregistered);
    };
    let address = Url::parse(address).map_err(|_| FetchFault::Address)?;
    let content = body(app, notice, &client).ok_or(Fault::Signing)?;
    let fetcher = &app.back_channel.fetcher;
    let content_type = "application/x-www-form-urlencoded";
    match fetcher.notify(&address, content_type, content, app.back_channel.timeout).await? {
        // §2.8: some frameworks substitute 204.
        200 | 204 => Ok(Outcome::Delivered),
        // §2.8: the token is invalid, or the logout failed: the same again is no better.
        400 => Ok(Outcome::Refused),
        status => Err(Fault::Status(status)),
    }
}

/// The form (§2.5), with a token that is signed for this try.
fn body(app: &App, notice: &Notice, client: &Client) -> Option<Vec<u8>> {
    let now = app.clock.now();
    let registry = app.registry.load();
    let key = registry.keyring.at(now).signing(client.signing_alg)?;
    let sub = app.subject(client, notice.user_id);
    let notice =
        LogoutNotice { issuer: &app.issuer, client, sub: &sub, session_id: notice.session_id, now };
    let token = notice.sign(key, app.random.uuid(now)).ok()?;
    Some(format!("logout_token={token}").into_bytes())
}

/// How long it is waited after so many tries.
fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts).unwrap_or(0).saturating_sub(1).min(16);
    (SOON * (1 << doublings)).min(SELDOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_that_is_away_is_tried_more_and_more_seldom() {
        let seconds: Vec<i64> = (1..=10).map(|attempts| pause(attempts).num_seconds()).collect();
        assert_eq!(seconds, [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]);
        assert_eq!(pause(i32::MAX), SELDOM);
    }
}

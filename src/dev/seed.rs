//! The people, roles and relying party of a throw-away installation, through the same functions as
//! the administrators' commands.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use super::pki::{Pki, Registration, zoo};
use crate::identity::hsa_id::HsaId;
use crate::keys::SigningAlg;
use crate::oidc::client::{Client, ClientAuthentication, Pkce, SignOn, ToldFirst};
use crate::oidc::client_metadata::ClientMetadata;
use crate::oidc::scope::Scope;
use crate::random::Random;
use crate::secret::sha256;
use crate::store::audit::By;
use crate::store::people::{self, NewPerson};
use crate::store::roles::{self, NewGrant, SystemRole};
use crate::store::{self, PgConnection, PgPool, clients};

/// The system that people have roles in.
pub const SYSTEM: &str = "SYMFONI";
/// `client_id` of Demo-Symfoni.
pub const CLIENT_ID: &str = "demo-symfoni";
/// `client_id` of the system that authenticates by its certificate.
pub const SYSTEM_CLIENT_ID: &str = "demo-system";
/// The subject of the PKI's function certificate, as RFC 4514 writes it.
pub const FUNCTION_SUBJECT: &str = "serialNumber=SE2321000222-DEVB,CN=journal.region.example,\
                                    O=Region Testbotten,L=Västerbottens län,C=SE";

/// Whether a database holds no people but those of the PKI: then it is nobody's, and may be seeded.
///
/// # Errors
/// With how many others there are; or the database failed.
pub async fn holds_nobody_else(pool: &PgPool, pki: &Pki) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let registered = match store::people::list(&mut connection).await {
        Err(error) if error.is_unmigrated() => return Ok(()),
        registered => registered?,
    };
    let ours: BTreeSet<String> = pki
        .people()
        .iter()
        .filter_map(|person| person.hsa_id)
        .chain([zoo::HOLDER_SE16])
        .filter_map(|hsa_id| hsa_id.parse().ok())
        .map(|hsa_id: HsaId| hsa_id.canonical())
        .collect();
    let is_ours = |hsa_id: &String| ours.contains(&hsa_id.to_ascii_uppercase());
    let others = registered
        .iter()
        .filter(|person| person.hsa_ids.is_empty() || !person.hsa_ids.iter().all(is_ours))
        .count();
    anyhow::ensure!(
        others == 0,
        "the database holds people whom dev did not make ({others}): dev writes made-up people and a \
         relying party, so give it a database of its own"
    );
    Ok(())
}

/// Registers the people of the PKI, with their roles, switched on or off as each is meant to be.
///
/// # Errors
/// The database failed.
pub async fn people(
    pool: &PgPool,
    pki: &Pki,
    random: &Random,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    for person in pki.people() {
        let names = (person.given_name, person.surname);
        register(&mut connection, names, person.hsa_id, person.registration, (random, now))
            .await
            .with_context(|| format!("registering {}", person.name))?;
    }
    let registration = Registration::Active { roles: &["Handläggare"] };
    let holder = ("Anna", "Testsson");
    register(&mut connection, holder, Some(zoo::HOLDER_SE16), registration, (random, now)).await
}

async fn register(
    connection: &mut PgConnection,
    (given_name, surname): (&str, &str),
    hsa_id: Option<&str>,
    registration: Registration,
    (random, now): (&Random, DateTime<Utc>),
) -> anyhow::Result<()> {
    let by = By { now, operator: "dev" };
    let Some(hsa_id) = hsa_id.and_then(|text| text.parse::<HsaId>().ok()) else {
        return Ok(());
    };
    let is_over = matches!(registration, Registration::NotCurrent);
    let roles: &[&str] = match registration {
        Registration::Unknown => return Ok(()),
        Registration::Active { roles } => roles,
        Registration::NoRole => &[],
        Registration::Disabled | Registration::NotCurrent => &["Handläggare"],
    };
    let new = NewPerson {
        given_name: given_name.to_owned(),
        family_name: surname.to_owned(),
        hsa_ids: vec![hsa_id],
        // From the beginning of the day, so that registering twice is the same registration.
        valid_from: Some(day(now) - TimeDelta::days(30)),
        valid_until: is_over.then(|| day(now) - TimeDelta::days(1)),
        renames: true,
    };
    let id = people::register(connection, by, random.uuid(now), &new).await?.id();
    for role in roles {
        let role = SystemRole { system: SYSTEM.to_owned(), role: (*role).to_owned() };
        roles::add(connection, by, &role, Some("Symfoni")).await?;
        let grant = NewGrant { user_id: id, role, valid_from: None, valid_until: None };
        roles::grant(connection, by, random.uuid(now), &grant).await?;
    }
    if matches!(registration, Registration::Disabled) {
        people::disable(connection, by, id).await?;
    }
    Ok(())
}

fn day(now: DateTime<Utc>) -> DateTime<Utc> {
    now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Demo-Symfoni as it is registered.
#[must_use]
pub fn demo_client(redirect_uri: &str, secret: &str) -> Client {
    Client {
        id: CLIENT_ID.to_owned(),
        name: "Demo-Symfoni".to_owned(),
        system: Some(SYSTEM.to_owned()),
        enabled: true,
        authentication: ClientAuthentication::SecretBasic { hash: sha256(secret.as_bytes()) },
        redirect_uris: vec![redirect_uri.to_owned()],
        scopes: BTreeSet::from([
            Scope::OpenId,
            Scope::Profile,
            Scope::EmployeeHsaId,
            Scope::SystemRole,
        ]),
        system_scopes: BTreeSet::new(),
        signing_alg: SigningAlg::Es256,
        pkce: Pkce::Required,
        sign_on: SignOn::Card,
        required_loa: None,
        told_first: ToldFirst::Catalogue,
        jwks: None,
        metadata: ClientMetadata::default(),
    }
}

/// The system that authenticates by the function certificate of the PKI (RFC 8705 §2.1).
#[must_use]
pub fn demo_system(redirect_uri: &str) -> Client {
    Client {
        id: SYSTEM_CLIENT_ID.to_owned(),
        name: "Demo-system".to_owned(),
        authentication: ClientAuthentication::TlsClientAuth,
        metadata: ClientMetadata {
            tls_client_auth_subject_dn: Some(FUNCTION_SUBJECT.to_owned()),
            tls_client_certificate_bound_access_tokens: true,
            ..ClientMetadata::default()
        },
        ..demo_client(redirect_uri, "")
    }
}

/// Registers a relying party; `SYSTEM` is there already.
///
/// # Errors
/// The database failed.
pub async fn client(pool: &PgPool, client: &Client, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let by = By { now, operator: "dev" };
    match clients::by_id(&mut connection, &client.id).await? {
        Some(_) => clients::update(&mut connection, by, client).await?,
        None => clients::add(&mut connection, by, client).await?,
    }
    Ok(())
}

//! `siths-idp clients add`: registers a relying party, and makes its secret.
//!
//! Must never keep a secret: it is written once, and its SHA-256 stored.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::metadata::MetadataOptions;
use super::{Context, Failure, Report};
use crate::identity::assurance::Loa;
use crate::keys::alg::SigningAlg;
use crate::keys::public_jwk;
use crate::oidc::client::{AuthMethod, Client, ClientAuthentication, Pkce, SignOn, ToldFirst};
use crate::oidc::client_metadata::{ClientMetadata, GrantType, RefreshTokens};
use crate::oidc::redirect_uri::RedirectUri;
use crate::oidc::registration;
use crate::oidc::scope::Scope;
use crate::oidc::system_scope::{NoSystemScope, SystemScope};
use crate::pki::public_key;
use crate::secret::sha256;
use crate::store::clients;

#[derive(Args)]
#[command(group(ArgGroup::new("users").args(["system", "any_user"])))]
pub(in crate::cli) struct Add {
    /// The client_id
    id: String,
    /// What people read on pages
    #[arg(long)]
    name: String,
    /// Where answers may go, to the letter; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// The system whose roles are asked for and told
    #[arg(long)]
    system: Option<String>,
    /// Any active user may log in, and no roles are told
    #[arg(long)]
    any_user: bool,
    /// How it authenticates: one of token_endpoint_auth_methods_supported
    #[arg(long, value_name = "METHOD", default_value = "client_secret_basic")]
    auth: AuthMethod,
    /// The public keys, as a JWK set
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    jwks_file: Option<PathBuf>,
    /// The public key, as PEM
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// What its tokens are signed with: ES256, ES384, PS256, RS256 or EdDSA
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    signing_alg: SigningAlg,
    /// required or optional
    #[arg(long, value_name = "RULE", default_value = "required")]
    pkce: Pkce,
    /// card (every login) or session
    #[arg(long, value_name = "BY", default_value = "card")]
    sign_on: SignOn,
    /// A scope it may ask for: of people, or one of your own for client_credentials; repeat for more
    /// [default: all of people that fit]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<AnyScope>,
    /// loa2 or loa3: the lowest level of assurance that it takes
    #[arg(long, value_name = "LOA")]
    require_loa: Option<Loa>,
    /// catalogue or person: who is told first of a failed login
    #[arg(long, value_name = "WHO", default_value = "catalogue")]
    told_first: ToldFirst,
    #[command(flatten)]
    metadata: MetadataOptions,
    /// Write the secret to a new file that only you can read, and not to the terminal
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Make another secret; the one before stops working
    #[arg(long)]
    new_secret: bool,
    /// Change the facts of a client that is registered
    #[arg(long)]
    update: bool,
}

pub(super) async fn run(add: Add, context: &Context) -> Result<Report, Failure> {
    let keys = keys(&add)?;
    let has_secret =
        matches!(add.auth, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
    if !has_secret && (add.new_secret || add.secret_file.is_some()) {
        let message = format!("a client with {} has no secret", add.auth);
        return Err(Failure::usage("usage", message));
    }
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let before = clients::by_id(&mut connection, &add.id).await?;
    let kept = before.as_ref().and_then(|client| client.authentication.secret_hash().copied());
    let makes_secret = has_secret && (kept.is_none() || add.new_secret);
    let enabled = before.as_ref().is_none_or(|client| client.enabled);
    let mut client = client(&add, enabled, authentication(add.auth, kept), keys)?;
    registration::check(&client)
        .map_err(|fault| Failure::usage("client_refused", fault.to_string()))?;
    if let Some(before) = &before {
        let differing = differing(before, &client);
        if differing.is_empty() && !makes_secret {
            return Ok(report(&client, "exists", Secret::None));
        }
        if !differing.is_empty() && !add.update {
            let message = format!(
                "client {} is registered with another {}: nothing was changed; --update changes it",
                add.id,
                differing.join(", "),
            );
            return Err(Failure::failed("client_differs", message));
        }
    }
    let mut secret = Secret::None;
    if makes_secret {
        let token = context.random.token();
        let hash = sha256(token.as_bytes());
        client.authentication = authentication(add.auth, Some(hash));
        secret = match &add.secret_file {
            // Before it is stored: a secret that cannot be handed over must not be in force.
            Some(path) => write_secret(path, &token).map(|()| Secret::File(path.clone()))?,
            None => Secret::Shown(token),
        };
    }
    let by = context.by();
    let (written, outcome) = match before {
        None => (clients::add(&mut connection, by, &client).await, "added"),
        Some(_) => (clients::update(&mut connection, by, &client).await, "updated"),
    };
    if let (Err(_), Secret::File(path)) = (&written, &secret) {
        let _ = fs::remove_file(path);
    }
    written?;
    Ok(report(&client, outcome, secret))
}

/// The public keys that are given by value.
fn keys(add: &Add) -> Result<Option<Value>, Failure> {
    let refused = |path: &Path, fault: &dyn std::fmt::Display| {
        Failure::usage("public_key_refused", format!("{}: {fault}", path.display()))
    };
    let read = |path: &Path| fs::read(path).map_err(|error| refused(path, &error));
    let (path, keys) = if let Some(path) = &add.jwks_file {
        let keys = serde_json::from_slice(&read(path)?).map_err(|error| refused(path, &error))?;
        (path, keys)
    } else if let Some(path) = &add.public_key {
        let key = public_key::from_pem(&read(path)?).map_err(|fault| refused(path, &fault))?;
        (path, json!({ "keys": [key] }))
    } else {
        return Ok(None);
    };
    public_jwk::check_set(&keys).map_err(|fault| refused(path, &fault))?;
    Ok(Some(keys))
}

fn client(
    add: &Add,
    enabled: bool,
    authentication: ClientAuthentication,
    jwks: Option<Value>,
) -> Result<Client, Failure> {
    let metadata = add.metadata.read()?;
    let mut redirect_uris = BTreeSet::new();
    for text in &add.redirect_uris {
        let uri = RedirectUri::parse(text)
            .map_err(|fault| Failure::usage("redirect_uri_refused", format!("{text}: {fault}")))?;
        redirect_uris.insert(uri.to_string());
    }
    Ok(Client {
        id: add.id.clone(),
        name: add.name.trim().to_owned(),
        system: add.system.clone(),
        enabled,
        authentication,
        redirect_uris: redirect_uris.into_iter().collect(),
        scopes: scopes(add, &metadata)?,
        system_scopes: add.scopes.iter().filter_map(AnyScope::of_a_system).collect(),
        signing_alg: add.signing_alg,
        pkce: add.pkce,
        sign_on: add.sign_on,
        required_loa: add.require_loa,
        told_first: add.told_first,
        jwks,
        metadata,
    })
}

/// The scopes of people. Of a client that people log in to always `openid`; `systemRole` only with a system,
/// `offline_access` only where it is registered for that.
fn scopes(add: &Add, metadata: &ClientMetadata) -> Result<BTreeSet<Scope>, Failure> {
    let named: BTreeSet<Scope> = add.scopes.iter().filter_map(AnyScope::of_a_person).collect();
    if !metadata.may_use(GrantType::AuthorizationCode) {
        return match named.first() {
            Some(scope) => {
                let message = format!("nobody logs in to this client: it gets no scope {scope}");
                Err(Failure::usage("usage", message))
            }
            None => Ok(BTreeSet::new()),
        };
    }
    if !add.any_user && add.system.is_none() {
        let message = "people log in to this client: name its --system, or take --any-user";
        return Err(Failure::usage("usage", message));
    }
    if add.any_user && named.contains(&Scope::SystemRole) {
        let message = "--any-user is told no roles: name a --system for the scope systemRole";
        return Err(Failure::usage("usage", message));
    }
    let fits = |scope: &Scope| match scope {
        Scope::SystemRole => !add.any_user,
        Scope::OfflineAccess => metadata.refresh_tokens == RefreshTokens::Offline,
        Scope::OpenId | Scope::Profile | Scope::EmployeeHsaId | Scope::NaturalPersonInfo => true,
    };
    let all = || Scope::ALL.into_iter().filter(fits).collect();
    let asked = if named.is_empty() { all() } else { named };
    Ok(asked.into_iter().chain([Scope::OpenId]).collect())
}

/// A scope of people, or of systems.
#[derive(Clone, Debug)]
enum AnyScope {
    Person(Scope),
    System(SystemScope),
}

impl FromStr for AnyScope {
    type Err = NoSystemScope;

    fn from_str(text: &str) -> Result<Self, NoSystemScope> {
        match text.parse() {
            Ok(scope) => Ok(Self::Person(scope)),
            Err(_) => text.parse().map(Self::System),
        }
    }
}

impl AnyScope {
    const fn of_a_person(&self) -> Option<Scope> {
        match self {
            Self::Person(scope) => Some(*scope),
            Self::System(_) => None,
        }
    }

    fn of_a_system(&self) -> Option<SystemScope> {
        match self {
            Self::Person(_) => None,
            Self::System(scope) => Some(scope.clone()),
        }
    }
}

fn authentication(method: AuthMethod, hash: Option<[u8; 32]>) -> ClientAuthentication {
    // Without a hash one is about to be made; no secret has a hash of zeros.
    let hash = hash.unwrap_or_default();
    match method {
        AuthMethod::ClientSecretBasic => ClientAuthentication::SecretBasic { hash },
        AuthMethod::ClientSecretPost => ClientAuthentication::SecretPost { hash },
        AuthMethod::PrivateKeyJwt => ClientAuthentication::PrivateKeyJwt,
        AuthMethod::TlsClientAuth => ClientAuthentication::TlsClientAuth,
        AuthMethod::SelfSignedTlsClientAuth => ClientAuthentication::SelfSignedTlsClientAuth,
        AuthMethod::None => ClientAuthentication::None,
    }
}

/// The options whose values are not those registered.
fn differing(before: &Client, after: &Client) -> Vec<&'static str> {
    let facts = [
        ("name", before.name == after.name),
        ("redirect-uri", before.redirect_uris == after.redirect_uris),
        ("system", before.system == after.system),
        ("auth", before.authentication.method() == after.authentication.method()),
        ("public key", before.jwks == after.jwks),
        ("signing-alg", before.signing_alg == after.signing_alg),
        ("pkce", before.pkce == after.pkce),
        ("sign-on", before.sign_on == after.sign_on),
        ("scope", before.scopes == after.scopes && before.system_scopes == after.system_scopes),
        ("require-loa", before.required_loa == after.required_loa),
        ("told-first", before.told_first == after.told_first),
        ("metadata", before.metadata == after.metadata),
    ];
    facts.into_iter().filter(|(_, same)| !same).map(|(fact, _)| fact).collect()
}

/// Where the secret went.
enum Secret {
    /// None was made.
    None,
    /// To the terminal.
    Shown(String),
    /// To a file.
    File(PathBuf),
}

fn write_secret(path: &Path, secret: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| Failure::failed("secret_file", format!("{}: {error}", path.display())))
}

fn report(client: &Client, outcome: &str, secret: Secret) -> Report {
    let mut json = super::as_json(client);
    json["outcome"] = json!(outcome);
    let mut text = format!("client {}: {outcome}\n", client.id);
    match secret {
        Secret::None => {}
        Secret::Shown(secret) => {
            text += &format!(
                "client_secret: {secret}\nIt is shown this once: only its hash is kept.\n"
            );
            json["client_secret"] = json!(secret);
        }
        Secret::File(path) => {
            text += &format!("client_secret: in {}\n", path.display());
            json["secret_file"] = json!(path);
        }
    }
    Report::new(json, text)
}

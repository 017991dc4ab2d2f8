//! Client metadata on the command line: a file by the names of RFC 7591, and options for the members
//! that are changed most, which stand over the file.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::oidc::client_metadata::{
    AccessTokenFormat, ClientMetadata, GrantType, Profile, RefreshTokens, SubjectType,
};

#[derive(Args)]
pub(super) struct MetadataOptions {
    /// Client metadata by the names of RFC 7591, as JSON; options stand over it
    #[arg(long = "metadata", value_name = "FILE")]
    file: Option<PathBuf>,
    /// oidc, sweden or fapi2: the rules that its requests are held to
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Profile>,
    /// A grant type that it may use; repeat for more
    #[arg(long = "grant-type", value_name = "TYPE")]
    grant_types: Vec<GrantType>,
    /// jwt or opaque: what its access tokens are
    #[arg(long, value_name = "FORMAT")]
    access_token: Option<AccessTokenFormat>,
    /// session or offline: what the life of its refresh tokens is bound to
    #[arg(long, value_name = "RULE")]
    refresh_tokens: Option<RefreshTokens>,
    /// A resource that it may ask tokens for (RFC 8707); repeat for more
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// public or pairwise: its sub
    #[arg(long, value_name = "TYPE")]
    subject_type: Option<SubjectType>,
    /// The names that claims go by: standard, inera, oidc-se or one of the configuration's
    #[arg(long, value_name = "NAME")]
    claim_profile: Option<String>,
    /// Where its public keys are, in place of keys by value
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// Its tokens are bound to a key by DPoP
    #[arg(long)]
    dpop: bool,
    /// Where browsers may be sent after a logout; repeat for more
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens go
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// An origin whose scripts may call token and UserInfo; repeat for more
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
}

impl MetadataOptions {
    /// What the file says, and what options say over it.
    pub(super) fn read(&self) -> Result<ClientMetadata, Failure> {
        let mut metadata = self.file()?;
        let put = |member: &mut Option<String>, option: &Option<String>| {
            if option.is_some() {
                member.clone_from(option);
            }
        };
        metadata.profile = self.profile.unwrap_or(metadata.profile);
        metadata.grant_types.extend(&self.grant_types);
        metadata.access_token_format = self.access_token.unwrap_or(metadata.access_token_format);
        metadata.refresh_tokens = self.refresh_tokens.unwrap_or(metadata.refresh_tokens);
        metadata.resources.extend(self.resources.iter().cloned());
        metadata.subject_type = self.subject_type.unwrap_or(metadata.subject_type);
        put(&mut metadata.claim_profile, &self.claim_profile);
        put(&mut metadata.jwks_uri, &self.jwks_uri);
        metadata.dpop_bound_access_tokens |= self.dpop;
        metadata.post_logout_redirect_uris.extend(self.post_logout_redirect_uris.iter().cloned());
        put(&mut metadata.backchannel_logout_uri, &self.backchannel_logout_uri);
        metadata.cors_origins.extend(self.cors_origins.iter().cloned());
        Ok(metadata)
    }

    fn file(&self) -> Result<ClientMetadata, Failure> {
        let Some(path) = &self.file else { return Ok(ClientMetadata::default()) };
        let refused = |fault: &dyn std::fmt::Display| {
            Failure::usage("metadata_refused", format!("{}: {fault}", path.display()))
        };
        let document = fs::read(path).map_err(|error| refused(&error))?;
        serde_json::from_slice(&document).map_err(|error| refused(&error))
    }
}

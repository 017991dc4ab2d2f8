//! `[logout]`: how relying parties are told of logouts (OpenID Connect Back-Channel Logout 1.0).

use std::path::PathBuf;

use chrono::TimeDelta;
use ipnet::IpNet;

use super::check::{duration, file_of};
use super::layers::Layers;
use super::raw::RawLogout;
use super::revocation::networks;

/// How relying parties are told of logouts.
#[derive(Clone, Debug)]
pub struct Logout {
    /// For how long a relying party that is away is tried again.
    pub keep_trying: TimeDelta,
    /// How long one try may take.
    pub timeout: TimeDelta,
    /// PEM files of the authorities that vouch for relying parties' servers, in place of the machine's.
    pub authorities: Vec<PathBuf>,
    /// Inner networks that relying parties may be in.
    pub private_networks: Vec<IpNet>,
}

pub(super) fn logout(raw: &RawLogout, at: &mut Layers) -> Logout {
    let authorities = raw.authorities.iter();
    Logout {
        keep_trying: duration("logout.keep_trying", &raw.keep_trying, ("1m", "7d"), at),
        timeout: duration("logout.timeout", &raw.timeout, ("1s", "30s"), at),
        authorities: authorities.map(|file| file_of("logout.authorities", file, at)).collect(),
        private_networks: networks("logout.private_networks", &raw.private_networks, at),
    }
}

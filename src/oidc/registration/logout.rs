//! What may be registered for logouts.

use url::Url;

use super::{Checked, RegistrationFault, refuse};
use crate::oidc::client::Client;
use crate::oidc::client_metadata::ClientMetadata;
use crate::oidc::redirect_uri::RedirectUri;

/// The rules of RP-Initiated, Back-Channel and Front-Channel Logout 1.0.
pub(super) fn check(client: &Client) -> Checked {
    let metadata = &client.metadata;
    post_logout_redirect_uris_are_addresses(metadata)?;
    back_channel_is_by_https(metadata)?;
    front_channel_is_by_https(metadata)?;
    front_channel_is_of_a_redirect_uri(client)?;
    sessions_are_required_of_something(metadata)
}

// RP-Initiated Logout 1.0 §3.1: as redirect URIs are.
fn post_logout_redirect_uris_are_addresses(metadata: &ClientMetadata) -> Checked {
    for uri in &metadata.post_logout_redirect_uris {
        RedirectUri::parse(uri).map_err(|fault| {
            RegistrationFault(format!("post_logout_redirect_uris: {uri}: {fault}"))
        })?;
    }
    Ok(())
}

// Back-Channel Logout 1.0 §2.2: absolute, no fragment; §4: the token goes by TLS.
fn back_channel_is_by_https(metadata: &ClientMetadata) -> Checked {
    by_https("backchannel_logout_uri", metadata.backchannel_logout_uri.as_deref())
}

// Front-Channel Logout 1.0 §2; a page by https shows no frame by http.
fn front_channel_is_by_https(metadata: &ClientMetadata) -> Checked {
    by_https("frontchannel_logout_uri", metadata.frontchannel_logout_uri.as_deref())
}

fn by_https(name: &str, uri: Option<&str>) -> Checked {
    let Some(uri) = uri else { return Ok(()) };
    let parsed = RedirectUri::parse(uri);
    let fault = match parsed {
        Err(fault) => fault.to_string(),
        Ok(_) if scheme(uri) != Some("https".to_owned()) => "expected https".to_owned(),
        Ok(_) => return Ok(()),
    };
    Err(RegistrationFault(format!("{name}: {uri}: {fault}")))
}

fn scheme(uri: &str) -> Option<String> {
    Url::parse(uri).ok().map(|url| url.scheme().to_owned())
}

// Front-Channel Logout 1.0 §2: "The domain, port, and scheme of this URL MUST be the same as that of a
// registered Redirection URI value."
fn front_channel_is_of_a_redirect_uri(client: &Client) -> Checked {
    let Some(uri) = &client.metadata.frontchannel_logout_uri else { return Ok(()) };
    let origin = |uri: &str| Url::parse(uri).ok().map(|url| url.origin());
    let of_client = |origin_of_it| {
        client.redirect_uris.iter().any(|redirect_uri| origin(redirect_uri) == origin_of_it)
    };
    if of_client(origin(uri)) {
        return Ok(());
    }
    refuse("frontchannel_logout_uri must have the scheme, host and port of a redirect URI")
}

fn sessions_are_required_of_something(metadata: &ClientMetadata) -> Checked {
    if metadata.backchannel_logout_session_required && metadata.backchannel_logout_uri.is_none() {
        return refuse("backchannel_logout_session_required needs backchannel_logout_uri");
    }
    if metadata.frontchannel_logout_session_required && metadata.frontchannel_logout_uri.is_none() {
        return refuse("frontchannel_logout_session_required needs frontchannel_logout_uri");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::oidc::client::testing::client;

    fn fault(metadata: ClientMetadata) -> Option<String> {
        let client = Client {
            redirect_uris: vec!["https://rp.example:8443/callback".to_owned()],
            metadata,
            ..client("symfoni")
        };
        check(&client).err().map(|fault| fault.0)
    }

    #[test]
    fn post_logout_redirect_uris_are_absolute_and_have_no_fragment() {
        let of = |uri: &str| {
            let uris = BTreeSet::from([uri.to_owned()]);
            fault(ClientMetadata { post_logout_redirect_uris: uris, ..ClientMetadata::default() })
        };
        for good in ["https://rp.example/", "http://localhost:3000/", "se.example.app:/left"] {
            assert_eq!(of(good), None);
        }
        for bad in ["", "/left", "https://rp.example/#x", "http://rp.example/", "javascript:x"] {
            assert!(of(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn logout_uris_are_https_without_a_fragment() {
        let back = |uri: &str| {
            let uri = Some(uri.to_owned());
            fault(ClientMetadata { backchannel_logout_uri: uri, ..ClientMetadata::default() })
        };
        let front = |uri: &str| {
            let uri = Some(uri.to_owned());
            fault(ClientMetadata { frontchannel_logout_uri: uri, ..ClientMetadata::default() })
        };
        assert_eq!(back("https://other.example/logout?x=1"), None);
        assert_eq!(front("https://rp.example:8443/logout?x=1"), None);
        for bad in [
            "http://localhost/logout",
            "http://127.0.0.1/logout",
            "https://rp.example:8443/logout#x",
            "https://user@rp.example:8443/logout",
            "se.example.app:/logout",
            "logout",
        ] {
            assert!(back(bad).is_some_and(|text| text.starts_with("backchannel")), "{bad}");
            assert!(front(bad).is_some_and(|text| text.starts_with("frontchannel")), "{bad}");
        }
    }

    #[test]
    fn a_frame_is_of_the_scheme_host_and_port_of_a_redirect_uri() {
        for other in
            ["https://rp.example/logout", "https://evil.example:8443/", "https://rp.example:8444/"]
        {
            let uri = Some(other.to_owned());
            let metadata =
                ClientMetadata { frontchannel_logout_uri: uri, ..ClientMetadata::default() };
            assert!(fault(metadata).unwrap().contains("scheme, host and port"), "{other}");
        }
    }

    #[test]
    fn a_session_is_required_of_an_address_alone() {
        let back = ClientMetadata {
            backchannel_logout_session_required: true,
            ..ClientMetadata::default()
        };
        assert!(fault(back).unwrap().contains("backchannel_logout_uri"));
        let front = ClientMetadata {
            frontchannel_logout_session_required: true,
            ..ClientMetadata::default()
        };
        assert!(fault(front).unwrap().contains("frontchannel_logout_uri"));
    }
}

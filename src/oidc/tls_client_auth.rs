//! Client authentication by TLS (RFC 8705 §2): is this certificate the one that is registered?
//!
//! That the client holds its key was proved in the handshake, and what it is worth was judged by
//! [`crate::pki`]. Must never compare texts where names are meant, and never take a certificate for
//! a client that another client registered.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use url::Url;

use super::client::Client;
use super::client_auth::{AuthenticatedClient, ClientAuthFault};
use super::client_metadata::ClientMetadata;
use crate::pki::{
    CertificateRejection, DistinguishedName, NoDistinguishedName, PresentedCertificate,
    SystemCertificate, SystemRejection,
};

/// The name that the certificate of a client must have (RFC 8705 §2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedSubject {
    /// `tls_client_auth_subject_dn`: the whole subject.
    Subject(DistinguishedName),
    /// `tls_client_auth_san_dns`.
    Host(String),
    /// `tls_client_auth_san_uri`.
    Uri(String),
    /// `tls_client_auth_san_ip`.
    Address(IpAddr),
    /// `tls_client_auth_san_email`.
    Mailbox(String),
}

/// A registration that says of no certificate, or of too many, that it is the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectFault {
    /// None of the members, or more than one.
    #[error(
        "tls_client_auth needs exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, \
         tls_client_auth_san_uri, tls_client_auth_san_ip and tls_client_auth_san_email"
    )]
    NotOne,
    /// No distinguished name.
    #[error("tls_client_auth_subject_dn is no name by RFC 4514: {0}")]
    Subject(#[from] NoDistinguishedName),
    /// No host name.
    #[error("tls_client_auth_san_dns is no host name: write it whole, without a * or a port")]
    Host,
    /// No URI.
    #[error("tls_client_auth_san_uri is no absolute URI")]
    Uri,
    /// No address.
    #[error("tls_client_auth_san_ip is no IPv4 or IPv6 address")]
    Address,
    /// No mailbox.
    #[error("tls_client_auth_san_email is no mail address")]
    Mailbox,
}

impl ExpectedSubject {
    /// What a client registered.
    ///
    /// # Errors
    /// [`SubjectFault`]: not exactly one member, or one that names nothing.
    pub fn registered(metadata: &ClientMetadata) -> Result<Self, SubjectFault> {
        match members(metadata) {
            [Some(subject), None, None, None, None] => Ok(Self::Subject(subject.parse()?)),
            [None, Some(host), None, None, None] => host_name(host),
            [None, None, Some(uri), None, None] => {
                Url::parse(uri).map_err(|_| SubjectFault::Uri)?;
                Ok(Self::Uri(uri.to_owned()))
            }
            [None, None, None, Some(address), None] => {
                address.parse().map(Self::Address).map_err(|_| SubjectFault::Address)
            }
            [None, None, None, None, Some(mailbox)] => match mailbox.rsplit_once('@') {
                Some((local, host)) if !local.is_empty() && !host.is_empty() => {
                    Ok(Self::Mailbox(mailbox.to_owned()))
                }
                _ => Err(SubjectFault::Mailbox),
            },
            _ => Err(SubjectFault::NotOne),
        }
    }

    /// Whether a certificate has that name.
    #[must_use]
    pub fn is_of(&self, certificate: &SystemCertificate) -> bool {
        match self {
            Self::Subject(subject) => certificate.subject() == subject,
            Self::Host(host) => certificate.has_host(host),
            Self::Uri(uri) => certificate.has_uri(uri),
            Self::Address(address) => certificate.has_address(*address),
            Self::Mailbox(mailbox) => certificate.has_mailbox(mailbox),
        }
    }
}

/// Whether a registration has any of the members that name a certificate.
#[must_use]
pub fn names_a_certificate(metadata: &ClientMetadata) -> bool {
    members(metadata).iter().any(Option::is_some)
}

fn members(metadata: &ClientMetadata) -> [Option<&str>; 5] {
    [
        metadata.tls_client_auth_subject_dn.as_deref(),
        metadata.tls_client_auth_san_dns.as_deref(),
        metadata.tls_client_auth_san_uri.as_deref(),
        metadata.tls_client_auth_san_ip.as_deref(),
        metadata.tls_client_auth_san_email.as_deref(),
    ]
}

fn host_name(host: &str) -> Result<ExpectedSubject, SubjectFault> {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !host.split('.').all(is_label) {
        return Err(SubjectFault::Host);
    }
    Ok(ExpectedSubject::Host(host.to_owned()))
}

/// A client by the name in its certificate, which was judged as a system's: `tls_client_auth`
/// (RFC 8705 §2.1).
///
/// # Errors
/// [`ClientAuthFault::CertificateMismatch`].
pub fn by_subject(
    client: Arc<Client>,
    certificate: &SystemCertificate,
) -> Result<AuthenticatedClient, ClientAuthFault> {
    let expected = ExpectedSubject::registered(&client.metadata);
    if !expected.is_ok_and(|expected| expected.is_of(certificate)) {
        return Err(ClientAuthFault::CertificateMismatch);
    }
    Ok(AuthenticatedClient { client, assertion: None })
}

/// A client by a certificate that it registered, whoever issued it: `self_signed_tls_client_auth`
/// (RFC 8705 §2.2). Its chain is not judged; its dates are.
///
/// # Errors
/// [`ClientAuthFault::CertificateMismatch`], [`ClientAuthFault::CertificateExpired`].
pub fn by_registration(
    client: Arc<Client>,
    certificate: &PresentedCertificate,
    now: DateTime<Utc>,
) -> Result<AuthenticatedClient, ClientAuthFault> {
    let keys = client.jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
    if !keys.is_some_and(|keys| keys.iter().any(|key| is_of(key, certificate))) {
        return Err(ClientAuthFault::CertificateMismatch);
    }
    if !certificate.is_current(now) {
        return Err(ClientAuthFault::CertificateExpired);
    }
    Ok(AuthenticatedClient { client, assertion: None })
}

/// Whether a JWK stands for a certificate: by the certificate in `x5c` (RFC 7517 §4.7), or, where it
/// has none, by the key. What is to encrypt to (RFC 7517 §4.2) stands for none.
fn is_of(jwk: &Value, certificate: &PresentedCertificate) -> bool {
    if jwk.get("use").is_some_and(|usage| usage != "sig") {
        return false;
    }
    match jwk.get("x5c") {
        Some(x5c) => registered_certificate(x5c).is_some_and(|der| der == certificate.der()),
        None => certificate.jwk().is_some_and(|key| has_members_of(jwk, &key)),
    }
}

/// Whether every certificate that a JWK set registers is one of the keys beside it (RFC 7517 §4.7).
#[must_use]
pub fn certificates_fit_keys(jwks: &Value) -> bool {
    let keys = jwks.get("keys").and_then(Value::as_array);
    keys.is_some_and(|keys| {
        keys.iter().all(|jwk| match jwk.get("x5c") {
            None => true,
            Some(x5c) => registered_certificate(x5c)
                .and_then(PresentedCertificate::of_der)
                .and_then(|certificate| certificate.jwk())
                .is_some_and(|key| has_members_of(jwk, &key)),
        })
    })
}

/// The first of `x5c`: base64 of DER, not base64url (RFC 7517 §4.7).
fn registered_certificate(x5c: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(x5c.get(0)?.as_str()?).ok()
}

fn has_members_of(jwk: &Value, key: &Value) -> bool {
    key.as_object().is_some_and(|key| key.iter().all(|(name, value)| jwk.get(name) == Some(value)))
}

/// What a client is told of a certificate that identifies no system.
#[must_use]
pub const fn fault_of(rejection: SystemRejection) -> ClientAuthFault {
    use CertificateRejection as C;
    match rejection {
        SystemRejection::Certificate(cause) => match cause {
            C::Expired | C::NotYetValid => ClientAuthFault::CertificateExpired,
            C::Revoked => ClientAuthFault::CertificateRevoked,
            C::StatusUndetermined => ClientAuthFault::CertificateStatusUnknown,
            C::ChainExcessive
            | C::Unreadable
            | C::CriticalExtensionUnknown
            | C::CaPresented
            | C::SignatureAlgorithmWeak
            | C::IssuerUnknown
            | C::SignatureWrong
            | C::PathInvalid
            | C::IssuerNotAllowed
            | C::PolicyUnknown
            | C::PolicyNotAllowed
            | C::Function
            | C::PersonId
            | C::Mobile
            | C::IdentifierForeign
            | C::ForSigning
            | C::KeyUsageUnfit
            | C::PurposeUnfit
            | C::Malformed
            | C::IssuerNotCurrent
            | C::IssuerUnfit
            | C::KeyWeak
            | C::IdentifierMissing
            | C::IdentifierRepeated
            | C::IdentifierPersonal
            | C::IdentifierMalformed
            | C::IssuerRevoked => ClientAuthFault::CertificateUntrusted,
        },
        SystemRejection::Person | SystemRejection::NamesUnreadable => {
            ClientAuthFault::CertificateUntrusted
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName as Subject, DnType, SanType};

    use super::*;
    use crate::identity::hsa_id::HsaIdGrammar;
    use crate::pki::revocation::Verdict;
    use crate::pki::testing::{Ca, now};
    use crate::pki::{IssuerRow, Kind, Trust, TrustSource, UnknownPolicy};

    fn system(edit: impl FnOnce(&mut CertificateParams)) -> SystemCertificate {
        let root = Ca::root("Root");
        let functions = root.under("Function CA");
        let source = TrustSource {
            roots: vec![root.certificate.clone()],
            issuers: vec![IssuerRow {
                certificate: functions.certificate.clone(),
                kind: Kind::Function,
                loa: None,
                policies: Vec::new(),
            }],
            intermediates: Vec::new(),
            grammar: HsaIdGrammar::default(),
            unknown_policy: UnknownPolicy::FollowIssuer,
        };
        let trust = Trust::new(source, now()).unwrap();
        let chain = functions.card(edit).chain();
        let authentic = trust.verify_system(&chain, now()).unwrap();
        let verdicts = vec![Verdict::NotRevoked; authentic.links().len()];
        authentic.settle(&verdicts).unwrap()
    }

    /// RFC 8705 §2.1.2: each member looks at its own place in the certificate, and at no other.
    #[test]
    fn a_name_is_looked_for_where_its_member_says() {
        let certificate = system(|params| {
            params.distinguished_name = Subject::new();
            params.distinguished_name.push(DnType::CommonName, "cn.example");
            params.subject_alt_names = vec![
                SanType::DnsName("dns.example".try_into().unwrap()),
                SanType::URI("https://uri.example".try_into().unwrap()),
                SanType::IpAddress("192.0.2.1".parse().unwrap()),
                SanType::Rfc822Name("a@mail.example".try_into().unwrap()),
            ];
        });
        let is_of = |text: &str| {
            let expected = |edit: fn(&mut ClientMetadata) -> &mut Option<String>| {
                let metadata = metadata(|metadata| *edit(metadata) = Some(text.to_owned()));
                ExpectedSubject::registered(&metadata).is_ok_and(|name| name.is_of(&certificate))
            };
            [
                expected(|m| &mut m.tls_client_auth_subject_dn),
                expected(|m| &mut m.tls_client_auth_san_dns),
                expected(|m| &mut m.tls_client_auth_san_uri),
                expected(|m| &mut m.tls_client_auth_san_ip),
                expected(|m| &mut m.tls_client_auth_san_email),
            ]
        };
        assert_eq!(is_of("CN=cn.example"), [true, false, false, false, false]);
        assert_eq!(is_of("dns.example"), [false, true, false, false, false]);
        assert_eq!(is_of("https://uri.example"), [false, false, true, false, false]);
        assert_eq!(is_of("192.0.2.1"), [false, false, false, true, false]);
        assert_eq!(is_of("a@mail.example"), [false, false, false, false, true]);
        for other in
            ["cn.example", "CN=dns.example", "https://dns.example", "192.0.2.2", "b@mail.example"]
        {
            assert_eq!(is_of(other), [false; 5], "{other}");
        }
    }

    fn metadata(edit: impl FnOnce(&mut ClientMetadata)) -> ClientMetadata {
        let mut metadata = ClientMetadata::default();
        edit(&mut metadata);
        metadata
    }

    /// RFC 8705 §2.1.2: exactly one of the members.
    #[test]
    fn one_name_is_registered_and_no_more() {
        let registered =
            |edit: fn(&mut ClientMetadata)| ExpectedSubject::registered(&metadata(edit));
        assert_eq!(registered(|_| {}), Err(SubjectFault::NotOne));
        let two = registered(|metadata| {
            metadata.tls_client_auth_subject_dn = Some("CN=a".to_owned());
            metadata.tls_client_auth_san_dns = Some("a.example".to_owned());
        });
        assert_eq!(two, Err(SubjectFault::NotOne));
        let five = registered(|metadata| {
            for member in [
                &mut metadata.tls_client_auth_subject_dn,
                &mut metadata.tls_client_auth_san_dns,
                &mut metadata.tls_client_auth_san_uri,
                &mut metadata.tls_client_auth_san_ip,
                &mut metadata.tls_client_auth_san_email,
            ] {
                *member = Some("CN=a".to_owned());
            }
        });
        assert_eq!(five, Err(SubjectFault::NotOne));
    }

    #[test]
    fn a_name_that_no_certificate_can_have_is_refused() {
        type Member = fn(&mut ClientMetadata) -> &mut Option<String>;
        let check = |member: Member, good: &str, wrong: &[&str]| {
            let registered = |text: &str| {
                ExpectedSubject::registered(&metadata(|metadata| {
                    *member(metadata) = Some(text.to_owned());
                }))
            };
            assert!(registered(good).is_ok(), "{good}");
            for text in wrong {
                assert!(registered(text).is_err(), "{text}");
            }
        };
        check(|m| &mut m.tls_client_auth_subject_dn, "CN=a,C=SE", &["", "a", "CN=", "CN=a;C=SE"]);
        let hosts = ["", "*.example", "a.example.", "a.example:443", "https://a.example", "å.se"];
        check(|m| &mut m.tls_client_auth_san_dns, "a.example", &hosts);
        check(|m| &mut m.tls_client_auth_san_uri, "urn:a:b", &["", "a.example", "/path"]);
        let addresses = ["", "192.0.2", "192.0.2.1/32", "[2001:db8::1]", "a.example"];
        check(|m| &mut m.tls_client_auth_san_ip, "2001:db8::1", &addresses);
        check(|m| &mut m.tls_client_auth_san_email, "a@b.example", &["", "a", "@b", "a@"]);
    }
}

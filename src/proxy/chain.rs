//! The client certificate that a proxy passes on in header fields, in the form that it writes.
//!
//! One form is read, the configured one; what is not wholly of that form is a fault, and never "no
//! certificate". Must never read what a proxy says of its own verification: the chain is judged here.

use rustls::pki_types::CertificateDer;
use sfv::{BareItem, Item, List, ListEntry, Parser};

use super::encoding::{base64, concatenated, pem, percent_decoded};
use super::xfcc;
use crate::named::named;

/// The most text that is read of all fields together, in bytes: 64 KiB of DER, percent-encoded.
pub const MAX_TEXT: usize = 128 * 1024;

/// The most bytes of DER of one chain, as much as is judged of a chain from a handshake.
pub const MAX_DER: usize = 64 * 1024;

/// The most certificates of one chain.
pub const MAX_CERTIFICATES: usize = 10;

named! {
    /// In which form a proxy passes the client certificate on.
    pub enum Format {
        /// `Client-Cert` and `Client-Cert-Chain` (RFC 9440): byte sequences of RFC 9651.
        Rfc9440 = "rfc9440",
        /// nginx, `$ssl_client_escaped_cert`: the leaf in PEM, percent-encoded.
        Nginx = "nginx",
        /// HAProxy, `ssl_c_der,base64` and `ssl_c_chain_der,base64`: DER, and DER after DER.
        Haproxy = "haproxy",
        /// Apache, `SSL_CLIENT_CERT` and `SSL_CLIENT_CERT_CHAIN_n`: PEM with spaces for line ends.
        Apache = "apache",
        /// Envoy, `X-Forwarded-Client-Cert` with `Cert` or `Chain`.
        Envoy = "envoy",
        /// Traefik, `passTLSClientCert`: base64 of each certificate, with commas between.
        Traefik = "traefik",
        /// F5 BIG-IP, an iRule: DER in base64, or PEM, percent-encoded or with spaces for line ends.
        F5 = "f5",
        /// AWS Application Load Balancer, passthrough: the chain in PEM, percent-encoded.
        AwsAlb = "aws-alb",
    }
}

impl Format {
    /// The field that holds the certificate, where the configuration names no other.
    #[must_use]
    pub const fn certificate_field(self) -> &'static str {
        match self {
            Self::Rfc9440 => "client-cert",
            Self::Nginx => "ssl-client-cert",
            Self::Haproxy => "x-ssl-client-cert",
            Self::Apache => "ssl-client-cert",
            Self::Envoy => "x-forwarded-client-cert",
            Self::Traefik => "x-forwarded-tls-client-cert",
            Self::F5 => "x-client-cert",
            Self::AwsAlb => "x-amzn-mtls-clientcert",
        }
    }

    /// The field that holds the rest of the chain, in the forms that have one; Apache's are named so
    /// with `-0`, `-1` and so on after it.
    #[must_use]
    pub const fn chain_field(self) -> Option<&'static str> {
        match self {
            Self::Rfc9440 => Some("client-cert-chain"),
            Self::Haproxy => Some("x-ssl-client-chain"),
            Self::Apache => Some("ssl-client-cert-chain"),
            Self::Nginx | Self::Envoy | Self::Traefik | Self::F5 | Self::AwsAlb => None,
        }
    }
}

/// Why fields hold no chain. It says nothing of what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// More than one certificate field, or one part of it twice.
    #[error("the certificate is there more than once")]
    Repeated,
    /// More text, certificates or DER than is read.
    #[error("more than is read")]
    TooMuch,
    /// Bytes outside ASCII.
    #[error("not ASCII")]
    NotAscii,
    /// No structured field of byte sequences.
    #[error("not a byte sequence of a structured field (RFC 9440)")]
    NotByteSequence,
    /// No PEM of certificates.
    #[error("not certificates in PEM, percent-encoded or with spaces for line ends")]
    NotPem,
    /// No base64.
    #[error("not base64")]
    NotBase64,
    /// Not DER after DER.
    #[error("not DER certificates one after the other")]
    NotDer,
    /// A chain without the certificate that it is of.
    #[error("a chain without a certificate")]
    ChainAlone,
    /// More certificates in the field of the leaf than one.
    #[error("more than one certificate where the leaf alone should be")]
    MoreThanLeaf,
    /// Not `key=value;…`.
    #[error("not an element of X-Forwarded-Client-Cert")]
    NotElement,
    /// Elements of several proxies, or of the client.
    #[error("several elements: the proxy appends to what it is sent (use SANITIZE_SET)")]
    SeveralElements,
    /// Neither Cert nor Chain.
    #[error("neither Cert nor Chain: the proxy must be told to set them")]
    NoCertificateInElement,
    /// Cert is not the first of Chain.
    #[error("Cert and Chain are of different certificates")]
    ChainOfAnother,
}

/// Where a proxy writes the certificate, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFields {
    /// The form.
    pub format: Format,
    /// The field that holds the certificate, in lower case.
    pub certificate: String,
    /// The field that holds the rest of the chain, in lower case.
    pub chain: Option<String>,
}

impl ChainFields {
    /// The fields as the form's proxy names them.
    #[must_use]
    pub fn of(format: Format) -> Self {
        let certificate = format.certificate_field().to_owned();
        Self { format, certificate, chain: format.chain_field().map(str::to_owned) }
    }

    /// The names of all fields that are read.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let chain = self.chain.iter().flat_map(|chain| match self.format {
            Format::Apache => numbered(chain).collect(),
            _ => vec![chain.clone()],
        });
        std::iter::once(self.certificate.clone()).chain(chain)
    }

    /// The chain that the fields hold, leaf first; `None` where there was no certificate. `field`
    /// gives every value of a field, in order.
    ///
    /// # Errors
    /// [`HeaderFault`]: something is there, and it is no chain in this form.
    pub fn read<'h>(
        &self,
        field: impl Fn(&str) -> Vec<&'h [u8]>,
    ) -> Result<Option<Vec<CertificateDer<'static>>>, HeaderFault> {
        let mut budget = MAX_TEXT;
        let certificate = single(&field(&self.certificate), &mut budget)?;
        let mut others = Vec::new();
        for name in self.names().skip(1) {
            let values = field(&name);
            // A list may be in several fields (RFC 9110 §5.3); no other form is a list.
            if self.format != Format::Rfc9440 && values.len() > 1 {
                return Err(HeaderFault::Repeated);
            }
            for value in values {
                others.extend(text(value, &mut budget)?);
            }
        }
        let Some(certificate) = certificate else {
            return if others.is_empty() { Ok(None) } else { Err(HeaderFault::ChainAlone) };
        };
        let chain = self.decode(certificate, &others)?;
        let bytes: usize = chain.iter().map(Vec::len).sum();
        if chain.len() > MAX_CERTIFICATES || bytes > MAX_DER {
            return Err(HeaderFault::TooMuch);
        }
        Ok(Some(chain.into_iter().map(CertificateDer::from).collect()))
    }

    fn decode(&self, certificate: &str, others: &[&str]) -> Result<Vec<Vec<u8>>, HeaderFault> {
        match self.format {
            Format::Rfc9440 => {
                let mut chain = vec![byte_sequence(certificate)?];
                chain.extend(byte_sequences(&others.join(", "))?);
                Ok(chain)
            }
            Format::Nginx => only_leaf(escaped_pem(certificate)?),
            Format::AwsAlb => escaped_pem(certificate),
            Format::Haproxy => {
                let leaf = base64(certificate).ok_or(HeaderFault::NotBase64)?;
                let mut rest = Vec::new();
                for other in others {
                    let der = base64(other).ok_or(HeaderFault::NotBase64)?;
                    rest.extend(concatenated(&der).ok_or(HeaderFault::NotDer)?);
                }
                Ok(joined(leaf, rest))
            }
            Format::Apache => {
                let mut chain = only_leaf(pem(certificate).ok_or(HeaderFault::NotPem)?)?;
                for other in others {
                    chain.extend(pem(other).ok_or(HeaderFault::NotPem)?);
                }
                let leaf = chain.remove(0);
                Ok(joined(leaf, chain))
            }
            Format::Envoy => xfcc::certificates(certificate),
            Format::Traefik => {
                let list = percent_decoded(certificate).ok_or(HeaderFault::NotBase64)?;
                let certificates = list.split(',').map(base64).collect::<Option<_>>();
                certificates.ok_or(HeaderFault::NotBase64)
            }
            Format::F5 if certificate.starts_with('-') || certificate.contains('%') => {
                escaped_pem(certificate)
            }
            Format::F5 => Ok(vec![base64(certificate).ok_or(HeaderFault::NotBase64)?]),
        }
    }
}

/// Every field that could hold a client certificate, in any form, whatever is configured: none of
/// them is let through.
pub fn every_field() -> impl Iterator<Item = String> {
    let of_forms = Format::ALL
        .into_iter()
        .flat_map(|format| ChainFields::of(format).names().collect::<Vec<_>>());
    let besides = [
        "x-amzn-mtls-clientcert-leaf",
        "x-forwarded-tls-client-cert-info",
        "x-ssl-cert",
        "x-ssl-client-verify",
        "ssl-client-verify",
        "ssl-client-subject-dn",
        "ssl-client-issuer-dn",
        "x-client-certificate",
        "x-arr-clientcert",
    ];
    of_forms.chain(besides.map(str::to_owned))
}

fn numbered(prefix: &str) -> impl Iterator<Item = String> {
    (0..MAX_CERTIFICATES).map(move |number| format!("{prefix}-{number}"))
}

/// The one value of a field that must not be repeated (RFC 9440 §2.2).
fn single<'h>(values: &[&'h [u8]], budget: &mut usize) -> Result<Option<&'h str>, HeaderFault> {
    match values {
        [] => Ok(None),
        [value] => text(value, budget),
        _ => Err(HeaderFault::Repeated),
    }
}

/// The text of a value; none where it is empty, which is how HAProxy says that there is nothing, or
/// `(null)`, which is how Apache does.
fn text<'h>(value: &'h [u8], budget: &mut usize) -> Result<Option<&'h str>, HeaderFault> {
    *budget = budget.checked_sub(value.len()).ok_or(HeaderFault::TooMuch)?;
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
    let text = text.ok_or(HeaderFault::NotAscii)?.trim_ascii();
    Ok((!text.is_empty() && text != "(null)").then_some(text))
}

fn escaped_pem(text: &str) -> Result<Vec<Vec<u8>>, HeaderFault> {
    percent_decoded(text).and_then(|text| pem(&text)).ok_or(HeaderFault::NotPem)
}

fn only_leaf(certificates: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, HeaderFault> {
    if certificates.len() == 1 { Ok(certificates) } else { Err(HeaderFault::MoreThanLeaf) }
}

/// The leaf before the rest, which may begin with it again.
fn joined(leaf: Vec<u8>, mut rest: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if rest.first() != Some(&leaf) {
        rest.insert(0, leaf);
    }
    rest
}

// RFC 9440 §2.2. Parameters mean nothing there and are not read.
fn byte_sequence(text: &str) -> Result<Vec<u8>, HeaderFault> {
    let item: Item = Parser::new(text).parse().map_err(|_| HeaderFault::NotByteSequence)?;
    bytes(item)
}

// RFC 9440 §2.3.
fn byte_sequences(text: &str) -> Result<Vec<Vec<u8>>, HeaderFault> {
    let list: List = Parser::new(text).parse().map_err(|_| HeaderFault::NotByteSequence)?;
    let entries = list.into_iter().map(|entry| match entry {
        ListEntry::Item(item) => bytes(item),
        ListEntry::InnerList(_) => Err(HeaderFault::NotByteSequence),
    });
    entries.collect()
}

fn bytes(item: Item) -> Result<Vec<u8>, HeaderFault> {
    match item.bare_item {
        BareItem::ByteSequence(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(HeaderFault::NotByteSequence),
    }
}

#[cfg(test)]
mod tests;

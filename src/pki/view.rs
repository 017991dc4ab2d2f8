//! What webpki is shown of a certificate.
//!
//! webpki refuses a certificate with any critical extension that it does not process, and every
//! name constraint of the forms directoryName and rfc822Name that meets a name. Some of those are
//! processed here ([`policies`](super::trust), [`constraints`](super::constraints)). Of a
//! certificate that has one, webpki is shown a copy in which exactly these bytes are changed, in
//! place:
//!
//! - `critical` of certificatePolicies, policyMappings, policyConstraints and inhibitAnyPolicy:
//!   `FF` to `00`;
//! - the tag of a directoryName or rfc822Name in nameConstraints: to that of an x400Address, which
//!   webpki refuses where such a name is met, and passes over elsewhere.
//!
//! Signatures are verified over the bytes that were signed, never over a copy ([`Originals`]).
//! Must never change an extension that is not processed here, and never let one copy stand for two
//! certificates ([`View::is_ambiguous_with`]).

use std::ops::Range;

use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};

use super::tlv::{self, BOOLEAN, Field, OCTET_STRING, OID};

/// 2.5.29.32: certificatePolicies.
pub(super) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 32];
/// 2.5.29.33: policyMappings.
pub(super) const POLICY_MAPPINGS: &[u8] = &[0x55, 0x1d, 33];
/// 2.5.29.36: policyConstraints.
pub(super) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
/// 2.5.29.54: inhibitAnyPolicy.
pub(super) const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 54];
/// 2.5.29.30: nameConstraints.
pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];

/// GeneralName (RFC 5280 §4.2.1.6): `[4]` directoryName.
const DIRECTORY_NAME: u8 = 0xa4;
/// `[1]` rfc822Name.
const RFC822_NAME: u8 = 0x81;
/// `[3]` x400Address.
const X400_ADDRESS: u8 = 0xa3;

/// An extension, and where it lies.
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    /// Where the value of `critical` lies; `None` where it is absent and so FALSE.
    critical: Option<usize>,
    /// What the OCTET STRING holds.
    value: Range<usize>,
}

impl Extension<'_> {
    pub(super) const fn is_critical(&self) -> bool {
        self.critical.is_some()
    }
}

/// The signed part of a certificate and its extensions; `None` where the bytes are not DER of that
/// form.
pub(super) fn extensions(der: &[u8]) -> Option<(Range<usize>, Vec<Extension<'_>>)> {
    let certificate =
        tlv::first(der, &(0..der.len())).filter(|all| all.whole().end == der.len())?;
    let signed = tlv::sequence(der, &certificate)?.into_iter().next()?;
    let fields = tlv::sequence(der, &signed)?;
    let Some(tagged) = fields.iter().find(|field| field.tag == 0xa3) else {
        return Some((signed.whole(), Vec::new()));
    };
    let list = tlv::first(der, &tagged.content)?;
    let list = tlv::sequence(der, &list)?;
    let read = list.iter().map(|field| extension(der, field));
    Some((signed.whole(), read.collect::<Option<_>>()?))
}

fn extension<'a>(der: &'a [u8], field: &Field) -> Option<Extension<'a>> {
    let parts = tlv::sequence(der, field)?;
    let (oid, critical, value) = match parts.as_slice() {
        [oid, value] => (oid, None, value),
        // DER has no FALSE where FALSE is the default (X.690 §11.5), so that a copy is never the
        // original of another certificate.
        [oid, critical, value] if critical.tag == BOOLEAN => {
            let is_true = der.get(critical.content.clone())? == [0xff];
            (oid, Some(is_true.then_some(critical.content.start)?), value)
        }
        _ => return None,
    };
    if oid.tag != OID || value.tag != OCTET_STRING {
        return None;
    }
    Some(Extension { oid: &der[oid.content.clone()], critical, value: value.content.clone() })
}

/// A certificate and what webpki is shown of it.
#[derive(Clone)]
pub(super) struct View {
    pub(super) original: CertificateDer<'static>,
    pub(super) shown: CertificateDer<'static>,
    signed: Range<usize>,
}

impl View {
    /// `None` where the bytes are not DER of a certificate's form.
    pub(super) fn of(original: CertificateDer<'static>) -> Option<Self> {
        let (signed, extensions) = extensions(&original)?;
        let mut changes = Vec::new();
        for extension in extensions {
            match extension.oid {
                CERTIFICATE_POLICIES | POLICY_MAPPINGS | POLICY_CONSTRAINTS
                | INHIBIT_ANY_POLICY => {
                    changes.extend(extension.critical.map(|at| (at, 0)));
                }
                NAME_CONSTRAINTS => {
                    let bases = constraint_bases(&original, extension.value)?;
                    let ours = bases
                        .into_iter()
                        .filter(|base| [DIRECTORY_NAME, RFC822_NAME].contains(&base.tag));
                    changes.extend(ours.map(|base| (base.start, X400_ADDRESS)));
                }
                _ => {}
            }
        }
        if changes.is_empty() {
            return Some(Self { shown: original.clone(), original, signed });
        }
        let mut shown = original.to_vec();
        for (at, byte) in changes {
            *shown.get_mut(at)? = byte;
        }
        Some(Self { original, shown: shown.into(), signed })
    }

    fn shown_signed(&self) -> &[u8] {
        self.shown.get(self.signed.clone()).unwrap_or_default()
    }

    fn original_signed(&self) -> &[u8] {
        self.original.get(self.signed.clone()).unwrap_or_default()
    }

    /// Whether webpki could take one for the other while they were signed differently.
    pub(super) fn is_ambiguous_with(&self, other: &Self) -> bool {
        self.shown_signed() == other.shown_signed()
            && self.original_signed() != other.original_signed()
    }

    fn is_altered(&self) -> bool {
        self.shown_signed() != self.original_signed()
    }
}

/// The base of every subtree of a NameConstraints (RFC 5280 §4.2.1.10).
fn constraint_bases(der: &[u8], value: Range<usize>) -> Option<Vec<Field>> {
    let constraints = tlv::first(der, &value)?;
    let mut bases = Vec::new();
    for list in tlv::sequence(der, &constraints)? {
        for subtree in tlv::all(der, list.content)? {
            bases.push(tlv::sequence(der, &subtree)?.into_iter().next()?);
        }
    }
    Some(bases)
}

/// The algorithms that signatures are verified with, over the original bytes of every certificate
/// of which webpki was shown a copy.
pub(super) struct Originals<'a>(Vec<OverOriginals<'a>>);

impl<'a> Originals<'a> {
    pub(super) fn new(
        algorithms: &[&'static dyn SignatureVerificationAlgorithm],
        views: impl Iterator<Item = &'a View>,
    ) -> Self {
        let altered: Vec<_> = views
            .filter(|view| view.is_altered())
            .map(|view| (view.shown_signed(), view.original_signed()))
            .collect();
        let over = |algorithm: &&'static _| OverOriginals {
            algorithm: *algorithm,
            altered: altered.clone(),
        };
        Self(algorithms.iter().map(over).collect())
    }

    pub(super) fn algorithms(&self) -> Vec<&dyn SignatureVerificationAlgorithm> {
        self.0
            .iter()
            .map(|algorithm| -> &dyn SignatureVerificationAlgorithm { algorithm })
            .collect()
    }
}

#[derive(Debug)]
struct OverOriginals<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    /// What webpki was shown, and what was signed.
    altered: Vec<(&'a [u8], &'a [u8])>,
}

impl SignatureVerificationAlgorithm for OverOriginals<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let original = self.altered.iter().find(|(shown, _)| *shown == message);
        let message = original.map_or(message, |(_, original)| original);
        self.algorithm.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

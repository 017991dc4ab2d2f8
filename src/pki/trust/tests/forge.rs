//! Certificates made by hand, so that every field of them can be wrong.

use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use rustls::pki_types::CertificateDer;

pub(super) const BASIC: &[u8] = &[0x55, 0x1d, 19];
pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
pub(super) const PURPOSES: &[u8] = &[0x55, 0x1d, 37];
pub(super) const POLICIES: &[u8] = &[0x55, 0x1d, 32];
pub(super) const MAPPINGS: &[u8] = &[0x55, 0x1d, 33];
pub(super) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
pub(super) const INHIBIT_ANY: &[u8] = &[0x55, 0x1d, 54];
pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
pub(super) const ALTERNATIVE: &[u8] = &[0x55, 0x1d, 17];
pub(super) const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 14];
pub(super) const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];
pub(super) const ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
/// 1.2.752.34.2.1: the number of a card.
pub(super) const CARD_NUMBER: &[u8] = &[0x2a, 0x85, 0x70, 0x22, 2, 1];
/// 1.3.6.1.4.1.55738.666.1: what nobody knows.
pub(super) const UNKNOWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0xb3, 0x3a, 0x85, 0x1a, 1];

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

pub(super) fn tlv(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(one) => out.extend([0x81, one]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}

pub(super) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, parts.concat())
}

/// A Name of attributes `2.5.4.<last>`: its tag and its text, one to a relative name.
pub(super) fn name(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let parts = attributes.iter().map(|(last, tag, text)| {
        let value = tlv(*tag, text.as_bytes());
        tlv(0x31, seq(&[tlv(6, [0x55, 4, *last]), value]))
    });
    seq(&parts.collect::<Vec<_>>())
}

pub(super) const PRINTABLE: u8 = 0x13;
pub(super) const UTF8: u8 = 0x0c;

/// `C=SE, O=Inera AB, CN=<common name>`.
pub(super) fn ca_name(common_name: &str) -> Vec<u8> {
    name(&[(6, PRINTABLE, "SE"), (10, UTF8, "Inera AB"), (3, UTF8, common_name)])
}

/// What a certificate says, before anybody has signed it.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) version: Option<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Option<Vec<u8>>,
    /// Tag and text of notBefore and notAfter.
    pub(super) validity: [(u8, String); 2],
    pub(super) subject: Vec<u8>,
    /// OID, the value of `critical` where it is written, and the value.
    pub(super) extensions: Vec<(Vec<u8>, Option<u8>, Vec<u8>)>,
    /// Between the key and the extensions.
    pub(super) unique_ids: Vec<u8>,
    pub(super) inner_algorithm: Vec<u8>,
    pub(super) outer_algorithm: Vec<u8>,
    /// The signature is this one and not its issuer's.
    pub(super) forged: bool,
    pub(super) key: Arc<KeyPair>,
}

impl Draft {
    fn new(subject: Vec<u8>) -> Self {
        let utc = |text: &str| (0x17, text.to_owned());
        Self {
            version: Some(2),
            serial: vec![0x01, 0x6a, 0xba],
            issuer: None,
            validity: [utc("190401000000Z"), utc("490915000000Z")],
            subject,
            extensions: Vec::new(),
            unique_ids: Vec::new(),
            inner_algorithm: ECDSA_SHA256.to_vec(),
            outer_algorithm: ECDSA_SHA256.to_vec(),
            forged: false,
            key: Arc::new(KeyPair::generate().unwrap()),
        }
    }

    /// A CA as SITHS makes them, without a path length.
    pub(super) fn ca(common_name: &str) -> Self {
        Self::new(ca_name(common_name))
            .with(BASIC, true, seq(&[vec![1, 1, 0xff]]))
            .with(KEY_USAGE, true, vec![3, 2, 1, 0x06])
            .with(POLICIES, false, policy_list(&[ANY]))
            .with(SUBJECT_KEY, false, tlv(4, [7; 20]))
            .with(AUTHORITY_KEY, false, seq(&[tlv(0x80, [7; 20])]))
    }

    /// A card as SITHS makes them.
    pub(super) fn card() -> Self {
        Self::new(name(&[
            (6, PRINTABLE, "SE"),
            (7, UTF8, "Stockholms län"),
            (10, UTF8, "Testbolaget"),
            (3, UTF8, "Berit Björk"),
            (5, PRINTABLE, "SE2321000016-1003"),
        ]))
        .with(KEY_USAGE, true, vec![3, 2, 5, 0xa0])
        .with(PURPOSES, false, purposes(&[CLIENT_AUTH, SMARTCARD_LOGON]))
        .with(POLICIES, false, policy_list(&[P1]))
        .with(CARD_NUMBER, false, tlv(PRINTABLE, b"9752289123456789012"))
        .with(AUTHORITY_KEY, false, seq(&[tlv(0x80, [7; 20])]))
    }

    /// With a P-521 key: such a CA signs with SHA-512 ([`Draft::sha512`]).
    pub(super) fn p521(self) -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        Self { key: Arc::new(key), ..self }
    }

    /// Signed with ECDSA and SHA-512.
    pub(super) fn sha512(self) -> Self {
        let algorithm = seq(&[tlv(6, [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4])]);
        Self { inner_algorithm: algorithm.clone(), outer_algorithm: algorithm, ..self }
    }

    /// With this extension in place of another of the same OID.
    pub(super) fn with(self, oid: &[u8], critical: bool, value: Vec<u8>) -> Self {
        let mut draft = self.without(oid);
        draft.extensions.push((oid.to_vec(), critical.then_some(0xff), value));
        draft
    }

    pub(super) fn without(mut self, oid: &[u8]) -> Self {
        self.extensions.retain(|(other, ..)| other != oid);
        self
    }

    /// With this extension beside another of the same OID.
    pub(super) fn twice(mut self, oid: &[u8]) -> Self {
        let first = self.extensions.iter().find(|(other, ..)| other == oid).unwrap();
        self.extensions.push(first.clone());
        self
    }

    pub(super) fn named(self, subject: Vec<u8>) -> Self {
        Self { subject, ..self }
    }

    pub(super) fn serial(self, serial: &[u8]) -> Self {
        Self { serial: serial.to_vec(), ..self }
    }

    pub(super) fn valid(mut self, from: (u8, &str), to: (u8, &str)) -> Self {
        self.validity = [(from.0, from.1.to_owned()), (to.0, to.1.to_owned())];
        self
    }

    /// Of a CA: with a path length.
    pub(super) fn path_length(self, length: u8) -> Self {
        self.with(BASIC, true, seq(&[vec![1, 1, 0xff], vec![2, 1, length]]))
    }

    pub(super) fn signed_by(&self, issuer: &Self) -> CertificateDer<'static> {
        let extensions = self.extensions.iter().map(|(oid, critical, value)| {
            let critical = critical.map(|value| vec![1, 1, value]).unwrap_or_default();
            seq(&[tlv(6, oid), critical, tlv(4, value)])
        });
        let extensions = seq(&extensions.collect::<Vec<_>>());
        let validity = self.validity.iter().map(|(tag, text)| tlv(*tag, text.as_bytes()));
        let tbs = seq(&[
            self.version.map(|version| tlv(0xa0, [2, 1, version])).unwrap_or_default(),
            tlv(2, &self.serial),
            self.inner_algorithm.clone(),
            self.issuer.clone().unwrap_or_else(|| issuer.subject.clone()),
            seq(&validity.collect::<Vec<_>>()),
            self.subject.clone(),
            self.key.subject_public_key_info(),
            self.unique_ids.clone(),
            if self.extensions.is_empty() { Vec::new() } else { tlv(0xa3, extensions) },
        ]);
        let signer = if self.forged { &self.key } else { &issuer.key };
        let signature = signer.sign(&tbs).unwrap();
        let signature = tlv(3, [&[0][..], &signature].concat());
        seq(&[tbs, self.outer_algorithm.clone(), signature]).into()
    }
}

pub(super) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
pub(super) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
const SMARTCARD_LOGON: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 2];

pub(super) fn purposes(oids: &[&[u8]]) -> Vec<u8> {
    seq(&oids.iter().map(|oid| tlv(6, oid)).collect::<Vec<_>>())
}

/// 2.5.29.32.0.
pub(super) const ANY: &[u8] = &[0x55, 0x1d, 32, 0];
/// 1.2.752.74.8.3, .4 and .5.
pub(super) const P1: &[u8] = &[0x2a, 0x85, 0x70, 0x4a, 8, 3];
pub(super) const P2: &[u8] = &[0x2a, 0x85, 0x70, 0x4a, 8, 4];
pub(super) const P3: &[u8] = &[0x2a, 0x85, 0x70, 0x4a, 8, 5];

pub(super) fn policy_list(oids: &[&[u8]]) -> Vec<u8> {
    seq(&oids.iter().map(|oid| seq(&[tlv(6, oid)])).collect::<Vec<_>>())
}

pub(super) fn mappings(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(issuer, subject)| seq(&[tlv(6, issuer), tlv(6, subject)]));
    seq(&pairs.collect::<Vec<_>>())
}

/// GeneralNames of a subjectAltName, or one base.
pub(super) fn directory(name: Vec<u8>) -> Vec<u8> {
    tlv(0xa4, name)
}

pub(super) fn mailbox(text: &str) -> Vec<u8> {
    tlv(0x81, text)
}

pub(super) fn host(text: &str) -> Vec<u8> {
    tlv(0x82, text)
}

pub(super) fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, text)
}

pub(super) fn address(bytes: &[u8]) -> Vec<u8> {
    tlv(0x87, bytes)
}

/// An otherName with a user principal name.
pub(super) fn upn(text: &str) -> Vec<u8> {
    let oid = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3];
    tlv(0xa0, [tlv(6, oid), tlv(0xa0, tlv(UTF8, text))].concat())
}

/// NameConstraints of the bases that are permitted and excluded.
pub(super) fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let list = |tag, bases: &[Vec<u8>]| {
        let subtrees: Vec<_> = bases.iter().map(|base| seq(&[base.clone()])).collect();
        if bases.is_empty() { Vec::new() } else { tlv(tag, subtrees.concat()) }
    };
    seq(&[list(0xa0, permitted), list(0xa1, excluded)])
}

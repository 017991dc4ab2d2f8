//! What the specimens are made with: the PKI's own authorities, and others beside them.

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    RsaKeySize, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::HOLDER;
use crate::dev::pki::authority::{self, Authority, CaName, IssuerName, rsa};
use crate::dev::pki::card::{Card, CardFiles};
use crate::dev::pki::mould::Mould;
use crate::dev::pki::raw_rsa::RawRsa;
use crate::dev::pki::{Pki, PkiError, folder, pem_error};

/// Whoever makes the specimens: the keys of the PKI, read once, and one key for all cards.
pub struct Keeper<'a> {
    pki: &'a Pki,
    pub(super) now: DateTime<Utc>,
    /// RSA-2048, as on real cards.
    pub(super) key: KeyPair,
    /// Issues ordinary cards.
    pub(super) hsa: Authority,
}

/// Something that signs certificates.
pub(super) type Issuer = rcgen::Issuer<'static, KeyPair>;

impl<'a> Keeper<'a> {
    /// Reads the keys; makes one.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn new(pki: &'a Pki, now: DateTime<Utc>) -> Result<Self, PkiError> {
        let key = rsa(RsaKeySize::_2048)?;
        Ok(Self { pki, now, key, hsa: pki.authority(IssuerName::HsaId3)? })
    }

    /// The card of the clinician, to be changed.
    pub(super) fn card(&self) -> Card {
        Card::hsa(HOLDER, self.now).named("Anna", "Testsson")
    }

    /// A card by the authority of ordinary cards.
    pub(super) fn issue(&self, card: Card) -> Result<CardFiles, PkiError> {
        card.build_with(&self.key, &self.hsa)
    }

    /// A card by another authority of the PKI.
    pub(super) fn issue_by(&self, name: IssuerName, card: Card) -> Result<CardFiles, PkiError> {
        card.build_with(&self.key, &self.pki.authority(name)?)
    }

    /// The ordinary card with another kind of key.
    pub(super) fn with_key(&self, key: &KeyPair) -> Result<CardFiles, PkiError> {
        self.card().build_with(key, &self.hsa)
    }

    /// The ordinary card with a key that no library signs with.
    pub(super) fn with_raw_key(&self, key: &RawRsa) -> Result<CardFiles, PkiError> {
        let mut files = self.remade(|mould| Ok(mould.key(key.public_key())))?;
        files.key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_pkcs8()));
        Ok(files)
    }

    /// The ordinary card taken apart, changed, and signed again by its authority.
    pub(super) fn remade(
        &self,
        change: impl FnOnce(Mould) -> Result<Mould, PkiError>,
    ) -> Result<CardFiles, PkiError> {
        let mut files = self.issue(self.card())?;
        let changed = change(Mould::of(&files.chain[0])?)?;
        files.chain[0] = changed.sign(self.hsa.issuer.key())?;
        Ok(files)
    }

    /// The key of the shared cards, as a number.
    pub(super) fn hsa_raw_key(&self) -> Result<RawRsa, PkiError> {
        RawRsa::from_pkcs8(self.hsa.issuer.key().serialized_der())
            .ok_or_else(|| rcgen::Error::CouldNotParseKeyPair.into())
    }

    /// The certificate of an authority.
    pub(super) fn certificate(&self, name: CaName) -> CertificateDer<'static> {
        self.pki.certificate(name).clone()
    }

    /// An authority of the PKI with its key, to issue anything by.
    pub(super) fn issuer(&self, name: CaName) -> Result<Issuer, PkiError> {
        let (_, key) = folder::ca_files(self.pki.dir(), name);
        let key = PrivatePkcs8KeyDer::from_pem_file(&key).map_err(pem_error(&key))?;
        authority::issuer(self.pki.certificate(name), &key)
    }

    /// The root, to issue by.
    pub(super) fn root(&self) -> Result<Issuer, PkiError> {
        self.issuer(CaName::Root)
    }

    /// An authority that no installation knows, under another; P-256, to be quick.
    pub(super) fn authority(
        &self,
        common_name: &str,
        under: &Issuer,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Result<Authority, PkiError> {
        let mut params = ca_params(common_name);
        edit(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, under)?.der().clone();
        let issuer = rcgen::Issuer::new(params, key);
        Ok(Authority { name: IssuerName::HsaId3, certificate, issuer })
    }

    /// An authority once more, to issue by.
    pub(super) fn again(&self, authority: &Authority) -> Result<Issuer, PkiError> {
        let key = PrivatePkcs8KeyDer::from(authority.issuer.key().serialized_der());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ECDSA_P256_SHA256)?;
        Ok(rcgen::Issuer::from_ca_cert_der(&authority.certificate, key)?)
    }

    /// The ordinary card by an authority.
    pub(super) fn card_by(&self, authority: &Authority) -> Result<CardFiles, PkiError> {
        self.card().build_with(&self.key, authority)
    }

    /// The public key of an authority under its name, signed by another.
    pub(super) fn cross_signed(
        &self,
        name: CaName,
        by: &Issuer,
        edit: impl FnOnce(&mut CertificateParams),
    ) -> Result<CertificateDer<'static>, PkiError> {
        let mut params = ca_params(name.common_name());
        edit(&mut params);
        let own = self.issuer(name)?;
        Ok(params.signed_by(own.key(), by)?.der().clone())
    }

    /// A root that nobody trusts.
    pub(super) fn foreign_root(&self, common_name: &str) -> Result<Authority, PkiError> {
        let params = ca_params(common_name);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        let issuer = rcgen::Issuer::new(params, key);
        Ok(Authority { name: IssuerName::HsaId3, certificate, issuer })
    }

    /// The certificate and key of the authority of ordinary cards, as if they were a card.
    pub(super) fn authority_as_card(&self) -> CardFiles {
        let key = PrivatePkcs8KeyDer::from(self.hsa.issuer.key().serialize_der());
        CardFiles { chain: vec![self.hsa.certificate.clone()], key: key.into() }
    }

    /// A card that issues another.
    pub(super) fn card_as_issuer(
        &self,
        card: &CardFiles,
        key: &KeyPair,
    ) -> Result<Authority, PkiError> {
        let key = PrivatePkcs8KeyDer::from(key.serialized_der());
        let issuer = authority::issuer(&card.chain[0], &key)?;
        Ok(Authority { name: IssuerName::HsaId3, certificate: card.chain[0].clone(), issuer })
    }
}

/// As the authorities of SITHS are, with room below.
fn ca_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, authority::printable("SE"));
    name.push(DnType::OrganizationName, "Inera AB");
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    (params.not_before, params.not_after) =
        (date_time_ymd(2019, 5, 15), date_time_ymd(2049, 9, 15));
    params.serial_number = Some(authority::serial());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

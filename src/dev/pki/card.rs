//! Makes the certificates of cards, good ones and every kind of bad one.
//!
//! Must never be reachable from production code: whoever can call it can be anybody.

use chrono::{DateTime, TimeDelta, Utc};
use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, RsaKeySize, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::PkiError;
use super::authority::{Authority, access, crl_address, policies, printable, rsa, serial};
use super::der::{PRINTABLE_STRING, tlv};
use crate::random::Random;

/// The password of every PKCS#12 file here.
pub const P12_PASSWORD: &str = "siths";

/// A certificate to be: the identification certificate of a valid card, changed as wished.
///
/// ```no_run
/// # use siths_idp::dev::pki::{Pki, IssuerName, card::Card};
/// # fn f(pki: &Pki, now: chrono::DateTime<chrono::Utc>) -> Result<(), Box<dyn std::error::Error>> {
/// let authority = pki.authority(IssuerName::HsaId3)?;
/// let files = Card::hsa("SE2321000222-DEV1", now).for_signing().expired().build(&authority)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Card {
    now: DateTime<Utc>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    common_name: String,
    /// Surname and given name; a function has none.
    names: Option<(String, String)>,
    serial_number: Option<String>,
    mail: Option<String>,
    key_usages: Vec<KeyUsagePurpose>,
    purposes: Vec<ExtendedKeyUsagePurpose>,
    /// Done last, to whatever else a certificate has.
    edits: Vec<fn(&mut CertificateParams)>,
}

/// A certificate with its chain and key, as a TLS client wants them.
#[derive(Debug)]
pub struct CardFiles {
    /// The card's certificate, then its issuer's; without the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key (PKCS #8).
    pub key: PrivateKeyDer<'static>,
}

impl Card {
    /// A card with an HSA-id, for the Person HSA-id authorities.
    #[must_use]
    pub fn hsa(hsa_id: &str, now: DateTime<Utc>) -> Self {
        Self {
            now,
            from: now - TimeDelta::days(30),
            until: now + TimeDelta::days(5 * 365),
            common_name: String::new(),
            names: None,
            serial_number: Some(hsa_id.to_owned()),
            mail: None,
            key_usages: vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment],
            purposes: vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                // Microsoft smart card logon
                ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 2]),
            ],
            edits: Vec::new(),
        }
        .named("Test", "Testsson")
    }

    /// A card with a personnummer of 12 digits, for the Person ID authorities.
    #[must_use]
    pub fn person_id(personal_number: &str, now: DateTime<Utc>) -> Self {
        Self::hsa(personal_number, now)
    }

    /// A server's certificate, for the Function authority.
    #[must_use]
    pub fn function(hsa_id: &str, host: &str, now: DateTime<Utc>) -> Self {
        let mut card = Self::hsa(hsa_id, now);
        card.common_name = host.to_owned();
        card.names = None;
        card.mail = None;
        card.purposes =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        card
    }

    /// The holder's names, and a mail address made of them.
    #[must_use]
    pub fn named(mut self, given_name: &str, surname: &str) -> Self {
        self.common_name = format!("{given_name} {surname}");
        self.names = Some((surname.to_owned(), given_name.to_owned()));
        let local: String = format!("{given_name}.{surname}").to_lowercase();
        let ascii = local.chars().map(|c| match c {
            'å' | 'ä' => 'a',
            'ö' => 'o',
            'é' => 'e',
            other => other,
        });
        self.mail = Some(format!("{}@region.example", ascii.collect::<String>()));
        self
    }

    /// Another subject serialNumber, or none.
    #[must_use]
    pub fn serial_number(mut self, serial_number: Option<&str>) -> Self {
        self.serial_number = serial_number.map(ToOwned::to_owned);
        self
    }

    /// Valid from a moment until another.
    #[must_use]
    pub const fn valid(mut self, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        self.from = from;
        self.until = until;
        self
    }

    /// Past its validity since yesterday.
    #[must_use]
    pub fn expired(self) -> Self {
        let (from, until) = (self.now - TimeDelta::days(5 * 365), self.now - TimeDelta::days(1));
        self.valid(from, until)
    }

    /// Before its validity, for two years.
    #[must_use]
    pub fn not_yet_valid(self) -> Self {
        let from = self.now + TimeDelta::days(2 * 365);
        self.valid(from, from + TimeDelta::days(3 * 365))
    }

    /// The signing certificate of the pair: nonRepudiation only, no extended key usage.
    #[must_use]
    pub fn for_signing(self) -> Self {
        self.key_usages(vec![KeyUsagePurpose::ContentCommitment]).purposes(Vec::new())
    }

    /// Other key usages; none leaves the extension out.
    #[must_use]
    pub fn key_usages(mut self, key_usages: Vec<KeyUsagePurpose>) -> Self {
        self.key_usages = key_usages;
        self
    }

    /// Other extended key usages; none leaves the extension out.
    #[must_use]
    pub fn purposes(mut self, purposes: Vec<ExtendedKeyUsagePurpose>) -> Self {
        self.purposes = purposes;
        self
    }

    /// Whatever else is to be changed.
    #[must_use]
    pub(super) fn edited(mut self, edit: fn(&mut CertificateParams)) -> Self {
        self.edits.push(edit);
        self
    }

    /// The certificate under an authority, with a new RSA-2048 key.
    ///
    /// # Errors
    /// When no key can be made, or the card has a text that a certificate cannot hold.
    pub fn build(self, authority: &Authority) -> Result<CardFiles, PkiError> {
        let key = rsa(RsaKeySize::_2048)?;
        self.build_with(&key, authority)
    }

    /// The certificate for a key that exists already.
    pub(super) fn build_with(
        self,
        key: &KeyPair,
        authority: &Authority,
    ) -> Result<CardFiles, PkiError> {
        let issuer = authority.name.common_name();
        let mut params = CertificateParams::default();
        params.distinguished_name = self.subject();
        params.subject_alt_names = self.alternative_names()?;
        let epoch = date_time_ymd(1970, 1, 1);
        params.not_before = epoch + since_epoch(self.from);
        params.not_after = epoch + since_epoch(self.until);
        params.serial_number = Some(serial());
        // Brings the subject key identifier too.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = self.key_usages;
        params.extended_key_usages = self.purposes;
        params.crl_distribution_points = vec![crl_address(issuer)];
        params.custom_extensions = vec![policies(&authority.name.policy()), access(issuer)];
        if self.names.is_some() {
            params.custom_extensions.push(card_number());
        }
        for edit in self.edits {
            edit(&mut params);
        }
        let certificate = params.signed_by(key, &authority.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(CardFiles {
            chain: vec![certificate.der().clone(), authority.certificate.clone()],
            key: key.into(),
        })
    }

    /// In the order of SITHS: C, L, O, CN, SN, GN, serialNumber.
    fn subject(&self) -> DistinguishedName {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CountryName, printable("SE"));
        subject.push(DnType::LocalityName, "Västerbottens län");
        subject.push(DnType::OrganizationName, "Region Testbotten");
        subject.push(DnType::CommonName, self.common_name.as_str());
        if let Some((surname, given_name)) = &self.names {
            subject.push(DnType::CustomDnType(vec![2, 5, 4, 4]), surname.as_str());
            subject.push(DnType::CustomDnType(vec![2, 5, 4, 42]), given_name.as_str());
        }
        if let Some(serial_number) = &self.serial_number {
            subject.push(DnType::CustomDnType(vec![2, 5, 4, 5]), printable(serial_number));
        }
        subject
    }

    /// For a person: user principal name (Microsoft) and mail; for a function: its host.
    fn alternative_names(&self) -> Result<Vec<SanType>, PkiError> {
        Ok(match (&self.mail, &self.names) {
            (Some(mail), _) => vec![
                SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], mail.as_str().into())),
                SanType::Rfc822Name(mail.as_str().try_into()?),
            ],
            (None, None) => vec![SanType::DnsName(self.common_name.as_str().try_into()?)],
            (None, Some(_)) => Vec::new(),
        })
    }
}

impl CardFiles {
    /// The PKCS #12 file (RFC 7292) that browsers import: PBES2 with AES-256, MAC by SHA-256,
    /// password [`P12_PASSWORD`].
    ///
    /// # Errors
    /// When the key or the certificates cannot be written.
    pub fn p12(&self, friendly_name: &str) -> Result<Vec<u8>, PkiError> {
        let key = PrivateKey::from_der(self.key.secret_der())?;
        let certificates = self.chain.iter().map(|der| p12_keystore::Certificate::from_der(der));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new(friendly_name, key, certificates);
        store.add_entry(friendly_name, KeyStoreEntry::PrivateKeyChain(chain));
        Ok(store.writer(P12_PASSWORD).write()?)
    }
}

/// The card number of SITHS, 1.2.752.34.2.1: 19 digits. Real ones begin with 9752.
fn card_number() -> CustomExtension {
    let random = u64::from_be_bytes(Random::system().bytes());
    let digits = format!("99999{:014}", random % 100_000_000_000_000);
    let content = tlv(PRINTABLE_STRING, digits.as_bytes());
    CustomExtension::from_oid_content(&[1, 2, 752, 34, 2, 1], content)
}

pub(super) fn since_epoch(time: DateTime<Utc>) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}

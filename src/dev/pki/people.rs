//! The people of the demonstration: who they are, what card they hold, what happens to them.
//!
//! Must never name a person who exists: names and HSA-ids are invented, the personnummer is one
//! that Skatteverket has set aside for tests.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};

use super::authority::IssuerName;
use super::card::Card;
use crate::error::Code;

/// A person with a card.
#[derive(Clone, Debug)]
pub struct Person {
    /// What the command line calls the person: `clinician`, `no-role`, ….
    pub name: &'static str,
    /// The name on the card.
    pub display: String,
    /// Given name.
    pub given_name: &'static str,
    /// Surname.
    pub surname: &'static str,
    /// The HSA-id in the certificate.
    pub hsa_id: Option<&'static str>,
    /// What happens at a login, for a table.
    pub what_happens: &'static str,
    /// The code that the login ends with; `None` where it succeeds.
    pub expected: Option<Code>,
    /// How the database knows the person.
    pub registration: Registration,
    /// What its issuer says of the card.
    pub standing: Standing,
    /// The certificate and its issuer's (PEM).
    pub cert_pem: PathBuf,
    /// The private key (PEM, PKCS #8).
    pub key_pem: PathBuf,
    /// Both, to import into a browser; password [`super::card::P12_PASSWORD`].
    pub p12: PathBuf,
}

/// How the demonstration's database knows a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// With these roles in the demonstration's system.
    Active {
        /// Their names.
        roles: &'static [&'static str],
    },
    /// Registered, without a role.
    NoRole,
    /// Registered with a role, and switched off.
    Disabled,
    /// Registered with a role, until a day that is past.
    NotCurrent,
    /// Not registered.
    Unknown,
}

/// What the issuer of a card says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Good,
    /// It is revoked.
    Revoked,
    /// OCSP does not know it.
    Unknown,
}

/// What is odd about a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    None,
    Function,
    Signing,
    Expired,
    NotYetValid,
    /// Of a PKI with the same names and other keys.
    Untrusted,
}

/// A row: everything about a person that is not a file.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    given_name: &'static str,
    surname: &'static str,
    serial_number: &'static str,
    pub(super) issuer: IssuerName,
    pub(super) oddity: Oddity,
    standing: Standing,
    registration: Registration,
    what_happens: &'static str,
    expected: Option<Code>,
}

const HANDLER: Registration = Registration::Active { roles: &["Handläggare"] };

const ORDINARY: Row = Row {
    name: "",
    given_name: "",
    surname: "",
    serial_number: "",
    issuer: IssuerName::HsaId3,
    oddity: Oddity::None,
    standing: Standing::Good,
    registration: HANDLER,
    what_happens: "",
    expected: None,
};

/// Whoever's card is refused is registered with a role all the same, wherever possible: so that
/// nothing but the check of the card stands between the person and the system.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "clinician",
        given_name: "Anna",
        surname: "Testsson",
        serial_number: "SE2321000222-DEV1",
        registration: Registration::Active { roles: &["Handläggare", "Bedömningstandläkare"] },
        what_happens: "logs in, two roles",
        ..ORDINARY
    },
    Row {
        name: "reserve-card",
        given_name: "Björn",
        surname: "Provén",
        serial_number: "SE2321000222-DEV2",
        issuer: IssuerName::HsaId2,
        registration: Registration::Active { roles: &["Administratör"] },
        what_happens: "logs in at LoA 2",
        ..ORDINARY
    },
    Row {
        name: "no-role",
        given_name: "Cecilia",
        surname: "Exempelsson",
        serial_number: "SE2321000222-DEV3",
        registration: Registration::NoRole,
        what_happens: "known, without a role here",
        expected: Some(Code::RoleMissing),
        ..ORDINARY
    },
    Row {
        name: "unknown",
        given_name: "David",
        surname: "Okändsson",
        serial_number: "SE2321000222-DEV4",
        registration: Registration::Unknown,
        what_happens: "HSA-id is not registered",
        expected: Some(Code::UserUnknown),
        ..ORDINARY
    },
    Row {
        name: "disabled",
        given_name: "Eva",
        surname: "Spärrström",
        serial_number: "SE2321000222-DEV5",
        registration: Registration::Disabled,
        what_happens: "registered, switched off",
        expected: Some(Code::UserDisabled),
        ..ORDINARY
    },
    Row {
        name: "not-current",
        given_name: "Fredrik",
        surname: "Slutberg",
        serial_number: "SE2321000222-DEV6",
        registration: Registration::NotCurrent,
        what_happens: "registration has ended",
        expected: Some(Code::UserNotCurrent),
        ..ORDINARY
    },
    Row {
        name: "wrong-certificate",
        given_name: "Anna",
        surname: "Testsson",
        // One of Skatteverket's personnummer for tests.
        serial_number: "189001019802",
        issuer: IssuerName::PersonId3,
        registration: Registration::Unknown,
        what_happens: "Person ID instead of HSA-id",
        expected: Some(Code::CertificateWrongType),
        ..ORDINARY
    },
    Row {
        name: "signing",
        given_name: "Gunilla",
        surname: "Signell",
        serial_number: "SE2321000222-DEV7",
        oddity: Oddity::Signing,
        what_happens: "signing certificate chosen",
        expected: Some(Code::CertificateForSigning),
        ..ORDINARY
    },
    Row {
        name: "expired",
        given_name: "Hans",
        surname: "Utgren",
        serial_number: "SE2321000222-DEV8",
        oddity: Oddity::Expired,
        what_happens: "card has expired",
        expected: Some(Code::CertificateExpired),
        ..ORDINARY
    },
    Row {
        name: "not-yet-valid",
        given_name: "Ingrid",
        surname: "Framtidh",
        serial_number: "SE2321000222-DEV9",
        oddity: Oddity::NotYetValid,
        what_happens: "card is not valid yet",
        expected: Some(Code::CertificateNotYetValid),
        ..ORDINARY
    },
    Row {
        name: "untrusted",
        given_name: "Johan",
        surname: "Falksson",
        serial_number: "SE2321000222-DEVA",
        oddity: Oddity::Untrusted,
        what_happens: "same names, another PKI",
        expected: Some(Code::CertificateUntrusted),
        ..ORDINARY
    },
    Row {
        name: "revoked",
        given_name: "Lars",
        surname: "Återkallad",
        serial_number: "SE2321000222-DEVC",
        standing: Standing::Revoked,
        what_happens: "card was revoked",
        expected: Some(Code::CertificateRevoked),
        ..ORDINARY
    },
    Row {
        name: "status-unknown",
        given_name: "Märta",
        surname: "Obestämd",
        serial_number: "SE2321000222-DEVD",
        issuer: IssuerName::HsaId2,
        standing: Standing::Unknown,
        what_happens: "OCSP does not know the card",
        expected: Some(Code::CertificateStatusUnknown),
        ..ORDINARY
    },
    Row {
        name: "function",
        given_name: "",
        surname: "journal.region.example",
        serial_number: "SE2321000222-DEVB",
        issuer: IssuerName::Function,
        oddity: Oddity::Function,
        registration: Registration::Unknown,
        what_happens: "a server's certificate",
        expected: Some(Code::CertificateNotPersonal),
        ..ORDINARY
    },
    Row {
        name: "unusable",
        given_name: "Karin",
        surname: "Felskriven",
        // The form of old test cards, outside the grammar of HSA-ids.
        serial_number: "HSATEST2-DEV",
        registration: Registration::Unknown,
        what_happens: "no HSA-id in the certificate",
        expected: Some(Code::CertificateUnusable),
        ..ORDINARY
    },
];

impl Row {
    pub(super) fn card(&self, now: DateTime<Utc>) -> Card {
        let person = Card::hsa(self.serial_number, now).named(self.given_name, self.surname);
        match (self.oddity, self.issuer) {
            (Oddity::Function, _) => Card::function(self.serial_number, self.surname, now),
            (Oddity::Signing, _) => person.for_signing(),
            (Oddity::Expired, _) => person.expired(),
            (Oddity::NotYetValid, _) => person.not_yet_valid(),
            // Reserve cards are short-lived.
            (Oddity::None, IssuerName::HsaId2) => {
                person.valid(now - TimeDelta::days(1), now + TimeDelta::days(397))
            }
            (Oddity::None | Oddity::Untrusted, _) => person,
        }
    }

    /// The person, with the files in `folder`.
    pub(super) fn person(&self, folder: PathBuf) -> Person {
        Person {
            name: self.name,
            display: format!("{} {}", self.given_name, self.surname).trim().to_owned(),
            given_name: self.given_name,
            surname: self.surname,
            hsa_id: self.serial_number.starts_with("SE").then_some(self.serial_number),
            what_happens: self.what_happens,
            expected: self.expected,
            registration: self.registration,
            standing: self.standing,
            cert_pem: folder.join("cert.pem"),
            key_pem: folder.join("key.pem"),
            p12: folder.join("card.p12"),
        }
    }
}

//! The specimens: a row for each oddity.

use chrono::TimeDelta;
use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, RsaKeySize, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::build::Keeper;
use super::{HOLDER, HOLDER_SE16, Outcome, Specimen};
use crate::dev::pki::PkiError;
use crate::dev::pki::authority::{Authority, CaName, IssuerName, policies, rsa};
use crate::dev::pki::card::{Card, CardFiles};
use crate::dev::pki::der::{oid, sequence, tlv};
use crate::dev::pki::mould::{extension, relative_name};
use crate::dev::pki::raw_rsa::RawRsa;
use crate::pki::CertificateRejection as Cause;

type Build = fn(&Keeper<'_>) -> Result<CardFiles, PkiError>;

const fn logs_in(name: &'static str, oddity: &'static str, build: Build) -> Specimen {
    Specimen { name, oddity, outcome: Outcome::LogsIn, build }
}

const fn refused(name: &'static str, oddity: &'static str, cause: Cause, build: Build) -> Specimen {
    Specimen { name, oddity, outcome: Outcome::Refused(cause), build }
}

const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const BMP_STRING: u8 = 0x1e;
const TELETEX_STRING: u8 = 0x14;

pub(super) const SPECIMENS: &[Specimen] = &[
    // The path.
    refused(
        "same-name-authority",
        "authority of the same name under the root, another key",
        Cause::IssuerNotAllowed,
        |keeper| {
            let name = IssuerName::HsaId3.common_name();
            keeper.card_by(&keeper.authority(name, &keeper.root()?, |_| {})?)
        },
    ),
    refused(
        "same-names-all-the-way",
        "authority and root of the same names, other keys",
        Cause::SignatureWrong,
        |keeper| keeper.card_by(&Authority::impostor(IssuerName::HsaId3)?),
    ),
    refused("self-signed", "signed by its own key", Cause::IssuerUnknown, |keeper| {
        let authority = keeper.foreign_root("DEV siths-idp Zoo Root CA")?;
        let mut files = keeper.card_by(&authority)?;
        let card = keeper.card_as_issuer(&files, &keeper.key)?;
        files.chain = vec![keeper.card_by(&card)?.chain.swap_remove(0)];
        Ok(files)
    }),
    refused(
        "path-length",
        "authority below one that may have none below it",
        Cause::PathInvalid,
        |keeper| {
            let below = keeper.authority("DEV siths-idp Zoo CA", &keeper.hsa.issuer, |_| {})?;
            let mut files = keeper.card_by(&below)?;
            files.chain.push(keeper.hsa.certificate.clone());
            Ok(files)
        },
    ),
    refused("issued-by-a-card", "issued by a clinician's card", Cause::IssuerUnknown, |keeper| {
        let card = Card::hsa("SE2321000222-DEV2", keeper.now).named("Björn", "Provén");
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let issuer = card.build_with(&key, &keeper.hsa)?;
        let mut files = keeper.card_by(&keeper.card_as_issuer(&issuer, &key)?)?;
        files.chain.push(keeper.hsa.certificate.clone());
        Ok(files)
    }),
    refused(
        "name-constraints",
        "mail outside the authority's name constraints",
        Cause::IssuerNotAllowed,
        |keeper| {
            keeper.card_by(&keeper.authority(
                "DEV siths-idp Zoo CA",
                &keeper.root()?,
                |params| {
                    let elsewhere = GeneralSubtree::Rfc822Name("elsewhere.example".to_owned());
                    params.name_constraints = Some(NameConstraints {
                        permitted_subtrees: vec![elsewhere],
                        excluded_subtrees: Vec::new(),
                    });
                },
            )?)
        },
    ),
    refused(
        "expired-intermediate",
        "authority that expired in 2024",
        Cause::IssuerNotCurrent,
        |keeper| {
            keeper.card_by(&keeper.authority(
                "DEV siths-idp Zoo CA",
                &keeper.root()?,
                |params| {
                    params.not_after = date_time_ymd(2024, 1, 1);
                },
            )?)
        },
    ),
    logs_in(
        "expired-intermediate-copy",
        "sends an expired certificate of the right authority",
        |keeper| {
            let mut files = keeper.issue(keeper.card())?;
            let name = CaName::Issuing(IssuerName::HsaId3);
            files.chain[1] = keeper.cross_signed(name, &keeper.root()?, |params| {
                params.not_after = date_time_ymd(2024, 1, 1);
            })?;
            Ok(files)
        },
    ),
    logs_in("cross-signed-root", "sends the root as signed by another root", |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        let other = keeper.foreign_root("DEV siths-idp Zoo Root CA")?;
        files.chain.push(keeper.cross_signed(CaName::Root, &other.issuer, |_| {})?);
        files.chain.push(other.certificate);
        Ok(files)
    }),
    refused(
        "cross-certified-stranger",
        "another PKI, whose root ours has certified",
        Cause::IssuerNotAllowed,
        |keeper| {
            let other = keeper.authority("DEV siths-idp Zoo Root CA", &keeper.root()?, |_| {})?;
            let authority = keeper.authority("DEV siths-idp Zoo CA", &other.issuer, |_| {})?;
            let mut files = keeper.card_by(&authority)?;
            files.chain.push(other.certificate);
            Ok(files)
        },
    ),
    logs_in("leaf-alone", "sends its own certificate alone", |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        files.chain.truncate(1);
        Ok(files)
    }),
    refused(
        "missing-intermediate",
        "the authority between is sent by nobody",
        Cause::IssuerUnknown,
        |keeper| {
            let authority = keeper.authority("DEV siths-idp Zoo CA", &keeper.root()?, |_| {})?;
            let mut files = keeper.card_by(&authority)?;
            files.chain.truncate(1);
            Ok(files)
        },
    ),
    refused("chain-of-8", "seven authorities below one another", Cause::PathInvalid, |keeper| {
        let mut chain = Vec::new();
        let mut issuer = keeper.root()?;
        let mut authority = None;
        for number in 1..=7 {
            let name = format!("DEV siths-idp Zoo CA {number}");
            let next = keeper.authority(&name, &issuer, |_| {})?;
            chain.insert(0, next.certificate.clone());
            let again = keeper.again(&next)?;
            authority = Some(next);
            issuer = again;
        }
        let authority = authority.ok_or(rcgen::Error::KeyGenerationUnavailable)?;
        let mut files = keeper.card_by(&authority)?;
        files.chain.truncate(1);
        files.chain.extend(chain);
        Ok(files)
    }),
    logs_in("padded-to-8", "sends six certificates that nobody needs", |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        let others = CaName::all().filter(|ca| *ca != CaName::Issuing(IssuerName::HsaId3));
        files.chain.extend(others.map(|ca| keeper.certificate(ca)));
        Ok(files)
    }),
    refused("padded-to-11", "sends nine certificates too many", Cause::ChainExcessive, |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        let more = vec![keeper.hsa.certificate.clone(); 9];
        files.chain.extend(more);
        Ok(files)
    }),
    logs_in("chain-of-60-kb", "sends 60 KB, 56 of them for nothing", |keeper| {
        padded(keeper, 56_000)
    }),
    Specimen {
        name: "chain-of-80-kb",
        oddity: "sends more than TLS takes in one message",
        outcome: Outcome::BreaksOff,
        build: |keeper| padded(keeper, 80_000),
    },
    logs_in("leaf-of-50-kb", "a certificate of 50 KB", |keeper| {
        keeper.remade(|mould| {
            mould.extensions(|all| all.push(extension(&ZOO_EXTENSION, false, &[7; 50_000])))
        })
    }),
    refused("authority-as-card", "the authority's own certificate", Cause::CaPresented, |keeper| {
        Ok(keeper.authority_as_card())
    }),
    // What the certificate is for.
    logs_in("no-eku", "no extended key usage at all", |keeper| {
        keeper.issue(keeper.card().purposes(Vec::new()))
    }),
    refused("wrong-eku", "for mail and servers, not for clients", Cause::PurposeUnfit, |keeper| {
        let purposes =
            vec![ExtendedKeyUsagePurpose::EmailProtection, ExtendedKeyUsagePurpose::ServerAuth];
        keeper.issue(keeper.card().purposes(purposes))
    }),
    logs_in("critical-eku", "extended key usage marked critical", |keeper| {
        // clientAuth (RFC 5280 §4.2.1.12)
        let content = sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 3, 2])]);
        keeper.remade(|mould| {
            mould.extensions(|all| {
                all.retain(|one| !is_extension(one, &[2, 5, 29, 37]));
                all.push(extension(&[2, 5, 29, 37], true, &content));
            })
        })
    }),
    refused("no-key-usage", "no key usage at all", Cause::KeyUsageUnfit, |keeper| {
        keeper.issue(keeper.card().key_usages(Vec::new()))
    }),
    refused("for-encryption", "key usage keyEncipherment alone", Cause::KeyUsageUnfit, |keeper| {
        keeper.issue(keeper.card().key_usages(vec![KeyUsagePurpose::KeyEncipherment]))
    }),
    logs_in("for-both", "digitalSignature and nonRepudiation in one", |keeper| {
        let usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        keeper.issue(keeper.card().key_usages(usages))
    }),
    // Extensions.
    refused(
        "critical-unknown-extension",
        "a critical extension that nobody knows",
        Cause::CriticalExtensionUnknown,
        |keeper| {
            keeper.remade(|mould| {
                mould.extensions(|all| all.push(extension(&ZOO_EXTENSION, true, &[5, 0])))
            })
        },
    ),
    refused("extension-twice", "key usage twice", Cause::Unreadable, |keeper| {
        keeper.remade(|mould| {
            mould.extensions(|all| {
                let usage = all.iter().find(|one| is_extension(one, &[2, 5, 29, 15])).cloned();
                all.extend(usage);
            })
        })
    }),
    logs_in("critical-policies", "certificate policies marked critical", |keeper| {
        keeper.issue(keeper.card().edited(|params| {
            if let Some(policies) = params.custom_extensions.first_mut() {
                policies.set_criticality(true);
            }
        }))
    }),
    logs_in("unknown-policy", "a policy that is not configured", |keeper| {
        keeper.issue(keeper.card().edited(|params| {
            if let Some(first) = params.custom_extensions.first_mut() {
                *first = policies(&[1, 3, 6, 1, 4, 1, 32473, 74, 8, 99]);
            }
        }))
    }),
    logs_in("no-policy", "no certificate policies at all", |keeper| {
        keeper.issue(keeper.card().edited(|params| {
            params.custom_extensions.remove(0);
        }))
    }),
    // The form.
    refused("version-1", "a certificate of version 1", Cause::Unreadable, |keeper| {
        keeper.remade(|mould| Ok(mould.version_1()))
    }),
    refused("bytes-after", "bytes after the certificate", Cause::Unreadable, |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        files.chain[0] = CertificateDer::from([&files.chain[0][..], &[5, 0]].concat());
        Ok(files)
    }),
    Specimen {
        name: "no-certificate-at-all",
        oddity: "bytes that are no certificate",
        outcome: Outcome::BreaksOff,
        build: |keeper| {
            let mut files = keeper.issue(keeper.card())?;
            files.chain[0] = CertificateDer::from(vec![0x30, 3, 2, 1, 0]);
            Ok(files)
        },
    },
    refused("negative-serial", "a negative serial number", Cause::Malformed, |keeper| {
        keeper.remade(|mould| Ok(mould.serial(&[0x9c, 1, 2, 3])))
    }),
    refused("zero-serial", "the serial number zero", Cause::Malformed, |keeper| {
        keeper.remade(|mould| Ok(mould.serial(&[0])))
    }),
    logs_in("serial-of-20-bytes", "the longest serial number allowed", |keeper| {
        keeper.remade(|mould| Ok(mould.serial(&[0x5a; 20])))
    }),
    refused("huge-serial", "a serial number of 40 bytes", Cause::Malformed, |keeper| {
        keeper.remade(|mould| Ok(mould.serial(&[0x5a; 40])))
    }),
    // The identity.
    logs_in("utf8-serial-number", "HSA-id as UTF8String", |keeper| {
        identified(keeper, &[(UTF8_STRING, HOLDER.as_bytes())])
    }),
    logs_in("printable-serial-number", "HSA-id as PrintableString", |keeper| {
        identified(keeper, &[(PRINTABLE_STRING, HOLDER.as_bytes())])
    }),
    logs_in("bmp-serial-number", "HSA-id as BMPString", |keeper| {
        let text: Vec<u8> = HOLDER.encode_utf16().flat_map(u16::to_be_bytes).collect();
        identified(keeper, &[(BMP_STRING, &text)])
    }),
    refused(
        "teletex-serial-number",
        "HSA-id as TeletexString",
        Cause::IdentifierMalformed,
        |keeper| identified(keeper, &[(TELETEX_STRING, HOLDER.as_bytes())]),
    ),
    refused(
        "two-serial-numbers",
        "two HSA-ids, one after the other",
        Cause::IdentifierRepeated,
        |keeper| {
            let other = b"SE2321000222-DEV2";
            identified(keeper, &[(PRINTABLE_STRING, HOLDER.as_bytes()), (PRINTABLE_STRING, other)])
        },
    ),
    refused(
        "two-serial-numbers-in-one",
        "two HSA-ids, side by side in one part of the name",
        Cause::IdentifierRepeated,
        |keeper| {
            let both = relative_name(&[
                (SERIAL_NUMBER, PRINTABLE_STRING, HOLDER.as_bytes()),
                (SERIAL_NUMBER, PRINTABLE_STRING, b"SE2321000222-DEV2"),
            ]);
            keeper.remade(|mould| {
                mould.subject(|names| {
                    names.pop();
                    names.push(both);
                })
            })
        },
    ),
    refused(
        "hsa-id-in-common-name",
        "HSA-id in the common name only",
        Cause::IdentifierMissing,
        |keeper| {
            let card = keeper.card().serial_number(None).named("", HOLDER);
            keeper.issue(card.edited(|params| params.subject_alt_names.clear()))
        },
    ),
    logs_in("se16", "HSA-id with twelve digits after SE", |keeper| {
        keeper.issue(keeper.card().serial_number(Some(HOLDER_SE16)))
    }),
    refused("long-hsa-id", "HSA-id of 32 characters", Cause::IdentifierMalformed, |keeper| {
        keeper.issue(keeper.card().serial_number(Some("SE2321000222-DEV1-0123456789ABCD")))
    }),
    refused(
        "personnummer-as-hsa-id",
        "personnummer under an authority for HSA-ids",
        Cause::IdentifierPersonal,
        |keeper| keeper.issue(Card::person_id(PERSONNUMMER, keeper.now)),
    ),
    refused(
        "hsa-id-as-personnummer",
        "HSA-id under an authority for personnummer",
        Cause::IdentifierForeign,
        |keeper| keeper.issue_by(IssuerName::PersonId3, keeper.card()),
    ),
    refused("mobile", "mobile SITHS eID", Cause::Mobile, |keeper| {
        keeper.issue_by(IssuerName::PersonIdMobile, Card::person_id(PERSONNUMMER, keeper.now))
    }),
    refused("samordningsnummer", "Person ID with samordningsnummer", Cause::PersonId, |keeper| {
        keeper.issue_by(IssuerName::PersonId3, Card::person_id(SAMORDNINGSNUMMER, keeper.now))
    }),
    refused(
        "samordningsnummer-as-hsa-id",
        "samordningsnummer under an authority for HSA-ids",
        Cause::IdentifierPersonal,
        |keeper| keeper.issue(Card::person_id(SAMORDNINGSNUMMER, keeper.now)),
    ),
    refused("reserve-person-id", "reserve card with personnummer", Cause::PersonId, |keeper| {
        keeper.issue_by(IssuerName::PersonId2, Card::person_id(PERSONNUMMER, keeper.now))
    }),
    // The moment.
    refused("expired-yesterday", "expired yesterday", Cause::Expired, |keeper| {
        keeper.issue(keeper.card().expired())
    }),
    refused("expired-signing", "expired, and the signing one", Cause::ForSigning, |keeper| {
        keeper.issue(keeper.card().expired().for_signing())
    }),
    refused("valid-tomorrow", "valid from tomorrow", Cause::NotYetValid, |keeper| {
        let from = keeper.now + TimeDelta::days(1);
        keeper.issue(keeper.card().valid(from, from + TimeDelta::days(365)))
    }),
    // Algorithms.
    refused("sha1", "signed with SHA-1", Cause::SignatureAlgorithmWeak, |keeper| {
        let mut files = keeper.issue(keeper.card())?;
        let mould = super::super::mould::Mould::of(&files.chain[0])?;
        files.chain[0] = mould.sign_sha1(&keeper.hsa_raw_key()?);
        Ok(files)
    }),
    Specimen {
        name: "rsa-1024",
        oddity: "an RSA key of 1024 bits",
        outcome: Outcome::BreaksOff,
        build: |keeper| keeper.with_raw_key(&RawRsa::generate_1024()),
    },
    Specimen {
        name: "rsa-pss",
        oddity: "a key for RSASSA-PSS alone",
        outcome: Outcome::NotSent,
        build: |keeper| {
            let key = RawRsa::from_pkcs8(keeper.key.serialized_der());
            let key = key.ok_or(rcgen::Error::CouldNotParseKeyPair)?;
            keeper.with_raw_key(&key.for_pss())
        },
    },
    logs_in("rsa-3072", "an RSA key of 3072 bits", |keeper| {
        keeper.with_key(&rsa(RsaKeySize::_3072)?)
    }),
    logs_in("p256", "a key on P-256", |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
    }),
    logs_in("p384", "a key on P-384", |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?)
    }),
    refused("p521", "a key on P-521", Cause::KeyWeak, |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?)
    }),
    refused("ed25519", "an Ed25519 key", Cause::KeyWeak, |keeper| {
        keeper.with_key(&KeyPair::generate_for(&rcgen::PKCS_ED25519)?)
    }),
];

/// Under the number for documentation (RFC 5612 §2).
const ZOO_EXTENSION: [u64; 9] = [1, 3, 6, 1, 4, 1, 32473, 74, 99];

/// One of Skatteverket's for tests.
const PERSONNUMMER: &str = "189001019802";
/// Made of it: the day of birth plus 60, and the check digit of that.
const SAMORDNINGSNUMMER: &str = "189001619809";

fn is_extension(extension: &[u8], arcs: &[u64]) -> bool {
    let id = oid(arcs);
    extension.windows(id.len()).take(8).any(|window| window == id)
}

/// The ordinary card with these attributes in place of its serialNumber, the last of its subject.
fn identified(keeper: &Keeper<'_>, values: &[(u8, &[u8])]) -> Result<CardFiles, PkiError> {
    keeper.remade(|mould| {
        mould.subject(|names| {
            names.pop();
            let one = |(tag, value): &(u8, &[u8])| relative_name(&[(SERIAL_NUMBER, *tag, value)]);
            names.extend(values.iter().map(one));
        })
    })
}

/// The ordinary card with another certificate beside, of this many bytes and more.
fn padded(keeper: &Keeper<'_>, bytes: usize) -> Result<CardFiles, PkiError> {
    let mut files = keeper.issue(keeper.card())?;
    let filler = tlv(0x04, &vec![7; bytes]);
    let root = keeper.foreign_root("DEV siths-idp Zoo Root CA")?;
    let padding = keeper.authority("DEV siths-idp Zoo CA", &root.issuer, |params| {
        let extension = rcgen::CustomExtension::from_oid_content(&ZOO_EXTENSION, filler);
        params.custom_extensions.push(extension);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    })?;
    files.chain.push(padding.certificate);
    Ok(files)
}

//! Oddities of the chain: who issued, and what was sent.

use rcgen::{
    BasicConstraints, GeneralSubtree, IsCa, KeyPair, NameConstraints, RsaKeySize, date_time_ymd,
};

use super::{Cause, Keeper, Outcome, Specimen, ZOO_EXTENSION, logs_in, refused};
use crate::dev::pki::PkiError;
use crate::dev::pki::authority::{Authority, CaName, IssuerName};
use crate::dev::pki::card::{Card, CardFiles};
use crate::dev::pki::der::tlv;
use crate::dev::pki::mould::extension;

pub(super) const SPECIMENS: &[Specimen] = &[
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
];

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

//! Oddities of the certificate: what it is for, until when, and its form.

use chrono::TimeDelta;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;

use super::{Cause, Outcome, Specimen, ZOO_EXTENSION, logs_in, refused};
use crate::dev::pki::authority::policies;
use crate::dev::pki::der::{oid, sequence};
use crate::dev::pki::mould::extension;

pub(super) const SPECIMENS: &[Specimen] = &[
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
    refused("vast-serial", "a serial number of 9 KB", Cause::Malformed, |keeper| {
        keeper.remade(|mould| Ok(mould.serial(&[0x5a; 9 * 1024])))
    }),
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
];

fn is_extension(extension: &[u8], arcs: &[u64]) -> bool {
    let id = oid(arcs);
    extension.windows(id.len()).take(8).any(|window| window == id)
}

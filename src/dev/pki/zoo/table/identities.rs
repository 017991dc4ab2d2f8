//! Oddities of the name: whom the certificate says that it is about.

use super::super::{HOLDER, HOLDER_SE16};
use super::{Cause, Keeper, Specimen, logs_in, refused};
use crate::dev::pki::PkiError;
use crate::dev::pki::authority::IssuerName;
use crate::dev::pki::card::{Card, CardFiles};
use crate::dev::pki::mould::relative_name;

/// One of Skatteverket's for tests.
const PERSONNUMMER: &str = "189001019802";
/// Made of it: the day of birth plus 60, and the check digit of that.
const SAMORDNINGSNUMMER: &str = "189001619809";

const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const BMP_STRING: u8 = 0x1e;
const TELETEX_STRING: u8 = 0x14;

pub(super) const SPECIMENS: &[Specimen] = &[
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
];

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

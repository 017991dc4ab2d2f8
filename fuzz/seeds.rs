//! Writes the seeds of every target into a folder: `seeds FOLDER`.

use std::path::Path;
use std::{env, fs, io};

use rcgen::{CertificateRevocationListParams, RevokedCertParams, SerialNumber, date_time_ymd};
use siths_idp::pki::revocation::ocsp::Request;
use siths_idp::pki::revocation::{Authority, Serial};
use siths_idp_fuzz::{Ca, tlv, to_be_signed};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    let write = |target: &str, name: &str, mode: u8, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), [&[mode][..], bytes].concat())
    };

    let root = Ca::root();
    let issuing = root.issuing();
    let card = issuing.card();
    let behind_length = |der: &[u8]| [&(der.len() as u16).to_be_bytes()[..], der].concat();
    let chain = [behind_length(&card), behind_length(&issuing.certificate)].concat();
    write("certificate", "chain", 0, &chain)?;
    write("certificate", "leaf", 1, &to_be_signed(&card))?;
    write("certificate", "ca", 1, &to_be_signed(&issuing.certificate))?;

    let ca = Ca::fixed();
    let crl = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 11, 1),
        next_update: date_time_ymd(2026, 12, 1),
        crl_number: SerialNumber::from_slice(&[7]),
        issuing_distribution_point: Some(rcgen::CrlIssuingDistributionPoint {
            distribution_point: rcgen::CrlDistributionPoint { uris: vec!["http://a/b".into()] },
            scope: Some(rcgen::CrlScope::UserCertsOnly),
        }),
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[1, 2, 3, 4]),
            revocation_time: date_time_ymd(2026, 10, 1),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: Some(date_time_ymd(2026, 9, 1)),
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let crl = crl.signed_by(&ca.issuer()).expect("a list");
    write("crl", "file", 0, crl.der())?;
    write("crl", "list", 1, &to_be_signed(crl.der()))?;

    let authority = Authority::new(&ca.certificate).expect("an authority");
    let request = Request::new(&authority, &Serial::new(&[1, 2, 3, 4]), None).expect("a request");
    let der = request.der();
    // OCSPRequest, tbsRequest, requestList, Request: the CertID comes after four headers of two.
    let id = &der[8..];
    let name = {
        let signed = to_be_signed(crl.der());
        // Version and algorithm come before the issuer, a Name of short length.
        let at = signed.windows(2).position(|w| w == [0x30, 0x12]).expect("the name");
        signed[at..at + 0x14].to_vec()
    };
    let at = |time: &[u8]| tlv(0x18, time);
    for (file, status) in [
        ("good", &b"\x80\x00"[..]),
        ("unknown", b"\x82\x00"),
        ("revoked", b"\xa1\x16\x18\x0f20261001000000Z\xa0\x03\x0a\x01\x01"),
    ] {
        let next = tlv(0xa0, &at(b"20261201000000Z"));
        let single = tlv(0x30, &[id, status, &at(b"20261101000000Z"), &next].concat());
        let data = [&tlv(0xa1, &name)[..], &at(b"20261101000000Z"), &tlv(0x30, &single)];
        let data = tlv(0x30, &data.concat());
        write("ocsp", file, 1, &data)?;
        let with = [&behind_length(&data)[..], &issuing.card()].concat();
        write("ocsp", &format!("{file}-with-certificate"), 2, &with)?;
    }
    write("ocsp", "refused", 0, b"\x30\x03\x0a\x01\x06")?;

    for (name, text) in [
        ("se", "SE2321000016-1003"),
        ("se16", "SE162321000016-1003"),
        ("test", "TSTNMT2321000156-1019"),
        ("person", "191212121212"),
    ] {
        let folder = Path::new(&folder).join("hsa_id");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

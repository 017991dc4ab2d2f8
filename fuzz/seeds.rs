//! Writes the seeds of every target into the folder that `SEEDS` names: `SEEDS=folder seeds -runs=0`.
//!
//! A target itself, of nothing: what is built with its flags needs libFuzzer to link.

#![no_main]

use std::path::Path;
use std::{env, fs, io};

use libfuzzer_sys::fuzz_target;
use rcgen::{CertificateRevocationListParams, RevokedCertParams, SerialNumber, date_time_ymd};
use siths_idp::pki::revocation::ocsp::Request;
use siths_idp::pki::revocation::{Authority, Serial};
use siths_idp_fuzz::{Ca, byte_sequence, tlv, to_be_signed};

fuzz_target!(init: write_all().expect("SEEDS names a folder"), |_data: &[u8]| {});

fn write_all() -> io::Result<()> {
    let folder = env::var("SEEDS").map_err(io::Error::other)?;
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
    proxies(Path::new(&folder))
}

/// What each proxy sends, and what balancers announce.
fn proxies(folder: &Path) -> io::Result<()> {
    let pem = "-----BEGIN CERTIFICATE-----\nMAMBAgM=\n-----END CERTIFICATE-----\n";
    let escaped = pem.replace(' ', "%20").replace('\n', "%0A").replace('=', "%3D");
    let spaced = pem.trim_end().replace('\n', " ");
    let certificates = [
        format!("\0{}\n\x01{}, {}", byte_sequence(b"0\x01a"), byte_sequence(b"0\0"), byte_sequence(b"1")),
        format!("\0{escaped}"),
        "\0MAMBAgM=\n\x01MAAwAQk=".to_owned(),
        format!("\0{spaced}\n\x01{spaced}\n\x02(null)"),
        format!("\0Hash=ab;Subject=\"CN=\\\"a,b\";Cert=\"{escaped}\";Chain=\"{escaped}{escaped}\""),
        "\0MAMBAgM=,MAA=".to_owned(),
        format!("\0{escaped}"),
        format!("\0{escaped}{escaped}"),
    ];
    let addresses = [
        "for=192.0.2.1;proto=https, For=\"[2001:db8::1]:4711\";by=_x",
        "192.0.2.1, [2001:db9::1]:80, 10.0.0.1",
    ];
    let into = folder.join("proxy_headers");
    fs::create_dir_all(&into)?;
    for (mode, lines) in certificates.iter().map(String::as_str).chain(addresses).enumerate() {
        fs::write(into.join(mode.to_string()), [&[mode as u8], lines.as_bytes()].concat())?;
    }
    let into = folder.join("proxy_protocol");
    fs::create_dir_all(&into)?;
    let signature = b"\r\n\r\n\0\r\nQUIT\n";
    for (name, header) in [
        ("tcp4", b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec()),
        ("tcp6", b"PROXY TCP6 2001:db8::1 ::1 7 443\r\n".to_vec()),
        ("unknown", b"PROXY UNKNOWN\r\n".to_vec()),
        ("local", [&signature[..], b"\x20\0\0\0"].concat()),
        ("ipv4", [&signature[..], b"\x21\x11\0\x11", &[7; 12], b"\x04\0\x02ab"].concat()),
        ("ipv6", [&signature[..], b"\x21\x21\0\x24", &[7; 36]].concat()),
        ("unix", [&signature[..], b"\x21\x31\0\xd8", &[7; 216]].concat()),
    ] {
        fs::write(into.join(name), header)?;
    }
    Ok(())
}

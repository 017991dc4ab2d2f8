//! What proxies say in header fields. First octet: a form of client certificates, or a field of
//! addresses. Then a line for each field: which one, and its value.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use siths_idp::proxy::chain::{MAX_CERTIFICATES, MAX_DER};
use siths_idp::proxy::{ChainFields, ClientAddress, Format, Peers};
use siths_idp_fuzz::byte_sequence;

static PROXIES: LazyLock<Peers> =
    LazyLock::new(|| Peers::parse(["10.0.0.0/8", "2001:db8::/32"]).expect("a list"));

fuzz_target!(|data: &[u8]| {
    // Room below the limits for what is put before.
    if data.len() > 8000 {
        return;
    }
    let Some((mode, data)) = data.split_first() else { return };
    let lines: Vec<&[u8]> = data.split(|octet| *octet == b'\n').collect();
    match Format::ALL.get(usize::from(*mode)) {
        Some(format) => chain(*format, &lines),
        None if mode % 2 == 0 => address(ClientAddress::Forwarded, &lines),
        None => address(ClientAddress::XForwardedFor, &lines),
    }
});

fn chain(format: Format, lines: &[&[u8]]) {
    let fields = ChainFields::of(format);
    let names: Vec<String> = fields.names().collect();
    let sent: Vec<(&str, &[u8])> = lines
        .iter()
        .filter_map(|line| line.split_first())
        .map(|(which, value)| (names[usize::from(*which) % names.len()].as_str(), value))
        .collect();
    let of = |name: &str| -> Vec<&[u8]> {
        sent.iter().filter(|(field, _)| *field == name).map(|(_, value)| *value).collect()
    };
    let read = fields.read(|name| of(name));
    assert!(read.is_err() || of(&fields.certificate).len() < 2, "a repeated certificate was read");
    let Ok(Some(chain)) = read else { return };
    assert!(!chain.is_empty() && chain.len() <= MAX_CERTIFICATES);
    assert!(chain.iter().all(|one| !one.is_empty()));
    assert!(chain.iter().map(|one| one.len()).sum::<usize>() <= MAX_DER);
    // The same chain in the form of RFC 9440 is read as the same.
    let own = ChainFields::of(Format::Rfc9440);
    let values: Vec<String> = chain.iter().map(|one| byte_sequence(one)).collect();
    let again = own.read(|name| match name {
        "client-cert" => vec![values[0].as_bytes()],
        _ => values[1..].iter().map(|value| value.as_bytes()).collect(),
    });
    assert_eq!(again, Ok(Some(chain)));
}

fn address(field: ClientAddress, values: &[&[u8]]) {
    let Ok(client) = field.read(values, &PROXIES) else { return };
    assert!(!PROXIES.contains(client.ip()));
    // Whatever is put before it, the last hop stays the client; or the field cannot be read.
    for before in [&b"203.0.113.9"[..], b"for=203.0.113.9", b"for=203.0.113.9;x=\"", b"\"", b"unknown"] {
        let more = [&[before], values].concat();
        assert!(field.read(&more, &PROXIES).is_ok_and(|found| found == client)
            || field == ClientAddress::Forwarded);
        if let Ok(found) = field.read(&more, &PROXIES) {
            assert_eq!(found, client);
        }
    }
}

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Stand-ins for certificates: what they hold is not looked at here, but DER after DER is.
const LEAF: &[u8] = &[0x30, 3, 1, 2, 3];
const ISSUER: &[u8] = &[0x30, 2, 4, 0xff];
const ROOT: &[u8] = &[0x30, 1, 9];

fn base64_of(der: &[u8]) -> String {
    STANDARD.encode(der)
}

fn pem_of(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64_of(der))
}

/// As nginx and Envoy encode.
fn escaped(text: &str) -> String {
    let escaped = text.replace('%', "%25").replace(' ', "%20").replace('\n', "%0A");
    escaped.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn spaced(text: &str) -> String {
    text.trim_end().replace('\n', " ")
}

fn sequence(der: &[u8]) -> String {
    format!(":{}:", base64_of(der))
}

type Fields = Vec<(&'static str, String)>;
type Chain = Vec<&'static [u8]>;
type Sent<'a> = &'a [(&'a str, &'a str)];

fn read(fields: &ChainFields, sent: Sent<'_>) -> Result<Option<Vec<Vec<u8>>>, HeaderFault> {
    let chain = fields.read(|name| {
        sent.iter().filter(|(field, _)| *field == name).map(|(_, value)| value.as_bytes()).collect()
    })?;
    Ok(chain.map(|chain| chain.iter().map(|one| one.to_vec()).collect()))
}

/// What each proxy sends of a leaf alone, and of a chain.
fn good(format: Format) -> Vec<(Fields, Chain)> {
    let (leaf, all) = (pem_of(LEAF), format!("{}{}{}", pem_of(LEAF), pem_of(ISSUER), pem_of(ROOT)));
    match format {
        Format::Rfc9440 => vec![
            (vec![("client-cert", sequence(LEAF))], vec![LEAF]),
            (
                vec![
                    ("client-cert", format!("{};x=1", sequence(LEAF))),
                    ("client-cert-chain", format!("{}, {}", sequence(ISSUER), sequence(ROOT))),
                ],
                vec![LEAF, ISSUER, ROOT],
            ),
            (
                vec![
                    ("client-cert", sequence(LEAF)),
                    ("client-cert-chain", sequence(ISSUER)),
                    ("client-cert-chain", sequence(ROOT)),
                ],
                vec![LEAF, ISSUER, ROOT],
            ),
        ],
        Format::Nginx => vec![
            (vec![("ssl-client-cert", escaped(&leaf))], vec![LEAF]),
            // $ssl_client_cert, which nginx calls deprecated.
            (vec![("ssl-client-cert", leaf.trim_end().replace('\n', "\t"))], vec![LEAF]),
        ],
        Format::Haproxy => vec![
            (vec![("x-ssl-client-cert", base64_of(LEAF))], vec![LEAF]),
            (
                vec![
                    ("x-ssl-client-cert", base64_of(LEAF)),
                    ("x-ssl-client-chain", base64_of(&[ISSUER, ROOT].concat())),
                ],
                vec![LEAF, ISSUER, ROOT],
            ),
            (
                vec![
                    ("x-ssl-client-cert", base64_of(LEAF)),
                    ("x-ssl-client-chain", base64_of(&[LEAF, ISSUER].concat())),
                ],
                vec![LEAF, ISSUER],
            ),
            (
                vec![("x-ssl-client-cert", base64_of(LEAF)), ("x-ssl-client-chain", String::new())],
                vec![LEAF],
            ),
        ],
        Format::Apache => vec![(
            vec![
                ("ssl-client-cert", spaced(&leaf)),
                ("ssl-client-cert-chain-0", spaced(&pem_of(ISSUER))),
                ("ssl-client-cert-chain-1", spaced(&pem_of(ROOT))),
                ("ssl-client-cert-chain-2", "(null)".to_owned()),
            ],
            vec![LEAF, ISSUER, ROOT],
        )],
        Format::Envoy => vec![
            (
                vec![(
                    "x-forwarded-client-cert",
                    format!("Hash=ab;Subject=\"CN=a,b\";Cert=\"{}\"", escaped(&leaf)),
                )],
                vec![LEAF],
            ),
            (
                vec![("x-forwarded-client-cert", format!("Chain=\"{}\"", escaped(&all)))],
                vec![LEAF, ISSUER, ROOT],
            ),
        ],
        Format::Traefik => vec![
            (vec![("x-forwarded-tls-client-cert", base64_of(LEAF))], vec![LEAF]),
            (
                vec![(
                    "x-forwarded-tls-client-cert",
                    format!("{},{}", base64_of(LEAF), base64_of(ISSUER)),
                )],
                vec![LEAF, ISSUER],
            ),
            // Versions 1 and 2 escaped it.
            (
                vec![(
                    "x-forwarded-tls-client-cert",
                    escaped(&format!("{},{}", base64_of(LEAF), base64_of(ISSUER)))
                        .replace(',', "%2C"),
                )],
                vec![LEAF, ISSUER],
            ),
        ],
        Format::F5 => vec![
            (vec![("x-client-cert", base64_of(LEAF))], vec![LEAF]),
            (vec![("x-client-cert", escaped(&leaf))], vec![LEAF]),
            (vec![("x-client-cert", escaped(&leaf).replace('-', "%2d"))], vec![LEAF]),
            (vec![("x-client-cert", spaced(&leaf))], vec![LEAF]),
        ],
        Format::AwsAlb => vec![(
            vec![(
                "x-amzn-mtls-clientcert",
                // `+`, `=` and `/` are left as they are.
                all.replace(' ', "%20").replace('\n', "%0A"),
            )],
            vec![LEAF, ISSUER, ROOT],
        )],
    }
}

fn borrowed<'a>(sent: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    sent.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn what_each_proxy_sends_is_read() {
    for format in Format::ALL {
        for (sent, chain) in good(format) {
            let expected = chain.iter().map(|one| one.to_vec()).collect();
            let read = read(&ChainFields::of(format), &borrowed(&sent));
            assert_eq!(read, Ok(Some(expected)), "{format}: {sent:?}");
        }
    }
}

#[test]
fn no_field_and_an_empty_one_are_no_certificate() {
    for format in Format::ALL {
        let fields = ChainFields::of(format);
        assert_eq!(read(&fields, &[]), Ok(None));
        for nothing in ["", "  ", "(null)"] {
            assert_eq!(read(&fields, &[(&fields.certificate, nothing)]), Ok(None), "{format}");
        }
    }
}

#[test]
fn a_form_that_is_not_configured_is_not_read() {
    for configured in Format::ALL {
        for sent in Format::ALL.into_iter().filter(|sent| *sent != configured) {
            let fields = ChainFields::of(configured);
            for (values, _) in good(sent) {
                let values = borrowed(&values);
                let shared = values.iter().any(|(name, _)| fields.names().any(|own| own == *name));
                match read(&fields, &values) {
                    Ok(None) => assert!(!shared, "{configured} ignores {sent}"),
                    // nginx and Apache may share a field, and PEM.
                    Ok(Some(_)) => assert!(shared && values[0].0 == "ssl-client-cert"),
                    Err(_) => assert!(shared),
                }
            }
        }
    }
}

#[test]
fn what_is_malformed_is_a_fault_and_never_no_certificate() {
    for format in Format::ALL {
        let fields = ChainFields::of(format);
        let (sent, _) = good(format).remove(0);
        let value = sent[0].1.as_str();
        let halved = &value[..value.len() - 5];
        let several = format!("{value},{value}");
        for wrong in [
            "AQI",
            "!",
            "%",
            "%zz",
            "nul",
            "0",
            "::",
            ":AQID",
            "-----BEGIN CERTIFICATE-----",
            "é",
            "\u{0}",
            "?1",
            "\"AQID\"",
            "()",
            ",",
            ";",
            "=",
            "Cert=",
            halved,
        ] {
            let read = read(&fields, &[(&fields.certificate, wrong)]);
            assert!(read.is_err(), "{format} {wrong:?}: {read:?}");
        }
        if format != Format::Traefik {
            assert!(read(&fields, &[(&fields.certificate, &several)]).is_err(), "{format}");
        }
        let twice = [(fields.certificate.as_str(), value); 2];
        assert_eq!(read(&fields, &twice), Err(HeaderFault::Repeated), "{format}");
    }
}

#[test]
fn a_chain_is_never_without_its_certificate() {
    for format in [Format::Rfc9440, Format::Haproxy, Format::Apache] {
        let fields = ChainFields::of(format);
        let (mut sent, _) = good(format).pop().unwrap();
        let name = fields.names().nth(1).unwrap();
        let value = match format {
            Format::Rfc9440 => sequence(ISSUER),
            Format::Haproxy => base64_of(ISSUER),
            _ => spaced(&pem_of(ISSUER)),
        };
        assert_eq!(read(&fields, &[(&name, &value)]), Err(HeaderFault::ChainAlone), "{format}");
        sent.retain(|(field, _)| *field == fields.certificate);
        for wrong in ["!", "AQI", "-----BEGIN CERTIFICATE-----"] {
            let both = [(sent[0].0, sent[0].1.as_str()), (&name, wrong)];
            assert!(read(&fields, &both).is_err(), "{format} {wrong}");
        }
    }
    let both = [("x-ssl-client-cert", &*base64_of(LEAF)), ("x-ssl-client-chain", "MAU=")];
    assert_eq!(read(&ChainFields::of(Format::Haproxy), &both), Err(HeaderFault::NotDer));
}

#[test]
fn the_leaf_stands_alone_where_a_chain_has_its_own_field() {
    let two = format!("{}{}", pem_of(LEAF), pem_of(ISSUER));
    for format in [Format::Nginx, Format::Apache] {
        let fields = ChainFields::of(format);
        let read = read(&fields, &[(&fields.certificate, &spaced(&two))]);
        assert_eq!(read, Err(HeaderFault::MoreThanLeaf), "{format}");
    }
}

#[test]
fn more_than_is_judged_is_refused() {
    let fields = ChainFields::of(Format::AwsAlb);
    let chain = |number: usize| escaped(&pem_of(LEAF).repeat(number));
    let of = |text: &str| read(&fields, &[(&fields.certificate, text)]);
    assert_eq!(of(&chain(10)).unwrap().unwrap().len(), 10);
    assert_eq!(of(&chain(11)), Err(HeaderFault::TooMuch));
    let large = |bytes: usize| spaced(&pem_of(&vec![7; bytes]));
    assert!(of(&large(MAX_DER)).is_ok());
    assert_eq!(of(&large(MAX_DER + 1)), Err(HeaderFault::TooMuch));
    assert_eq!(of(&"A".repeat(MAX_TEXT + 1)), Err(HeaderFault::TooMuch));
}

#[test]
fn every_form_has_its_fields_among_those_that_are_removed() {
    let every: Vec<String> = every_field().collect();
    for format in Format::ALL {
        for name in ChainFields::of(format).names() {
            assert!(every.contains(&name), "{name}");
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}

#[test]
fn fields_can_have_other_names() {
    let fields = ChainFields {
        format: Format::Apache,
        certificate: "x-cert".to_owned(),
        chain: Some("x-chain".to_owned()),
    };
    let (leaf, issuer) = (spaced(&pem_of(LEAF)), spaced(&pem_of(ISSUER)));
    let sent = [("x-cert", &*leaf), ("x-chain-0", &*issuer), ("ssl-client-cert", "!")];
    assert_eq!(read(&fields, &sent), Ok(Some(vec![LEAF.to_vec(), ISSUER.to_vec()])));
}

//! `X-Forwarded-Client-Cert`, as Envoy writes it: `Hash=…;Cert="…";Chain="…"`.
//!
//! Must never choose between elements: of two, one was written by somebody else than the proxy.

use super::chain::HeaderFault;
use super::encoding::{pem, percent_decoded};

/// The certificates of the one element, leaf first. Hash, subject and names are Envoy's view of
/// them and are not read.
pub(super) fn certificates(text: &str) -> Result<Vec<Vec<u8>>, HeaderFault> {
    let (mut cert, mut chain) = (None, None);
    for (key, value) in pairs(text)? {
        let place = match key.to_ascii_lowercase().as_str() {
            "cert" => &mut cert,
            "chain" => &mut chain,
            _ => continue,
        };
        let decoded = percent_decoded(&value).and_then(|text| pem(&text));
        let read = decoded.ok_or(HeaderFault::NotPem)?;
        if place.replace(read).is_some() {
            return Err(HeaderFault::Repeated);
        }
    }
    match (cert, chain) {
        (None, None) => Err(HeaderFault::NoCertificateInElement),
        // Chain begins with the leaf.
        (None, Some(chain)) => Ok(chain),
        (Some(cert), None) => Ok(cert),
        (Some(cert), Some(chain)) if cert.len() == 1 && chain.first() == cert.first() => Ok(chain),
        (Some(_), Some(_)) => Err(HeaderFault::ChainOfAnother),
    }
}

/// Key and value of each pair; values may be quoted, with `\"` inside.
fn pairs(text: &str) -> Result<Vec<(String, String)>, HeaderFault> {
    let mut pairs = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let key: String = std::iter::from_fn(|| chars.next_if(|c| !"=;,\"".contains(*c))).collect();
        if chars.next() != Some('=') {
            return Err(HeaderFault::NotElement);
        }
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next().ok_or(HeaderFault::NotElement)? {
                    '"' => break,
                    '\\' => value.push(chars.next().ok_or(HeaderFault::NotElement)?),
                    other => value.push(other),
                }
            }
        } else {
            value.extend(std::iter::from_fn(|| chars.next_if(|c| !";,\"".contains(*c))));
        }
        pairs.push((key.trim().to_owned(), value));
        match chars.next() {
            None => return Ok(pairs),
            Some(';') => {}
            Some(',') => return Err(HeaderFault::SeveralElements),
            Some(_) => return Err(HeaderFault::NotElement),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN%20CERTIFICATE-----%0AAQID%0A-----END%20CERTIFICATE-----%0A";
    const TWO: &str = "-----BEGIN%20CERTIFICATE-----%0ABAUG%0A-----END%20CERTIFICATE-----%0A";

    #[test]
    fn the_certificate_and_its_chain_are_read_and_the_rest_is_not() {
        let one = vec![1, 2, 3];
        let both = vec![one.clone(), vec![4, 5, 6]];
        for (text, expected) in [
            (format!("Cert=\"{ONE}\""), vec![one.clone()]),
            (format!("cert={ONE}"), vec![one]),
            (format!("Chain=\"{ONE}{TWO}\""), both.clone()),
            (
                format!(
                    "By=spiffe://a;Hash=ab;Subject=\"CN=\\\"a,b;Cert=x\\\"\";URI=;Cert=\"{ONE}\";\
                     Chain=\"{ONE}{TWO}\""
                ),
                both,
            ),
        ] {
            assert_eq!(certificates(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn two_elements_and_all_that_is_none_are_refused() {
        for (text, fault) in [
            (format!("Cert=\"{ONE}\",Cert=\"{TWO}\""), HeaderFault::SeveralElements),
            (format!("Hash=ab,Cert=\"{TWO}\""), HeaderFault::SeveralElements),
            (format!("Cert=\"{ONE}\";Cert=\"{ONE}\""), HeaderFault::Repeated),
            (format!("Cert=\"{ONE}\";Chain=\"{TWO}{ONE}\""), HeaderFault::ChainOfAnother),
            (format!("Cert=\"{ONE}{TWO}\";Chain=\"{ONE}{TWO}\""), HeaderFault::ChainOfAnother),
            ("Hash=ab;Subject=\"CN=x\"".to_owned(), HeaderFault::NoCertificateInElement),
            (format!("Cert=\"{ONE}"), HeaderFault::NotElement),
            (format!("Cert=\"{ONE}\"x"), HeaderFault::NotElement),
            ("Cert".to_owned(), HeaderFault::NotElement),
            ("Cert=\"\\".to_owned(), HeaderFault::NotElement),
            (String::new(), HeaderFault::NotElement),
            ("Cert=\"AQID\"".to_owned(), HeaderFault::NotPem),
            ("Cert=\"\"".to_owned(), HeaderFault::NotPem),
        ] {
            assert_eq!(certificates(&text), Err(fault), "{text}");
        }
    }
}

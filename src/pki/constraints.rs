//! Name constraints of the forms that webpki does not process: directoryName and rfc822Name
//! (RFC 5280 §4.2.1.10). webpki has dNSName and iPAddress, and refuses where a name of another form
//! meets a constraint of its form.
//!
//! Of dNSName it looks at what webpki is lenient with: constraints and names that are no host
//! names, and names with a wildcard.
//!
//! Must never let a name through that it cannot compare.

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::text;

/// 1.2.840.113549.1.9.1: emailAddress, where names of persons held it before subjectAltName did.
const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// The names of a certificate.
pub(super) struct Names<'a> {
    directory: Vec<X509Name<'a>>,
    mailboxes: Vec<&'a str>,
    hosts: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// From the subject (DER) and the subjectAltName (the extension's value), if there is one;
    /// `None` where one of them cannot be read.
    pub(super) fn read(subject: &'a [u8], alternative: Option<&'a [u8]>) -> Option<Self> {
        let (_, subject) = X509Name::from_der(subject).ok()?;
        let mut names = Self { directory: Vec::new(), mailboxes: Vec::new(), hosts: Vec::new() };
        for attribute in subject.iter_attributes() {
            if attribute.attr_type().to_id_string() == EMAIL_ADDRESS {
                names.mailboxes.push(attribute.as_str().ok()?);
            }
        }
        if subject.iter().next().is_some() {
            names.directory.push(subject);
        }
        if let Some(alternative) = alternative {
            type Read<'a> = x509_parser::extensions::SubjectAlternativeName<'a>;
            let (_, alternative) = Read::from_der(alternative).ok()?;
            for name in alternative.general_names {
                match name {
                    GeneralName::DirectoryName(name) => names.directory.push(name),
                    GeneralName::RFC822Name(mailbox) => names.mailboxes.push(mailbox),
                    GeneralName::DNSName(host) => names.hosts.push(host),
                    GeneralName::Invalid(..) => return None,
                    _ => {}
                }
            }
        }
        Some(names)
    }
}

/// Whether `names` keep to the constraints (the extension's value).
pub(super) fn hold(constraints: &[u8], names: &Names<'_>) -> bool {
    let Ok((_, constraints)) = NameConstraints::from_der(constraints) else { return false };
    let none = Vec::new();
    let permitted = constraints.permitted_subtrees.as_ref().unwrap_or(&none);
    let excluded = constraints.excluded_subtrees.as_ref().unwrap_or(&none);
    let directory =
        names.directory.iter().all(|name| keeps(permitted, excluded, |base| within(base, name)));
    let mailboxes =
        names.mailboxes.iter().all(|name| keeps(permitted, excluded, |base| mails(base, name)));
    directory && mailboxes && are_hosts(permitted.iter().chain(excluded), &names.hosts)
}

/// Whether dNSName constraints are host names, and the names that they meet as well.
fn are_hosts<'a>(subtrees: impl Iterator<Item = &'a GeneralSubtree<'a>>, hosts: &[&str]) -> bool {
    let mut bases = subtrees.filter_map(|subtree| match &subtree.base {
        GeneralName::DNSName(base) => Some(*base),
        GeneralName::Invalid(tag, _) if tag.0 == 2 => Some("*"),
        _ => None,
    });
    let is_host = |name: &&str| {
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        name.split('.').all(is_label)
    };
    // An empty base is every host.
    bases.all(|base| (base.is_empty() || is_host(&base)) && hosts.iter().all(is_host))
}

/// How a name stands to the base of a subtree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// In it.
    Yes,
    /// Not in it.
    No,
    /// The base is of another form.
    Other,
    /// They cannot be compared.
    Unknown,
}

impl From<bool> for Match {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

fn keeps(
    permitted: &[GeneralSubtree<'_>],
    excluded: &[GeneralSubtree<'_>],
    matches: impl Fn(&GeneralName<'_>) -> Match,
) -> bool {
    let permits: Vec<Match> = permitted.iter().map(|subtree| matches(&subtree.base)).collect();
    let concerned = permits.iter().any(|found| *found != Match::Other);
    let permitted = !concerned || permits.contains(&Match::Yes);
    permitted
        && excluded.iter().all(|subtree| matches!(matches(&subtree.base), Match::No | Match::Other))
}

/// RFC 5280 §4.2.1.10 and §7.1: the base is the beginning of the name.
fn within(base: &GeneralName<'_>, name: &X509Name<'_>) -> Match {
    let base = match base {
        GeneralName::DirectoryName(base) => base,
        GeneralName::Invalid(tag, _) if tag.0 == 4 => return Match::Unknown,
        _ => return Match::Other,
    };
    let mut rest = name.iter();
    for base in base.iter() {
        let Some(relative) = rest.next() else { return Match::No };
        let base: Vec<_> = base.iter().collect();
        let relative: Vec<_> = relative.iter().collect();
        if base.len() != relative.len() {
            return Match::No;
        }
        // A set: the order of the attributes means nothing.
        for wanted in base {
            let found: Vec<Match> = relative.iter().map(|have| same(wanted, have)).collect();
            if found.contains(&Match::Unknown) {
                return Match::Unknown;
            }
            if !found.contains(&Match::Yes) {
                return Match::No;
            }
        }
    }
    Match::Yes
}

fn same(one: &AttributeTypeAndValue<'_>, other: &AttributeTypeAndValue<'_>) -> Match {
    if one.attr_type() != other.attr_type() {
        return Match::No;
    }
    match (text::of(one), text::of(other)) {
        (Some(one), Some(other)) => (text::folded(&one) == text::folded(&other)).into(),
        _ if one.attr_value() == other.attr_value() => Match::Yes,
        _ => Match::Unknown,
    }
}

/// RFC 5280 §4.2.1.10: a mailbox, a host, or a domain that begins with a period.
fn mails(base: &GeneralName<'_>, mailbox: &str) -> Match {
    let base = match base {
        GeneralName::RFC822Name(base) => *base,
        GeneralName::Invalid(tag, _) if tag.0 == 1 => return Match::Unknown,
        _ => return Match::Other,
    };
    let Some((local, host)) = mailbox.rsplit_once('@') else { return Match::Unknown };
    let is_one = |local: &str, host: &str| {
        !host.is_empty() && !local.is_empty() && !local.contains('@') && mailbox.is_ascii()
    };
    if !is_one(local, host) {
        return Match::Unknown;
    }
    match base.rsplit_once('@') {
        Some((base_local, base_host)) if !is_one(base_local, base_host) => Match::Unknown,
        Some((base_local, base_host)) => {
            (base_local == local && base_host.eq_ignore_ascii_case(host)).into()
        }
        None if base.starts_with('.') => {
            let (base, host) = (base.to_ascii_lowercase(), host.to_ascii_lowercase());
            host.ends_with(&base).into()
        }
        None => base.eq_ignore_ascii_case(host).into(),
    }
}

//! The extensions that say something of policies.

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;

/// What a certificate says of policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14). OIDs
/// are dotted.
#[derive(Default)]
pub(in crate::pki) struct Policies {
    /// The policies; `None` where the extension is absent.
    pub(in crate::pki) asserted: Option<Vec<String>>,
    /// Pairs of an issuer's policy and the subject's that is equal to it.
    pub(in crate::pki) mappings: Vec<(String, String)>,
    pub(in crate::pki) require_explicit: Option<u32>,
    pub(in crate::pki) inhibit_mapping: Option<u32>,
    pub(in crate::pki) inhibit_any: Option<u32>,
}

impl Policies {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Result<Self, X509Error> {
        let mut found = Self::default();
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => {
                    if found.asserted.is_some() {
                        return Err(X509Error::DuplicateExtensions);
                    }
                    let oids = policies.iter().map(|policy| policy.policy_id.to_id_string());
                    found.asserted = Some(oids.collect());
                }
                ParsedExtension::PolicyMappings(mappings) => {
                    found.mappings.extend(mappings.mappings.iter().map(|mapping| {
                        let issuer = mapping.issuer_domain_policy.to_id_string();
                        (issuer, mapping.subject_domain_policy.to_id_string())
                    }));
                }
                ParsedExtension::PolicyConstraints(constraints) => {
                    found.require_explicit = constraints.require_explicit_policy;
                    found.inhibit_mapping = constraints.inhibit_policy_mapping;
                }
                ParsedExtension::InhibitAnyPolicy(inhibit) => {
                    found.inhibit_any = Some(inhibit.skip_certs);
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

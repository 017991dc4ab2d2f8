//! The hierarchy of SITHS e-id as it is published: which authorities there are, and the row of the
//! configuration that each would have.
//!
//! For the commands of operators alone. Must never decide whether a certificate is believed: a name
//! can be copied, so trust goes by key, from files that an operator has named.

use super::IssuerKind;
use crate::identity::assurance::Loa;
use crate::named::named;

named! {
    /// One of the two hierarchies of SITHS e-id, and the folder of its files.
    pub enum Hierarchy {
        /// Cards of people at work.
        Production = "production",
        /// Test cards: every name begins with `TEST `.
        Test = "test",
    }
}

/// An issuing authority of SITHS e-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    name: &'static str,
    /// What it issues.
    pub kind: IssuerKind,
    /// The level of assurance of its cards, where they log in.
    pub loa: Option<Loa>,
    /// What it issues, in words.
    pub issues: &'static str,
}

/// The common name of the root, without the word that test names begin with.
const ROOT: &str = "SITHS e-id Root CA v2";

/// The issuing authorities, those that log in first. Names and levels as on page 358418052 of Inera's
/// wiki.
pub const ISSUING: [Authority; 6] = [
    Authority {
        name: "SITHS e-id Person HSA-id 3 CA v1",
        kind: IssuerKind::HsaId,
        loa: Some(Loa::Three),
        issues: "ordinary cards, with HSA-id",
    },
    Authority {
        name: "SITHS e-id Person HSA-id 2 CA v1",
        kind: IssuerKind::HsaId,
        loa: Some(Loa::Two),
        issues: "reserve cards, with HSA-id",
    },
    Authority {
        name: "SITHS e-id Person ID 3 CA v1",
        kind: IssuerKind::PersonId,
        loa: None,
        issues: "ordinary cards, with personnummer",
    },
    Authority {
        name: "SITHS e-id Person ID 2 CA v1",
        kind: IssuerKind::PersonId,
        loa: None,
        issues: "reserve cards, with personnummer",
    },
    Authority {
        name: "SITHS e-id Person ID Mobile CA v1",
        kind: IssuerKind::Mobile,
        loa: None,
        issues: "mobile SITHS eID, with personnummer",
    },
    Authority {
        name: "SITHS e-id Function CA v1",
        kind: IssuerKind::Function,
        loa: None,
        issues: "servers and systems, never persons",
    },
];

impl Authority {
    /// The common name of its certificate in a hierarchy.
    #[must_use]
    pub fn common_name(&self, hierarchy: Hierarchy) -> String {
        format!("{}{}", hierarchy.beginning(), self.name)
    }

    /// The authority whose certificate bears a common name.
    #[must_use]
    pub fn by_common_name(common_name: &str) -> Option<(Hierarchy, Self)> {
        Hierarchy::ALL.into_iter().find_map(|hierarchy| {
            let found = ISSUING.iter().find(|one| one.common_name(hierarchy) == common_name)?;
            Some((hierarchy, *found))
        })
    }
}

impl Hierarchy {
    /// The common name of its root.
    #[must_use]
    pub fn root_name(self) -> String {
        format!("{}{ROOT}", self.beginning())
    }

    /// The certificate of its root (PEM), as shipped with the program.
    #[must_use]
    pub const fn root(self) -> &'static str {
        match self {
            Self::Production => {
                include_str!("../../config/trust/production/siths-e-id-root-ca-v2.pem")
            }
            Self::Test => include_str!("../../config/trust/test/test-siths-e-id-root-ca-v2.pem"),
        }
    }

    /// Where the revocation list of an authority lies, and its OCSP responder, by the pattern that
    /// the addresses of the published certificates follow: to be checked, never to be believed.
    #[must_use]
    pub fn revocation_addresses(self, common_name: &str) -> (String, String) {
        let stem: String = common_name.chars().filter(char::is_ascii_alphanumeric).collect();
        let host = match self {
            Self::Production => "1",
            Self::Test => "1pp",
        };
        let stem = stem.to_ascii_lowercase();
        (format!("http://crl{host}.siths.se/{stem}.crl"), format!("http://ocsp{host}.siths.se"))
    }

    const fn beginning(self) -> &'static str {
        match self {
            Self::Production => "",
            Self::Test => "TEST ",
        }
    }
}

/// The name of the file of a CA: its common name in lower case, with hyphens for all that is neither
/// letter nor digit, as the shipped files have it. Empty where nothing is left.
#[must_use]
pub fn file_stem(common_name: &str) -> String {
    let words = common_name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    words.join("-").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_row_and_other_names_to_none() {
        for hierarchy in Hierarchy::ALL {
            for authority in ISSUING {
                let name = authority.common_name(hierarchy);
                assert_eq!(Authority::by_common_name(&name), Some((hierarchy, authority)));
            }
        }
        for other in ["SITHS e-id Person HSA-id 4 CA v1", "DEV SITHS e-id Function CA v1", ""] {
            assert_eq!(Authority::by_common_name(other), None);
        }
    }

    #[test]
    fn files_and_addresses_follow_the_published_ones() {
        let name = "TEST SITHS e-id Person ID 3 CA v1";
        assert_eq!(file_stem(name), "test-siths-e-id-person-id-3-ca-v1");
        let (crl, ocsp) = Hierarchy::Test.revocation_addresses(name);
        assert_eq!(crl, "http://crl1pp.siths.se/testsithseidpersonid3cav1.crl");
        assert_eq!(ocsp, "http://ocsp1pp.siths.se");
        let (crl, ocsp) = Hierarchy::Production.revocation_addresses("SITHS e-id Root CA v2");
        assert_eq!(crl, "http://crl1.siths.se/sithseidrootcav2.crl");
        assert_eq!(ocsp, "http://ocsp1.siths.se");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(file_stem("../../etc/passwd\0"), "etc-passwd");
        assert_eq!(file_stem("åäö"), "");
        assert!(file_stem(&"a/".repeat(500)).len() <= 80);
    }
}

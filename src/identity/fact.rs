//! What is known of a person who has shown a card: all that claims can be made from.
//!
//! Must never name what is not kept: no personnummer, no address, nothing that would be invented.

use crate::named::named;

named! {
    /// A fact; its name is what the configuration calls it.
    pub enum Fact {
        /// First name, as registered.
        GivenName = "given_name",
        /// Surname, as registered.
        FamilyName = "family_name",
        /// Both.
        Name = "name",
        /// The HSA-id on the card that was shown.
        HsaId = "hsa_id",
        /// The same; never by a scope alone, where a profile tells the HSA-id by another name besides.
        CredentialHsaId = "credential_hsa_id",
        /// Every HSA-id of the person, as a list.
        AllHsaIds = "all_hsa_ids",
        /// The roles in the client's system as a list, as `SYMFONI;Handläggare`.
        SystemRoles = "system_roles",
        /// The same without the system.
        Roles = "roles",
        /// The end of the validity of the card's certificate, in seconds (RFC 7519 §2: NumericDate).
        CredentialValidTo = "credential_valid_to",
    }
}

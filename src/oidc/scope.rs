//! The scopes that exist, and so the claims that can be asked for.

use crate::named::named;

named! {
    /// A scope (OpenID Connect Core 1.0 §5.4, and those of Swedish health care).
    pub enum Scope {
        /// An OpenID Connect login: `sub`, `acr`, `amr`, `auth_time`, `sid`.
        OpenId = "openid",
        /// `given_name`, `family_name`, `name`.
        Profile = "profile",
        /// `employeeHsaId`: the HSA-id of the card that was shown.
        EmployeeHsaId = "employeeHsaId",
        /// `systemRole`: the roles in the relying party's system, as `SYMFONI;Handläggare`.
        SystemRole = "systemRole",
        /// The same names as `profile`, as the Swedish claims specification calls them.
        NaturalPersonInfo = "https://id.oidc.se/scope/naturalPersonInfo",
        /// A refresh token that outlives the session (OpenID Connect Core 1.0 §11); no claim.
        OfflineAccess = "offline_access",
    }
}

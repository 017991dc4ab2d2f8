//! Certificate revocation lists (RFC 5280 §5) of the look-alike PKI.

use chrono::{DateTime, Utc};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyPair, RevocationReason, RevokedCertParams,
    date_time_ymd,
};

use super::PkiError;
use super::card::since_epoch;

/// A certificate that its authority has revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revoked {
    /// Its serial number: the content of the DER INTEGER without leading zeros.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub at: DateTime<Utc>,
}

/// A list to be signed.
#[derive(Clone, Debug)]
pub(super) struct List<'a> {
    pub(super) this_update: DateTime<Utc>,
    pub(super) next_update: DateTime<Utc>,
    /// Rises with every list of one authority (RFC 5280 §5.2.3).
    pub(super) number: u64,
    pub(super) revoked: &'a [Revoked],
}

impl List<'_> {
    /// The list as DER; `key_id` is the subject key identifier of the authority, whoever signs.
    pub(super) fn sign(
        &self,
        issuer: &rcgen::Issuer<'_, KeyPair>,
        key_id: Vec<u8>,
    ) -> Result<Vec<u8>, PkiError> {
        let epoch = date_time_ymd(1970, 1, 1);
        let revoked_certs = self.revoked.iter().map(|revoked| RevokedCertParams {
            serial_number: revoked.serial.clone().into(),
            revocation_time: epoch + since_epoch(revoked.at),
            reason_code: Some(RevocationReason::CessationOfOperation),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: epoch + since_epoch(self.this_update),
            next_update: epoch + since_epoch(self.next_update),
            crl_number: self.number.to_be_bytes().to_vec().into(),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::PreSpecified(key_id),
        };
        Ok(params.signed_by(issuer)?.der().to_vec())
    }
}

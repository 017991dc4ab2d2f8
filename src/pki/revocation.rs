//! Empty room: whether a certificate was revoked.
//!
//! A later issue puts here the pure judgement of CRLs and OCSP answers: a sorted index of revoked
//! serial numbers for each issuing CA, checked once on import; an OCSP answer against its
//! responder; the policy for a status that cannot be determined. Fetching is a background task
//! elsewhere, from configured addresses and never from those in an unjudged certificate.
//! [`Trust::verify`](super::Trust::verify) names the place where the judgement enters.

//! `response_type` and `response_mode`: a code, by one of the ways that a code may travel.

use super::RequestFault;
use crate::oidc::params::Params;
use crate::oidc::response_mode::ResponseMode;

// RFC 9700 §2.1.2: no token by the browser.
pub(super) fn check_type(params: &Params) -> Result<(), RequestFault> {
    match params.get("response_type")? {
        Some("code") => Ok(()),
        Some(_) => Err(RequestFault::ResponseType),
        None => Err(RequestFault::ResponseTypeMissing),
    }
}

// The mode itself is in the ReplyTo, so that refusals travel by it, too.
pub(super) fn check_mode(params: &Params, redirect_uri: &str) -> Result<(), RequestFault> {
    let Some(text) = params.get("response_mode")? else { return Ok(()) };
    let mode = ResponseMode::by_parameter(text).filter(|mode| mode.fits(redirect_uri));
    mode.map(|_| ()).ok_or(RequestFault::ResponseMode)
}

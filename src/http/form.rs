//! Form bodies, read within bounds.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::error::Code;
use crate::oidc::params::{MAX_LENGTH, Params, ParamsFault};

/// How long a body may take: nobody holds a connection by sending one byte now and then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormFault {
    /// Another content type.
    ContentType,
    /// It did not come in time.
    TooSlow,
    /// Its contents.
    Params(ParamsFault),
}

impl FormFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::ContentType => Code::ContentTypeUnsupported,
            Self::TooSlow => Code::RequestTooSlow,
            Self::Params(fault) => fault.code(),
        }
    }
}

/// Reads the parameters of an `application/x-www-form-urlencoded` body.
///
/// # Errors
/// [`FormFault`]. A longer body than is read is left on the wire.
pub async fn form(headers: &HeaderMap, body: Body) -> Result<Params, FormFault> {
    if !is_form(headers) {
        return Err(FormFault::ContentType);
    }
    let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, MAX_LENGTH))
        .await
        .map_err(|_| FormFault::TooSlow)?
        .map_err(|_| FormFault::Params(ParamsFault::TooLong))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| FormFault::Params(ParamsFault::Malformed))?;
    Params::parse(text).map_err(FormFault::Params)
}

/// RFC 9110 §8.3: one content type; of two, none can be believed.
fn is_form(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let first = fields.next().filter(|_| fields.next().is_none());
    first.and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or("").trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

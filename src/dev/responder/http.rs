//! How a responder speaks HTTP: which address is which, and the faults of the transport.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::header::{
    CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
    TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use axum_server::Handle;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};
use tokio::sync::oneshot;
use tower::{Service, service_fn};

use super::{Fault, Shared, What};
use crate::dev::pki::CaName;

/// Longest request that is read, in bytes.
const MAX_REQUEST: usize = 64 * 1024;
/// [`Fault::Huge`], in bytes: memory that is never written to.
const HUGE: usize = 512 * 1024 * 1024;
/// What lies below here answers well, whatever is switched on: where a redirect leads.
const WELL: &str = "/well";
/// Where faults are switched, and cards revoked.
pub(in crate::dev) const SWITCHES: &str = "/switches";
/// A header that no web page can send here without asking first.
pub(in crate::dev) const BY_COMMAND: &str = "x-siths-idp-dev";

const CRL_TYPE: &str = "application/pkix-crl";
const OCSP_TYPE: &str = "application/ocsp-response";

/// Serves in a task of its own until `handle` says otherwise.
pub(super) fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let door = Door(shared);
    let server = axum_server::from_tcp(listener)?.handle(handle);
    tokio::spawn(async move {
        let doors = service_fn(move |_: SocketAddr| ready(Ok::<_, Infallible>(door.clone())));
        if let Err(error) = server.serve(doors).await {
            tracing::error!(%error, "the responder ended");
        }
    });
    Ok(())
}

/// The connection is to end without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("down")]
struct Down;

#[derive(Clone)]
struct Door(Arc<Shared>);

impl<B> Service<Request<B>> for Door
where
    B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Down;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Down>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { respond(&shared, request.map(Body::new)).await })
    }
}

async fn respond(shared: &Arc<Shared>, request: Request<Body>) -> Result<Response<Body>, Down> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path == SWITCHES {
        return Ok(switches(shared, &parts.method, &parts.headers, body).await);
    }
    if let Some(certificate) = shared.certificates.get(path) {
        return Ok(answer("application/pkix-cert", certificate.to_vec()));
    }
    let (path, is_well) = path.strip_prefix(WELL).map_or((path, false), |path| (path, true));
    let what = if path.ends_with(".crl") { What::Crl } else { What::Ocsp };
    shared.requests[what as usize].fetch_add(1, Ordering::SeqCst);
    let fault = if is_well { Fault::None } else { shared.fault(what) };
    match (&fault, what) {
        (Fault::Down, _) => return Err(Down),
        (Fault::Slow(time), _) => tokio::time::sleep(*time).await,
        (Fault::Huge, _) => return Ok(huge(what)),
        (Fault::Garbage, _) => return Ok(answer(what.media_type(), b"<html>no DER</html>".into())),
        (Fault::Redirecting(to), _) => {
            let to = if to.is_empty() { format!("{WELL}{path}") } else { to.clone() };
            let mut response = status(StatusCode::FOUND);
            if let Ok(to) = to.parse() {
                response.headers_mut().insert(LOCATION, to);
            }
            return Ok(response);
        }
        (Fault::Unknown, What::Crl) => return Ok(status(StatusCode::NOT_FOUND)),
        (Fault::None | Fault::Stale | Fault::WrongSigner | Fault::Unknown, _) => {}
    }
    Ok(match what {
        What::Crl => list(shared, path, &parts.headers, fault).await,
        What::Ocsp => match ocsp_request(&parts.method, path, body).await {
            Some(request) => {
                let shared = Arc::clone(shared);
                let answered =
                    tokio::task::spawn_blocking(move || shared.answer(&request, &fault)).await;
                answered.map_or_else(|_| broken(), |der| answer(OCSP_TYPE, der))
            }
            None => status(StatusCode::BAD_REQUEST),
        },
    })
}

impl What {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Crl => CRL_TYPE,
            Self::Ocsp => OCSP_TYPE,
        }
    }
}

async fn list(
    shared: &Arc<Shared>,
    path: &str,
    headers: &HeaderMap,
    fault: Fault,
) -> Response<Body> {
    let is_asked = |ca: &CaName| path == format!("/{}.crl", ca.file_stem());
    let Some(ca) = CaName::all().find(is_asked) else {
        return status(StatusCode::NOT_FOUND);
    };
    let shared = Arc::clone(shared);
    let made = tokio::task::spawn_blocking(move || {
        let key = shared.list(ca, &fault);
        shared.keys.list(&key).map(|der| (key.this_update, der))
    });
    let Ok(Ok((this_update, der))) = made.await else {
        return broken();
    };
    let hash = digest::digest(&digest::SHA256, &der);
    let mut etag = String::from("\"");
    for byte in hash.as_ref().iter().take(16) {
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    let text =
        |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let is_known = match (text(IF_NONE_MATCH), text(IF_MODIFIED_SINCE)) {
        (Some(known), _) => known.split(',').any(|known| known.trim() == etag),
        (None, Some(since)) => {
            parsed(since).is_some_and(|since| this_update.timestamp() <= since.timestamp())
        }
        (None, None) => false,
    };
    let mut response =
        if is_known { status(StatusCode::NOT_MODIFIED) } else { answer(CRL_TYPE, der.to_vec()) };
    for (name, value) in [(ETAG, etag), (LAST_MODIFIED, this_update.format(HTTP_DATE).to_string())]
    {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// IMF-fixdate (RFC 9110 §5.6.7).
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

fn parsed(date: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(date, HTTP_DATE).ok().map(|date| date.and_utc())
}

/// By POST the body, by GET the rest of the path (RFC 6960, appendix A.1).
async fn ocsp_request(method: &Method, path: &str, body: Body) -> Option<Vec<u8>> {
    if method == Method::POST {
        return to_bytes(body, MAX_REQUEST).await.ok().map(Vec::from);
    }
    let mut text = path.strip_prefix("/ocsp").unwrap_or(path).trim_start_matches('/').to_owned();
    for (escaped, plain) in
        [("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%3D", "="), ("%3d", "=")]
    {
        text = text.replace(escaped, plain);
    }
    STANDARD.decode(text).ok().filter(|request| !request.is_empty())
}

fn huge(what: What) -> Response<Body> {
    let mut body = vec![0; HUGE];
    // It begins as a SEQUENCE of its length does.
    if let Some(start) = body.get_mut(..6) {
        start.copy_from_slice(&[0x30, 0x84, 0x1f, 0xff, 0xff, 0xfa]);
    }
    let mut response = answer(what.media_type(), body);
    response
        .headers_mut()
        .insert(TRANSFER_ENCODING, axum::http::HeaderValue::from_static("chunked"));
    response
}

async fn switches(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    body: Body,
) -> Response<Body> {
    if method == Method::POST {
        if !headers.contains_key(BY_COMMAND) {
            return status(StatusCode::FORBIDDEN);
        }
        let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        };
        if let Err(fault) = shared.switch(&body) {
            let mut response = answer("text/plain; charset=utf-8", fault.into());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        }
        if let Some(listener) = shared.listener.get() {
            let (done, heard) = oneshot::channel();
            if listener.send(done).await.is_ok() {
                let _ = heard.await;
            }
        }
    }
    let told: Vec<String> =
        What::ALL.iter().map(|what| format!("{}={}", what.name(), shared.fault(*what))).collect();
    answer("text/plain; charset=utf-8", told.join(" ").into())
}

impl Shared {
    /// A form: `crl` and `ocsp` name faults; `revoke` a list's name and a serial number in
    /// hexadecimal, as `devsithseidrootcav2:01ab`.
    fn switch(&self, form: &[u8]) -> Result<(), String> {
        let mut faults = Vec::new();
        let mut revoked = Vec::new();
        for (name, value) in url::form_urlencoded::parse(form) {
            if name == "revoke" {
                revoked.push(to_revoke(&value).ok_or("revoke: an authority and a serial number")?);
                continue;
            }
            let what = What::ALL.into_iter().find(|what| what.name() == name);
            faults.push((what.ok_or("crl, ocsp, or revoke")?, value.parse::<Fault>()?));
        }
        for (what, fault) in faults {
            self.switches().faults[what as usize] = fault;
        }
        for (ca, serial) in revoked {
            let at = self.clock.now();
            self.change(ca, |book| book.push(super::Revoked { serial, at }));
        }
        Ok(())
    }
}

fn to_revoke(text: &str) -> Option<(CaName, Vec<u8>)> {
    let (stem, serial) = text.split_once(':')?;
    let ca = CaName::all().find(|ca| ca.file_stem() == stem)?;
    let digit = |at: usize| serial.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..serial.len()).step_by(2).map(digit).collect();
    Some((ca, super::stripped(&bytes?)))
}

fn answer(media_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(media_type));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn broken() -> Response<Body> {
    status(StatusCode::INTERNAL_SERVER_ERROR)
}

//! `dev fault` and `dev revoke`: what is switched in a `dev` that runs.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::folder::Folder;
use super::pki::{CaName, Pki};
use super::responder::{BY_COMMAND, Fault, NAMES, SWITCHES, What};
use super::run::{OCSP_MAX_AGE, Options};
use crate::clock::Clock;

/// Switches faults, each as `crl=stale` or `ocsp=down`, or all off by `none`, and says which are on; without any it says
/// which are.
///
/// # Errors
/// An unknown fault, or no `dev` that runs.
pub async fn faults(
    options: &Options,
    wanted: &[String],
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for one in wanted {
        if one == "none" {
            for what in What::ALL {
                form.append_pair(what.name(), one);
            }
            continue;
        }
        let typed = one.split_once('=').and_then(|(what, fault)| {
            let what = What::ALL.into_iter().find(|known| known.name() == what)?;
            Some((what, fault.parse::<Fault>().ok()?))
        });
        let (what, fault) = typed.with_context(|| {
            format!(
                "{one}: expected none, or as crl=stale or ocsp=down: crl or ocsp, and one of {NAMES}"
            )
        })?;
        form.append_pair(what.name(), &fault.to_string());
    }
    let form = (!wanted.is_empty()).then(|| form.finish());
    writeln!(out, "{}", send(options, form).await?)?;
    Ok(())
}

/// Revokes the card of one of the people.
///
/// # Errors
/// An unknown person, or no `dev` that runs.
pub async fn revoke(
    options: &Options,
    who: &str,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let folder = Folder::open(&options.folder)?;
    let pki = Pki::load_or_create(&folder.pki(), Clock::system().now())?;
    let person = pki.person(who).with_context(|| {
        let names: Vec<&str> = pki.people().iter().map(|person| person.name).collect();
        format!("nobody is called {who}: there are {}", names.join(", "))
    })?;
    let card = CertificateDer::from_pem_file(&person.cert_pem)?;
    let (ca, serial) = issued(&card).context("not a card of this PKI")?;
    let serial: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("revoke", &format!("{}:{serial}", ca.file_stem()))
        .finish();
    send(options, Some(form)).await?;
    writeln!(
        out,
        "Revoked, until `dev` ends: the card of {} ({who}). An answer that was heard of it before is \
         believed for {} seconds.",
        person.display,
        OCSP_MAX_AGE.num_seconds()
    )?;
    Ok(())
}

/// By whom a certificate says that it was issued, and its serial number.
pub(super) fn issued(certificate: &CertificateDer<'_>) -> Option<(CaName, Vec<u8>)> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    let name = read.issuer().iter_common_name().next()?.as_str().ok()?;
    let ca = CaName::all().find(|ca| ca.common_name() == name)?;
    Some((ca, read.raw_serial().to_vec()))
}

async fn send(options: &Options, form: Option<String>) -> anyhow::Result<String> {
    let address = format!("http://127.0.0.1:{}{SWITCHES}", options.status_port);
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let request = match form {
        Some(form) => http.post(&address).header(BY_COMMAND, "1").body(form),
        None => http.get(&address),
    };
    let answer = request.send().await.with_context(|| {
        format!("no `dev` answers at {address}: start one, or name its port by --status-port")
    })?;
    let status = answer.status();
    let told = answer.text().await?;
    if !status.is_success() {
        bail!("{told}");
    }
    Ok(told)
}

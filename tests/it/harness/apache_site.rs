//! A site on Apache that mod_auth_openidc guards, set up by `tests/clients/mod_auth_openidc/site.conf`.

use std::path::{Path, PathBuf};

use siths_idp::oidc::client::Client;
use tokio::process::Command;
use url::Url;

use super::library::{is_there, sources};
use super::products::{Running, folder, free_port, running};
use super::{CLIENT_SECRET, TestIdp};

const MODULES: &str = "/usr/lib/apache2/modules";
/// What the site is registered as.
const CLIENT_ID: &str = "apache";
/// What it asks for.
const SCOPE: &str = "openid profile employeeHsaId systemRole";

/// A site that runs, until this is dropped.
pub struct ApacheSite {
    /// Where it is.
    address: Url,
    pub running: Running,
}

/// Whether Apache and its module are installed. Where continuous integration runs, they must be.
pub fn is_installed() -> bool {
    let module = Path::new(MODULES).join("mod_auth_openidc.so");
    is_there(program().is_some() && module.is_file(), "mod_auth_openidc")
}

impl ApacheSite {
    /// Registers and starts one, with further lines of configuration.
    pub async fn start(idp: &TestIdp, further: &str, edit: impl FnOnce(&mut Client, &Url)) -> Self {
        let port = free_port();
        let address: Url = format!("https://symfoni.localhost:{port}/").parse().unwrap();
        idp.register(|client| {
            client.id = CLIENT_ID.to_owned();
            client.redirect_uris = vec![format!("{address}callback")];
            edit(client, &address);
        })
        .await;
        let folder = folder();
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let pki = idp.pki();
        write("tls.pem", read(pki.server_chain_pem()));
        write("tls.key", read(pki.server_key_pem()));
        write("web-ca.pem", read(pki.web_ca_pem()));
        let pages = folder.join("pages");
        std::fs::create_dir(&pages).unwrap();
        for page in ["page", "logged-out"] {
            std::fs::write(pages.join(page), format!("this is {page}")).unwrap();
        }
        let mut text = read(&sources().join("mod_auth_openidc/site.conf"));
        for (word, value) in [
            ("@FURTHER@", further),
            ("@FOLDER@", &folder.display().to_string()),
            ("@MODULES@", MODULES),
            ("@PORT@", &port.to_string()),
            ("@ISSUER@", idp.config.issuer_identifier()),
            ("@CLIENT_ID@", CLIENT_ID),
            ("@SCOPE@", SCOPE),
            ("@SECRET@", CLIENT_SECRET),
        ] {
            text = text.replace(word, value);
        }
        write("site.conf", text);
        let mut command = Command::new(program().unwrap());
        command.arg("-X").arg("-f").arg(folder.join("site.conf"));
        command.env("NO_PROXY", "localhost");
        Self { address, running: running(command, folder, port).await }
    }

    /// An address of the site.
    pub fn at(&self, path: &str) -> Url {
        self.address.join(path).unwrap()
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("apache2")).find(|path| path.is_file())
}

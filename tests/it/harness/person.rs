//! A person at a real browser: presses buttons, and chooses a certificate when asked.

use siths_idp::dev::pki::IssuerName;

use super::store::Home;

/// What a person does at a browser, whichever it is.
pub trait Person {
    /// The card reader.
    fn reader(&self) -> &Home;

    /// Goes to an address, and waits for the page.
    async fn open(&self, address: &str);

    /// Presses the button with this label, and waits for the page that it leads to. A chooser on the
    /// way is a failure.
    async fn press(&self, label: &str);

    /// Presses the button; waits for the chooser, which offers certificates of these issuers, those
    /// that are valid longest first; takes a certificate or cancels; waits for the page.
    async fn press_and_choose(
        &self,
        label: &str,
        offered: &[IssuerName],
        takes: Option<IssuerName>,
        picture: &str,
    );

    async fn heading(&self) -> String;

    async fn html(&self) -> String;

    /// A picture of the window, below `screenshots` of the target folder.
    async fn picture(&self, name: &str);
}

//! By which signature a client proved its key: rustls verifies it, and tells nobody.
//!
//! For the check page, where it tells whether a card's driver speaks RSA-PSS. Must never be what a
//! decision rests on.

use std::cell::Cell;

use rustls::SignatureScheme;

tokio::task_local! {
    static PROOF: Cell<Option<SignatureScheme>>;
}

/// A handshake, and the scheme of the client's signature in it, where there was one.
pub(super) async fn observed<T>(
    handshake: impl Future<Output = T>,
) -> (T, Option<SignatureScheme>) {
    let observed = async {
        let done = handshake.await;
        (done, PROOF.with(Cell::get))
    };
    PROOF.scope(Cell::new(None), observed).await
}

/// Called by the verifier, within the handshake that it is asked by.
pub(super) fn note(scheme: SignatureScheme) {
    // Outside a handshake of ours there is nobody to be told.
    let _ = PROOF.try_with(|proof| proof.set(Some(scheme)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_handshake_is_told_of_its_own_signature() {
        let one = observed(async { note(SignatureScheme::RSA_PSS_SHA256) });
        let other = observed(async {
            tokio::task::yield_now().await;
            note(SignatureScheme::RSA_PKCS1_SHA256);
        });
        let (one, other, none) = tokio::join!(one, other, observed(async {}));
        assert_eq!(one.1, Some(SignatureScheme::RSA_PSS_SHA256));
        assert_eq!(other.1, Some(SignatureScheme::RSA_PKCS1_SHA256));
        assert_eq!(none.1, None);
        note(SignatureScheme::ED25519);
    }
}

//! What stands in front of a node: the pure reading of what proxies and balancers say.
//!
//! Which addresses are believed, the client certificate that a proxy passes on in header fields, the
//! address of the client, and the header of the PROXY protocol. Pure: bytes in, values out, bounded,
//! and never a panic. Must never decide that somebody is to be believed: that is [`Peers`] and the
//! proof that `tls` asks for; and never judge a certificate, which is [`pki`](crate::pki)'s.

pub mod address;
pub mod chain;
mod encoding;
pub mod peers;
pub mod protocol;
mod xfcc;

pub use address::{AddressFault, ClientAddress};
pub use chain::{ChainFields, Format, HeaderFault};
pub use peers::{Peers, PeersFault};

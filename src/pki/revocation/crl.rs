//! A certificate revocation list, verified once and kept as an index (RFC 5280 §5, §6.3).
//!
//! Nothing but its header is read before its signature holds, so what strangers can make us do is
//! one hash over a file whose size is bounded. Every fault is a value: one odd CRL leaves
//! the others alone. Must never drop an entry: a CRL is understood whole or refused.

mod table;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, Utc};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::time::Time;

use self::table::Table;
use super::extensions::{CrlExtensions, Scope};
use super::signature::{SignatureFault, Signed, sequence};
use super::{Authority, CaId, Link, Reason, Revocation, SKEW, Serial, moment, shortest};

/// The most bytes of extensions that are read, of a list or of an entry.
const MAX_EXTENSIONS: usize = 64 * 1024;

const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");

/// The most that is read of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlLimits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Entries.
    pub entries: usize,
}

impl Default for CrlLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024 * 1024, entries: 2_000_000 }
    }
}

/// A verified CRL: what its issuer says is revoked, by serial number.
pub struct CrlIndex {
    authority: CaId,
    this_update: DateTime<Utc>,
    next_update: DateTime<Utc>,
    number: Vec<u8>,
    scope: Scope,
    table: Table,
}

/// Why a CRL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlFault {
    /// More bytes than are read.
    #[error("it is larger than the limit")]
    TooLarge,
    /// More entries than are read.
    #[error("it has more entries than the limit")]
    TooMany,
    /// No DER of a CRL, or bytes after it: which part.
    #[error("its {0} cannot be read")]
    Unreadable(&'static str),
    /// The CA's keyUsage has no cRLSign.
    #[error("the CA's certificate does not allow its key to sign CRLs (cRLSign)")]
    MayNotSign,
    /// A CRL of another CA.
    #[error("its issuer is another CA")]
    IssuerOther,
    /// A weak or unknown signature algorithm, or one that does not fit the CA's key.
    #[error("its signature algorithm is not allowed")]
    Algorithm,
    /// Not signed by the CA's key, or that is RSA under 2048 bits.
    #[error("its signature is not the CA's, or the CA's key is too weak")]
    Signature,
    /// Not version 2.
    #[error("it is not of version 2")]
    Version,
    /// Two different signature algorithms are named.
    #[error("it names two different signature algorithms")]
    AlgorithmsDiffer,
    /// thisUpdate lies ahead.
    #[error("its thisUpdate lies in the future")]
    NotYet,
    /// nextUpdate is missing (RFC 5280 §5.1.2.5).
    #[error("it has no nextUpdate")]
    NextUpdateMissing,
    /// nextUpdate lies before thisUpdate.
    #[error("its nextUpdate lies before its thisUpdate")]
    DatesDisagree,
    /// No CRL number (RFC 5280 §5.2.3).
    #[error("it has no CRL number")]
    NumberMissing,
    /// A CRL number that is critical, negative or longer than 20 octets.
    #[error("its CRL number is not what RFC 5280 §5.2.3 allows")]
    Number,
    /// A critical extension that is not understood: its OID.
    #[error("it has a critical extension that is not understood ({0})")]
    ExtensionUnknown(String),
    /// An extension is there twice: its OID.
    #[error("it has an extension twice ({0})")]
    ExtensionRepeated(String),
    /// Only what has changed since another CRL.
    #[error("it is a delta CRL")]
    Delta,
    /// About certificates of other CAs.
    #[error("it is an indirect CRL")]
    Indirect,
    /// About some reasons alone.
    #[error("it is for some reasons of revocation alone")]
    SomeReasons,
    /// About attribute certificates.
    #[error("it is for attribute certificates alone")]
    AttributeCertificates,
    /// Its distribution point is named relative to its issuer.
    #[error("its distribution point is named relative to its issuer")]
    RelativePoint,
    /// An entry that cannot be read: which, counted from 1.
    #[error("its entry number {0} cannot be read")]
    Entry(usize),
    /// A critical extension of an entry that is not understood: its OID.
    #[error("an entry has a critical extension that is not understood ({0})")]
    EntryExtensionUnknown(String),
    /// The serial number of an entry is that of an earlier entry.
    #[error("its entry number {0} repeats a serial number")]
    EntryRepeated(usize),
}

impl CrlIndex {
    /// Verifies and indexes the CRL of an authority, also one whose nextUpdate has passed: ask
    /// [`is_current`](Self::is_current). Takes long for large files (about a second for a million
    /// entries): not for an async thread.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn read(
        der: &[u8],
        authority: &Authority,
        limits: CrlLimits,
        now: DateTime<Utc>,
    ) -> Result<Self, CrlFault> {
        if der.len() > limits.bytes {
            return Err(CrlFault::TooLarge);
        }
        if !authority.may_sign_crls() {
            return Err(CrlFault::MayNotSign);
        }
        let outer = |_| CrlFault::Unreadable("outer structure");
        let mut content = sequence(der).map_err(outer)?;
        let signed = Signed::cut(&mut content).map_err(outer)?;
        content.finish(()).map_err(outer)?;
        let list = List::cut(&signed)?;
        // Before the signature, for the better word.
        if list.issuer != authority.name {
            return Err(CrlFault::IssuerOther);
        }
        signed.verify(&authority.key).map_err(|fault| match fault {
            SignatureFault::Algorithm => CrlFault::Algorithm,
            SignatureFault::Wrong => CrlFault::Signature,
        })?;
        if list.this_update > now + SKEW {
            return Err(CrlFault::NotYet);
        }
        if list.next_update < list.this_update {
            return Err(CrlFault::DatesDisagree);
        }
        let CrlExtensions { number, scope } = list.read_extensions()?;
        Ok(Self {
            authority: authority.id(),
            this_update: list.this_update,
            next_update: list.next_update,
            number,
            scope,
            table: list.index(limits, signed.signature)?,
        })
    }

    /// Whose it is.
    #[must_use]
    pub const fn authority(&self) -> CaId {
        self.authority
    }

    /// When it was issued.
    #[must_use]
    pub const fn this_update(&self) -> DateTime<Utc> {
        self.this_update
    }

    /// By when its issuer promised the next one.
    #[must_use]
    pub const fn next_update(&self) -> DateTime<Utc> {
        self.next_update
    }

    /// Whether the next one is not yet due.
    #[must_use]
    pub fn is_current(&self, now: DateTime<Utc>) -> bool {
        now <= self.next_update
    }

    /// Its CRL number, big-endian without leading zeros.
    #[must_use]
    pub fn number(&self) -> &[u8] {
        &self.number
    }

    /// Whether it is older than `other` of the same authority, and must not take its place: a lower
    /// CRL number, or an earlier thisUpdate (RFC 5280 §5.2.3: numbers grow with time).
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        let number = compare(&self.number, &other.number);
        number == Ordering::Less || self.this_update < other.this_update
    }

    /// How many certificates it lists.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it lists none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.table.bytes() + self.number.capacity() + self.scope.bytes()
    }

    /// What it says of a serial number of its authority. That it is not listed means something only
    /// where [`covers`](Self::covers) holds.
    #[must_use]
    pub fn find(&self, serial: &Serial) -> Option<Revocation> {
        let (at, reason) = self.table.find(serial.as_bytes())?;
        let at = DateTime::from_timestamp(i64::from(at), 0).unwrap_or(self.this_update);
        Some(Revocation { at, reason })
    }

    /// Whether it is about this certificate: issued by its authority and within what its
    /// issuingDistributionPoint says (RFC 5280 §6.3.3 (b)).
    #[must_use]
    pub fn covers(&self, link: &Link) -> bool {
        link.issuer == self.authority && self.scope.covers(link)
    }
}

/// As numbers: big-endian without leading zeros.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

impl fmt::Debug for CrlIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrlIndex")
            .field("authority", &self.authority)
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// TBSCertList (RFC 5280 §5.1.2), its entries and extensions still in DER.
struct List<'a> {
    issuer: &'a [u8],
    this_update: DateTime<Utc>,
    next_update: DateTime<Utc>,
    entries: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> List<'a> {
    fn cut(signed: &Signed<'a>) -> Result<Self, CrlFault> {
        let unreadable = |part| move |_| CrlFault::Unreadable(part);
        let mut list = sequence(signed.message).map_err(unreadable("list"))?;
        // Version 2 is the number 1; version 1 has no such field.
        if list.peek_tag().map_err(unreadable("version"))? != Tag::Integer {
            return Err(CrlFault::Version);
        }
        if list.decode::<u8>().map_err(unreadable("version"))? != 1 {
            return Err(CrlFault::Version);
        }
        let algorithm: AnyRef<'_> = list.decode().map_err(unreadable("signature algorithm"))?;
        if algorithm.tag() != Tag::Sequence || algorithm.value() != signed.algorithm {
            return Err(CrlFault::AlgorithmsDiffer);
        }
        let issuer = list.tlv_bytes().map_err(unreadable("issuer"))?;
        let this_update = time(&mut list).ok_or(CrlFault::Unreadable("thisUpdate"))?;
        let next_update = match next_tag(&list) {
            Some(Tag::UtcTime | Tag::GeneralizedTime) => {
                time(&mut list).ok_or(CrlFault::Unreadable("nextUpdate"))?
            }
            _ => return Err(CrlFault::NextUpdateMissing),
        };
        let entries: &[u8] = match next_tag(&list) {
            Some(Tag::Sequence) => {
                list.decode::<AnyRef<'_>>().map_err(unreadable("list of entries"))?.value()
            }
            _ => &[],
        };
        let extensions = match next_tag(&list) {
            Some(Tag::ContextSpecific { constructed: true, number: TagNumber::N0 }) => {
                list.decode::<AnyRef<'_>>().map_err(unreadable("extensions"))?.value()
            }
            _ => &[],
        };
        list.finish(()).map_err(unreadable("list"))?;
        Ok(Self { issuer, this_update, next_update, entries, extensions })
    }

    fn read_extensions(&self) -> Result<CrlExtensions, CrlFault> {
        // Without extensions there is no CRL number.
        if self.extensions.is_empty() {
            return Err(CrlFault::NumberMissing);
        }
        let read = extensions_of(self.extensions).ok_or(CrlFault::Unreadable("extensions"))?;
        CrlExtensions::read(&read)
    }

    fn index(&self, limits: CrlLimits, seed: &[u8]) -> Result<Table, CrlFault> {
        // Counted first, so that the table has its size from the start and never twice that.
        let (count, serials) = self.count(limits)?;
        let mut table = Table::with_capacity(count, serials, seed);
        for (at, entry) in Entries::of(self.entries).enumerate() {
            let (serial, content) = entry.map_err(|_| CrlFault::Entry(at + 1))?;
            let (date, reason) = read_entry(content, at + 1)?;
            if !table.insert(shortest(serial), date, reason) {
                return Err(CrlFault::EntryRepeated(at + 1));
            }
        }
        Ok(table)
    }

    /// How many entries there are, and how many bytes their serial numbers have.
    fn count(&self, limits: CrlLimits) -> Result<(usize, usize), CrlFault> {
        let (mut count, mut serials) = (0, 0);
        for entry in Entries::of(self.entries) {
            count += 1;
            if count > limits.entries {
                return Err(CrlFault::TooMany);
            }
            serials += shortest(entry.map_err(|_| CrlFault::Entry(count))?.0).len();
        }
        Ok((count, serials))
    }
}

/// The entries of a list: the content of the serial number, and what follows it.
struct Entries<'a> {
    rest: der::Result<SliceReader<'a>>,
}

impl<'a> Entries<'a> {
    fn of(entries: &'a [u8]) -> Self {
        Self { rest: SliceReader::new(entries) }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = der::Result<(&'a [u8], SliceReader<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = match &mut self.rest {
            Ok(rest) if rest.is_finished() => return None,
            Ok(rest) => rest,
            Err(error) => return Some(Err(*error)),
        };
        let mut entry = || {
            let entry: AnyRef<'a> = rest.decode()?;
            entry.tag().assert_eq(Tag::Sequence)?;
            let mut content = SliceReader::new(entry.value())?;
            let serial: AnyRef<'a> = content.decode()?;
            serial.tag().assert_eq(Tag::Integer)?;
            Ok((serial.value(), content))
        };
        Some(entry())
    }
}

/// The date of an entry in seconds since 1970, and its reason.
fn read_entry(
    mut content: SliceReader<'_>,
    number: usize,
) -> Result<(u32, Option<Reason>), CrlFault> {
    let unreadable = |_| CrlFault::Entry(number);
    let date: Time = content.decode().map_err(unreadable)?;
    let date = u32::try_from(date.to_unix_duration().as_secs()).unwrap_or(u32::MAX);
    if content.is_finished() {
        return Ok((date, None));
    }
    // Some CAs encode that there are none as an empty SEQUENCE.
    let extensions = content.tlv_bytes().map_err(unreadable)?;
    content.finish(()).map_err(unreadable)?;
    let mut reason = None;
    for extension in extensions_of(extensions).ok_or(CrlFault::Entry(number))? {
        match extension.extn_id {
            REASON_CODE => {
                let read = CrlReason::from_der(extension.extn_value.as_bytes());
                reason = Some(read.map_err(unreadable)?.into());
            }
            // Since when the key was lost changes nothing for a login today.
            INVALIDITY_DATE => {}
            // Entries of an indirect CRL.
            CERTIFICATE_ISSUER => return Err(CrlFault::Indirect),
            _ if extension.critical => {
                return Err(CrlFault::EntryExtensionUnknown(extension.extn_id.to_string()));
            }
            _ => {}
        }
    }
    Ok((date, reason))
}

fn extensions_of(der: &[u8]) -> Option<Extensions> {
    if der.len() > MAX_EXTENSIONS {
        return None;
    }
    Extensions::from_der(der).ok()
}

fn time(reader: &mut SliceReader<'_>) -> Option<DateTime<Utc>> {
    moment(reader.decode::<Time>().ok()?.to_date_time())
}

fn next_tag(reader: &SliceReader<'_>) -> Option<Tag> {
    reader.peek_tag().ok()
}

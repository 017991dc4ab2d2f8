//! Serial numbers with their dates and reasons, small and quick to find.
//!
//! Records lie one after another as they came: when (4 bytes), why (1), length of the serial (1 or
//! 5), serial. Beside them a table of their places, open addressing, half full. A look-up reads one
//! place of the table and one record, seldom more, and compares the serial whole.

use std::hash::{DefaultHasher, Hasher as _};

use super::super::Reason;

/// No record.
const EMPTY: u32 = u32::MAX;

/// A length that does not fit into a byte follows in four.
const LONG: u8 = u8::MAX;

/// The reason of an entry that has none.
const NO_REASON: u8 = u8::MAX;

pub(super) struct Table {
    records: Vec<u8>,
    /// Where the record of a serial begins in `records`, at or after the place of its hash.
    places: Vec<u32>,
    len: usize,
    /// Seeded by the CRL's signature: nobody can choose serials that fall into one place.
    hasher: DefaultHasher,
}

impl Table {
    /// An empty table for `count` serials of `bytes` bytes together.
    pub(super) fn with_capacity(count: usize, bytes: usize, seed: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(seed);
        Self {
            records: Vec::with_capacity(bytes + 6 * count),
            places: vec![EMPTY; 2 * count + 1],
            len: 0,
            hasher,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The heap that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.records.capacity() + self.places.capacity() * size_of::<u32>()
    }

    /// Adds a serial; `false` where it is there already.
    #[must_use]
    pub(super) fn insert(&mut self, serial: &[u8], at: u32, reason: Option<Reason>) -> bool {
        let Err(place) = self.seek(serial) else {
            return false;
        };
        // DER readers take 256 MiB at most, and a record is smaller than its entry.
        let record = u32::try_from(self.records.len()).unwrap_or(EMPTY);
        let Some(free) = self.places.get_mut(place) else {
            return false;
        };
        *free = record;
        self.records.extend_from_slice(&at.to_be_bytes());
        self.records.push(reason.map_or(NO_REASON, |reason| reason as u8));
        match u8::try_from(serial.len()) {
            Ok(length) if length != LONG => self.records.push(length),
            _ => {
                self.records.push(LONG);
                let length = u32::try_from(serial.len()).unwrap_or(u32::MAX);
                self.records.extend_from_slice(&length.to_be_bytes());
            }
        }
        self.records.extend_from_slice(serial);
        self.len += 1;
        true
    }

    /// When and why a serial was revoked.
    pub(super) fn find(&self, serial: &[u8]) -> Option<(u32, Option<Reason>)> {
        let (at, reason, _) = self.record(self.seek(serial).ok()?)?;
        Some((at, Reason::ALL.get(usize::from(reason)).copied()))
    }

    /// The place of a serial in `records`, or the place in `places` where it belongs.
    fn seek(&self, serial: &[u8]) -> Result<u32, usize> {
        let mut hasher = self.hasher.clone();
        hasher.write(serial);
        let size = self.places.len();
        let first = usize::try_from(hasher.finish() % size.max(1) as u64).unwrap_or(0);
        for place in (first..size).chain(0..first) {
            match self.places.get(place) {
                Some(&record) if record != EMPTY => {
                    if self.record(record).is_some_and(|(_, _, found)| found == serial) {
                        return Ok(record);
                    }
                }
                _ => return Err(place),
            }
        }
        Err(size)
    }

    fn record(&self, place: u32) -> Option<(u32, u8, &[u8])> {
        let record = self.records.get(usize::try_from(place).ok()?..)?;
        let (at, record) = record.split_first_chunk()?;
        let ([reason, length], mut record) = record.split_first_chunk()?;
        let mut length = usize::from(*length);
        if length == usize::from(LONG) {
            let (long, rest) = record.split_first_chunk()?;
            length = usize::try_from(u32::from_be_bytes(*long)).ok()?;
            record = rest;
        }
        Some((u32::from_be_bytes(*at), *reason, record.get(..length)?))
    }
}

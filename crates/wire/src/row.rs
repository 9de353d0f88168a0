//! One event of a journal as bytes: a header of fixed length, the record in JSON, a signature.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 2 | `SE` |
//! | 2 | 1 | version, 1 |
//! | 3 | 1 | flags, 0 |
//! | 4 | 16 | author |
//! | 20 | 8 | number in the journal, from 1, big-endian |
//! | 28 | 32 | hash of the row before; zeros for the first |
//! | 60 | 4 | length of the record, big-endian |
//! | 64 | … | the record, UTF-8 JSON |
//! | end − 64 | 64 | Ed25519 signature over the row's hash, context `stempel event v1` |
//!
//! The hash of a row is BLAKE3 over everything before the signature. Because each row holds the hash of the
//! one before, a signature vouches for its row and for all rows before it.
//!
//! The bytes are kept and passed on as they were signed. A field that this version does not know survives
//! that way; a kind that it does not know is named by [`RecordError::UnknownKind`].

use std::fmt;

use serde::Deserialize;
use stempel_domain::event::{Event, Fact, Record};
use stempel_domain::{AuthorId, EventRef};

use crate::key::{KeyError, PublicKey, SecretKey, Signature};

const MAGIC: &[u8; 2] = b"SE";
const ROW_VERSION: u8 = 1;
const HEADER_LEN: usize = 64;
const SIGNATURE_LEN: usize = 64;
const CONTEXT: &str = "stempel event v1";

/// The longest record, in bytes: a sale of 500 lines with its explanation fits.
pub const RECORD_LEN_MAX: usize = 512 * 1024;

/// The hash of a row (BLAKE3, 32 bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first row of a journal holds in place of a predecessor.
    pub const NONE: Self = Self([0; 32]);

    /// Takes a hash from its 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Bytes that are no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Shorter than it says, or longer.
    #[error("the row is cut off or has bytes after its end")]
    Length,
    /// Does not begin like a row.
    #[error("these bytes are not a journal row")]
    NotARow,
    /// Of a later version.
    #[error("the row is of version {0}, which this program does not know; update the program")]
    Version(u8),
    /// The number 0 does not exist.
    #[error("the row has no number")]
    NoNumber,
}

/// A record that this version cannot read. The row itself may be perfectly genuine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A kind of a later version.
    #[error("the event is of kind “{0}”, which this program does not know; update the program")]
    UnknownKind(String),
    /// Not a record at all.
    #[error("the event cannot be read: {0}")]
    Unreadable(String),
}

/// One row of a journal: the signed bytes, known to be well-formed but not yet to be genuine.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    bytes: Vec<u8>,
    hash: Hash,
}

impl Row {
    /// Writes and signs the next row of a journal.
    pub fn write(
        key: &SecretKey,
        reference: EventRef,
        previous: Hash,
        record: &Record,
    ) -> Result<Self, RecordError> {
        let body = serde_json::to_vec(record).map_err(|error| RecordError::Unreadable(error.to_string()))?;
        if body.len() > RECORD_LEN_MAX {
            return Err(RecordError::Unreadable(format!("it is longer than {RECORD_LEN_MAX} bytes")));
        }
        let mut bytes = Vec::with_capacity(HEADER_LEN + body.len() + SIGNATURE_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[ROW_VERSION, 0]);
        bytes.extend_from_slice(&reference.author.0);
        bytes.extend_from_slice(&reference.seq.to_be_bytes());
        bytes.extend_from_slice(&previous.0);
        bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&body);
        let hash = Hash(*blake3::hash(&bytes).as_bytes());
        bytes.extend_from_slice(&key.sign(CONTEXT, &hash.0).0);
        Ok(Self { bytes, hash })
    }

    /// Takes a row from its bytes. Looks at the form only; [`Row::verify`] says whether it is genuine.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, RowError> {
        if bytes.len() < HEADER_LEN + SIGNATURE_LEN {
            return Err(RowError::Length);
        }
        if &bytes[..2] != MAGIC {
            return Err(RowError::NotARow);
        }
        if bytes[2] != ROW_VERSION {
            return Err(RowError::Version(bytes[2]));
        }
        let body_len = u32::from_be_bytes([bytes[60], bytes[61], bytes[62], bytes[63]]) as usize;
        if body_len > RECORD_LEN_MAX || bytes.len() != HEADER_LEN + body_len + SIGNATURE_LEN {
            return Err(RowError::Length);
        }
        let hash = Hash(*blake3::hash(&bytes[..bytes.len() - SIGNATURE_LEN]).as_bytes());
        let row = Self { bytes, hash };
        if row.seq() == 0 {
            return Err(RowError::NoNumber);
        }
        Ok(row)
    }

    /// The bytes, as signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, as signed.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Who wrote it.
    pub fn author(&self) -> AuthorId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes[4..20]);
        AuthorId(id)
    }

    /// Its number in the journal.
    pub fn seq(&self) -> u64 {
        let mut seq = [0; 8];
        seq.copy_from_slice(&self.bytes[20..28]);
        u64::from_be_bytes(seq)
    }

    /// The event's name.
    pub fn reference(&self) -> EventRef {
        EventRef { author: self.author(), seq: self.seq() }
    }

    /// The hash of the row before.
    pub fn previous(&self) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(&self.bytes[28..60]);
        Hash(hash)
    }

    /// The row's own hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The record as signed: JSON.
    pub fn record_json(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..self.bytes.len() - SIGNATURE_LEN]
    }

    /// Whether the author's key signed exactly these bytes.
    pub fn verify(&self, key: &PublicKey) -> Result<(), KeyError> {
        let signature = Signature::from_slice(&self.bytes[self.bytes.len() - SIGNATURE_LEN..])?;
        key.verify(CONTEXT, &self.hash.0, &signature)
    }

    /// Whether this row comes right after the row with that number and hash.
    pub fn follows(&self, seq: u64, hash: Hash) -> bool {
        self.seq() == seq + 1 && self.previous() == hash
    }

    /// Reads the record.
    pub fn event(&self) -> Result<Event, RecordError> {
        match serde_json::from_slice::<Record>(self.record_json()) {
            Ok(record) => Ok(Event { author: self.author(), seq: self.seq(), record }),
            Err(error) => Err(self.why_unreadable(&error)),
        }
    }

    /// The kind's name, also of kinds that this version cannot read.
    pub fn kind(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct KindOnly {
            fact: serde_json::Map<String, serde_json::Value>,
        }
        let parsed: KindOnly = serde_json::from_slice(self.record_json()).ok()?;
        parsed.fact.into_iter().next().map(|(kind, _)| kind)
    }

    fn why_unreadable(&self, error: &serde_json::Error) -> RecordError {
        match self.kind() {
            Some(kind) if !Fact::KINDS.contains(&kind.as_str()) => RecordError::UnknownKind(kind),
            _ => RecordError::Unreadable(error.to_string()),
        }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {} bytes)", self.reference(), self.bytes.len())
    }
}

/// The hash of a text that is not to be kept itself, in hexadecimal.
pub fn hash_of(text: &[u8]) -> String {
    Hash(*blake3::hash(text).as_bytes()).to_string()
}

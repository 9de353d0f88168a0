//! Whether a receipt of another till is genuine: the signature of its security device (TSE), checked offline.
//!
//! What a security device signs (BSI TR-03151) is not the printed text but a list of ASN.1 elements, without a
//! sequence around them: version, type of the log message, operation, client, process data, process type,
//! transaction, serial number, algorithm, signature counter, time. All of them follow from the receipt's code
//! ([`FiscalReceipt`]). Two optional elements do not stand in the code (additional external and internal data);
//! a device that uses them signs more than its receipts show, and its receipts cannot be checked.
//!
//! The code carries the device's public key, so a good signature alone says only that *some* key signed. Whose
//! key it is, a shop says when it pins the till.

use ecdsa::VerifyingKey;
use ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha384};
use stempel_domain::receipt::{FiscalReceipt, LogTimeFormat};

/// id-SE-API-transaction-log (0.4.0.127.0.7.3.7.1.1).
const TRANSACTION_LOG: &[u8] = &[0x04, 0x00, 0x7F, 0x00, 0x07, 0x03, 0x07, 0x01, 0x01];
/// ecdsa-plain-SHA256 (0.4.0.127.0.7.1.1.4.1.3) and ecdsa-plain-SHA384 (….4) of BSI TR-03111.
const PLAIN_SHA256: &[u8] = &[0x04, 0x00, 0x7F, 0x00, 0x07, 0x01, 0x01, 0x04, 0x01, 0x03];
const PLAIN_SHA384: &[u8] = &[0x04, 0x00, 0x7F, 0x00, 0x07, 0x01, 0x01, 0x04, 0x01, 0x04];
const LOG_VERSION: u64 = 2;
const OPERATION: &[u8] = b"FinishTransaction";

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// Tag of the context, primitive.
const fn context(number: u8) -> u8 {
    0x80 | number
}

/// Why a receipt's signature says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FiscalError {
    /// An algorithm that this version does not know.
    #[error("this receipt is signed by “{0}”, which cannot be checked here")]
    Algorithm(String),
    /// A key that is a point of no known curve.
    #[error("the key on this receipt is of no kind that can be checked here")]
    Key,
    /// A time that the form of the signed time cannot hold.
    #[error("the time on this receipt cannot be what was signed")]
    Time,
    /// The signature does not belong to what stands there.
    #[error(
        "the signature on this receipt does not fit what stands on it: it was changed, misread, or its till signs \
         more than it prints, which cannot be checked"
    )]
    Signature,
}

/// The serial number of a security device: the SHA-256 hash of its public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TseSerial(pub [u8; 32]);

impl TseSerial {
    /// The serial number that belongs to a public key.
    pub fn of_key(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads 64 hexadecimal digits, in upper or lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for TseSerial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for TseSerial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TseSerial({self})")
    }
}

/// An algorithm of signatures, with its hash.
#[derive(Clone, Copy)]
enum Algorithm {
    PlainSha256,
    PlainSha384,
}

impl Algorithm {
    fn of(name: &str) -> Result<Self, FiscalError> {
        match name {
            "ecdsa-plain-SHA256" => Ok(Self::PlainSha256),
            "ecdsa-plain-SHA384" => Ok(Self::PlainSha384),
            other => Err(FiscalError::Algorithm(other.to_owned())),
        }
    }

    fn object(self) -> &'static [u8] {
        match self {
            Self::PlainSha256 => PLAIN_SHA256,
            Self::PlainSha384 => PLAIN_SHA384,
        }
    }

    fn hash(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::PlainSha256 => Sha256::digest(message).to_vec(),
            Self::PlainSha384 => Sha384::digest(message).to_vec(),
        }
    }
}

/// Checks that the key on a receipt has signed what stands on it. Returns the serial number of the security
/// device, which the caller compares with the tills of its shop.
pub fn check(receipt: &FiscalReceipt) -> Result<TseSerial, FiscalError> {
    let algorithm = Algorithm::of(&receipt.algorithm)?;
    let hash = algorithm.hash(&signed_message(receipt)?);
    verify(&receipt.key, &hash, &receipt.signature)?;
    Ok(TseSerial::of_key(&receipt.key))
}

/// The bytes that the security device signed for a receipt.
pub fn signed_message(receipt: &FiscalReceipt) -> Result<Vec<u8>, FiscalError> {
    let algorithm = Algorithm::of(&receipt.algorithm)?;
    let mut message = Vec::with_capacity(256 + receipt.process_data.len());
    number(&mut message, INTEGER, LOG_VERSION);
    put(&mut message, OBJECT, TRANSACTION_LOG);
    put(&mut message, context(0), OPERATION);
    put(&mut message, context(1), receipt.till.as_bytes());
    put(&mut message, context(2), receipt.process_data.as_bytes());
    put(&mut message, context(3), receipt.process_type.as_bytes());
    number(&mut message, context(5), receipt.transaction);
    put(&mut message, OCTETS, &TseSerial::of_key(&receipt.key).0);
    let mut identifier = Vec::with_capacity(12);
    put(&mut identifier, OBJECT, algorithm.object());
    put(&mut message, SEQUENCE, &identifier);
    number(&mut message, INTEGER, receipt.counter);
    time(&mut message, receipt)?;
    Ok(message)
}

fn time(message: &mut Vec<u8>, receipt: &FiscalReceipt) -> Result<(), FiscalError> {
    let seconds = u64::try_from(receipt.ended_ms.div_euclid(1000)).map_err(|_| FiscalError::Time)?;
    match receipt.time_format {
        LogTimeFormat::Unix => number(message, INTEGER, seconds),
        LogTimeFormat::Utc => put(message, UTC_TIME, &civil(seconds)?.as_bytes()[2..]),
        LogTimeFormat::Generalized => put(message, GENERALIZED_TIME, civil(seconds)?.as_bytes()),
    }
    Ok(())
}

/// `20260602095840Z`.
fn civil(seconds: u64) -> Result<String, FiscalError> {
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let day = i64::try_from(days).map_err(|_| FiscalError::Time)?;
    let date = stempel_domain::Day::from_number(day).civil();
    let (hour, minute, second) = (of_day / 3600, of_day % 3600 / 60, of_day % 60);
    Ok(format!("{:04}{:02}{:02}{hour:02}{minute:02}{second:02}Z", date.year(), date.month(), date.day()))
}

/// Adds an element: tag, length, content (DER).
fn put(message: &mut Vec<u8>, tag: u8, content: &[u8]) {
    message.push(tag);
    let length = content.len();
    if length < 0x80 {
        message.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
        message.push(0x80 | (bytes.len() - skipped) as u8);
        message.extend_from_slice(&bytes[skipped..]);
    }
    message.extend_from_slice(content);
}

/// Adds a number that is not negative, in as few bytes as can hold it.
fn number(message: &mut Vec<u8>, tag: u8, value: u64) {
    let bytes = value.to_be_bytes();
    let skipped = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    let mut content = Vec::with_capacity(9);
    if bytes[skipped] & 0x80 != 0 {
        content.push(0);
    }
    content.extend_from_slice(&bytes[skipped..]);
    put(message, tag, &content);
}

/// Verifies a plain signature (r ‖ s) by a key that is a point of the curve it belongs to. The curves of one size
/// are tried in turn: a point of one is not a point of the other.
fn verify(key: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), FiscalError> {
    use FiscalError::{Key, Signature};
    macro_rules! try_curve {
        ($curve:ty) => {
            if let Ok(key) = VerifyingKey::<$curve>::from_sec1_bytes(key) {
                let signature = ecdsa::Signature::<$curve>::from_slice(signature).map_err(|_| Signature)?;
                return key.verify_prehash(hash, &signature).map_err(|_| Signature);
            }
        };
    }
    match key.len() {
        65 => {
            try_curve!(p256::NistP256);
            try_curve!(bp256::BrainpoolP256r1);
        }
        97 => {
            try_curve!(p384::NistP384);
            try_curve!(bp384::BrainpoolP384r1);
        }
        _ => {}
    }
    Err(Key)
}

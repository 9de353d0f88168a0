//! Receipts of other tills: the QR code that German tills print, as DSFinV-K (annex I) lays it out.
//!
//! `V0;till;process type;process data;transaction;signature counter;start;end;algorithm;time format;signature;key`.
//! The process data of a receipt are `Beleg^gross amounts of five rates^payments`. Reading says what stands
//! there; whether it is genuine is another question (`stempel_wire::fiscal`).

use data_encoding::BASE64;

use crate::money::Money;
use crate::time::Moment;

/// The version that such a code begins with.
const VERSION: &str = "V0";
/// The process type of a receipt; some tills write it with a capital B, and sign it so.
const PROCESS_TYPE: &str = "Kassenbeleg-V1";
/// The kind of process that is a sale; others are orders, trainings, cancellations.
const SALE: &str = "Beleg";
const FIELDS: usize = 12;
/// Rates of tax whose gross amounts a receipt names.
const RATES: usize = 5;
/// The longest text that is read, in bytes: real ones have 300 to 600.
const TEXT_LEN_MAX: usize = 2048;
/// The longest till's name, in bytes.
const TILL_LEN_MAX: usize = 128;

/// How the security device wrote down the time that it signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTimeFormat {
    /// Seconds since 1970.
    Unix,
    /// ASN.1 UTCTime with seconds.
    Utc,
    /// ASN.1 GeneralizedTime with seconds.
    Generalized,
}

/// A text that is no receipt that can be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Something else altogether.
    #[error("this is not the QR code of a receipt")]
    NotAReceipt,
    /// A part of it cannot be read.
    #[error("this receipt's code cannot be read: {0}")]
    Unreadable(&'static str),
    /// A process of the till that is no sale.
    #[error("this is the code of “{0}” and not of a sale")]
    NotASale(String),
}

/// What stands in a receipt's code. Nothing of it is known to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiscalReceipt {
    /// The serial number of the till (the security device's client).
    pub till: String,
    /// The type of the process, as signed.
    pub process_type: String,
    /// The process data, as signed.
    pub process_data: String,
    /// The transaction's number at the security device.
    pub transaction: u64,
    /// The number of the signature at the security device.
    pub counter: u64,
    /// When the sale ended, in milliseconds since 1970: the time that was signed.
    pub ended_ms: i64,
    /// The signature's algorithm, by its name.
    pub algorithm: String,
    /// How the signed time was written.
    pub time_format: LogTimeFormat,
    /// The signature.
    pub signature: Vec<u8>,
    /// The security device's public key.
    pub key: Vec<u8>,
    /// What was sold, tax inside, over all rates.
    pub total: Money,
}

impl FiscalReceipt {
    /// Whether a text looks like a receipt's code at all.
    pub fn is_one(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with("V0;") && text.len() <= TEXT_LEN_MAX
    }

    /// Reads a receipt's code.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        use ReceiptError::{NotAReceipt, NotASale, Unreadable};
        let text = text.trim();
        if text.len() > TEXT_LEN_MAX {
            return Err(NotAReceipt);
        }
        let fields: Vec<&str> = text.split(';').take(FIELDS + 1).collect();
        if fields[0] != VERSION || fields.len() < 2 {
            return Err(NotAReceipt);
        }
        let [_, till, kind, data, transaction, counter, _, ended, algorithm, format, signature, key] =
            fields[..]
        else {
            return Err(Unreadable("it has not twelve parts"));
        };
        if till.is_empty() || till.len() > TILL_LEN_MAX || till.chars().any(char::is_control) {
            return Err(Unreadable("the till's name"));
        }
        if !kind.eq_ignore_ascii_case(PROCESS_TYPE) {
            return Err(NotASale(said(kind)));
        }
        let (process, rest) = data.split_once('^').ok_or(Unreadable("what was sold"))?;
        if process != SALE {
            return Err(NotASale(said(process)));
        }
        let time_format = match format {
            "unixTime" => LogTimeFormat::Unix,
            "utcTime" => LogTimeFormat::Utc,
            "generalizedTime" => LogTimeFormat::Generalized,
            _ => return Err(Unreadable("the form of its time")),
        };
        let (ended_ms, _) = Moment::parse_rfc3339(ended).map_err(|_| Unreadable("its time"))?;
        let decoded = |text: &str, what| BASE64.decode(text.as_bytes()).map_err(|_| Unreadable(what));
        Ok(Self {
            till: till.to_owned(),
            process_type: kind.to_owned(),
            process_data: data.to_owned(),
            transaction: number(transaction).ok_or(Unreadable("the transaction's number"))?,
            counter: number(counter).ok_or(Unreadable("the signature's number"))?,
            ended_ms,
            algorithm: said(algorithm),
            time_format,
            signature: decoded(signature, "the signature")?,
            key: decoded(key, "the key")?,
            total: total(rest).ok_or(Unreadable("the amounts"))?,
        })
    }
}

/// A word of the receipt for a sentence: bounded, without control characters.
fn said(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

/// Only digits: no sign, no spaces, nothing that another reader would take for something else.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The sum of the gross amounts by rate.
fn total(data: &str) -> Option<Money> {
    let (gross, _) = data.split_once('^')?;
    let amounts: Vec<Money> = gross.split('_').take(RATES + 1).map(amount).collect::<Option<_>>()?;
    (amounts.len() == RATES).then(|| amounts.into_iter().sum())
}

fn amount(text: &str) -> Option<Money> {
    let (_, cents) = text.split_once('.')?;
    (cents.len() == 2).then(|| Money::parse(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str =
        "2026-06-02T09:58:12.000Z;2026-06-02T09:58:40.000Z;ecdsa-plain-SHA256;unixTime;c2ln;a2V5";

    fn read(data: &str) -> Result<FiscalReceipt, ReceiptError> {
        FiscalReceipt::parse(&format!("V0;KASSE-1;Kassenbeleg-V1;{data};18;112;{TAIL}"))
    }

    #[test]
    fn a_receipt_says_till_transaction_time_and_total() {
        let receipt = read("Beleg^3.60_2.50_0.00_0.00_0.00^6.10:Bar").unwrap();
        assert_eq!((receipt.till.as_str(), receipt.transaction, receipt.counter), ("KASSE-1", 18, 112));
        assert_eq!(receipt.total, Money(610));
        assert_eq!(receipt.ended_ms, Moment::parse_rfc3339("2026-06-02T11:58:40+02:00").unwrap().0);
        assert_eq!(receipt.time_format, LogTimeFormat::Unix);
        assert_eq!((receipt.signature.as_slice(), receipt.key.as_slice()), (&b"sig"[..], &b"key"[..]));
        assert_eq!(read("Beleg^-3.60_0.00_0.00_0.00_0.00^-3.60:Bar").unwrap().total, Money(-360));
    }

    #[test]
    fn what_is_no_sale_is_named() {
        for (data, name) in [
            ("AVTraining^1.00_0.00_0.00_0.00_0.00^1.00:Bar", "AVTraining"),
            ("AVBelegabbruch^", "AVBelegabbruch"),
        ] {
            assert_eq!(read(data), Err(ReceiptError::NotASale(name.into())));
        }
        let order = format!("V0;KASSE-1;Bestellung-V1;2;Eis;18;112;{TAIL}");
        assert!(FiscalReceipt::parse(&order).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for data in [
            "Beleg",
            "Beleg^",
            "Beleg^1.00^1.00:Bar",
            "Beleg^3,000.00_0.00_0.00_0.00_0.00^1:Bar",
            "Beleg^1_0.00_0.00_0.00_0.00^1:Bar",
            "Beleg^+1.00_0.00_0.00_0.00_0.00^1:Bar",
            "Beleg^1.00_0.00_0.00_0.00_0.00_0.00^1:Bar",
            "Beleg^99999999999999999999.00_0.00_0.00_0.00_0.00^1:Bar",
        ] {
            assert!(matches!(read(data), Err(ReceiptError::Unreadable(_))), "{data}");
        }
        for text in ["", "V0", "V1;a", "https://example.org", "S1AAAA", &"V0;".repeat(2000)] {
            assert_eq!(FiscalReceipt::parse(text), Err(ReceiptError::NotAReceipt), "{text:.20}");
        }
        let whole = format!("V0;KASSE-1;Kassenbeleg-V1;Beleg^1.00_0.00_0.00_0.00_0.00^1:Bar;18;112;{TAIL}");
        assert!(FiscalReceipt::parse(&whole).is_ok());
        for end in 1..whole.len() {
            // Cut off anywhere: refused, or (within the last base 64) read and left to the signature.
            let _ = FiscalReceipt::parse(&whole[..end]);
        }
        for wrong in [";-18;", ";+18;", ";;", ";18 ;", ";99999999999999999999999;"] {
            assert!(FiscalReceipt::parse(&whole.replace(";18;", wrong)).is_err(), "{wrong}");
        }
    }
}

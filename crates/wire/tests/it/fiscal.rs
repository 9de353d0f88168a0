//! Receipts of other tills: what their security devices signed.

use ecdsa::SigningKey;
use ecdsa::signature::hazmat::PrehashSigner;
use p256::NistP256;
use p384::NistP384;
use sha2::{Digest, Sha256, Sha384};
use stempel_domain::Money;
use stempel_domain::receipt::{FiscalReceipt, LogTimeFormat};
use stempel_wire::fiscal::{FiscalError, TseSerial, check, signed_message};

/// The example of DSFinV-K, annex I (brainpoolP384r1).
pub const ANNEX: &str = "V0;AMA-2642;Kassenbeleg-V1;Beleg^4.05_3.00_0.00_0.00_0.00^7.05:Bar;13;44131;\
    2019-11-22T11:29:48.000Z;2019-11-22T11:29:49.000Z;ecdsa-plain-SHA384;unixTime;\
    K8zsZ6NjsBzo/Yd3Hba84aH3oT+c4Og5VcfJ7s6Dxz7UmAwtcKmzW16OkS/lm8pDE/37JHoRlYofUTLNF+9bY5Jv7C2P4nuEaHwlVarbiJs3bYlgQmIXQDZnf+8FhfBm;\
    BBXNYQErM4d9sk9Iy+0T6A4sdTocijml5X78Gq/At2uXTcs/3bZNNpyuHd+dpmY59yLh0xZcr9osHhkDAxsQumgjmtb3d9GIVnTaPCslEki84P1iHPiHKHfcszeQajPk3A==";
/// What a maker of security devices publishes as the answer of its test system (P-256).
pub const TEST_SYSTEM: &str = "V0;ERS f3ab7b96-6d82-433e-a87a-cccc8e001e20;Kassenbeleg-V1;\
    Beleg^21.42_0.00_0.00_0.00_0.00^21.42:Unbar;1;34;2023-01-20T18:27:22.000Z;2023-01-20T18:33:07.000Z;\
    ecdsa-plain-SHA256;unixTime;\
    qvyQJduZN29b2kXpEqhXlJ0Hmy3rYiPzBiu/QTPPei7bnGIwMysPV3Q39gMwoEfxtp3KXqWEfUrBulTcBbRpRQ==;\
    BO8SGEEyy6KZQeZ+gbaJK9A9s8UkNZ8NhUut3t2BB9D9heCk/rJRwEKIJUCDcjLHl7c3M6jZ8rq98zYeuLuirHc=";

/// A receipt of ours, not signed yet.
fn unsigned(algorithm: &str, time_format: LogTimeFormat, key: Vec<u8>) -> FiscalReceipt {
    FiscalReceipt {
        till: "KASSE-1".into(),
        process_type: "Kassenbeleg-V1".into(),
        process_data: "Beleg^3.60_0.00_0.00_0.00_0.00^3.60:Bar".into(),
        transaction: 18,
        counter: 300,
        ended_ms: 1_780_394_700_000,
        algorithm: algorithm.into(),
        time_format,
        signature: Vec::new(),
        key,
        total: Money(360),
    }
}

fn signed_by_p256(time_format: LogTimeFormat) -> FiscalReceipt {
    let key = SigningKey::<NistP256>::from_slice(&[7; 32]).unwrap();
    let public = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
    let mut receipt = unsigned("ecdsa-plain-SHA256", time_format, public);
    let hash = Sha256::digest(signed_message(&receipt).unwrap());
    let signature: ecdsa::Signature<NistP256> = key.sign_prehash(&hash).unwrap();
    receipt.signature = signature.to_bytes().to_vec();
    receipt
}

#[test]
fn published_receipts_are_genuine() {
    for text in [ANNEX, TEST_SYSTEM] {
        let receipt = FiscalReceipt::parse(text).unwrap();
        assert_eq!(check(&receipt), Ok(TseSerial::of_key(&receipt.key)), "{}", receipt.till);
    }
    assert_eq!(FiscalReceipt::parse(ANNEX).unwrap().total, Money(705));
}

#[test]
fn each_curve_and_form_of_time_is_checked() {
    for format in [LogTimeFormat::Unix, LogTimeFormat::Utc, LogTimeFormat::Generalized] {
        assert!(check(&signed_by_p256(format)).is_ok(), "{format:?}");
    }
    let key = SigningKey::<NistP384>::from_slice(&[9; 48]).unwrap();
    let public = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
    let mut receipt = unsigned("ecdsa-plain-SHA384", LogTimeFormat::Unix, public);
    let hash = Sha384::digest(signed_message(&receipt).unwrap());
    let signature: ecdsa::Signature<NistP384> = key.sign_prehash(&hash).unwrap();
    receipt.signature = signature.to_bytes().to_vec();
    assert!(check(&receipt).is_ok());
}

#[test]
fn whatever_is_changed_the_signature_no_longer_fits() {
    let genuine = signed_by_p256(LogTimeFormat::Unix);
    let changed: [fn(&mut FiscalReceipt); 8] = [
        |receipt| receipt.till.push('1'),
        |receipt| receipt.process_data = receipt.process_data.replace("3.60", "9.60"),
        |receipt| receipt.process_type = "KassenBeleg-V1".into(),
        |receipt| receipt.transaction += 1,
        |receipt| receipt.counter += 1,
        |receipt| receipt.ended_ms += 1000,
        |receipt| receipt.time_format = LogTimeFormat::Utc,
        |receipt| receipt.signature[40] ^= 1,
    ];
    for (index, change) in changed.iter().enumerate() {
        let mut receipt = genuine.clone();
        change(&mut receipt);
        assert_eq!(check(&receipt), Err(FiscalError::Signature), "change {index}");
    }
    let other = SigningKey::<NistP256>::from_slice(&[8; 32]).unwrap();
    let key = other.verifying_key().to_sec1_point(false).as_bytes().to_vec();
    assert_eq!(check(&FiscalReceipt { key, ..genuine }), Err(FiscalError::Signature));
}

#[test]
fn what_cannot_be_checked_is_said() {
    let genuine = signed_by_p256(LogTimeFormat::Unix);
    for name in ["ecdsa-plain-SHA512", "SHA256withECDSA", ""] {
        let receipt = FiscalReceipt { algorithm: name.into(), ..genuine.clone() };
        assert_eq!(check(&receipt), Err(FiscalError::Algorithm(name.into())));
    }
    for key in [Vec::new(), vec![4; 65], vec![0; 97], vec![4; 64], vec![4; 300]] {
        assert_eq!(check(&FiscalReceipt { key, ..genuine.clone() }), Err(FiscalError::Key));
    }
    for signature in [Vec::new(), vec![0; 64], vec![255; 64], vec![1; 63], vec![1; 96]] {
        assert_eq!(check(&FiscalReceipt { signature, ..genuine.clone() }), Err(FiscalError::Signature));
    }
    assert_eq!(check(&FiscalReceipt { ended_ms: -1000, ..genuine }), Err(FiscalError::Time));
}

#[test]
fn the_signed_bytes_are_those_of_the_guideline() {
    let receipt = unsigned("ecdsa-plain-SHA256", LogTimeFormat::Utc, vec![4; 65]);
    let message = signed_message(&receipt).unwrap();
    let begin = [
        &[0x02, 1, 2][..],
        &[0x06, 9, 4, 0, 127, 0, 7, 3, 7, 1, 1],
        &[0x80, 17],
        b"FinishTransaction",
        &[0x81, 7],
        b"KASSE-1",
        &[0x82, 39],
        b"Beleg^3.60_0.00_0.00_0.00_0.00^3.60:Bar",
        &[0x83, 14],
        b"Kassenbeleg-V1",
        &[0x85, 1, 18, 0x04, 32],
    ]
    .concat();
    assert_eq!(message[..begin.len()], begin);
    let end = [
        &[0x30, 12, 0x06, 10, 4, 0, 127, 0, 7, 1, 1, 4, 1, 3][..],
        &[0x02, 2, 1, 44, 0x17, 13],
        b"260602100500Z",
    ]
    .concat();
    assert_eq!(message[begin.len() + 32..], end);
}

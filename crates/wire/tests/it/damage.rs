//! Rows that were cut, stretched or changed, and rows of later versions.

use proptest::prelude::*;
use stempel_domain::EventRef;
use stempel_domain::event::{Fact, Record};
use stempel_wire::row::{RecordError, RowError};
use stempel_wire::{Hash, Row};

use crate::support::*;

fn golden_row(index: usize) -> Vec<u8> {
    golden_hex(&format!("rows/{}.hex", Fact::KINDS[index]))
}

/// A row around any record text, signed as a later version of the program would sign it.
fn row_of(record: &str) -> Row {
    let mut bytes = b"SE\x01\x00".to_vec();
    bytes.extend_from_slice(&DEVICE.0);
    bytes.extend_from_slice(&1_u64.to_be_bytes());
    bytes.extend_from_slice(&[0; 32]);
    bytes.extend_from_slice(&(record.len() as u32).to_be_bytes());
    bytes.extend_from_slice(record.as_bytes());
    let hash = *blake3::hash(&bytes).as_bytes();
    bytes.extend_from_slice(&device_key().sign("stempel event v1", &hash).0);
    let row = Row::parse(bytes).unwrap();
    row.verify(&device_key().public()).unwrap();
    row
}

proptest! {
    #[test]
    fn a_row_that_was_cut_off_is_refused(kind in 0..Fact::KINDS.len(), part in 0.0..1.0_f64) {
        let mut bytes = golden_row(kind);
        bytes.truncate((bytes.len() as f64 * part) as usize);
        prop_assert_eq!(Row::parse(bytes), Err(RowError::Length));
    }

    #[test]
    fn a_row_with_bytes_after_its_end_is_refused(kind in 0..Fact::KINDS.len(), more in prop::collection::vec(any::<u8>(), 1..200)) {
        let mut bytes = golden_row(kind);
        bytes.extend(more);
        prop_assert_eq!(Row::parse(bytes), Err(RowError::Length));
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is(kind in 0..Fact::KINDS.len(), place in 0.0..1.0_f64, bit in 0..8_u32) {
        let mut bytes = golden_row(kind);
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] ^= 1 << bit;
        if let Ok(row) = Row::parse(bytes) {
            prop_assert!(row.verify(&device_key().public()).is_err());
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Row::parse(bytes);
    }

    #[test]
    fn any_record_is_read_or_refused(record in "\\PC{0,200}") {
        let row = row_of(&record);
        prop_assert!(row.event().is_err());
        let _ = row.kind();
    }
}

#[test]
fn each_wrong_row_is_called_by_its_name() {
    let good = golden_row(0);
    let with = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        Row::parse(bytes)
    };
    assert_eq!(with(0, b'X'), Err(RowError::NotARow));
    assert_eq!(with(2, 2), Err(RowError::Version(2)));
    assert_eq!(with(27, 0), Err(RowError::NoNumber));
    assert_eq!(with(60, 0xff), Err(RowError::Length));
    assert_eq!(Row::parse(Vec::new()), Err(RowError::Length));
}

#[test]
fn a_row_of_another_author_or_place_is_not_the_same_row() {
    let record: Record = serde_json::from_str(&golden("rows/sale.json")).unwrap();
    let write = |seq, previous| {
        Row::write(&device_key(), EventRef { author: DEVICE, seq }, previous, &record).unwrap().hash()
    };
    let first = write(1, Hash::NONE);
    assert_ne!(first, write(2, Hash::NONE));
    assert_ne!(write(2, Hash::NONE), write(2, first));
}

#[test]
fn a_record_that_is_too_long_is_not_written() {
    let text = golden_json("rows/programme-published.json").replace("coffees", &"c".repeat(600_000));
    let record: Record = serde_json::from_str(&text).unwrap();
    let written = Row::write(&device_key(), EventRef { author: DEVICE, seq: 1 }, Hash::NONE, &record);
    assert!(matches!(written, Err(RecordError::Unreadable(_))));
}

#[test]
fn a_field_of_a_later_version_is_ignored_and_passed_on_byte_for_byte() {
    for kind in Fact::KINDS {
        let today = golden_json(&format!("rows/{kind}.json"));
        let text = today.replacen(r#"{"at":{"#, r#"{"later":{"deep":[1]},"at":{"leap":true,"#, 1);
        let text = text.replacen(&format!(r#""{kind}":{{"#), &format!(r#""{kind}":{{"later":"a  b","#), 1);
        let row = row_of(&text);
        let known: Record = serde_json::from_str(&today).unwrap();
        assert_eq!(row.event().unwrap().record, known, "{kind}");
        assert_eq!(row.record_json(), text.as_bytes());
        assert_eq!(Row::parse(row.clone().into_bytes()).unwrap(), row);
    }
}

#[test]
fn a_kind_of_a_later_version_is_named() {
    let row = row_of(
        r#"{"at":{"utc_ms":1,"offset_minutes":0,"day":"2026-06-02"},"fact":{"gift-wrapped":{"ribbon":"red"}}}"#,
    );
    assert_eq!(row.kind().as_deref(), Some("gift-wrapped"));
    assert_eq!(row.event(), Err(RecordError::UnknownKind("gift-wrapped".into())));
}

#[test]
fn a_known_kind_that_cannot_be_read_says_why() {
    let row = row_of(
        r#"{"at":{"utc_ms":1,"offset_minutes":0,"day":"2026-06-02"},"fact":{"clock-set":{"before_ms":"noon"}}}"#,
    );
    assert!(matches!(row.event(), Err(RecordError::Unreadable(_))));
    assert_eq!(row.kind().as_deref(), Some("clock-set"));
}

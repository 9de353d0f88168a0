//! A row of every kind: fixed author, key and times; each continues the one before.

use std::collections::BTreeMap;

use stempel_domain::EventRef;
use stempel_domain::event::{Event, Fact, Record};
use stempel_domain::ledger::imbalance;
use stempel_domain::member::{MemberState, effect_of};
use stempel_wire::{Hash, Row};

use crate::support::*;

fn record(kind: &str) -> Record {
    let name = format!("rows/{kind}.json");
    let text = golden_json(&name);
    let record: Record = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_string(&record).unwrap(), text, "{name} is written as it was read");
    assert_eq!(record.fact.kind(), kind);
    record
}

fn row(kind: &str) -> Row {
    Row::parse(golden_hex(&format!("rows/{kind}.hex"))).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

/// The golden records as the rows of one journal, in the order of [`Fact::KINDS`].
fn journal() -> Vec<Row> {
    let (mut rows, mut previous) = (Vec::new(), Hash::NONE);
    for (index, kind) in Fact::KINDS.iter().enumerate() {
        let reference = EventRef { author: DEVICE, seq: index as u64 + 1 };
        let row = Row::write(&device_key(), reference, previous, &record(kind)).unwrap();
        previous = row.hash();
        rows.push(row);
    }
    rows
}

#[test]
fn every_kind_of_event_has_a_golden_row() {
    let mut found: Vec<String> = std::fs::read_dir(golden_path("rows"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut wanted: Vec<String> =
        Fact::KINDS.iter().flat_map(|kind| [format!("{kind}.hex"), format!("{kind}.json")]).collect();
    wanted.sort();
    assert_eq!(found, wanted, "a new kind of event needs a golden row (and a place in docs/PROTOCOL.md)");
}

#[test]
fn a_record_is_written_byte_for_byte_as_the_golden_row() {
    for (kind, written) in Fact::KINDS.iter().zip(journal()) {
        assert_eq!(written.bytes(), row(kind).bytes(), "{kind}");
    }
}

#[test]
fn a_golden_row_reads_as_its_record() {
    for (index, kind) in Fact::KINDS.iter().enumerate() {
        let row = row(kind);
        assert_eq!(row.kind().as_deref(), Some(*kind));
        assert_eq!(row.record_json(), golden_json(&format!("rows/{kind}.json")).as_bytes());
        let event = Event { author: DEVICE, seq: index as u64 + 1, record: record(kind) };
        assert_eq!(row.event().unwrap(), event);
        row.verify(&device_key().public()).unwrap();
    }
}

#[test]
fn golden_rows_are_one_chain() {
    let mut head = (0, Hash::NONE);
    for kind in Fact::KINDS {
        let row = row(kind);
        assert!(row.follows(head.0, head.1), "{kind}");
        head = (row.seq(), row.hash());
    }
}

#[test]
fn golden_postings_come_out_at_zero() {
    for kind in Fact::KINDS {
        assert_eq!(imbalance(record(kind).fact.postings()), BTreeMap::new(), "{kind}");
    }
}

#[test]
fn the_golden_member_is_the_fold_of_the_golden_rows() {
    let mut state = MemberState::default();
    for kind in Fact::KINDS {
        // Some rows are about somebody else.
        let effect = effect_of(&row(kind).event().unwrap());
        if let Some((_, effect)) = effect.filter(|(whose, _)| *whose == member()) {
            state.apply(&effect);
        }
    }
    assert!(golden_json("feed-page.json").contains(&serde_json::to_string(&state).unwrap()));
}

/// Writes the rows of new kinds. Rows that are there stay: they are for ever.
#[test]
#[ignore = "run it once for a new kind of event"]
fn write_golden_rows_that_are_missing() {
    for (kind, row) in Fact::KINDS.iter().zip(journal()) {
        let path = golden_path(&format!("rows/{kind}.hex"));
        if !path.exists() {
            std::fs::write(path, wrapped(row.bytes())).unwrap();
        }
    }
}

fn wrapped(bytes: &[u8]) -> String {
    bytes.chunks(32).map(|line| data_encoding::HEXLOWER.encode(line) + "\n").collect()
}

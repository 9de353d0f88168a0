//! Programs of a later version beside this one: rows, changes and fields that this one does not know.

use rusqlite::Connection;
use serde_json::Value;
use serde_json::value::to_raw_value;
use stempel_domain::EventRef;
use stempel_wire::message::{FeedItem, FeedPage};
use stempel_wire::{Hash, Row, SecretKey};

use crate::stop::{OrStop, Result};
use crate::world::{World, now_of};

/// A kind of change, a kind of event and a field that no version has yet.
const CHANGE: &str = r#"{"wallet-pass":{"member":"0a0b","deep":[1,{"er":null}]}}"#;
const FIELD: &str = "leap";

/// A page as a later server may send it: with a kind of change and with fields that this version does not know.
pub fn later_page(page: &mut FeedPage, place: usize) -> Result<()> {
    for item in &mut page.changes {
        let mut change: Value = serde_json::from_str(item.change.get()).never("reading a change")?;
        for kind in change.as_object_mut().into_iter().flat_map(|change| change.values_mut()) {
            if let Some(fields) = kind.as_object_mut() {
                fields.insert(FIELD.to_owned(), Value::from(vec![1, 2]));
            }
        }
        item.change = to_raw_value(&change).machine("writing a change")?;
    }
    let change = serde_json::from_str(CHANGE).machine("writing a change")?;
    let at = place.min(page.changes.len());
    page.changes.insert(at, FeedItem { position: page.next, change });
    Ok(())
}

/// A row of a kind that no version has yet, in the form of version 1 (PROTOCOL.md 3).
fn later_row(key: &SecretKey, place: EventRef, previous: Hash, utc_ms: i64) -> Result<Row> {
    let record = format!(
        r#"{{"at":{{"utc_ms":{utc_ms},"offset_minutes":60,"day":"2026-11-16"}},"fact":{{"gift-wrapped":{{"ribbon":"red"}}}}}}"#
    );
    let mut bytes = b"SE\x01\x00".to_vec();
    bytes.extend_from_slice(&place.author.0);
    bytes.extend_from_slice(&place.seq.to_be_bytes());
    bytes.extend_from_slice(&previous.0);
    bytes.extend_from_slice(&(record.len() as u32).to_be_bytes());
    bytes.extend_from_slice(record.as_bytes());
    let signature = key.sign("stempel event v1", blake3::hash(&bytes).as_bytes());
    bytes.extend_from_slice(&signature.0);
    Row::parse(bytes).machine("a row of the simulator")
}

impl World {
    /// A later program ran on the device's folder, did something that this one does not know, and was taken back.
    pub fn later_program(&mut self, at: usize) -> Result<()> {
        self.note("later program");
        let seed = self.random.number();
        let place = &mut self.places[at];
        place.fall();
        let connection = Connection::open(place.folder.join("stempel.db")).machine("a later program")?;
        let (seq, hash): (u64, [u8; 32]) = connection
            .query_row(
                "SELECT seq, hash FROM journal WHERE author = ?1 ORDER BY seq DESC LIMIT 1",
                [place.device.0],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .machine("a later program")?;
        let reference = EventRef { author: place.device, seq: seq + 1 };
        let row = later_row(&place.key, reference, Hash(hash), now_of(place))?;
        connection
            .execute(
                "INSERT INTO journal (author, seq, hash, kind, member, bytes) VALUES (?1, ?2, ?3, ?4, NULL, ?5)",
                (place.device.0, row.seq(), row.hash().0, "gift-wrapped", row.bytes()),
            )
            .machine("a later program")?;
        drop(connection);
        place.rise(seed)?;
        self.whole_journal(at)?;
        self.learn(at)?;
        self.look_at_all(at)
    }
}

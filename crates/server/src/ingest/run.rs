//! The rows of one author in one push, put in order and proved genuine. Pure.

use stempel_domain::event::{Fact, JournalBegun};
use stempel_domain::{AuthorId, TenantId};
use stempel_wire::{Hash, PublicKey, Row, key_change};

use crate::author_keys::AuthorKeys;

/// Rows that are not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotGenuine {
    /// The first row that cannot be taken.
    pub seq: u64,
    /// Why, in plain words.
    pub reason: String,
}

/// Rows that follow one another without a gap, each naming the hash of the one before, the last one signed by
/// the author: so all of them are the author's.
pub(crate) type Segment = Vec<Row>;

/// Sorts the rows of one author by number, drops repeated ones, and splits them where numbers are missing; within each part
/// every row names the one before.
pub(crate) fn order(mut rows: Vec<Row>) -> Result<Vec<Segment>, NotGenuine> {
    rows.sort_by_key(Row::seq);
    rows.dedup_by(|later, earlier| later.seq() == earlier.seq() && later.hash() == earlier.hash());
    let mut segments: Vec<Segment> = Vec::new();
    for row in rows {
        let seq = row.seq();
        let Some((segment, last)) = segments.last_mut().and_then(|segment| {
            let last = segment.last().map(|last| (last.seq(), last.hash()))?;
            Some((segment, last))
        }) else {
            segments.push(vec![row]);
            continue;
        };
        if seq == last.0 {
            return Err(NotGenuine {
                seq,
                reason: format!("there are two different rows {seq} in one push"),
            });
        }
        if seq > last.0 + 1 {
            segments.push(vec![row]);
        } else if row.follows(last.0, last.1) {
            segment.push(row);
        } else {
            return Err(NotGenuine {
                seq,
                reason: format!("row {seq} does not continue row {}: one of them was changed", last.0),
            });
        }
    }
    Ok(segments)
}

/// Proves each part by the signature of its last row: those before are in its chain.
///
/// Where a row brings another key, it is proved by itself under the one before, and the rows behind it by the new one.
pub(crate) fn prove(segments: &[Segment], keys: &AuthorKeys) -> Result<(), NotGenuine> {
    let mut keys = keys.clone();
    for segment in segments {
        let Some(last) = segment.last().map(Row::seq) else { continue };
        for row in segment {
            let brings_another = key_change::next_key(row).is_some();
            if !brings_another && row.seq() != last {
                continue;
            }
            if keys.of_row(row.seq()).is_none_or(|key| row.verify(key).is_err()) {
                return Err(NotGenuine {
                    seq: segment[0].seq(),
                    reason: format!("row {} was not signed by its author", row.seq()),
                });
            }
            keys.follow(row);
        }
    }
    Ok(())
}

/// Checks the first row of a journal: it says whose journal it is.
pub(crate) fn check_begin(row: &Row, tenant: TenantId, key: &PublicKey) -> Result<(), NotGenuine> {
    let wrong = |reason: &str| Err(NotGenuine { seq: row.seq(), reason: reason.to_owned() });
    if !row.follows(0, Hash::NONE) {
        return wrong("the first row of a journal follows no other; this one does");
    }
    match row.event().map(|event| event.record.fact) {
        Ok(Fact::JournalBegun(JournalBegun { tenant: of, public_key, .. })) => {
            if of != tenant {
                wrong("this journal belongs to another programme owner")
            } else if public_key != key.to_string() {
                wrong("this journal was begun with another key")
            } else {
                Ok(())
            }
        }
        _ => wrong("a journal begins by saying whose it is; this one does not"),
    }
}

/// Groups rows by author, each author's in the order given.
pub(crate) fn by_author(rows: Vec<Row>) -> Vec<(AuthorId, Vec<Row>)> {
    let mut groups: std::collections::BTreeMap<AuthorId, Vec<Row>> = std::collections::BTreeMap::new();
    for row in rows {
        groups.entry(row.author()).or_default().push(row);
    }
    groups.into_iter().collect()
}

//! The server as an author: it writes a journal of its own, signed and chained like every other, and its
//! events go through the same fold.

use stempel_domain::event::{Adjustment, Event, Fact, JournalBegun, Record};
use stempel_domain::ledger::Posting;
use stempel_domain::{EventRef, MemberId, Moment, OperatorId};
use stempel_wire::row::{Hash, RecordError, Row};

use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::ingest::{Arrival, Booking, Head, Status, book, judge};
use crate::tenant::Tenant;
use crate::vault::StoredKey;

/// Writes the next events of the server's journal. The caller holds the tenant's lock and writes its counter.
pub(crate) async fn append(
    tx: &mut Tx,
    tenant: &mut Tenant,
    moment: Moment,
    facts: Vec<Fact>,
    keys: &[StoredKey],
) -> Result<Vec<EventRef>> {
    append_as(tx, tenant, None, moment, facts, keys).await
}

/// The moment of the server's next event: its business day is never before that of the last one.
pub(crate) async fn next_moment(tx: &mut Tx, tenant: &Tenant, moment: Moment) -> Result<Moment> {
    let head = Head::load(tx, tenant.id, tenant.server).await?;
    Ok(Moment { day: moment.day.max(newest_day(tx, tenant, head).await?), ..moment })
}

/// As [`append`], with the name of whoever asked for it in each event.
pub(crate) async fn append_as(
    tx: &mut Tx,
    tenant: &mut Tenant,
    operator: Option<OperatorId>,
    moment: Moment,
    facts: Vec<Fact>,
    keys: &[StoredKey],
) -> Result<Vec<EventRef>> {
    let mut head = Head::load(tx, tenant.id, tenant.server).await?;
    let at = Moment { day: moment.day.max(newest_day(tx, tenant, head).await?), ..moment };
    let begins = (head.held == 0).then(|| {
        let public_key = tenant.key.public().to_string();
        Fact::JournalBegun(JournalBegun { tenant: tenant.id, shop: None, public_key })
    });
    let (mut arrivals, mut references) = (Vec::new(), Vec::new());
    for fact in begins.into_iter().chain(facts) {
        let reference = EventRef { author: tenant.server, seq: head.held + 1 };
        let record = Record { at, operator: operator.clone(), fact };
        let row = Row::write(&tenant.key, reference, head.hash, &record).map_err(unwritable)?;
        head = Head { held: reference.seq, hash: row.hash() };
        references.push(reference);
        let judged = judge::judge(&row);
        if let Err(reason) = &judged.verdict {
            return Err(Error::bad_request(format!("This cannot be written down: {reason}.")));
        }
        arrivals.push(Arrival { row, judged, status: Status::Counts });
    }
    book(tx, tenant, Booking { now_ms: moment.utc_ms, today: moment.day }, arrivals, keys).await?;
    Ok(references)
}

/// Units given or taken by the server, with a word that says why.
pub(crate) fn adjustment(member: MemberId, reason: &str, postings: Vec<Posting>) -> Fact {
    Fact::Adjustment(Adjustment::new(member, reason, postings))
}

fn unwritable(error: RecordError) -> Error {
    Error::bad_request(format!("This cannot be written down: {error}."))
}

/// The business day of the server's last event: days never decrease within a journal.
async fn newest_day(tx: &mut Tx, tenant: &Tenant, head: Head) -> Result<stempel_domain::Day> {
    if head == (Head { held: 0, hash: Hash::NONE }) {
        return Ok(stempel_domain::Day::MIN);
    }
    let row = tx
        .row(
            "SELECT bytes FROM event WHERE tenant = $1 AND author = $2 AND seq = $3",
            values![tenant.id, tenant.server, head.held],
        )
        .await?
        .ok_or_else(|| Error::Damaged("the end of the server's journal is missing".to_owned()))?;
    Ok(stored_event(row.bytes(0)?)?.record.at.day)
}

/// Reads an event that was stored as one that counts.
pub(crate) fn stored_event(bytes: Vec<u8>) -> Result<Event> {
    let row = Row::parse(bytes).map_err(|error| Error::Damaged(error.to_string()))?;
    row.event().map_err(|error| Error::Damaged(error.to_string()))
}

//! Writing rows that were taken: the rows themselves, what they say of cards, and what they do to members.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::{Event, Fact};
use stempel_domain::{AuthorId, Day};
use stempel_wire::Row;
use stempel_wire::message::RowTrouble;

use super::judge::Judged;
use super::{Head, cards, figures, fold, proofs, tallies};
use crate::db::{Tx, values};
use crate::error::Result;
use crate::tenant::Tenant;
use crate::vault::StoredKey;
use crate::{author_keys, holds, jobs};

/// What a stored row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It counts.
    Counts,
    /// It could not be understood.
    Dead,
    /// It waits for a person: its device had been revoked.
    Held,
}

impl Status {
    /// As it is stored.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Counts => 0,
            Self::Dead => 1,
            Self::Held => 2,
        }
    }
}

/// A row that is new here, genuine, and the next of its journal.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub row: Row,
    pub judged: Judged,
    pub status: Status,
}

impl Arrival {
    /// The event, if it counts.
    pub(crate) fn counting(&self) -> Option<&Event> {
        match (self.status, &self.judged.verdict) {
            (Status::Counts, Ok(event)) => Some(event),
            _ => None,
        }
    }

    /// Why it is a dead letter, if it is one.
    pub(crate) fn trouble(&self) -> Option<RowTrouble> {
        let reason = self.judged.verdict.as_ref().err()?.clone();
        Some(RowTrouble { author: self.row.author(), seq: self.row.seq(), reason })
    }
}

/// When rows are booked, by the server's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Booking {
    pub now_ms: i64,
    pub today: Day,
}

/// Stores rows and everything that follows from them. The caller holds the tenant's lock, has put each
/// journal's rows in order, and writes the tenant's counter afterwards.
pub(crate) async fn book(
    tx: &mut Tx,
    tenant: &mut Tenant,
    booking: Booking,
    arrivals: Vec<Arrival>,
    keys: &[StoredKey],
) -> Result<()> {
    let members = fold::fetch(tx, tenant, booking, &arrivals, keys).await?;
    // While the database writes the rows, they are folded here.
    let (stored, folded) =
        tokio::join!(store(tx, tenant, booking, &arrivals), async { fold::fold(&members, &arrivals) });
    let folded = stored.and(folded)?;
    author_keys::change(tx, tenant, &arrivals, booking.now_ms).await?;
    let events: Vec<&Event> = arrivals.iter().filter_map(Arrival::counting).collect();
    cards::index(tx, tenant, booking, &events).await?;
    holds::use_up(tx, tenant.id, &events).await?;
    tallies::add(tx, tenant, booking, &events).await?;
    figures::add(tx, tenant, &events).await?;
    proofs::note(tx, tenant, booking, &events).await?;
    judge_later(tx, tenant, booking, &events).await?;
    fold::write(tx, tenant, booking, folded).await
}

/// Has the journals judged again in which the rules have given or taken something.
async fn judge_later(tx: &mut Tx, tenant: &Tenant, booking: Booking, events: &[&Event]) -> Result<()> {
    let judged = events.iter().filter(|event| {
        // What was taken back is not judged again, but alarms count it.
        matches!(event.record.fact, Fact::Sale(_) | Fact::Stamp(_) | Fact::Grant(_) | Fact::Reversal(_))
    });
    let authors: BTreeSet<AuthorId> = judged.map(|event| event.author).collect();
    for author in authors {
        jobs::put(tx, tenant.id, jobs::Kind::Judge, &author.0, booking.now_ms).await?;
    }
    Ok(())
}

/// Lets events count whose rows are stored already: a person has decided, or a newer program understands them.
pub(crate) async fn let_through(
    tx: &mut Tx,
    tenant: &mut Tenant,
    booking: Booking,
    events: &[Event],
) -> Result<()> {
    let all: Vec<&Event> = events.iter().collect();
    cards::index(tx, tenant, booking, &all).await?;
    for event in events {
        // They were passed over when their journal was judged.
        tx.execute(
            "UPDATE journal SET judged = $3 WHERE tenant = $1 AND author = $2 AND judged > $3",
            values![tenant.id, event.author, event.seq.saturating_sub(1)],
        )
        .await?;
    }
    tallies::add(tx, tenant, booking, &all).await?;
    figures::add(tx, tenant, &all).await?;
    proofs::note(tx, tenant, booking, &all).await?;
    judge_later(tx, tenant, booking, &all).await?;
    fold::let_through(tx, tenant, booking, events).await
}

async fn store(tx: &mut Tx, tenant: &Tenant, booking: Booking, arrivals: &[Arrival]) -> Result<()> {
    let mut rows = Vec::with_capacity(arrivals.len() * 9);
    let mut dead = Vec::new();
    let mut heads: BTreeMap<AuthorId, Head> = BTreeMap::new();
    for arrival in arrivals {
        let Arrival { row, judged, status } = arrival;
        rows.extend(values![
            tenant.id,
            row.author(),
            row.seq(),
            row.hash(),
            row.bytes(),
            &judged.kind[..],
            judged.member,
            status.code(),
            booking.now_ms
        ]);
        if let Some(trouble) = arrival.trouble() {
            tracing::warn!(tenant = %tenant.id, event = %row.reference(), reason = trouble.reason, "a dead letter");
            dead.extend(values![tenant.id, trouble.author, trouble.seq, trouble.reason, booking.now_ms]);
        }
        heads.insert(row.author(), Head { held: row.seq(), hash: row.hash() });
    }
    tx.insert_all(
        "INSERT INTO event (tenant, author, seq, hash, bytes, kind, member, status, received_ms)",
        "",
        9,
        rows,
    )
    .await?;
    tx.insert_all("INSERT INTO dead_letter (tenant, author, seq, reason, received_ms)", "", 5, dead).await?;
    for (author, head) in heads {
        head.save(tx, tenant.id, author).await?;
    }
    Ok(())
}

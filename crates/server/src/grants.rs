//! Rights that are given once and were given twice: two authors that could not know of each other.
//!
//! Both facts stand; the later one is taken back, once, by an event of the server. The earlier one is that of the
//! earlier moment, and of two at the same moment the one whose name comes first: every server comes to the same.
//!
//! Members who were merged may each have been given a right while they were two persons: that stays. What is given to
//! the second one after the merge, by a device that does not know of it yet, is taken back.

use stempel_domain::event::{Event, Fact};
use stempel_domain::rules::{self, Original};
use stempel_domain::{EventRef, Grant, MemberId, Person};

use crate::author;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{Job, Progress};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

/// Doubled rights of one member that one transaction takes back.
const ROUND_MAX: usize = 50;

/// Takes back what a member was given twice, in one transaction with the end of the job.
pub(crate) async fn withdraw_doubled(server: &Server, db: &Db, job: &Job) -> Result<()> {
    let member =
        MemberId::from_slice(&job.id).ok_or_else(|| Error::Damaged("a job names no member".to_owned()))?;
    let moment = server.moment();
    let mut tx = db.write().await?;
    let mut tenant = job.begin(&mut tx).await?;
    let facts = doubled(&mut tx, &tenant, member).await?;
    let progress = if facts.len() >= ROUND_MAX { Progress::More } else { Progress::Done };
    if !facts.is_empty() {
        author::append(&mut tx, &mut tenant, moment, facts, &[]).await?;
        tenant.save_head(&mut tx).await?;
    }
    job.end(&mut tx, progress, moment.utc_ms).await?;
    tx.commit().await?;
    server.announce(job.tenant, tenant.head);
    Ok(())
}

/// Whether a person of several members has a right that more than one of them was given, or that one was given twice.
pub(crate) fn may_be_doubled(person: &Person) -> bool {
    person.state().doubled_grants().next().is_some()
}

/// One time that a right was given to a person.
struct Given {
    at_ms: i64,
    event: EventRef,
    /// To whom of the person.
    part: MemberId,
    stored: Event,
}

/// The events that take back what was given twice.
async fn doubled(tx: &mut Tx, tenant: &Tenant, member: MemberId) -> Result<Vec<Fact>> {
    let Some(person) = group::person(tx, tenant.id, member).await? else { return Ok(Vec::new()) };
    let whole = person.state();
    let mut facts = Vec::new();
    for (grant, events) in whole.doubled_grants() {
        let grant: Grant = grant.parse().map_err(|_| Error::Damaged(format!("“{grant}” is no grant")))?;
        let mut given = Vec::new();
        for event in events {
            let stored = event_of(tx, tenant, event).await?;
            let Some(part) = stored.record.fact.member() else { continue };
            given.push(Given { at_ms: stored.record.at.utc_ms, event, part, stored });
        }
        given.sort_by_key(|given| (given.at_ms, given.event));
        let mut kept: Vec<MemberId> = Vec::new();
        for Given { at_ms, event, part, stored } in &given {
            if kept.iter().all(|other| were_two(&person, *part, *other, *at_ms)) {
                kept.push(*part);
                continue;
            }
            let original = Original::of(&stored.record.fact, &stored.record.at);
            let withdrawn = original.and_then(|original| rules::withdraw(&original, *event, &grant));
            facts.extend(withdrawn.map(|fact| Fact::GrantWithdrawn(Box::new(fact))));
            if facts.len() >= ROUND_MAX {
                return Ok(facts);
            }
        }
    }
    Ok(facts)
}

/// Whether two members of a person were not one yet at a moment, as the word that merged them says.
fn were_two(person: &Person, one: MemberId, other: MemberId, at_ms: i64) -> bool {
    let merged = |member| {
        let state = person.parts().iter().find(|(id, _)| *id == member).map(|(_, state)| state)?;
        Some(state.merged.as_ref().filter(|word| word.value.is_some())?.at_ms())
    };
    one != other && merged(one).max(merged(other)).is_none_or(|merged_ms| at_ms < merged_ms)
}

async fn event_of(tx: &mut Tx, tenant: &Tenant, event: EventRef) -> Result<Event> {
    let row = tx
        .row(
            "SELECT bytes FROM event WHERE tenant = $1 AND author = $2 AND seq = $3",
            values![tenant.id, event.author, event.seq],
        )
        .await?
        .ok_or_else(|| Error::Damaged(format!("the row {event} is missing")))?;
    author::stored_event(row.bytes(0)?)
}

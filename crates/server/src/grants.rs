//! Rights that are given once and were given twice: two authors that could not know of each other.
//!
//! Both facts stand; the later one is taken back, once, by an event of the server. The earlier one is that of the
//! earlier moment, and of two at the same moment the one whose name comes first: every server comes to the same.

use stempel_domain::event::Fact;
use stempel_domain::member::Base;
use stempel_domain::rules::{self, Original};
use stempel_domain::{EventRef, Grant, MemberId};

use crate::author;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{Job, Progress};
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

/// The events that take back what was given twice.
async fn doubled(tx: &mut Tx, tenant: &Tenant, member: MemberId) -> Result<Vec<Fact>> {
    let row = tx
        .row("SELECT base FROM member WHERE tenant = $1 AND member = $2", values![tenant.id, member])
        .await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let Base { state, .. } = serde_json::from_str(&row.text(0)?)?;
    let mut facts = Vec::new();
    for (grant, events) in state.doubled_grants() {
        let grant: Grant = grant.parse().map_err(|_| Error::Damaged(format!("“{grant}” is no grant")))?;
        let mut given = Vec::new();
        for event in events {
            let stored = event_of(tx, tenant, event).await?;
            given.push((stored.record.at.utc_ms, event, stored));
        }
        given.sort_by_key(|(at_ms, event, _)| (*at_ms, *event));
        for (_, event, stored) in given.iter().skip(1) {
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

async fn event_of(tx: &mut Tx, tenant: &Tenant, event: EventRef) -> Result<stempel_domain::Event> {
    let row = tx
        .row(
            "SELECT bytes FROM event WHERE tenant = $1 AND author = $2 AND seq = $3",
            values![tenant.id, event.author, event.seq],
        )
        .await?
        .ok_or_else(|| Error::Damaged(format!("the row {event} is missing")))?;
    author::stored_event(row.bytes(0)?)
}

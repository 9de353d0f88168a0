//! Forgetting a member: the keys go, the cards are nobody's, and every device says when its keys are gone.
//!
//! The event stands in a journal like every other; whoever takes it in carries it out, in the same transaction
//! ([`carry_out`]). The keys that were in the database file are gone from its pages once [`clean`] has run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::{ErasureReason, Fact, MemberErased};
use stempel_domain::{AuthorId, EventRef, MemberId, Moment, ShopId, TenantId};
use stempel_wire::message::FeedChange;

use super::list::{Line, add_to_list, list_beside, list_by_keys, read_list};
use super::{group, named, unknown};
use crate::author;
use crate::caller::Caller;
use crate::db::{Db, Tx, values};
use crate::error::{Error, Result};
use crate::jobs::{self, Job, Progress};
use crate::server::Server;
use crate::tenant::Tenant;

/// The most erasures of one list.
const LIST_MAX: i64 = 1000;
/// Members forgotten again in one transaction.
const FORGET_MAX: usize = 200;

/// A member who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The id under which the person was known.
    pub member: MemberId,
    /// The events that say so: one for each id that was the person.
    pub events: Vec<EventRef>,
    /// Devices that still hold the key.
    pub waiting: Vec<Holder>,
}

/// A device that has not said yet that the key is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Which.
    pub device: AuthorId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub shop: ShopId,
    /// It was signed out: it is told nothing any more, and what it holds has to be destroyed by hand.
    pub revoked: bool,
}

/// An erasure and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasureInfo {
    /// Who.
    pub member: MemberId,
    /// When, in milliseconds.
    pub erased_ms: i64,
    /// Devices that still hold the key.
    pub waiting: Vec<Holder>,
}

impl Server {
    /// Forgets a member: drops the keys here and on every device, blocks the cards, takes name and traits away. The
    /// events and their sums stay. Doing it again changes nothing.
    pub async fn member_erase(&self, tenant: TenantId, code: &str, reason: ErasureReason) -> Result<Erased> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut locked = Tenant::lock(&mut tx, tenant).await?;
        let member = named(&mut tx, tenant, code).await?;
        let person = group::person(&mut tx, tenant, member).await?.ok_or_else(unknown)?;
        let left = person.parts().iter().filter(|(_, state)| state.erased.is_none());
        let facts: Vec<Fact> =
            left.map(|(member, _)| Fact::MemberErased(MemberErased { member: *member, reason })).collect();
        let member = person.parts().first().map_or(member, |(id, _)| *id);
        let mut events = Vec::new();
        if !facts.is_empty() {
            let (operator, count) = (self.actor().operator(), facts.len());
            events = author::append_as(&mut tx, &mut locked, operator, moment, facts, &[]).await?;
            // The first event of a journal says whose it is.
            events.drain(..events.len().saturating_sub(count));
            let what = json!({ "reason": reason, "events": events });
            self.note(&mut tx, &locked, "member-erased", &member.to_string(), what).await?;
            locked.save_head(&mut tx).await?;
        }
        let position = position_of(&mut tx, tenant, member).await?;
        let waiting = holders(&mut tx, tenant, position).await?;
        tx.commit().await?;
        self.announce(tenant, locked.head);
        if !events.is_empty() {
            tracing::info!(%tenant, %member, "a member was forgotten");
            // The job that was put down does it again if this is in somebody's way.
            if let Err(error) = clean(self, tenant).await {
                tracing::warn!(%error, "the pages of dropped keys are not written anew yet");
            }
        }
        Ok(Erased { member, events, waiting })
    }

    /// Erasures, newest first, with the devices that still hold a key.
    pub async fn erasures(&self, tenant: TenantId) -> Result<Vec<ErasureInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT member, erased_ms, position FROM erasure WHERE tenant = $1 ORDER BY position DESC LIMIT $2",
                values![tenant, LIST_MAX],
            )
            .await?;
        let mut erasures = Vec::with_capacity(rows.len());
        for row in rows {
            let waiting = holders(&mut tx, tenant, row.number(2)?).await?;
            erasures.push(ErasureInfo { member: row.id(0)?, erased_ms: row.int(1)?, waiting });
        }
        Ok(erasures)
    }
}

async fn position_of(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<u64> {
    let row = tx
        .row("SELECT position FROM erasure WHERE tenant = $1 AND member = $2", values![tenant, member])
        .await?;
    row.map_or(Ok(0), |row| row.number(0))
}

/// The devices that were there before a place of the feed and have not said that they are beyond it.
async fn holders(tx: &mut Tx, tenant: TenantId, position: u64) -> Result<Vec<Holder>> {
    let rows = tx
        .rows(
            "SELECT d.device, d.name, d.shop, d.revoked FROM device d
             LEFT JOIN erasure_ack a ON a.tenant = d.tenant AND a.device = d.device
             WHERE d.tenant = $1 AND COALESCE(a.position, 0) < $2 ORDER BY d.enrolled_ms, d.device",
            values![tenant, position],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Holder { device: row.id(0)?, name: row.text(1)?, shop: row.id(2)?, revoked: row.flag(3)? })
        })
        .collect()
}

/// Drops a forgotten member's keys, unlinks the cards, and puts the erasure into the feed, in the transaction that
/// takes the event in. Done again with every later event about the member: keys may come late.
pub(crate) async fn carry_out(tx: &mut Tx, tenant: &mut Tenant, member: MemberId, now_ms: i64) -> Result<()> {
    let dropped = tx
        .execute("DELETE FROM member_key WHERE tenant = $1 AND member = $2", values![tenant.id, member])
        .await?;
    tx.execute(
        "UPDATE card SET member = NULL, status = 2 WHERE tenant = $1 AND member = $2",
        values![tenant.id, member],
    )
    .await?;
    crate::card::forget(tx, tenant.id, member, now_ms).await?;
    let new = tx
        .execute(
            "INSERT INTO erasure (tenant, member, position, erased_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            values![tenant.id, member, tenant.head + 1, now_ms],
        )
        .await?;
    if new > 0 {
        tenant.publish(tx, "member-erased", &member.0, &FeedChange::MemberErased { member }).await?;
    }
    if dropped > 0 || new > 0 {
        jobs::put(tx, tenant.id, jobs::Kind::Clean, &[], now_ms).await?;
    }
    Ok(())
}

/// Takes note that a device which asks for what comes after a place has carried out every erasure up to it.
pub(crate) async fn acknowledge(server: &Server, caller: &Caller, after: u64) -> Result<()> {
    let due = {
        let mut tx = server.read_of(caller.tenant).await?;
        let row = tx
            .row(
                "SELECT COALESCE((SELECT MAX(position) FROM erasure WHERE tenant = $1 AND position <= $2), 0),
                 COALESCE((SELECT position FROM erasure_ack WHERE tenant = $1 AND device = $3), 0)",
                values![caller.tenant, after, caller.device],
            )
            .await?
            .ok_or_else(|| Error::Damaged("a count is missing".to_owned()))?;
        let (carried_out, known) = (row.number(0)?, row.number(1)?);
        (carried_out > known).then_some(carried_out)
    };
    let Some(position) = due else { return Ok(()) };
    let mut tx = server.write_of(caller.tenant).await?;
    Tenant::lock(&mut tx, caller.tenant).await?;
    tx.execute(
        "INSERT INTO erasure_ack (tenant, device, position, acked_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, device) DO UPDATE SET position = excluded.position, acked_ms = excluded.acked_ms
         WHERE erasure_ack.position < excluded.position",
        values![caller.tenant, caller.device, position, server.now_ms()],
    )
    .await?;
    tx.commit().await
}

/// How far the places of a restored feed are moved on: beyond every place that a device can have reached before.
const BEYOND: u64 = 1 << 40;

/// Forgets in a restored tenant who was forgotten since the backup, and puts every erasure into the feed anew, beyond
/// where any device can be: what a device asks for says nothing of the new history before it has read it.
pub(crate) async fn forget_again(
    tx: &mut Tx,
    tenant: &mut Tenant,
    moment: Moment,
    members: impl Iterator<Item = MemberId>,
) -> Result<()> {
    let mut facts = Vec::new();
    for member in members {
        if !super::is_erased(tx, tenant.id, member).await? {
            let reason = ErasureReason::Asked;
            facts.push(Fact::MemberErased(MemberErased { member, reason }));
        }
    }
    if !facts.is_empty() {
        author::append(tx, tenant, moment, facts, &[]).await?;
    }
    tx.execute("DELETE FROM erasure_ack WHERE tenant = $1", values![tenant.id]).await?;
    let rows =
        tx.rows("SELECT member FROM erasure WHERE tenant = $1 ORDER BY position", values![tenant.id]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    tenant.head = tenant.head.saturating_add(BEYOND);
    for row in rows {
        let member: MemberId = row.id(0)?;
        tenant.publish(tx, "member-erased", &member.0, &FeedChange::MemberErased { member }).await?;
        tx.execute(
            "UPDATE erasure SET position = $3 WHERE tenant = $1 AND member = $2",
            values![tenant.id, member, tenant.head],
        )
        .await?;
    }
    Ok(())
}

/// Does the job that an erasure put down.
pub(crate) async fn clean_up(server: &Server, db: &Db, job: &Job) -> Result<()> {
    clean(server, job.tenant).await?;
    let mut tx = db.write().await?;
    job.begin(&mut tx).await?;
    job.end(&mut tx, Progress::Done, server.now_ms()).await?;
    tx.commit().await
}

/// Brings a tenant's database into a state in which nothing is left of keys that were dropped: the pages with keys are
/// written anew, and on SQLite the log of writes is put into the file and emptied. Whoever was forgotten comes onto the
/// list outside the database.
async fn clean(server: &Server, tenant: TenantId) -> Result<()> {
    let db = server.db_of(tenant).await?;
    if let Some(list) = server.erasure_list() {
        add_to_list(&list, known_to(&mut db.read().await?, tenant).await?)?;
    }
    db.rewrite_keys().await
}

/// Everybody of a tenant who was forgotten, as the database knows it.
async fn known_to(tx: &mut Tx, tenant: TenantId) -> Result<BTreeSet<Line>> {
    let rows =
        tx.rows("SELECT member FROM erasure WHERE tenant = $1 ORDER BY member", values![tenant]).await?;
    rows.iter().map(|row| Ok(Line { tenant, member: row.id(0)? })).collect()
}

impl Server {
    /// The file that says who was forgotten, outside the database.
    fn erasure_list(&self) -> Option<PathBuf> {
        match self.db() {
            Db::Sqlite { path, .. } => Some(list_beside(path)),
            Db::Postgres { .. } => self.db().vault().file().map(|file| list_by_keys(&file)),
        }
    }

    /// Brings list and databases to agreement. Whoever is on the list and not forgotten here is forgotten again: somebody
    /// has put an older copy in the place of a database in another way than by a restore. Gives how many that were.
    pub(crate) async fn forget_listed(&self) -> Result<u64> {
        let Some(file) = self.erasure_list() else { return Ok(0) };
        let listed = read_list(&file)?;
        let mut again = 0;
        for info in self.tenants().await? {
            let known = known_to(&mut self.read_of(info.id).await?, info.id).await?;
            add_to_list(&file, known.difference(&listed).copied())?;
            let missing: Vec<Line> = listed
                .iter()
                .filter(|line| line.tenant == info.id && !known.contains(*line))
                .copied()
                .collect();
            for lines in missing.chunks(FORGET_MAX) {
                let moment = self.moment();
                let mut tx = self.write_of(info.id).await?;
                let mut tenant = Tenant::lock(&mut tx, info.id).await?;
                let fact = |line: &Line| {
                    Fact::MemberErased(MemberErased { member: line.member, reason: ErasureReason::Asked })
                };
                author::append(&mut tx, &mut tenant, moment, lines.iter().map(fact).collect(), &[]).await?;
                self.note(
                    &mut tx,
                    &tenant,
                    "members-erased-again",
                    "list",
                    json!({ "members": lines.len() }),
                )
                .await?;
                tenant.save_head(&mut tx).await?;
                tx.commit().await?;
                again += lines.len() as u64;
            }
            if !missing.is_empty() {
                tracing::warn!(tenant = %info.id, members = missing.len(), "forgotten again: the database was older than the list of erasures");
                clean(self, info.id).await?;
            }
        }
        Ok(again)
    }
}

//! The feed: what has changed since a cursor, in the server's order.
//!
//! Members and other things each stand at the position of their last change, once. So following the feed from
//! 0 *is* the snapshot, no cursor is ever too old, and a thing that changes while it is read comes again later.
//! Positions come from a counter that is locked until the commit ([`Tenant::lock`]): no reader can pass over
//! a row that commits late.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use stempel_domain::{MemberId, TenantId};
use stempel_wire::MemberKey;
use stempel_wire::message::{FEED_CHANGES_MAX, FeedItem, FeedPage};
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::ingest::Head;
use crate::server::Server;
use crate::tenant::Tenant;

/// The longest wait for a change, in milliseconds.
pub const WAIT_MS_MAX: u64 = 25_000;
/// A page is closed once it is longer than this, in bytes.
const PAGE_LEN: usize = 2 * 1024 * 1024;
/// Members fetched first of each page; their length says how many more fit.
const FETCH: usize = 200;

/// As [`stempel_wire::message::FeedChange::Member`], with the state as it is stored.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum StoredChange<'a> {
    Member {
        member: MemberId,
        base: &'a RawValue,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        keys: Vec<MemberKey>,
    },
}

impl Server {
    /// One page of the feed: changes after a position, at most `limit`.
    pub async fn feed(&self, caller: &Caller, after: u64, limit: usize) -> Result<FeedPage> {
        let limit = limit.clamp(1, FEED_CHANGES_MAX);
        crate::people::acknowledge(self, caller, after).await?;
        let mut tx = self.read_of(caller.tenant).await?;
        let tenant = Tenant::load(&mut tx, caller.tenant).await?;
        let journal = Head::load(&mut tx, caller.tenant, caller.device).await?;
        let held_hash = if journal.held == 0 { String::new() } else { journal.hash.to_string() };
        let (mut changes, mut cursor, mut length): (Vec<FeedItem>, _, _) = (Vec::new(), after, 0);
        let (mut wanted, mut things) = (FETCH.min(limit), true);
        while changes.len() < limit && length < PAGE_LEN && cursor < tenant.head {
            let items = fetch(&mut tx, caller, cursor, wanted, &mut things).await?;
            if items.is_empty() {
                break;
            }
            for item in items {
                if length >= PAGE_LEN {
                    break;
                }
                cursor = item.position;
                length += item.change.get().len();
                changes.push(item);
            }
            // Every question costs as much as some dozen members: the rest of the page comes in one.
            let average = (length / changes.len().max(1)).max(1);
            wanted = (PAGE_LEN.saturating_sub(length) / average + 1).min(limit - changes.len());
        }
        let next = changes.last().map_or(tenant.head, |item| item.position);
        let (epoch, head, held) = (tenant.epoch, tenant.head, journal.held);
        Ok(FeedPage { epoch, changes, next, head, held, held_hash })
    }

    /// As [`Server::feed`], but if there is nothing new waits for a change, at most `wait_ms`.
    pub async fn feed_wait(
        &self,
        caller: &Caller,
        after: u64,
        limit: usize,
        wait_ms: u64,
    ) -> Result<FeedPage> {
        let deadline = Instant::now() + Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
        let mut head = self.follow(caller.tenant);
        let mut stopping = self.stopping();
        loop {
            // Marked as seen before the look, so that a change in between wakes the wait.
            head.mark_unchanged();
            let page = self.feed(caller, after, limit).await?;
            // A cursor beyond the head belongs to another history: the device has to know at once.
            let news = !page.changes.is_empty() || after > page.head;
            if news || *stopping.borrow() || Instant::now() >= deadline {
                return Ok(page);
            }
            let woken = async {
                tokio::select! {
                    _ = head.changed() => {}
                    _ = stopping.changed() => {}
                }
            };
            if timeout_at(deadline, woken).await.is_err() {
                return Ok(page);
            }
        }
    }
}

/// The next changes after a cursor, in order. `things` says whether there may be others than members, and is told when
/// there are none: a page reads one moment.
async fn fetch(
    tx: &mut Tx,
    caller: &Caller,
    after: u64,
    limit: usize,
    things: &mut bool,
) -> Result<Vec<FeedItem>> {
    let tenant = caller.tenant;
    let raw = |text: String| RawValue::from_string(text).map_err(Error::from);
    let mut items = Vec::new();
    if *things {
        let mut rows = tx
            .rows(
                "SELECT position, body FROM thing WHERE tenant = $1 AND position > $2 ORDER BY position LIMIT $3",
                values![tenant, after, limit as i64],
            )
            .await?;
        // What is on trial at this device's shop is told to nobody else.
        rows.extend(
            tx.rows(
                "SELECT position, change FROM programme_trial
                 WHERE tenant = $1 AND shop = $2 AND position > $3 AND over_ms IS NULL ORDER BY position LIMIT $4",
                values![tenant, caller.shop, after, limit as i64],
            )
            .await?,
        );
        *things = !rows.is_empty();
        for row in rows {
            items.push(FeedItem { position: row.number(0)?, change: raw(row.text(1)?)? });
        }
    }
    let members = tx
        .rows(
            "SELECT position, member, base FROM member WHERE tenant = $1 AND position > $2
             ORDER BY position LIMIT $3",
            values![tenant, after, limit as i64],
        )
        .await?;
    let through = members.last().map_or(Ok(after), |row| row.number(0))?;
    let mut keys = member_keys(tx, tenant, after, through).await?;
    for row in members {
        let member = row.id(1)?;
        let base = raw(row.text(2)?)?;
        let keys = keys.remove(&member).unwrap_or_default();
        let change = serde_json::value::to_raw_value(&StoredChange::Member { member, base: &base, keys })?;
        items.push(FeedItem { position: row.number(0)?, change });
    }
    items.sort_by_key(|item| item.position);
    items.truncate(limit);
    Ok(items)
}

/// The keys of the members that stand between two positions.
async fn member_keys(
    tx: &mut Tx,
    tenant: TenantId,
    after: u64,
    through: u64,
) -> Result<BTreeMap<MemberId, Vec<MemberKey>>> {
    let mut keys: BTreeMap<MemberId, Vec<MemberKey>> = BTreeMap::new();
    if through <= after {
        return Ok(keys);
    }
    let rows = tx
        .rows(
            "SELECT k.member, k.secret FROM member m JOIN member_key k
             ON k.tenant = m.tenant AND k.member = m.member
             WHERE m.tenant = $1 AND m.position > $2 AND m.position <= $3 ORDER BY m.position, k.key_id",
            values![tenant, after, through],
        )
        .await?;
    for row in rows {
        let member = row.id(0)?;
        let key = tx.vault().open_member(member, &row.bytes(1)?)?;
        keys.entry(member).or_default().push(key);
    }
    Ok(keys)
}

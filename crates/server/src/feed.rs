//! The feed: what has changed since a cursor, in the server's order.
//!
//! Members and other things each stand at the position of their last change, once. So following the feed from
//! 0 *is* the snapshot, no cursor is ever too old, and a thing that changes while it is read comes again later.
//! Positions come from a counter that is locked until the commit ([`Tenant::lock`]): no reader can pass over
//! a row that commits late.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use stempel_domain::{MemberId, TenantId};
use stempel_wire::MemberKey;
use stempel_wire::message::{FEED_CHANGES_MAX, FeedItem, FeedPage};
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::db::{Tx, values};
use crate::error::Result;
use crate::ingest::Head;
use crate::server::Server;
use crate::tenant::Tenant;

/// The longest wait for a change, in milliseconds.
pub const WAIT_MS_MAX: u64 = 25_000;
/// A page is closed once it is longer than this, in bytes.
const PAGE_LEN: usize = 2 * 1024 * 1024;
/// Members fetched first of each page; their length says how many more fit.
const FETCH: usize = 200;

/// One page of the feed as it is sent. A change is the JSON of a [`stempel_wire::message::FeedChange`], put together from
/// what is stored: reading every state only to write it again takes most of the time of a snapshot.
#[derive(Debug)]
pub struct Page {
    epoch: String,
    /// Position and change.
    changes: Vec<(u64, String)>,
    next: u64,
    head: u64,
    held: u64,
    held_hash: String,
}

impl Page {
    /// The page as its answer says it.
    pub fn to_json(&self) -> String {
        let length: usize = self.changes.iter().map(|(_, change)| change.len() + 40).sum();
        let mut text = String::with_capacity(length + 256);
        // Epochs and hashes have nothing in them that JSON would have to escape.
        text.push_str(&format!("{{\"epoch\":\"{}\",\"changes\":[", self.epoch));
        for (place, (position, change)) in self.changes.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            text.push_str(&format!("{comma}{{\"position\":{position},\"change\":"));
            text.push_str(change);
            text.push('}');
        }
        let Self { next, head, held, held_hash, .. } = self;
        text.push_str(&format!(
            "],\"next\":{next},\"head\":{head},\"held\":{held},\"held_hash\":\"{held_hash}\"}}"
        ));
        text
    }

    /// How many changes are on it.
    pub fn changes(&self) -> usize {
        self.changes.len()
    }

    /// The cursor for the next page.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether nothing is left after it.
    pub fn is_last(&self) -> bool {
        self.changes.is_empty() || self.next == self.head
    }

    /// The page as a reader has it.
    fn read(self) -> Result<FeedPage> {
        let item = |(position, change): (u64, String)| {
            Ok(FeedItem { position, change: RawValue::from_string(change)? })
        };
        Ok(FeedPage {
            epoch: self.epoch,
            changes: self.changes.into_iter().map(item).collect::<Result<_>>()?,
            next: self.next,
            head: self.head,
            held: self.held,
            held_hash: self.held_hash,
        })
    }
}

impl Server {
    /// One page of the feed: changes after a position, at most `limit`.
    pub async fn feed(&self, caller: &Caller, after: u64, limit: usize) -> Result<FeedPage> {
        self.feed_page(caller, after, limit).await?.read()
    }

    /// As [`Server::feed`], as it is sent.
    pub async fn feed_page(&self, caller: &Caller, after: u64, limit: usize) -> Result<Page> {
        let limit = limit.clamp(1, FEED_CHANGES_MAX);
        crate::people::acknowledge(self, caller, after).await?;
        let mut tx = self.read_of(caller.tenant).await?;
        let tenant = Tenant::load(&mut tx, caller.tenant).await?;
        let journal = Head::load(&mut tx, caller.tenant, caller.device).await?;
        let held_hash = if journal.held == 0 { String::new() } else { journal.hash.to_string() };
        let (mut changes, mut cursor, mut length): (Vec<(u64, String)>, _, _) = (Vec::new(), after, 0);
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
                cursor = item.0;
                length += item.1.len();
                changes.push(item);
            }
            // Every question costs as much as some dozen members: the rest of the page comes in one.
            let average = (length / changes.len().max(1)).max(1);
            wanted = (PAGE_LEN.saturating_sub(length) / average + 1).min(limit - changes.len());
        }
        let next = changes.last().map_or(tenant.head, |(position, _)| *position);
        let (epoch, head, held) = (tenant.epoch, tenant.head, journal.held);
        Ok(Page { epoch, changes, next, head, held, held_hash })
    }

    /// As [`Server::feed_page`], but if there is nothing new waits for a change, at most `wait_ms`.
    pub async fn feed_wait(&self, caller: &Caller, after: u64, limit: usize, wait_ms: u64) -> Result<Page> {
        let deadline = Instant::now() + Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
        let mut head = self.follow(caller.tenant);
        let mut stopping = self.stopping();
        loop {
            // Marked as seen before the look, so that a change in between wakes the wait.
            head.mark_unchanged();
            let page = self.feed_page(caller, after, limit).await?;
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
) -> Result<Vec<(u64, String)>> {
    let tenant = caller.tenant;
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
            items.push((row.number(0)?, row.text(1)?));
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
        let change = member_change(member, &row.text(2)?, &keys.remove(&member).unwrap_or_default())?;
        items.push((row.number(0)?, change));
    }
    items.sort_by_key(|(position, _)| *position);
    items.truncate(limit);
    Ok(items)
}

/// [`stempel_wire::message::FeedChange::Member`] with the state as it is stored.
fn member_change(member: MemberId, base: &str, keys: &[MemberKey]) -> Result<String> {
    let keys = match keys {
        [] => String::new(),
        keys => format!(",\"keys\":{}", serde_json::to_string(keys)?),
    };
    Ok(format!("{{\"member\":{{\"member\":\"{member}\",\"base\":{base}{keys}}}}}"))
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

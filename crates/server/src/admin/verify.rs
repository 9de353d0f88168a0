//! Checking everything that is stored against everything else.

use std::collections::BTreeMap;

use serde::Serialize;
use stempel_domain::event::Event;
use stempel_domain::ledger::imbalance;
use stempel_domain::member::{Base, MemberState};
use stempel_domain::{AuthorId, MemberId, TenantId, Unit};
use stempel_wire::{Hash, Row};

use crate::author_keys::AuthorKeys;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::ingest::figures::Counted;
use crate::ingest::{Head, refold};
use crate::server::Server;
use crate::tenant::{Tenant, public_key};

/// Rows read at a time.
const FETCH: i64 = 500;
/// Problems named; more are only counted.
const PROBLEMS_MAX: usize = 200;

/// What a check of a tenant found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Journals looked at.
    pub journals: u64,
    /// Rows looked at.
    pub events: u64,
    /// Members folded anew.
    pub members: u64,
    /// Members of whom only the balances were compared: their old entries were settled.
    pub settled: u64,
    /// Entries of the audit log.
    pub audit_entries: u64,
    /// The hash of its last entry: written down elsewhere, it shows whether the log was cut off.
    pub audit_hash: String,
    /// What is wrong, in plain words; empty if nothing is.
    pub problems: Vec<String>,
}

impl VerifyReport {
    fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else if self.problems.len() == PROBLEMS_MAX {
            self.problems.push("there are more problems than are named here".to_owned());
        }
    }
}

impl Server {
    /// Checks every chain and signature, every sum, every member against a new fold of the events, and that
    /// the feed passes over nothing. Reads one moment; others go on writing.
    pub async fn verify(&self, tenant: TenantId) -> Result<VerifyReport> {
        let mut tx = self.read_of(tenant).await?;
        let tenant = Tenant::load(&mut tx, tenant).await?;
        let (mut report, mut figures) = (VerifyReport::default(), Counted::default());
        for (author, keys) in authors(&mut tx, &tenant).await? {
            journal(&mut tx, tenant.id, author, keys, &mut figures, &mut report).await?;
        }
        members(&mut tx, tenant.id, &mut report).await?;
        feed(&mut tx, &tenant, &mut report).await?;
        for problem in figures.differences(&mut tx, tenant.id).await? {
            report.problem(problem);
        }
        let (entries, last, wrong) = crate::audit::verify(&mut tx, tenant.id).await?;
        (report.audit_entries, report.audit_hash) = (entries, last);
        if let Some(problem) = wrong {
            report.problem(problem);
        }
        Ok(report)
    }
}

/// Every author of the tenant with its key: devices, the server, and what the server was before a restore.
async fn authors(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<(AuthorId, AuthorKeys)>> {
    let rows = tx
        .rows(
            "SELECT j.author, d.public_key FROM journal j
             LEFT JOIN device d ON d.tenant = j.tenant AND d.device = j.author
             WHERE j.tenant = $1 ORDER BY j.author",
            values![tenant.id],
        )
        .await?;
    let mut authors = Vec::with_capacity(rows.len());
    for row in rows {
        let key = match row.opt_bytes(1)? {
            Some(bytes) => public_key(&bytes)?,
            None => tenant.key.public(),
        };
        let author = row.id(0)?;
        authors.push((author, AuthorKeys::load(tx, tenant.id, author, key).await?));
    }
    Ok(authors)
}

async fn journal(
    tx: &mut Tx,
    tenant: TenantId,
    author: AuthorId,
    mut keys: AuthorKeys,
    figures: &mut Counted,
    report: &mut VerifyReport,
) -> Result<()> {
    report.journals += 1;
    let (mut seq, mut hash) = (0, Hash::NONE);
    loop {
        let rows = tx
            .rows(
                "SELECT seq, hash, bytes, member, status FROM event
                 WHERE tenant = $1 AND author = $2 AND seq > $3 ORDER BY seq LIMIT $4",
                values![tenant, author, seq, FETCH],
            )
            .await?;
        if rows.is_empty() {
            break;
        }
        for stored in rows {
            report.events += 1;
            let place = format!("row {} of {author}", stored.int(0)?);
            let Ok(row) = Row::parse(stored.bytes(2)?) else {
                report.problem(format!("{place} is damaged"));
                seq = stored.number(0)?;
                continue;
            };
            if row.author() != author || row.seq() != stored.number(0)? || row.hash() != stored.id(1)? {
                report.problem(format!("{place} is another row than the one that was stored"));
            }
            if !row.follows(seq, hash) {
                report.problem(format!("{place} does not follow the row before it"));
            }
            match keys.of_row(row.seq()) {
                Some(key) if row.verify(key).is_ok() => keys.follow(&row),
                _ => report.problem(format!("{place} was not signed by its author")),
            }
            if stored.int(4)? == 0 {
                match row.event() {
                    Ok(event) => {
                        check_sums(&event, &place, stored.opt_id(3)?, report);
                        figures.add(tx, tenant, &event).await?;
                    }
                    Err(error) => report.problem(format!("{place} counts but cannot be read: {error}")),
                }
            }
            (seq, hash) = (stored.number(0)?, row.hash());
        }
    }
    let head = Head::load(tx, tenant, author).await?;
    if (head.held, head.hash) != (seq, hash) {
        report.problem(format!("the journal of {author} ends at {seq}, its head says {}", head.held));
    }
    Ok(())
}

fn check_sums(event: &Event, place: &str, member: Option<MemberId>, report: &mut VerifyReport) {
    for (unit, sum) in imbalance(event.record.fact.postings()) {
        report.problem(format!("{place} books {unit} that do not come out at zero but at {sum}"));
    }
    if event.record.fact.member() != member {
        report.problem(format!("{place} is stored with another member than it is about"));
    }
}

async fn members(tx: &mut Tx, tenant: TenantId, report: &mut VerifyReport) -> Result<()> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = tx
            .rows(
                "SELECT member, base FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
                values![tenant, after, FETCH],
            )
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.bytes(0)?;
        for row in rows {
            report.members += 1;
            let member: MemberId = row.id(0)?;
            let base: Base = serde_json::from_str(&row.text(1)?)?;
            let (includes, events) = events_of(tx, tenant, member).await?;
            if includes != base.includes {
                report.problem(format!("member {member} names other rows as included than there are"));
            }
            let anew = refold(&events);
            if base.state == anew {
                continue;
            }
            let mut settled = anew.clone();
            settled.settle();
            if base.state == settled {
                continue;
            }
            if balances(&base.state) == balances(&anew) {
                report.settled += 1;
            } else {
                report.problem(format!("member {member} has another state than its events give"));
            }
        }
    }
}

fn balances(state: &MemberState) -> BTreeMap<Unit, i64> {
    let mut balances = state.newest.map(|newest| state.balances(newest)).unwrap_or_default();
    balances.retain(|_, amount| *amount != 0);
    balances
}

/// The rows about a member: what `includes` should say, and the events that count.
pub(super) async fn events_of(
    tx: &mut Tx,
    tenant: TenantId,
    member: MemberId,
) -> Result<(BTreeMap<AuthorId, u64>, Vec<Event>)> {
    let rows = tx
        .rows(
            "SELECT author, seq, bytes, status FROM event WHERE tenant = $1 AND member = $2
             ORDER BY author, seq",
            values![tenant, member],
        )
        .await?;
    let (mut includes, mut events) = (BTreeMap::new(), Vec::new());
    for row in rows {
        includes.insert(row.id(0)?, row.number(1)?);
        if row.int(3)? == 0 {
            events.push(crate::author::stored_event(row.bytes(2)?)?);
        }
    }
    Ok((includes, events))
}

/// Positions are given once each and none is beyond the counter; everything that devices need stands in the
/// feed.
async fn feed(tx: &mut Tx, tenant: &Tenant, report: &mut VerifyReport) -> Result<()> {
    let id = tenant.id;
    let both = tx
        .row(
            "SELECT COUNT(*) FROM member m JOIN thing t ON t.tenant = m.tenant AND t.position = m.position
             WHERE m.tenant = $1",
            values![id],
        )
        .await?;
    if count(both)? != 0 {
        report.problem("two things stand at one position of the feed".to_owned());
    }
    for sql in [
        "SELECT COUNT(*) FROM member WHERE tenant = $1 AND (position > $2 OR position < 1)",
        "SELECT COUNT(*) FROM thing WHERE tenant = $1 AND (position > $2 OR position < 1)",
    ] {
        if count(tx.row(sql, values![id, tenant.head]).await?)? != 0 {
            report.problem("something stands beyond the end of the feed".to_owned());
        }
    }
    for (what, sql) in [
        (
            "a device",
            "SELECT COUNT(*) FROM device d WHERE d.tenant = $1 AND NOT EXISTS
             (SELECT 1 FROM thing t WHERE t.tenant = d.tenant AND t.kind = 'device' AND t.id = d.device)",
        ),
        (
            "a shop",
            "SELECT COUNT(*) FROM shop s WHERE s.tenant = $1 AND NOT EXISTS
             (SELECT 1 FROM thing t WHERE t.tenant = s.tenant AND t.kind = 'shop' AND t.id = s.shop)",
        ),
        (
            "a key for cards",
            "SELECT COUNT(*) FROM card_key k WHERE k.tenant = $1 AND NOT EXISTS
             (SELECT 1 FROM thing t WHERE t.tenant = k.tenant AND t.kind = 'card-key' AND t.id = k.public_key)",
        ),
        (
            "a journal's beginning",
            "SELECT COUNT(*) FROM event e WHERE e.tenant = $1 AND e.seq = 1 AND NOT EXISTS
             (SELECT 1 FROM journal j WHERE j.tenant = e.tenant AND j.author = e.author)",
        ),
        (
            "an event about a member",
            "SELECT COUNT(*) FROM event e WHERE e.tenant = $1 AND e.member IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM member m WHERE m.tenant = e.tenant AND m.member = e.member)",
        ),
    ] {
        if count(tx.row(sql, values![id]).await?)? != 0 {
            report.problem(format!("{what} is passed over"));
        }
    }
    Ok(())
}

fn count(row: Option<crate::db::Row>) -> Result<i64> {
    row.ok_or_else(|| Error::Damaged("a count is missing".to_owned()))?.int(0)
}

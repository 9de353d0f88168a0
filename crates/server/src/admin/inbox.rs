//! The inbox: everything that waits for a person.

use serde::Serialize;
use stempel_domain::{AuthorId, MemberId, TenantId};

use crate::db::{Tx, values};
use crate::error::Result;
use crate::server::Server;

/// The most entries of each list; the inbox says when there are more.
const LIST_MAX: i64 = 500;

/// What waits for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inbox {
    /// Facts that contradict each other, oldest first.
    pub cases: Vec<CaseInfo>,
    /// Journals that are not continued.
    pub quarantined: Vec<RowInfo>,
    /// Rows that could not be understood.
    pub dead: Vec<RowInfo>,
    /// Rows of revoked devices from after what was acknowledged: stored, without effect.
    pub held: Vec<RowInfo>,
    /// A list was cut off at its bound.
    pub more: bool,
}

/// An open case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseInfo {
    /// `overdraft`, `card-of-two`, `judged-otherwise`, `beyond-history`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The event that brought it to light.
    pub event: String,
    /// What happened, in plain words.
    pub detail: String,
    /// Since when, in milliseconds.
    pub opened_ms: i64,
}

/// A row that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowInfo {
    /// Whose journal.
    pub author: AuthorId,
    /// Which row.
    pub seq: u64,
    /// Its kind; empty if not even that can be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Why, in plain words.
    pub reason: String,
    /// Since when, in milliseconds.
    pub since_ms: i64,
}

/// What judging an event again found, where it was not the same or could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgementInfo {
    /// Whose journal.
    pub author: AuthorId,
    /// Which row.
    pub seq: u64,
    /// `judged-otherwise`, `beyond-history`, `not-judged`.
    pub verdict: String,
    /// What is otherwise, in plain words.
    pub detail: String,
}

impl Server {
    /// What judging events again found, newest first.
    pub async fn judgements(&self, tenant: TenantId) -> Result<Vec<JudgementInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT author, seq, verdict, detail FROM judgement WHERE tenant = $1
                 ORDER BY judged_ms DESC, author, seq LIMIT $2",
                values![tenant, LIST_MAX],
            )
            .await?;
        let read = |row: &crate::db::Row| {
            Ok(JudgementInfo {
                author: row.id(0)?,
                seq: row.number(1)?,
                verdict: row.text(2)?,
                detail: row.text(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Everything that waits for a person.
    pub async fn inbox(&self, tenant: TenantId) -> Result<Inbox> {
        let mut tx = self.read_of(tenant).await?;
        let mut inbox = Inbox { cases: cases(&mut tx, tenant).await?, ..Inbox::default() };
        inbox.quarantined = rows(
            &mut tx,
            "SELECT author, seq, '', reason, since_ms FROM quarantine WHERE tenant = $1
             ORDER BY since_ms, author LIMIT $2",
            tenant,
        )
        .await?;
        inbox.dead = rows(
            &mut tx,
            "SELECT d.author, d.seq, e.kind, d.reason, d.received_ms FROM dead_letter d
             JOIN event e ON e.tenant = d.tenant AND e.author = d.author AND e.seq = d.seq
             WHERE d.tenant = $1 ORDER BY d.received_ms, d.author, d.seq LIMIT $2",
            tenant,
        )
        .await?;
        inbox.held = rows(
            &mut tx,
            "SELECT author, seq, kind, 'the device had been signed out when this arrived', received_ms
             FROM event WHERE tenant = $1 AND status <> 0 AND status = 2 ORDER BY author, seq LIMIT $2",
            tenant,
        )
        .await?;
        let full = |length: usize| length as i64 >= LIST_MAX;
        inbox.more = full(inbox.cases.len())
            || [&inbox.quarantined, &inbox.dead, &inbox.held].into_iter().any(|list| full(list.len()));
        Ok(inbox)
    }
}

async fn cases(tx: &mut Tx, tenant: TenantId) -> Result<Vec<CaseInfo>> {
    let rows = tx
        .rows(
            "SELECT kind, subject, member, event, detail, opened_ms FROM conflict_case
             WHERE tenant = $1 AND closed_ms IS NULL ORDER BY opened_ms, id LIMIT $2",
            values![tenant, LIST_MAX],
        )
        .await?;
    let read = |row: &crate::db::Row| {
        Ok(CaseInfo {
            kind: row.text(0)?,
            subject: row.text(1)?,
            member: row.opt_id(2)?,
            event: row.text(3)?,
            detail: row.text(4)?,
            opened_ms: row.int(5)?,
        })
    };
    rows.iter().map(read).collect()
}

async fn rows(tx: &mut Tx, sql: &'static str, tenant: TenantId) -> Result<Vec<RowInfo>> {
    let read = |row: &crate::db::Row| {
        Ok(RowInfo {
            author: row.id(0)?,
            seq: row.number(1)?,
            kind: row.text(2)?,
            reason: row.text(3)?,
            since_ms: row.int(4)?,
        })
    };
    tx.rows(sql, values![tenant, LIST_MAX]).await?.iter().map(read).collect()
}

//! Who changed what: a log that is only added to, each entry chained to the one before by its hash.
//!
//! What happens to members stands in the journals, with the operator's name in each event. This log holds what
//! happens to the rest: shops, devices, programmes, articles, accounts, keys, settings, decisions.
//!
//! An entry is written in the transaction of the change. [`Server::acting`] says who acts.

use serde::Serialize;
use serde_json::Value as Json;
use stempel_domain::{OperatorId, TenantId};

use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// The most entries of one page.
pub(crate) const PAGE_MAX: i64 = 200;

/// Who acts: `account:…`, `key:…`, `device:…`, `cli:…`, `member` (about themselves), or `server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// The server by itself.
    pub fn server() -> Self {
        Self("server".to_owned())
    }

    /// A member, about their own data.
    pub(crate) fn member() -> Self {
        Self("member".to_owned())
    }

    /// Somebody at the command line of the server's machine.
    pub fn command_line(user: &str) -> Self {
        Self::of("cli", user)
    }

    pub(crate) fn of(kind: &str, name: &str) -> Self {
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .take(OperatorId::LEN_MAX - kind.len() - 1)
            .collect();
        Self(format!("{kind}:{name}"))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which it stands in events; none for the server by itself, and for members: the event is theirs.
    pub(crate) fn operator(&self) -> Option<OperatorId> {
        if *self == Self::server() || *self == Self::member() { None } else { self.0.parse().ok() }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place: dense, from 1.
    pub seq: u64,
    /// When, in milliseconds.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// What else there is to say.
    pub detail: Json,
    /// The hash of this entry and all before it, in hexadecimal.
    pub hash: String,
}

/// The hash of an entry after the one before it. Each text stands with its length, so that no two entries look
/// alike.
fn hash(previous: &[u8], seq: u64, at_ms: i64, texts: [&str; 4]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("stempel audit entry v1");
    hasher.update(previous);
    hasher.update(&seq.to_be_bytes());
    hasher.update(&at_ms.to_be_bytes());
    for text in texts {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// What stands before the first entry.
const NOTHING: [u8; 32] = [0; 32];

impl Server {
    /// Writes an entry, in the transaction of the change. The caller holds the tenant's lock.
    pub(crate) async fn note(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        action: &'static str,
        subject: &str,
        detail: Json,
    ) -> Result<()> {
        let last = tx
            .row(
                "SELECT seq, hash FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1",
                values![tenant.id],
            )
            .await?;
        let (seq, previous) = match last {
            Some(row) => (row.number(0)? + 1, row.bytes(1)?),
            None => (1, NOTHING.to_vec()),
        };
        // No NUL: PostgreSQL keeps none, and the hash is over what is kept.
        let (subject, detail) = (subject.replace('\0', "\u{fffd}"), detail.to_string());
        let (at_ms, actor) = (self.now_ms(), self.actor().as_str());
        let hash = hash(&previous, seq, at_ms, [actor, action, &subject, &detail]);
        tx.execute(
            "INSERT INTO audit (tenant, seq, at_ms, actor, action, subject, detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![tenant.id, seq, at_ms, actor, action, subject, detail, &hash[..]],
        )
        .await?;
        Ok(())
    }

    /// The entries after a place, oldest first, at most 200.
    pub async fn audit(&self, tenant: TenantId, after: u64) -> Result<Vec<Entry>> {
        page(&mut self.read_of(tenant).await?, tenant, after).await
    }
}

impl Server {
    /// The place of the newest entry; 0 if there is none.
    pub(crate) async fn audit_head(&self, tenant: TenantId) -> Result<u64> {
        let mut tx = self.read_of(tenant).await?;
        let row = tx
            .row("SELECT seq FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT 1", values![tenant])
            .await?;
        row.map_or(Ok(0), |row| row.number(0))
    }
}

async fn page(tx: &mut Tx, tenant: TenantId, after: u64) -> Result<Vec<Entry>> {
    let rows = tx
        .rows(
            "SELECT seq, at_ms, actor, action, subject, detail, hash FROM audit
             WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            values![tenant, after, PAGE_MAX],
        )
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Entry> {
    Ok(Entry {
        seq: row.number(0)?,
        at_ms: row.int(1)?,
        actor: row.text(2)?,
        action: row.text(3)?,
        subject: row.text(4)?,
        detail: serde_json::from_str(&row.text(5)?)?,
        hash: data_encoding::HEXLOWER.encode(&row.bytes(6)?),
    })
}

/// Checks the whole chain: how many entries there are, the hash of the last one, and the first thing that is
/// wrong. Whoever has written that hash down elsewhere can tell whether the log was cut off or written anew.
pub(crate) async fn verify(tx: &mut Tx, tenant: TenantId) -> Result<(u64, String, Option<String>)> {
    let (mut seq, mut previous) = (0, NOTHING.to_vec());
    loop {
        let rows = tx
            .rows(
                "SELECT seq, at_ms, actor, action, subject, detail, hash FROM audit
                 WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                values![tenant, seq, PAGE_MAX],
            )
            .await?;
        if rows.is_empty() {
            let last = if seq == 0 { String::new() } else { data_encoding::HEXLOWER.encode(&previous) };
            return Ok((seq, last, None));
        }
        for row in rows {
            let place = row.number(0)?;
            let texts = [row.text(2)?, row.text(3)?, row.text(4)?, row.text(5)?];
            let texts = [&texts[0][..], &texts[1], &texts[2], &texts[3]];
            let stored = row.bytes(6)?;
            if place != seq + 1 || stored != hash(&previous, place, row.int(1)?, texts) {
                let problem = format!("entry {place} of the audit log does not follow the one before it");
                return Ok((place, data_encoding::HEXLOWER.encode(&stored), Some(problem)));
            }
            (seq, previous) = (place, stored);
        }
    }
}

/// A detail that names what changed.
pub(crate) fn detail(value: impl Serialize) -> Result<Json> {
    serde_json::to_value(value).map_err(|error| Error::Damaged(error.to_string()))
}

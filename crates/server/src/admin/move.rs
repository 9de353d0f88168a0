//! Moving one tenant to another database, say from the file of one shop to the PostgreSQL of a chain.
//!
//! At each moment exactly one database has the tenant open. The copy is made closed; it is compared with what it
//! was made from; the old place is emptied and keeps a word where the tenant went; only then the copy is opened.
//! A move that was cut off anywhere is finished by the same command.

use serde::Serialize;
use stempel_domain::TenantId;

use crate::db::{Db, Digest, Tx, copy_tenant, digest_tenant, purge_tenant, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Whose data.
    pub tenant: TenantId,
    /// Where it is now, without a password.
    pub to: String,
    /// The digest over all its rows, the same at both places; none if an earlier move was only finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How many rows.
    pub rows: u64,
}

/// How a database stands to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Has nothing of it.
    Absent,
    /// Serves it.
    Open,
    /// Has a whole copy that is not served yet.
    Closed,
    /// Had it, and knows where it went.
    Gone,
}

async fn standing(tx: &mut Tx, tenant: TenantId) -> Result<Standing> {
    let row = tx.row("SELECT closed, secret FROM tenant WHERE tenant = $1", values![tenant]).await?;
    let Some(row) = row else { return Ok(Standing::Absent) };
    Ok(match (row.flag(0)?, row.bytes(1)?.is_empty()) {
        (false, _) => Standing::Open,
        (true, false) => Standing::Closed,
        (true, true) => Standing::Gone,
    })
}

impl Server {
    /// Moves a tenant with everything that belongs to it to the database that the URL names, and proves by a
    /// digest over every row that nothing was changed. Its devices are told to try again for as long as it
    /// takes; on SQLite every other writer of the file waits too.
    pub async fn tenant_move(&self, tenant: TenantId, url: &str) -> Result<Moved> {
        let from = self.db_of(tenant).await?;
        let to = if url == self.db().url() {
            self.db().clone()
        } else {
            Db::open(url).await?.sharing(self.db().vault())
        };
        let moved = self.carry(tenant, &from, &to).await;
        if to.url() != self.db().url() {
            to.close().await;
        }
        let digest = moved?;
        self.places().note(tenant, (url != self.db().url()).then(|| url.to_owned()));
        let rows = digest.as_ref().map_or(0, |digest| digest.rows);
        tracing::info!(%tenant, to = to.shown(), rows, "a tenant was moved");
        Ok(Moved { tenant, to: to.shown(), digest: digest.map(|digest| digest.text), rows })
    }

    async fn carry(&self, tenant: TenantId, from: &Db, to: &Db) -> Result<Option<Digest>> {
        let there = standing(&mut to.read().await?, tenant).await?;
        if from.url() == to.url() {
            if there == Standing::Closed {
                self.finish(tenant, to).await?;
                return Ok(None);
            }
            return Err(Error::bad_request("The tenant's data is in that database already."));
        }
        let here = standing(&mut from.read().await?, tenant).await?;
        let digest = match (here, there) {
            (Standing::Absent, _) => return Err(Error::not_found("such tenant")),
            (_, Standing::Open) => {
                return Err(Error::refused(
                    "already-there",
                    409,
                    "This is already there",
                    "That database serves the same tenant: a copy was put there in another way. Nothing was moved.",
                ));
            }
            (Standing::Gone, Standing::Closed) => None,
            (Standing::Gone | Standing::Closed, _) => {
                return Err(Error::refused(
                    "moving",
                    409,
                    "Another move is not finished",
                    "Finish it first, with the same command as then.",
                ));
            }
            (Standing::Open, _) => Some(copy(tenant, from, to).await?),
        };
        self.finish(tenant, to).await?;
        Ok(digest)
    }

    /// Says at home where the tenant is, then opens it there.
    async fn finish(&self, tenant: TenantId, to: &Db) -> Result<()> {
        if to.url() != self.db().url() {
            let mut home = self.db().write().await?;
            place(&mut home, tenant, &to.url(), self.now_ms()).await?;
            home.commit().await?;
        }
        let mut tx = to.write().await?;
        tx.execute("DELETE FROM placement WHERE tenant = $1", values![tenant]).await?;
        tx.execute("UPDATE tenant SET closed = 0 WHERE tenant = $1", values![tenant]).await?;
        tx.commit().await
    }
}

/// Copies, compares, and empties the old place.
async fn copy(tenant: TenantId, from: &Db, to: &Db) -> Result<Digest> {
    let mut source = from.write().await?;
    source.take_time().await?;
    let locked = Tenant::lock(&mut source, tenant).await?;
    let mut target = to.write().await?;
    target.take_time().await?;
    // What an earlier try has left.
    purge_tenant(&mut target, tenant).await?;
    let read = copy_tenant(&mut source, &mut target, tenant).await?;
    target.execute("UPDATE tenant SET closed = 1 WHERE tenant = $1", values![tenant]).await?;
    target.commit().await?;
    let written = digest_tenant(&mut to.read().await?, tenant).await?;
    if written != read {
        return Err(Error::Damaged("the copy is not what it was made from; nothing was moved".to_owned()));
    }
    purge_tenant(&mut source, tenant).await?;
    source
        .execute(
            "INSERT INTO tenant (tenant, name, epoch, head, server, secret, demo, created_ms, closed)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 1)",
            values![tenant, locked.name, locked.epoch, locked.head, locked.server, Vec::new()],
        )
        .await?;
    place(&mut source, tenant, &to.url(), 0).await?;
    source.commit().await?;
    Ok(read)
}

async fn place(tx: &mut Tx, tenant: TenantId, url: &str, now_ms: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO placement (tenant, url, moved_ms) VALUES ($1, $2, $3)
         ON CONFLICT (tenant) DO UPDATE SET url = excluded.url, moved_ms = excluded.moved_ms",
        values![tenant, url, now_ms],
    )
    .await?;
    Ok(())
}

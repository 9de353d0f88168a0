//! The tables. Migrations only add; each runs once, in one transaction, and a database of a later version is
//! left alone.

use super::{Db, values};
use crate::error::{Error, Result};

/// Every migration, in order; its place in the list is its version, from 1.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_foundation.sql")];

/// Brings the database to this program's version.
pub(super) async fn migrate(db: &Db) -> Result<()> {
    let known = MIGRATIONS.len() as i64;
    let mut tx = db.write().await?;
    tx.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)", Vec::new())
        .await?;
    let found = match tx.row("SELECT MAX(version) FROM schema_version", Vec::new()).await? {
        Some(row) => row.opt_int(0)?.unwrap_or(0),
        None => 0,
    };
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for (script, version) in MIGRATIONS.into_iter().zip(1_i64..).skip(found.max(0) as usize) {
        tx.execute_script(script).await?;
        tx.execute("INSERT INTO schema_version (version) VALUES ($1)", values![version]).await?;
        tracing::info!(version, "the database was brought to a newer version");
    }
    tx.commit().await
}

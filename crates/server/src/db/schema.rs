//! The tables. A change comes in two steps, so that servers of two versions can share a database while one
//! takes over from the other: a migration *expands* first (adds a table, a column that may be empty, an index),
//! and a later program's migration *contracts* (takes away what no program in use reads any more).
//!
//! Each migration runs once, in one transaction, while every other process waits. A database of a later version
//! is opened if its newest migrations only expanded, and left alone if one of them contracted.

use super::{Db, Tx, values};
use crate::error::{Error, Result};

/// One step of the tables.
struct Migration {
    version: i64,
    /// The oldest version of a program that can still use the database afterwards.
    oldest: i64,
    script: &'static str,
}

/// Every migration, in order. Versions rise; a gap is allowed.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, oldest: 1, script: include_str!("../../migrations/0001_foundation.sql") },
    Migration { version: 2, oldest: 1, script: include_str!("../../migrations/0002_placement.sql") },
    Migration { version: 3, oldest: 1, script: include_str!("../../migrations/0003_work.sql") },
    Migration { version: 5, oldest: 1, script: include_str!("../../migrations/0005_tally.sql") },
    Migration { version: 10, oldest: 1, script: include_str!("../../migrations/0010_accounts.sql") },
    Migration { version: 20, oldest: 1, script: include_str!("../../migrations/0020_people.sql") },
    Migration { version: 30, oldest: 1, script: include_str!("../../migrations/0030_dashboard.sql") },
    Migration { version: 40, oldest: 1, script: include_str!("../../migrations/0040_card.sql") },
    Migration { version: 50, oldest: 1, script: include_str!("../../migrations/0050_proof.sql") },
    Migration { version: 60, oldest: 1, script: include_str!("../../migrations/0060_blanks.sql") },
    Migration { version: 70, oldest: 1, script: include_str!("../../migrations/0070_pages.sql") },
    Migration { version: 80, oldest: 1, script: include_str!("../../migrations/0080_alarm.sql") },
    Migration { version: 90, oldest: 90, script: include_str!("../../migrations/0090_vault.sql") },
    Migration { version: 100, oldest: 1, script: include_str!("../../migrations/0100_trial.sql") },
    Migration { version: 101, oldest: 1, script: include_str!("../../migrations/0101_logo.sql") },
    Migration { version: 102, oldest: 1, script: include_str!("../../migrations/0102_attempts.sql") },
    Migration { version: 120, oldest: 1, script: include_str!("../../migrations/0120_passkey.sql") },
    Migration { version: 121, oldest: 1, script: include_str!("../../migrations/0121_batch.sql") },
];

/// The newest version that this program knows.
const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Brings the database to this program's version.
pub(super) async fn migrate(db: &Db) -> Result<()> {
    let mut tx = db.write().await?;
    if let Db::Postgres { .. } = db {
        // Two processes that start at once must not both make the tables.
        tx.execute("SELECT pg_advisory_xact_lock(hashtext('stempel ' || current_schema()))", Vec::new())
            .await?;
    }
    make(db, &mut tx).await?;
    tx.commit().await
}

/// Makes every table that is not there yet, in the transaction that is given.
pub(super) async fn make(db: &Db, tx: &mut Tx) -> Result<()> {
    tx.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)", Vec::new())
        .await?;
    let rows = tx.rows("SELECT version FROM schema_version ORDER BY version", Vec::new()).await?;
    let found = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<i64>>>()?;
    check_known(tx, &found).await?;
    for migration in MIGRATIONS.iter().filter(|migration| !found.contains(&migration.version)) {
        let Migration { version, oldest, script } = *migration;
        tx.execute_script(spoken(db, script)).await?;
        tx.execute("INSERT INTO schema_version (version) VALUES ($1)", values![version]).await?;
        if version > 1 {
            // The column came with the second version; the first is as old as it gets.
            tx.execute("UPDATE schema_version SET oldest = $2 WHERE version = $1", values![version, oldest])
                .await?;
        }
        tracing::info!(version, "the database was brought to a newer version");
    }
    Ok(())
}

/// Refuses a database that a later program has changed in a way that this one cannot follow.
async fn check_known(tx: &mut Tx, found: &[i64]) -> Result<()> {
    let Some(&newest) = found.last().filter(|newest| **newest > KNOWN) else { return Ok(()) };
    let oldest = tx
        .rows("SELECT COALESCE(oldest, version) FROM schema_version WHERE version > $1", values![KNOWN])
        .await?;
    for row in oldest {
        if row.int(0)? > KNOWN {
            return Err(Error::Newer { found: newest, known: KNOWN });
        }
    }
    tracing::info!(
        newest,
        known = KNOWN,
        "the database is of a later version that this program can still use"
    );
    Ok(())
}

/// A script in the words of the database: the scripts are written for SQLite. Text is compared by its bytes
/// everywhere, whatever the language of the database.
fn spoken(db: &Db, script: &'static str) -> String {
    match db {
        Db::Sqlite { .. } => script.to_owned(),
        Db::Postgres { .. } => script.replace(" BLOB", " BYTEA").replace(" TEXT", " TEXT COLLATE \"C\""),
    }
}

//! The tables and how old databases become new ones. Migrations only add.

use rusqlite::{Connection, TransactionBehavior};

use crate::{StoreError, people, tallies};

/// Marks the file as ours (“Stmp”).
const APPLICATION_ID: i64 = 0x5374_6d70;

/// One step from a format to the next.
struct Migration {
    /// Makes the tables.
    sql: &'static str,
    /// Fills them from what is there.
    fill: fn(&Connection) -> Result<(), StoreError>,
}

/// Each migration, in order; the format's number is how many have run.
const MIGRATIONS: [Migration; 3] = [
    Migration { sql: include_str!("migrations/1.sql"), fill: |_| Ok(()) },
    Migration { sql: include_str!("migrations/2.sql"), fill: tallies::fill },
    Migration { sql: include_str!("migrations/3.sql"), fill: people::hash_answers },
];

/// The first format in which what is deleted is overwritten.
const OVERWRITING: usize = 3;

pub(crate) fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // What is deleted is overwritten: a key that was dropped is gone from the file.
    connection.pragma_update(None, "secure_delete", "ON")?;
    // 16 MiB of pages: the hot part of 100,000 members.
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(())
}

pub(crate) fn format(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

pub(crate) fn check_version(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (format(connection)?, MIGRATIONS.len() as i64);
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}

/// Gives a reader of an older format empty tables in the place of those that it has not got yet. They are its own
/// and vanish with it.
pub(crate) fn complete(connection: &Connection) -> Result<(), StoreError> {
    if format(connection)? < 3 {
        connection.execute_batch(
            "CREATE TEMP TABLE alias (member BLOB PRIMARY KEY, into_member BLOB);
             CREATE TEMP TABLE erased (member BLOB PRIMARY KEY);",
        )?;
    }
    Ok(())
}

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    check_version(connection)?;
    let done = usize::try_from(format(connection)?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration.sql)?;
        (migration.fill)(&transaction)?;
        transaction.pragma_update(None, "user_version", (index + 1) as i64)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()?;
    }
    if (1..OVERWRITING).contains(&done) {
        // What earlier programs deleted is still in the file, and they did not overwrite it.
        connection.execute_batch("VACUUM")?;
    }
    Ok(())
}

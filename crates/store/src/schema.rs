//! The tables and how old databases become new ones. Migrations only add.

use rusqlite::Connection;

use crate::StoreError;

/// Marks the file as ours (“Stmp”).
const APPLICATION_ID: i64 = 0x5374_6d70;

/// Each migration, in order; the format's number is how many have run.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

pub(crate) fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // 16 MiB of pages: the hot part of 100,000 members.
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(())
}

fn format(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

pub(crate) fn check_version(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (format(connection)?, MIGRATIONS.len() as i64);
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}

pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    check_version(connection)?;
    let done = usize::try_from(format(connection)?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let number = index + 1;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {migration} PRAGMA user_version = {number};
             PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        ))?;
    }
    Ok(())
}

//! Tallies: what an author has given of what there is only so much of, by key and day.
//!
//! They are summed in the transaction that appends the row, so a device knows exactly what it gave itself.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use stempel_domain::event::CounterStep;
use stempel_domain::rules::Tallies;
use stempel_domain::{AuthorId, Day, MemberState};
use stempel_wire::Row;

use crate::{StoreError, View, Write, author_from, schema};

/// The day under which older days are summed up: no rule looks at them one by one, and totals stay right.
pub const EARLIER: Day = Day::MIN;
/// Days are kept apart for this many days before the newest: as long as a member's counters are.
pub const KEPT_DAYS: i32 = MemberState::COUNTER_DAYS;
/// The first format of the store that keeps tallies.
const FORMAT: i64 = 2;

impl View<'_> {
    /// What an author's rows add up to, for these keys.
    pub fn tallies(&self, author: AuthorId, keys: &[String]) -> Result<Tallies, StoreError> {
        let mut tallies = BTreeMap::new();
        if keys.is_empty() {
            return Ok(tallies);
        }
        let sql = "SELECT day, amount FROM tally WHERE author = ?1 AND key = ?2";
        let mut statement = match self.connection.prepare_cached(sql) {
            // A reader of an older format, whose rows have no tallies yet.
            Err(_) if schema::format(self.connection)? < FORMAT => return Ok(tallies),
            prepared => prepared?,
        };
        for key in keys {
            let rows = statement.query_map(params![author.0.as_slice(), key], |row| {
                Ok((Day::from_number(row.get(0)?), row.get(1)?))
            })?;
            let days = rows.collect::<Result<BTreeMap<Day, i64>, _>>()?;
            if !days.is_empty() {
                tallies.insert(key.clone(), days);
            }
        }
        Ok(tallies)
    }
}

impl Write<'_> {
    /// Adds an event's steps to its author's tallies.
    pub(crate) fn count(&mut self, author: AuthorId, steps: &[CounterStep]) -> Result<(), StoreError> {
        add(&self.transaction, author, steps)
    }
}

/// Fills the table from the journal, for a database that had none.
pub(crate) fn fill(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT author, bytes FROM journal ORDER BY author, seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let author = author_from(row.get(0)?)?;
        let row = Row::parse(row.get(1)?).map_err(|error| StoreError::Damaged(error.to_string()))?;
        // A row that this version cannot read has no tallies that it could count either.
        let Ok(event) = row.event() else { continue };
        add(connection, author, event.record.fact.tallies())?;
    }
    Ok(())
}

fn add(connection: &Connection, author: AuthorId, steps: &[CounterStep]) -> Result<(), StoreError> {
    for step in steps {
        put(connection, author, &step.key, step.day, step.amount)?;
        sum_up(connection, author, &step.key)?;
    }
    Ok(())
}

fn put(
    connection: &Connection,
    author: AuthorId,
    key: &str,
    day: Day,
    amount: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO tally (author, key, day, amount) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (author, key, day) DO UPDATE SET amount = amount + excluded.amount",
        )?
        .execute(params![author.0.as_slice(), key, day.number(), amount])?;
    Ok(())
}

/// Sums up the days of a key that are older than any rule looks at.
fn sum_up(connection: &Connection, author: AuthorId, key: &str) -> Result<(), StoreError> {
    let old = params![author.0.as_slice(), key, EARLIER.number(), KEPT_DAYS];
    let amount: Option<i64> = connection
        .prepare_cached(
            "SELECT sum(amount) FROM tally WHERE author = ?1 AND key = ?2 AND day > ?3
             AND day < (SELECT max(day) FROM tally WHERE author = ?1 AND key = ?2) - ?4",
        )?
        .query_row(old, |row| row.get(0))?;
    let Some(amount) = amount else { return Ok(()) };
    connection
        .prepare_cached(
            "DELETE FROM tally WHERE author = ?1 AND key = ?2 AND day > ?3
             AND day < (SELECT max(day) FROM tally WHERE author = ?1 AND key = ?2) - ?4",
        )?
        .execute(old)?;
    put(connection, author, key, EARLIER, amount)
}

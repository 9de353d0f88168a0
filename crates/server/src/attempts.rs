//! Keeps over a restart how often strangers asked and how often passwords were guessed: a server that starts anew goes on
//! counting where it was.
//!
//! The counts are kept in memory, where they are looked at, and written down every few seconds and at the end. A server
//! that was killed has forgotten the last seconds. What stands in the database are hashes, for an hour at most; no backup
//! holds them.

use std::sync::Arc;
use std::time::Duration;

use crate::db::values;
use crate::error::Result;
use crate::http::Http;

/// How often the counts are written down, if they have changed.
const LOOK: Duration = Duration::from_secs(10);
/// After so long without an attempt everything is forgotten, in milliseconds.
const FORGOTTEN_MS: i64 = 60 * 60 * 1000;
/// The most counts that are written down of each kind: the highest.
const KEPT_MAX: usize = 2000;

/// How often something was tried: by whom as a hash, how often, and when last (or since when).
pub(crate) type Attempt = ([u8; 16], u32, i64);

/// The kinds, as they are stored.
const GUESSES: &str = "guess";
const ASKED: &str = "asked";

/// Takes up what servers before this one have counted.
pub(crate) async fn take_up(http: &Http) -> Result<()> {
    let now_ms = http.server.now_ms();
    let mut tx = http.server.db().write().await?;
    let sql = "SELECT kind, name, count, at_ms FROM attempt WHERE at_ms > $1 ORDER BY count DESC LIMIT $2";
    let rows = tx.rows(sql, values![now_ms - FORGOTTEN_MS, 2 * KEPT_MAX as i64]).await?;
    let (mut guesses, mut asked) = (Vec::new(), Vec::new());
    for row in rows {
        let Ok(name) = row.bytes(1)?.try_into() else { continue };
        let attempt: Attempt = (name, u32::try_from(row.int(2)?).unwrap_or(u32::MAX), row.int(3)?);
        if row.text(0)? == GUESSES { guesses.push(attempt) } else { asked.push(attempt) }
    }
    // Whoever runs beside this one writes its own down again.
    tx.execute("DELETE FROM attempt", Vec::new()).await?;
    tx.commit().await?;
    http.guard.take_up(&guesses);
    http.gate.take_up(&asked, now_ms);
    Ok(())
}

/// Writes the counts down whenever they have changed, until it is broken off.
pub(crate) async fn keep(http: Arc<Http>, process: [u8; 16]) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = 0;
    loop {
        ticks.tick().await;
        let changes = http.guard.changes() + http.gate.changes();
        if changes != last {
            last = changes;
            write_down(&http, process).await;
        }
    }
}

/// Writes the counts down.
pub(crate) async fn write_down(http: &Http, process: [u8; 16]) {
    if let Err(error) = written(http, process).await {
        tracing::warn!(%error, "could not write down how often was tried");
    }
}

async fn written(http: &Http, process: [u8; 16]) -> Result<()> {
    let mut rows = Vec::new();
    for (kind, mut attempts) in [(GUESSES, http.guard.attempts()), (ASKED, http.gate.attempts())] {
        attempts.sort_by_key(|(name, count, _)| (std::cmp::Reverse(*count), *name));
        for (name, count, at_ms) in attempts.into_iter().take(KEPT_MAX) {
            rows.extend(values![&process[..], kind, &name[..], i64::from(count), at_ms]);
        }
    }
    let mut tx = http.server.db().write().await?;
    let old_ms = http.server.now_ms() - FORGOTTEN_MS;
    tx.execute("DELETE FROM attempt WHERE process = $1 OR at_ms < $2", values![&process[..], old_ms]).await?;
    tx.insert_all("INSERT INTO attempt (process, kind, name, count, at_ms)", "", 5, rows).await?;
    tx.commit().await
}

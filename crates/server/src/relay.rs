//! Short notes between the devices of a shop: a guest at the kiosk calls, the counter answers.
//!
//! A note is for now: it is kept for a minute, in memory, and nowhere else. What is worth keeping is an event in a
//! journal. Devices that ask another process of the server do not see each other; they do without, as they do without a
//! network.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::value::RawValue;
use stempel_domain::{AuthorId, ShopId, TenantId};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::feed::WAIT_MS_MAX;
use crate::http::{Answer, Shared, signed};
use crate::server::Server;

/// The address of the notes; a wait for them has a bound of its own.
pub(crate) const PATH: &str = "/v1/relay";
/// The longest note, in bytes of JSON.
const NOTE_LEN_MAX: usize = 2048;
/// Notes kept for a shop; the oldest goes first.
const NOTES_MAX: usize = 64;
/// Notes of one device among them: nobody can push out what another one has said.
const NOTES_OF_DEVICE_MAX: usize = 16;
/// How long a note is kept, in milliseconds.
const NOTE_MS: i64 = 60_000;
/// Shops with a box at once; beyond it empty ones go.
const BOXES_MAX: usize = 4096;

/// A note as it is kept.
#[derive(Debug, Clone)]
struct Note {
    number: u64,
    from: AuthorId,
    at_ms: i64,
    body: Box<RawValue>,
}

/// The box of a shop.
#[derive(Debug, Default)]
struct Shelf {
    notes: VecDeque<Note>,
    /// The number of the last note that was ever in it.
    last: watch::Sender<u64>,
}

impl Shelf {
    fn drop_old(&mut self, now_ms: i64) {
        self.notes.retain(|note| now_ms.saturating_sub(note.at_ms) < NOTE_MS);
    }
}

/// The boxes of all shops.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    shelves: Mutex<BTreeMap<(TenantId, ShopId), Shelf>>,
}

impl Relay {
    fn with<T>(&self, caller: &Caller, now_ms: i64, work: impl FnOnce(&mut Shelf) -> T) -> Result<T> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.tenant, caller.shop);
        if !shelves.contains_key(&key) && shelves.len() >= BOXES_MAX {
            shelves.retain(|_, shelf| {
                shelf.drop_old(now_ms);
                !shelf.notes.is_empty() || shelf.last.receiver_count() > 0
            });
            if shelves.len() >= BOXES_MAX {
                return Err(Error::TooMany);
            }
        }
        let shelf = shelves.entry(key).or_default();
        shelf.drop_old(now_ms);
        Ok(work(shelf))
    }

    /// Puts a note into the box of the caller's shop, and gives its number.
    ///
    /// Numbers rise for as long as the server's clock does, so that a server that was started again gives none twice.
    fn put(&self, caller: &Caller, body: Box<RawValue>, now_ms: i64) -> Result<u64> {
        self.with(caller, now_ms, |shelf| {
            let number = (*shelf.last.borrow() + 1).max(u64::try_from(now_ms).unwrap_or(0));
            let own = |note: &Note| note.from == caller.device;
            if shelf.notes.iter().filter(|note| own(note)).count() >= NOTES_OF_DEVICE_MAX
                && let Some(place) = shelf.notes.iter().position(own)
            {
                shelf.notes.remove(place);
            }
            shelf.notes.push_back(Note { number, from: caller.device, at_ms: now_ms, body });
            while shelf.notes.len() > NOTES_MAX {
                shelf.notes.pop_front();
            }
            shelf.last.send_replace(number);
            number
        })
    }

    /// The notes of others after a number, and the number up to which was looked.
    fn look(&self, caller: &Caller, after: u64, now_ms: i64) -> Result<(u64, Vec<serde_json::Value>)> {
        self.with(caller, now_ms, |shelf| {
            let others = shelf.notes.iter().filter(|note| note.number > after && note.from != caller.device);
            let each = others.map(|note| {
                serde_json::json!({
                    "number": note.number, "from": note.from, "age_ms": now_ms.saturating_sub(note.at_ms),
                    "note": note.body,
                })
            });
            let found = each.collect();
            (*shelf.last.borrow(), found)
        })
    }

    fn follow(&self, caller: &Caller, now_ms: i64) -> Result<watch::Receiver<u64>> {
        self.with(caller, now_ms, |shelf| shelf.last.subscribe())
    }

    /// As [`Relay::look`], and waits for news for so long.
    async fn wait(
        &self,
        server: &Server,
        caller: &Caller,
        after: u64,
        wait_ms: u64,
    ) -> Result<serde_json::Value> {
        let deadline = Instant::now() + Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
        let mut last = self.follow(caller, server.now_ms())?;
        let mut stopping = server.stopping();
        loop {
            // Marked as seen before the look, so that a note in between wakes the wait.
            last.mark_unchanged();
            let (number, notes) = self.look(caller, after, server.now_ms())?;
            let over = *stopping.borrow() || Instant::now() >= deadline;
            let woken = async {
                tokio::select! {
                    _ = last.changed() => {}
                    _ = stopping.changed() => {}
                }
            };
            if !notes.is_empty() || over || timeout_at(deadline, woken).await.is_err() {
                return Ok(serde_json::json!({ "last": number, "notes": notes }));
            }
        }
    }
}

pub(crate) async fn post(State(http): Shared, request: Request) -> Answer {
    let (caller, body) = signed(&http, request, NOTE_LEN_MAX).await?;
    let body: Box<RawValue> = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("A note is JSON: {error}.")))?;
    let number = http.relay.put(&caller, body, http.server.now_ms())?;
    Ok(Json(serde_json::json!({ "number": number })).into_response())
}

#[derive(Debug, Deserialize)]
struct NotesQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

pub(crate) async fn get(State(http): Shared, request: Request) -> Answer {
    let query = Query::<NotesQuery>::try_from_uri(request.uri())
        .map_err(|_| Error::bad_request("after and wait_ms are numbers."));
    let (caller, _) = signed(&http, request, NOTE_LEN_MAX).await?;
    let Query(NotesQuery { after, wait_ms }) = query?;
    let permit = http.waits.try_acquire();
    let wait_ms = if permit.is_ok() { wait_ms } else { 0 };
    Ok(Json(http.relay.wait(&http.server, &caller, after, wait_ms).await?).into_response())
}

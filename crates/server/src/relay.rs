//! Short notes between the devices of a shop: a guest at the kiosk calls, the counter answers.
//!
//! A note is for now: it is kept for a minute, in memory, and nowhere else. What is worth keeping is an event in a
//! journal. Several processes on one PostgreSQL tell each other their notes through it; each keeps them all, under the
//! same numbers. A process that cannot hear the database has its own only, and the devices do without the others, as they
//! do without a network.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stempel_domain::{AuthorId, ShopId, TenantId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::caller::Caller;
use crate::db::TOLD_LEN_MAX;
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
/// How long is waited until a note that was told is heard here too.
const HEARD: Duration = Duration::from_secs(1);
/// After so long it is tried again to hear the other processes.
const AGAIN: Duration = Duration::from_secs(2);
/// Shops with a box at once; beyond it empty ones go.
const BOXES_MAX: usize = 4096;

/// A note and what goes with it from one process to another fit into one text.
const _: () = assert!(NOTE_LEN_MAX + 512 < TOLD_LEN_MAX);

/// Where a note comes from, and what it says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Told {
    tenant: TenantId,
    shop: ShopId,
    from: AuthorId,
    note: Box<RawValue>,
}

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
    fn with<T>(
        &self,
        tenant: TenantId,
        shop: ShopId,
        now_ms: i64,
        work: impl FnOnce(&mut Shelf) -> T,
    ) -> Result<T> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, shop);
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

    /// Puts a note into the box of its shop, under a number of at least that, and gives the number. Numbers rise.
    fn put(&self, told: Told, number: u64, now_ms: i64) -> Result<u64> {
        let Told { tenant, shop, from, note: body } = told;
        self.with(tenant, shop, now_ms, |shelf| {
            let number = (*shelf.last.borrow() + 1).max(number);
            let own = |note: &Note| note.from == from;
            if shelf.notes.iter().filter(|note| own(note)).count() >= NOTES_OF_DEVICE_MAX
                && let Some(place) = shelf.notes.iter().position(own)
            {
                shelf.notes.remove(place);
            }
            shelf.notes.push_back(Note { number, from, at_ms: now_ms, body });
            while shelf.notes.len() > NOTES_MAX {
                shelf.notes.pop_front();
            }
            shelf.last.send_replace(number);
            number
        })
    }

    /// Tells a note of the caller to the other processes, and puts it into the box. Gives its number.
    ///
    /// Alone, numbers rise for as long as the server's clock does, so that a server that was started again gives none
    /// twice. Beside others the database gives them, and a note is put down when it is heard: in every process in the
    /// same order.
    async fn say(&self, server: &Server, caller: &Caller, note: Box<RawValue>) -> Result<u64> {
        let (tenant, shop) = (caller.tenant, caller.shop);
        let told = Told { tenant, shop, from: caller.device, note };
        let Some(number) = server.db().tell(&serde_json::to_string(&told)?).await? else {
            let now_ms = server.now_ms();
            return self.put(told, u64::try_from(now_ms).unwrap_or(0), now_ms);
        };
        let mut last = self.with(tenant, shop, server.now_ms(), |shelf| shelf.last.subscribe())?;
        match timeout(HEARD, last.wait_for(|last| *last >= number)).await {
            Ok(Ok(_)) => Ok(number),
            // This process hears nobody at the moment; whoever asks here is told all the same.
            _ => self.put(told, number, server.now_ms()),
        }
    }

    /// Hears what is told until it is broken off.
    pub(crate) async fn hear(&self, server: &Server) {
        loop {
            match server.db().listen().await {
                Ok(None) => return,
                Ok(Some(mut ear)) => loop {
                    match ear.hear().await {
                        Ok(Some((number, text))) => self.take(&text, number, server.now_ms()),
                        Ok(None) => {}
                        Err(error) => {
                            tracing::warn!(%error, "cannot hear the other processes");
                            break;
                        }
                    }
                },
                Err(error) => tracing::warn!(%error, "cannot hear the other processes"),
            }
            sleep(AGAIN).await;
        }
    }

    /// Takes in what was heard. What a later version says otherwise is passed over.
    fn take(&self, text: &str, number: u64, now_ms: i64) {
        let Ok(told) = serde_json::from_str::<Told>(text) else { return };
        if told.note.get().len() > NOTE_LEN_MAX {
            return;
        }
        // No room for one more shop's box: its devices do without.
        let _ = self.put(told, number, now_ms);
    }

    /// The notes of others after a number, and the number up to which was looked.
    fn look(&self, caller: &Caller, after: u64, now_ms: i64) -> Result<(u64, Vec<serde_json::Value>)> {
        self.with(caller.tenant, caller.shop, now_ms, |shelf| {
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
        self.with(caller.tenant, caller.shop, now_ms, |shelf| shelf.last.subscribe())
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
    let number = http.relay.say(&http.server, &caller, body).await?;
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

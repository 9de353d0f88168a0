//! Members by name, forgiving how a name is spelt.
//!
//! Names are sealed under each member's own key, and no index of them is written down: an index of trigrams under a key
//! of the server would tell, to whoever has the database, who is called alike, and would have to be cleaned when a
//! member is erased. So the names of a tenant that somebody searches are opened into memory, within a bound, whoever
//! changed last first, and then followed by the members' positions in the feed: whoever changes moves to a new position,
//! and is read anew with the next search, whichever process changed it. Whoever is erased goes without a search
//! ([`forget_until_stopped`]).
//!
//! Nobody waits for all names: a search reads a bounded number of them, answers with what there is, and says that it is
//! not all; the rest is read in the background.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use stempel_domain::event::Sealed;
use stempel_domain::{MemberId, TenantId};
use tokio::sync::watch;

use super::spelling::{fold, likeness};
use crate::db::{Row, Tx, Value, values};
use crate::error::Result;
use crate::http::Http;
use crate::server::Server;
use crate::tenant::Tenant;

/// Names kept in all: about 41 MB.
const NAMES_MAX: usize = 300_000;
/// Tenants whose names are kept; when there are more, those that were not searched for longest are read anew.
const TENANTS_MAX: usize = 32;
/// Members read at a time.
const PIECE: usize = 500;
/// Pieces that a search reads before it answers.
const PIECES_MAX: usize = 2;
/// How long reading in advance waits: the page that somebody has just opened comes first.
const AFTER: Duration = Duration::from_millis(700);
/// How often is looked whether somebody was erased, where a feed has grown.
const FORGET: Duration = Duration::from_millis(250);
/// The most members of an answer.
pub(crate) const FOUND_MAX: usize = 50;

/// The names of the tenants that somebody searches.
#[derive(Default)]
pub(crate) struct Names {
    tenants: Mutex<Tenants>,
    /// How many there are in all.
    kept: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Tenants {
    known: BTreeMap<TenantId, Known>,
    /// Counts how often somebody asked.
    asked: u64,
}

struct Known {
    shelf: Arc<Shelf>,
    /// When it was asked for last, by [`Tenants::asked`].
    asked: u64,
    /// Tells when the tenant's feed has grown.
    head: watch::Receiver<u64>,
}

/// The names of one tenant.
struct Shelf {
    index: tokio::sync::Mutex<Index>,
    /// Held by whoever reads in the background.
    reader: Arc<tokio::sync::Mutex<()>>,
}

struct Index {
    /// After a restore positions begin anew.
    epoch: String,
    /// Up to which position changes are known.
    seen: u64,
    /// Up to which position of the feed the erased are forgotten.
    erased: u64,
    /// Members from this position on were read, or came up since; at 0 all were.
    read_from: u64,
    names: BTreeMap<MemberId, Name>,
    /// There was no room for some.
    cut: bool,
    /// How many there are of all tenants.
    kept: Arc<AtomicUsize>,
}

struct Name {
    shown: Box<str>,
    folded: Box<str>,
}

/// What a search found.
pub(crate) struct Found {
    /// Best first.
    pub members: Vec<MemberId>,
    /// There are more names than are kept.
    pub cut: bool,
    /// So many names were searched; the others are still being read.
    pub so_far: Option<usize>,
}

/// What is read of a member's row.
#[derive(Deserialize)]
struct Slim {
    state: SlimState,
}

#[derive(Deserialize)]
struct SlimState {
    #[serde(default)]
    profile: Option<SlimProfile>,
}

#[derive(Deserialize)]
struct SlimProfile {
    value: Sealed,
}

impl Names {
    fn of(&self, server: &Server, tenant: TenantId) -> Arc<Shelf> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.asked += 1;
        let asked = tenants.asked;
        let known = tenants.known.entry(tenant).or_insert_with(|| Known {
            shelf: Arc::new(Shelf::new(Arc::clone(&self.kept))),
            asked,
            head: server.follow(tenant),
        });
        known.asked = asked;
        let shelf = Arc::clone(&known.shelf);
        self.make_room(&mut tenants, tenant);
        shelf
    }

    /// Lets go of the names that were not asked for longest, where there is no room for those that are asked for now.
    fn make_room(&self, tenants: &mut Tenants, tenant: TenantId) {
        while tenants.known.len() > TENANTS_MAX || self.kept() + PIECE > NAMES_MAX {
            let others = tenants.known.iter().filter(|(id, _)| **id != tenant);
            let Some(oldest) = others.min_by_key(|(_, known)| known.asked).map(|(id, _)| *id) else { return };
            tenants.known.remove(&oldest);
        }
    }

    /// How many names are open in memory.
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Reads the names of a tenant in good time: somebody is about to search.
    pub(crate) fn warm(&self, server: &Server, tenant: TenantId) {
        self.of(server, tenant).read_on(server, tenant, AFTER);
    }

    /// Finds members whose name is like that, best first.
    pub(crate) async fn find(&self, server: &Server, tenant: TenantId, asked: &str) -> Result<Found> {
        let shelf = self.of(server, tenant);
        let mut index = shelf.index.lock().await;
        let mut tx = server.read_of(tenant).await?;
        if index.cut && self.kept() + PIECE <= NAMES_MAX {
            // There is room by now for those that were left out.
            index.begin_anew(String::new(), 0);
        }
        index.forget(&mut tx, tenant).await?;
        let mut whole = false;
        for _ in 0..PIECES_MAX {
            whole = index.read(server, &mut tx, tenant).await?;
            if whole {
                break;
            }
        }
        drop(tx);
        if !whole {
            shelf.read_on(server, tenant, Duration::ZERO);
        }
        Ok(Found {
            members: index.like(asked),
            cut: index.cut,
            so_far: (!whole).then_some(index.names.len()),
        })
    }

    /// Forgets who was erased in tenants whose feed has grown.
    async fn forget(&self, server: &Server) {
        let grown: Vec<(TenantId, Arc<Shelf>)> = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            let known =
                tenants.known.iter_mut().filter(|(_, known)| known.head.has_changed().unwrap_or(false));
            let looked_at = known.map(|(id, known)| {
                known.head.mark_unchanged();
                (*id, Arc::clone(&known.shelf))
            });
            looked_at.collect()
        };
        for (tenant, shelf) in grown {
            let mut index = shelf.index.lock().await;
            let forget = async { index.forget(&mut server.read_of(tenant).await?, tenant).await };
            if let Err(error) = forget.await {
                tracing::warn!(%error, "the names in memory could not be compared with the erasures; all are dropped");
                index.begin_anew(String::new(), 0);
            }
        }
    }
}

/// Keeps no erased name in memory: in tenants whose feed has grown, forgets who was erased, whichever process did it.
pub(crate) async fn forget_until_stopped(http: Arc<Http>) {
    let mut ticks = tokio::time::interval(FORGET);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        http.names.forget(&http.server).await;
    }
}

impl Shelf {
    fn new(kept: Arc<AtomicUsize>) -> Self {
        Self { index: tokio::sync::Mutex::new(Index::new(kept)), reader: Arc::default() }
    }

    /// Reads what was not read yet in the background, a piece at a time: a search has to wait for one at most.
    fn read_on(self: &Arc<Self>, server: &Server, tenant: TenantId, after: Duration) {
        // Whoever is reading already is enough.
        let Ok(reader) = Arc::clone(&self.reader).try_lock_owned() else { return };
        let (shelf, server) = (Arc::clone(self), server.clone());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let stopping = server.stopping();
            loop {
                let piece = async {
                    let mut index = shelf.index.lock().await;
                    let mut tx = server.read_of(tenant).await?;
                    index.forget(&mut tx, tenant).await?;
                    index.read(&server, &mut tx, tenant).await
                };
                match piece.await {
                    Ok(false) if !*stopping.borrow() => tokio::task::yield_now().await,
                    Ok(_) => break,
                    Err(error) => {
                        tracing::debug!(%error, "the names could not be read in advance");
                        break;
                    }
                }
            }
            drop(reader);
        });
    }
}

impl Index {
    fn new(kept: Arc<AtomicUsize>) -> Self {
        let (epoch, names) = (String::new(), BTreeMap::new());
        Self { epoch, seen: 0, erased: 0, read_from: 0, names, cut: false, kept }
    }

    fn begin_anew(&mut self, epoch: String, head: u64) {
        let mut anew = Self::new(Arc::clone(&self.kept));
        (anew.epoch, anew.seen, anew.erased, anew.read_from) = (epoch, head, head, head.saturating_add(1));
        *self = anew;
    }

    /// Drops the names of those who were erased since somebody looked. Begins anew in a restored history.
    async fn forget(&mut self, tx: &mut Tx, tenant: TenantId) -> Result<()> {
        let head = Tenant::load(tx, tenant).await?;
        if head.epoch != self.epoch || head.head < self.seen {
            self.begin_anew(head.epoch, head.head);
        }
        let sql = "SELECT member, position FROM erasure WHERE tenant = $1 AND position > $2
                   ORDER BY position LIMIT $3";
        loop {
            let rows = tx.rows(sql, values![tenant, self.erased, PIECE as i64]).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            for row in &rows {
                self.remove(row.id(0)?);
            }
            self.erased = last.number(1)?;
        }
    }

    /// Reads a piece of what is not known yet: first what has changed, then whoever was not read. Whether all is known.
    async fn read(&mut self, server: &Server, tx: &mut Tx, tenant: TenantId) -> Result<bool> {
        let changed = "SELECT member, position, base FROM member WHERE tenant = $1 AND position > $2
                       ORDER BY position LIMIT $3";
        let rows = tx.rows(changed, values![tenant, self.seen, PIECE as i64]).await?;
        if let Some(last) = rows.last() {
            self.seen = last.number(1)?;
            self.take(server, tx, tenant, &rows).await?;
            return Ok(rows.len() < PIECE && self.read_from == 0);
        }
        if self.read_from == 0 {
            return Ok(true);
        }
        let older = "SELECT member, position, base FROM member WHERE tenant = $1 AND position < $2
                     ORDER BY position DESC LIMIT $3";
        let rows = tx.rows(older, values![tenant, self.read_from, PIECE as i64]).await?;
        self.take(server, tx, tenant, &rows).await?;
        self.read_from = match rows.last() {
            Some(last) if rows.len() == PIECE => last.number(1)?,
            _ => 0,
        };
        Ok(self.read_from == 0)
    }

    /// Opens the names of members' rows.
    async fn take(&mut self, server: &Server, tx: &mut Tx, tenant: TenantId, rows: &[Row]) -> Result<()> {
        let mut profiles: BTreeMap<MemberId, Sealed> = BTreeMap::new();
        for row in rows {
            let member: MemberId = row.id(0)?;
            self.remove(member);
            let slim: Slim = serde_json::from_str(&row.text(2)?)?;
            if let Some(profile) = slim.state.profile {
                profiles.insert(member, profile.value);
            }
        }
        let keys: Vec<Value> = profiles.keys().map(|member| (*member).into()).collect();
        let sql = "SELECT member, secret FROM member_key WHERE tenant = $1 AND member";
        for row in tx.rows_in(sql, values![tenant], keys).await? {
            let member: MemberId = row.id(0)?;
            let key = server.db().vault().open_member(member, &row.bytes(1)?).ok();
            let open = profiles.get(&member).zip(key).and_then(|(sealed, key)| key.open(member, sealed).ok());
            if let Some(profile) = open {
                self.insert(member, &profile.name);
            }
        }
        Ok(())
    }

    fn insert(&mut self, member: MemberId, name: &str) {
        if self.kept.load(Ordering::Relaxed) >= NAMES_MAX {
            self.cut = true;
            return;
        }
        let name = Name { shown: name.into(), folded: fold(name).into() };
        if self.names.insert(member, name).is_none() {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn remove(&mut self, member: MemberId) {
        if self.names.remove(&member).is_some() {
            self.kept.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn like(&self, asked: &str) -> Vec<MemberId> {
        let asked = fold(asked);
        if asked.is_empty() {
            return Vec::new();
        }
        let scored = self
            .names
            .iter()
            .filter_map(|(member, name)| Some((likeness(&asked, &name.folded)?, &name.shown, *member)));
        let mut scored: Vec<_> = scored.collect();
        scored.sort();
        scored.into_iter().take(FOUND_MAX).map(|(_, _, member)| member).collect()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.names.len(), Ordering::Relaxed);
    }
}

//! The server without its network: everything it does, as functions over structs and bytes.
//!
//! A test or a simulator hands in a clock and randomness and calls the same functions as [`crate::http`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::time::business_day;
use stempel_domain::{Day, Moment, TenantId};
use tokio::sync::watch;

use crate::audit::Actor;
use crate::author_keys::KnownKeys;
use crate::db::{Db, Value};
use crate::error::Result;
use crate::metrics::Gauge;
use crate::placement::Places;

/// An open server. Cloning it is cheap and gives the same server.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
    /// Who acts through this handle.
    actor: Actor,
}

struct Inner {
    db: Db,
    places: Places,
    clock: Arc<dyn Clock>,
    entropy: Mutex<Box<dyn Entropy>>,
    known_keys: KnownKeys,
    /// The newest position of each tenant that somebody has asked about, as followers of the feed see it.
    heads: Mutex<BTreeMap<TenantId, watch::Sender<u64>>>,
    /// Becomes true when the server is about to stop: nobody begins to wait any more.
    stopping: watch::Sender<bool>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("db", &self.inner.db).finish_non_exhaustive()
    }
}

impl Server {
    /// Puts a server on an open database.
    pub fn open(db: Db, clock: Arc<dyn Clock>, entropy: Box<dyn Entropy>) -> Self {
        let inner = Inner {
            db,
            places: Places::default(),
            clock,
            entropy: Mutex::new(entropy),
            known_keys: KnownKeys::default(),
            heads: Mutex::default(),
            stopping: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner), actor: Actor::server() }
    }

    /// The same server, with what is done through this handle noted as somebody's.
    pub fn acting(&self, actor: Actor) -> Self {
        Self { inner: Arc::clone(&self.inner), actor }
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The home database: the one that the server was started with. A tenant's data is where
    /// `read_of` and `write_of` find it.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn places(&self) -> &Places {
        &self.inner.places
    }

    pub(crate) fn known_keys(&self) -> &KnownKeys {
        &self.inner.known_keys
    }

    /// The server's clock, in milliseconds since 1970 (UTC).
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// Today by the server's clock.
    pub(crate) fn today(&self) -> Day {
        self.moment().day
    }

    /// This moment by the server's clock.
    pub(crate) fn moment(&self) -> Moment {
        let utc_ms = self.now_ms();
        let offset_minutes = self.inner.clock.offset_minutes_at(utc_ms);
        let day = business_day(utc_ms, offset_minutes, 0);
        Moment { utc_ms, offset_minutes, day, skew_ms: None, clock_doubtful: false }
    }

    /// Lends the source of randomness.
    pub(crate) fn with_entropy<T>(&self, work: impl FnOnce(&mut dyn Entropy) -> T) -> T {
        // A panic while it was lent leaves a source of randomness as good as before.
        let mut entropy = self.inner.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut **entropy)
    }

    /// Draws random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.with_entropy(stempel_domain::ports::draw)
    }

    /// Tells followers of a tenant's feed that it has grown. Called after the commit.
    pub(crate) fn announce(&self, tenant: TenantId, head: u64) {
        let heads = self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = heads.get(&tenant) {
            sender.send_if_modified(|known| {
                // After a restore it may also be lower.
                let other = head != *known;
                *known = head;
                other
            });
        }
    }

    /// Follows a tenant's newest position.
    pub(crate) fn follow(&self, tenant: TenantId) -> watch::Receiver<u64> {
        let mut heads = self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.entry(tenant).or_default().subscribe()
    }

    /// Sees when the server is about to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    /// Ends every wait for changes, so that the server can stop.
    pub fn stop_waiting(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// Looks once whether another process has added to a feed that somebody waits for.
    pub(crate) async fn notice_foreign_writes(&self) -> Result<()> {
        let waited: Vec<TenantId> = {
            let heads = self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.iter().filter(|(_, sender)| sender.receiver_count() > 0).map(|(id, _)| *id).collect()
        };
        if waited.is_empty() {
            return Ok(());
        }
        let mut by_place: BTreeMap<String, (Db, Vec<Value>)> = BTreeMap::new();
        for tenant in waited {
            let db = self.db_of(tenant).await?;
            by_place.entry(db.url()).or_insert_with(|| (db, Vec::new())).1.push(tenant.into());
        }
        for (db, tenants) in by_place.into_values() {
            let mut tx = db.read().await?;
            for row in tx.rows_in("SELECT tenant, head FROM tenant WHERE tenant", Vec::new(), tenants).await?
            {
                self.announce(row.id(0)?, row.number(1)?);
            }
        }
        Ok(())
    }

    /// Whether the database answers.
    pub async fn check_ready(&self) -> Result<()> {
        let mut tx = self.db().read().await?;
        tx.row("SELECT COUNT(*) FROM schema_version", Vec::new()).await?;
        Ok(())
    }

    /// Figures of the home database, for those who watch over the server.
    pub(crate) async fn figures(&self) -> Result<Vec<Gauge>> {
        let mut tx = self.db().read().await?;
        let mut figures = Vec::new();
        for (name, help, sql) in [
            ("stempel_tenants", "Tenants.", "SELECT COUNT(*) FROM tenant"),
            (
                "stempel_devices",
                "Devices that are not signed out.",
                "SELECT COUNT(*) FROM device WHERE revoked = 0",
            ),
            (
                "stempel_cases_open",
                "Cases that wait in the inbox.",
                "SELECT COUNT(*) FROM conflict_case WHERE closed_ms IS NULL",
            ),
            ("stempel_journals_quarantined", "Journals put aside.", "SELECT COUNT(*) FROM quarantine"),
            ("stempel_dead_letters", "Rows that were not understood.", "SELECT COUNT(*) FROM dead_letter"),
        ] {
            let row = tx.row(sql, Vec::new()).await?;
            figures.push((name, help, row.map(|row| row.int(0)).transpose()?.unwrap_or(0) as f64));
        }
        Ok(figures)
    }
}

//! The keys that authors sign with, by the rows from which on they did. A device changes its key by an event that both keys
//! have signed ([`stempel_wire::key_change`]); what it wrote before stays as good as it was.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stempel_domain::{AuthorId, TenantId};
use stempel_wire::message::FeedChange;
use stempel_wire::{Certificate, PublicKey, Row, key_change};

use crate::db::{Tx, values};
use crate::error::Result;
use crate::ingest::Arrival;
use crate::tenant::{Tenant, public_key};

/// An author's keys: each signs the rows after a number, up to that of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorKeys(BTreeMap<u64, PublicKey>);

impl AuthorKeys {
    /// The keys of an author who is known by one, with those that were noted from some row on.
    pub(crate) fn of(known: PublicKey, mut noted: BTreeMap<u64, PublicKey>) -> Self {
        noted.entry(0).or_insert(known);
        Self(noted)
    }

    /// The keys of an author who is known by one.
    pub(crate) async fn load(
        tx: &mut Tx,
        tenant: TenantId,
        author: AuthorId,
        known: PublicKey,
    ) -> Result<Self> {
        let rows = tx
            .rows(
                "SELECT seq, public_key FROM author_key WHERE tenant = $1 AND author = $2 ORDER BY seq",
                values![tenant, author],
            )
            .await?;
        let keys = rows.iter().map(|row| Ok((row.number(0)?, public_key(&row.bytes(1)?)?)));
        Ok(Self::of(known, keys.collect::<Result<BTreeMap<u64, PublicKey>>>()?))
    }

    /// The key that signs a row, as far as is known.
    pub(crate) fn of_row(&self, seq: u64) -> Option<&PublicKey> {
        self.0.range(..seq).next_back().map(|(_, key)| key)
    }

    /// The key that signs the next row of an author's journal, if this one brings another; it is noted.
    pub(crate) fn follow(&mut self, row: &Row) {
        if let Some(key) = key_change::next_key(row) {
            self.0.insert(row.seq(), key);
        }
    }
}

/// The keys of the authors who pushed last, so that rows are proved before anything is asked of the database. What stands
/// here may be old: whoever relies on it compares it under the tenant's lock.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<BTreeMap<(TenantId, AuthorId), AuthorKeys>>);

/// The most authors whose keys are kept; with more, all are read anew.
const KNOWN_MAX: usize = 4096;

impl KnownKeys {
    pub(crate) fn get(&self, tenant: TenantId, author: AuthorId) -> Option<AuthorKeys> {
        self.known().get(&(tenant, author)).cloned()
    }

    pub(crate) fn keep(&self, tenant: TenantId, author: AuthorId, keys: &AuthorKeys) {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert((tenant, author), keys.clone());
    }

    pub(crate) fn forget(&self, tenant: TenantId, author: AuthorId) {
        self.known().remove(&(tenant, author));
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(TenantId, AuthorId), AuthorKeys>> {
        // A panic leaves a map of keys as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the changes of keys among rows that are new here: from now on requests are signed with the new key, and the other
/// devices hear of it.
pub(crate) async fn change(
    tx: &mut Tx,
    tenant: &mut Tenant,
    arrivals: &[Arrival],
    now_ms: i64,
) -> Result<()> {
    for row in arrivals.iter().map(|arrival| &arrival.row) {
        let Some(key) = key_change::next_key(row) else { continue };
        let (author, seq) = (row.author(), row.seq());
        let device = tx
            .row(
                "SELECT public_key, shop, revoked FROM device WHERE tenant = $1 AND device = $2",
                values![tenant.id, author],
            )
            .await?;
        // The server changes its own key in another way.
        let Some(device) = device else { continue };
        let insert = "INSERT INTO author_key (tenant, author, seq, public_key) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING";
        tx.execute(insert, values![tenant.id, author, 0_i64, device.bytes(0)?]).await?;
        tx.execute(insert, values![tenant.id, author, seq, &key.as_bytes()[..]]).await?;
        let certificate = Certificate::issue(&tenant.key, tenant.id, device.id(1)?, author, key, now_ms);
        tx.execute(
            "UPDATE device SET public_key = $3, certificate = $4 WHERE tenant = $1 AND device = $2",
            values![tenant.id, author, &key.as_bytes()[..], serde_json::to_string(&certificate)?],
        )
        .await?;
        let revoked = device.flag(2)?;
        tenant.publish(tx, "device", &author.0, &FeedChange::Device { certificate, revoked }).await?;
        tracing::info!(tenant = %tenant.id, device = %author, seq, "a device has changed its key");
    }
    Ok(())
}

//! A tenant inside a transaction: its server key, its epoch, and the counter from which positions come.

use serde::Serialize;
use stempel_domain::{AuthorId, ShopId, TenantId};
use stempel_wire::message::Shop;
use stempel_wire::{PublicKey, SecretKey};

use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::vault::{SERVER_KEY, Vault};

/// A tenant as one transaction sees it.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub epoch: String,
    /// Position of the newest change. Grows in memory; [`Tenant::save_head`] writes it.
    pub head: u64,
    /// The server as an author.
    pub server: AuthorId,
    pub key: SecretKey,
}

const SELECT: &str = "SELECT tenant, name, epoch, head, server, secret, closed FROM tenant WHERE tenant = $1";

impl Tenant {
    /// Reads a tenant.
    pub(crate) async fn load(tx: &mut Tx, id: TenantId) -> Result<Self> {
        let row = tx.row(SELECT, values![id]).await?;
        Self::read(row, tx.vault())
    }

    /// Reads a tenant and keeps every other writer of it waiting until the transaction ends. So positions are
    /// committed in their order, and no reader can pass over a row that commits late.
    pub(crate) async fn lock(tx: &mut Tx, id: TenantId) -> Result<Self> {
        let row = tx.locked_row(SELECT, values![id]).await?;
        Self::read(row, tx.vault())
    }

    fn read(row: Option<Row>, vault: &Vault) -> Result<Self> {
        let row = row.ok_or_else(|| Error::not_found("such tenant"))?;
        if row.flag(6)? {
            // It is being moved, or has been: the next look finds out where to.
            return Err(Error::Busy);
        }
        let id: TenantId = row.id(0)?;
        Ok(Self {
            id,
            name: row.text(1)?,
            epoch: row.text(2)?,
            head: row.number(3)?,
            server: row.id(4)?,
            key: vault.open_signing(&SERVER_KEY, &[&id.0], &row.bytes(5)?)?,
        })
    }

    /// The next position of the feed.
    pub(crate) fn next_position(&mut self) -> u64 {
        self.head += 1;
        self.head
    }

    /// Writes the counter, in the transaction that used it.
    pub(crate) async fn save_head(&self, tx: &mut Tx) -> Result<()> {
        tx.execute("UPDATE tenant SET head = $2 WHERE tenant = $1", values![self.id, self.head]).await?;
        Ok(())
    }

    /// Puts a thing other than a member into the feed, or moves it to its new place.
    pub(crate) async fn publish(
        &mut self,
        tx: &mut Tx,
        kind: &'static str,
        id: &[u8],
        change: &impl Serialize,
    ) -> Result<()> {
        let position = self.next_position();
        tx.execute(
            "INSERT INTO thing (tenant, kind, id, position, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, kind, id) DO UPDATE SET position = excluded.position, body = excluded.body",
            values![self.id, kind, id, position, serde_json::to_string(change)?],
        )
        .await?;
        Ok(())
    }
}

/// Reads a shop.
pub(crate) async fn shop(tx: &mut Tx, tenant: TenantId, shop: ShopId) -> Result<Shop> {
    let row = tx
        .row("SELECT body FROM shop WHERE tenant = $1 AND shop = $2", values![tenant, shop])
        .await?
        .ok_or_else(|| Error::not_found(format!("shop {shop}")))?;
    Ok(serde_json::from_str(&row.text(0)?)?)
}

/// Reads all shops of a tenant, oldest first.
pub(crate) async fn shops(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Shop>> {
    let rows = tx.rows("SELECT body FROM shop WHERE tenant = $1 ORDER BY shop", values![tenant]).await?;
    rows.iter().map(|row| Ok(serde_json::from_str(&row.text(0)?)?)).collect()
}

/// Notes in which tenant an id is to be looked for.
pub(crate) async fn enter(tx: &mut Tx, kind: &'static str, id: &[u8], tenant: TenantId) -> Result<()> {
    tx.execute("INSERT INTO directory (kind, id, tenant) VALUES ($1, $2, $3)", values![kind, id, tenant])
        .await?;
    Ok(())
}

/// Reads a public key that is stored as its bytes.
pub(crate) fn public_key(bytes: &[u8]) -> Result<PublicKey> {
    PublicKey::from_slice(bytes).map_err(|error| Error::Damaged(error.to_string()))
}

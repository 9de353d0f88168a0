//! Devices: listing and revoking.

use serde::Serialize;
use serde_json::json;
use stempel_domain::{AuthorId, CardId, ShopId, TenantId};
use stempel_wire::message::FeedChange;

use crate::db::values;
use crate::error::{Error, Result};
use crate::ingest::Head;
use crate::server::Server;
use crate::tenant::Tenant;

/// A device, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// The device.
    pub device: AuthorId,
    /// Where it stands.
    pub shop: ShopId,
    /// What people call it.
    pub name: String,
    /// When it was enrolled, in milliseconds.
    pub enrolled_ms: i64,
    /// No longer a device of the tenant.
    pub revoked: bool,
    /// When it last sent something, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_ms: Option<i64>,
    /// Up to which number its journal is here.
    pub held: u64,
}

impl Server {
    /// All devices of a tenant.
    pub async fn device_list(&self, tenant: TenantId) -> Result<Vec<DeviceInfo>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT d.device, d.shop, d.name, d.enrolled_ms, d.revoked, d.seen_ms, COALESCE(j.held, 0)
                 FROM device d LEFT JOIN journal j ON j.tenant = d.tenant AND j.author = d.device
                 WHERE d.tenant = $1 ORDER BY d.enrolled_ms, d.device",
                values![tenant],
            )
            .await?;
        let read = |row: &crate::db::Row| {
            Ok(DeviceInfo {
                device: row.id(0)?,
                shop: row.id(1)?,
                name: row.text(2)?,
                enrolled_ms: row.int(3)?,
                revoked: row.flag(4)?,
                seen_ms: row.opt_int(5)?,
                held: row.number(6)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Signs a lost device out: it is no longer answered, its unused blank cards are no longer taken, and rows
    /// of it that others bring from now on are held for review. Doing it again changes nothing.
    pub async fn device_revoke(&self, tenant: TenantId, device: AuthorId) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let row = tx
            .row(
                "SELECT certificate, revoked FROM device WHERE tenant = $1 AND device = $2",
                values![tenant.id, device],
            )
            .await?
            .ok_or_else(|| Error::not_found(format!("device {device}")))?;
        if row.flag(1)? {
            return Ok(());
        }
        let held = Head::load(&mut tx, tenant.id, device).await?.held;
        tx.execute(
            "UPDATE device SET revoked = 1, revoked_seq = $3 WHERE tenant = $1 AND device = $2",
            values![tenant.id, device, held],
        )
        .await?;
        let certificate = serde_json::from_str(&row.text(0)?)?;
        let change = FeedChange::Device { certificate, revoked: true };
        tenant.publish(&mut tx, "device", &device.0, &change).await?;
        let blanks = tx
            .rows(
                "SELECT card FROM card WHERE tenant = $1 AND device = $2 AND status = 0 ORDER BY card",
                values![tenant.id, device],
            )
            .await?;
        for row in blanks {
            let card: CardId = row.id(0)?;
            tenant.publish(&mut tx, "card-revoked", &card.0, &FeedChange::CardRevoked { card }).await?;
        }
        tx.execute(
            "UPDATE card SET status = 3 WHERE tenant = $1 AND device = $2 AND status = 0",
            values![tenant.id, device],
        )
        .await?;
        self.note(&mut tx, &tenant, "device-revoked", &device.to_string(), json!({ "held": held })).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        tracing::info!(tenant = %tenant.id, %device, held, "a device was signed out");
        Ok(())
    }
}

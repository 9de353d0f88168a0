//! Changing a shop that there is.

use serde_json::json;
use stempel_domain::{ShopId, TenantId};
use stempel_wire::message::{FeedChange, Shop};

use super::tenants::{check_day_end, clean_name};
use crate::db::values;
use crate::error::Result;
use crate::server::Server;
use crate::tenant::{self, Tenant};

impl Server {
    /// Changes what a shop is called, its time zone, and when its business day ends, in minutes after midnight. A device
    /// follows at its next contact; a business day that has begun there never goes back.
    pub async fn shop_change(
        &self,
        tenant: TenantId,
        shop: ShopId,
        name: &str,
        zone: &str,
        day_ends_minutes: u16,
    ) -> Result<Shop> {
        check_day_end(day_ends_minutes)?;
        let name = clean_name(name)?;
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let before = tenant::shop(&mut tx, tenant.id, shop).await?;
        let shop = Shop { name, zone: zone.to_owned(), day_ends_minutes, ..before.clone() };
        if shop == before {
            return Ok(shop);
        }
        tx.execute(
            "UPDATE shop SET body = $3 WHERE tenant = $1 AND shop = $2",
            values![tenant.id, shop.id, serde_json::to_string(&shop)?],
        )
        .await?;
        tenant.publish(&mut tx, "shop", &shop.id.0, &FeedChange::Shop(shop.clone())).await?;
        let what = json!({ "name": shop.name, "zone": shop.zone, "day_ends_minutes": day_ends_minutes });
        self.note(&mut tx, &tenant, "shop-changed", &shop.id.to_string(), what).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(shop)
    }
}

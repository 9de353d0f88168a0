//! Tenants and their shops.

use serde::Serialize;
use serde_json::json;
use stempel_domain::{AuthorId, ShopId, TenantId, Unit};
use stempel_wire::SecretKey;
use stempel_wire::message::{FeedChange, Shop};

use crate::author;
use crate::db::{Row, values};
use crate::enroll::short_name;
use crate::error::{Error, Result};
use crate::ingest::figures;
use crate::server::Server;
use crate::tenant::{self, Tenant};
use crate::vault::{CARD_KEY, SERVER_KEY};

/// The longest name of a tenant or a shop, in characters.
const NAME_CHARS_MAX: usize = 80;

/// A tenant, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantInfo {
    /// The tenant.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// Its history; new after each restore.
    pub epoch: String,
    /// The position of the newest change.
    pub head: u64,
    /// Made to be shown; never used for real.
    pub demo: bool,
    /// Its data is in this database, not in one of its own.
    pub here: bool,
}

const SELECT_ALL: &str =
    "SELECT tenant, name, epoch, head, demo FROM tenant WHERE closed = 0 ORDER BY tenant";
const SELECT_ONE: &str =
    "SELECT tenant, name, epoch, head, demo FROM tenant WHERE closed = 0 AND tenant = $1";

fn info(row: &Row, here: bool) -> Result<TenantInfo> {
    Ok(TenantInfo {
        id: row.id(0)?,
        name: row.text(1)?,
        epoch: row.text(2)?,
        head: row.number(3)?,
        demo: row.flag(4)?,
        here,
    })
}

impl Server {
    /// Adds a tenant with its own keys: one for the server as an author, one for its cards.
    pub async fn tenant_add(&self, name: &str, demo: bool) -> Result<TenantId> {
        let name = clean_name(name)?;
        let moment = self.moment();
        let id = TenantId::from_time(moment.utc_ms, self.random());
        let server = AuthorId::from_time(moment.utc_ms, self.random());
        let (key, card_key) =
            self.with_entropy(|entropy| (SecretKey::generate(entropy), SecretKey::generate(entropy)));
        let mut tx = self.db().write().await?;
        let (stored, public) = (tx.vault().seal(&SERVER_KEY, &[&id.0], &key.to_bytes())?, card_key.public());
        tx.execute(
            "INSERT INTO tenant (tenant, name, epoch, head, server, secret, demo, created_ms)
             VALUES ($1, $2, $3, 0, $4, $5, $6, $7)",
            values![id, name, self.new_epoch(), server, stored, demo, moment.utc_ms],
        )
        .await?;
        tenant::enter(&mut tx, "author", &server.0, id).await?;
        figures::begin(&mut tx, id).await?;
        let stored = tx.vault().seal(&CARD_KEY, &[&id.0, public.as_bytes()], &card_key.to_bytes())?;
        tx.execute(
            "INSERT INTO card_key (tenant, public_key, secret, retired, created_ms) VALUES ($1, $2, $3, 0, $4)",
            values![id, &public.as_bytes()[..], stored, moment.utc_ms],
        )
        .await?;
        let mut tenant = Tenant::lock(&mut tx, id).await?;
        author::append(&mut tx, &mut tenant, moment, Vec::new(), &[]).await?;
        let change = FeedChange::CardKey { key: public, retired: false };
        tenant.publish(&mut tx, "card-key", public.as_bytes(), &change).await?;
        self.note(&mut tx, &tenant, "tenant-added", &id.to_string(), json!({ "name": tenant.name })).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(tenant = %id, "a tenant was added");
        Ok(id)
    }

    /// A name for a history that no other one has.
    pub(crate) fn new_epoch(&self) -> String {
        short_name(&self.random::<10>())
    }

    /// All tenants, oldest first, also those whose data is in a database of their own.
    pub async fn tenants(&self) -> Result<Vec<TenantInfo>> {
        let mut tx = self.db().read().await?;
        let mut tenants = Vec::new();
        for row in tx.rows(SELECT_ALL, Vec::new()).await? {
            tenants.push(info(&row, true)?);
        }
        for row in tx.rows("SELECT tenant FROM placement ORDER BY tenant", Vec::new()).await? {
            let tenant: TenantId = row.id(0)?;
            let mut there = self.read_of(tenant).await?;
            if let Some(row) = there.row(SELECT_ONE, values![tenant]).await? {
                tenants.push(info(&row, false)?);
            }
        }
        tenants.sort_by_key(|tenant| tenant.id);
        Ok(tenants)
    }

    /// The tenant that somebody means: by id, by name, or the only one there is.
    pub async fn find_tenant(&self, wanted: Option<&str>) -> Result<TenantId> {
        let tenants = self.tenants().await?;
        match (wanted, &tenants[..]) {
            (None, [only]) => Ok(only.id),
            (None, []) => Err(Error::not_found(
                "programme owner in this database yet; name another database with --database, or begin with “stempel \
                 admin tenant add NAME”",
            )),
            (None, _) => Err(Error::bad_request("There are several tenants; say which one with --tenant.")),
            (Some(wanted), tenants) => tenants
                .iter()
                .find(|tenant| tenant.id.to_string() == wanted || tenant.name == wanted)
                .map(|tenant| tenant.id)
                .ok_or_else(|| Error::not_found(format!("tenant “{wanted}”"))),
        }
    }

    /// Adds a shop. `zone` is its time zone by IANA name, `day_ends_minutes` when its business day ends.
    pub async fn shop_add(
        &self,
        tenant: TenantId,
        name: &str,
        zone: &str,
        day_ends_minutes: u16,
    ) -> Result<Shop> {
        check_day_end(day_ends_minutes)?;
        let now_ms = self.now_ms();
        let shop = Shop {
            id: ShopId::from_time(now_ms, self.random()),
            name: clean_name(name)?,
            day_ends_minutes,
            zone: zone.to_owned(),
            merchant: None,
            rotating_above: std::collections::BTreeMap::new(),
        };
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        tx.execute(
            "INSERT INTO shop (tenant, shop, body, created_ms) VALUES ($1, $2, $3, $4)",
            values![tenant.id, shop.id, serde_json::to_string(&shop)?, now_ms],
        )
        .await?;
        tenant.publish(&mut tx, "shop", &shop.id.0, &FeedChange::Shop(shop.clone())).await?;
        self.note(&mut tx, &tenant, "shop-added", &shop.id.to_string(), json!({ "name": shop.name })).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(shop)
    }

    /// Says whose shop it is, in a coalition of merchants; none: its own.
    pub async fn shop_merchant(
        &self,
        tenant: TenantId,
        shop: ShopId,
        merchant: Option<&str>,
    ) -> Result<Shop> {
        let merchant = merchant.map(clean_name).transpose()?;
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let row = tx
            .row("SELECT body FROM shop WHERE tenant = $1 AND shop = $2", values![tenant.id, shop])
            .await?
            .ok_or_else(|| Error::not_found(format!("shop {shop}")))?;
        let shop = Shop { merchant, ..serde_json::from_str(&row.text(0)?)? };
        tx.execute(
            "UPDATE shop SET body = $3 WHERE tenant = $1 AND shop = $2",
            values![tenant.id, shop.id, serde_json::to_string(&shop)?],
        )
        .await?;
        tenant.publish(&mut tx, "shop", &shop.id.0, &FeedChange::Shop(shop.clone())).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(shop)
    }

    /// Says of which unit no more than that is taken at once without a phone's rotating code; none: no limit.
    pub async fn shop_rotating(
        &self,
        tenant: TenantId,
        shop: ShopId,
        unit: Unit,
        above: Option<i64>,
    ) -> Result<Shop> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let mut shop = tenant::shop(&mut tx, tenant.id, shop).await?;
        match above {
            Some(above) => shop.rotating_above.insert(unit, above.max(0)),
            None => shop.rotating_above.remove(&unit),
        };
        tx.execute(
            "UPDATE shop SET body = $3 WHERE tenant = $1 AND shop = $2",
            values![tenant.id, shop.id, serde_json::to_string(&shop)?],
        )
        .await?;
        tenant.publish(&mut tx, "shop", &shop.id.0, &FeedChange::Shop(shop.clone())).await?;
        tenant.save_head(&mut tx).await?;
        let limits = serde_json::json!({ "rotating_above": shop.rotating_above });
        self.note(&mut tx, &tenant, "shop-rotating", &shop.id.to_string(), limits).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(shop)
    }

    /// All shops of a tenant, oldest first.
    pub async fn shops(&self, tenant: TenantId) -> Result<Vec<Shop>> {
        let mut tx = self.read_of(tenant).await?;
        tenant::shops(&mut tx, tenant).await
    }
}

/// Refuses an end of the business day that is none, in minutes after midnight.
pub(super) fn check_day_end(minutes: u16) -> Result<()> {
    match minutes {
        0..1440 => Ok(()),
        _ => Err(Error::bad_request("A business day ends less than 24 hours after midnight.")),
    }
}

/// A name without what does not belong into one.
pub(super) fn clean_name(name: &str) -> Result<String> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.is_empty() {
        return Err(Error::bad_request("The name is empty."));
    }
    Ok(name)
}

//! A shop's logo: on printed cards, posters and tents, and on the page that a poster opens.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::json;
use stempel_domain::{ShopId, TenantId};

use crate::api::{CodePath, code};
use crate::db::values;
use crate::error::{Error, Result};
use crate::http::{Answer, Shared};
use crate::picture;
use crate::server::Server;
use crate::tenant::{self, Tenant};

impl Server {
    /// Takes a picture as a shop's logo, made small and written anew; an empty file takes the logo away.
    pub async fn logo_set(&self, tenant: TenantId, shop: ShopId, file: Vec<u8>) -> Result<()> {
        let png = if file.is_empty() { None } else { Some(picture::logo(file).await?) };
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tenant::shop(&mut tx, tenant, shop).await?;
        match &png {
            Some(png) => {
                tx.execute(
                    "INSERT INTO shop_logo (tenant, shop, png, set_ms) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (tenant, shop) DO UPDATE SET png = excluded.png, set_ms = excluded.set_ms",
                    values![tenant, shop, &png[..], self.now_ms()],
                )
                .await?;
            }
            None => {
                let sql = "DELETE FROM shop_logo WHERE tenant = $1 AND shop = $2";
                tx.execute(sql, values![tenant, shop]).await?;
            }
        }
        let what = json!({ "bytes": png.map_or(0, |png| png.len()) });
        self.note(&mut tx, &locked, "shop-logo", &shop.to_string(), what).await?;
        tx.commit().await
    }

    /// A shop's logo as a PNG, if it has one.
    pub async fn logo(&self, tenant: TenantId, shop: ShopId) -> Result<Option<Vec<u8>>> {
        let mut tx = self.read_of(tenant).await?;
        let sql = "SELECT png FROM shop_logo WHERE tenant = $1 AND shop = $2";
        tx.row(sql, values![tenant, shop]).await?.map(|row| row.bytes(0)).transpose()
    }

    /// The shops that have a logo.
    pub(crate) async fn shops_with_logo(&self, tenant: TenantId) -> Result<Vec<ShopId>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx.rows("SELECT shop FROM shop_logo WHERE tenant = $1", values![tenant]).await?;
        rows.iter().map(|row| row.id(0)).collect()
    }

    /// The logo for paper: of a shop, or where there is only one shop, of that one.
    pub async fn logo_for_paper(&self, tenant: TenantId, shop: Option<ShopId>) -> Result<Option<Vec<u8>>> {
        match self.shop_for_paper(tenant, shop).await? {
            Some(shop) => self.logo(tenant, shop).await,
            None => Ok(None),
        }
    }

    /// Whether there is a logo for paper.
    pub(super) async fn has_logo_for_paper(&self, tenant: TenantId, shop: Option<ShopId>) -> Result<bool> {
        let Some(shop) = self.shop_for_paper(tenant, shop).await? else { return Ok(false) };
        Ok(self.shops_with_logo(tenant).await?.contains(&shop))
    }

    async fn shop_for_paper(&self, tenant: TenantId, shop: Option<ShopId>) -> Result<Option<ShopId>> {
        if shop.is_some() {
            return Ok(shop);
        }
        Ok(match &self.shops(tenant).await?[..] {
            [only] => Some(only.id),
            _ => None,
        })
    }
}

/// The logo of the shop whose poster it is.
pub(super) async fn of_poster(State(http): Shared, path: CodePath, request: Request) -> Answer {
    super::pages::check_look(&http, "logo", http.address_of(&request))?;
    let welcome = http.server.welcome(&code(path)?).await?;
    let png = http.server.logo_for_paper(welcome.tenant, welcome.shop_id).await?;
    let png = png.ok_or_else(|| Error::not_found("such logo"))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    Ok((headers, png).into_response())
}

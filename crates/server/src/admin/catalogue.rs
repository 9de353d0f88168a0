//! The catalogue: what the shop sells.

use serde::Serialize;
use stempel_domain::TenantId;
use stempel_wire::message::{Article, FeedChange};

use crate::audit;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Articles that are new.
    pub added: usize,
    /// Articles that are otherwise than before.
    pub changed: usize,
    /// Articles that are as they were.
    pub same: usize,
}

impl Server {
    /// Takes a catalogue as a spreadsheet writes it (`sku,name,category,price,vat` in the first line). Articles
    /// that are not in the file stay as they are. A file with a mistake changes nothing; the refusal names
    /// line and column.
    pub async fn catalogue_import(&self, tenant: TenantId, text: &str) -> Result<Imported> {
        let known = self.catalogue_list(tenant).await?;
        let articles = stempel_wire::catalogue::read_over(text, &known).map_err(|error| {
            Error::refused("catalogue", 400, "The catalogue has mistakes; nothing was taken", error.detail())
        })?;
        self.articles_put(tenant, articles).await
    }

    /// Adds articles or changes those that are there. An article with `gone` is no longer sold.
    pub async fn articles_put(&self, tenant: TenantId, articles: Vec<Article>) -> Result<Imported> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let (known, mut imported) = (load(&mut tx, tenant.id).await?, Imported::default());
        for (place, article) in articles.into_iter().enumerate() {
            match known.iter().find(|known| known.sku == article.sku) {
                Some(known) if *known == article => {
                    imported.same += 1;
                    continue;
                }
                Some(_) => imported.changed += 1,
                None => imported.added += 1,
            }
            tx.execute(
                "INSERT INTO article (tenant, sku, place, body) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, sku) DO UPDATE SET place = excluded.place, body = excluded.body",
                values![tenant.id, article.sku.as_str(), place as i64, serde_json::to_string(&article)?],
            )
            .await?;
            let id = article.sku.as_str().as_bytes().to_vec();
            tenant.publish(&mut tx, "article", &id, &FeedChange::Article(article)).await?;
        }
        if imported.added + imported.changed > 0 {
            self.note(&mut tx, &tenant, "catalogue-changed", "catalogue", audit::detail(imported)?).await?;
        }
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(imported)
    }

    /// Every article, also those that are no longer sold, in the catalogue's order.
    pub async fn catalogue_list(&self, tenant: TenantId) -> Result<Vec<Article>> {
        load(&mut self.read_of(tenant).await?, tenant).await
    }
}

async fn load(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Article>> {
    let rows =
        tx.rows("SELECT body FROM article WHERE tenant = $1 ORDER BY place, sku", values![tenant]).await?;
    rows.iter().map(|row| Ok(serde_json::from_str(&row.text(0)?)?)).collect()
}

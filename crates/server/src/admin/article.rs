//! One article of the catalogue: looked at and changed by itself, so that two people who change two articles do not
//! undo each other's work.

use serde_json::json;
use stempel_domain::{Sku, TenantId};
use stempel_wire::message::{Article, FeedChange};

use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

impl Server {
    /// One article, whether it is still sold or not.
    pub async fn article(&self, tenant: TenantId, sku: &Sku) -> Result<Option<Article>> {
        Ok(load(&mut self.read_of(tenant).await?, tenant, sku).await?.map(|(article, _)| article))
    }

    /// Puts one article into the catalogue. `before` is the article as it was when somebody began to change it; none: it
    /// is new, and goes to the end. Refused if it is otherwise by now.
    pub async fn article_put(
        &self,
        tenant: TenantId,
        before: Option<&Article>,
        article: Article,
    ) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let known = load(&mut tx, tenant.id, &article.sku).await?;
        if known.as_ref().map(|(known, _)| known) == Some(&article) {
            return Ok(());
        }
        if known.as_ref().map(|(known, _)| known) != before {
            return Err(Error::refused(
                "article-changed",
                409,
                "Somebody else has changed this article",
                "Look at what it is now; what you typed stands below. Save once more if it is to hold.",
            ));
        }
        let place = match known {
            Some((_, place)) => place,
            None => {
                let sql = "SELECT COALESCE(MAX(place), -1) + 1 FROM article WHERE tenant = $1";
                tx.row(sql, values![tenant.id]).await?.map_or(Ok(0), |row| row.int(0))?
            }
        };
        tx.execute(
            "INSERT INTO article (tenant, sku, place, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, sku) DO UPDATE SET body = excluded.body",
            values![tenant.id, article.sku.as_str(), place, serde_json::to_string(&article)?],
        )
        .await?;
        let sku = article.sku.clone();
        let change = FeedChange::Article(article);
        tenant.publish(&mut tx, "article", sku.as_str().as_bytes(), &change).await?;
        self.note(&mut tx, &tenant, "catalogue-changed", sku.as_str(), json!({})).await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(())
    }
}

/// An article with its place in the catalogue.
async fn load(tx: &mut Tx, tenant: TenantId, sku: &Sku) -> Result<Option<(Article, i64)>> {
    let sql = "SELECT body, place FROM article WHERE tenant = $1 AND sku = $2";
    let Some(row) = tx.row(sql, values![tenant, sku.as_str()]).await? else { return Ok(None) };
    Ok(Some((serde_json::from_str(&row.text(0)?)?, row.int(1)?)))
}

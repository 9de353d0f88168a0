//! The catalogue.

use stempel_domain::sale::Line;
use stempel_domain::{Quantity, Sku};
use stempel_store::StoreError;
use stempel_wire::message::Article;

use crate::{Terminal, TerminalError};

impl Terminal {
    /// A line of a sale for an article that is sold here.
    pub fn line(&self, sku: &Sku, quantity: Quantity) -> Result<Line, TerminalError> {
        let article = self.view().article(sku)?.filter(|article| !article.gone);
        let article = article.ok_or_else(|| TerminalError::Unknown(sku.to_string()))?;
        Ok(Line {
            sku: article.sku,
            name: article.name,
            category: article.category,
            quantity,
            price: article.price,
            vat: article.vat,
            deposit: article.deposit,
            stored: false,
        })
    }

    /// Puts articles into the catalogue, or changes them. Only where the terminal works alone: otherwise the
    /// server's catalogue counts.
    pub fn import_articles(&mut self, articles: &[Article]) -> Result<(), TerminalError> {
        if self.identity.server.is_some() {
            return Err(TerminalError::NotNow(
                "the catalogue comes from the server; use `stempel admin catalogue import`".into(),
            ));
        }
        self.store.write::<_, StoreError>(|write| {
            for article in articles {
                write.put_article(article)?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

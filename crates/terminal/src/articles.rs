//! The catalogue.

use stempel_domain::sale::Line;
use stempel_domain::{Day, Quantity, Sku};
use stempel_store::StoreError;
use stempel_wire::article::{Article, Served, with_added};
use stempel_wire::gtin::Gtin;

use crate::{Terminal, TerminalError};

impl Terminal {
    /// A line of a sale that happens now: see [`Terminal::line_at`].
    pub fn line(&self, sku: &Sku, quantity: Quantity, served: Served) -> Result<Line, TerminalError> {
        self.line_on(sku, quantity, || Ok(self.moment(None)?.day), served)
    }

    /// A line of a sale for an article that is sold here, at the rate of tax of a business day and place. `sku` may name
    /// what is added to the article: `latte+oat`.
    pub fn line_at(
        &self,
        sku: &Sku,
        quantity: Quantity,
        day: Day,
        served: Served,
    ) -> Result<Line, TerminalError> {
        self.line_on(sku, quantity, || Ok(day), served)
    }

    /// The day is asked for only where an article's rate depends on it.
    fn line_on(
        &self,
        sku: &Sku,
        quantity: Quantity,
        day: impl FnOnce() -> Result<Day, TerminalError>,
        served: Served,
    ) -> Result<Line, TerminalError> {
        let unknown = || TerminalError::Unknown(sku.to_string());
        let sold =
            |sku: &Sku| Ok::<_, TerminalError>(self.view().article(sku)?.filter(|article| !article.gone));
        let (article, added) = match sold(sku)? {
            Some(article) => (article, Vec::new()),
            None => {
                let (plain, added) = with_added(sku.as_str());
                (sold(&plain.parse().map_err(|_| unknown())?)?.ok_or_else(unknown)?, added)
            }
        };
        let day = if article.rates.is_empty() { Day::MIN } else { day()? };
        article.line(quantity, day, served, &added).ok_or_else(unknown)
    }

    /// The article that is sold here under the number on its package (a GTIN of 14 digits): the one whose code it is, or
    /// whose own number in the catalogue is that number, written with 14, 13, 12 or 8 digits.
    pub fn article_on_package(&self, gtin: &str) -> Result<Option<Article>, TerminalError> {
        if let Ok(package) = gtin.parse::<Gtin>() {
            let named = self.view().articles_saying(&format!("\"code\":\"{}\"", package.digits()))?;
            // Something that can be added may have the same digits as its short name.
            let named =
                named.into_iter().find(|article| !article.gone && article.code.as_ref() == Some(&package));
            if named.is_some() {
                return Ok(named);
            }
        }
        for length in [13, 14, 12, 8] {
            // Only noughts may be left out in front.
            let Some((left_out, written)) =
                gtin.len().checked_sub(length).and_then(|at| gtin.split_at_checked(at))
            else {
                continue;
            };
            if !left_out.bytes().all(|digit| digit == b'0') {
                continue;
            }
            let Ok(sku) = written.parse::<Sku>() else { continue };
            if let Some(article) = self.view().article(&sku)?.filter(|article| !article.gone) {
                return Ok(Some(article));
            }
        }
        Ok(None)
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

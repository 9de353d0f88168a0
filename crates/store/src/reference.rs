//! What rules and screens go by: programmes, articles, devices, card keys, blank cards.

use rusqlite::{OptionalExtension, params};
use stempel_domain::event::ProgrammeRef;
use stempel_domain::{AuthorId, CardId, Sku};
use stempel_wire::message::Article;
use stempel_wire::token::Token;
use stempel_wire::{Certificate, PublicKey};

use crate::{StoreError, View, Write};

/// A published programme as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgrammeRow {
    /// Which version of which programme.
    pub reference: ProgrammeRef,
    /// The programme in JSON.
    pub text: String,
    /// No longer in force.
    pub ended: bool,
}

impl View<'_> {
    /// The newest version of every programme that is in force, by name.
    pub fn programmes(&self) -> Result<Vec<ProgrammeRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, version, text, ended FROM programme AS p
             WHERE version = (SELECT max(version) FROM programme WHERE id = p.id) AND ended = 0 ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut programmes = Vec::new();
        while let Some(row) = rows.next()? {
            programmes.push(programme_row(row)?);
        }
        Ok(programmes)
    }

    /// One version of a programme, in force or not.
    pub fn programme(&self, reference: &ProgrammeRef) -> Result<Option<ProgrammeRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, version, text, ended FROM programme WHERE id = ?1 AND version = ?2",
        )?;
        let mut rows = statement.query(params![reference.id.as_str(), reference.version])?;
        rows.next()?.map(programme_row).transpose()
    }

    /// The articles that are sold, in the catalogue's order.
    pub fn articles(&self) -> Result<Vec<Article>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT article FROM article ORDER BY position")?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut articles = Vec::new();
        for text in texts {
            let article: Article = serde_json::from_str(&text?)?;
            if !article.gone {
                articles.push(article);
            }
        }
        Ok(articles)
    }

    /// One article.
    pub fn article(&self, sku: &Sku) -> Result<Option<Article>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT article FROM article WHERE sku = ?1")?
            .query_row([sku.as_str()], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// The articles whose text holds these words, in the catalogue's order: a quick look that reads few of them.
    pub fn articles_saying(&self, words: &str) -> Result<Vec<Article>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT article FROM article WHERE instr(article, ?1) > 0 ORDER BY position")?;
        let texts = statement.query_map([words], |row| row.get::<_, String>(0))?;
        texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
    }

    /// The certificate of a device, and whether it was revoked.
    pub fn device(&self, device: AuthorId) -> Result<Option<(Certificate, bool)>, StoreError> {
        let found: Option<(String, bool)> = self
            .connection
            .prepare_cached("SELECT certificate, revoked FROM device WHERE device = ?1")?
            .query_row([device.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((text, revoked)) = found else { return Ok(None) };
        Ok(Some((serde_json::from_str(&text)?, revoked)))
    }

    /// The public keys that sign cards, and whether each is retired.
    pub fn card_keys(&self) -> Result<Vec<(PublicKey, bool)>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT key, retired FROM card_key ORDER BY key")?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            let key = PublicKey::parse(&text).map_err(|error| StoreError::Damaged(error.to_string()))?;
            keys.push((key, row.get(1)?));
        }
        Ok(keys)
    }

    /// The next blank card of the pool.
    pub fn next_blank(&self) -> Result<Option<Token>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT token FROM blank WHERE used = 0 ORDER BY position LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| Token::find(&text)))
    }

    /// The token of a card that came from the pool, if it did.
    pub fn blank_token(&self, card: CardId) -> Result<Option<Token>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT token FROM blank WHERE card = ?1")?
            .query_row([card.0.as_slice()], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| Token::find(&text)))
    }

    /// Blank cards left in the pool.
    pub fn blanks_left(&self) -> Result<usize, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM blank WHERE used = 0", [], |row| row.get(0))?)
    }
}

fn programme_row(row: &rusqlite::Row<'_>) -> Result<ProgrammeRow, StoreError> {
    let id: String = row.get(0)?;
    let id = id.parse().map_err(|_| StoreError::Damaged("a programme's name cannot be read".into()))?;
    Ok(ProgrammeRow {
        reference: ProgrammeRef { id, version: row.get(1)? },
        text: row.get(2)?,
        ended: row.get(3)?,
    })
}

impl Write<'_> {
    /// Keeps a version of a programme.
    pub fn put_programme(&mut self, row: &ProgrammeRow) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO programme (id, version, text, ended) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id, version) DO UPDATE SET ended = excluded.ended",
            )?
            .execute(params![row.reference.id.as_str(), row.reference.version, row.text, row.ended])?;
        Ok(())
    }

    /// Keeps an article; a new one goes to the end of the catalogue.
    pub fn put_article(&mut self, article: &Article) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO article (sku, article) VALUES (?1, ?2)
                 ON CONFLICT (sku) DO UPDATE SET article = excluded.article",
            )?
            .execute([article.sku.as_str(), &serde_json::to_string(article)?])?;
        Ok(())
    }

    /// Keeps the certificate of a device.
    pub fn put_device(&mut self, certificate: &Certificate, revoked: bool) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO device (device, certificate, revoked) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                certificate.device.0.as_slice(),
                serde_json::to_string(certificate)?,
                revoked
            ])?;
        Ok(())
    }

    /// Keeps a public key that signs cards.
    pub fn put_card_key(&mut self, key: &PublicKey, retired: bool) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("INSERT OR REPLACE INTO card_key (key, retired) VALUES (?1, ?2)")?
            .execute(params![key.to_string(), retired])?;
        Ok(())
    }

    /// Adds blank cards to the pool; those already there stay as they are.
    pub fn add_blanks(&mut self, blanks: &[Token]) -> Result<(), StoreError> {
        for token in blanks {
            self.transaction
                .prepare_cached("INSERT OR IGNORE INTO blank (card, token, used) VALUES (?1, ?2, 0)")?
                .execute(params![token.card().0.as_slice(), token.to_string()])?;
        }
        Ok(())
    }

    /// Takes a card out of the pool.
    pub fn use_blank(&mut self, card: CardId) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("UPDATE blank SET used = 1 WHERE card = ?1")?
            .execute([card.0.as_slice()])?;
        Ok(())
    }
}

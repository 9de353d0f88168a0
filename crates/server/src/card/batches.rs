//! Piles of cards that are printed before anybody has them: made together, printed from here, counted as they come alive,
//! withdrawn when a pile is lost.

use data_encoding::HEXLOWER;
use serde_json::json;
use stempel_domain::{CardId, ShopId, TenantId};
use stempel_wire::message::FeedChange;
use stempel_wire::token::{SecondCode, Token};

use super::back::second_code;
use super::paper::{self, Look, PaperCard, Poster, Tongue};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// The most cards of one pile.
pub const BATCH_MAX: usize = 1000;
/// The most piles on a list.
const LISTED_MAX: i64 = 100;

/// A pile's id.
type BatchId = [u8; 16];

/// A pile of printed cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Whose name is on them; none: the tenant's.
    pub shop: Option<ShopId>,
    /// How many there were made.
    pub cards: u64,
    /// How many of them somebody has now.
    pub live: u64,
    /// How many nobody has used yet, and that can still be.
    pub blank: u64,
    /// When it was made, in milliseconds.
    pub created_ms: i64,
    /// It was withdrawn: its blank cards are good for nothing.
    pub withdrawn: bool,
}

fn unknown() -> Error {
    Error::not_found("such pile of cards")
}

fn parse(batch: &str) -> Result<BatchId> {
    let bytes = HEXLOWER.decode(batch.as_bytes()).map_err(|_| unknown())?;
    bytes.try_into().map_err(|_| unknown())
}

impl Server {
    /// Makes a pile of blank cards to be printed with a shop's name, or the tenant's, and gives its id.
    pub async fn batch_make(&self, tenant: TenantId, shop: Option<ShopId>, count: usize) -> Result<String> {
        if count == 0 || count > BATCH_MAX {
            let detail = format!("1 to {BATCH_MAX} cards at once.");
            return Err(Error::refused("batch", 422, "No cards were made", detail));
        }
        let (batch, now_ms): (BatchId, i64) = (self.random(), self.now_ms());
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if let Some(shop) = shop {
            tenant::shop(&mut tx, tenant, shop).await?;
        }
        tx.execute(
            "INSERT INTO card_batch (tenant, batch, shop, cards, made_by, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
            values![tenant, &batch[..], shop, count as i64, self.actor().as_str(), now_ms],
        )
        .await?;
        for _ in 0..count {
            let card = self.free_card(&mut tx, tenant).await?;
            tx.execute(
                "INSERT INTO card (tenant, card, number, status, issued_ms, batch) VALUES ($1, $2, $3, 0, $4, $5)",
                values![tenant, card, &card.0[..5], now_ms, &batch[..]],
            )
            .await?;
        }
        super::join::list_card_key(&mut tx, tenant).await?;
        self.list_card_key_at_home(tenant, &mut tx).await?;
        self.note(&mut tx, &locked, "cards-printed", &count.to_string(), json!({})).await?;
        tx.commit().await?;
        Ok(HEXLOWER.encode(&batch))
    }

    /// The piles, newest first.
    pub async fn batches(&self, tenant: TenantId) -> Result<Vec<Batch>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT b.batch, b.shop, b.cards, b.created_ms, b.withdrawn_ms,
                   (SELECT COUNT(*) FROM card c WHERE c.tenant = b.tenant AND c.batch = b.batch AND c.status = 1),
                   (SELECT COUNT(*) FROM card c WHERE c.tenant = b.tenant AND c.batch = b.batch AND c.status = 0)
                 FROM card_batch b WHERE b.tenant = $1 ORDER BY b.created_ms DESC, b.batch LIMIT $2",
                values![tenant, LISTED_MAX],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Batch {
                    id: HEXLOWER.encode(&row.bytes(0)?),
                    shop: row.opt_id(1)?,
                    cards: row.number(2)?,
                    created_ms: row.int(3)?,
                    withdrawn: row.opt_int(4)?.is_some(),
                    live: row.number(5)?,
                    blank: row.number(6)?,
                })
            })
            .collect()
    }

    /// Whose name is on the cards of a pile; none: the tenant's.
    pub async fn batch_shop(&self, tenant: TenantId, batch: &str) -> Result<Option<ShopId>> {
        let id = parse(batch)?;
        let mut tx = self.read_of(tenant).await?;
        let sql = "SELECT shop FROM card_batch WHERE tenant = $1 AND batch = $2";
        tx.row(sql, values![tenant, &id[..]]).await?.ok_or_else(unknown)?.opt_id(0)
    }

    /// The cards of a pile that nobody has yet, as they are printed. It is noted: whoever has the backs has the cards.
    pub async fn batch_cards(&self, tenant: TenantId, batch: &str) -> Result<Vec<PaperCard>> {
        let id = parse(batch)?;
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let key = crate::enroll::card_key(&mut tx, tenant).await?;
        let cards = blanks(&mut tx, tenant, &id).await?;
        if cards.is_empty() {
            let detail = "Each of them is somebody's, or they were withdrawn. Make a new pile.";
            return Err(Error::refused("batch", 422, "There is nothing left to print", detail));
        }
        self.note(&mut tx, &locked, "cards-downloaded", batch, json!({ "cards": cards.len() })).await?;
        tx.commit().await?;
        let print = |card: CardId| PaperCard {
            token: Token::issue(tenant, &key, card),
            second: SecondCode::issue(tenant, &key, card),
            typed: second_code(&key, card),
        };
        Ok(cards.into_iter().map(print).collect())
    }

    /// Withdraws the cards of a pile that nobody has yet: it was lost. Doing it again changes nothing.
    pub async fn batch_withdraw(&self, tenant: TenantId, batch: &str) -> Result<()> {
        let id = parse(batch)?;
        let mut tx = self.write_of(tenant).await?;
        let mut locked = Tenant::lock(&mut tx, tenant).await?;
        let changed = tx
            .execute(
                "UPDATE card_batch SET withdrawn_ms = $3 WHERE tenant = $1 AND batch = $2 AND withdrawn_ms IS NULL",
                values![tenant, &id[..], self.now_ms()],
            )
            .await?;
        if changed == 0 {
            drop(tx);
            return self.batch_shop(tenant, batch).await.map(|_| ());
        }
        let cards = blanks(&mut tx, tenant, &id).await?;
        for card in &cards {
            let change = FeedChange::CardRevoked { card: *card };
            locked.publish(&mut tx, "card-revoked", &card.0, &change).await?;
        }
        tx.execute(
            "UPDATE card SET status = 3 WHERE tenant = $1 AND batch = $2 AND status = 0",
            values![tenant, &id[..]],
        )
        .await?;
        self.note(&mut tx, &locked, "cards-withdrawn", batch, json!({ "cards": cards.len() })).await?;
        locked.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant, locked.head);
        Ok(())
    }

    /// Sheets of cards with a shop's name and logo, or the tenant's: a PDF.
    pub async fn sheets(
        &self,
        tenant: TenantId,
        shop: Option<ShopId>,
        cards: &[PaperCard],
        url: Option<&str>,
        tongue: Tongue,
    ) -> Result<Vec<u8>> {
        let mut tx = self.read_of(tenant).await?;
        let name = match shop {
            Some(shop) => tenant::shop(&mut tx, tenant, shop).await?.name,
            None => Tenant::load(&mut tx, tenant).await?.name,
        };
        drop(tx);
        let logo = self.logo_for_paper(tenant, shop).await?;
        paper::sheets(&Look { shop: &name, url, logo, tongue }, cards)
    }

    /// The poster with the code to join at a shop, or anywhere; as a tent it is folded and put on a table. Gives the PDF and
    /// the code.
    pub async fn poster(
        &self,
        tenant: TenantId,
        shop: Option<ShopId>,
        url: &str,
        tent: bool,
        tongue: Tongue,
    ) -> Result<(Vec<u8>, String)> {
        let code = self.join_link(tenant, shop).await?.code;
        let welcome = self.welcome(&code).await?;
        let poster = Poster {
            shop: welcome.shop.unwrap_or(welcome.name),
            url: url.to_owned(),
            code: code.clone(),
            reward: welcome.reward.map(|(reward, size)| (size, reward.get(tongue.tag()).to_owned())),
            tent,
            logo: self.logo_for_paper(tenant, shop).await?,
        };
        Ok((paper::poster(&poster, tongue)?, code))
    }
}

/// The cards of a pile that nobody has yet, in the order of their ids.
async fn blanks(tx: &mut Tx, tenant: TenantId, batch: &BatchId) -> Result<Vec<CardId>> {
    let rows = tx
        .rows(
            "SELECT card FROM card WHERE tenant = $1 AND batch = $2 AND status = 0 ORDER BY card",
            values![tenant, &batch[..]],
        )
        .await?;
    rows.iter().map(|row| row.id(0)).collect()
}

//! Taking over a shop that began alone on one terminal: its cards go on to be good, its history comes along, and
//! the terminal becomes a device of the new tenant under the keys that it has.
//!
//! It comes in two parts that may be repeated: [`Server::adopt`] makes the tenant, [`Server::adopt_rows`] takes
//! the journal in. A hand-over that was cut off is gone on with by the same command.

use serde::Serialize;
use stempel_domain::event::ProgrammeRef;
use stempel_domain::{AuthorId, TenantId};
use stempel_wire::message::{Article, FeedChange, KeyOf, PushAnswer, PushHeader, Shop};
use stempel_wire::{Certificate, PublicKey, Row, SecretKey};

use super::tenants::clean_name;
use crate::author;
use crate::author_keys::AuthorKeys;
use crate::caller::Caller;
use crate::db::{Tx, values};
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::ingest::figures;
use crate::server::Server;
use crate::tenant::{self, Tenant};
use crate::vault::{CARD_KEY, SERVER_KEY};

/// What a terminal that worked alone hands over.
#[derive(Debug)]
pub struct Adoption {
    /// The tenant under whose id the cards were signed.
    pub tenant: TenantId,
    /// What the owner is called.
    pub name: String,
    /// The one shop.
    pub shop: Shop,
    /// The terminal, as an author.
    pub device: AuthorId,
    /// What people call the terminal.
    pub device_name: String,
    /// The terminal's public key.
    pub public_key: PublicKey,
    /// The key that signs the tenant's cards. From now on the server holds it.
    pub card_key: SecretKey,
    /// Every version of every programme, in JSON, and whether it has ended.
    pub programmes: Vec<(ProgrammeRef, String, bool)>,
    /// The catalogue.
    pub articles: Vec<Article>,
    /// A sample shop, whose keys are no secret.
    pub demo: bool,
}

/// What the terminal has to know of its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// The tenant, under its old id.
    pub tenant: TenantId,
    /// The server's word for the terminal.
    pub certificate: Certificate,
    /// The server as an author.
    pub server: AuthorId,
    /// The server's public key.
    pub server_key: PublicKey,
    /// Up to which row the terminal's journal is here.
    pub held: u64,
}

impl Server {
    /// Makes a tenant of a shop that worked alone. Doing it again with the same keys gives the same answer.
    pub async fn adopt(&self, adoption: &Adoption) -> Result<Adopted> {
        if adoption.demo {
            return Err(Error::refused(
                "demo",
                409,
                "A sample shop cannot be taken over",
                "Its keys are known to everybody, so its cards could be made by anybody. Begin a shop of your own.",
            ));
        }
        let moment = self.moment();
        let mut tx = self.write_of(adoption.tenant).await?;
        let there = tx.row("SELECT tenant FROM tenant WHERE tenant = $1", values![adoption.tenant]).await?;
        if there.is_none() {
            self.take_over(&mut tx, adoption).await?;
        }
        let tenant = Tenant::lock(&mut tx, adoption.tenant).await?;
        let taken = || {
            Error::refused(
                "already-there",
                409,
                "This is already there",
                "The server has a tenant of this id with other keys. Nothing was changed.",
            )
        };
        if card_key(&mut tx, tenant.id).await?.public() != adoption.card_key.public() {
            return Err(taken());
        }
        let row = tx
            .row(
                "SELECT certificate FROM device WHERE tenant = $1 AND device = $2",
                values![tenant.id, adoption.device],
            )
            .await?
            .ok_or_else(taken)?;
        let certificate: Certificate = serde_json::from_str(&row.text(0)?)?;
        let keys = AuthorKeys::load(&mut tx, tenant.id, adoption.device, certificate.public_key).await?;
        if keys.of_row(1) != Some(&adoption.public_key) {
            return Err(taken());
        }
        let held = crate::ingest::Head::load(&mut tx, tenant.id, adoption.device).await?.held;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        tracing::info!(tenant = %tenant.id, at = moment.utc_ms, held, "a shop that worked alone was taken over");
        Ok(Adopted {
            tenant: tenant.id,
            certificate,
            server: tenant.server,
            server_key: tenant.key.public(),
            held,
        })
    }

    /// Takes the next rows of the terminal's journal, as a push of its own would, and the keys of its members.
    pub async fn adopt_rows(
        &self,
        adopted: &Adopted,
        rows: Vec<Row>,
        keys: Vec<KeyOf>,
    ) -> Result<PushAnswer> {
        let Certificate { tenant, shop, device, public_key, .. } = adopted.certificate;
        let caller = Caller { tenant, shop, device, public_key, revoked: false };
        self.push(&caller, &PushHeader { keys, ..PushHeader::default() }, rows).await
    }

    async fn take_over(&self, tx: &mut Tx, adoption: &Adoption) -> Result<()> {
        let moment = self.moment();
        let (id, now_ms) = (adoption.tenant, moment.utc_ms);
        let server = AuthorId::from_time(now_ms, self.random());
        let key = self.with_entropy(|entropy| SecretKey::generate(entropy));
        let stored = tx.vault().seal(&SERVER_KEY, &[&id.0], &key.to_bytes())?;
        tx.execute(
            "INSERT INTO tenant (tenant, name, epoch, head, server, secret, demo, created_ms)
             VALUES ($1, $2, $3, 0, $4, $5, 0, $6)",
            values![id, clean_name(&adoption.name)?, self.new_epoch(), server, stored, now_ms],
        )
        .await?;
        let mut tenant = Tenant::lock(tx, id).await?;
        tenant::enter(tx, "author", &server.0, id).await?;
        figures::begin(tx, id).await?;
        author::append(tx, &mut tenant, moment, Vec::new(), &[]).await?;
        let public = adoption.card_key.public();
        let stored =
            tx.vault().seal(&CARD_KEY, &[&id.0, public.as_bytes()], &adoption.card_key.to_bytes())?;
        tx.execute(
            "INSERT INTO card_key (tenant, public_key, secret, retired, created_ms) VALUES ($1, $2, $3, 0, $4)",
            values![id, &public.as_bytes()[..], stored, now_ms],
        )
        .await?;
        let change = FeedChange::CardKey { key: public, retired: false };
        tenant.publish(tx, "card-key", public.as_bytes(), &change).await?;
        tx.execute(
            "INSERT INTO shop (tenant, shop, body, created_ms) VALUES ($1, $2, $3, $4)",
            values![id, adoption.shop.id, serde_json::to_string(&adoption.shop)?, now_ms],
        )
        .await?;
        tenant.publish(tx, "shop", &adoption.shop.id.0, &FeedChange::Shop(adoption.shop.clone())).await?;
        take_device(tx, &mut tenant, adoption, now_ms).await?;
        take_reference(tx, &mut tenant, adoption, now_ms).await?;
        tenant.save_head(tx).await
    }
}

async fn take_device(tx: &mut Tx, tenant: &mut Tenant, adoption: &Adoption, now_ms: i64) -> Result<()> {
    let (device, shop) = (adoption.device, adoption.shop.id);
    let certificate = Certificate::issue(&tenant.key, tenant.id, shop, device, adoption.public_key, now_ms);
    tenant::enter(tx, "author", &device.0, tenant.id).await?;
    tx.execute(
        "INSERT INTO device (tenant, device, shop, name, public_key, certificate, enrolled_ms, revoked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
        values![
            tenant.id,
            device,
            shop,
            clean_name(&adoption.device_name)?,
            &adoption.public_key.as_bytes()[..],
            serde_json::to_string(&certificate)?,
            now_ms
        ],
    )
    .await?;
    tenant.publish(tx, "device", &device.0, &FeedChange::Device { certificate, revoked: false }).await
}

/// Programmes and articles. The events that published the programmes come with the journal.
async fn take_reference(tx: &mut Tx, tenant: &mut Tenant, adoption: &Adoption, now_ms: i64) -> Result<()> {
    let mut programmes = adoption.programmes.clone();
    // The newest version of each is the one that stays in the feed.
    programmes.sort_by(|one, other| one.0.cmp(&other.0));
    for (reference, text, ended) in programmes {
        tx.execute(
            "INSERT INTO programme (tenant, programme, version, body, ended, published_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
            values![
                tenant.id,
                reference.id.as_str(),
                i64::from(reference.version),
                text.clone(),
                ended,
                now_ms
            ],
        )
        .await?;
        let id = reference.id.as_str().as_bytes().to_vec();
        tenant.publish(tx, "programme", &id, &FeedChange::Programme { reference, text, ended }).await?;
    }
    for (place, article) in adoption.articles.iter().enumerate() {
        tx.execute(
            "INSERT INTO article (tenant, sku, place, body) VALUES ($1, $2, $3, $4)",
            values![tenant.id, article.sku.as_str(), place as i64, serde_json::to_string(article)?],
        )
        .await?;
        let id = article.sku.as_str().as_bytes().to_vec();
        tenant.publish(tx, "article", &id, &FeedChange::Article(article.clone())).await?;
    }
    Ok(())
}

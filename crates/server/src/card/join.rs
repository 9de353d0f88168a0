//! Joining by a poster's code: no password, a name only if wanted, a card at once.

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stempel_domain::event::{Fact, MemberJoined};
use stempel_domain::{CardNumber, MemberId, ShopId, TenantId};
use stempel_wire::message::KeyOf;
use stempel_wire::{KeyId, MemberKey, PhoneKey, Profile, seal};

use super::gate::{Bound, Toll};
use super::phone::{self, Caller};
use crate::author;
use crate::db::{Tx, values};
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::{self, Tenant};

/// The version of the notice that whoever joins has seen.
pub(crate) const TERMS: &str = "2026-11";
/// Characters of a poster's code.
const CODE_LEN: usize = 8;
/// Members that one address, and one poster, may bring in ten minutes.
const BY_ADDRESS: Bound = Bound { free: 10, most: 60 };
const BY_LINK: Bound = Bound { free: 100, most: 600 };

/// A poster's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JoinLink {
    /// What stands behind `/J/`.
    pub code: String,
    /// For which shop; none: any.
    pub shop: Option<ShopId>,
}

/// What a browser sends to join.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinRequest {
    /// The poster's code.
    pub link: String,
    /// The browser's public key.
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    /// Old enough.
    pub of_age: bool,
    /// The version of the notice that was shown.
    pub terms: String,
    /// The number of the card of whoever brought the guest.
    #[serde(default)]
    pub friend: Option<String>,
    /// A solved puzzle.
    #[serde(default)]
    pub proof: Option<String>,
}

/// What a poster's page shows.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// Whose.
    pub tenant: TenantId,
    /// What the tenant is called.
    pub name: String,
    /// What the poster's shop is called.
    pub shop: Option<String>,
    /// Which shop that is.
    pub shop_id: Option<ShopId>,
    /// What the first stamp card gives, and how many stamps fill it.
    pub reward: Option<(stempel_domain::programme::Text, u32)>,
}

pub(super) fn unknown_link() -> Error {
    Error::refused(
        "link-unknown",
        404,
        "This code is no longer used",
        "Ask at the counter for the new poster, or for a printed card.",
    )
}

/// A code as it is stored: upper case, look-alikes taken for what is meant.
pub(super) fn clean_link(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).take(32).collect()
}

/// Reads a first name; none if nothing was written.
pub(super) fn clean_name(name: Option<&str>) -> Result<Option<String>> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > seal::NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Error::refused(
            "name",
            422,
            "This name cannot be used",
            format!("A name has 1 to {} letters, on one line.", seal::NAME_CHARS_MAX),
        ));
    }
    Ok(Some(name.to_owned()))
}

/// Reads a language; none if it is none that is spoken here.
pub(super) fn clean_language(language: Option<&str>) -> Option<String> {
    language.filter(|language| matches!(*language, "de" | "en")).map(str::to_owned)
}

impl Server {
    /// The poster's code of a shop, or of the tenant: the one there is, or a new one.
    pub async fn join_link(&self, tenant: TenantId, shop: Option<ShopId>) -> Result<JoinLink> {
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        if let Some(shop) = shop {
            tenant::shop(&mut tx, tenant, shop).await?;
        }
        let rows = tx
            .rows(
                "SELECT code, shop FROM join_link WHERE tenant = $1 AND closed_ms IS NULL ORDER BY created_ms",
                values![tenant],
            )
            .await?;
        for row in &rows {
            if row.opt_id::<ShopId>(1)? == shop {
                return Ok(JoinLink { code: row.text(0)?, shop });
            }
        }
        let code = BASE32_NOPAD.encode(&self.random::<CODE_LEN>()).chars().take(CODE_LEN).collect::<String>();
        tx.execute(
            "INSERT INTO join_link (tenant, code, shop, created_ms) VALUES ($1, $2, $3, $4)",
            values![tenant, &code[..], shop, self.now_ms()],
        )
        .await?;
        tenant::enter(&mut tx, "join", code.as_bytes(), tenant).await?;
        list_card_key(&mut tx, tenant).await?;
        self.note(&mut tx, &locked, "join-link-made", &code, json!({ "shop": shop })).await?;
        self.enter_at_home(tenant, "join", code.as_bytes()).await?;
        self.list_card_key_at_home(tenant, &mut tx).await?;
        tx.commit().await?;
        Ok(JoinLink { code, shop })
    }

    /// Closes a poster's code: nobody joins by it any more.
    pub async fn join_link_close(&self, tenant: TenantId, code: &str) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        tx.execute(
            "UPDATE join_link SET closed_ms = $3 WHERE tenant = $1 AND code = $2 AND closed_ms IS NULL",
            values![tenant, code, self.now_ms()],
        )
        .await?;
        self.note(&mut tx, &locked, "join-link-closed", code, json!({})).await?;
        tx.commit().await
    }

    /// Cards that were printed with a link are found by the key that signed them.
    pub(super) async fn list_card_key_at_home(&self, tenant: TenantId, tx: &mut Tx) -> Result<()> {
        let id = key_entry(KeyId::of(&card_key(tx, tenant).await?.public()), &tenant.0);
        self.enter_at_home(tenant, "card-key", &id).await
    }

    /// What a poster's page shows.
    pub async fn welcome(&self, link: &str) -> Result<Welcome> {
        let code = clean_link(link);
        let (tenant, mut tx) = self.look_up("join", code.as_bytes()).await?.ok_or_else(unknown_link)?;
        let (_, shop_id) = open_link(&mut tx, tenant, &code).await?;
        let name = Tenant::load(&mut tx, tenant).await?.name;
        let shop = match shop_id {
            Some(shop) => Some(tenant::shop(&mut tx, tenant, shop).await?.name),
            None => None,
        };
        let book = crate::api::orders::book(&mut tx, tenant).await?;
        let nobody = stempel_domain::MemberFacts::default();
        let anywhere = ShopId([0; 16]);
        let offers = stempel_domain::rules::offers(&book, &nobody, None, anywhere, &self.moment());
        let reward = offers.cards.first().and_then(|card| {
            let reward = offers.rewards.iter().find(|reward| reward.programme == card.programme)?;
            Some((reward.name.clone()?, card.size))
        });
        Ok(Welcome { tenant, name, shop, shop_id, reward })
    }

    /// A member joins with a new card, bound to the browser that asks. Asking again with the same key gives the
    /// same card.
    pub(super) async fn join(
        &self,
        gate: &super::Gate,
        network: &str,
        asked: &JoinRequest,
    ) -> Result<Caller> {
        let key = phone::read_key(&asked.key)?;
        let name = clean_name(asked.name.as_deref())?;
        if !asked.of_age {
            let detail =
                "Whoever is younger gets a printed card at the counter: it works without any of this.";
            return Err(Error::refused("of-age", 422, "You have to be 16", detail));
        }
        if asked.terms != TERMS {
            let detail = "Load the page again and read the new one.";
            return Err(Error::refused("terms", 409, "The notice has changed", detail));
        }
        let code = clean_link(&asked.link);
        let found = self.look_up("join", code.as_bytes()).await?.map(|(tenant, _)| tenant);
        let id = found.ok_or_else(unknown_link)?;
        if let Some(caller) = self.joined_before(id, &key).await? {
            return Ok(caller);
        }
        let now_ms = self.now_ms();
        let by_address = gate.pass(&format!("join {network}"), BY_ADDRESS, now_ms)?;
        let by_link = gate.pass(&format!("join link {code}"), BY_LINK, now_ms)?;
        let mut tx = self.write_of(id).await?;
        let mut tenant = Tenant::lock(&mut tx, id).await?;
        let (link, shop) = open_link(&mut tx, id, &code).await?;
        if by_address == Toll::Work || by_link == Toll::Work {
            gate.check(&tenant, asked.proof.as_deref(), now_ms)?;
        }
        let referrer = match asked.friend.as_deref().map(str::parse::<CardNumber>) {
            Some(Ok(number)) => friend(&mut tx, id, number).await?,
            // Who brought the guest is a courtesy: a wrong number keeps nobody out.
            _ => None,
        };
        let card = self.free_card(&mut tx, id).await?;
        let member = MemberId::of_first_card(id, card);
        let language = clean_language(asked.language.as_deref());
        let (profile, keys) = self.sealed(member, name, language)?;
        let keys = tx.vault().seal_members(&keys)?;
        let terms = profile.is_some().then(|| TERMS.to_owned());
        let fact =
            Fact::MemberJoined(MemberJoined { referrer, terms, ..MemberJoined::new(member, card, profile) });
        let moment = match shop {
            Some(shop) => self.moment_at(&tenant::shop(&mut tx, id, shop).await?),
            None => self.moment(),
        };
        author::append(&mut tx, &mut tenant, moment, vec![fact], &keys).await?;
        let caller = phone::bind(&mut tx, id, &key, member, card, now_ms).await?;
        tx.execute(
            "INSERT INTO joining (tenant, member, at_ms, link, terms, of_age) VALUES ($1, $2, $3, $4, $5, 1)",
            values![id, member, now_ms, link, TERMS],
        )
        .await?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(id, tenant.head);
        Ok(caller)
    }

    async fn joined_before(&self, tenant: TenantId, key: &PhoneKey) -> Result<Option<Caller>> {
        let mut tx = self.read_of(tenant).await?;
        phone::find(&mut tx, tenant, &phone::id_of(key)).await
    }

    /// Seals a profile under a new key of the member; nothing to seal for an anonymous card without a language.
    pub(super) fn sealed(
        &self,
        member: MemberId,
        name: Option<String>,
        language: Option<String>,
    ) -> Result<(Option<stempel_domain::event::Sealed>, Vec<KeyOf>)> {
        let Some(name) = name else { return Ok((None, Vec::new())) };
        let clear = Profile { name, language };
        let (key, sealed) = self.with_entropy(|entropy| {
            let key = MemberKey::generate(entropy);
            let sealed = key.seal(member, &clear, entropy);
            (key, sealed)
        });
        let sealed = sealed.map_err(|error| Error::Damaged(error.to_string()))?;
        Ok((Some(sealed), vec![KeyOf { member, key }]))
    }
}

/// Where the directory keeps a card key: its id, then the tenant. Two tenants may have keys of the same id.
pub(super) fn key_entry(key: KeyId, tenant: &[u8]) -> Vec<u8> {
    [&key.0[..], tenant].concat()
}

/// Lists the key that signs cards, so that a printed link finds its tenant.
pub(super) async fn list_card_key(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    let id = key_entry(KeyId::of(&card_key(tx, tenant).await?.public()), &tenant.0);
    tx.execute(
        "INSERT INTO directory (kind, id, tenant) VALUES ('card-key', $1, $2) ON CONFLICT DO NOTHING",
        values![id, tenant],
    )
    .await?;
    Ok(())
}

async fn open_link(tx: &mut Tx, tenant: TenantId, code: &str) -> Result<(String, Option<ShopId>)> {
    let row = tx
        .row(
            "SELECT code, shop FROM join_link WHERE tenant = $1 AND code = $2 AND closed_ms IS NULL",
            values![tenant, code],
        )
        .await?
        .ok_or_else(unknown_link)?;
    Ok((row.text(0)?, row.opt_id(1)?))
}

async fn friend(tx: &mut Tx, tenant: TenantId, number: CardNumber) -> Result<Option<MemberId>> {
    let row = tx
        .row(
            "SELECT member FROM card WHERE tenant = $1 AND number = $2 AND status = 1",
            values![tenant, &number.0[..]],
        )
        .await?;
    row.map_or(Ok(None), |row| row.opt_id(0))
}

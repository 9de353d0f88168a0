//! What other systems look at: members and what they can have now, events, programmes, shops.

use serde_json::{Value as Json, json};
use stempel_domain::rules::{self, Language};
use stempel_domain::{AuthorId, MemberId, ShopId, TenantId};
use stempel_wire::Row;

use super::access::{Principal, Scope};
use super::orders::{amounts, book, place_of, state, the_shop, who};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

/// The most things of one page, and how many there are if nobody says.
pub(crate) const PAGE_MAX: usize = 200;
pub(crate) const PAGE: usize = 50;

impl Server {
    /// What a member holds.
    pub(crate) async fn api_member(&self, principal: &Principal, code: &str) -> Result<Json> {
        principal.may(Scope::Read)?;
        let mut tx = self.read_of(principal.tenant).await?;
        let member = who(&mut tx, principal.tenant, code).await?.member;
        self.api_member_of(&mut tx, principal.tenant, member).await
    }

    async fn api_member_of(&self, tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Json> {
        let state = state(tx, tenant, member).await?;
        let cards = state.cards.iter().filter(|(_, card)| !card.blocked);
        Ok(json!({
            "member": member,
            "joined": state.joined,
            "numbers": cards.map(|(card, _)| card.number().to_string()).collect::<Vec<_>>(),
            "balances": amounts(&state.balances(self.today())),
            "events": state.events,
            "consents": state.consents.iter().map(|(kind, said)| (kind.name(), json!(said.value.given))).collect::<Json>(),
        }))
    }

    /// Members by id, after one.
    pub(crate) async fn api_members(
        &self,
        principal: &Principal,
        after: Option<MemberId>,
        limit: usize,
    ) -> Result<Json> {
        principal.may(Scope::Read)?;
        let from = after.map(|member| member.0.to_vec()).unwrap_or_default();
        let mut tx = self.read_of(principal.tenant).await?;
        let rows = tx
            .rows(
                "SELECT member FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
                values![principal.tenant, from, limit as i64],
            )
            .await?;
        let mut members = Vec::with_capacity(rows.len());
        let (mut last, mut found) = (None, 0);
        for row in rows {
            let member: MemberId = row.id(0)?;
            found += 1;
            last = Some(member);
            // Whoever was merged stands in the list once.
            if group::root(&mut tx, principal.tenant, member).await? == member {
                members.push(self.api_member_of(&mut tx, principal.tenant, member).await?);
            }
        }
        let next = last.filter(|_| found == limit);
        Ok(json!({ "members": members, "next": next }))
    }

    /// What a member can have now at a shop.
    pub(crate) async fn api_offers(
        &self,
        principal: &Principal,
        code: &str,
        shop: Option<ShopId>,
    ) -> Result<Json> {
        let mut tx = self.read_of(principal.tenant).await?;
        let shop = the_shop(&mut tx, principal, Scope::Read, shop).await?;
        let member = who(&mut tx, principal.tenant, code).await?.member;
        let at = self.moment_at(&shop);
        let book = book(&mut tx, principal.tenant).await?;
        let mut facts = state(&mut tx, principal.tenant, member).await?.facts(&at);
        book.trim(&mut facts, at.day);
        let tenant = Tenant::load(&mut tx, principal.tenant).await?;
        let place = place_of(&mut tx, &tenant, &shop, &book).await?;
        let offers = rules::offers(&book, &facts, None, place, &at);
        let rewards = offers.rewards.iter().map(|offer| {
            json!({
                "programme": offer.programme.id, "reward": offer.reward,
                "name": offer.name.as_ref().map(|name| name.get("en")), "kind": offer.kind,
                "unit": offer.unit.name(), "cost": offer.unit.format(offer.cost),
                "have": offer.unit.format(offer.have), "missing": offer.unit.format(offer.missing),
                "times": offer.times,
            })
        });
        let cards = offers.cards.iter().map(|card| {
            json!({
                "programme": card.programme.id, "name": card.name.get("en"), "unit": card.unit.name(),
                "filled": card.filled, "size": card.size, "full": card.full,
            })
        });
        let ending = offers.ending.iter().map(|ending| {
            json!({
                "unit": ending.unit.name(), "amount": ending.unit.format(ending.amount), "last": ending.last,
                "text": ending.sentence(Language::En),
            })
        });
        Ok(json!({
            "member": member,
            "shop": shop.id,
            "rewards": rewards.collect::<Vec<_>>(),
            "cards": cards.collect::<Vec<_>>(),
            "ending": ending.collect::<Vec<_>>(),
        }))
    }

    /// Events by author and number: of one author, or of all of them one after the other. Whoever wants to
    /// follow asks for each author with the number of the last event that it knows: journals have no gaps.
    pub(crate) async fn api_events(
        &self,
        principal: &Principal,
        author: Option<AuthorId>,
        after: Option<(AuthorId, u64)>,
        limit: usize,
    ) -> Result<Json> {
        principal.may(Scope::Read)?;
        let tenant = principal.tenant;
        let mut tx = self.read_of(tenant).await?;
        let mut seen = Vec::new();
        for author in author.map_or(authors(&mut tx, tenant).await?, |author| vec![author]) {
            if may_see(&mut tx, principal, author).await? {
                seen.push(author);
            }
        }
        if author.is_some() && seen.is_empty() {
            return Err(Error::not_found("such author"));
        }
        let (mut events, mut next) = (Vec::new(), after);
        for author in seen {
            let from = match after {
                Some((place, seq)) if place == author => seq,
                Some((place, _)) if place > author => continue,
                _ => 0,
            };
            let left = limit - events.len();
            let rows = tx
                .rows(
                    "SELECT author, seq, kind, member, status, received_ms, bytes FROM event
                     WHERE tenant = $1 AND author = $2 AND seq > $3 ORDER BY seq LIMIT $4",
                    values![tenant, author, from, left as i64],
                )
                .await?;
            for row in &rows {
                events.push(event(row)?);
                next = Some((author, row.number(1)?));
            }
            if events.len() == limit {
                break;
            }
        }
        let more = events.len() == limit;
        let next = next.map(|(author, seq)| format!("{author}-{seq}"));
        Ok(json!({ "events": events, "next": next, "more": more }))
    }

    /// The programmes in force.
    pub(crate) async fn api_programmes(&self, principal: &Principal) -> Result<Json> {
        principal.may(Scope::Read)?;
        let mut tx = self.read_of(principal.tenant).await?;
        let book = book(&mut tx, principal.tenant).await?;
        let programmes = book.programmes().iter().map(|published| {
            let spec = published.programme.spec();
            let rewards = spec.reward.iter().map(|reward| {
                let name = reward.name.as_ref().map(|name| name.get("en"));
                json!({ "reward": reward.id, "name": name, "kind": reward.kind })
            });
            json!({
                "programme": published.reference.id,
                "version": published.reference.version,
                "name": spec.name.get("en"),
                "unit": published.programme.unit().name(),
                "rewards": rewards.collect::<Vec<_>>(),
                "activities": spec.activity.iter().map(|rule| json!(rule.id)).collect::<Vec<_>>(),
            })
        });
        Ok(json!({ "programmes": programmes.collect::<Vec<_>>() }))
    }

    /// The shops that somebody may look at.
    pub(crate) async fn api_shops(&self, principal: &Principal) -> Result<Json> {
        principal.may(Scope::Read)?;
        let seen = principal.shops(Scope::Read);
        let shops = self.shops(principal.tenant).await?;
        let shops: Vec<Json> = shops
            .iter()
            .filter(|shop| seen.as_ref().is_none_or(|seen| seen.contains(&shop.id)))
            .map(|shop| {
                json!({
                    "shop": shop.id, "name": shop.name, "zone": shop.zone,
                    "day_ends_minutes": shop.day_ends_minutes,
                })
            })
            .collect();
        Ok(json!({ "shops": shops }))
    }
}

/// Whether somebody may look at a journal: who is bound to shops sees those of their devices.
async fn may_see(tx: &mut Tx, principal: &Principal, author: AuthorId) -> Result<bool> {
    let device = tx
        .row("SELECT shop FROM device WHERE tenant = $1 AND device = $2", values![principal.tenant, author])
        .await?;
    let shops = principal.shops(Scope::Read);
    Ok(match (device, shops) {
        (Some(_), None) => true,
        (Some(row), Some(shops)) => shops.contains(&row.id(0)?),
        (None, None) => {
            let journal = tx
                .row(
                    "SELECT 1 FROM journal WHERE tenant = $1 AND author = $2",
                    values![principal.tenant, author],
                )
                .await?;
            journal.is_some()
        }
        (None, Some(_)) => false,
    })
}

/// Every author of a tenant, by id.
async fn authors(tx: &mut Tx, tenant: TenantId) -> Result<Vec<AuthorId>> {
    let rows =
        tx.rows("SELECT author FROM journal WHERE tenant = $1 ORDER BY author", values![tenant]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// One event as the API says it. The record is the author's own, as it was signed; names are sealed in it.
pub(crate) fn event(row: &crate::db::Row) -> Result<Json> {
    let (author, seq): (AuthorId, u64) = (row.id(0)?, row.number(1)?);
    let status = match row.int(4)? {
        0 => "counts",
        1 => "not-understood",
        _ => "held",
    };
    let stored = Row::parse(row.bytes(6)?).map_err(|error| Error::Damaged(error.to_string()))?;
    // What was not understood may be no JSON at all.
    let record: Option<Json> = serde_json::from_slice(stored.record_json()).ok();
    Ok(json!({
        "event": format!("{author}-{seq}"), "author": author, "seq": seq, "kind": row.text(2)?,
        "member": row.opt_id::<MemberId>(3)?, "status": status, "received_ms": row.int(5)?, "record": record,
    }))
}

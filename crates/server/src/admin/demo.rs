//! The demo: a café to look at, with a catalogue, programmes and members. Nothing in it is real.

use serde::Serialize;
use stempel_domain::event::ProgrammeRef;
use stempel_domain::ledger::{Account, Booking, Posting};
use stempel_domain::{EventRef, MemberId, ProgrammeId, TenantId, Unit};
use stempel_wire::message::{Article, Shop};
use stempel_wire::token::Token;

use super::members::NewMember;
use crate::author;
use crate::db::values;
use crate::enroll::card_key;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// The demo's owner.
const OWNER: &str = "Café Morgenrot";
/// The demo's shop.
const SHOP: &str = "Café Morgenrot am Markt";
const ZONE: &str = "Europe/Berlin";

/// A member of the demo as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoGuest {
    /// The first name.
    pub name: &'static str,
    /// What the member has already, in each unit's scale.
    pub holds: Vec<(Unit, i64)>,
}

/// Six guests; some of them are close to a reward of the sample programmes.
pub fn demo_guests() -> Vec<DemoGuest> {
    let guests = [
        ("Ada", 9, 42),
        ("Bruno", 3, 12),
        ("Clara", 10, 118),
        ("Emre", 0, 0),
        ("Frieda", 6, 75),
        ("Jonas", 1, 8),
    ];
    let unit = |name: &str| Unit::new(name, 0).ok();
    guests
        .into_iter()
        .map(|(name, stamps, points)| {
            let holds = [(unit("stamp:coffee"), stamps), (unit("point"), points)];
            let held = holds.into_iter().filter(|(_, amount)| *amount > 0);
            DemoGuest { name, holds: held.filter_map(|(unit, amount)| Some((unit?, amount))).collect() }
        })
        .collect()
}

/// The demo as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demo {
    /// The demo's owner.
    pub tenant: TenantId,
    /// The demo's shop.
    pub shop: Shop,
    /// The programmes in force.
    pub programmes: Vec<ProgrammeRef>,
    /// The members with their cards.
    pub members: Vec<DemoMember>,
}

/// A member of the demo with the card to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoMember {
    /// The member.
    pub member: MemberId,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The card's token.
    pub code: Token,
    /// The card's number.
    pub number: String,
}

impl Server {
    /// Makes the demo, or gives the one that is there. `programmes` are published JSON texts with their ids.
    pub async fn init_demo(
        &self,
        programmes: &[(ProgrammeId, String)],
        articles: Vec<Article>,
        guests: &[DemoGuest],
    ) -> Result<Demo> {
        if let Some(tenant) = self.tenants().await?.into_iter().find(|tenant| tenant.demo) {
            return self.demo(tenant.id).await;
        }
        let tenant = self.tenant_add(OWNER, true).await?;
        self.shop_add(tenant, SHOP, ZONE, 0).await?;
        self.articles_put(tenant, articles).await?;
        for (id, text) in programmes {
            self.programme_publish(tenant, id, text).await?;
        }
        for guest in guests {
            let new = NewMember { name: Some(guest.name.to_owned()), language: Some("de".to_owned()) };
            let added = self.member_add(tenant, &new, None).await?;
            for (unit, amount) in &guest.holds {
                self.member_adjust(tenant, added.member, unit, *amount, "demo").await?;
            }
        }
        self.demo(tenant).await
    }

    async fn demo(&self, tenant: TenantId) -> Result<Demo> {
        let shop = self.shops(tenant).await?.into_iter().next();
        let shop =
            shop.ok_or_else(|| Error::not_found("shop in the demo; remove its database and begin anew"))?;
        let programmes = self.programme_list(tenant).await?;
        let mut members = Vec::new();
        for info in self.member_list(tenant, None).await? {
            if let Some(code) = self.member_cards(tenant, info.member).await?.into_iter().next() {
                let number = code.card().number().to_string();
                members.push(DemoMember { member: info.member, name: info.name, code, number });
            }
        }
        members.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Demo {
            tenant,
            shop,
            programmes: programmes
                .into_iter()
                .filter(|programme| !programme.ended)
                .map(|programme| programme.reference)
                .collect(),
            members,
        })
    }

    /// The tokens of a member's cards that are taken, oldest first.
    pub async fn member_cards(&self, tenant: TenantId, member: MemberId) -> Result<Vec<Token>> {
        let mut tx = self.read_of(tenant).await?;
        let key = card_key(&mut tx, tenant).await?;
        let rows = tx
            .rows(
                "SELECT card FROM card WHERE tenant = $1 AND member = $2 AND status = 1 ORDER BY issued_ms, card",
                values![tenant, member],
            )
            .await?;
        rows.iter().map(|row| Ok(Token::issue(tenant, &key, row.id(0)?))).collect()
    }

    /// Gives or takes units by hand, as an event of the server. The reason is a word from a list.
    pub async fn member_adjust(
        &self,
        tenant: TenantId,
        member: MemberId,
        unit: &Unit,
        amount: i64,
        reason: &str,
    ) -> Result<EventRef> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        tx.row("SELECT 1 FROM member WHERE tenant = $1 AND member = $2", values![tenant.id, member])
            .await?
            .ok_or_else(|| Error::not_found(format!("member {member}")))?;
        let booking = if amount < 0 {
            Booking::Spend { day: moment.day }
        } else {
            Booking::Lot { earned: moment.day, last: None, idle: None }
        };
        let opposite = amount.checked_neg().ok_or_else(|| Error::bad_request("The amount is too large."))?;
        let posting = |account, amount, booking| Posting { account, unit: unit.clone(), amount, booking };
        let postings = vec![
            posting(Account::Member(member), amount, Some(booking)),
            posting(Account::Goodwill, opposite, None),
        ];
        let fact = author::adjustment(member, reason, postings);
        let events = author::append(&mut tx, &mut tenant, moment, vec![fact], &[]).await?;
        let event = *events.last().ok_or_else(|| Error::Damaged("no event was written".to_owned()))?;
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(event)
    }
}

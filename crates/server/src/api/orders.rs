//! What other systems have done for a member: stamps, sales, redemptions, activities, joining, corrections.
//!
//! The server writes each as an event of its own journal, judged by the same rules as at a device, with the name
//! of whoever asked. Key, effects and answer of a write are one transaction.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use stempel_domain::event::{Adjustment, Fact, GrantFact, Loyalty, MemberJoined, SaleFact, StampFact};
use stempel_domain::ledger::{Booking, Posting};
use stempel_domain::money::{Quantity, Rate};
use stempel_domain::programme::{Programme, Published};
use stempel_domain::rules::{self, Language, Outcome, Place, RuleBook, codes, sentence};
use stempel_domain::sale::{Claim, Deed, Line, Order, Sale, StampCount, StampOrder, Tender, TenderKind};
use stempel_domain::time::business_day;
use stempel_domain::{
    Account, CardId, CardNumber, Day, EventRef, MemberFacts, MemberId, MemberState, Moment, Money,
    ProgrammeId, RewardId, ShopId, Sku, TenantId, Unit,
};
use stempel_wire::message::Shop;
use stempel_wire::token::looks_like_a_card;

use super::access::{Principal, Scope};
use super::idempotency::{self, Key};
use crate::admin::genuine_card;
use crate::author;
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::people::{self, group};
use crate::server::Server;
use crate::tenant::Tenant;

/// Stamps at once: more is a slip of the finger.
const STAMPS_MAX: u32 = 100;

/// Stamps, or the points of a sale.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StampRequest {
    /// Token, number or member.
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<ProgrammeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<SaleRequest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimRequest>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaleRequest {
    pub lines: Vec<LineRequest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// How the rest was paid at the other till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<TenderKind>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineRequest {
    pub sku: Sku,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    pub price: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deposit: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    pub reward: RewardId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<ProgrammeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
}

impl ClaimRequest {
    fn claim(&self) -> Claim {
        let Self { reward, programme, times, sku } = self.clone();
        Claim { programme, reward, times: times.unwrap_or(1), sku, extra: false }
    }
}

/// One reward, beside any sale.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedemptionRequest {
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    pub reward: RewardId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<ProgrammeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// Something done without a purchase.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityRequest {
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    pub programme: ProgrammeId,
    pub activity: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
}

/// Units given or taken by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustmentRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    pub unit: Unit,
    /// Decimal; negative takes.
    pub amount: String,
    pub reason: String,
}

/// What is asked for, before it is known which programmes are in force.
enum Wish {
    Sale(Sale),
    Stamps { programme: Option<ProgrammeId>, count: u32, claims: Vec<Claim> },
    Claims(Vec<Claim>),
    Deed(Deed),
}

impl Wish {
    fn by(self, book: &RuleBook) -> Result<Asked> {
        Ok(match self {
            Self::Sale(sale) => Asked::Sale(sale),
            Self::Stamps { programme, count, claims } => {
                let programme = stamp_programme(book, programme.as_ref())?;
                Asked::Stamps(StampOrder { stamps: vec![StampCount { programme, count }], claims })
            }
            Self::Claims(claims) => Asked::Stamps(StampOrder { stamps: Vec::new(), claims }),
            Self::Deed(deed) => Asked::Deed(deed),
        })
    }
}

/// What the rules judge, owned.
enum Asked {
    Sale(Sale),
    Stamps(StampOrder),
    Deed(Deed),
}

impl Asked {
    fn order(&self) -> Order<'_> {
        match self {
            Self::Sale(sale) => Order::Sale(sale),
            Self::Stamps(order) => Order::Stamps(order),
            Self::Deed(deed) => Order::Deed(deed),
        }
    }
}

/// Whom a code names.
pub(super) struct Who {
    pub member: MemberId,
    pub card: Option<CardId>,
    /// The fact that begins the member, for a genuine card that nobody has seen yet.
    pub joined: Option<Fact>,
}

fn unprocessable(code: &'static str, title: &'static str, detail: impl Into<String>) -> Error {
    Error::refused(code, 422, title, detail)
}

fn out_of_bounds(error: impl std::fmt::Display) -> Error {
    unprocessable("order", "The order cannot be taken", format!("{error}."))
}

impl Server {
    /// Gives stamps, or the points of a sale.
    pub(crate) async fn api_stamp(
        &self,
        principal: &Principal,
        request: &StampRequest,
        key: Option<&str>,
    ) -> Result<Json> {
        let claims: Vec<Claim> = request.claims.iter().map(ClaimRequest::claim).collect();
        if !claims.is_empty() {
            principal.may(Scope::Redeem)?;
        }
        let wish = match (&request.sale, request.count) {
            (Some(sale), None) if request.programme.is_none() => Wish::Sale(sale_of(sale, claims)?),
            (None, count) => {
                let count = count.unwrap_or(1);
                if count == 0 || count > STAMPS_MAX {
                    return Err(out_of_bounds(format!("1 to {STAMPS_MAX} stamps at once")));
                }
                Wish::Stamps { programme: request.programme.clone(), count, claims }
            }
            _ => {
                let detail = "Name either a sale or a count of stamps, and a programme with the latter only.";
                return Err(unprocessable("order", "The order cannot be taken", detail));
            }
        };
        let key = key.map(|key| Key::of(principal, key, "stamps", request)).transpose()?;
        self.api_record(principal, Scope::Award, request.shop, &request.code, key, wish).await
    }

    /// Takes units for a reward.
    pub(crate) async fn api_redeem(
        &self,
        principal: &Principal,
        request: &RedemptionRequest,
        key: Option<&str>,
    ) -> Result<Json> {
        let claim = Claim {
            programme: request.programme.clone(),
            reward: request.reward.clone(),
            times: request.times.unwrap_or(1),
            sku: None,
            extra: true,
        };
        let wish = Wish::Claims(vec![claim]);
        let key = key.map(|key| Key::of(principal, key, "redemptions", request)).transpose()?;
        self.api_record(principal, Scope::Redeem, request.shop, &request.code, key, wish).await
    }

    /// Says that an activity was done: a review, an answered survey.
    pub(crate) async fn api_activity(
        &self,
        principal: &Principal,
        request: &ActivityRequest,
        key: Option<&str>,
    ) -> Result<Json> {
        let wish = Wish::Deed(Deed::Activity {
            programme: request.programme.clone(),
            activity: request.activity.clone(),
            reference: request.reference.clone(),
        });
        let key = key.map(|key| Key::of(principal, key, "activities", request)).transpose()?;
        self.api_record(principal, Scope::Award, request.shop, &request.code, key, wish).await
    }

    /// Judges an order and writes the event, unless the same key has done it before.
    async fn api_record(
        &self,
        principal: &Principal,
        scope: Scope,
        shop: Option<ShopId>,
        code: &str,
        key: Option<Key>,
        wish: Wish,
    ) -> Result<Json> {
        principal.may(scope)?;
        let mut tx = self.write_of(principal.tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, principal.tenant).await?;
        if let Some(key) = &key
            && let Some(answer) = idempotency::earlier(&mut tx, tenant.id, key).await?
        {
            return Ok(answer);
        }
        let shop = the_shop(&mut tx, principal, scope, shop).await?;
        let book = book_at(&mut tx, tenant.id, Some(shop.id)).await?;
        let asked = wish.by(&book)?;
        rules::check_order(asked.order()).map_err(out_of_bounds)?;
        let who = who(&mut tx, tenant.id, code).await?;
        let at = author::next_moment(&mut tx, &tenant, self.moment_at(&shop)).await?;
        let state = state(&mut tx, tenant.id, who.member).await?;
        let mut facts = state.facts(&at);
        book.trim(&mut facts, at.day);
        // A till knows what was sold: the pause between two scans does not count for a sale.
        facts.by_hand = matches!(asked, Asked::Sale(_));
        let place = place_of(&mut tx, &tenant, &shop, &book).await?;
        let outcome = rules::evaluate(&book, Some(&facts), asked.order(), place.clone(), &at);
        if !outcome.refused.is_empty() {
            return Err(refused(&outcome));
        }
        let mut event = None;
        if !gives_nothing(&asked, &outcome) {
            let dues = dues(&mut tx, &tenant, &book, &outcome, who.member, &place, &at).await?;
            let others = dues.len();
            let fact = fact(asked, &who, facts, &book, &outcome, place, &at);
            let facts = who.joined.clone().into_iter().chain([fact]).chain(dues).collect();
            let operator = principal.actor.operator();
            let events = author::append_as(&mut tx, &mut tenant, operator, at, facts, &[]).await?;
            event = events.get(events.len().saturating_sub(others + 1)).copied();
        }
        let after = self::state(&mut tx, tenant.id, who.member).await?;
        let answer = answer(event, who.member, &outcome, &after.balances(at.day));
        if let Some(key) = &key {
            idempotency::remember(&mut tx, tenant.id, key, &answer, at.utc_ms).await?;
        }
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(answer)
    }

    /// Gives or takes units by hand, with a reason.
    pub(crate) async fn api_adjust(
        &self,
        principal: &Principal,
        code: &str,
        request: &AdjustmentRequest,
        key: Option<&str>,
    ) -> Result<Json> {
        principal.may(Scope::Manage)?;
        let (amount, reason) = checked(request)?;
        let named = json!({ "code": code, "adjustment": request });
        let key = key.map(|key| Key::of(principal, key, "adjustments", &named)).transpose()?;
        let mut tx = self.write_of(principal.tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, principal.tenant).await?;
        if let Some(key) = &key
            && let Some(answer) = idempotency::earlier(&mut tx, tenant.id, key).await?
        {
            return Ok(answer);
        }
        let shop = the_shop(&mut tx, principal, Scope::Manage, request.shop).await?;
        let who = who(&mut tx, tenant.id, code).await?;
        let at = author::next_moment(&mut tx, &tenant, self.moment_at(&shop)).await?;
        let booking = if amount < 0 {
            Booking::Spend { day: at.day }
        } else {
            Booking::Lot { earned: at.day, last: None, idle: None }
        };
        let unit = &request.unit;
        let posting = |account, amount, booking| Posting { account, unit: unit.clone(), amount, booking };
        let postings = vec![
            posting(Account::Member(who.member), amount, Some(booking)),
            posting(Account::Shop(shop.id), -amount, None),
        ];
        let fact = Fact::Adjustment(Adjustment::new(who.member, reason, postings));
        let facts = who.joined.clone().into_iter().chain([fact]).collect();
        let operator = principal.actor.operator();
        let events = author::append_as(&mut tx, &mut tenant, operator, at, facts, &[]).await?;
        let what = json!({ "unit": unit, "amount": request.amount, "reason": reason });
        self.note(&mut tx, &tenant, "member-adjusted", &who.member.to_string(), what).await?;
        let after = state(&mut tx, tenant.id, who.member).await?;
        let answer = answer(events.last().copied(), who.member, &Outcome::default(), &after.balances(at.day));
        if let Some(key) = &key {
            idempotency::remember(&mut tx, tenant.id, key, &answer, at.utc_ms).await?;
        }
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(answer)
    }

    /// This moment at a shop: its own wall clock and its own business day.
    pub(crate) fn moment_at(&self, shop: &Shop) -> Moment {
        let now = self.moment();
        let offset = TimeZone::get(&shop.zone).ok().and_then(|zone| {
            let instant = Timestamp::from_millisecond(now.utc_ms).ok()?;
            i16::try_from(zone.to_offset(instant).seconds() / 60).ok()
        });
        let offset_minutes = offset.unwrap_or(now.offset_minutes);
        let day = business_day(now.utc_ms, offset_minutes, shop.day_ends_minutes);
        Moment { offset_minutes, day, ..now }
    }
}

/// Reads amount and reason of a correction.
pub(crate) fn checked(request: &AdjustmentRequest) -> Result<(i64, &str)> {
    let amount = request.unit.parse_amount(&request.amount).map_err(out_of_bounds)?;
    // As much as a posting may hold.
    if amount == 0 || amount.abs() > 1_000_000_000_000 {
        return Err(out_of_bounds("an amount is not zero and not larger than a shop gives"));
    }
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > 200 || reason.chars().any(char::is_control) {
        return Err(out_of_bounds("a reason has 1 to 200 characters"));
    }
    Ok((amount, reason))
}

fn sale_of(request: &SaleRequest, claims: Vec<Claim>) -> Result<Sale> {
    if request.lines.is_empty() {
        return Err(out_of_bounds("there is nothing in the basket"));
    }
    let line = |line: &LineRequest| {
        Ok(Line {
            sku: line.sku.clone(),
            name: line.name.clone(),
            category: line.category.clone(),
            quantity: Quantity::parse(line.quantity.as_deref().unwrap_or("1")).map_err(out_of_bounds)?,
            price: Money::parse(&line.price).map_err(out_of_bounds)?,
            vat: Rate::parse_percent(line.vat.as_deref().unwrap_or("0")).map_err(out_of_bounds)?,
            deposit: line.deposit,
            stored: false,
        })
    };
    let lines = request.lines.iter().take(Sale::LINES_MAX + 1).map(line).collect::<Result<Vec<_>>>()?;
    let kind = request.paid.unwrap_or(TenderKind::Card);
    let tenders = vec![Tender { kind, amount: Money::ZERO }];
    Ok(Sale { lines, tenders, claims, codes: request.codes.clone() })
}

/// The shop where something happens: the one that is named, or the only one that is allowed or there is.
pub(super) async fn the_shop(
    tx: &mut Tx,
    principal: &Principal,
    scope: Scope,
    named: Option<ShopId>,
) -> Result<Shop> {
    if let Some(shop) = named {
        let shop = crate::tenant::shop(tx, principal.tenant, shop).await?;
        principal.may_at(scope, shop.id)?;
        return Ok(shop);
    }
    let allowed = principal.shops(scope);
    let mut shops = crate::tenant::shops(tx, principal.tenant).await?;
    shops.retain(|shop| allowed.as_ref().is_none_or(|allowed| allowed.contains(&shop.id)));
    match shops.len() {
        1 => Ok(shops.remove(0)),
        0 => Err(unprocessable("shop", "Which shop?", "There is no shop yet at which this could happen.")),
        _ => Err(unprocessable("shop", "Which shop?", "There are several shops; name one as “shop”.")),
    }
}

/// Finds out whom a code names, under the id that counts now. A blocked card is refused.
pub(super) async fn who(tx: &mut Tx, tenant: TenantId, code: &str) -> Result<Who> {
    let who = found(tx, tenant, code).await?;
    if who.joined.is_some() {
        return Ok(who);
    }
    let member = group::root(tx, tenant, who.member).await?;
    if people::is_erased(tx, tenant, member).await? {
        return Err(people::forgotten());
    }
    Ok(Who { member, ..who })
}

async fn found(tx: &mut Tx, tenant: TenantId, code: &str) -> Result<Who> {
    let code = code.trim();
    if looks_like_a_card(code) {
        let card = genuine_card(tx, tenant, code).await?;
        let row = tx
            .row("SELECT member, status FROM card WHERE tenant = $1 AND card = $2", values![tenant, card])
            .await?;
        return match row {
            Some(row) => bound(&row, Some(card))?.map_or_else(|| Ok(fresh(tenant, card)), Ok),
            None => Ok(fresh(tenant, card)),
        };
    }
    if let Ok(member) = code.parse::<MemberId>() {
        let row =
            tx.row("SELECT 1 FROM member WHERE tenant = $1 AND member = $2", values![tenant, member]).await?;
        return row.map(|_| Who { member, card: None, joined: None }).ok_or_else(unknown);
    }
    let number: CardNumber = code.parse().map_err(|_| unknown())?;
    let row = tx
        .row(
            "SELECT member, status, card FROM card WHERE tenant = $1 AND number = $2",
            values![tenant, &number.0[..]],
        )
        .await?
        .ok_or_else(unknown)?;
    // A number alone does not open a new card: anybody could type it.
    bound(&row, row.opt_id(2)?)?.ok_or_else(unknown)
}

/// The member of a card that is known here; none if it is nobody's yet.
fn bound(row: &Row, card: Option<CardId>) -> Result<Option<Who>> {
    if row.int(1)? >= 2 {
        let detail = "It was lost, replaced or withdrawn. Ask for the new card, or look the member up by id.";
        return Err(unprocessable("card-blocked", "This card is blocked", detail));
    }
    Ok(row.opt_id(0)?.map(|member| Who { member, card, joined: None }))
}

fn fresh(tenant: TenantId, card: CardId) -> Who {
    let member = MemberId::of_first_card(tenant, card);
    Who { member, card: Some(card), joined: Some(Fact::MemberJoined(MemberJoined::new(member, card, None))) }
}

fn unknown() -> Error {
    Error::refused(
        "member-unknown",
        404,
        "There is no such member",
        "Check what was sent: a card's code, its number, or a member's id. A blank card becomes somebody's at its \
         first scan.",
    )
}

/// The state of the person that a member is, as the server has it.
pub(crate) async fn state(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<MemberState> {
    group::state(tx, tenant, member).await
}

/// What the rules read of the server as a place where something is given: its shop's merchant, and what it has given
/// itself of what there is only so much of. It does not know on which day, so what counts by the day has no limit here.
pub(crate) async fn place_of(tx: &mut Tx, tenant: &Tenant, shop: &Shop, book: &RuleBook) -> Result<Place> {
    let mut place = Place::from(shop.id);
    place.facts.merchant = shop.merchant.clone();
    for key in book.tally_keys() {
        let row = tx
            .row(
                "SELECT amount FROM tally WHERE tenant = $1 AND key = $2 AND author = $3",
                values![tenant.id, &key[..], tenant.server],
            )
            .await?;
        if let Some(row) = row {
            place.facts.tallies.entry(key).or_default().insert(Day::MIN, row.int(0)?);
        }
    }
    Ok(place)
}

/// What others are due because of an order: who brought the guest.
async fn dues(
    tx: &mut Tx,
    tenant: &Tenant,
    book: &RuleBook,
    outcome: &Outcome,
    friend: MemberId,
    place: &Place,
    at: &Moment,
) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for due in &outcome.due {
        let mut read = state(tx, tenant.id, due.member).await?.facts(at);
        book.trim(&mut read, at.day);
        let deed = Deed::Referral { programme: due.programme.clone(), friend };
        let given = rules::evaluate(book, Some(&read), Order::Deed(&deed), place.clone(), at);
        if given.grants.is_empty() {
            continue;
        }
        let who = Who { member: due.member, card: None, joined: None };
        facts.push(fact(Asked::Deed(deed), &who, read, book, &given, place.clone(), at));
    }
    Ok(facts)
}

/// The programmes in force everywhere. What this program cannot read is left out, as a device does.
pub(crate) async fn book(tx: &mut Tx, tenant: TenantId) -> Result<RuleBook> {
    book_at(tx, tenant, None).await
}

/// As [`book`], with what is on trial at a shop.
async fn book_at(tx: &mut Tx, tenant: TenantId, shop: Option<ShopId>) -> Result<RuleBook> {
    let rows = tx
        .rows(
            "SELECT programme, version, body FROM programme p WHERE tenant = $1 AND ended = 0
             AND version = (SELECT MAX(version) FROM programme q
             WHERE q.tenant = p.tenant AND q.programme = p.programme) ORDER BY programme",
            values![tenant],
        )
        .await?;
    let mut readable = Vec::with_capacity(rows.len());
    for row in rows {
        let damaged = || Error::Damaged("a programme's name or version".to_owned());
        let id = row.text(0)?.parse().map_err(|_| damaged())?;
        let version = row.int(1)?.try_into().map_err(|_| damaged())?;
        if let Ok(programme) = Programme::from_json(&row.text(2)?) {
            let reference = stempel_domain::event::ProgrammeRef { id, version };
            readable.push(Published { reference, programme });
        }
    }
    if let Some(shop) = shop {
        crate::trials::at_shop(tx, tenant, shop, &mut readable).await?;
    }
    RuleBook::new(readable).map_err(|error| Error::Damaged(error.to_string()))
}

/// The programme that a plain stamp is for: the named one, or the first stamp card there is.
fn stamp_programme(book: &RuleBook, named: Option<&ProgrammeId>) -> Result<ProgrammeId> {
    let found = match named {
        Some(id) => book.find(id),
        None => book.programmes().iter().find(|published| published.programme.unit().is_stamp()),
    };
    found.map(|published| published.reference.id.clone()).ok_or_else(|| {
        let detail = match named {
            Some(id) => format!("No programme “{id}” is in force; “programmes” lists those that are."),
            None => "No stamp card is in force; name a programme, or publish one.".to_owned(),
        };
        unprocessable("programme-unknown", "There is no such programme", detail)
    })
}

/// Whether there is no new fact: the same card was counted a moment ago, or the activity gives nothing.
fn gives_nothing(asked: &Asked, outcome: &Outcome) -> bool {
    if !outcome.awards.is_empty() || !outcome.spends.is_empty() {
        return false;
    }
    match asked {
        Asked::Sale(_) => false,
        Asked::Stamps(_) => {
            outcome.trace.iter().any(|step| step.code == codes::TOO_SOON || step.code == codes::VISIT_COUNTED)
        }
        Asked::Deed(_) => outcome.grants.is_empty(),
    }
}

fn refused(outcome: &Outcome) -> Error {
    let rewards = outcome.refused.iter().map(|refusal| format!("{} ({})", refusal.reward, refusal.reason));
    let why = outcome.trace.iter().map(|step| sentence(step, Language::En)).collect::<Vec<_>>().join("; ");
    let rewards = rewards.collect::<Vec<_>>().join(", ");
    unprocessable(
        "refused",
        "The rules do not allow it",
        format!("Nothing was recorded. Refused: {rewards}. {why}."),
    )
}

fn fact(
    asked: Asked,
    who: &Who,
    facts: MemberFacts,
    book: &RuleBook,
    outcome: &Outcome,
    place: Place,
    at: &Moment,
) -> Fact {
    let loyalty = Loyalty {
        member: who.member,
        card: who.card,
        rules: rules::VERSION,
        programmes: book.references(),
        facts,
    };
    let outcome = outcome.clone();
    let Place { shop, facts: place } = place;
    match asked {
        Asked::Sale(sale) => {
            let sale = rules::settled(sale, &outcome, TenderKind::Card);
            let postings = rules::sale_postings(&sale, &outcome, Some(who.member), shop, at.day);
            Fact::Sale(Box::new(SaleFact { shop, sale, loyalty: Some(loyalty), outcome, postings, place }))
        }
        Asked::Stamps(order) => {
            let postings = outcome.postings(who.member, shop, at.day);
            Fact::Stamp(Box::new(StampFact { shop, order, loyalty, outcome, postings, place, proof: None }))
        }
        Asked::Deed(deed) => {
            let postings = outcome.postings(who.member, shop, at.day);
            Fact::Grant(Box::new(GrantFact { shop, deed, loyalty, outcome, postings, place }))
        }
    }
}

/// Amounts by unit as decimal text.
pub(super) fn amounts(sums: &BTreeMap<Unit, i64>) -> Json {
    sums.iter().map(|(unit, amount)| (unit.name().to_owned(), json!(unit.format(*amount)))).collect()
}

fn answer(
    event: Option<EventRef>,
    member: MemberId,
    outcome: &Outcome,
    balances: &BTreeMap<Unit, i64>,
) -> Json {
    let lines = outcome.lines.iter().map(|line| {
        json!({
            "sku": line.sku, "gross": line.gross.to_string(), "discount": line.discount.to_string(),
            "paid": line.paid.to_string(), "free": line.free,
        })
    });
    let trace = outcome.trace.iter().map(|step| {
        json!({
            "code": step.code, "programme": step.programme, "rule": step.rule,
            "text": sentence(step, Language::En),
        })
    });
    json!({
        "event": event,
        "member": member,
        "total": outcome.total.to_string(),
        "lines": lines.collect::<Vec<_>>(),
        "earned": amounts(&outcome.earned()),
        "spent": amounts(&outcome.spent()),
        "balances": amounts(balances),
        "trace": trace.collect::<Vec<_>>(),
    })
}

//! Figures from the tenant's events: sums over those of each day, which stand in the database beside the events
//! (`crate::ingest::figures`) and are counted anew from them when asked, and the standing of members.

use std::collections::BTreeMap;

use serde::Serialize;
use stempel_domain::member::Base;
use stempel_domain::money::Rate;
use stempel_domain::programme::{Programme, Published, Stock};
use stempel_domain::rules::clearing::{Clearing, Turnover, clear};
use stempel_domain::rules::leaderboard::{Entrant, Rank, ranks, score};
use stempel_domain::rules::target::Target;
use stempel_domain::{AuthorId, Day, MemberId, ProgrammeId, RewardId, ShopId, TenantId, Unit};
use stempel_wire::message::Shop;

use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::ingest::figures::{CAUSE, HONOURED, ISSUED, ORDERS, TURNOVER};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

/// Members read at a time.
const FETCH: i64 = 500;
/// The most ranks of a board that a report names.
const BOARD_MAX: usize = 1000;
/// The tag of members who agreed to be named on a leaderboard.
pub const BOARD_CONSENT: &str = "consent:leaderboard";

/// How one unit is settled between the merchants of a coalition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearingReport {
    /// Which unit.
    pub unit: Unit,
    /// The programme that says what one is worth.
    pub programme: ProgrammeId,
    /// Who issued, who honoured, and who pays whom.
    pub clearing: Clearing<String>,
}

/// What a cause has collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseTotal {
    /// The cause.
    pub cause: String,
    /// Of what.
    pub unit: Unit,
    /// How much, in the unit's smallest parts.
    pub amount: i64,
}

/// How much of a reward's stock was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockLevel {
    /// Which programme.
    pub programme: ProgrammeId,
    /// Which reward.
    pub reward: RewardId,
    /// What there is in all, if the programme says so.
    pub total: Option<u32>,
    /// What was given in all.
    pub given: i64,
    /// What was given beyond the total, because devices could not know of each other.
    pub excess: i64,
    /// What each device gave.
    pub devices: BTreeMap<AuthorId, i64>,
}

/// A place on a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardPlace {
    /// From 1; equal scores share it.
    pub rank: u32,
    /// Who. Only members who agreed are named.
    pub member: MemberId,
    /// The first name, if it is known.
    pub name: Option<String>,
    /// What they did: cents, units in their smallest parts, or days.
    pub score: i64,
}

impl Server {
    /// Settles every unit of a programme with `[clearing]` over the business days from `from` to `to`, between
    /// merchants; a shop without one stands for itself, by its name.
    pub async fn report_clearing(&self, tenant: TenantId, from: Day, to: Day) -> Result<Vec<ClearingReport>> {
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let mut settled = programmes(&mut tx, tenant).await?;
        settled.retain(|published| published.programme.spec().clearing.is_some());
        if settled.is_empty() {
            // Nobody shares anything: no event has to be read to know that.
            return Ok(Vec::new());
        }
        let parties = parties(&mut tx, tenant).await?;
        let party = |shop: ShopId| parties.get(&shop).cloned().unwrap_or_else(|| shop.to_string());
        let mut sums: BTreeMap<String, BTreeMap<String, Turnover>> = BTreeMap::new();
        for kind in [ISSUED, HONOURED] {
            for (shop, unit, amount) in Self::figure_sums(&mut tx, tenant, kind, (from, to)).await? {
                let Some(shop) = shop else { continue };
                let turnover = sums.entry(unit).or_default().entry(party(shop)).or_default();
                let sum = if kind == ISSUED { &mut turnover.issued } else { &mut turnover.honoured };
                *sum = sum.saturating_add(amount);
            }
        }
        let mut reports = Vec::new();
        for published in settled {
            let Some(rule) = &published.programme.spec().clearing else { continue };
            let unit = published.programme.unit();
            let Some(of_unit) = sums.get(&unit.to_string()) else { continue };
            reports.push(ClearingReport {
                unit: unit.clone(),
                programme: published.reference.id.clone(),
                clearing: clear(of_unit, unit, rule.per_unit),
            });
        }
        Ok(reports)
    }

    /// What each cause has collected, less what refunds took back.
    pub async fn report_causes(&self, tenant: TenantId) -> Result<Vec<CauseTotal>> {
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let mut sums: BTreeMap<(String, Unit), i64> = BTreeMap::new();
        for (_, name, amount) in Self::figure_sums(&mut tx, tenant, CAUSE, (Day::MIN, Day::MAX)).await? {
            let Some((unit, cause)) = name.split_once('/') else { continue };
            let Ok(unit) = unit.parse() else { continue };
            let sum = sums.entry((cause.to_owned(), unit)).or_default();
            *sum = sum.saturating_add(amount);
        }
        sums.retain(|_, amount| *amount != 0);
        Ok(sums.into_iter().map(|((cause, unit), amount)| CauseTotal { cause, unit, amount }).collect())
    }

    /// How much of each reward with a stock was given, and what was given beyond the total.
    pub async fn report_stock(&self, tenant: TenantId) -> Result<Vec<StockLevel>> {
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let rows =
            tx.rows("SELECT key, author, amount FROM tally WHERE tenant = $1", values![tenant]).await?;
        let mut given: BTreeMap<String, BTreeMap<AuthorId, i64>> = BTreeMap::new();
        for row in rows {
            given.entry(row.text(0)?).or_default().insert(row.id(1)?, row.int(2)?);
        }
        let mut levels = Vec::new();
        for published in programmes(&mut tx, tenant).await? {
            let rewards = published.programme.spec().reward.iter();
            for reward in rewards.filter(|reward| reward.stock != Stock::default()) {
                let key = format!("{}/{}#stock", published.reference.id, reward.id);
                let devices = given.remove(&key).unwrap_or_default();
                let sum: i64 = devices.values().fold(0, |sum, amount| sum.saturating_add(*amount));
                levels.push(StockLevel {
                    programme: published.reference.id.clone(),
                    reward: reward.id.clone(),
                    total: reward.stock.total,
                    given: sum,
                    excess: reward.stock.excess(sum),
                    devices,
                });
            }
        }
        Ok(levels)
    }

    /// The board of a programme with `[leaderboard]`, of the members who agreed to be named.
    pub async fn report_leaderboard(
        &self,
        tenant: TenantId,
        programme: &ProgrammeId,
        today: Day,
    ) -> Result<Vec<BoardPlace>> {
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let published = programmes(&mut tx, tenant)
            .await?
            .into_iter()
            .find(|published| published.reference.id == *programme)
            .ok_or_else(|| Error::not_found(format!("programme “{programme}”")))?;
        let board = published
            .programme
            .spec()
            .leaderboard
            .ok_or_else(|| Error::not_found(format!("leaderboard of “{programme}”")))?;
        let mut entrants = Vec::new();
        let (aliases, merged) = group::aliases(&mut tx, tenant).await?;
        let mut after = Vec::new();
        loop {
            let rows = tx
                .rows(
                    "SELECT member, base FROM member WHERE tenant = $1 AND member > $2 ORDER BY member LIMIT $3",
                    values![tenant, after.clone(), FETCH],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.bytes(0)?;
            for row in &rows {
                let member: MemberId = row.id(0)?;
                let state = match merged.contains(&member) {
                    false => serde_json::from_str::<Base>(&row.text(1)?)?.state,
                    // One person has one place.
                    true if aliases.root(member) != member => continue,
                    true => group::state(&mut tx, tenant, member).await?,
                };
                let mut at = self.moment();
                at.day = today;
                let facts = state.facts(&at);
                let consent = facts.tags.iter().any(|tag| tag == BOARD_CONSENT);
                // Who did not agree is not even kept in memory.
                if let Some(score) = score(&published, &facts, today).filter(|score| consent && *score > 0) {
                    entrants.push(Entrant { member, score, consent });
                }
            }
        }
        let mut places = Vec::new();
        for Rank { rank, member, score } in ranks(entrants, board.top).into_iter().take(BOARD_MAX) {
            let name = super::members::name_of(&mut tx, tenant, member).await?;
            places.push(BoardPlace { rank, member, name, score });
        }
        Ok(places)
    }

    /// A target for the basket, `lift` above the average of the orders that were paid since `from`; none
    /// without any. Of one shop, or of all.
    pub async fn report_target(
        &self,
        tenant: TenantId,
        shop: Option<ShopId>,
        from: Day,
        lift: Rate,
    ) -> Result<Option<Target>> {
        let mut tx = self.read_of(tenant).await?;
        Tenant::load(&mut tx, tenant).await?;
        let mut sums = [0, 0];
        for (kind, sum) in [ORDERS, TURNOVER].into_iter().zip(&mut sums) {
            for (at, _, amount) in Self::figure_sums(&mut tx, tenant, kind, (from, Day::MAX)).await? {
                if shop.is_none() || shop == at {
                    *sum += i128::from(amount);
                }
            }
        }
        let [orders, turnover] = sums;
        Ok(Target::above(turnover, u64::try_from(orders).unwrap_or_default(), lift))
    }
}

/// The newest version of each programme that is in force and can be read here.
async fn programmes(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Published>> {
    let rows = tx
        .rows(
            "SELECT programme, version, body, ended FROM programme WHERE tenant = $1 ORDER BY programme, version",
            values![tenant],
        )
        .await?;
    let mut newest: BTreeMap<String, Option<Published>> = BTreeMap::new();
    for row in rows {
        let version = u32::try_from(row.int(1)?).unwrap_or(u32::MAX);
        let programme = Programme::from_json(&row.text(2)?).ok();
        let published = programme.filter(|_| !row.flag(3).unwrap_or(false));
        newest.insert(row.text(0)?, published.map(|programme| programme.published(version)));
    }
    Ok(newest.into_values().flatten().collect())
}

/// By what name each shop settles.
async fn parties(tx: &mut Tx, tenant: TenantId) -> Result<BTreeMap<ShopId, String>> {
    let rows = tx.rows("SELECT shop, body FROM shop WHERE tenant = $1", values![tenant]).await?;
    let mut parties = BTreeMap::new();
    for row in rows {
        let shop: Shop = serde_json::from_str(&row.text(1)?)?;
        parties.insert(row.id(0)?, shop.merchant.unwrap_or(shop.name));
    }
    Ok(parties)
}

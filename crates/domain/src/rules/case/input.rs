//! A case as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ids::{ProgrammeId, RewardId, Sku};
use crate::money::{Money, Quantity, Rate};
use crate::programme::Decimal;
use crate::sale::{Claim, Line, Sale, StampCount, StampOrder, Tender, TenderKind};
use crate::time::Day;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    #[serde(default)]
    pub member: Option<CaseMember>,
    pub steps: Vec<CaseStep>,
    /// When the shop's day ends, like `04:00`.
    #[serde(default)]
    pub day_ends: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseMember {
    #[serde(default)]
    pub balances: BTreeMap<String, Decimal>,
    #[serde(default)]
    pub lots: Vec<CaseLot>,
    #[serde(default)]
    pub tier: Option<String>,
    #[serde(default)]
    pub joined: Option<Day>,
    #[serde(default)]
    pub birthday: Option<Birthday>,
    #[serde(default)]
    pub tags: Vec<String>,
    /// The day of the first purchase.
    #[serde(default)]
    pub first_purchase: Option<Day>,
    /// The instant of the last visit before the case.
    #[serde(default)]
    pub last_visit: Option<String>,
    /// A friend brought this member.
    #[serde(default)]
    pub referred: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a birthday is true, false, or a day like \"1990-05-04\"")]
pub(super) enum Birthday {
    Now(bool),
    On(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseLot {
    pub unit: String,
    pub amount: Decimal,
    #[serde(default)]
    pub last_day: Option<Day>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseStep {
    pub at: String,
    #[serde(default)]
    pub shop: Option<String>,
    #[serde(default)]
    pub sale: Option<CaseSale>,
    #[serde(default)]
    pub refund: Option<CaseRefund>,
    /// A deed without a purchase.
    #[serde(default)]
    pub activity: Option<CaseActivity>,
    /// Whatever the day brings, without a purchase.
    #[serde(default)]
    pub day: bool,
    /// A friend whom the member brought has bought for the first time.
    #[serde(default)]
    pub brought: Option<CaseBrought>,
    /// Stamps beside another till.
    #[serde(default)]
    pub stamps: Option<CaseStamps>,
    /// Whose shop it is.
    #[serde(default)]
    pub merchant: Option<String>,
    /// The server was last heard of so many days ago and cannot be reached now.
    #[serde(default)]
    pub offline_days: Option<u16>,
    #[serde(default)]
    pub look: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseBrought {
    pub programme: ProgrammeId,
    pub friend: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseActivity {
    pub programme: ProgrammeId,
    pub id: String,
    #[serde(default)]
    pub reference: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseStamps {
    pub programme: ProgrammeId,
    pub count: u32,
    #[serde(default)]
    pub claims: Vec<CaseClaim>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseSale {
    #[serde(default)]
    pub lines: Vec<CaseLine>,
    #[serde(default)]
    pub tenders: Vec<CaseTender>,
    #[serde(default)]
    pub claims: Vec<CaseClaim>,
    #[serde(default)]
    pub codes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseLine {
    pub sku: Sku,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub category: String,
    #[serde(default = "one")]
    pub quantity: Decimal,
    pub price: Decimal,
    #[serde(default = "nothing")]
    pub vat: Decimal,
    #[serde(default)]
    pub deposit: bool,
    #[serde(default)]
    pub stored: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseTender {
    pub kind: TenderKind,
    pub amount: Decimal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseClaim {
    #[serde(default)]
    pub programme: Option<ProgrammeId>,
    pub reward: RewardId,
    #[serde(default = "one")]
    pub times: Decimal,
    #[serde(default)]
    pub sku: Option<Sku>,
    #[serde(default)]
    pub extra: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseRefund {
    pub of: usize,
    #[serde(default)]
    pub lines: RefundLines,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "lines are \"all\", or a quantity for each article")]
pub(super) enum RefundLines {
    Word(String),
    Some(BTreeMap<Sku, Decimal>),
}

impl Default for RefundLines {
    fn default() -> Self {
        Self::Word("all".to_owned())
    }
}

fn one() -> Decimal {
    Decimal::ONE
}

fn nothing() -> Decimal {
    Decimal::ZERO
}

impl CaseSale {
    pub fn read(&self) -> Result<Sale, String> {
        let lines = self.lines.iter().map(CaseLine::read).collect::<Result<_, _>>()?;
        let tender =
            |tender: &CaseTender| Ok(Tender { kind: tender.kind, amount: money("amount", tender.amount)? });
        Ok(Sale {
            lines,
            tenders: self.tenders.iter().map(tender).collect::<Result<_, String>>()?,
            claims: self.claims.iter().map(CaseClaim::read).collect::<Result<_, String>>()?,
            codes: self.codes.clone(),
        })
    }
}

impl CaseClaim {
    pub fn read(&self) -> Result<Claim, String> {
        let times = self.times;
        let whole = times.fits(0).then(|| u32::try_from(times.at_scale(0)).ok()).flatten();
        Ok(Claim {
            programme: self.programme.clone(),
            reward: self.reward.clone(),
            times: whole.ok_or_else(|| format!("{times} is not a number of times"))?,
            sku: self.sku.clone(),
            extra: self.extra,
        })
    }
}

impl CaseStamps {
    pub fn read(&self) -> Result<StampOrder, String> {
        let stamps = match self.count {
            0 => Vec::new(),
            count => vec![StampCount { programme: self.programme.clone(), count }],
        };
        let claims = self.claims.iter().map(CaseClaim::read).collect::<Result<_, String>>()?;
        Ok(StampOrder { stamps, claims })
    }
}

impl CaseLine {
    pub fn read(&self) -> Result<Line, String> {
        if !self.quantity.fits(3) {
            return Err(format!(
                "a quantity has at most three digits after the point, not {}",
                self.quantity
            ));
        }
        if self.vat < Decimal::ZERO || self.vat > Decimal::whole(100) || !self.vat.fits(2) {
            return Err(format!("{} is no tax rate in per cent", self.vat));
        }
        Ok(Line {
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            quantity: Quantity(self.quantity.at_scale(3)),
            price: money("price", self.price)?,
            vat: Rate(self.vat.at_scale(2) as i32),
            deposit: self.deposit,
            stored: self.stored,
        })
    }
}

fn money(what: &str, amount: Decimal) -> Result<Money, String> {
    if !amount.fits(Money::SCALE) {
        return Err(format!("{what} {amount}: money has at most two digits after the point"));
    }
    Ok(amount.money())
}

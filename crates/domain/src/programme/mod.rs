//! A programme: declarative rules, versioned, immutable once published.
//!
//! An author writes TOML ([`Programme::parse_toml`]); what travels and is kept is JSON
//! ([`Programme::to_json`], [`Programme::from_json`]). A [`Programme`] was checked: whoever holds one can run
//! it. `docs/PROGRAMMES.md` explains the language.

mod check;
mod conditions;
mod decimal;
mod engagement;
mod error;
mod language;
mod measures;
mod policy;
mod prize;
mod rights;
mod schema;

use serde::{Serialize, Serializer};

pub use conditions::{Articles, Hours, Validity, Weekday, When, Who};
pub use decimal::Decimal;
pub use engagement::{
    Activity, Challenge, Count, Giving, Goal, Goodwill, Membership, Occasion, OccasionOf, Once, Referral,
};
pub use error::ProgrammeError;
pub use language::{
    EarnRule, Gives, Message, Multiplier, Needs, On, Per, Reward, RewardKind, Rounding, Specification, Text,
    VoucherRule,
};
pub use measures::{Calendar, Clearing, Expiry, Leaderboard, Limit, Refunds, Span, Tier, TierBy, Tiers};
pub use policy::{Offline, Overdraft, Stock};
pub use prize::{Period, Prize};
pub use schema::schema;

use crate::event::ProgrammeRef;
use crate::ids::{NotAnId, ProgrammeId, RewardId};
use crate::unit::Unit;

/// The newest version of the language that is understood here.
pub const LANGUAGE: u32 = 1;
/// The longest text of a programme, in bytes.
pub const SOURCE_LEN_MAX: usize = 256 * 1024;
/// The most rules of one kind in a programme.
pub const RULES_MAX: usize = 200;
/// The most categories, articles, tags or shops that one list names.
pub const WORDS_MAX: usize = 2000;
/// The longest text for people, in bytes.
pub const TEXT_LEN_MAX: usize = 400;
/// The most places of a stamp card.
pub const CARD_MAX: u32 = 1000;
/// What the unit of every voucher begins with.
pub const VOUCHER_PREFIX: &str = "voucher:";

/// A programme that was checked and can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    spec: Specification,
    unit: Unit,
}

impl Programme {
    /// Reads what an author wrote.
    pub fn parse_toml(text: &str) -> Result<Self, ProgrammeError> {
        if text.len() > SOURCE_LEN_MAX {
            return Err(too_long());
        }
        let spec = toml::from_str(text).map_err(|error| ProgrammeError::of_toml(text, &error))?;
        Self::new(spec).map_err(|problem| ProgrammeError::of_problem(text, &problem))
    }

    /// Reads a published programme.
    ///
    /// A text that this version cannot fully read gives an error that
    /// [needs a newer version](ProgrammeError::needs_newer_version): a rule that is not understood is never
    /// left out in silence.
    pub fn from_json(text: &str) -> Result<Self, ProgrammeError> {
        if text.len() > SOURCE_LEN_MAX {
            return Err(too_long());
        }
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| ProgrammeError::plain(error.to_string()))?;
        let language = value.get("language").and_then(serde_json::Value::as_u64).unwrap_or(1);
        if language > LANGUAGE.into() {
            return Err(ProgrammeError::newer(&format!("its language is {language}, known is {LANGUAGE}")));
        }
        let spec = serde_json::from_value(value).map_err(|error| {
            let error = error.to_string();
            let unknown = error.contains("unknown field") || error.contains("unknown variant");
            if unknown { ProgrammeError::newer(&error) } else { ProgrammeError::plain(error) }
        })?;
        Self::new(spec).map_err(|problem| ProgrammeError::plain(problem.message))
    }

    /// The programme as it travels and is kept: one line of JSON, the same bytes for the same programme.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.spec).unwrap_or_default()
    }

    fn new(mut spec: Specification) -> Result<Self, error::Problem> {
        if spec.language > LANGUAGE {
            return Err(error::Problem {
                path: vec![error::Step::Key("language")],
                message: format!("this version knows the language up to {LANGUAGE}"),
                suggestion: Some("update Stempel".to_owned()),
            });
        }
        name_rules(&mut spec);
        let unit = check::check(&spec)?;
        Ok(Self { spec, unit })
    }

    /// Its name within the tenant.
    pub fn id(&self) -> &ProgrammeId {
        &self.spec.id
    }

    /// What people call it in that language (`de`, `en`).
    pub fn name(&self, language: &str) -> &str {
        self.spec.name.get(language)
    }

    /// What it counts.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Everything that it says.
    pub fn spec(&self) -> &Specification {
        &self.spec
    }

    /// How many stamps fill a card: as written, else the cost of the cheapest reward.
    pub fn card_size(&self) -> Option<u32> {
        let costs = self.spec.reward.iter().filter_map(|reward| reward.cost);
        let cheapest = costs.min().map(|cost| cost.at_scale(0)).and_then(|cost| u32::try_from(cost).ok());
        self.spec.card.or(cheapest.filter(|&size| self.unit.is_stamp() && size > 0))
    }

    /// What the law forbids or the owner will regret. None of it keeps the programme from running.
    pub fn warnings(&self) -> Vec<String> {
        check::warnings(&self.spec, &self.unit)
    }

    /// The programme as a published version.
    pub fn published(self, version: u32) -> Published {
        Published { reference: ProgrammeRef { id: self.spec.id.clone(), version }, programme: self }
    }
}

impl Serialize for Programme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.spec.serialize(serializer)
    }
}

/// One published version of a programme. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its name and version.
    pub reference: ProgrammeRef,
    /// What it says.
    pub programme: Programme,
}

/// The unit in which vouchers for a reward are counted: one is one voucher.
pub fn voucher_unit(programme: &ProgrammeId, reward: &RewardId) -> Result<Unit, NotAnId> {
    Unit::new(&format!("{VOUCHER_PREFIX}{programme}:{reward}"), 0)
}

fn too_long() -> ProgrammeError {
    ProgrammeError::plain(format!("a programme has at most {} KiB", SOURCE_LEN_MAX / 1024))
}

/// Gives rules that were left without a name one by their place.
fn name_rules(spec: &mut Specification) {
    fn name(id: &mut String, kind: &str, index: usize) {
        if id.is_empty() {
            *id = format!("{kind}-{}", index + 1);
        }
    }
    for (index, rule) in spec.earn.iter_mut().enumerate() {
        name(&mut rule.id, "earn", index);
    }
    for (index, rule) in spec.multiplier.iter_mut().enumerate() {
        name(&mut rule.id, "multiplier", index);
    }
    for (index, rule) in spec.voucher.iter_mut().enumerate() {
        name(&mut rule.id, "voucher", index);
    }
}

//! Whether a programme, a rule or a reward applies here, now, and to this member.

use crate::ids::ProgrammeId;
use crate::member::MemberFacts;
use crate::programme::{Published, Specification, Text, Validity, When, Who};
use crate::rules::codes;
use crate::rules::outcome::TraceStep;
use crate::rules::place::Place;
use crate::time::{Day, Moment};

/// Why something does not apply: a code of the trace and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    pub code: &'static str,
    pub values: Vec<(&'static str, String)>,
}

impl Reason {
    pub fn new(code: &'static str) -> Self {
        Self { code, values: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// Adds what people call the thing that it speaks of, if it has a name.
    pub fn named(self, name: Option<&Text>) -> Self {
        match name {
            None => self,
            Some(Text::Plain(text)) => self.with("text", text),
            Some(name) => self.with("de", name.get("de")).with("en", name.get("en")),
        }
    }

    /// Says that it is about units of a programme that were not given.
    pub fn about(self, published: &Published) -> Self {
        if self.values.iter().any(|(name, _)| *name == "unit") {
            return self;
        }
        self.with("unit", published.programme.unit().name())
    }

    pub fn step(&self) -> TraceStep {
        let values = self.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        TraceStep { code: self.code.to_owned(), programme: None, rule: None, values: values.collect() }
    }

    pub fn of(&self, programme: &ProgrammeId, rule: Option<&str>) -> TraceStep {
        TraceStep { programme: Some(programme.clone()), rule: rule.map(str::to_owned), ..self.step() }
    }
}

/// Where, when and for whom an order is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub member: Option<&'a MemberFacts>,
    /// The tiers that the member has reached on the ladders of the book.
    pub tiers: &'a [String],
    /// Units that the order itself gives and that count from now on: a membership that is bought.
    pub fresh: &'a [String],
    pub place: &'a Place,
    pub at: &'a Moment,
}

impl Scene<'_> {
    /// Whether a programme runs. Whether the member may take part is asked apart.
    pub fn runs(&self, spec: &Specification) -> Result<(), Reason> {
        self.within(&spec.valid)?;
        if !spec.shops.is_empty() && !spec.shops.contains(&self.place.shop) {
            return Err(Reason::new(codes::NOT_THIS_SHOP));
        }
        let merchant = &self.place.facts.merchant;
        if !spec.merchants.is_empty()
            && !merchant.as_ref().is_some_and(|merchant| spec.merchants.contains(merchant))
        {
            return Err(Reason::new(codes::NOT_THIS_SHOP));
        }
        self.at_time(&spec.when)
    }

    /// Both ends are inside.
    pub fn within(&self, valid: &Validity) -> Result<(), Reason> {
        if let Some(from) = valid.from.filter(|from| self.at.day < *from) {
            return Err(Reason::new(codes::NOT_STARTED).with("day", from));
        }
        if let Some(to) = valid.to.filter(|to| self.at.day > *to) {
            return Err(Reason::new(codes::ENDED).with("day", to));
        }
        Ok(())
    }

    pub fn at_time(&self, when: &When) -> Result<(), Reason> {
        if !when.has_weekday(self.at.day) {
            return Err(Reason::new(codes::NOT_TODAY));
        }
        if !when.has_hour(self.at) {
            let hours: Vec<String> = when.hours.iter().map(ToString::to_string).collect();
            return Err(Reason::new(codes::NOT_NOW).with("hours", hours.join(", ")));
        }
        Ok(())
    }

    /// Whether the member is one of those who may take part. Nobody is nobody special.
    pub fn may(&self, who: &Who) -> Result<(), Reason> {
        if *who == Who::default() {
            return Ok(());
        }
        let Some(member) = self.member else { return Err(Reason::new(codes::NEEDS_CARD)) };
        let not = || Reason::new(codes::NOT_FOR_MEMBER);
        let mut tiers = self.tiers.iter().chain(&member.tier);
        if !who.tiers.is_empty() && !tiers.any(|tier| who.tiers.contains(tier)) {
            return Err(not().with("tiers", who.tiers.join(", ")));
        }
        if !who.tags.is_empty() && !who.tags.iter().any(|tag| member.tags.contains(tag)) {
            return Err(not().with("tags", who.tags.join(", ")));
        }
        if who.except_tags.iter().any(|tag| member.tags.contains(tag)) {
            return Err(not().with("except_tags", who.except_tags.join(", ")));
        }
        if !who.holds.is_empty() && !who.holds.iter().any(|unit| self.holds(member, unit)) {
            return Err(not().with("holds", who.holds.join(", ")));
        }
        if who.birthday && !member.birthday {
            return Err(not().with("birthday", "yes"));
        }
        self.since(who, member)
    }

    /// Whether the member holds at least one of a unit, or is given one with this order.
    fn holds(&self, member: &MemberFacts, name: &str) -> bool {
        let held = member.lots.keys().filter(|unit| unit.name() == name);
        self.fresh.iter().any(|fresh| fresh == name) || held.into_iter().any(|unit| member.balance(unit) > 0)
    }

    /// Whether the member joined, or was last here, as long ago as asked for.
    fn since(&self, who: &Who, member: &MemberFacts) -> Result<(), Reason> {
        let not = |name, value: &dyn ToString| {
            Err(Reason::new(codes::NOT_FOR_MEMBER).with(name, value.to_string()))
        };
        let today = self.at.day;
        if who.anniversary && member.joined.is_none_or(|joined| anniversary_of_week(joined, today).is_none())
        {
            return not("anniversary", &"yes");
        }
        if let Some(days) = who.joined_within_days {
            let within = |joined: Day| (joined..=joined.plus_days(days.into())).contains(&today);
            if !member.joined.is_some_and(within) {
                return not("joined_within_days", &days);
            }
        }
        if let Some(days) = who.absent_days {
            let absent_ms = i64::from(days) * 24 * 60 * 60 * 1000;
            let short = |last| self.at.utc_ms.saturating_sub(last) < absent_ms;
            if member.last_visit_ms.is_none_or(short) {
                return not("absent_days", &days);
            }
        }
        Ok(())
    }
}

/// The anniversary that falls into this week, Monday to Sunday, a year or more after the day of joining. Who joined on
/// 29 February has it on the 28th where there is none.
pub(super) fn anniversary_of_week(joined: Day, today: Day) -> Option<Day> {
    let monday = today.plus_days(-i32::from(today.civil().weekday().to_monday_zero_offset()));
    (0..7).map(|days| monday.plus_days(days)).find(|day| {
        let years = i32::from(day.civil().year()) - i32::from(joined.civil().year());
        years >= 1 && joined.plus_months(12 * years) == *day
    })
}

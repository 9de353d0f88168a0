//! What staff give away to make up for something, within a budget.

use crate::event::Adjustment;
use crate::ids::{MemberId, OperatorId, ProgrammeId, ShopId};
use crate::ledger::{Account, Booking, Posting};
use crate::member::MemberFacts;
use crate::programme::Decimal;
use crate::rules::book::RuleBook;
use crate::rules::outcome::TraceStep;
use crate::rules::place::Place;
use crate::rules::scope::Reason;
use crate::rules::{codes, limit};
use crate::time::Moment;

/// A wish to make up for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amends<'a> {
    /// Whose.
    pub member: MemberId,
    /// By which programme.
    pub programme: &'a ProgrammeId,
    /// How many of its units.
    pub amount: Decimal,
    /// Why, one of the programme's reasons.
    pub reason: &'a str,
    /// Who gives it.
    pub operator: Option<&'a OperatorId>,
    /// A second person who agreed.
    pub agreed: Option<&'a OperatorId>,
}

impl Amends<'_> {
    /// The device's tallies that its budgets go by: the operator's and the device's.
    pub fn tally_keys(&self) -> [String; 2] {
        let device = format!("{}#goodwill", self.programme);
        [format!("{device}:{}", self.operator.map_or("", OperatorId::as_str)), device]
    }
}

/// What is given, or the step that says why not.
pub fn goodwill(
    book: &RuleBook,
    wish: &Amends<'_>,
    member: &MemberFacts,
    place: &Place,
    at: &Moment,
) -> Result<Adjustment, TraceStep> {
    let refused = |reason: Reason| reason.with("refused", "goodwill").of(wish.programme, Some("goodwill"));
    let published =
        book.find(wish.programme).ok_or_else(|| refused(Reason::new(codes::UNKNOWN_PROGRAMME)))?;
    let (spec, unit) = (published.programme.spec(), published.programme.unit());
    let rule = spec.goodwill.as_ref().ok_or_else(|| refused(Reason::new(codes::NO_GOODWILL)))?;
    if !rule.reasons.iter().any(|reason| reason == wish.reason) {
        let reason = Reason::new(codes::UNKNOWN_REASON).with("reasons", rule.reasons.join(", "));
        return Err(refused(reason));
    }
    let fits = wish.amount > Decimal::ZERO && wish.amount.fits(unit.scale());
    if !fits || wish.amount > rule.at_once {
        let most = Reason::new(codes::SALE_LIMIT).with("limit", rule.at_once).with("unit", unit.name());
        return Err(refused(most));
    }
    let second = wish.agreed.is_some_and(|agreed| Some(agreed) != wish.operator);
    if rule.four_eyes_above.is_some_and(|above| wish.amount > above) && !second {
        return Err(refused(Reason::new(codes::FOUR_EYES)));
    }
    let (amount, today) = (wish.amount.at_scale(unit.scale()), at.day);
    let [by_operator, base] = wish.tally_keys();
    let tallies = &place.facts.tallies;
    for (most, counters, key) in [
        (&rule.operator, tallies, &by_operator),
        (&rule.device, tallies, &base),
        (&rule.member, &member.counters, &base),
    ] {
        let (left, held) = limit::hold(most, unit.scale(), amount, counters, key, today);
        if left < amount {
            // All of it or nothing: what would be left is not given.
            let mut held = held.unwrap_or_else(|| Reason::new(codes::SALE_LIMIT));
            held.values.retain(|(name, _)| !matches!(*name, "wanted" | "given"));
            return Err(refused(held.with("unit", unit.name())));
        }
    }
    let last = spec.expiry.and_then(|expiry| expiry.last_day(today));
    let idle = spec.expiry.and_then(|expiry| expiry.idle());
    let posting = |account: Account, amount: i64, booking: Option<Booking>| Posting {
        account,
        unit: unit.clone(),
        amount,
        booking,
    };
    Ok(Adjustment {
        member: wish.member,
        reason: wish.reason.to_owned(),
        postings: vec![
            posting(Account::Member(wish.member), amount, Some(Booking::Lot { earned: today, last, idle })),
            posting(Account::Goodwill, -amount, None),
        ],
        tallies: [
            limit::step(&rule.operator, by_operator, today, amount),
            limit::step(&rule.device, base.clone(), today, amount),
        ]
        .into_iter()
        .flatten()
        .collect(),
        counters: limit::step(&rule.member, base, today, amount).into_iter().collect(),
        agreed: wish.agreed.cloned(),
    })
}

/// What an invitation to a membership books: one of its units until a day, given and not sold.
pub fn invitation(
    book: &RuleBook,
    member: MemberId,
    programme: &ProgrammeId,
    shop: ShopId,
    until: Option<crate::time::Day>,
    at: &Moment,
) -> Option<Adjustment> {
    let rule = book.find(programme)?.programme.spec().membership.as_ref()?;
    let unit = super::occasions::unit(rule)?;
    let term = at.day.term_ends(rule.months.into(), rule.days.into());
    let last = Some(until.unwrap_or(term));
    let booking = Some(Booking::Lot { earned: at.day, last, idle: None });
    Some(Adjustment {
        member,
        reason: "invitation".to_owned(),
        postings: vec![
            Posting { account: Account::Member(member), unit: unit.clone(), amount: 1, booking },
            Posting { account: Account::Shop(shop), unit, amount: -1, booking: None },
        ],
        tallies: Vec::new(),
        counters: Vec::new(),
        agreed: None,
    })
}

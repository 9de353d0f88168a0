//! Rights that are given once: what they give, and that they are not given again.

use std::collections::BTreeMap;

use crate::event::CounterStep;
use crate::grant::Grant;
use crate::member::MemberFacts;
use crate::programme::{Limit, Prize, Published, Text, voucher_unit};
use crate::rules::outcome::{Award, Due, Outcome, Part, TraceStep};
use crate::rules::scope::{Reason, Scene};
use crate::rules::{codes, limit};
use crate::unit::Unit;

/// What rights give in one order or for one deed.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub awards: Vec<Award>,
    pub grants: Vec<Grant>,
    pub counters: Vec<CounterStep>,
    pub parts: BTreeMap<String, Vec<Part>>,
    pub due: Vec<Due>,
    pub steps: Vec<TraceStep>,
}

impl Given {
    /// Adds it to an outcome.
    pub fn add_to(self, outcome: &mut Outcome) {
        outcome.awards.extend(self.awards);
        outcome.grants.extend(self.grants);
        outcome.counters.extend(self.counters);
        outcome.parts.extend(self.parts);
        outcome.due.extend(self.due);
        outcome.trace.extend(self.steps);
    }
}

/// A right of a programme at some occurrence.
pub(super) struct Right<'a> {
    pub published: &'a Published,
    /// The rule that gives it.
    pub rule: &'a str,
    pub name: Option<&'a Text>,
    pub occurrence: String,
    /// The code of the step that says it.
    pub code: &'static str,
}

impl Right<'_> {
    pub fn grant(&self) -> Grant {
        Grant {
            programme: self.published.reference.id.clone(),
            rule: self.rule.to_owned(),
            occurrence: self.occurrence.clone(),
        }
    }

    /// Whether the member was given it before.
    pub fn was_given(&self, member: &MemberFacts) -> bool {
        let text = self.grant().to_string();
        member.grants.contains(&text)
    }

    /// A step about it, with its name.
    pub fn step(&self, reason: Reason) -> TraceStep {
        reason.named(self.name).of(&self.published.reference.id, Some(self.rule))
    }

    /// Gives it: the prizes, the grant, and a step for each prize.
    pub fn give(&self, prizes: &[Prize], scene: &Scene<'_>, given: &mut Given) {
        given.grants.push(self.grant());
        if prizes.is_empty() {
            given.steps.push(self.step(Reason::new(self.code)));
        }
        for prize in prizes {
            let Some(award) = self.award(prize, scene) else { continue };
            let reason = match &prize.voucher {
                Some(reward) => Reason::new(self.code).with("reward", reward),
                None => Reason::new(self.code)
                    .with("amount", award.unit.format(award.amount))
                    .with("unit", award.unit.name()),
            };
            let reason = match award.last.filter(|_| prize.voucher.is_some()) {
                Some(last) => reason.with("last", last),
                None => reason,
            };
            given.steps.push(self.step(reason));
            given.awards.push(award);
        }
    }

    /// Gives it within a limit that the member has.
    pub fn give_within(&self, most: &Limit, prizes: &[Prize], scene: &Scene<'_>, given: &mut Given) {
        let Some(member) = scene.member else { return };
        let key = limit::key(&self.published.reference.id, self.rule);
        let (left, held) = limit::hold(most, 0, 1, &member.counters, &key, scene.at.day);
        if left < 1 {
            given.steps.extend(held.map(|held| self.step(held.about(self.published))));
            return;
        }
        given.counters.extend(limit::step(most, key, scene.at.day, 1));
        self.give(prizes, scene, given);
    }

    fn award(&self, prize: &Prize, scene: &Scene<'_>) -> Option<Award> {
        let programme = &self.published.programme;
        let (spec, today) = (programme.spec(), scene.at.day);
        let (unit, amount, last, idle) = match &prize.voucher {
            Some(reward) => {
                let by_days = prize.days.map(|days| today.plus_days(days.into()));
                let last = [by_days, spec.valid.to].into_iter().flatten().min();
                (voucher_unit(programme.id(), reward).ok()?, 1, last, None)
            }
            None => {
                let unit = prize_unit(prize, programme.unit())?;
                let own = unit == *programme.unit();
                let expiry = prize.expiry.or(spec.expiry.filter(|_| own));
                let amount = prize.amount?.at_scale(unit.scale());
                let last = expiry.and_then(|expiry| expiry.last_day(today));
                (unit, amount, last, expiry.and_then(|expiry| expiry.idle()))
            }
        };
        Some(Award {
            programme: self.published.reference.id.clone(),
            rule: self.rule.to_owned(),
            unit,
            amount,
            last,
            idle,
            weights: Vec::new(),
            grant: Some(self.grant()),
            forgive: spec.refunds.forgives(),
        })
    }
}

/// The unit of a prize that is no voucher.
pub(super) fn prize_unit(prize: &Prize, own: &Unit) -> Option<Unit> {
    match &prize.unit {
        None => Some(own.clone()),
        Some(name) => Unit::new(name, prize.scale.unwrap_or(0)).ok(),
    }
}

/// Says that a right was given before.
pub(super) fn already(right: &Right<'_>) -> TraceStep {
    right.step(Reason::new(codes::GIVEN_BEFORE))
}

//! What happens at the counter, each time beside what the model says must come of it.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::programme::Specification;
use stempel_domain::sale::Claim;
use stempel_domain::{EventRef, MemberId, Unit};
use stempel_terminal::TerminalError;
use stempel_terminal::counter::Given;

use crate::model::{Known, Name, stamps, standing_rights};
use crate::place::Done;
use crate::planted::Planted;
use crate::stop::{OrStop, Result, broken, hold};
use crate::world::{World, asked, basket, now_of};

/// After so long without an exchange a device counts as being without the server, in milliseconds.
const HEARD_MS: i64 = 120_000;
const DAY_MS: i64 = 86_400_000;

/// What the model knows before an action.
struct Before {
    member: Option<MemberId>,
    /// Whether what is visible is known for certain ([`World::is_unclear`]); else amounts are not judged.
    clear: bool,
    visible: BTreeSet<Name>,
    cap: i64,
    cost: i64,
    /// Without the server, and for so many days.
    offline: Option<i64>,
    spend_day: i64,
    age_days: i64,
}

fn whole(number: Option<stempel_domain::programme::Decimal>) -> i64 {
    number.map_or(i64::MAX, |number| number.millionths() / 1_000_000)
}

fn point() -> Result<Unit> {
    "point".parse().machine("the unit of points")
}

impl World {
    /// What a device can know now. None if it has no programmes yet, or does not take the card.
    fn before(&self, at: usize, code: Option<&str>) -> Result<Option<Before>> {
        let place = &self.places[at];
        let terminal = place.terminal()?;
        let Some(coffee) = terminal.programmes().iter().find(|known| known.reference.id.as_str() == "coffee")
        else {
            return Ok(None);
        };
        let spec: &Specification = coffee.programme.spec();
        let member = match code.map(|code| terminal.who(code)) {
            None => None,
            Some(Ok(who)) => Some(who.member()),
            Some(Err(TerminalError::Blocked)) => return Ok(None),
            // A device that never heard the server has no key to know cards by.
            Some(Err(_)) if place.notes.heard_ms.is_none() => return Ok(None),
            Some(Err(error)) => return broken(format!("a genuine card is not taken: {error}")),
        };
        let visible = member.map(|member| self.visible(at, member)).transpose()?.unwrap_or_default();
        let since_ms = place.notes.heard_ms.map(|heard_ms| now_of(place) - heard_ms);
        let heard = !place.notes.failed && since_ms.is_some_and(|since_ms| since_ms.abs() <= HEARD_MS);
        let days = since_ms.map_or(i64::from(u16::MAX), |since_ms| (since_ms / DAY_MS).max(0));
        let limits = spec.offline.clone().unwrap_or_default();
        Ok(Some(Before {
            member,
            clear: !self.is_unclear(at)?,
            visible,
            cap: whole(spec.earn[0].cap.day),
            cost: whole(spec.reward[0].cost),
            offline: (!heard).then_some(days),
            spend_day: whole(limits.spend_day),
            age_days: limits.age_days.map_or(i64::MAX, i64::from),
        }))
    }

    /// Holds that something was done on a card that is taken. What a device without programmes does is not judged.
    fn not_blocked(&mut self, at: usize, code: Option<&str>) -> Result<()> {
        self.learn(at)?;
        let terminal = self.places[at].terminal()?;
        let blocked = code.is_some_and(|code| matches!(terminal.who(code), Err(TerminalError::Blocked)));
        hold(!blocked, || "something was done on a card that is blocked".into())
    }

    /// The rows that an action wrote: at most a joining before the action itself. Gives the action.
    fn written(&mut self, at: usize, event: Option<EventRef>) -> Result<Option<Known>> {
        let names = self.learn(at)?;
        let Some(event) = event else {
            hold(names.is_empty(), || "an action that gave nothing has written rows".into())?;
            return Ok(None);
        };
        let Some(name) = self.places[at].own(event) else {
            return broken(format!("{event} was reported done and stands in no journal"));
        };
        hold(names.last() == Some(&name), || {
            format!("{event} was reported done, and other rows were written")
        })?;
        Ok(self.model.events.get(&name).cloned())
    }

    /// Holds that the balances that an action has shown are what can be seen, to the unit.
    fn shown(&mut self, at: usize, given: &Given) -> Result<()> {
        let Some(member) = given.member else { return Ok(()) };
        self.look(at, member)?;
        let visible = self.visible(at, member)?;
        let mut shown = given.balances.clone();
        shown.retain(|_, amount| *amount != 0);
        let sum = self.model.sum(&visible);
        hold(shown == sum || self.is_unclear(at)?, || {
            format!("device {at} has shown {shown:?} to member {member}; what it knows comes to {sum:?}")
        })
    }

    /// Stamps, and what must come of it: as many as asked for, within the cap for what this device can see.
    pub fn stamp(&mut self, at: usize, code: &str, count: u32, key: &str) -> Result<Option<EventRef>> {
        let before = self.before(at, Some(code))?;
        let given = self.places[at].acting()?.stamp(code, None, count, Vec::new(), &asked(key));
        let (given, before) = match (given, before) {
            (Ok(given), Some(before)) => (given, before),
            (Err(TerminalError::Blocked), _) => return Ok(None),
            (Err(_), None) => return Ok(None),
            (Err(error), Some(_)) => return broken(format!("a stamp was refused: {error}")),
            (Ok(_), None) => return self.not_blocked(at, Some(code)).map(|()| None),
        };
        self.note("stamps");
        let Some(known) = self.written(at, given.event)? else { return broken("a stamp left no event") };
        self.within_cap(&before, &known, Some(i64::from(count)))?;
        hold(known.spent == 0, || "a stamp has spent something".into())?;
        self.shown(at, &given)?;
        self.finish(at, &given, key, Some(code), Some(count), false)?;
        Ok(given.event)
    }

    /// Holds that an action gave no more stamps than the cap leaves, and no fewer than it should have.
    fn within_cap(&self, before: &Before, known: &Known, wanted: Option<i64>) -> Result<()> {
        if !before.clear {
            return Ok(());
        }
        let used = self.model.stamped(&before.visible, known.day);
        let left = before.cap.saturating_sub(used).max(0);
        hold(known.stamped <= left, || {
            format!("{} stamps were given where the cap leaves {left}: {}", known.stamped, known.place)
        })?;
        match wanted {
            Some(wanted) => hold(known.stamped == wanted.min(left), || {
                format!(
                    "{} stamps were given for {wanted}, and the cap leaves {left}: {}",
                    known.stamped, known.place
                )
            }),
            None => Ok(()),
        }
    }

    fn finish(
        &mut self,
        at: usize,
        given: &Given,
        key: &str,
        code: Option<&str>,
        stamps: Option<u32>,
        sale: bool,
    ) -> Result<()> {
        let Some(event) = given.event else { return Ok(()) };
        let Some(name) = self.places[at].own(event) else {
            return broken(format!("{event} was reported done and stands in no journal"));
        };
        let done = Done {
            key: key.to_owned(),
            event,
            name,
            code: code.map(str::to_owned),
            stamps,
            sale,
            taken_back: false,
        };
        self.places[at].notes.done.push(done);
        Ok(())
    }

    /// Asks for the last stamp once more under its key: it must be answered with the same event.
    pub fn stamp_again(&mut self, at: usize, number: usize) -> Result<()> {
        let last = self.places[at].notes.done.iter().rev().find(|done| done.stamps.is_some()).cloned();
        let Some((last, count)) = last.and_then(|last| last.stamps.map(|count| (last, count))) else {
            return Ok(());
        };
        let Some(code) = last.code.clone() else { return Ok(()) };
        self.note("asked again");
        let forgotten = format!("again {number}");
        let lost = self.options.planted == Some(Planted::RetryWithoutKey);
        let key = if lost { &forgotten } else { &last.key };
        let again = self.places[at].acting()?.stamp(&code, None, count, Vec::new(), &asked(key));
        let rows = self.learn(at)?;
        match again {
            Ok(given) => hold(given.event == Some(last.event) && rows.is_empty(), || {
                format!("what was done under key “{}” was done twice", last.key)
            }),
            Err(TerminalError::Blocked) => Ok(()),
            Err(error) => broken(format!("what was done under key “{}” is refused now: {error}", last.key)),
        }
    }

    /// Sells, and holds that each euro gave a point and each coffee a stamp.
    pub fn sale(
        &mut self,
        at: usize,
        code: Option<String>,
        coffees: u32,
        bagels: u32,
        claim: bool,
        key: &str,
    ) -> Result<()> {
        let before = self.before(at, code.as_deref())?;
        let claims =
            if claim { vec![Claim::once("free-coffee".parse().machine("a reward")?)] } else { Vec::new() };
        let terminal = self.places[at].acting()?;
        let Ok(sale) = basket(terminal, coffees, bagels, claims) else { return self.nothing_yet(at) };
        let given = terminal.sale(code.as_deref(), sale, &asked(key));
        let given = match (given, &before) {
            (Ok(given), Some(_)) => given,
            (Err(TerminalError::Refused(..)), Some(before)) if claim => {
                return self.rightly_refused(at, before);
            }
            (Err(TerminalError::Blocked), _) | (Err(_), None) => return Ok(()),
            (Err(error), _) => return broken(format!("a sale was refused: {error}")),
            (Ok(_), None) => return self.not_blocked(at, code.as_deref()),
        };
        self.note("sales");
        let known = self.written(at, given.event)?;
        if let (Some(known), Some(before), Some(_)) = (known, before, &code) {
            if claim {
                self.rightly_granted(&before, &known)?;
                self.within_cap(&before, &known, None)?;
            } else {
                let cents = i64::from(coffees) * 420 + i64::from(bagels) * 330;
                let points = known.moved.get(&point()?).copied().unwrap_or(0);
                hold(points == cents / 100, || format!("{cents} cents gave {points} points"))?;
                self.within_cap(&before, &known, Some(i64::from(coffees)))?;
            }
        }
        self.shown(at, &given)?;
        self.finish(at, &given, key, code.as_deref(), None, true)
    }

    /// A device without a catalogue never heard the server.
    fn nothing_yet(&self, at: usize) -> Result<()> {
        hold(self.places[at].notes.heard_ms.is_none(), || "articles are missing on a device".into())
    }

    /// Takes a free coffee, and holds that it was given exactly if it should be.
    pub fn redeem(&mut self, at: usize, guest: usize, key: &str) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let before = self.before(at, Some(&code))?;
        let claim = Claim::once("free-coffee".parse().machine("a reward")?);
        let given = self.places[at].acting()?.redeem(&code, claim, &asked(key));
        let (given, before) = match (given, before) {
            (Ok(given), Some(before)) => (given, before),
            (Err(TerminalError::Refused(..)), Some(before)) => return self.rightly_refused(at, &before),
            (Err(TerminalError::Blocked), _) | (Err(_), None) => return Ok(()),
            (Err(error), Some(_)) => return broken(format!("a reward was refused: {error}")),
            (Ok(_), None) => return self.not_blocked(at, Some(&code)),
        };
        self.note("rewards");
        let Some(known) = self.written(at, given.event)? else { return broken("a reward left no event") };
        self.rightly_granted(&before, &known)?;
        self.shown(at, &given)?;
        self.finish(at, &given, key, Some(&code), None, false)
    }

    /// Whether a free coffee is due, by what this device can see, by what the sale itself earns, and by what may be
    /// spent without the server.
    fn is_due(&self, at: Option<usize>, before: &Before, earned: i64) -> Result<bool> {
        let balance = self.model.sum(&before.visible).get(&stamps()?).copied().unwrap_or(0) + earned;
        let within = match (before.offline, at) {
            (None, _) => true,
            (Some(days), None) => days <= before.age_days,
            (Some(days), Some(at)) => {
                let terminal = self.places[at].terminal()?;
                let day = terminal.moment(None).never("reading the day")?.day;
                let spent = self.model.spent_offline(&before.visible, day);
                days <= before.age_days && spent + before.cost <= before.spend_day
            }
        };
        Ok(balance >= before.cost && within)
    }

    fn rightly_refused(&mut self, at: usize, before: &Before) -> Result<()> {
        self.note("rewards refused");
        hold(!before.clear || !self.is_due(Some(at), before, 0)?, || {
            format!("a reward was refused that is due to {:?} at device {at}", before.member)
        })?;
        hold(self.learn(at)?.is_empty(), || "what was refused has written rows".into())
    }

    fn rightly_granted(&self, before: &Before, known: &Known) -> Result<()> {
        hold(known.spent == before.cost, || {
            format!("a reward cost {} instead of {}", known.spent, before.cost)
        })?;
        if !before.clear {
            return Ok(());
        }
        // What a sale itself earns may be spent in it.
        hold(self.is_due(None, before, known.stamped)?, || {
            format!("a reward was given that was not due: {}", known.place)
        })?;
        if before.offline.is_some() {
            let spent = self.model.spent_offline(&before.visible, known.day);
            hold(spent + before.cost <= before.spend_day, || {
                format!(
                    "{spent} were spent without the server on one day, and {} more: {}",
                    before.cost, known.place
                )
            })?;
            hold(known.spent_offline == known.spent, || {
                format!("a reward without the server does not say so: {}", known.place)
            })?;
        }
        Ok(())
    }

    /// Takes five euros off for points.
    pub fn five_off(&mut self, at: usize, guest: usize, key: &str) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let before = self.before(at, Some(&code))?;
        let claims = vec![Claim::once("five-off".parse().machine("a reward")?)];
        let terminal = self.places[at].acting()?;
        let Ok(sale) = basket(terminal, 2, 1, claims) else { return self.nothing_yet(at) };
        let given = terminal.sale(Some(&code), sale, &asked(key));
        let Some(before) = before else { return Ok(()) };
        let unit = point()?;
        let balance = self.model.sum(&before.visible).get(&unit).copied().unwrap_or(0);
        match given {
            Ok(given) => {
                self.note("rewards in points");
                let known = self.written(at, given.event)?;
                // What the sale itself earns may be spent in it.
                let left =
                    balance + known.as_ref().and_then(|known| known.moved.get(&unit)).copied().unwrap_or(0);
                hold(!before.clear || left >= 0, || {
                    format!("12 points were taken of {balance}, and {left} are left")
                })?;
                if let Some(known) = known {
                    self.within_cap(&before, &known, None)?;
                }
                self.shown(at, &given)?;
                self.finish(at, &given, key, Some(&code), None, true)
            }
            Err(TerminalError::Refused(..)) => {
                hold(!before.clear || balance < 12, || format!("12 points of {balance} were refused"))
            }
            Err(TerminalError::Blocked) => Ok(()),
            Err(error) => broken(format!("a sale was refused: {error}")),
        }
    }

    /// Gives what a deed earns that is rewarded once.
    pub fn deed(&mut self, at: usize, guest: usize, key: &str) -> Result<()> {
        let Some(code) = self.guest_code(guest) else { return Ok(()) };
        let before = self.before(at, Some(&code))?;
        let programme = "points".parse().machine("a programme")?;
        let given = self.places[at].acting()?.earn(&code, &programme, "newsletter", "", &asked(key));
        let Some(before) = before else { return Ok(()) };
        let known: Vec<&Known> =
            before.visible.iter().filter_map(|name| self.model.events.get(name)).collect();
        let had = standing_rights(&known).len();
        match given {
            Ok(given) => {
                self.note("deeds");
                hold(!before.clear || had == 0, || {
                    "a right was given that this device had seen given before".into()
                })?;
                self.written(at, given.event)?;
                self.shown(at, &given)?;
                self.finish(at, &given, key, Some(&code), None, false)
            }
            Err(TerminalError::NotGiven(_)) => {
                hold(!before.clear || had > 0, || "a right was refused that nobody has had".into())
            }
            Err(TerminalError::Blocked) => Ok(()),
            Err(error) => broken(format!("a deed was refused: {error}")),
        }
    }

    /// What this device knows to have been taken back of an action: a right that was given twice is the server's to take. What
    /// it took back itself stands in its journal, and in that of an older copy of it does not.
    fn gone(&self, at: usize, done: &Done) -> Result<BTreeMap<Unit, i64>> {
        let member = self.model.events.get(&done.name).and_then(|known| known.member);
        let Some(member) = member else { return Ok(BTreeMap::new()) };
        let visible = self.visible(at, member)?;
        let place = &self.places[at];
        let is_here = |name: Name, known: &Known| {
            known.place.author != place.device || place.own(known.place) == Some(name)
        };
        let of_it = |name: &&Name| {
            let known = self.model.events.get(*name);
            known.is_some_and(|known| known.of == Some(done.event) && is_here(**name, known))
        };
        Ok(self.model.sum(visible.iter().filter(of_it)))
    }

    /// Takes a recent action back: once, wholly.
    pub fn undo(&mut self, at: usize, back: usize, key: &str, refund: bool) -> Result<()> {
        let wanted = |done: &&Done| !refund || done.sale;
        let place = &self.places[at];
        let Some(done) = place.notes.done.iter().rev().filter(wanted).nth(back).cloned() else {
            return Ok(());
        };
        let gone = self.gone(at, &done)?;
        let terminal = self.places[at].acting()?;
        let taken = match refund {
            true => terminal.refund(done.event, &std::collections::BTreeMap::new(), &asked(key)),
            false => terminal.undo(done.event, &asked(key)),
        };
        match taken {
            Ok(taken) => {
                self.note("taken back");
                let Some(known) = self.written(at, Some(taken.event))? else { return Ok(()) };
                hold(!done.taken_back, || format!("{} was taken back twice", done.event))?;
                let Some(first) = self.model.events.get(&done.name) else { return Ok(()) };
                let mut left = gone.clone();
                for (unit, amount) in first.moved.iter().chain(&known.moved) {
                    *left.entry(unit.clone()).or_default() += amount;
                }
                hold(left.values().all(|amount| *amount == 0), || {
                    let (moved, back) = (&first.moved, &known.moved);
                    format!(
                        "{} moved {moved:?}, {gone:?} was gone, taking it back moved {back:?}",
                        done.event
                    )
                })?;
                if let Some(member) = known.member {
                    self.look(at, member)?;
                }
                for noted in self.places[at].notes.done.iter_mut().filter(|noted| noted.event == done.event) {
                    noted.taken_back = true;
                }
                Ok(())
            }
            Err(TerminalError::AlreadyReversed(_)) => {
                // A right that was given twice may have been taken back by the server.
                let right = self.model.events.get(&done.name).is_some_and(|known| !known.rights.is_empty());
                hold(done.taken_back || right, || format!("{} cannot be taken back, and was not", done.event))
            }
            Err(TerminalError::NotNow(_)) => Ok(()),
            Err(error) => broken(format!("{} cannot be taken back: {error}", done.event)),
        }
    }
}

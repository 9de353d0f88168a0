//! The desk of the screens, answered by the terminal.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use stempel_domain::alarm::AlarmKind;
use stempel_domain::rules::codes;
use stempel_domain::sale::{Claim, Order, StampOrder};
use stempel_domain::{EventRef, OperatorId, Quantity};
use stempel_scan::decode::article_number_of_text;
use stempel_sync::SyncError;
use stempel_terminal::cards::{NewMember, Who};
use stempel_terminal::counter::{Circumstances, Given};
use stempel_terminal::day::LastGiven;
use stempel_terminal::handle::Handle;
use stempel_terminal::holds::{Asked, Wish, Word};
use stempel_terminal::operators::{Authority, Role, Worker};
use stempel_terminal::{Terminal, TerminalError};
use stempel_terminal::{gifts, slips};
use stempel_wire::article::Served;
use stempel_wire::slip::SlipPurpose;

use super::asking::{self, Errand, Told};
use super::basket::Items;
use super::goods::{self, category_name, free_mb};
use super::guest::{guest, reasons, refusal, spoken};
use super::kept::{CashGiven, LAST_CASH};
use super::syncing::{SharedReport, Wake, read};
use super::today::Today;
use super::upkeep;
use crate::cli::Failure;
use crate::controllers::{
    self as ui, ArticleCategory, Asking, Basket, Beyond, Catalogue, Colleague, ColleagueId, DaySums, Desk,
    EventId, Gift, Guest, Health, Joined, Language, LineId, Looked, MemberId, Moment, Money, Owner, Paid,
    Paper, Placement, PlugTest, PoolId, ProgrammeId, Question, Refusal, RewardId, Sample, SampleId, Sku,
    Slip, Stamped, Stamping, SyncReport, TERMS,
};

/// Guests whose code is remembered until the next: the last three are on the screen.
const REMEMBERED_MAX: usize = 50;
/// Who works at a screen that asks nobody.
const OPERATOR: &str = "counter";

/// A card of the sample shop to click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleCard {
    /// Whose it is, or what is the matter with it.
    pub name: String,
    /// What to expect.
    pub detail: String,
    /// What stands in its code.
    pub text: String,
}

/// The cards of a sample shop that holds its own keys.
pub(super) fn samples_of(terminal: &Terminal) -> Result<Vec<SampleCard>, Failure> {
    let mut samples = Vec::new();
    for (member, profile) in terminal.view().find_by_name("", 6)? {
        if let Some(card) = terminal.card_of(member)? {
            let text = terminal.token_of(card)?.to_string();
            samples.push(SampleCard { name: profile.name, detail: card.number().to_string(), text });
        }
    }
    Ok(samples)
}

/// So long after the start the camera may see what lay there before.
const FIRST_SIGHT_SECONDS: i64 = 10;
/// So long before the start a stamp may be that of the card that lies there.
const JUST_BEFORE_MS: i64 = 120_000;

/// The desk of one station. Lives on the window's thread and asks the terminal's.
#[derive(Debug)]
pub(super) struct TerminalDesk {
    handle: Handle,
    report: SharedReport,
    wake: SyncSender<Wake>,
    samples: Vec<SampleCard>,
    language: Language,
    /// The code by which each guest was last seen: a new card has no other name yet.
    seen: Vec<(MemberId, String)>,
    /// The last stamps by hand or scan, for a free one among them.
    last_stamp: Option<(MemberId, EventRef)>,
    items: Items,
    /// Where the data lies: how much room is left there is told.
    folder: PathBuf,
    /// When the program began.
    began: Moment,
    /// The code in hand may have lain before the camera since before that.
    may_lie_there: bool,
    today: Cell<Today>,
    /// The limits that the last refusal was about.
    beyond: RefCell<Option<Beyond>>,
    /// What the server is being asked.
    question: asking::Question,
}

/// What the server said of a reward, and what it set aside for it.
type Said = Option<(Asked, Wish)>;

impl TerminalDesk {
    pub fn new(
        handle: Handle,
        report: SharedReport,
        wake: SyncSender<Wake>,
        samples: Vec<SampleCard>,
        language: Language,
        folder: PathBuf,
        began: Moment,
    ) -> Self {
        Self {
            handle,
            report,
            wake,
            samples,
            language,
            seen: Vec::new(),
            last_stamp: None,
            items: Items::default(),
            folder,
            began,
            may_lie_there: false,
            today: Cell::default(),
            beyond: RefCell::default(),
            question: asking::Question::default(),
        }
    }

    /// Calls that whenever the server has answered, on another thread.
    pub fn when_answered(&mut self, told: Told) {
        self.question.when_answered(told);
    }

    /// Takes what the camera reads for a while after the start as cards that may have lain before it when the program
    /// ended: what was counted just before then is not counted again.
    pub fn seen_by_camera(&mut self, now: Moment) {
        self.may_lie_there = now.seconds_since(self.began) < FIRST_SIGHT_SECONDS;
    }

    /// The card in hand was put down.
    pub fn put_down(&mut self) {
        self.may_lie_there = false;
    }

    /// The stamp that a guest was given just before the program began, if the card may have lain here since.
    fn counted_before(&self, member: &MemberId) -> Result<(), Refusal> {
        if !self.may_lie_there {
            return Ok(());
        }
        let (code, language) = (self.code_of(member), self.language);
        let (guest, last_ms) = self.ask(move |terminal| {
            let who = terminal.who(&code)?;
            let last_ms = terminal.last_visit_ms(who.member(), &terminal.moment(None)?)?;
            Ok((guest(terminal, &who, None, language)?, last_ms))
        })?;
        let before_ms = last_ms.map_or(i64::MAX, |last_ms| self.began.unix_ms - last_ms);
        if !(0..JUST_BEFORE_MS).contains(&before_ms) {
            return Ok(());
        }
        let at = Moment { unix_ms: self.began.unix_ms - before_ms, ..self.began };
        Err(Refusal::AlreadyCounted { at, guest: Box::new(guest) })
    }

    /// Speaks that language from now on.
    pub fn speak(&mut self, language: Language) {
        self.language = language;
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Terminal) -> Result<T, TerminalError> + Send + 'static,
    ) -> Result<T, Refusal> {
        match self.handle.call(work) {
            Ok(answer) => answer.map_err(|error| {
                if let TerminalError::SecondPerson(beyond) = &error {
                    let each =
                        beyond.iter().map(|alarm| (alarm.kind.name().to_owned(), alarm.subject.clone()));
                    self.beyond.replace(Some(Beyond(each.collect())));
                }
                refusal(error, self.language)
            }),
            Err(closed) => Err(Refusal::Trouble { what: closed.to_string() }),
        }
    }

    /// Something was stored: the server should hear of it. A full line means that it will look anyway.
    fn stored(&self) {
        let _ = self.wake.try_send(Wake::Now);
    }

    fn remember(&mut self, member: &MemberId, code: &str) {
        self.seen.retain(|(known, _)| known != member);
        self.seen.push((member.clone(), code.to_owned()));
        if self.seen.len() > REMEMBERED_MAX {
            self.seen.remove(0);
        }
    }

    /// The code under which the terminal finds a guest of the screen.
    fn code_of(&self, member: &MemberId) -> String {
        let seen = self.seen.iter().find(|(known, _)| known == member);
        seen.map_or_else(|| member.to_string(), |(_, code)| code.clone())
    }

    fn circumstances(by_hand: bool) -> Circumstances {
        let operator: Option<OperatorId> = OPERATOR.parse().ok();
        Circumstances { operator, by_hand, ..Circumstances::default() }
    }

    /// What the server has said of a reward. Where it has to be asked, that begins here, and the same is to be wanted
    /// again when it has answered.
    fn said(
        &mut self,
        errand: Errand,
        wish: impl FnOnce(&mut Terminal) -> Result<Option<Wish>, TerminalError> + Send + 'static,
    ) -> Result<Said, Refusal> {
        if let Some(said) = self.question.answer_to(&errand, &self.handle) {
            return match said {
                (Asked::NotEnough(error), _) => Err(Refusal::RewardRefused { why: self.no_more(error) }),
                said => Ok(Some(said)),
            };
        }
        if self.question.state() == Asking::Waiting {
            return Err(Refusal::AskingServer);
        }
        // What else stands in the way is said by the action itself.
        let Some(wish) = self.ask(wish).ok().flatten() else { return Ok(None) };
        self.question.begin(errand, wish, &self.handle);
        Err(Refusal::AskingServer)
    }

    /// Carries something out with the server's word, and says whether it was given without one. What was set aside for
    /// nothing is given back.
    fn hearing<T: Send + 'static>(
        &self,
        said: Said,
        work: impl FnOnce(&mut Terminal) -> Result<T, TerminalError> + Send + 'static,
    ) -> Result<(T, bool), Refusal> {
        let word = said.as_ref().map_or(Word::Unasked, |(asked, _)| asked.word());
        let done = self.ask(move |terminal| terminal.hearing(word, work));
        match (done, said) {
            (Ok(given), said) => Ok((given, matches!(said, Some((Asked::Silent(_), _))))),
            (Err(Refusal::RewardRefused { why }), Some((Asked::Silent(error), _))) => {
                let silent = crate::words::error(&error.into(), spoken(self.language));
                Err(Refusal::RewardRefused { why: format!("{why} {silent}") })
            }
            (Err(refused), Some((Asked::Held, wish))) => {
                asking::give_back(&self.handle, wish);
                Err(refused)
            }
            (Err(refused), _) => Err(refused),
        }
    }

    /// The server has less than that.
    fn no_more(&self, error: SyncError) -> String {
        match self.language {
            Language::German => {
                "Der Server sagt: Das wird gerade an einem anderen Gerät eingelöst. Es wurde nichts gegeben."
                    .to_owned()
            }
            Language::English => crate::words::sentence_case(&error.to_string()),
        }
    }

    /// What a stamp or reward led to, or why it led to nothing.
    fn stamped(
        &self,
        member: &MemberId,
        given: Given,
        reward: &str,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        let (code, language) = (self.code_of(member), self.language);
        let last = self.last_stamp.clone().filter(|(known, _)| known == member).map(|(_, event)| event);
        let (guest, last_ms) = self.ask(move |terminal| {
            let who = terminal.who(&code)?;
            let at = terminal.moment(None)?;
            let mut guest = guest(terminal, &who, None, language)?;
            // "One of these is free" stands there only where it can be done: the rest has to be enough without them.
            for reward in guest.rewards.iter_mut().filter(|reward| reward.of_these) {
                let claim = reward.id.0.parse().map(Claim::once).ok();
                let may = |event, claim| {
                    terminal.may_be_free_among(event, &code, claim, &Self::circumstances(true))
                };
                reward.of_these = last.zip(claim).is_some_and(|(event, claim)| may(event, claim));
            }
            Ok((guest, terminal.last_visit_ms(who.member(), &at)?))
        })?;
        let reasons = reasons(&given.outcome.trace, language);
        let stamps: i64 = given
            .outcome
            .earned()
            .iter()
            .filter(|(unit, _)| unit.is_stamp())
            .map(|(_, amount)| *amount)
            .sum();
        // A challenge or a birthday may give something where the card itself gives no stamp.
        let nothing = given.outcome.awards.is_empty() && given.outcome.spends.is_empty();
        let Some(event) = given.event else {
            let at = Moment { unix_ms: last_ms.unwrap_or(now.unix_ms), offset_minutes: now.offset_minutes };
            return Err(Refusal::AlreadyCounted { at, guest: Box::new(guest) });
        };
        if nothing && given.outcome.trace.iter().any(|step| step.code == codes::DAILY_LIMIT) {
            return Err(Refusal::DayIsFull { guest: Box::new(guest) });
        }
        if nothing {
            return Err(Refusal::NothingGiven { guest: Box::new(guest), reasons });
        }
        Ok(Stamped {
            event: event.to_string().as_str().into(),
            guest,
            given: u32::try_from(stamps).unwrap_or(0),
            reward: reward.to_owned(),
            reasons,
            unheard: false,
        })
    }

    fn priced(&self) -> Result<Basket, Refusal> {
        let (items, language) = (self.items.clone(), self.language);
        let code = items.seated.as_ref().map(|member| self.code_of(member));
        self.ask(move |terminal| items.priced(terminal, code.as_deref(), language))
    }
}

impl Desk for TerminalDesk {
    fn scan(&mut self, text: &str, _now: Moment) -> Result<Guest, Refusal> {
        let (code, language) = (text.to_owned(), self.language);
        let guest = self.ask(move |terminal| {
            let who = terminal.who(&code)?;
            guest(terminal, &who, None, language)
        })?;
        self.remember(&guest.member, text);
        Ok(guest)
    }

    fn look_again(&self, member: &MemberId) -> Option<Guest> {
        let (code, language) = (self.code_of(member), self.language);
        self.ask(move |terminal| {
            let who = terminal.who(&code)?;
            guest(terminal, &who, None, language)
        })
        .ok()
    }

    fn stamp(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        count: u32,
        how: Stamping,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        if how == Stamping::Scan {
            self.counted_before(member)?;
        }
        let code = self.code_of(member);
        let circumstances = Self::circumstances(how == Stamping::Hand);
        let programme: Option<stempel_domain::ProgrammeId> = card.and_then(|card| card.0.parse().ok());
        let given = self.ask(move |terminal| {
            terminal.stamp(&code, programme.as_ref(), count, Vec::new(), &circumstances)
        })?;
        self.stored();
        self.last_stamp = given.event.map(|event| (member.clone(), event));
        self.stamped(member, given, "", now)
    }

    fn stamp_for_proof(&mut self, member: &MemberId, proof: &str, now: Moment) -> Result<Stamped, Refusal> {
        let (code, proof) = (self.code_of(member), proof.to_owned());
        let given = self.ask(move |terminal| {
            // Where the shop wants it so, somebody who works here may say that something was bought.
            if terminal.settings()?.proof.counter && terminal.staff_card(&proof)?.is_some() {
                return terminal.stamp(&code, None, 1, Vec::new(), &Self::circumstances(true));
            }
            terminal.stamp_for_proof(&code, None, &proof, Vec::new(), &Self::circumstances(false))
        })?;
        self.stored();
        self.last_stamp = None;
        self.stamped(member, given, "", now)
    }

    fn takes_receipts(&self) -> bool {
        let taken =
            self.ask(|terminal| Ok(terminal.settings()?.proof.receipt && !terminal.tills()?.is_empty()));
        taken.unwrap_or(true)
    }

    fn is_proof(&self, text: &str) -> bool {
        Terminal::is_proof(text)
    }

    fn issue_slip(&mut self, stamps: u32, _now: Moment) -> Result<Slip, Refusal> {
        let (operator, language) = (Self::circumstances(true).operator, spoken(self.language));
        let (slip, prints) = self.ask(move |terminal| {
            let prints = terminal.settings()?.printer.is_some();
            let slip = terminal.issue_slip(SlipPurpose::Stamps, stamps, slips::DAYS, &operator, None)?;
            Ok((slip, prints))
        })?;
        let paper = if prints { Paper::Printing } else { Paper::None };
        Ok(Slip { code: slip.to_string(), stamps, last: language.long_day(slip.last), paper })
    }

    fn take_paper(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        stamps: u32,
        manager: Option<&str>,
        _now: Moment,
    ) -> Result<Stamped, Refusal> {
        let (code, language) = (self.code_of(member), self.language);
        let programme: Option<stempel_domain::ProgrammeId> = card.and_then(|card| card.0.parse().ok());
        let (circumstances, pin) = (Self::circumstances(true), manager.map(str::to_owned));
        let (event, guest) = self.ask(move |terminal| {
            let manager = pin.as_deref().map(Authority::Pin);
            let taken =
                terminal.take_paper_card(&code, programme.as_ref(), stamps, manager, &circumstances)?;
            let who = Who::Member { member: taken.member, card: None };
            Ok((taken.event, guest(terminal, &who, None, language)?))
        })?;
        self.stored();
        self.last_stamp = None;
        Ok(Stamped { event: event.to_string().as_str().into(), guest, given: stamps, ..Stamped::default() })
    }

    fn beyond(&mut self) -> Option<Beyond> {
        self.beyond.take()
    }

    fn agree(&mut self, beyond: &Beyond, pin: &str) -> Result<(), Refusal> {
        let (beyond, pin) = (beyond.0.clone(), pin.to_owned());
        self.ask(move |terminal| {
            for (kind, subject) in beyond {
                let kind = AlarmKind::named(&kind);
                let kind = kind.ok_or_else(|| TerminalError::Input("no such alarm".into()))?;
                terminal.agree(kind, &subject, &pin)?;
            }
            Ok(())
        })?;
        self.stored();
        Ok(())
    }

    fn colleagues(&self) -> Vec<Colleague> {
        let workers = self.ask(|terminal| terminal.operators()).unwrap_or_default();
        let colleague = |worker: Worker| Colleague {
            id: worker.id.as_str().into(),
            name: worker.name,
            has_pin: worker.has_pin,
            manager: worker.role == Role::Manager,
        };
        workers.into_iter().filter(|worker| worker.has_pin || worker.has_card).map(colleague).collect()
    }

    fn check_pin(&mut self, who: Option<&ColleagueId>, pin: &str) -> Result<(), Refusal> {
        let (who, pin) = (who.map(|who| who.0.clone()), pin.to_owned());
        self.ask(move |terminal| match who {
            Some(who) => terminal.check_pin(&who.parse()?, &pin).map(drop),
            None => terminal.manager_of(&pin).map(drop),
        })
    }

    fn is_staff_card(&self, text: &str) -> bool {
        let text = text.to_owned();
        self.ask(move |terminal| terminal.staff_card(&text)).is_ok_and(|worker| worker.is_some())
    }

    fn claim_by_slip(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        slip: &str,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        let (code, slip) = (self.code_of(member), slip.to_owned());
        let circumstances = Self::circumstances(true);
        let claim: Claim = reward.0.parse().map(Claim::once).map_err(|_| Refusal::UnknownCode)?;
        let said = self.said_of_reward(member, reward, &claim)?;
        let work =
            move |terminal: &mut Terminal| terminal.redeem_by_slip(&code, claim, &slip, &circumstances);
        let (given, unheard) = self.hearing(said, work)?;
        self.stored();
        self.last_stamp = None;
        let name = self.reward_name(reward);
        Ok(Stamped { unheard, ..self.stamped(member, given, &name, now)? })
    }

    fn gifts(&self) -> Vec<Gift> {
        let waiting = self.ask(|terminal| terminal.waiting_gifts()).unwrap_or_default();
        let gift = |gift: gifts::Waiting| {
            let count = u32::try_from(gift.count).ok().filter(|count| *count > 0)?;
            let name = category_name(&gift.pool, self.language);
            Some(Gift { pool: gift.pool.as_str().into(), name, count })
        };
        waiting.into_iter().filter_map(gift).collect()
    }

    fn release_gift(&mut self, pool: &PoolId, _now: Moment) -> Result<(), Refusal> {
        let (pool, circumstances) = (pool.0.clone(), Self::circumstances(true));
        self.ask(move |terminal| terminal.release_gift(Some(&pool), &circumstances))?;
        self.stored();
        Ok(())
    }

    fn health(&self) -> Health {
        let folder = self.folder.clone();
        let offset_minutes = self.began.offset_minutes;
        let health = self.ask(move |terminal| {
            let health = terminal.health()?;
            let device = terminal.identity().device;
            let events = terminal.view().head(device)?.seq;
            let position = terminal.view().sync_state()?.cursor;
            Ok(Health {
                clock_doubtful: health.clock_doubtful,
                skew_ms: health.skew_ms,
                waiting: u32::try_from(health.pending).unwrap_or(u32::MAX),
                last_sync: health.last_sync_ms.map(|unix_ms| Moment { unix_ms, offset_minutes }),
                alone: health.alone,
                blanks: health.blanks.map(|left| u32::try_from(left).unwrap_or(u32::MAX)),
                troubles: u32::try_from(health.troubles + health.unreadable_programmes).unwrap_or(u32::MAX),
                events,
                position,
                free_mb: free_mb(&folder),
            })
        });
        health.unwrap_or_default()
    }

    fn day_sums(&self, _now: Moment) -> DaySums {
        let sums = self.ask(|terminal| Ok(terminal.day_sums(None)?.1.all)).unwrap_or_default();
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        DaySums {
            stamps: u32::try_from(sums.stamps).unwrap_or(0),
            rewards: count(sums.rewards),
            undone: count(sums.undone),
            joined: count(sums.joined),
            paper_cards: count(sums.paper_cards),
            paper_stamps: u32::try_from(sums.paper_stamps).unwrap_or(0),
            slips_issued: count(sums.slips_issued),
            slips_used: count(sums.slips_used),
            gifts: count(sums.gifts_released),
        }
    }

    fn last_guests(&self, most: usize) -> Option<Vec<ui::LastGuest>> {
        let operator: OperatorId = OPERATOR.parse().ok()?;
        let given = self.ask(move |terminal| terminal.last_given(&operator, most)).ok()?;
        let shown = |given: LastGiven| ui::LastGuest {
            event: given.event.to_string().as_str().into(),
            name: given.name,
            at: Moment { unix_ms: given.at.utc_ms, offset_minutes: given.at.offset_minutes.into() },
            stamps: u32::try_from(given.stamps).unwrap_or(0),
            reward: given.reward,
            undone: given.undone,
        };
        Some(given.into_iter().map(shown).collect())
    }

    fn last_sale(&self) -> Option<ui::LastSale> {
        let operator: OperatorId = OPERATOR.parse().ok()?;
        let (sold, cash) = self
            .ask(move |terminal| {
                let cash: Option<CashGiven> = terminal.view().setting(LAST_CASH)?;
                Ok(terminal.last_sold(&operator)?.zip(cash))
            })
            .ok()??;
        let given = (cash.event == sold.event).then_some(Money(cash.given))?;
        let total = Money(sold.total.0);
        Some(ui::LastSale {
            event: sold.event.to_string().as_str().into(),
            total,
            given,
            change: Money(given.0 - total.0),
            at: Moment { unix_ms: sold.at.utc_ms, offset_minutes: sold.at.offset_minutes.into() },
            seconds: 0,
        })
    }

    fn claim(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        how: ui::Claim,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        let code = self.code_of(member);
        let circumstances = Self::circumstances(true);
        let claim: Claim = reward.0.parse().map(Claim::once).map_err(|_| Refusal::UnknownCode)?;
        let said = self.said_of_reward(member, reward, &claim)?;
        let last = self.last_stamp.clone().filter(|(known, _)| known == member);
        let (given, unheard) = match (how, last) {
            (ui::Claim::OfThese, Some((_, event))) => {
                self.hearing(said, move |terminal| terminal.free_among(event, &code, claim, &circumstances))?
            }
            _ => self.hearing(said, move |terminal| terminal.redeem(&code, claim, &circumstances))?,
        };
        self.stored();
        self.last_stamp = None;
        let name = self.reward_name(reward);
        Ok(Stamped { unheard, ..self.stamped(member, given, &name, now)? })
    }

    fn asking(&self) -> Asking {
        self.question.state()
    }

    fn wait_no_longer(&mut self) {
        self.question.wait_no_longer();
    }

    fn stop_asking(&mut self) {
        self.question.stop(&self.handle);
    }

    fn undo(&mut self, event: &EventId, _now: Moment) -> Result<Option<Guest>, Refusal> {
        let event: EventRef = event.0.parse().map_err(|_| Refusal::TooLate)?;
        let (circumstances, language) = (Self::circumstances(true), self.language);
        let guest = self.ask(move |terminal| {
            let back = terminal.undo(event, &circumstances)?;
            let who = back.member.map(|member| Who::Member { member, card: None });
            who.map(|who| guest(terminal, &who, None, language)).transpose()
        })?;
        self.last_stamp = None;
        self.stored();
        Ok(guest)
    }

    fn join(&mut self, name: Option<&str>, _now: Moment) -> Result<Joined, Refusal> {
        let (operator, language) = (Self::circumstances(true).operator, self.language);
        let name = name.map(str::to_owned);
        let (guest, code) = self.ask(move |terminal| {
            // Whoever gives a name here has read what happens to it.
            let terms = name.as_ref().map(|_| terms_here(terminal)).transpose()?;
            let new = NewMember { name: name.as_deref(), terms: terms.as_deref(), ..NewMember::default() };
            let joined = terminal.add(&new, &operator, None)?;
            let who = Who::Member { member: joined.member, card: Some(joined.card) };
            Ok((guest(terminal, &who, None, language)?, joined.token.to_string()))
        })?;
        self.remember(&guest.member, &code);
        self.stored();
        Ok(Joined { guest, code })
    }

    fn name_guest(&mut self, member: &MemberId, name: &str, _now: Moment) -> Result<Guest, Refusal> {
        let (code, name, language) = (self.code_of(member), name.to_owned(), self.language);
        let operator = Self::circumstances(true).operator;
        let guest = self.ask(move |terminal| {
            let who = terminal.who(&code)?;
            let terms = terms_here(terminal)?;
            terminal.name_member(&who, &name, Some(&terms), &operator)?;
            guest(terminal, &terminal.who(&code)?, None, language)
        })?;
        self.stored();
        Ok(guest)
    }

    fn find_named(&self, text: &str, behind: Option<&MemberId>) -> Looked {
        let (text, behind) = (text.to_owned(), behind.and_then(|member| member.0.parse().ok()));
        self.ask(move |terminal| upkeep::find_named(terminal, &text, behind)).unwrap_or_default()
    }

    fn replace_lost(&mut self, owner: &Owner, _now: Moment) -> Result<Joined, Refusal> {
        let (owner, language) = (owner.clone(), self.language);
        let operator = Self::circumstances(true).operator;
        let (guest, code) = self.ask(move |terminal| {
            let joined = upkeep::replace_lost(terminal, &owner, &operator)?;
            let who = Who::Member { member: joined.member, card: Some(joined.card) };
            Ok((guest(terminal, &who, None, language)?, joined.token.to_string()))
        })?;
        self.remember(&guest.member, &code);
        self.stored();
        Ok(Joined { guest, code })
    }

    fn question(&self) -> Option<Question> {
        let question = self.ask(|terminal| Ok(terminal.settings()?.question)).ok().flatten()?;
        let (text, reasons) = question.worded(self.language.tag());
        Some(Question { text: text.to_owned(), reasons: reasons.to_vec() })
    }

    fn answer(&mut self, score: u8, reason: Option<&str>, _now: Moment) -> Result<(), Refusal> {
        let reason = reason.map(str::to_owned);
        self.ask(move |terminal| terminal.answer(score, reason.as_deref(), &Circumstances::default()))?;
        self.stored();
        Ok(())
    }

    fn call_words(&self, member: &MemberId, reward: &RewardId) -> (String, String) {
        let member = member.0.parse().ok();
        let name = self.ask(move |terminal| {
            let profile = member.map(|member| terminal.view().profile(member)).transpose()?.flatten();
            Ok(profile.map(|profile| profile.name).unwrap_or_default())
        });
        (name.unwrap_or_default(), self.reward_name(reward))
    }

    fn placement(&self) -> Placement {
        self.ask(|terminal| upkeep::placement(terminal)).unwrap_or_default()
    }

    fn keep_placement(&mut self, placement: Placement) -> Result<(), Refusal> {
        self.ask(move |terminal| upkeep::keep_placement(terminal, placement))
    }

    fn test_card(&mut self) -> Result<String, Refusal> {
        self.ask(|terminal| terminal.test_card())
    }

    fn plug_test(&self) -> Option<PlugTest> {
        let offset_minutes = self.began.offset_minutes;
        self.ask(move |terminal| upkeep::plug_test(terminal, offset_minutes)).ok().flatten()
    }

    fn begin_plug_test(&mut self, _now: Moment) -> Result<PlugTest, Refusal> {
        let test = self.ask(|terminal| terminal.begin_plug_test(&upkeep::start_of_machine()))?;
        self.stored();
        Ok(PlugTest { given: u32::try_from(test.stamps.len()).unwrap_or(0), result: None })
    }

    fn stamps_today(&self, _now: Moment) -> u32 {
        let before = self.today.get();
        if let Ok(today) = self.ask(move |terminal| before.count_on(terminal)) {
            self.today.set(today);
        }
        self.today.get().stamps()
    }

    fn samples(&self) -> Vec<Sample> {
        super::listed(&self.samples)
    }

    fn sample_text(&self, sample: &SampleId) -> Option<String> {
        let place: usize = sample.0.parse().ok()?;
        self.samples.get(place).map(|card| card.text.clone())
    }

    fn catalogue(&self) -> Catalogue {
        let language = self.language;
        let articles = self.ask(|terminal| Ok(terminal.view().articles()?)).unwrap_or_default();
        let mut categories: Vec<ArticleCategory> = Vec::new();
        for article in &articles {
            if !categories.iter().any(|known| known.id == article.category) {
                let name = category_name(&article.category, language);
                categories.push(ArticleCategory { id: article.category.clone(), name });
            }
        }
        let articles = articles.into_iter().map(goods::article).collect();
        Catalogue { categories, articles }
    }

    fn article(&self, text: &str) -> Result<Option<Sku>, Refusal> {
        let Some(number) = article_number_of_text(text) else { return Ok(None) };
        let wanted = number.clone();
        match self.ask(move |terminal| terminal.article_on_package(&wanted))? {
            Some(article) => Ok(Some(article.sku.as_str().into())),
            None => Err(Refusal::UnknownArticle { number: number.trim_start_matches('0').to_owned() }),
        }
    }

    fn basket(&self, _now: Moment) -> Basket {
        // What cannot be priced is not shown; the action that led to it says why.
        self.priced().unwrap_or_default()
    }

    fn put_in(&mut self, sku: &Sku, _now: Moment) -> Result<(), Refusal> {
        let known: stempel_domain::Sku = sku.0.parse().map_err(|_| Refusal::UnknownCode)?;
        self.ask(move |terminal| terminal.line(&known, Quantity::ONE, Served::Here))?;
        match self.items.lines.iter_mut().find(|(known, _)| known == sku) {
            Some((_, count)) => *count = count.saturating_add(1).min(999),
            None => self.items.lines.push((sku.clone(), 1)),
        }
        Ok(())
    }

    fn serve(&mut self, away: bool) {
        self.items.away = away;
    }

    fn take_out(&mut self, line: &LineId, _now: Moment) -> Result<(), Refusal> {
        let place = self.items.lines.iter().position(|(sku, _)| sku.0 == line.0).ok_or(Refusal::TooLate)?;
        self.items.lines[place].1 -= 1;
        if self.items.lines[place].1 == 0 {
            self.items.lines.remove(place);
        }
        // A reward that needs what has just gone goes with it.
        while self.priced().is_err() && self.items.taken.pop().is_some() {}
        Ok(())
    }

    fn seat(&mut self, member: Option<&MemberId>, _now: Moment) -> Result<(), Refusal> {
        self.items.seated = member.cloned();
        self.items.taken.clear();
        Ok(())
    }

    fn put_reward(&mut self, reward: &RewardId, take: bool, _now: Moment) -> Result<(), Refusal> {
        if !take {
            self.items.taken.retain(|taken| taken != reward);
            return Ok(());
        }
        self.items.taken.push(reward.clone());
        if let Err(refused) = self.priced() {
            self.items.taken.pop();
            return Err(refused);
        }
        Ok(())
    }

    fn pay_cash(&mut self, given: Money, _now: Moment) -> Result<Paid, Refusal> {
        let total = self.priced()?.total;
        if given < total {
            let what = match self.language {
                Language::German => "Das ist weniger als die Summe. Bitte den ganzen Betrag eingeben.",
                Language::English => "That is less than the total. Please enter the whole amount.",
            };
            return Err(Refusal::Trouble { what: what.to_owned() });
        }
        let items = self.items.clone();
        let code = items.seated.as_ref().map(|member| self.code_of(member));
        let said = match &code {
            Some(code) if !items.taken.is_empty() => {
                let (errand, items, code) = (Errand::Sale(items.clone()), items.clone(), code.clone());
                self.said(errand, move |terminal| {
                    let sale = items.sale(terminal)?;
                    terminal.wish(&code, Order::Sale(&sale), None)
                })?
            }
            _ => None,
        };
        let circumstances = Self::circumstances(true);
        let (sold, unheard) = self.hearing(said, move |terminal| {
            let sale = items.sale(terminal)?;
            terminal.sale(code.as_deref(), sale, &circumstances)
        })?;
        self.items = Items::default();
        self.stored();
        if let Some(event) = sold.event {
            // The sale stands already; nobody waits for this.
            let cash = CashGiven { event, given: given.0 };
            let _ = self.handle.send(move |terminal| drop(terminal.keep_setting(LAST_CASH, &cash)));
        }
        let total = Money(sold.outcome.total.0);
        let event = sold.event.map(|event| event.to_string()).unwrap_or_default();
        Ok(Paid { event: event.as_str().into(), total, change: Money(given.0 - total.0), unheard })
    }

    fn sync_report(&self) -> SyncReport {
        let waiting = self.ask(|terminal| terminal.pending()).unwrap_or(0);
        SyncReport {
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            ..read(&self.report, spoken(self.language))
        }
    }

    fn sync_now(&mut self) {
        self.stored();
    }
}

impl TerminalDesk {
    /// What the server has said of a reward that is taken beside any sale.
    fn said_of_reward(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        claim: &Claim,
    ) -> Result<Said, Refusal> {
        let (code, claim) = (self.code_of(member), Claim { extra: true, ..claim.clone() });
        self.said(Errand::Reward(member.clone(), reward.clone()), move |terminal| {
            let order = StampOrder { stamps: Vec::new(), claims: vec![claim] };
            terminal.wish(&code, Order::Stamps(&order), None)
        })
    }

    fn reward_name(&self, reward: &RewardId) -> String {
        let (wanted, tag) = (reward.0.clone(), self.language.tag());
        let name = self.ask(move |terminal| {
            let specs = terminal.programmes().iter().map(|published| published.programme.spec());
            let found = specs.flat_map(|spec| &spec.reward).find(|reward| reward.id.as_str() == wanted);
            Ok(found.and_then(|reward| reward.name.as_ref()).map(|name| name.get(tag).to_owned()))
        });
        name.ok().flatten().unwrap_or_else(|| reward.to_string())
    }
}

/// The version of the terms that guests read here.
fn terms_here(terminal: &Terminal) -> Result<String, TerminalError> {
    Ok(terminal.settings()?.terms.unwrap_or_else(|| TERMS.to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_guest_is_named_by_the_members_id() {
        let member = stempel_domain::MemberId([7; 16]);
        assert_eq!(
            crate::station::guest::name_of(member).0.parse::<stempel_domain::MemberId>().unwrap(),
            member
        );
    }
}

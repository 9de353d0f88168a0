//! A PIN is asked for: what it is for, and what was typed so far. The digits never leave this file but for the desk.

use super::action::UiAction;
use super::desk::{Beyond, Colleague, ColleagueId, RewardId};
use super::model::{Notice, PinFor, PinModel};

/// The longest PIN.
const DIGITS_MAX: usize = 12;
/// The shortest PIN. Less is not tried: a wrong one counts.
const PIN_DIGITS_MIN: usize = 4;

/// What is done once the PIN is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Leave the kiosk.
    Leave,
    /// Give the guest at the kiosk this reward.
    Reward(RewardId),
    /// Take over a paper card with so many stamps.
    Paper(u32),
    /// Replace the lost card with this number.
    Lost(String),
    /// Do what goes beyond these limits after all.
    Agree(Beyond, Box<UiAction>),
}

/// The open question for a PIN.
#[derive(Debug, Clone)]
pub(super) struct PinController {
    pub wanted: Wanted,
    people: Vec<Colleague>,
    who: Option<ColleagueId>,
    typed: String,
    notice: Notice,
    /// Nobody here could type one.
    nobody: bool,
    /// The name of the call with which the counter was asked.
    pub call: Option<String>,
}

impl PinController {
    /// Asks a manager.
    pub fn manager(wanted: Wanted) -> Self {
        Self {
            wanted,
            people: Vec::new(),
            who: None,
            typed: String::new(),
            notice: Notice::default(),
            nobody: false,
            call: None,
        }
    }

    /// Asks one of these colleagues; one alone need not be named.
    pub fn colleague(wanted: Wanted, people: Vec<Colleague>) -> Self {
        let who = if let [only] = people.as_slice() { Some(only.id.clone()) } else { None };
        Self { nobody: people.is_empty(), people, who, ..Self::manager(wanted) }
    }

    /// What is on the screen.
    pub fn model(&self) -> PinModel {
        PinModel {
            purpose: match self.wanted {
                Wanted::Leave => PinFor::Leaving,
                Wanted::Reward(_) => PinFor::Reward,
                Wanted::Paper(_) => PinFor::Paper,
                Wanted::Lost(_) => PinFor::Lost,
                Wanted::Agree(..) => PinFor::Agreeing,
            },
            people: self.people.clone(),
            who: self.who.clone(),
            digits: u32::try_from(self.typed.len()).unwrap_or(u32::MAX),
            notice: self.notice.clone(),
            nobody: self.nobody,
            asked: self.call.is_some(),
        }
    }

    pub fn pick(&mut self, who: ColleagueId) {
        if self.people.iter().any(|colleague| colleague.id == who) {
            self.who = Some(who);
            self.typed.clear();
        }
    }

    pub fn key(&mut self, digits: &str) {
        self.notice = Notice::default();
        for digit in digits.chars().filter(char::is_ascii_digit) {
            if self.typed.len() < DIGITS_MAX {
                self.typed.push(digit);
            }
        }
    }

    pub fn erase(&mut self) {
        self.typed.pop();
    }

    /// Who typed what; none as long as nobody is named or nothing is typed.
    pub fn answer(&mut self) -> Option<(Option<ColleagueId>, String)> {
        if self.nobody || self.typed.len() < PIN_DIGITS_MIN || (self.who.is_none() && !self.people.is_empty())
        {
            return None;
        }
        Some((self.who.clone(), std::mem::take(&mut self.typed)))
    }

    pub fn wrong(&mut self, notice: Notice) {
        self.notice = notice;
    }
}

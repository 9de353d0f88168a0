//! A member as the screens show them, and the desk's words for the terminal's errors.

use stempel_domain::programme::RewardKind;
use stempel_domain::rules::{self, Outcome, TraceStep, codes};
use stempel_domain::{MemberId, Unit};
use stempel_terminal::cards::Who;
use stempel_terminal::error::{alarm_sentences, refusals};
use stempel_terminal::look::MemberLook;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::token::TokenError;

use crate::controllers::{self as ui, CardState, Guest, Refusal, Reward, Why, WhyKind};

/// The rules' name of a language of the screens.
pub(super) fn spoken(language: ui::Language) -> rules::Language {
    match language {
        ui::Language::German => rules::Language::De,
        ui::Language::English => rules::Language::En,
    }
}

/// The unit of tickets of a draw.
const TICKET: &str = "ticket";

/// A member as the screens show them; after an order, if one was judged but not yet booked.
pub(super) fn guest(
    terminal: &Terminal,
    who: &Who,
    order: Option<&Outcome>,
    language: ui::Language,
) -> Result<Guest, TerminalError> {
    let look = terminal.look(who)?;
    let offers = terminal.offers(who, order)?;
    let tag = language.tag();
    let text = |name: &stempel_domain::programme::Text| name.get(tag).to_owned();
    let rewards = offers.rewards.iter().filter(|offer| offer.possible()).map(|offer| Reward {
        id: offer.reward.as_str().into(),
        name: offer.name.as_ref().map_or_else(|| offer.reward.to_string(), text),
        waiting: offer.times,
        of_these: offer.unit.is_stamp() && offer.kind == RewardKind::FreeItem,
        gift: fills_a_pool(terminal, offer),
    });
    let rewards: Vec<Reward> = rewards.collect();
    let cards = offers.cards.iter().map(|card| CardState {
        programme: card.programme.id.as_str().into(),
        title: text(&card.name),
        // A full card stays on the screen until it is taken.
        stamps: if card.filled == 0 && card.full > 0 { card.size } else { card.filled },
        full: if card.filled == 0 { card.full.saturating_sub(1) } else { card.full },
        slots: card.size,
        reward: offers
            .rewards
            .iter()
            .find(|offer| offer.programme == card.programme)
            .and_then(|offer| offer.name.as_ref())
            .map(text)
            .unwrap_or_default(),
    });
    let cards: Vec<CardState> = cards.collect();
    let ending = offers.ending.iter().map(|ending| ending.sentence(spoken(language)));
    let progress = progress(&look, language);
    Ok(Guest {
        member: name_of(who.member()),
        name: look.profile.map(|profile| profile.name).unwrap_or_default(),
        tier: look.tiers.into_iter().find_map(|standing| standing.tier).unwrap_or_default(),
        birthday: look.birthday,
        is_new: look.new_card,
        card: cards.first().cloned().unwrap_or_default(),
        cards,
        ending: ending.collect(),
        progress,
        points: look
            .balances
            .iter()
            .find(|(unit, _)| is_point(unit))
            .map(|(unit, amount)| whole(unit, *amount)),
        usual: None,
        rewards,
    })
}

/// How far the challenges are that run, and how many tickets of a draw there are, a sentence each.
fn progress(look: &MemberLook, language: ui::Language) -> Vec<String> {
    let (of, tickets) = match language {
        ui::Language::German => ("von", ("Los", "Lose", "in der Verlosung")),
        ui::Language::English => ("of", ("ticket", "tickets", "in the draw")),
    };
    let running = look.challenges.iter().filter(|challenge| !challenge.reached);
    let challenges = running.filter_map(|challenge| {
        let name = challenge.name.as_ref().map(|name| name.get(language.tag()).to_owned())?;
        let goals = challenge.goals.iter().map(|(done, goal)| format!("{done} {of} {goal}"));
        Some(format!("{name}: {}", goals.collect::<Vec<_>>().join(", ")))
    });
    let held = look.balances.iter().filter(|(unit, amount)| unit.name() == TICKET && **amount > 0);
    let in_the_draw = held.map(|(unit, amount)| match whole(unit, *amount) {
        1 => format!("1 {} {}", tickets.0, tickets.2),
        count => format!("{count} {} {}", tickets.1, tickets.2),
    });
    challenges.chain(in_the_draw).collect()
}

/// Whether a reward is given away, to whoever needs it.
fn fills_a_pool(terminal: &Terminal, offer: &rules::Offer) -> bool {
    let published =
        terminal.programmes().iter().find(|published| published.reference.id == offer.programme.id);
    let rewards = published.map(|published| published.programme.spec().reward.as_slice()).unwrap_or_default();
    rewards.iter().any(|reward| reward.id == offer.reward && reward.fills.is_some())
}

/// A member's name at the desk.
pub(super) fn name_of(member: MemberId) -> ui::MemberId {
    member.to_string().as_str().into()
}

/// Whether a unit is shown as points.
pub(super) fn is_point(unit: &Unit) -> bool {
    unit.name() == "point"
}

/// Whole units; a rest does not show.
pub(super) fn whole(unit: &Unit, amount: i64) -> i64 {
    amount / 10_i64.pow(unit.scale().into())
}

/// The codes of steps that say that something was given.
const GIVEN: [&str; 7] = [
    codes::EARNED,
    codes::MULTIPLIED,
    codes::DISCOUNT,
    codes::FREE,
    codes::GIFT,
    codes::EXCHANGED,
    codes::VOUCHER,
];
/// The codes of what is given, and not at every visit.
const NEWS: [&str; 7] = [
    codes::CHALLENGE_DONE,
    codes::TIER_REACHED,
    codes::OCCASION,
    codes::REFERRAL,
    codes::REFERRER,
    codes::ACTIVITY,
    codes::MEMBERSHIP,
];

/// The reasons of an outcome, as sentences.
pub(super) fn reasons(steps: &[TraceStep], language: ui::Language) -> Vec<Why> {
    let each = steps.iter().map(|step| Why {
        kind: if NEWS.contains(&step.code.as_str()) { WhyKind::News } else { WhyKind::Other },
        given: GIVEN.iter().chain(&NEWS).any(|code| *code == step.code),
        what: rules::sentence(step, spoken(language)),
        limit: ui::Limit::None,
        units: 0,
    });
    each.collect()
}

/// What the screen says of an error.
pub(super) fn refusal(error: TerminalError, language: ui::Language) -> Refusal {
    match error {
        TerminalError::Code(TokenError::NotACard) | TerminalError::Unknown(_) => Refusal::UnknownCode,
        TerminalError::Code(TokenError::Foreign(_)) => Refusal::ForeignCode,
        TerminalError::Code(TokenError::Forged) => Refusal::ForgedCode,
        TerminalError::Blocked | TerminalError::OldSeries => Refusal::BlockedCard,
        TerminalError::AlreadyReversed(_) => Refusal::TooLate,
        TerminalError::Refused(refused, trace) => {
            Refusal::RewardRefused { why: refusals(&refused, &trace, spoken(language)) }
        }
        TerminalError::WrongPin => Refusal::WrongPin,
        TerminalError::PinWait { seconds } => Refusal::PinWait { seconds },
        TerminalError::NeedsManager => Refusal::NeedsManager,
        TerminalError::SecondPerson(beyond) => {
            let why = alarm_sentences(&beyond, spoken(language));
            Refusal::SecondPerson { why: crate::words::sentence_case(&why) }
        }
        TerminalError::Proof(_) => {
            Refusal::ProofRefused { why: crate::words::error(&error, spoken(language)) }
        }
        error => Refusal::Trouble { what: crate::words::error(&error, spoken(language)) },
    }
}

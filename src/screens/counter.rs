//! `CounterView`: the stamp-card screen. The words of messages and reasons are shared with the other screens.

use slint::{ComponentHandle, SharedString};

use super::code::drawn;
use super::format;
use super::generated::{self as ui, AppWindow, CounterView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{
    AppModel, Claim, CounterModel, Guest, LastGuest, Limit, Notice, NoticeKind, Paper, Reward, UiAction, Why,
    WhyKind,
};

/// A clock that is further from the server's than this is wrong, in milliseconds.
const SKEW_MS_MAX: i64 = 60_000;
/// Less free space than this is little, in megabytes.
const FREE_MB_LEAST: u64 = 500;
/// What ends soonest; there is no room for more.
const ENDING_SHOWN: usize = 2;

/// Shows the stamp-card screen.
#[derive(Debug, Default)]
pub(super) struct CounterAdapter {
    last: Rows<ui::LastGuest>,
    rewards: Rows<ui::RewardOffer>,
    cards: Rows<ui::CardTab>,
    ending: Rows<SharedString>,
    gifts: Rows<ui::GiftOffer>,
    reasons: Rows<ui::ReasonLine>,
}

/// A number as the screen counts.
pub(super) fn count(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

fn kind(kind: NoticeKind) -> ui::NoticeKind {
    match kind {
        NoticeKind::None => ui::NoticeKind::None,
        NoticeKind::NewGuest => ui::NoticeKind::NewGuest,
        NoticeKind::AlreadyCounted => ui::NoticeKind::AlreadyCounted,
        NoticeKind::DayIsFull => ui::NoticeKind::DayIsFull,
        NoticeKind::UnknownCode => ui::NoticeKind::UnknownCode,
        NoticeKind::UnknownArticle => ui::NoticeKind::UnknownArticle,
        NoticeKind::ForeignCode => ui::NoticeKind::ForeignCode,
        NoticeKind::ForgedCode => ui::NoticeKind::ForgedCode,
        NoticeKind::BlockedCard => ui::NoticeKind::BlockedCard,
        NoticeKind::NoCode => ui::NoticeKind::NoCode,
        NoticeKind::RewardTaken => ui::NoticeKind::RewardTaken,
        NoticeKind::RewardUnheard => ui::NoticeKind::RewardUnheard,
        NoticeKind::RewardRefused => ui::NoticeKind::RewardRefused,
        NoticeKind::Undone => ui::NoticeKind::Undone,
        NoticeKind::SaleUndone => ui::NoticeKind::SaleUndone,
        NoticeKind::TooLate => ui::NoticeKind::TooLate,
        NoticeKind::CameraGone => ui::NoticeKind::CameraGone,
        NoticeKind::NothingStamped => ui::NoticeKind::NothingStamped,
        NoticeKind::ProofRefused => ui::NoticeKind::ProofRefused,
        NoticeKind::CardFirst => ui::NoticeKind::CardFirst,
        NoticeKind::WrongPin => ui::NoticeKind::WrongPin,
        NoticeKind::PinWait => ui::NoticeKind::PinWait,
        NoticeKind::NeedsManager => ui::NoticeKind::NeedsManager,
        NoticeKind::SecondPerson => ui::NoticeKind::SecondPerson,
        NoticeKind::PaperTaken => ui::NoticeKind::PaperTaken,
        NoticeKind::GiftReleased => ui::NoticeKind::GiftReleased,
        NoticeKind::CallDone => ui::NoticeKind::CallDone,
        NoticeKind::GuestGone => ui::NoticeKind::GuestGone,
        NoticeKind::CounterSaidNo => ui::NoticeKind::CounterSaidNo,
        NoticeKind::Trouble => ui::NoticeKind::Trouble,
    }
}

/// A message as the screen knows it.
pub(super) fn notice(notice: &Notice, app: &AppModel) -> ui::Notice {
    ui::Notice {
        kind: kind(notice.kind),
        name: SharedString::from(notice.name.as_str()),
        time: notice.at.map(|at| format::moment(at, app.now, app.language)).unwrap_or_default(),
        text: match notice.amount {
            Some(amount) => format::money(amount, app.language),
            None => SharedString::from(notice.text.as_str()),
        },
    }
}

/// A reason as the screen knows it.
pub(super) fn reason(why: &Why, app: &AppModel) -> ui::ReasonLine {
    ui::ReasonLine {
        kind: match why.kind {
            WhyKind::PerItem => ui::ReasonKind::PerItem,
            WhyKind::PerMoney => ui::ReasonKind::PerMoney,
            WhyKind::PerOrder => ui::ReasonKind::PerOrder,
            WhyKind::Bonus => ui::ReasonKind::Bonus,
            WhyKind::Pause => ui::ReasonKind::Pause,
            WhyKind::DayCap => ui::ReasonKind::DayCap,
            WhyKind::Excluded => ui::ReasonKind::Excluded,
            WhyKind::BelowMinimum => ui::ReasonKind::BelowMinimum,
            WhyKind::NotStarted => ui::ReasonKind::NotStarted,
            WhyKind::Ended => ui::ReasonKind::Ended,
            WhyKind::NoMember => ui::ReasonKind::NoMember,
            WhyKind::Welcome => ui::ReasonKind::Welcome,
            WhyKind::News | WhyKind::Other => ui::ReasonKind::Other,
        },
        given: why.given,
        what: SharedString::from(why.what.as_str()),
        limit: match why.limit {
            Limit::None => SharedString::default(),
            Limit::Money(money) => format::money(money, app.language),
            Limit::At(moment) => format::moment(moment, app.now, app.language),
            Limit::Count(count) => slint::format!("{count}"),
        },
        amount: if why.units > 0 { slint::format!("+{}", why.units) } else { SharedString::default() },
    }
}

fn card(guest: &Guest, fresh: u32) -> ui::GuestCard {
    ui::GuestCard {
        member: SharedString::from(guest.member.0.as_str()),
        name: SharedString::from(guest.name.as_str()),
        tier: SharedString::from(guest.tier.as_str()),
        title: SharedString::from(guest.card.title.as_str()),
        stamps: count(guest.card.stamps),
        slots: count(guest.card.slots),
        fresh: count(fresh.min(guest.card.stamps)),
        to_go: count(guest.card.slots.saturating_sub(guest.card.stamps)),
        reward: SharedString::from(guest.card.reward.as_str()),
        birthday: guest.birthday,
        full: count(guest.card.full),
    }
}

fn last(guest: &LastGuest, app: &AppModel) -> ui::LastGuest {
    ui::LastGuest {
        event: SharedString::from(guest.event.0.as_str()),
        name: SharedString::from(guest.name.as_str()),
        time: format::moment(guest.at, app.now, app.language),
        stamps: count(guest.stamps),
        reward: guest.reward,
        undone: guest.undone,
    }
}

impl CounterAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let view = window.global::<CounterView>();
        let adapter = Self::default();
        view.set_last(adapter.last.model());
        view.set_rewards(adapter.rewards.model());
        view.set_reasons(adapter.reasons.model());
        view.set_cards(adapter.cards.model());
        view.set_ending(adapter.ending.model());
        view.set_gifts(adapter.gifts.model());
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        view.on_forgotten_card(plain(|| UiAction::ForgottenCard));
        view.on_open_lost(plain(|| UiAction::OpenLost));
        view.on_close_slip(plain(|| UiAction::CloseSlip));
        view.on_print_slip(plain(|| UiAction::PrintSlip));
        view.on_close_closing(plain(|| UiAction::CloseClosing));
        view.on_release_gift({
            let handler = handler.clone();
            move |pool| handler(UiAction::ReleaseGift { pool: pool.as_str().into() })
        });
        view.on_take_paper({
            let handler = handler.clone();
            move |stamps| handler(UiAction::TakePaper { stamps: u32::try_from(stamps).unwrap_or_default() })
        });
        view.on_pick_card({
            let handler = handler.clone();
            move |programme| handler(UiAction::PickCard { programme: programme.as_str().into() })
        });
        view.on_add_stamp({
            let handler = handler.clone();
            move |member, number| {
                let count = u32::try_from(number).unwrap_or(1);
                handler(UiAction::AddStamp { member: member.as_str().into(), count });
            }
        });
        view.on_claim({
            let handler = handler.clone();
            move |member, reward, of_these| {
                let how = if of_these { Claim::OfThese } else { Claim::Extra };
                let (member, reward) = (member.as_str().into(), reward.as_str().into());
                handler(UiAction::Claim { member, reward, how });
            }
        });
        view.on_undo({
            let handler = handler.clone();
            move |event| handler(UiAction::Undo { event: event.as_str().into() })
        });
        view.on_arm({
            let handler = handler.clone();
            move |number| handler(UiAction::Arm(u32::try_from(number).unwrap_or(1)))
        });
        view.on_close_notice({
            let handler = handler.clone();
            move || handler(UiAction::CloseNotice)
        });
        view.on_put_away({
            let handler = handler.clone();
            move || handler(UiAction::PutAway)
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: &CounterModel, app: &AppModel) {
        let view = window.global::<CounterView>();
        let offer = |reward: &Reward| ui::RewardOffer {
            id: SharedString::from(reward.id.0.as_str()),
            name: SharedString::from(reward.name.as_str()),
            waiting: count(reward.waiting),
            of_these: reward.of_these && model.of_these,
            gift: reward.gift,
        };
        self.last.set(model.last.iter().map(|guest| last(guest, app)));
        self.reasons.set(model.reasons.iter().map(|why| reason(why, app)));
        let rewards = model.guest.as_ref().map(|guest| guest.rewards.as_slice()).unwrap_or_default();
        self.rewards.set(rewards.iter().map(offer));
        let guest = model.guest.clone().unwrap_or_default();
        self.ending.set(
            guest.ending.iter().take(ENDING_SHOWN).map(|sentence| SharedString::from(sentence.as_str())),
        );
        self.cards.set(guest.cards.iter().map(|card| ui::CardTab {
            programme: SharedString::from(card.programme.0.as_str()),
            title: SharedString::from(card.title.as_str()),
            stamps: count(card.stamps),
            slots: count(card.slots),
            in_use: card.programme == guest.card.programme,
        }));
        view.set_asks(model.asks);
        view.set_paper(model.paper);
        let slip = model.slip.clone().unwrap_or_default();
        view.set_slip_code(drawn(&slip.code));
        view.set_slip_stamps(count(slip.stamps));
        let (paper, trouble) = match &slip.paper {
            Paper::None => (ui::SlipPaper::None, ""),
            Paper::Printing => (ui::SlipPaper::Printing, ""),
            Paper::Printed => (ui::SlipPaper::Printed, ""),
            Paper::Failed(why) => (ui::SlipPaper::Failed, why.as_str()),
        };
        view.set_slip_paper(paper);
        view.set_slip_trouble(SharedString::from(trouble));
        view.set_slip_last(SharedString::from(slip.last.as_str()));
        view.set_has_slip(model.slip.is_some());
        self.gifts.set(model.gifts.iter().map(|gift| ui::GiftOffer {
            pool: SharedString::from(gift.pool.0.as_str()),
            name: SharedString::from(gift.name.as_str()),
            count: count(gift.count),
        }));
        let health = &model.health;
        let skew = health.skew_ms.map_or(0, i64::abs);
        view.set_clock_fine(!health.clock_doubtful && skew < SKEW_MS_MAX);
        view.set_cards_left(health.blanks.map_or(-1, count));
        view.set_room_fine(health.free_mb.is_none_or(|free| free >= FREE_MB_LEAST));
        view.set_troubles(count(health.troubles));
        let sums = model.closing.unwrap_or_default();
        view.set_closing_open(model.closing.is_some());
        view.set_sums(ui::DaySums {
            stamps: count(sums.stamps),
            rewards: count(sums.rewards),
            undone: count(sums.undone),
            joined: count(sums.joined),
            paper_cards: count(sums.paper_cards),
            paper_stamps: count(sums.paper_stamps),
            slips_issued: count(sums.slips_issued),
            slips_used: count(sums.slips_used),
            gifts: count(sums.gifts),
        });
        // The card first, then the number that lets the stamp land on it.
        if let Some(guest) = &model.guest {
            view.set_guest(card(guest, model.fresh));
        }
        view.set_has_guest(model.guest.is_some());
        view.set_landing(count(model.landing));
        view.set_notice(notice(&model.notice, app));
        view.set_armed(count(model.armed));
        view.set_today(count(model.today));
    }
}

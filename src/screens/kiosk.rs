//! `KioskView`: the kiosk.

use std::cell::RefCell;
use std::path::PathBuf;

use slint::{ComponentHandle, Image, SharedString};

use super::code::drawn;
use super::counter::{count, notice};
use super::generated::{self as ui, AppWindow, KioskView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{
    AppModel, Claim, KIOSK_PATIENCE_SECONDS, KioskModel, KioskPage, MemberId, UiAction,
};

/// Reasons on the page “Why?”: there is no room for more.
const REASONS_SHOWN: usize = 6;

/// Shows the kiosk.
#[derive(Debug, Default)]
pub(super) struct KioskAdapter {
    reasons: Rows<SharedString>,
    /// The file whose picture is shown.
    picture: RefCell<Option<PathBuf>>,
}

impl KioskAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        let view = window.global::<KioskView>();
        view.on_start(plain(|| UiAction::KioskStart));
        view.on_join(plain(|| UiAction::KioskJoin));
        view.on_leave_kiosk(plain(|| UiAction::LeaveKiosk));
        view.on_join_anonymous(plain(|| UiAction::KioskJoinAnonymous));
        view.on_join_named(plain(|| UiAction::KioskJoinNamed));
        view.on_agree(plain(|| UiAction::KioskAgree));
        view.on_erase(plain(|| UiAction::KioskErase));
        view.on_name_done(plain(|| UiAction::KioskNameDone));
        view.on_key({
            let handler = handler.clone();
            move |letter| handler(UiAction::KioskKey(letter.as_str().to_owned()))
        });
        view.on_leave(plain(|| UiAction::KioskLeave));
        view.on_stay(plain(|| UiAction::KioskStay));
        view.on_help(plain(|| UiAction::KioskHelp));
        let adapter = Self::default();
        view.set_reasons(adapter.reasons.model());
        view.on_skip(plain(|| UiAction::KioskSkip));
        view.on_score({
            let handler = handler.clone();
            move |score| handler(UiAction::KioskScore(u32::try_from(score).unwrap_or(u32::MAX)))
        });
        view.on_why({
            let handler = handler.clone();
            move |reason| handler(UiAction::KioskWhy(reason.as_str().to_owned()))
        });
        view.on_claim({
            let handler = handler.clone();
            move |reward| {
                let (member, reward) = (MemberId::default(), reward.as_str().into());
                handler(UiAction::Claim { member, reward, how: Claim::Extra });
            }
        });
        adapter
    }

    /// The shop's own picture. One that cannot be read is passed over: ours is shown.
    fn show_picture(&self, window: &AppWindow, file: Option<&PathBuf>) {
        if self.picture.borrow().as_ref() == file {
            return;
        }
        *self.picture.borrow_mut() = file.cloned();
        let view = window.global::<KioskView>();
        let picture = file.and_then(|file| Image::load_from_path(file).ok());
        view.set_has_picture(picture.is_some());
        view.set_picture(picture.unwrap_or_default());
    }

    pub(super) fn show(&self, window: &AppWindow, model: &KioskModel, app: &AppModel) {
        let view = window.global::<KioskView>();
        view.set_shop(SharedString::from(app.shop.as_str()));
        self.show_picture(window, app.picture.as_ref());
        view.set_terms(SharedString::from(app.terms.as_str()));
        view.set_coming(model.coming);
        view.set_progress(SharedString::from(model.progress.join("\n")));
        let waiting = model.gifts.iter().map(|gift| format!("{} × {}", gift.count, gift.name));
        view.set_waiting(SharedString::from(waiting.collect::<Vec<_>>().join(", ")));
        let question = model.question.clone().unwrap_or_default();
        view.set_question(SharedString::from(question.text.as_str()));
        let reasons = question.reasons.iter().take(REASONS_SHOWN);
        self.reasons.set(reasons.map(|reason| SharedString::from(reason.as_str())));
        let guest = model.guest.clone().unwrap_or_default();
        let offer = guest.rewards.iter().find(|reward| !reward.gift).cloned().unwrap_or_default();
        view.set_name(SharedString::from(guest.name.as_str()));
        view.set_title(SharedString::from(guest.card.title.as_str()));
        view.set_stamps(count(guest.card.stamps));
        view.set_slots(count(guest.card.slots.max(1)));
        view.set_to_go(count(guest.card.slots.saturating_sub(guest.card.stamps)));
        view.set_fresh(count(model.fresh.min(guest.card.stamps)));
        view.set_full(count(guest.card.full));
        view.set_is_new(guest.is_new);
        view.set_receipts(model.receipts);
        view.set_news(SharedString::from(model.news.as_str()));
        view.set_reward_ready(!offer.id.0.is_empty());
        view.set_reward_id(SharedString::from(offer.id.0.as_str()));
        let reward = [&model.reward_taken, &offer.name, &guest.card.reward];
        let reward = reward.into_iter().find(|name| !name.is_empty()).map(String::as_str).unwrap_or_default();
        view.set_reward(SharedString::from(reward));
        view.set_reward_taken(!model.reward_taken.is_empty());
        view.set_landing(count(model.landing));
        view.set_notice(notice(&model.notice, app));
        view.set_asking(model.asking.is_some());
        view.set_seconds(count(model.asking.unwrap_or_default()));
        view.set_seconds_given(count(KIOSK_PATIENCE_SECONDS));
        view.set_help_called(model.help_called);
        view.set_rings(app.can_ring || model.at_counter);
        view.set_can_leave(model.can_leave);
        if model.alone {
            view.set_reading_open(false);
        }
        let gift = guest.rewards.iter().find(|reward| reward.gift).cloned().unwrap_or_default();
        view.set_gift_id(SharedString::from(gift.id.0.as_str()));
        view.set_typed(SharedString::from(model.typed.as_str()));
        view.set_code(drawn(&model.code));
        view.set_ending(SharedString::from(guest.ending.first().map(String::as_str).unwrap_or_default()));
        view.set_page(match model.page {
            KioskPage::Attract => ui::KioskPage::Attract,
            KioskPage::Scan => ui::KioskPage::Scan,
            KioskPage::Proof => ui::KioskPage::Proof,
            KioskPage::Card => ui::KioskPage::Card,
            KioskPage::Message => ui::KioskPage::Message,
            KioskPage::Thanks => ui::KioskPage::Thanks,
            KioskPage::Join => ui::KioskPage::Join,
            KioskPage::Privacy => ui::KioskPage::Privacy,
            KioskPage::Name => ui::KioskPage::Name,
            KioskPage::Code => ui::KioskPage::Code,
            KioskPage::Question => ui::KioskPage::Question,
            KioskPage::Why => ui::KioskPage::Why,
        });
    }
}

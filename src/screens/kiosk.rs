//! `KioskView`: the kiosk.

use slint::{ComponentHandle, SharedString};

use super::code::drawn;
use super::counter::{count, notice};
use super::generated::{self as ui, AppWindow, KioskView};
use super::window::Handler;
use crate::controllers::{
    AppModel, Claim, KIOSK_PATIENCE_SECONDS, KioskModel, KioskPage, MemberId, UiAction,
};

/// Shows the kiosk.
#[derive(Debug)]
pub(super) struct KioskAdapter;

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
        view.on_claim({
            let handler = handler.clone();
            move |reward| {
                let (member, reward) = (MemberId::default(), reward.as_str().into());
                handler(UiAction::Claim { member, reward, how: Claim::Extra });
            }
        });
        Self
    }

    pub(super) fn show(&self, window: &AppWindow, model: &KioskModel, app: &AppModel) {
        let view = window.global::<KioskView>();
        view.set_shop(SharedString::from(app.shop.as_str()));
        let guest = model.guest.clone().unwrap_or_default();
        let offer = guest.rewards.iter().find(|reward| !reward.gift).cloned().unwrap_or_default();
        view.set_name(SharedString::from(guest.name.as_str()));
        view.set_title(SharedString::from(guest.card.title.as_str()));
        view.set_stamps(count(guest.card.stamps));
        view.set_slots(count(guest.card.slots.max(1)));
        view.set_to_go(count(guest.card.slots.saturating_sub(guest.card.stamps)));
        view.set_fresh(count(model.fresh.min(guest.card.stamps)));
        view.set_is_new(guest.is_new);
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
        view.set_rings(app.can_ring);
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
        });
    }
}

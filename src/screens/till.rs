//! `TillView`: the till. Amounts become text here.

use slint::{ComponentHandle, SharedString};

use super::counter::{count, notice, reason};
use super::format;
use super::generated::{self as ui, AppWindow, TillView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{AppModel, Guest, LastSale, Money, TillModel, UiAction};

/// Shows the till.
#[derive(Debug, Default)]
pub(super) struct TillAdapter {
    categories: Rows<ui::Category>,
    articles: Rows<ui::Article>,
    lines: Rows<ui::BasketLine>,
    rewards: Rows<ui::TillReward>,
    reasons: Rows<ui::ReasonLine>,
    notes: Rows<ui::QuickNote>,
}

fn text(text: &str) -> SharedString {
    SharedString::from(text)
}

fn member(guest: &Guest) -> ui::TillMember {
    let usual = guest.usual.clone().unwrap_or_default();
    ui::TillMember {
        member: text(&guest.member.0),
        name: text(&guest.name),
        tier: text(&guest.tier),
        stamps: count(guest.card.stamps),
        slots: count(guest.card.slots),
        points: count(guest.points.unwrap_or_default()),
        has_points: guest.points.is_some(),
        birthday: guest.birthday,
        usual: text(&usual.name),
        usual_sku: text(&usual.sku.0),
        ending: text(guest.ending.first().map(String::as_str).unwrap_or_default()),
    }
}

impl TillAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let adapter = Self::default();
        let view = window.global::<TillView>();
        view.set_categories(adapter.categories.model());
        view.set_articles(adapter.articles.model());
        view.set_lines(adapter.lines.model());
        view.set_rewards(adapter.rewards.model());
        view.set_reasons(adapter.reasons.model());
        view.set_notes(adapter.notes.model());

        // Most callbacks carry one id.
        let with_id = |make: fn(&str) -> UiAction| {
            let handler = handler.clone();
            move |id: SharedString| handler(make(&id))
        };
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        view.on_pick_category(with_id(|id| UiAction::PickCategory(id.to_owned())));
        view.on_type_search(with_id(|text| UiAction::Search(text.to_owned())));
        view.on_add(with_id(|sku| UiAction::AddToBasket { sku: sku.into() }));
        view.on_remove_line(with_id(|line| UiAction::RemoveLine { line: line.into() }));
        view.on_remove_member(plain(|| UiAction::RemoveMember));
        view.on_claim(with_id(|reward| UiAction::BasketReward { reward: reward.into(), take: true }));
        view.on_unclaim(with_id(|reward| UiAction::BasketReward { reward: reward.into(), take: false }));
        view.on_open_cash(plain(|| UiAction::OpenCash));
        view.on_close_cash(plain(|| UiAction::CloseCash));
        view.on_cash_key(with_id(|digits| UiAction::CashKey(digits.to_owned())));
        view.on_cash_erase(plain(|| UiAction::CashErase));
        view.on_pay_given(plain(|| UiAction::PayTyped));
        view.on_undo_sale(with_id(|event| UiAction::Undo { event: event.into() }));
        view.on_close_notice(plain(|| UiAction::CloseNotice));
        view.on_pay_note({
            let handler = handler.clone();
            // The id of a note is its amount in minor units.
            move |id| {
                if let Ok(given) = id.parse() {
                    handler(UiAction::PayCash { given });
                }
            }
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: &TillModel, app: &AppModel) {
        let language = app.language;
        let basket = &model.basket;
        self.categories.set(
            model.categories.iter().map(|tab| ui::Category { id: text(&tab.id), name: text(&tab.name) }),
        );
        self.articles.set(model.tiles.iter().map(|tile| ui::Article {
            sku: text(&tile.sku.0),
            name: text(&tile.name),
            price: format::money(tile.price, language),
            picture: text(&tile.picture),
            count: count(tile.count),
        }));
        self.lines.set(basket.lines.iter().map(|line| ui::BasketLine {
            line: text(&line.line.0),
            count: count(line.count),
            name: text(&line.name),
            amount: format::amount(line.amount, language),
            off: line.sku.is_none(),
        }));
        let rewards = basket.guest.as_ref().map(|guest| guest.rewards.as_slice()).unwrap_or_default();
        self.rewards.set(rewards.iter().map(|reward| ui::TillReward {
            id: text(&reward.id.0),
            name: text(&reward.name),
            taken: basket.taken.contains(&reward.id),
        }));
        self.reasons.set(basket.reasons.iter().map(|why| reason(why, app)));
        self.notes.set(model.notes.iter().map(|note| ui::QuickNote {
            id: slint::format!("{}", note.amount.0),
            text: format::note(note.amount, language),
            exact: note.exact,
        }));

        let view = window.global::<TillView>();
        view.set_category(text(&model.category));
        view.set_search(text(&model.search));
        view.set_total(format::money(basket.total, language));
        if let Some(guest) = &basket.guest {
            view.set_member(member(guest));
        }
        view.set_has_member(basket.guest.is_some());
        view.set_earned_stamps(count(basket.stamps));
        view.set_earned_points(count(basket.points));
        view.set_notice(notice(&model.notice, app));
        view.set_paying(model.paying);
        view.set_given(model.given.map(|given| format::money(given, language)).unwrap_or_default());
        let change = model.change();
        view.set_enough(change.is_some_and(|change| change >= Money(0)));
        view.set_change(
            change.map(|change| format::money(Money(change.0.abs()), language)).unwrap_or_default(),
        );
        if let Some(last) = &model.last_sale {
            view.set_last_sale(last_sale(last, app));
        }
        view.set_has_last_sale(model.last_sale.is_some());
    }
}

fn last_sale(last: &LastSale, app: &AppModel) -> ui::LastSale {
    ui::LastSale {
        event: text(&last.event.0),
        total: format::money(last.total, app.language),
        given: format::money(last.given, app.language),
        change: format::money(last.change, app.language),
        time: format::time(last.at),
        seconds: count(last.seconds),
    }
}

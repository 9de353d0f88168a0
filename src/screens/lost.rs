//! `LostView`: a lost card at the counter.

use slint::{ComponentHandle, SharedString};

use super::code::drawn;
use super::counter::{count, notice};
use super::generated::{self as ui, AppWindow, LostView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{AppModel, Looking, LostModel, UiAction};

/// Shows how a lost card is replaced.
#[derive(Debug, Default)]
pub(super) struct LostAdapter {
    found: Rows<ui::FoundMember>,
}

impl LostAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let said = |make: fn(String) -> UiAction| {
            let handler = handler.clone();
            move |text: SharedString| handler(make(text.as_str().to_owned()))
        };
        let adapter = Self::default();
        let view = window.global::<LostView>();
        view.set_found(adapter.found.model());
        view.on_search(said(UiAction::LostSearch));
        view.on_pick(said(UiAction::LostPick));
        view.on_second(said(UiAction::LostSecond));
        view.on_close({
            let handler = handler.clone();
            move || handler(UiAction::CloseLost)
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: Option<&LostModel>, app: &AppModel) {
        let view = window.global::<LostView>();
        if let Some(model) = model {
            self.found.set(model.found.iter().map(|found| ui::FoundMember {
                name: SharedString::from(found.name.as_str()),
                card: SharedString::from(found.card.as_str()),
            }));
            view.set_looking(match model.looking {
                Looking::Nowhere => ui::Looking::Nowhere,
                Looking::On => ui::Looking::On,
                Looking::Many => ui::Looking::Many,
                Looking::All => ui::Looking::All,
            });
            view.set_notice(notice(&model.notice, app));
            let joined = model.joined.clone().unwrap_or_default();
            view.set_code(drawn(&joined.code));
            view.set_name(SharedString::from(joined.guest.name.as_str()));
            view.set_stamps(count(joined.guest.card.all_stamps()));
            view.set_replaced(model.joined.is_some());
        }
        view.set_open(model.is_some());
    }
}

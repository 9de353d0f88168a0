//! `PinView`: the pad where a PIN is typed.

use slint::{ComponentHandle, SharedString};

use super::counter::{count, notice};
use super::generated::{self as ui, AppWindow, PinView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{AppModel, PinFor, PinModel, UiAction};

/// Shows the pad.
#[derive(Debug, Default)]
pub(super) struct PinAdapter {
    people: Rows<ui::Colleague>,
}

impl PinAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        let adapter = Self::default();
        let view = window.global::<PinView>();
        view.set_people(adapter.people.model());
        view.on_erase(plain(|| UiAction::PinErase));
        view.on_done(plain(|| UiAction::PinDone));
        view.on_cancel(plain(|| UiAction::PinCancel));
        view.on_key({
            let handler = handler.clone();
            move |digit| handler(UiAction::PinKey(digit.as_str().to_owned()))
        });
        view.on_pick({
            let handler = handler.clone();
            move |who| handler(UiAction::PinWho(who.as_str().into()))
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: Option<&PinModel>, app: &AppModel) {
        let view = window.global::<PinView>();
        if let Some(model) = model {
            self.people.set(model.people.iter().map(|colleague| ui::Colleague {
                id: SharedString::from(colleague.id.0.as_str()),
                name: SharedString::from(colleague.name.as_str()),
                picked: model.who.as_ref() == Some(&colleague.id),
            }));
            view.set_purpose(match model.purpose {
                PinFor::Leaving => ui::PinFor::Leaving,
                PinFor::Reward => ui::PinFor::Reward,
                PinFor::Paper => ui::PinFor::Paper,
                PinFor::Lost => ui::PinFor::Lost,
                PinFor::Agreeing => ui::PinFor::Agreeing,
            });
            view.set_nobody(model.nobody);
            view.set_asked(model.asked);
            view.set_digits(count(model.digits));
            view.set_notice(notice(&model.notice, app));
        }
        view.set_open(model.is_some());
    }
}

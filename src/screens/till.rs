//! `TillView`: the till. Amounts become text here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};
use slint::{ComponentHandle, Image, SharedPixelBuffer, SharedString};

use super::counter::{count, notice, reason};
use super::format;
use super::generated::{self as ui, AppWindow, TillView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{AppModel, Guest, Jpeg, LastSale, Money, Tile, TillModel, UiAction};

/// Shows the till.
#[derive(Debug, Default)]
pub(super) struct TillAdapter {
    categories: Rows<ui::Category>,
    articles: Rows<ui::Article>,
    lines: Rows<ui::BasketLine>,
    rewards: Rows<ui::TillReward>,
    reasons: Rows<ui::ReasonLine>,
    notes: Rows<ui::QuickNote>,
    choices: Rows<ui::Choice>,
    /// The photos that were shown, ready to be shown again.
    photos: RefCell<BTreeMap<String, (Jpeg, Image)>>,
}

/// The longer side of a photo that is shown, in pixels. What is larger was not made for a tile.
const PHOTO_SIDE_MAX: u32 = 1024;

/// Reads a photo; none if it is damaged or too large.
fn photo(jpeg: &Jpeg) -> Option<Image> {
    let mut reader = ImageReader::with_format(Cursor::new(&jpeg.0), ImageFormat::Jpeg);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(PHOTO_SIDE_MAX), Some(PHOTO_SIDE_MAX));
    reader.limits(limits);
    let pixels = reader.decode().ok()?.into_rgb8();
    let (width, height) = pixels.dimensions();
    Some(Image::from_rgb8(SharedPixelBuffer::clone_from_slice(pixels.as_raw(), width, height)))
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
        view.set_choices(adapter.choices.model());

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
        view.on_pick_addition(with_id(|code| UiAction::PickAddition(code.to_owned())));
        view.on_add_chosen(plain(|| UiAction::AddChosen));
        view.on_close_additions(plain(|| UiAction::CloseAdditions));
        view.on_serve({
            let handler = handler.clone();
            move |away| handler(UiAction::ServeAway(away))
        });
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
        self.articles.set(model.tiles.iter().map(|tile| {
            let photo = self.photo_of(tile);
            ui::Article {
                sku: text(&tile.sku.0),
                name: text(&tile.name),
                price: format::money(tile.price, language),
                picture: text(&tile.picture),
                has_photo: photo.is_some(),
                photo: photo.unwrap_or_default(),
                count: count(tile.count),
            }
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

        let choosing = model.choosing.as_ref();
        let choices = choosing.map(|choosing| choosing.choices.as_slice()).unwrap_or_default();
        self.choices.set(choices.iter().map(|choice| ui::Choice {
            code: text(&choice.addition.code),
            name: text(&choice.addition.name),
            price: if choice.addition.price == Money(0) {
                SharedString::default()
            } else {
                format::amount(choice.addition.price, language)
            },
            chosen: choice.chosen,
        }));

        let view = window.global::<TillView>();
        view.set_choosing(choosing.map(|choosing| text(&choosing.name)).unwrap_or_default());
        view.set_choosing_price(
            choosing.map(|choosing| format::money(choosing.price, language)).unwrap_or_default(),
        );
        view.set_choosing_open(choosing.is_some());
        view.set_asks_place(model.asks_place);
        view.set_away(basket.away);
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

impl TillAdapter {
    /// The photo of a tile, read once.
    fn photo_of(&self, tile: &Tile) -> Option<Image> {
        let jpeg = tile.photo.as_ref()?;
        let mut photos = self.photos.borrow_mut();
        if let Some((_, image)) = photos.get(&tile.sku.0).filter(|(known, _)| known == jpeg) {
            return Some(image.clone());
        }
        let image = photo(jpeg)?;
        photos.insert(tile.sku.0.clone(), (jpeg.clone(), image.clone()));
        Some(image)
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

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

    use super::*;

    fn jpeg(width: u32, height: u32) -> Jpeg {
        let mut bytes = Vec::new();
        let pixels = vec![200; (width * height * 3) as usize];
        JpegEncoder::new(&mut bytes).encode(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
        Jpeg(bytes.into())
    }

    #[test]
    fn a_photo_is_shown_once_read_and_a_damaged_or_huge_one_is_passed_over() {
        assert_eq!(photo(&jpeg(40, 30)).map(|image| image.size().width), Some(40));
        assert!(photo(&jpeg(PHOTO_SIDE_MAX + 1, 1)).is_none());
        assert!(photo(&Jpeg(vec![0xFF, 0xD8, 0xFF].into())).is_none());
        let adapter = TillAdapter::default();
        let tile = Tile { sku: "latte".into(), photo: Some(jpeg(40, 30)), ..Tile::default() };
        assert_eq!(adapter.photo_of(&tile), adapter.photo_of(&tile));
        let other = Tile { photo: Some(jpeg(20, 30)), ..tile.clone() };
        assert_eq!(
            adapter.photo_of(&other).map(|image| image.size().width),
            Some(20),
            "a new photo is read anew"
        );
    }
}

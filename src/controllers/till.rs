//! The till: the desk prices the basket, this arranges it and counts the cash.

use super::action::{Effect, Sound};
use super::desk::{
    ArticleCategory, Basket, BasketItem, Catalogue, Desk, EventId, LineId, MemberId, Moment, Money, Refusal,
    RewardId, Sku,
};
use super::model::{Choice, Choosing, LastSale, Notice, NoticeKind, QuickNote, Tile, TillModel};

/// How long the last sale can be taken back.
pub const UNDO_SECONDS: i64 = 30;
/// How long its change stays readable when nobody buys.
const CHANGE_SECONDS: i64 = 180;
/// The notes that people pay with, in minor units.
const NOTES: [i64; 6] = [500, 1_000, 2_000, 5_000, 10_000, 20_000];
/// How many of them stand beside the exact amount.
const NOTES_SHOWN: usize = 3;
/// More than this was never given in cash; a longer number is a slip of the finger.
const MOST_GIVEN: i64 = 9_999_999;

/// Keeps the till's screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TillController {
    model: TillModel,
    catalogue: Catalogue,
}

impl TillController {
    /// Starts with the desk's catalogue.
    pub fn new(desk: &impl Desk, now: Moment) -> Self {
        let mut till = Self::default();
        till.model.last_sale = desk.last_sale();
        till.reload(desk, now);
        till
    }

    /// What is on the screen.
    pub fn model(&self) -> &TillModel {
        &self.model
    }

    /// Takes the catalogue anew.
    pub fn reload(&mut self, desk: &impl Desk, now: Moment) {
        self.catalogue = desk.catalogue();
        self.model.categories.clone_from(&self.catalogue.categories);
        self.model.asks_place = self.catalogue.articles.iter().any(|article| article.by_place);
        let known = |category: &ArticleCategory| category.id == self.model.category;
        if !self.model.categories.iter().any(known) {
            self.model.category =
                self.model.categories.first().map(|first| first.id.clone()).unwrap_or_default();
        }
        self.refresh(desk, now);
    }

    /// Takes the basket from the desk and lets the last sale grow old.
    pub fn refresh(&mut self, desk: &impl Desk, now: Moment) {
        self.model.basket = desk.basket(now);
        if self.model.basket.lines.is_empty() {
            self.close_cash();
        }
        self.arrange();
        self.tick(now);
    }

    /// Lets the last sale grow old.
    pub fn tick(&mut self, now: Moment) {
        let Some(last) = &mut self.model.last_sale else { return };
        let age = now.seconds_since(last.at);
        last.seconds = u32::try_from((UNDO_SECONDS - age).max(0)).unwrap_or(0);
        let keep = if self.model.basket.lines.is_empty() { CHANGE_SECONDS } else { UNDO_SECONDS };
        if age >= keep {
            self.model.last_sale = None;
        }
    }

    /// A code was read: an article goes into the basket, a member comes to it, whatever is going on.
    pub fn scan(&mut self, desk: &mut impl Desk, text: &str, now: Moment) -> Vec<Effect> {
        match desk.article(text) {
            Ok(Some(sku)) => return self.put_in(desk, &sku, now),
            Ok(None) => {}
            Err(refusal) => return self.refuse(refusal),
        }
        let answer =
            desk.scan(text, now).and_then(|guest| desk.seat(Some(&guest.member), now).map(|()| guest.is_new));
        let is_new = answer.as_ref().is_ok_and(|is_new| *is_new);
        let effects = self.settle(desk, answer.map(|_| ()), now);
        if is_new {
            self.model.notice = Notice::of(NoticeKind::NewGuest);
        }
        effects
    }

    /// The member comes out of the basket.
    pub fn remove_member(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        let answer = desk.seat(None::<&MemberId>, now);
        self.settle(desk, answer, now)
    }

    /// One more goes into the basket; where something can be added to it, that is asked first.
    pub fn put_in(&mut self, desk: &mut impl Desk, sku: &Sku, now: Moment) -> Vec<Effect> {
        let article = self.catalogue.articles.iter().find(|article| article.sku == *sku);
        if let Some(article) = article.filter(|article| !article.additions.is_empty()) {
            let choices = article.additions.iter().cloned();
            self.model.choosing = Some(Choosing {
                sku: sku.clone(),
                name: article.name.clone(),
                price: article.price,
                choices: choices.map(|addition| Choice { addition, chosen: false }).collect(),
            });
            return Vec::new();
        }
        self.put(desk, sku, now)
    }

    /// Something is added to the article that is asked about, or not any more.
    pub fn pick_addition(&mut self, code: &str) {
        let Some(choosing) = &mut self.model.choosing else { return };
        for choice in choosing.choices.iter_mut().filter(|choice| choice.addition.code == code) {
            choice.chosen = !choice.chosen;
            let more = if choice.chosen { choice.addition.price.0 } else { -choice.addition.price.0 };
            choosing.price.0 += more;
        }
    }

    /// The article goes into the basket with what was chosen.
    pub fn add_chosen(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        let Some(choosing) = self.model.choosing.take() else { return Vec::new() };
        let chosen = choosing.choices.iter().filter(|choice| choice.chosen);
        let sku = choosing.sku.with(chosen.map(|choice| choice.addition.code.as_str()));
        self.put(desk, &sku, now)
    }

    /// Nothing is put in after all.
    pub fn close_additions(&mut self) {
        self.model.choosing = None;
    }

    /// The basket is taken away, or eaten in the house.
    pub fn serve(&mut self, desk: &mut impl Desk, away: bool, now: Moment) {
        desk.serve(away);
        self.refresh(desk, now);
    }

    fn put(&mut self, desk: &mut impl Desk, sku: &Sku, now: Moment) -> Vec<Effect> {
        let answer = desk.put_in(sku, now);
        self.settle(desk, answer, now)
    }

    /// One comes out.
    pub fn take_out(&mut self, desk: &mut impl Desk, line: &LineId, now: Moment) -> Vec<Effect> {
        let answer = desk.take_out(line, now);
        self.settle(desk, answer, now)
    }

    /// A reward goes in or comes out.
    pub fn reward(
        &mut self,
        desk: &mut impl Desk,
        reward: &RewardId,
        take: bool,
        now: Moment,
    ) -> Vec<Effect> {
        let answer = desk.put_reward(reward, take, now);
        self.settle(desk, answer, now)
    }

    /// A tab is opened; what was searched for goes.
    pub fn pick_category(&mut self, category: String) {
        self.model.category = category;
        self.model.search.clear();
        self.arrange();
    }

    /// Something is searched for, in all tabs.
    pub fn search(&mut self, text: String) {
        self.model.search = text;
        self.arrange();
    }

    /// The cash panel opens.
    pub fn open_cash(&mut self) {
        if !self.model.basket.lines.is_empty() {
            self.model.paying = true;
            self.model.given = None;
        }
    }

    /// The cash panel closes.
    pub fn close_cash(&mut self) {
        self.model.paying = false;
        self.model.given = None;
    }

    /// Digits of the amount given: the amount grows from its right end.
    pub fn cash_key(&mut self, digits: &str) {
        let mut amount = self.model.given.unwrap_or_default().0;
        for digit in digits.chars().filter_map(|digit| digit.to_digit(10)) {
            let longer = amount * 10 + i64::from(digit);
            if longer <= MOST_GIVEN {
                amount = longer;
            }
        }
        self.model.given = Some(Money(amount));
    }

    /// The last digit goes.
    pub fn cash_erase(&mut self) {
        let amount = self.model.given.unwrap_or_default().0 / 10;
        self.model.given = (amount > 0).then_some(Money(amount));
    }

    /// The sale is paid with what was typed.
    pub fn pay_typed(&mut self, desk: &mut impl Desk, now: Moment) -> Vec<Effect> {
        match self.model.given {
            Some(given) => self.pay(desk, given, now),
            None => Vec::new(),
        }
    }

    /// The sale is paid in cash; the next basket is empty at once.
    pub fn pay(&mut self, desk: &mut impl Desk, given: Money, now: Moment) -> Vec<Effect> {
        if given < self.model.basket.total {
            return vec![Effect::Play(Sound::Refused)];
        }
        let stamps = self.model.basket.guest.is_some() && self.model.basket.stamps > 0;
        let rewards = self.rewards_in_the_basket();
        match desk.pay_cash(given, now) {
            Ok(paid) => {
                self.model.last_sale = Some(LastSale {
                    event: paid.event,
                    total: paid.total,
                    given,
                    change: paid.change,
                    at: now,
                    seconds: 0,
                });
                self.model.notice = match paid.unheard {
                    true => Notice { kind: Notice::taken(true), text: rewards, ..Notice::default() },
                    false => Notice::default(),
                };
                self.model.search.clear();
                self.close_cash();
                self.refresh(desk, now);
                if stamps { vec![Effect::Play(Sound::Stamp)] } else { Vec::new() }
            }
            Err(Refusal::AskingServer) => Vec::new(),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The names of the rewards that the basket takes.
    fn rewards_in_the_basket(&self) -> String {
        let Basket { guest, taken, .. } = &self.model.basket;
        let offers = guest.iter().flat_map(|guest| &guest.rewards);
        let names = offers.filter(|offer| taken.contains(&offer.id)).map(|offer| offer.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    /// The last sale is taken back.
    pub fn undo(&mut self, desk: &mut impl Desk, event: &EventId, now: Moment) -> Vec<Effect> {
        match desk.undo(event, now) {
            Ok(guest) => {
                let sale = self.model.last_sale.take().filter(|sale| sale.event == *event);
                self.refresh(desk, now);
                let name = guest.map(|guest| guest.name).unwrap_or_default();
                // What was paid goes back to the guest; where nothing was, there is nothing to say of it.
                let amount = sale.map(|sale| sale.total).filter(|total| total.0 > 0);
                let kind = if amount.is_some() { NoticeKind::SaleUndone } else { NoticeKind::Undone };
                self.model.notice = Notice { kind, name, amount, ..Notice::default() };
                Vec::new()
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// The message is read.
    pub fn close_notice(&mut self) {
        self.model.notice = Notice::default();
    }

    /// Shows a message beside the basket.
    pub fn say(&mut self, notice: Notice) {
        self.model.notice = notice;
    }

    /// Nothing readable was held up.
    pub fn no_code(&mut self) {
        self.model.notice = Notice::of(NoticeKind::NoCode);
    }

    fn settle(&mut self, desk: &impl Desk, answer: Result<(), Refusal>, now: Moment) -> Vec<Effect> {
        match answer {
            Ok(()) => {
                self.model.notice = Notice::default();
                self.refresh(desk, now);
                Vec::new()
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Vec<Effect> {
        let (notice, _, _) = Notice::refused(refusal);
        self.model.notice = notice;
        vec![Effect::Play(Sound::Refused)]
    }

    fn arrange(&mut self) {
        let wanted = self.model.search.trim().to_lowercase();
        let basket = &self.model.basket;
        let count = |sku: &Sku| {
            let of_it = |line: &&BasketItem| line.sku.as_ref().is_some_and(|line| line.plain() == sku.0);
            basket.lines.iter().filter(of_it).map(|line| line.count).sum()
        };
        self.model.tiles = self
            .catalogue
            .articles
            .iter()
            .filter(|article| {
                if wanted.is_empty() {
                    article.categories.contains(&self.model.category)
                } else {
                    article.name.to_lowercase().contains(&wanted)
                }
            })
            .map(|article| Tile {
                sku: article.sku.clone(),
                name: article.name.clone(),
                price: article.price,
                picture: article.picture.clone(),
                photo: article.photo.clone(),
                count: count(&article.sku),
            })
            .collect();
        let total = basket.total;
        let exact = QuickNote { amount: total, exact: true };
        let larger = NOTES.into_iter().map(Money).filter(|note| *note > total).take(NOTES_SHOWN);
        self.model.notes =
            std::iter::once(exact).chain(larger.map(|amount| QuickNote { amount, exact: false })).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_desk::{SampleDesk, at};
    use super::*;

    fn till() -> (SampleDesk, TillController) {
        let desk = SampleDesk::default();
        let till = TillController::new(&desk, at(0));
        (desk, till)
    }

    #[test]
    fn the_first_tab_is_open_and_search_looks_into_all() {
        let (_, mut till) = till();
        assert_eq!(till.model().category, "coffee");
        assert!(till.model().tiles.iter().all(|tile| tile.name != "Croissant"));
        till.search("CROI".into());
        assert_eq!(
            till.model().tiles.iter().map(|tile| tile.name.as_str()).collect::<Vec<_>>(),
            ["Croissant"]
        );
        till.pick_category("cake".into());
        assert_eq!((till.model().search.as_str(), till.model().tiles[0].name.as_str()), ("", "Croissant"));
    }

    #[test]
    fn tiles_say_how_many_are_in_the_basket() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        let count = |till: &TillController| {
            till.model().tiles.iter().find(|tile| tile.name == "Flat White").map(|tile| tile.count)
        };
        assert_eq!(count(&till), Some(2));
        assert_eq!(till.model().basket.total, Money(780));
        let line = till.model().basket.lines[0].line.clone();
        till.take_out(&mut desk, &line, at(0));
        assert_eq!(till.model().basket.total, Money(390));
    }

    #[test]
    fn what_can_be_added_is_asked_before_it_goes_into_the_basket() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"latte".into(), at(0));
        assert!(till.model().basket.lines.is_empty());
        till.pick_addition("oat");
        till.pick_addition("shot");
        till.pick_addition("shot");
        assert_eq!(till.model().choosing.as_ref().map(|choosing| choosing.price), Some(Money(460)));
        till.add_chosen(&mut desk, at(1));
        assert_eq!(till.model().choosing, None);
        let line = till.model().basket.lines[0].clone();
        assert_eq!((line.sku.unwrap().0.as_str(), line.amount), ("latte+oat", Money(460)));
        let tile = till.model().tiles.iter().find(|tile| tile.sku.0 == "latte").unwrap();
        assert_eq!(tile.count, 1, "the tile counts it, whatever was added");
        till.put_in(&mut desk, &"latte".into(), at(2));
        till.close_additions();
        assert_eq!(till.model().basket.lines.len(), 1);
    }

    #[test]
    fn the_place_is_asked_where_a_tax_depends_on_it_and_is_for_one_basket() {
        let (mut desk, mut till) = till();
        assert!(till.model().asks_place);
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.serve(&mut desk, true, at(0));
        assert!(till.model().basket.away);
        till.pay(&mut desk, Money(390), at(1));
        assert!(!till.model().basket.away, "the next basket is in the house");
    }

    #[test]
    fn notes_are_the_exact_amount_and_the_next_larger_ones() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        let notes: Vec<_> = till.model().notes.iter().map(|note| note.amount.0).collect();
        assert_eq!(notes, [390, 500, 1_000, 2_000]);
        assert!(till.model().notes[0].exact);
    }

    #[test]
    fn typed_cash_grows_from_the_right_and_says_what_is_missing() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.open_cash();
        till.cash_key("3");
        assert_eq!(till.model().change(), Some(Money(3 - 390)));
        till.cash_key("00");
        till.cash_key("0");
        assert_eq!(till.model().given, Some(Money(3000)));
        till.cash_erase();
        assert_eq!(till.model().given, Some(Money(300)));
        assert_eq!(till.pay_typed(&mut desk, at(0)), [Effect::Play(Sound::Refused)]);
        assert!(till.model().paying, "too little keeps the panel open");
        till.cash_key("99999999999999999999");
        assert!(till.model().given <= Some(Money(MOST_GIVEN)));
    }

    #[test]
    fn after_payment_the_basket_is_empty_and_the_sale_stays_reachable_for_thirty_seconds() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.open_cash();
        till.pay(&mut desk, Money(1000), at(10));
        assert!(till.model().basket.lines.is_empty() && !till.model().paying);
        let last = till.model().last_sale.clone().unwrap();
        assert_eq!((last.change, last.seconds), (Money(610), 30));
        till.put_in(&mut desk, &"flat-white".into(), at(20));
        assert_eq!(till.model().last_sale.as_ref().map(|last| last.seconds), Some(20));
        till.tick(at(40));
        assert_eq!(till.model().last_sale, None);
    }

    #[test]
    fn the_last_sale_can_be_taken_back() {
        let (mut desk, mut till) = till();
        till.scan(&mut desk, "ada", at(0));
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.pay(&mut desk, Money(390), at(1));
        let sale = till.model().last_sale.clone().unwrap();
        till.undo(&mut desk, &sale.event, at(5));
        assert_eq!(till.model().last_sale, None);
        let notice = &till.model().notice;
        assert_eq!((notice.kind, notice.amount), (NoticeKind::SaleUndone, Some(sale.total)));
    }

    #[test]
    fn a_member_comes_while_the_basket_stays() {
        let (mut desk, mut till) = till();
        till.put_in(&mut desk, &"flat-white".into(), at(0));
        till.scan(&mut desk, "ada", at(1));
        assert_eq!(till.model().basket.lines[0].name, "Flat White");
        assert_eq!(till.model().basket.guest.as_ref().map(|guest| guest.name.as_str()), Some("Ada"));
        till.scan(&mut desk, "forged", at(2));
        assert_eq!(till.model().notice.kind, NoticeKind::ForgedCode);
        assert!(till.model().basket.guest.is_some());
        till.remove_member(&mut desk, at(3));
        assert!(till.model().basket.guest.is_none());
    }

    #[test]
    fn packages_go_into_the_basket_and_members_come_to_it() {
        let (mut desk, mut till) = till();
        assert!(till.scan(&mut desk, "4006381333931", at(0)).is_empty());
        till.scan(&mut desk, "ada", at(1));
        till.scan(&mut desk, "4006381333931", at(2));
        let basket = &till.model().basket;
        assert_eq!((basket.lines[0].name.as_str(), basket.lines[0].count), ("Hausmischung 250 g", 2));
        assert_eq!(basket.guest.as_ref().map(|guest| guest.name.as_str()), Some("Ada"));
        assert_eq!(till.scan(&mut desk, "96385074", at(3)), [Effect::Play(Sound::Refused)]);
        let notice = &till.model().notice;
        assert_eq!((notice.kind, notice.text.as_str()), (NoticeKind::UnknownArticle, "96385074"));
        assert_eq!(till.model().basket.lines[0].count, 2, "nothing else was put in");
        till.scan(&mut desk, "WIFI:S:Gast;;", at(4));
        assert_eq!(till.model().notice.kind, NoticeKind::UnknownCode);
    }
}

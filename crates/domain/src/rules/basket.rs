//! A sale while it is priced: what of each line is still to pay.

use crate::money::{Money, Quantity, Rate, div_half_up, split};
use crate::programme::Articles;
use crate::sale::{Line, Sale};

/// One line while it is priced.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    pub line: &'a Line,
    /// Its place in the sale.
    pub place: usize,
    /// Quantity × price.
    pub gross: i64,
    /// What has come off, free pieces included.
    pub off: i64,
    /// Pieces given free.
    pub free: i64,
    /// What the free pieces would have cost.
    pub free_value: i64,
    /// Neither a deposit nor stored value. What comes back, by a negative quantity or price, counts against the rest.
    pub counts: bool,
}

impl Item<'_> {
    /// What is still to pay.
    pub fn open(&self) -> i64 {
        self.gross - self.off
    }

    /// The thousandths that were bought rather than given; below zero for articles that come back.
    pub fn bought(&self) -> i64 {
        if self.comes_back() {
            return self.line.quantity.0.min(0);
        }
        if self.gross > 0 && self.open() <= 0 {
            return 0;
        }
        (self.line.quantity.0 - self.free * Quantity::ONE.0).max(0)
    }

    /// Something is returned, or a line takes something off by hand.
    fn comes_back(&self) -> bool {
        self.line.quantity.0.is_negative() || self.line.price.0.is_negative()
    }

    /// Whole pieces that are not yet free.
    fn pieces(&self) -> i64 {
        if self.comes_back() { 0 } else { self.line.quantity.whole() - self.free }
    }

    /// What one piece that is not free still costs.
    fn piece_open(&self) -> i64 {
        let left = i128::from(self.line.quantity.0 - self.free * Quantity::ONE.0).max(1);
        div_half_up(i128::from(self.open()) * i128::from(Quantity::ONE.0), left).min(self.open())
    }
}

/// The lines of a sale in an order that does not depend on how they were keyed in, so that shares and
/// choices among equals do not either.
#[derive(Debug, Clone)]
pub(super) struct Basket<'a> {
    pub items: Vec<Item<'a>>,
}

impl<'a> Basket<'a> {
    pub fn new(sale: &'a Sale) -> Self {
        let mut items: Vec<Item<'a>> = sale.lines.iter().enumerate().map(item).collect();
        items.sort_by(|a, b| {
            let key = |line: &'a Line| {
                (&line.sku, &line.category, line.price, line.vat, line.quantity, line.deposit, line.stored)
            };
            key(a.line).cmp(&key(b.line)).then(a.place.cmp(&b.place))
        });
        Self { items }
    }

    /// The places of the items in a set.
    pub fn matching(&self, articles: &Articles<'_>) -> Vec<usize> {
        let inside = |item: &Item<'_>| item.counts && articles.has(&item.line.category, &item.line.sku);
        (0..self.items.len()).filter(|&place| inside(&self.items[place])).collect()
    }

    /// The most that can still come off: what comes back in the same sale is paid out in any case.
    pub fn rest(&self) -> i64 {
        let items = self.items.iter().filter(|item| item.counts);
        clamp(items.map(|item| i128::from(item.open())).sum()).max(0)
    }

    /// What is still to pay for those items, less what comes back.
    pub fn open(&self, places: &[usize]) -> i64 {
        clamp(places.iter().map(|&place| i128::from(self.items[place].open())).sum())
    }

    /// What those items cost before discounts, without the free pieces.
    pub fn before_discounts(&self, places: &[usize]) -> i64 {
        let item = |place: usize| i128::from(self.items[place].gross - self.items[place].free_value);
        clamp(places.iter().map(|&place| item(place)).sum())
    }

    /// The thousandths of those items that were bought rather than given.
    pub fn bought(&self, places: &[usize]) -> i64 {
        clamp(places.iter().map(|&place| i128::from(self.items[place].bought())).sum())
    }

    /// What is to pay in all.
    pub fn total(&self) -> Money {
        Money(clamp(self.items.iter().map(|item| i128::from(item.open())).sum()))
    }

    /// The item whose piece is cheapest by its price, of those with a piece that is not free yet.
    fn cheapest(&self, places: &[usize]) -> Option<usize> {
        let pieces = places.iter().filter(|&&place| self.items[place].pieces() > 0);
        pieces.min_by_key(|&&place| self.items[place].line.price).copied()
    }

    /// The same, where the piece also costs something still.
    fn cheapest_open(&self, places: &[usize]) -> Option<usize> {
        let open = places.iter().copied().filter(|&place| self.items[place].open() > 0);
        self.cheapest(&open.collect::<Vec<usize>>())
    }

    /// The whole pieces of those items that cost something and are not yet free.
    pub fn pieces_open(&self, places: &[usize]) -> i64 {
        let open = places.iter().map(|&place| &self.items[place]).filter(|item| item.open() > 0);
        open.map(Item::pieces).fold(0, i64::saturating_add)
    }

    /// Makes up to that many pieces free, the cheapest first, and what costs nothing anyway last.
    pub fn give_free(&mut self, places: &[usize], pieces: i64) -> Freed {
        let (mut off, mut counts) = (Shares::default(), Shares::default());
        let mut given = 0;
        while given < pieces {
            let Some(place) = self.cheapest_open(places).or_else(|| self.cheapest(places)) else { break };
            let item = &mut self.items[place];
            let count = item.pieces().min(pieces - given);
            let value = item.line.price.times(Quantity(count * Quantity::ONE.0)).0.min(item.open());
            item.free += count;
            item.free_value += value;
            item.off += value;
            given += count;
            off.0.push((item.place, value));
            counts.0.push((item.place, count));
        }
        Freed { pieces: given, off: off.sum(), shares: off.or(counts) }
    }

    /// What a percentage of those items comes to, at most `cap`.
    pub fn percent(&self, places: &[usize], rate: Rate, cap: Option<Money>) -> i64 {
        let off = Money(self.open(places)).at(rate).0;
        cap.map_or(off, |cap| off.min(cap.0)).min(self.open(places)).min(self.rest()).max(0)
    }

    /// What a percentage of one piece of the cheapest of those items comes to, and which item it is.
    pub fn percent_of_cheapest(
        &self,
        places: &[usize],
        rate: Rate,
        cap: Option<Money>,
    ) -> Option<(usize, i64)> {
        let place = self.cheapest_open(places)?;
        let off = Money(self.items[place].piece_open()).at(rate).0;
        Some((place, cap.map_or(off, |cap| off.min(cap.0)).min(self.rest())))
    }

    /// What an amount off one piece of the cheapest of those items comes to, and which item it is.
    pub fn amount_of_cheapest(&self, places: &[usize], amount: i64) -> Option<(usize, i64)> {
        let place = self.cheapest_open(places)?;
        Some((place, self.items[place].piece_open().min(amount).min(self.rest())))
    }

    /// Takes an amount off those items, shared by what is still to pay for each (largest remainder).
    pub fn take_off(&mut self, places: &[usize], amount: i64) -> Shares {
        let weights: Vec<i64> = places.iter().map(|&place| self.items[place].open().max(0)).collect();
        let mut shares = Shares::default();
        for (&place, part) in places.iter().zip(split(amount, &weights)) {
            let item = &mut self.items[place];
            item.off += part;
            shares.0.push((item.place, part));
        }
        shares
    }
}

/// Pieces that became free.
#[derive(Debug, Default)]
pub(super) struct Freed {
    pub pieces: i64,
    /// What came off for them.
    pub off: i64,
    /// How that falls to the lines; where nothing came off, the pieces themselves.
    pub shares: Shares,
}

/// What falls to each line of the sale, by its place in the sale.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(pub Vec<(usize, i64)>);

impl Shares {
    pub fn sum(&self) -> i64 {
        clamp(self.0.iter().map(|(_, share)| i128::from(*share)).sum())
    }

    /// These, or the others where these are nothing.
    pub fn or(self, others: Self) -> Self {
        if self.sum() == 0 { others } else { self }
    }

    /// One number for each of `count` lines; empty where one line has it all or nobody has any.
    pub fn weights(&self, count: usize) -> Vec<i64> {
        if count < 2 || self.0.iter().all(|(_, share)| *share == 0) {
            return Vec::new();
        }
        let mut weights = vec![0_i64; count];
        for &(place, share) in &self.0 {
            if let Some(weight) = weights.get_mut(place) {
                *weight = weight.saturating_add(share);
            }
        }
        weights
    }
}

fn item((place, line): (usize, &Line)) -> Item<'_> {
    let gross = line.gross().0.clamp(-GROSS_MAX, GROSS_MAX);
    Item { line, place, gross, off: 0, free: 0, free_value: 0, counts: counts(line) }
}

/// Whether rules count a line. A quantity and a price that are both below zero are no return and no purchase.
pub(super) fn counts(line: &Line) -> bool {
    !line.deposit && !line.stored && (line.quantity.0 >= 0 || line.price.0 >= 0)
}

/// Far above what a checked order holds, and far below what would overflow.
const GROSS_MAX: i64 = i64::MAX / 4096;

pub(super) fn clamp(sum: i128) -> i64 {
    sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

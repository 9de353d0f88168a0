//! What there is only so much of: each device keeps to its own allotment exactly, and what devices that could not know
//! of each other gave beyond the total is told.

use proptest::prelude::*;
use stempel_domain::MemberFacts;
use stempel_domain::programme::Stock;
use stempel_domain::rules::{self, Outcome, Place, RuleBook};
use stempel_domain::sale::{Claim, Order};

use crate::support::*;

fn limited(stock: &str) -> RuleBook {
    let head = "id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\n";
    book(&[&format!("{head}stock = {{ {stock} }}\n")])
}

/// A device that knows what it gave itself, and nothing of others.
struct Device {
    place: Place,
}

impl Device {
    fn new() -> Self {
        Self { place: Place::from(SHOP) }
    }

    /// Asks for the reward on a day of November; what was given counts from then on.
    fn ask(&mut self, book: &RuleBook, day: u32, times: u32) -> Outcome {
        let order = stamps("p", 0, vec![Claim { times, ..claim("r") }]);
        let at = at(&format!("2026-11-{day:02}T12:00:00+01:00"));
        let facts: MemberFacts = member("point", 1000);
        let outcome = rules::evaluate(book, Some(&facts), Order::Stamps(&order), self.place.clone(), &at);
        self.count(&outcome, 1);
        outcome
    }

    /// Adds what an outcome tallied; with the opposite sign it is undone.
    fn count(&mut self, outcome: &Outcome, sign: i64) {
        for step in &outcome.tallies {
            let days = self.place.facts.tallies.entry(step.key.clone()).or_default();
            *days.entry(step.day).or_default() += sign * step.amount;
        }
    }

    fn given(&self) -> i64 {
        self.place.facts.tallies.get("p/r#stock").into_iter().flat_map(|days| days.values()).sum()
    }
}

/// How often it was given, and why not, or not as often as asked.
fn answer(outcome: &Outcome) -> (i64, Option<&str>) {
    let given = outcome.tallies.iter().map(|step| step.amount).sum();
    (given, outcome.refused.first().map(|refusal| refusal.reason.as_str()))
}

#[test]
fn an_allotment_is_the_smaller_of_share_and_total() {
    for (total, device, allotment) in [
        (None, None, None),
        (Some(5), None, Some(5)),
        (None, Some(2), Some(2)),
        (Some(5), Some(2), Some(2)),
        (Some(2), Some(5), Some(2)),
    ] {
        let stock = Stock { total, device, device_day: Some(1) };
        assert_eq!(stock.allotment(), allotment, "{stock:?}");
    }
}

#[test]
fn what_was_given_beyond_the_total_is_the_excess() {
    let stock = Stock { total: Some(3), device: Some(2), device_day: None };
    let excesses = [i64::MIN, -1, 0, 2, 3, 4, 9, i64::MAX].map(|given| stock.excess(given));
    assert_eq!(excesses, [0, 0, 0, 0, 0, 1, 6, i64::MAX - 3]);
    let open = Stock { total: None, device: Some(2), device_day: None };
    assert_eq!(open.excess(1000), 0, "without a total there is nothing to pass");
}

#[test]
fn a_device_gives_its_allotment_to_the_last_and_no_more() {
    let book = limited("total = 5, device = 3, device_day = 2");
    let mut device = Device::new();
    assert_eq!(answer(&device.ask(&book, 20, 1)), (1, None));
    // Of two that are asked for, one is left today: nothing is given by halves.
    assert_eq!(answer(&device.ask(&book, 20, 2)), (0, Some("sold-out-today")));
    let second = device.ask(&book, 20, 1);
    assert_eq!(answer(&second), (1, None));
    assert_eq!(answer(&device.ask(&book, 20, 1)), (0, Some("sold-out-today")));
    assert_eq!(answer(&device.ask(&book, 21, 1)), (1, None));
    // Its three are gone, though two of the five are left elsewhere.
    assert_eq!(answer(&device.ask(&book, 21, 1)), (0, Some("sold-out")));
    assert_eq!(answer(&device.ask(&book, 22, 1)), (0, Some("sold-out")));
    device.count(&second, -1);
    assert_eq!(answer(&device.ask(&book, 22, 1)), (1, None), "what was undone can be given again");
    assert_eq!(answer(&device.ask(&book, 22, 1)), (0, Some("sold-out")));
    assert_eq!(device.given(), 3);
    // Another device knows nothing of that and has its own three.
    let mut other = Device::new();
    let given = [20, 20, 21, 21].map(|day| answer(&other.ask(&book, day, 1)).0);
    assert_eq!(given, [1, 1, 1, 0]);
    let stock = book.programmes()[0].programme.spec().reward[0].stock;
    assert_eq!(stock.excess(device.given() + other.given()), 1, "six of five");
}

#[test]
fn what_a_device_read_of_itself_gives_the_same_again() {
    let book = limited("total = 2");
    let mut device = Device::new();
    device.ask(&book, 20, 1);
    let before = device.place.clone();
    let then = device.ask(&book, 20, 1);
    // The event carries the tallies as they were: judged again, it is not refused for what it gave itself.
    let mut again = Device { place: before };
    assert_eq!(again.ask(&book, 20, 1), then);
    assert_eq!(answer(&device.ask(&book, 20, 1)), (0, Some("sold-out")));
}

proptest! {
    #[test]
    fn no_device_passes_its_allotment_and_shares_that_add_up_are_never_passed(
        total in 1_u32..8, share in 1_u32..5, day_share in prop::option::of(1_u32..4),
        orders in prop::collection::vec((0_usize..3, 0_u32..4, 1_u32..4, any::<bool>()), 1..40),
    ) {
        let share = share.min(total);
        let daily = day_share.map_or_else(String::new, |most| format!(", device_day = {most}"));
        let book = limited(&format!("total = {total}, device = {share}{daily}"));
        let stock = book.programmes()[0].programme.spec().reward[0].stock;
        let mut devices = [Device::new(), Device::new(), Device::new()];
        let mut days = [[0_i64; 4]; 3];
        // Days do not go back.
        let mut orders = orders;
        orders.sort_by_key(|order| order.1);
        for (index, day, times, is_undone) in orders {
            let before = devices[index].given();
            let outcome = devices[index].ask(&book, 20 + day, times);
            let (given, refused) = answer(&outcome);
            let left = i64::from(share) - before;
            let left_today = day_share.map_or(i64::MAX, |most| i64::from(most) - days[index][day as usize]);
            // As many as were asked for if they are there, else none, with the reason.
            let is_there = i64::from(times) <= left.min(left_today);
            prop_assert_eq!(given, if is_there { i64::from(times) } else { 0 });
            prop_assert_eq!(refused.is_none(), is_there);
            if is_undone {
                devices[index].count(&outcome, -1);
            } else {
                days[index][day as usize] += given;
            }
            prop_assert!(devices[index].given() <= i64::from(share));
        }
        let given: i64 = devices.iter().map(Device::given).sum();
        prop_assert_eq!(stock.excess(given), (given - i64::from(total)).max(0));
        if 3 * share <= total {
            prop_assert_eq!(stock.excess(given), 0);
        }
    }
}

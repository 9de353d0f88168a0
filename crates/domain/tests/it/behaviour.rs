//! What single rules and screens rely on, one behaviour at a time.

use stempel_domain::event::ReversalReason;
use stempel_domain::ledger::{Account, imbalance};
use stempel_domain::money::Money;
use stempel_domain::programme::Programme;
use stempel_domain::rules::{
    self, BookError, Original, RuleBook, Take, TakeBack, TakenBack, check_order, reverse, sale_postings,
};
use stempel_domain::sale::{Claim, Order, Sale, StampCount, StampOrder, Tender, TenderKind};
use stempel_domain::{MemberFacts, MemberId, Rate, ShopId};

use crate::support::*;

const MEMBER: MemberId = MemberId([5; 16]);

fn points(id: &str, rules: &str) -> String {
    format!("id = \"{id}\"\nname = \"P\"\n{rules}")
}

const PER_EURO: &str = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n";

#[test]
fn a_parked_sale_books_nothing_until_it_is_paid() {
    // SCENARIOS 28: judging changes nothing; only what is booked counts.
    let book = book(&[&points("p", PER_EURO)]);
    let facts = member("point", 5);
    let parked = sale(vec![line("a", "", "1", "10.00")]);
    let shown = judge(&book, &facts, Order::Sale(&parked));
    let reopened: Sale = serde_json::from_str(&serde_json::to_string(&parked).unwrap()).unwrap();
    assert_eq!(judge(&book, &facts, Order::Sale(&reopened)), shown);
    assert_eq!(facts, member("point", 5));
}

#[test]
fn a_stamp_card_knows_no_prices() {
    let rules = format!("{PER_EURO}[[earn]]\nid = \"o\"\nper = \"order\"\namount = 2\n");
    let book = book(&[&points("p", &rules)]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Stamps(&stamps("p", 7, vec![])));
    assert!(has(&outcome, "needs-price"));
    assert_eq!(outcome.earned()[&unit("point")], 2, "the order counts once, however many things it has");
    assert_eq!(outcome.total, Money::ZERO);
    let unknown = judge(&book, &MemberFacts::default(), Order::Stamps(&stamps("q", 1, vec![])));
    assert!(has(&unknown, "unknown-programme"));
    let twice = StampOrder {
        stamps: vec![StampCount { programme: "p".parse().unwrap(), count: 1 }; 2],
        ..StampOrder::default()
    };
    let outcome = judge(&book, &MemberFacts::default(), Order::Stamps(&twice));
    assert_eq!(outcome.earned()[&unit("point")], 2, "two entries for one card are one order");
}

#[test]
fn a_reward_of_two_programmes_must_be_named_with_its_programme() {
    let gift = "[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\n";
    let book = book(&[&points("a", gift), &points("b", gift)]);
    let mut order = Sale { claims: vec![claim("g")], ..Sale::default() };
    let outcome = judge(&book, &member("point", 1), Order::Sale(&order));
    assert_eq!(outcome.refused[0].reason, "ambiguous-reward");
    order.claims[0].programme = Some("b".parse().unwrap());
    let outcome = judge(&book, &member("point", 1), Order::Sale(&order));
    assert_eq!(outcome.spends[0].programme.as_str(), "b");
    order.claims[0].programme = Some("c".parse().unwrap());
    assert_eq!(judge(&book, &member("point", 1), Order::Sale(&order)).refused[0].reason, "unknown-reward");
}

#[test]
fn an_extra_free_item_comes_on_top_of_the_basket() {
    let free = "[[reward]]\nid = \"f\"\nkind = \"free-item\"\ncost = 1\ncategories = [\"coffee\"]\n";
    let book = book(&[&points("p", free)]);
    let basket = vec![line("latte", "coffee", "1", "4.00")];
    let of_basket = Sale { claims: vec![claim("f")], ..sale(basket.clone()) };
    let outcome = judge(&book, &member("point", 1), Order::Sale(&of_basket));
    assert_eq!((outcome.total, outcome.lines.len()), (Money(0), 1));
    let on_top = Sale { claims: vec![Claim { extra: true, ..claim("f") }], ..sale(basket) };
    let outcome = judge(&book, &member("point", 1), Order::Sale(&on_top));
    assert_eq!((outcome.total, outcome.lines.len()), (Money(400), 2));
    assert!(outcome.lines[1].free);
    assert_eq!(outcome.lines[1].sku.as_str(), "f", "named for its reward where nobody chose an article");
}

#[test]
fn an_old_debt_elsewhere_keeps_nobody_from_a_reward() {
    let gift = "unit = \"ticket\"\n[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\n";
    let book = book(&[&points("p", PER_EURO), &points("t", gift)]);
    let mut facts = member("point", -50);
    facts.lots.extend(member("ticket", 1).lots);
    let order = Sale { claims: vec![claim("g")], ..sale(vec![line("a", "", "1", "10.00")]) };
    let outcome = judge(&book, &facts, Order::Sale(&order));
    assert_eq!((outcome.spends.len(), outcome.earned()[&unit("point")]), (1, 10));
}

#[test]
fn a_reward_is_taken_as_often_as_its_limit_says() {
    let gift = "[[reward]]\nid = \"g\"\nkind = \"gift\"\ncost = 1\nlimit = { sale = 2, month = 3 }\n";
    let book = book(&[&points("p", gift)]);
    let order = Sale { claims: vec![claim("g"), claim("g"), claim("g")], ..Sale::default() };
    let mut facts = member("point", 10);
    let outcome = judge(&book, &facts, Order::Sale(&order));
    assert_eq!(outcome.spends.len(), 2);
    assert_eq!(outcome.refused[0].reason, "sale-limit");
    for step in &outcome.counters {
        *facts.counters.entry(step.key.clone()).or_default().entry(step.day).or_default() += step.amount;
    }
    let outcome = judge(&book, &facts, Order::Sale(&order));
    assert_eq!(outcome.spends.len(), 1);
    assert_eq!(outcome.refused[1].reason, "monthly-limit");
    let offers = rules::offers(&book, &facts, None, SHOP, &noon());
    assert_eq!(offers.rewards[0].times, 1);
    assert_eq!(book.reads_days_back(), 30);
    let next_month = at("2026-12-01T09:00:00+01:00");
    assert_eq!(rules::evaluate(&book, Some(&facts), Order::Sale(&order), SHOP, &next_month).spends.len(), 2);
}

#[test]
fn rounding_is_what_the_programme_says() {
    for (rounding, points_given) in [("down", 1), ("half-up", 2), ("up", 2)] {
        let rule = format!("[[earn]]\nper = \"money\"\namount = 1\nevery = 10\nrounding = \"{rounding}\"\n");
        let book = book(&[&points("p", &rule)]);
        let outcome =
            judge(&book, &MemberFacts::default(), Order::Sale(&sale(vec![line("a", "", "1", "15.00")])));
        assert_eq!(outcome.earned()[&unit("point")], points_given, "{rounding}");
    }
}

#[test]
fn shops_and_tags_decide_who_takes_part() {
    let here = "01".repeat(16);
    let rules =
        format!("shops = [\"{here}\"]\nwho = {{ tags = [\"vip\"], except_tags = [\"staff\"] }}\n{PER_EURO}");
    let book = book(&[&points("p", &rules)]);
    let order = sale(vec![line("a", "", "1", "10.00")]);
    let tagged = |tags: &[&str]| MemberFacts {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..MemberFacts::default()
    };
    assert_eq!(judge(&book, &tagged(&["vip"]), Order::Sale(&order)).awards.len(), 1);
    for tags in [&[][..], &["staff"], &["vip", "staff"]] {
        let outcome = judge(&book, &tagged(tags), Order::Sale(&order));
        assert!(outcome.awards.is_empty() && has(&outcome, "not-for-member"), "{tags:?}");
    }
    let elsewhere =
        rules::evaluate(&book, Some(&tagged(&["vip"])), Order::Sale(&order), ShopId([2; 16]), &noon());
    assert!(has(&elsewhere, "not-this-shop"));
}

#[test]
fn money_is_booked_with_its_tax() {
    let book = book(&[&points(
        "p",
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\n",
    )]);
    let mut order = sale(vec![line("a", "", "1", "11.90"), line("b", "", "1", "10.70")]);
    order.lines[1].vat = Rate(700);
    order.tenders = vec![Tender { kind: TenderKind::Stored, amount: Money(500) }];
    let outcome = judge(&book, &member("eur.2", 500), Order::Sale(&order));
    let postings = sale_postings(&order, &outcome, Some(MEMBER), SHOP, noon().day);
    assert!(imbalance(&postings).is_empty());
    let of = |account: Account| -> i64 {
        postings.iter().filter(|posting| posting.account == account).map(|posting| posting.amount).sum()
    };
    // 10.71 with 1.71 of tax inside, 9.63 with 0.63 inside; 5.00 paid from stored value.
    assert_eq!(outcome.total, Money(2034));
    assert_eq!(of(Account::Cash), 1534);
    assert_eq!(of(Account::Tax(Rate(1900))), -171);
    assert_eq!(of(Account::Tax(Rate(700))), -63);
    assert_eq!(of(Account::Sales(SHOP)), -1800);
    assert_eq!(
        (of(Account::Member(MEMBER)), of(Account::Shop(SHOP)), of(Account::Prepaid(SHOP))),
        (-500, 500, 500)
    );
}

#[test]
fn stamps_are_undone_as_a_whole_and_once() {
    let book = book(&[&template("coffee-card")]);
    let outcome = judge(&book, &MemberFacts::default(), Order::Stamps(&stamps("coffee", 3, vec![])));
    let at = noon();
    let original =
        Original { sale: None, is_visit: true, outcome: &outcome, member: Some(MEMBER), shop: SHOP, at: &at };
    let purses = std::collections::BTreeMap::new();
    let before = TakenBack::default();
    let wish = TakeBack {
        take: Take::Everything,
        reason: ReversalReason::Undo,
        before: &before,
        purses: &purses,
        at: &at,
    };
    let undone = reverse(&original, &wish).unwrap();
    assert_eq!(undone.taken_back[&unit("stamp:coffee")], 3);
    assert_eq!(undone.visit_ms, Some(at.utc_ms));
    let lines = TakeBack { take: Take::Quantities(&[1000]), ..wish };
    assert!(reverse(&original, &lines).is_err());
    let of = "00000000000000000000000000000001-1".parse().unwrap();
    let before = TakenBack::by([&undone.into_reversal(of, Some(MEMBER), ReversalReason::Undo)]);
    let again = TakeBack { before: &before, ..wish };
    assert_eq!(
        reverse(&original, &again).unwrap_err().to_string(),
        "everything of this was taken back before; nothing is left to return"
    );
}

#[test]
fn offers_say_what_is_possible_and_what_is_missing() {
    let rules = format!(
        "{PER_EURO}[[reward]]\nid = \"big\"\nkind = \"gift\"\ncost = 50\n[[reward]]\nid = \"small\"\nkind = \"gift\"\ncost = 20\n\
         [[reward]]\nid = \"night\"\nkind = \"gift\"\ncost = 1\nwhen = {{ hours = [\"22:00-23:00\"] }}\n"
    );
    let book = book(&[&points("p", &rules)]);
    let facts = member("point", 15);
    let now = rules::offers(&book, &facts, None, SHOP, &noon());
    let listed: Vec<_> =
        now.rewards.iter().map(|offer| (offer.reward.as_str(), offer.possible(), offer.missing)).collect();
    assert_eq!(listed, [("small", false, 5), ("big", false, 35)]);
    let order = judge(&book, &facts, Order::Sale(&sale(vec![line("a", "", "1", "30.00")])));
    let then = rules::offers(&book, &facts, Some(&order), SHOP, &noon());
    assert_eq!((then.rewards[0].times, then.rewards[0].have, then.rewards[1].missing), (2, 45, 5));
}

#[test]
fn orders_out_of_bounds_are_named() {
    let good = line("a", "", "1", "1.00");
    let many = sale(vec![good.clone(); Sale::LINES_MAX + 1]);
    assert!(check_order(Order::Sale(&many)).unwrap_err().to_string().contains("at most 500 lines"));
    let mut huge = sale(vec![good.clone(), good]);
    huge.lines[1].price = Money(i64::MAX);
    assert!(check_order(Order::Sale(&huge)).unwrap_err().to_string().starts_with("line 2: the price"));
    let none = Sale { claims: vec![Claim { times: 0, ..claim("r") }], ..Sale::default() };
    assert!(check_order(Order::Sale(&none)).is_err());
    assert!(check_order(Order::Stamps(&stamps("p", 1001, vec![]))).is_err());
    assert!(check_order(Order::Stamps(&stamps("p", 1000, vec![]))).is_ok());
}

#[test]
fn a_book_holds_one_version_of_each_programme() {
    let programme = Programme::parse_toml(&points("p", PER_EURO)).unwrap();
    let twice = vec![programme.clone().published(1), programme.published(2)];
    assert!(matches!(RuleBook::new(twice), Err(BookError::Twice(_))));
}

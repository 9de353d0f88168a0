//! The edges of windows, and the order in which things come off.

use stempel_domain::money::Money;
use stempel_domain::rules::{self, Language, RuleBook};
use stempel_domain::sale::{Order, Sale};
use stempel_domain::{Day, MemberFacts, Moment};

use crate::support::*;

fn programme(head: &str, rules: &str) -> RuleBook {
    book(&[&format!("id = \"p\"\nname = \"P\"\n{head}\n{rules}")])
}

fn ten() -> Sale {
    sale(vec![line("a", "", "1", "10.00")])
}

fn earned_at(book: &RuleBook, facts: &MemberFacts, at: &Moment) -> i64 {
    let outcome = rules::evaluate(book, Some(facts), Order::Sale(&ten()), SHOP, at);
    outcome.earned().get(&unit("point")).copied().unwrap_or(0)
}

fn counted(key: &str, day: Day, amount: i64) -> MemberFacts {
    let mut facts = MemberFacts::default();
    facts.counters.entry(key.to_owned()).or_default().insert(day, amount);
    facts
}

#[test]
fn a_week_begins_on_monday_and_a_period_ends_today() {
    // The twentieth of November 2026 is a Friday.
    let today = noon().day;
    for (cap, days_ago_inside, days_ago_outside) in [
        ("day = 10", 0, 1),
        ("week = 10", 4, 5),
        ("month = 10", 19, 20),
        ("year = 10", 323, 324),
        ("period = 10, period_days = 3", 2, 3),
    ] {
        let book =
            programme("", &format!("[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\ncap = {{ {cap} }}\n"));
        let inside = counted("p/e", today.plus_days(-days_ago_inside), 7);
        assert_eq!(earned_at(&book, &inside, &noon()), 3, "{cap}");
        let outside = counted("p/e", today.plus_days(-days_ago_outside), 7);
        assert_eq!(earned_at(&book, &outside, &noon()), 10, "{cap}");
        assert!(book.reads_days_back() >= days_ago_inside.min(365) || cap.starts_with("year"), "{cap}");
    }
}

#[test]
fn higher_priorities_come_first() {
    let off = |priorities: [i32; 2]| {
        let [euro, half] = priorities;
        let book = programme(
            "",
            &format!(
                "[[reward]]\nid = \"euro\"\nkind = \"amount-off\"\namount = 1\nautomatic = true\npriority = {euro}\n\
                 [[reward]]\nid = \"half\"\nkind = \"percent-off\"\npercent = 50\nautomatic = true\npriority = {half}\n"
            ),
        );
        rules::evaluate(&book, None, Order::Sale(&ten()), SHOP, &noon()).total
    };
    assert_eq!(off([1, 0]), Money(450));
    assert_eq!(off([0, 0]), Money(450), "of equals the first in the file");
    assert_eq!(off([0, 1]), Money(400));
}

#[test]
fn of_two_discounts_that_are_equally_good_the_first_applies() {
    let discount = |id: &str, kind: &str| {
        format!("[[reward]]\nid = \"{id}\"\nkind = {kind}\nautomatic = true\nonly_best = \"x\"\n")
    };
    let rules = discount("first", "\"percent-off\"\npercent = 10")
        + &discount("second", "\"amount-off\"\namount = 1");
    let outcome = rules::evaluate(&programme("", &rules), None, Order::Sale(&ten()), SHOP, &noon());
    assert_eq!(outcome.total, Money(900));
    let applied = outcome.trace.iter().find(|step| step.code == "discount").unwrap();
    assert_eq!(applied.rule.as_deref(), Some("first"));
    let passed = outcome.trace.iter().find(|step| step.code == "not-best").unwrap();
    assert_eq!(passed.rule.as_deref(), Some("second"));
}

#[test]
fn a_cap_holds_for_every_kind_of_discount() {
    for (kind, total) in [
        ("\"percent-off\"\npercent = 50\ncap = 2", 800),
        ("\"percent-off\"\npercent = 50\ncap = 2\non = \"cheapest\"", 800),
        ("\"amount-off\"\namount = 5\ncap = 2", 800),
        ("\"amount-off\"\namount = 5\ncap = 2\non = \"cheapest\"", 800),
        ("\"amount-off\"\namount = 50", 0),
        ("\"amount-off\"\namount = 50\non = \"cheapest\"", 0),
    ] {
        let book = programme("", &format!("[[reward]]\nid = \"r\"\nkind = {kind}\nautomatic = true\n"));
        let outcome = rules::evaluate(&book, None, Order::Sale(&ten()), SHOP, &noon());
        assert_eq!(outcome.total, Money(total), "{kind}");
    }
}

#[test]
fn what_is_free_does_not_help_to_reach_a_minimum() {
    let rules = "[[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 1\nskus = [\"a\"]\n\
        [[reward]]\nid = \"off\"\nkind = \"percent-off\"\npercent = 10\nautomatic = true\nminimum = 20.00\n";
    let book = programme("", rules);
    let mut two = sale(vec![line("a", "", "2", "10.00")]);
    assert_eq!(judge(&book, &member("point", 1), Order::Sale(&two)).total, Money(1800));
    two.claims = vec![claim("free")];
    let outcome = judge(&book, &member("point", 1), Order::Sale(&two));
    assert_eq!(outcome.total, Money(1000));
    assert!(has(&outcome, "below-minimum"));
}

#[test]
fn hours_may_pass_midnight() {
    let book = programme("when = { hours = [\"22:00-02:00\"] }", "[[earn]]\nper = \"order\"\namount = 1\n");
    for (time, points) in [("21:59", 0), ("22:00", 1), ("23:59", 1), ("00:00", 1), ("01:59", 1), ("02:00", 0)]
    {
        let at = at(&format!("2026-11-20T{time}:00+01:00"));
        assert_eq!(earned_at(&book, &MemberFacts::default(), &at), points, "{time}");
    }
}

#[test]
fn units_may_last_some_days() {
    for (expiry, last) in [
        ("days = 14", "2026-12-04"),
        ("months = 1, days = 1", "2026-12-21"),
        ("to_end_of = \"month\"", "2026-11-30"),
        ("days = 14, to_end_of = \"year\"", "2026-12-31"),
    ] {
        let book = programme(&format!("expiry = {{ {expiry} }}"), "[[earn]]\nper = \"order\"\namount = 1\n");
        let outcome = judge(&book, &MemberFacts::default(), Order::Sale(&ten()));
        assert_eq!(outcome.awards[0].last.unwrap().to_string(), last, "{expiry}");
    }
}

#[test]
fn a_programme_that_cannot_apply_says_nothing() {
    // The cost of a sale, and the length of its explanation, grow with what can apply.
    let tea = "[[earn]]\nper = \"item\"\namount = 1\ncategories = [\"tea\"]\n";
    let book = programme("unit = \"stamp:tea\"", tea);
    assert!(judge(&book, &MemberFacts::default(), Order::Sale(&ten())).trace.is_empty());
    let collector = judge(&book, &member("stamp:tea", 1), Order::Sale(&ten()));
    assert!(has(&collector, "nothing-counts"), "who collects there is told why not");
}

#[test]
fn a_tier_says_how_long_it_is_kept_and_what_is_missing() {
    let ladder = "ladder = [{ name = \"silver\", from = 100 }, { name = \"gold\", from = 300 }] }";
    let today = noon().day;
    for (window, kept_until, held, missing, begins, ends) in [
        ("window_days = 30, grace_days = 5", "2026-12-14", 15_000, 15_000, "2026-10-22", "2026-11-20"),
        ("window = \"month\", grace_days = 5", "2026-12-05", 15_000, 15_000, "2026-11-01", "2026-11-30"),
        ("window = \"year\", grace_days = 90", "2027-03-31", 15_000, 15_000, "2026-01-01", "2026-12-31"),
        // In this week nothing was spent, and still the grace keeps what the last one gave.
        ("window = \"week\", grace_days = 14", "2026-11-29", 0, 30_000, "2026-11-16", "2026-11-22"),
    ] {
        let book = programme(&format!("tiers = {{ by = \"spend\", {window}, {ladder}"), "");
        let facts = counted("p#tier", today.plus_days(-10), 15_000);
        let standing = &rules::standings(&book, &facts, &noon())[0];
        assert_eq!(standing.tier.as_deref(), Some("silver"), "{window}");
        assert_eq!(standing.kept_until.unwrap().to_string(), kept_until, "{window}");
        assert_eq!((standing.counted, standing.next.clone().unwrap()), (held, ("gold".to_owned(), missing)));
        let (first, last) = standing.window;
        assert_eq!((first.to_string().as_str(), last.to_string().as_str()), (begins, ends), "{window}");
        assert!(book.reads_days_back() >= 11, "{window}");
    }
}

#[test]
fn a_tier_is_said_in_a_sentence() {
    let ladder = "ladder = [{ name = \"silver\", from = 2 }, { name = \"gold\", from = 5 }] }";
    let of = |by: &str, window: &str, amount: i64| {
        let book = programme(&format!("scale = 1\ntiers = {{ by = \"{by}\", {window}, {ladder}"), "");
        let day = if window.contains("ever") { Day::MAX } else { noon().day.plus_days(-1) };
        let mut facts = counted("p#tier", day, amount);
        facts.counters.entry("p#tier".to_owned()).or_default().insert(noon().day, amount);
        let standing = rules::standings(&book, &facts, &noon()).remove(0);
        let unit = book.find(&"p".parse().unwrap()).unwrap().programme.unit().clone();
        (standing.sentence(&unit, Language::De), standing.sentence(&unit, Language::En))
    };
    for (by, window, amount, de, en) in [
        (
            "visits",
            "window = \"month\", grace_days = 5",
            0,
            "noch keine Stufe; 2 Besuche bis zur Stufe silver",
            "no tier yet; 2 visits to silver",
        ),
        (
            "visits",
            "window = \"month\", grace_days = 5",
            1,
            "silver bis 5. Dezember 2026; 3 Besuche bis zur Stufe gold",
            "silver until 5 December 2026; 3 visits to gold",
        ),
        (
            "spend",
            "window_days = 2, grace_days = 5",
            200,
            "silver bis 26. November 2026; 1,00 € bis zur Stufe gold",
            "silver until 26 November 2026; €1.00 to gold",
        ),
        (
            "units",
            "window = \"ever\"",
            15,
            "noch keine Stufe; 0,5 Punkte bis zur Stufe silver",
            "no tier yet; 0.5 points to silver",
        ),
        ("units", "window = \"ever\"", 40, "silver; 1 Punkt bis zur Stufe gold", "silver; 1 point to gold"),
        ("units", "window = \"ever\"", 50, "gold", "gold"),
    ] {
        assert_eq!(of(by, window, amount), (de.to_owned(), en.to_owned()), "{by} {window} {amount}");
    }
    let visit = of("visits", "window = \"ever\"", 4).1;
    assert_eq!(visit, "silver; 1 visit to gold");
}

#[test]
fn a_day_that_was_taken_back_is_no_visit() {
    let head = "tiers = { by = \"visits\", window_days = 7, ladder = [{ name = \"regular\", from = 2 }] }";
    let book = programme(head, "");
    let today = noon().day;
    let mut facts = counted("p#tier", today, 3);
    facts.counters.entry("p#tier".to_owned()).or_default().insert(today.plus_days(-1), 0);
    let tier = |facts: &MemberFacts| rules::standings(&book, facts, &noon())[0].tier.clone();
    assert_eq!(tier(&facts), None, "three orders on one day are one visit");
    facts.counters.entry("p#tier".to_owned()).or_default().insert(today.plus_days(-6), 1);
    assert_eq!(tier(&facts).as_deref(), Some("regular"));
}

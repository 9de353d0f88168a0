//! Each programme in `assets/programmes` does what it says.

use stempel_domain::money::Money;
use stempel_domain::sale::{Order, Sale};

use crate::support::*;

#[test]
fn ten_coffees_and_one_is_free() {
    let book = book(&[&template("coffee-card")]);
    let stamp = unit("stamp:coffee");
    let three = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&stamps("coffee", 3, vec![])));
    assert_eq!(three.earned()[&stamp], 3);
    let one_free = stamps("coffee", 3, vec![claim("free-coffee")]);
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&one_free));
    assert_eq!((outcome.earned()[&stamp], outcome.spent()[&stamp]), (2, 10));
    let only = stamps("coffee", 1, vec![claim("free-coffee")]);
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&only));
    assert_eq!(outcome.refused[0].reason, "not-enough");
    assert_eq!(outcome.earned()[&stamp], 1);
    let mut extra = only;
    extra.claims[0].extra = true;
    let outcome = judge(&book, &member("stamp:coffee", 9), Order::Stamps(&extra));
    assert_eq!((outcome.earned()[&stamp], outcome.spent()[&stamp]), (1, 10));
    let sold = sale(vec![line("latte", "coffee", "2", "4.10"), line("cake", "cake", "1", "3.50")]);
    let outcome = judge(&book, &member("stamp:coffee", 0), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.earned()[&stamp]), (Money(1170), 2));
}

#[test]
fn a_point_for_each_euro_and_five_euro_for_a_hundred() {
    let book = book(&[&template("points")]);
    let point = unit("point");
    let mut sold =
        Sale { claims: vec![claim("five-off")], ..sale(vec![line("beans", "beans", "1", "12.90")]) };
    let outcome = judge(&book, &member("point", 100), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.earned()[&point], outcome.spent()[&point]), (Money(790), 7, 100));
    assert_eq!(outcome.awards[0].last.unwrap().to_string(), "2028-12-31");
    sold.claims[0].times = 3;
    let outcome = judge(&book, &member("point", 500), Order::Sale(&sold));
    assert_eq!((outcome.total, outcome.spent()[&point]), (Money(0), 300));
    let outcome = judge(&book, &member("point", 90), Order::Sale(&sold));
    assert!(has(&outcome, "not-enough"));
    let nobody = stempel_domain::rules::evaluate(&book, None, Order::Sale(&sold), SHOP, &noon());
    assert!(has(&nobody, "no-card") && nobody.awards.is_empty());
    assert_eq!(nobody.total, Money(1290));
}

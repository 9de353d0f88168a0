//! A terminal that works alone.

use stempel_domain::sale::Sale;
use stempel_domain::{Day, Fact, Money, Quantity, Rate};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::{Article, Modifier, RateFrom, Served};

use crate::support::*;

#[test]
fn from_nothing_to_a_free_coffee() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let ada = till.add_member(Some("Ada"), &None, None).unwrap();
    let code = ada.token.to_string();
    for visit in 1..=10 {
        clock.move_by(DAY);
        assert_eq!(stamp(&mut till, &code, 1).balances[&"stamp:coffee".parse().unwrap()], visit);
    }
    clock.move_by(DAY);
    let given = till.stamp(&code, None, 1, vec![free_coffee()], &Circumstances::default()).unwrap();
    assert_eq!(given.outcome.spent().values().sum::<i64>(), 10);
    assert_eq!(till.pending().unwrap(), 0, "nobody waits for anything");
    let look = till.look(&till.who(&code).unwrap()).unwrap();
    assert_eq!(look.profile.unwrap().name, "Ada");
    assert_eq!(till.verify_journal().unwrap().rows, head(&till));
}

#[test]
fn an_article_is_taxed_by_day_and_place_and_counts_as_before_with_what_is_added() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let next = till.moment(None).unwrap().day.plus_days(1);
    let oat = Modifier {
        code: "oat".parse().unwrap(),
        name: "Hafermilch".into(),
        price: Money(50),
        vat: Some(Rate(1900)),
        vat_away: None,
    };
    let article = Article {
        vat_away: Some(Rate(500)),
        rates: vec![RateFrom { from: next, vat: Rate(800), vat_away: None }],
        modifiers: vec![oat],
        ..latte()
    };
    till.import_articles(&[article]).unwrap();
    let line = |till: &Terminal, sku: &str, day: Day, served| {
        till.line_at(&sku.parse().unwrap(), Quantity::ONE, day, served)
    };
    let today = till.moment(None).unwrap().day;
    assert_eq!(line(&till, "latte", today, Served::Away).unwrap().vat, Rate(500));
    assert!(line(&till, "latte+soy", today, Served::Here).is_err());
    assert_eq!(till.line(&"latte".parse().unwrap(), Quantity::ONE, Served::Here).unwrap().vat, Rate(700));
    clock.move_by(DAY);
    assert_eq!(till.line(&"latte".parse().unwrap(), Quantity::ONE, Served::Here).unwrap().vat, Rate(800));
    let code = till.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
    let oat = till.line(&"latte+oat".parse().unwrap(), Quantity::ONE, Served::Here).unwrap();
    assert_eq!((oat.sku.as_str(), oat.price, oat.vat), ("latte", Money(470), Rate(1900)));
    let sale = Sale { lines: vec![oat], ..Sale::default() };
    till.sale(Some(&code), sale, &Circumstances::default()).unwrap();
    assert_eq!(coffees(&till, &code), 1);
}

#[test]
fn everything_is_there_after_reopening() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let ada = till.add_member(Some("Ada"), &None, None).unwrap();
    stamp(&mut till, &ada.token.to_string(), 3);
    let (identity, rows) = (till.identity().device, head(&till));
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    assert_eq!((till.identity().device, head(&till)), (identity, rows));
    assert_eq!(coffees(&till, &ada.token.to_string()), 3);
    assert_eq!(till.programmes().len(), 2);
    stamp(&mut till, &ada.token.to_string(), 1);
    assert_eq!(till.verify_journal().unwrap().rows, rows + 1);
}

#[test]
fn a_sale_earns_by_money_and_by_article_and_books_to_zero() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let sale = lattes(&till, 3);
    let given = till.sale(Some(&code), sale, &Circumstances::default()).unwrap();
    assert_eq!(given.outcome.total.0, 1260);
    assert_eq!((coffees(&till, &code), balance(&till, &code, "point")), (3, 12));
    let Fact::Sale(fact) = till.event(given.event.unwrap()).unwrap().record.fact else { panic!() };
    assert!(stempel_domain::ledger::imbalance(&fact.postings).is_empty());
    assert_eq!(fact.sale.tenders.len(), 1, "what was not named is paid in cash");
    let why = till.why(given.member.unwrap()).unwrap();
    assert_eq!(why.events.len(), 2);
    assert!(why.confirmed.is_empty(), "every unit is explained by an event");
}

#[test]
fn a_guest_without_a_card_pays_and_earns_nothing() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let given = till.sale(None, lattes(&till, 1), &Circumstances::default()).unwrap();
    assert_eq!((given.member, given.outcome.total.0), (None, 420));
    assert!(given.balances.is_empty() && given.event.is_some());
}

#[test]
fn what_cannot_be_is_refused_and_leaves_no_trace() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let before = head(&till);
    let how = Circumstances::default();
    let refused = [
        till.stamp(&code, None, 0, vec![free_coffee()], &how),
        till.stamp(&code, Some(&"tea".parse().unwrap()), 1, Vec::new(), &how),
        till.stamp(&code, None, 101, Vec::new(), &how),
        till.sale(Some(&code), Default::default(), &how),
        till.redeem(&code, free_coffee(), &how),
    ];
    assert!(matches!(refused[0], Err(TerminalError::Refused(..))), "{:?}", refused[0]);
    assert!(matches!(refused[1], Err(TerminalError::Unknown(_))), "{:?}", refused[1]);
    assert!(refused[2..].iter().all(Result::is_err));
    assert_eq!(head(&till), before);
    assert_eq!(coffees(&till, &code), 0);
}

#[test]
fn a_programme_is_published_once_for_each_version() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let before = head(&till);
    assert_eq!(till.publish(template("coffee-card"), &None).unwrap().version, 1);
    assert_eq!(head(&till), before, "the same again is no event");
    let changed = till.programmes()[0].programme.to_json().replace("\"card\":10", "\"card\":8");
    let changed = stempel_domain::programme::Programme::from_json(&changed).unwrap();
    assert_eq!(till.publish(changed, &None).unwrap().version, 2);
    drop(till);
    let till = reopened(dir.path(), &clock);
    assert_eq!(till.programmes()[0].reference.version, 2);
    assert_eq!(till.programmes()[0].programme.card_size(), Some(8));
}

#[test]
fn a_folder_is_set_up_once() {
    let (dir, clock) = (folder(), Hand::noon());
    drop(alone_in(dir.path(), &clock));
    let again = stempel_terminal::setup::begin_alone(
        store(dir.path()),
        std::sync::Arc::new(clock.clone()),
        Box::new(Seeded(1)),
        &Default::default(),
    );
    assert!(matches!(again, Err(TerminalError::SetUpAlready(name)) if name == "Morgenrot"));
    let empty = folder();
    assert!(!Terminal::is_set_up(&store(empty.path())).unwrap());
    let opened = Terminal::open(store(empty.path()), std::sync::Arc::new(clock), Box::new(Seeded(1)));
    assert!(matches!(opened, Err(TerminalError::NotSetUp)));
}

#[test]
fn one_of_the_stamps_just_given_becomes_the_free_one() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    stamp(&mut till, &code, 9);
    let how = Circumstances::default();
    // 9 and 3 coffees, one of them free: 9 + 2 − 10.
    let three = stamp(&mut till, &code, 3).event.unwrap();
    till.free_among(three, &code, free_coffee(), &how).unwrap();
    assert_eq!(coffees(&till, &code), 1);
    assert!(till.undo(three, &how).is_err(), "the first three were taken back already");
    // The only coffee cannot be the free one while it is one short: what was given stays given.
    let before = (head(&till), coffees(&till, &code));
    let one = stamp(&mut till, &code, 1).event.unwrap();
    assert!(till.free_among(one, &code, free_coffee(), &how).is_err());
    assert_eq!((head(&till), coffees(&till, &code)), (before.0 + 1, before.1 + 1));
    till.verify_journal().unwrap();
}

#[test]
fn a_free_one_among_stamps_is_offered_only_where_it_works_and_taken_back_whole() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let how = Circumstances { by_hand: true, ..Circumstances::default() };
    stamp(&mut till, &code, 9);
    clock.move_by(1000);
    let tenth = stamp(&mut till, &code, 1).event.unwrap();
    assert!(!till.may_be_free_among(tenth, &code, free_coffee(), &how), "nine are too few without it");
    clock.move_by(1000);
    let eleventh = stamp(&mut till, &code, 1).event.unwrap();
    assert!(till.may_be_free_among(eleventh, &code, free_coffee(), &how));
    assert_eq!(coffees(&till, &code), 11, "asking changes nothing");
    clock.move_by(1000);
    let free = till.free_among(eleventh, &code, free_coffee(), &how).unwrap();
    assert_eq!(coffees(&till, &code), 0);
    clock.move_by(1000);
    // A slip of the finger: the card is as before, the eleventh stamp too.
    till.undo(free.event.unwrap(), &how).unwrap();
    assert_eq!(coffees(&till, &code), 11);
    assert!(till.undo(free.event.unwrap(), &how).is_err(), "once");
    // The same with three that were given at once.
    clock.move_by(1000);
    let three = stamp(&mut till, &code, 3).event.unwrap();
    clock.move_by(1000);
    let free = till.free_among(three, &code, free_coffee(), &how).unwrap();
    assert_eq!(coffees(&till, &code), 11 + 2 - 10);
    clock.move_by(1000);
    till.undo(free.event.unwrap(), &how).unwrap();
    assert_eq!(coffees(&till, &code), 14);
    till.verify_journal().unwrap();
}

#[test]
fn an_article_is_found_by_the_number_on_its_package() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let article = |sku: &str, gone| Article { sku: sku.parse().unwrap(), gone, ..latte() };
    let coded = |sku: &str, code: &str, gone| Article { code: code.parse().ok(), ..article(sku, gone) };
    let articles = [
        coded("beans", "4012345678901", false),
        coded("old-beans", "96385074", true),
        article("4006381333931", false),
        article("96385074", false),
        article("00012345600012", false),
        article("5012345678900", true),
    ];
    till.import_articles(&articles).unwrap();
    let found = |gtin: &str| {
        let found = till.article_on_package(gtin).unwrap();
        found.map(|article| article.sku.to_string())
    };
    assert_eq!(found("04006381333931").as_deref(), Some("4006381333931"));
    assert_eq!(found("04012345678901").as_deref(), Some("beans"), "by its code");
    assert_eq!(
        found("00000096385074").as_deref(),
        Some("96385074"),
        "what is no longer sold leaves its code"
    );
    assert_eq!(found("00012345600012").as_deref(), Some("00012345600012"));
    assert_eq!(found("14006381333938"), None, "a box of them is another article");
    assert_eq!(found("05012345678900"), None, "no longer sold");
    for text in ["", "latte", "é4006381333931", "4006381333931 "] {
        let _ = found(text);
    }
}

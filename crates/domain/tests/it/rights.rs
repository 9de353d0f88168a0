//! Rights that are given once: the templates that give them, and what holds for all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use stempel_domain::event::{CounterStep, Event, Fact, GrantFact, Record, ReversalReason, StampFact};
use stempel_domain::member::{Change, Effect, MemberState, birthday_week, effect_of};
use stempel_domain::programme::{Period, Programme};
use stempel_domain::rules::{
    self, Amends, Original, Place, RuleBook, Take, TakeBack, TakenBack, case, challenges, goodwill,
};
use stempel_domain::sale::{Deed, Order, Sale};
use stempel_domain::{AuthorId, Day, EventRef, Grant, MemberId, Moment, TenantId};

use crate::support::*;

/// A template, a case, and what its answers must hold.
const TRIED: [(&str, &str, &str); 16] = [
    (
        "month-challenge",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [
            {"sku": "a", "category": "coffee", "price": "3.00"}, {"sku": "b", "category": "coffee", "price": "3.00"},
            {"sku": "c", "category": "tea", "price": "3.00"}, {"sku": "d", "category": "tea", "price": "3.00"},
            {"sku": "a", "category": "coffee", "price": "3.00"}]}},
          {"at": "2026-11-30T23:00:00+01:00", "sale": {"lines": [{"sku": "e", "category": "tea", "price": "3.00"}]}},
          {"at": "2026-12-01T09:00:00+01:00", "sale": {"lines": [{"sku": "e", "category": "tea", "price": "3.00"}],
            "claims": [{"reward": "any-drink", "sku": "e"}]}}]}"#,
        r#"[{"earned": {}, "trace": ["progress"]},
            {"earned": {"badge:five-drinks": "1"}, "vouchers": [{"reward": "any-drink", "last_day": "2026-12-31"}]},
            {"total": "0.00", "refused": []}]"#,
    ),
    (
        "quest",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "category": "breakfast", "price": "14.00"}]}},
          {"at": "2026-11-02T10:00:00+01:00", "sale": {"lines": [{"sku": "a", "category": "breakfast", "price": "12.00"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "sale": {"lines": [{"sku": "c", "category": "cake", "price": "4.50"}]}},
          {"at": "2026-12-01T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "category": "breakfast", "price": "2.00"}]}},
          {"at": "2026-12-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "category": "breakfast", "price": "9.00"}]}}]}"#,
        r#"[{"earned": {}}, {"earned": {}}, {"earned": {}}, {"earned": {"point": "100", "badge:gourmet": "1"}}, {"earned": {}}]"#,
    ),
    (
        "streak",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "stamps": {"programme": "regular", "count": 1}},
          {"at": "2026-11-15T09:00:00+01:00", "stamps": {"programme": "regular", "count": 1}},
          {"at": "2026-11-17T09:00:00+01:00", "stamps": {"programme": "regular", "count": 1}},
          {"at": "2026-11-29T09:00:00+01:00", "stamps": {"programme": "regular", "count": 1}},
          {"at": "2026-11-30T09:00:00+01:00", "stamps": {"programme": "regular", "count": 1}}]}"#,
        r#"[{"vouchers": []}, {"vouchers": []}, {"vouchers": []}, {"vouchers": [{"reward": "coffee"}], "grants": ["regular/four-weeks@2026-W48"]},
            {"vouchers": []}]"#,
    ),
    (
        "levels",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "199.00"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "801.00"}]}},
          {"at": "2029-11-03T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}}]}"#,
        r#"[{"earned": {"point": "199"}}, {"earned": {"point": "901", "badge:roaster": "1", "badge:master": "1"}},
            {"earned": {"point": "15"}}]"#,
    ),
    (
        "referral",
        r#"{"member": {"referred": true}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "5.00"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "5.00"}]}}]}"#,
        r#"[{"vouchers": [{"reward": "coffee"}], "due": ["friends"]}, {"vouchers": []}]"#,
    ),
    (
        "occasions",
        r#"{"member": {"first_purchase": "2024-11-05", "birthday": false}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "5.00"}]}},
          {"at": "2026-11-08T09:00:00+01:00", "day": true}]}"#,
        r#"[{"vouchers": [{"reward": "coffee"}], "grants": ["occasions/first-purchase@2026"]}, {"vouchers": []}]"#,
    ),
    (
        "membership",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [
            {"sku": "PLUS-YEAR", "price": "30.00"}, {"sku": "a", "price": "10.00"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "refund": {"of": 0, "lines": {"PLUS-YEAR": "1"}}},
          {"at": "2026-11-03T10:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}},
          {"at": "2026-11-04T09:00:00+01:00", "sale": {"lines": [{"sku": "PLUS-YEAR", "quantity": "2", "price": "30.00"}]}},
          {"at": "2028-11-03T10:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}},
          {"at": "2028-11-04T10:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}}]}"#,
        r#"[{"total": "39.00"}, {"total": "-30.00"}, {"total": "10.00"}, {"total": "60.00"}, {"total": "9.00"}, {"total": "10.00"}]"#,
    ),
    (
        "vip",
        r#"{"member": {"balances": {"membership:vip": "1"}}, "steps": [
          {"at": "2026-11-02T07:59:00+01:00", "sale": {"lines": [{"sku": "a", "price": "5.00"}]}},
          {"at": "2026-11-02T08:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "5.00"}]}}]}"#,
        r#"[{"total": "4.00"}, {"total": "5.00"}]"#,
    ),
    (
        "share-for-a-cause",
        r#"{"member": null, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [
            {"sku": "tree-cake", "price": "4.50"}, {"sku": "a", "price": "0.49"}]}}]}"#,
        r#"[{"total": "4.99", "trace": ["giving"]}]"#,
    ),
    (
        "suspended-coffee",
        r#"{"member": {"balances": {"stamp:coffee": "10"}}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "stamps": {"programme": "suspended", "count": 0, "claims": [{"reward": "give-a-coffee"}]}},
          {"at": "2026-11-02T10:00:00+01:00", "sale": {"lines": [{"sku": "c", "category": "coffee", "price": "3.00"}], "codes": ["AUFGESCHOBEN"]}},
          {"at": "2026-11-02T11:00:00+01:00", "refund": {"of": 1, "lines": "all"}},
          {"at": "2026-11-02T12:00:00+01:00", "sale": {"lines": [{"sku": "c", "category": "coffee", "price": "3.00"}], "codes": ["AUFGESCHOBEN"]}}]}"#,
        r#"[{"spent": {"stamp:coffee": "10"}}, {"total": "0.00"}, {"total": "0.00"}, {"total": "0.00"}]"#,
    ),
    (
        "event-places",
        r#"{"member": {"balances": {"point": "500"}}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"claims": [{"reward": "place"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "sale": {"claims": [{"reward": "place"}]}},
          {"at": "2026-12-13T09:00:00+01:00", "sale": {"claims": [{"reward": "place"}]}}]}"#,
        r#"[{"earned": {"place:tasting": "1"}, "spent": {"point": "200"}}, {"refused": ["yearly-limit"]}, {"refused": ["programme-ended"]}]"#,
    ),
    (
        "partner-perk",
        r#"{"member": {"balances": {"point": "25"}}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"claims": [{"reward": "bookshop", "times": "3"}]}},
          {"at": "2026-11-02T09:01:00+01:00", "sale": {"claims": [{"reward": "bookshop"}]}},
          {"at": "2026-11-03T09:00:00+01:00", "sale": {"claims": [{"reward": "bookshop"}]}}]}"#,
        r#"[{"spent": {"point": "15"}}, {"refused": ["sold-out-today"]}, {"refused": []}]"#,
    ),
    (
        "early-access",
        r#"{"member": {"balances": {"point": "60"}}, "steps": [
          {"at": "2026-11-20T08:30:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}},
          {"at": "2026-11-20T09:30:00+01:00", "sale": {"claims": [{"reward": "key"}]}},
          {"at": "2026-11-27T08:30:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}},
          {"at": "2026-11-27T09:30:00+01:00", "sale": {"lines": [{"sku": "a", "price": "10.00"}]}}]}"#,
        r#"[{"total": "10.00"}, {"earned": {"access:first-hour": "1"}}, {"total": "7.00"}, {"total": "10.00"}]"#,
    ),
    (
        "activities",
        r#"{"member": {}, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "activity": {"programme": "deeds", "id": "review"}},
          {"at": "2026-11-30T09:00:00+01:00", "activity": {"programme": "deeds", "id": "review"}},
          {"at": "2026-12-01T09:00:00+01:00", "activity": {"programme": "deeds", "id": "review"}},
          {"at": "2027-12-01T09:00:00+01:00", "activity": {"programme": "deeds", "id": "profile"}},
          {"at": "2028-12-01T09:00:00+01:00", "activity": {"programme": "deeds", "id": "profile"}}]}"#,
        r#"[{"earned": {"point": "10"}}, {"earned": {}}, {"earned": {"point": "10"}}, {"earned": {"point": "20"}},
            {"earned": {}, "trace": ["given-before"]}]"#,
    ),
    (
        "three-for-two",
        r#"{"member": null, "steps": [
          {"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "c", "category": "cake", "quantity": "2", "price": "4.00"}]}},
          {"at": "2026-11-02T09:01:00+01:00", "sale": {"lines": [{"sku": "c", "category": "cake", "quantity": "6", "price": "4.00"}]}},
          {"at": "2026-11-02T09:02:00+01:00", "refund": {"of": 1, "lines": "all"}},
          {"at": "2026-11-02T09:03:00+01:00", "sale": {"lines": [
            {"sku": "b", "category": "breakfast", "price": "9.00"}, {"sku": "j", "category": "juice", "price": "3.00"}]}}]}"#,
        r#"[{"total": "8.00"}, {"total": "16.00"}, {"total": "-16.00"}, {"total": "10.50"}]"#,
    ),
    (
        "goodwill",
        r#"{"member": {}, "steps": [{"at": "2026-11-02T09:00:00+01:00", "sale": {"lines": [{"sku": "a", "price": "3.00"}]}}]}"#,
        r#"[{"earned": {"point": "3"}}]"#,
    ),
];

/// The names of the templates that are tried here.
pub fn tried() -> impl Iterator<Item = &'static str> {
    TRIED.iter().map(|(name, _, _)| *name)
}

#[test]
fn each_template_gives_its_rights() {
    for (name, text, answers) in TRIED {
        let programme = Programme::parse_toml(&template(name)).unwrap();
        let given = case::run(&[programme], text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wanted: Vec<Value> = serde_json::from_str(answers).unwrap();
        assert_eq!(wanted.len(), given.len(), "{name}");
        for (step, (wanted, answer)) in wanted.iter().zip(&given).enumerate() {
            for (key, wanted) in wanted.as_object().unwrap() {
                assert!(holds(key, answer, wanted), "{name}, step {step}: {key}: {wanted} in {answer:#}");
            }
        }
    }
}

const MEMBER: MemberId = MemberId([7; 16]);

fn device(number: u8) -> AuthorId {
    AuthorId([number; 16])
}

/// One stamp of a programme at a device that knows a state.
fn stamped(book: &RuleBook, known: &MemberState, author: u8, seq: u64, at: &Moment) -> Event {
    let order = stamps(book.programmes()[0].reference.id.as_str(), 1, vec![]);
    let facts = known.facts(at);
    let outcome = rules::evaluate(book, Some(&facts), Order::Stamps(&order), SHOP, at);
    let loyalty = stempel_domain::event::Loyalty {
        member: MEMBER,
        card: None,
        rules: rules::VERSION,
        programmes: book.references(),
        facts,
    };
    let postings = outcome.postings(MEMBER, SHOP, at.day);
    let fact =
        StampFact { shop: SHOP, order, loyalty, outcome, postings, place: Default::default(), proof: None };
    let record = Record { at: *at, operator: None, fact: Fact::Stamp(Box::new(fact)) };
    Event { author: device(author), seq, record }
}

fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> MemberState {
    let mut state = MemberState::default();
    events.into_iter().filter_map(effect_of).for_each(|(_, effect)| state.apply(&effect));
    state
}

const FIRST: &str = "id = \"p\"\nname = \"P\"\n\
    [[challenge]]\nid = \"first\"\ngoal = [{ count = \"orders\", target = 1 }]\ngives = { amount = 7 }\n";

#[test]
fn nobody_has_to_be_there_for_a_deed_so_its_undo_takes_no_visit_back() {
    let book = book(&["id = \"p\"\nname = \"P\"\n[[activity]]\nid = \"survey\"\ngives = { amount = 5 }\n"]);
    let deed = Deed::Activity {
        programme: "p".parse().unwrap(),
        activity: "survey".to_owned(),
        reference: String::new(),
    };
    let stamp = stamped(&book, &MemberState::default(), 1, 1, &noon()).record.fact;
    let Fact::Stamp(stamped) = &stamp else { unreachable!() };
    let loyalty = stamped.loyalty.clone();
    let outcome = rules::evaluate(&book, Some(&loyalty.facts), Order::Deed(&deed), SHOP, &noon());
    let postings = outcome.postings(MEMBER, SHOP, noon().day);
    let given = GrantFact { shop: SHOP, deed, loyalty, outcome, postings, place: Default::default() };
    let (before, purses) = (TakenBack::default(), BTreeMap::new());
    let visit = |fact: &Fact| {
        let (take, reason, at) = (Take::Everything, ReversalReason::Undo, &noon());
        let wish = TakeBack { take, reason, before: &before, purses: &purses, at };
        let undone = rules::reverse(&Original::of(fact, &noon()).unwrap(), &wish).unwrap();
        (undone.visit_ms, undone.taken_back.get(&unit("point")).copied())
    };
    assert_eq!(visit(&stamp), (Some(noon().utc_ms), None));
    assert_eq!(visit(&Fact::Grant(Box::new(given))), (None, Some(5)));
}

#[test]
fn a_right_given_by_two_devices_is_noticed_and_taken_back_once() {
    let book = book(&[FIRST]);
    let nobody = MemberState::default();
    let here = stamped(&book, &nobody, 1, 1, &noon());
    let there = stamped(&book, &nobody, 2, 1, &noon());
    let both = fold([&here, &there]);
    assert_eq!(both, fold([&there, &here]), "the order of arrival does not matter");
    assert_eq!(both.balances(noon().day)[&unit("point")], 14);
    let doubled: Vec<(String, Vec<EventRef>)> =
        both.doubled_grants().map(|(grant, events)| (grant.to_owned(), events.collect())).collect();
    assert_eq!(doubled, [("p/first@".to_owned(), vec![here.reference(), there.reference()])]);
    // The server takes the later one back.
    let original = Original::of(&there.record.fact, &there.record.at).unwrap();
    let grant: Grant = "p/first@".parse().unwrap();
    let withdrawn = rules::withdraw(&original, there.reference(), &grant).unwrap();
    let fact = Fact::GrantWithdrawn(Box::new(withdrawn));
    let correction = Event { author: device(9), seq: 1, record: Record { at: noon(), operator: None, fact } };
    let settled = fold([&correction, &here, &there]);
    assert_eq!(settled.balances(noon().day)[&unit("point")], 7);
    assert_eq!(settled.doubled_grants().count(), 0);
    // Undoing the purchase afterwards takes nothing twice.
    let before = TakenBack { withdrawn: vec![grant], ..TakenBack::default() };
    let wish = TakeBack {
        take: Take::Everything,
        reason: ReversalReason::Undo,
        before: &before,
        purses: &settled.purses,
        at: &noon(),
    };
    let undone = rules::reverse(&original, &wish).unwrap();
    assert!(undone.taken_back.is_empty() && undone.grants.is_empty(), "{undone:?}");
}

#[test]
fn what_is_taken_back_leaves_nothing_behind() {
    let of = EventRef { author: device(1), seq: 1 };
    let step = |amount| CounterStep { key: "p/r".into(), day: noon().day, amount };
    let changes = |sign: i64| {
        vec![
            Change::Visit { at_ms: noon().utc_ms, amount: sign },
            Change::Counter(step(3 * sign)),
            Change::Grant { grant: "p/first@".into(), of, amount: sign },
        ]
    };
    let effect = |seq, sign| {
        let event = EventRef { author: device(1), seq };
        Effect { event, at_ms: noon().utc_ms, day: noon().day, changes: changes(sign) }
    };
    let mut state = MemberState::default();
    state.apply(&effect(1, 1));
    assert!(!state.visits.is_empty() && !state.counters.is_empty() && !state.grants.is_empty());
    state.apply(&effect(2, -1));
    assert!(state.visits.is_empty() && state.counters.is_empty() && state.grants.is_empty(), "{state:?}");
}

#[test]
fn a_grant_has_one_id_for_a_tenant_and_a_member() {
    let grant: Grant = "p/first@2026-11".parse().unwrap();
    let id = grant.id(TenantId([1; 16]), MEMBER);
    assert_eq!(id, grant.clone().id(TenantId([1; 16]), MEMBER));
    let others = [
        grant.id(TenantId([2; 16]), MEMBER),
        grant.id(TenantId([1; 16]), MemberId([8; 16])),
        "p/first@2026-12".parse::<Grant>().unwrap().id(TenantId([1; 16]), MEMBER),
        "p/firs@t2026-11".parse::<Grant>().unwrap().id(TenantId([1; 16]), MEMBER),
    ];
    assert!(others.iter().all(|other| *other != id));
    for wrong in ["", "p", "p/first", "p/@x", "/a@", "p first/a@"] {
        assert!(wrong.parse::<Grant>().is_err(), "{wrong}");
    }
}

#[test]
fn goodwill_keeps_to_its_budget_and_its_eyes() {
    let book = book(&[&template("goodwill")]);
    let programme = "sorry".parse().unwrap();
    let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
    let mut place = Place::from(SHOP);
    let mut facts = member("point", 0);
    let mut give = |amount: &str, reason: &str, operator, agreed| {
        let wish = Amends {
            member: MEMBER,
            programme: &programme,
            amount: amount.parse().unwrap(),
            reason,
            operator: Some(operator),
            agreed,
        };
        let given = goodwill(&book, &wish, &facts, &place, &noon());
        for step in given.iter().flat_map(|given| &given.tallies) {
            let days = place.facts.tallies.entry(step.key.clone()).or_default();
            *days.entry(step.day).or_default() += step.amount;
        }
        for step in given.iter().flat_map(|given| &given.counters) {
            *facts.counters.entry(step.key.clone()).or_default().entry(step.day).or_default() += step.amount;
        }
        given.map(|given| given.postings[0].amount).map_err(|step| step.code)
    };
    assert_eq!(give("5", "bribe", &ada, None).unwrap_err(), "unknown-reason");
    assert_eq!(give("21", "cold", &ada, Some(&bob)).unwrap_err(), "sale-limit");
    assert_eq!(give("15", "cold", &ada, None).unwrap_err(), "four-eyes");
    assert_eq!(give("15", "cold", &ada, Some(&ada)).unwrap_err(), "four-eyes", "one person has two eyes");
    assert_eq!(give("15", "cold", &ada, Some(&bob)), Ok(15));
    assert_eq!(give("0.5", "cold", &ada, None).unwrap_err(), "sale-limit");
    for _ in 0..2 {
        assert_eq!(give("10", "cold", &ada, None), Ok(10));
    }
    assert_eq!(give("10", "cold", &ada, None).unwrap_err(), "monthly-limit", "40 for one member");
}

#[test]
fn a_device_counts_what_it_gives_and_keeps_to_it() {
    let text = "id = \"p\"\nname = \"P\"\n[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 50\nautomatic = true\n\
        stock = { total = 5, device = 2 }\n";
    let book = book(&[text]);
    let mut place = Place::from(SHOP);
    let order = sale(vec![line("a", "", "1", "10.00")]);
    let mut totals = Vec::new();
    for _ in 0..3 {
        let outcome = rules::evaluate(&book, None, Order::Sale(&order), place.clone(), &noon());
        totals.push(outcome.total.to_string());
        for step in outcome.tallies {
            assert!(book.tally_keys().contains(&step.key));
            *place.facts.tallies.entry(step.key).or_default().entry(step.day).or_default() += step.amount;
        }
    }
    assert_eq!(totals, ["5.00", "5.00", "10.00"]);
}

#[test]
fn only_merchants_that_take_part_run_it() {
    let text = "id = \"p\"\nname = \"P\"\nmerchants = [\"baker\"]\n[[earn]]\nper = \"money\"\namount = 1\n";
    let book = book(&[text]);
    let order = sale(vec![line("a", "", "1", "10.00")]);
    let earned = |merchant: Option<&str>| {
        let mut place = Place::from(SHOP);
        place.facts.merchant = merchant.map(str::to_owned);
        let facts = member("point", 0);
        rules::evaluate(&book, Some(&facts), Order::Sale(&order), place, &noon()).earned()
    };
    assert_eq!(earned(Some("baker"))[&unit("point")], 10);
    assert!(earned(Some("butcher")).is_empty() && earned(None).is_empty());
}

#[test]
fn what_is_owed_blocks_where_the_programme_says_so() {
    let text = |policy: &str| {
        format!(
            "id = \"p\"\nname = \"P\"\noverdraft = \"{policy}\"\n[[earn]]\nper = \"money\"\namount = 1\n\
             [[reward]]\nid = \"r\"\nkind = \"amount-off\"\namount = 1\ncost = 1\n"
        )
    };
    let order = Sale { claims: vec![claim("r")], ..sale(vec![line("a", "", "1", "90.00")]) };
    let refused = |policy: &str| {
        let book = book(&[&text(policy)]);
        let outcome = judge(&book, &member("point", -5), Order::Sale(&order));
        outcome.refused.first().map(|refusal| refusal.reason.clone())
    };
    assert_eq!(refused("owe"), None, "what the order earns pays the debt and the claim");
    assert_eq!(refused("block").as_deref(), Some("owes"));
}

#[test]
fn mistakes_in_rights_are_named_with_their_place() {
    let head = "id = \"p\"\nname = \"P\"\n";
    let cases = [
        ("[[challenge]]\nid = \"c\"\ngoal = []\n", "1 to 20 goals"),
        ("[[challenge]]\nid = \"c\"\ngoal = [{ count = \"days\", target = 1.5 }]\n", "digits"),
        (
            "[[challenge]]\nid = \"c\"\ngoal = [{ count = \"days\", target = 1 }]\nstreak = 3\n",
            "of what it is a row",
        ),
        ("[[challenge]]\nid = \"c\"\ngoal = [{ count = \"dayz\", target = 1 }]\n", "did you mean `days`"),
        ("[[challenge]]\nid = \"referral\"\ngoal = [{ count = \"days\", target = 1 }]\n", "another rule"),
        ("[[occasion]]\nid = \"o\"\non = \"absence\"\ngives = { amount = 1 }\n", "days"),
        ("[[occasion]]\nid = \"o\"\non = \"birthday\"\ngives = { voucher = \"x\" }\n", "takes a voucher"),
        ("[[occasion]]\nid = \"o\"\non = \"birthday\"\ngives = { amont = 1 }\n", "did you mean `amount`"),
        ("[[activity]]\nid = \"a\"\ngives = []\n", "gives nothing"),
        ("[referral]\nminimum = 1\n", "nothing to anybody"),
        ("[membership]\nname = \"Plus\"\nmonths = 1\n", "small letters"),
        ("[membership]\nname = \"plus\"\n", "at least a day"),
        ("[goodwill]\nreasons = []\nat_once = 1\n", "reasons"),
        ("[[giving]]\nid = \"g\"\ncause = \"a b\"\npercent = 1\n", "an id"),
        ("[[giving]]\nid = \"g\"\ncause = \"a\"\npercent = 101\n", "at most 100"),
        (
            "[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nstock = { total = 1, device = 2 }\n",
            "more than there is",
        ),
        ("[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nfrom_pool = \"x\"\n", "by a code"),
        ("[offline]\n", "what is limited"),
        ("who = { holds = [\"Plus\"] }\n", "hold"),
    ];
    for (text, wanted) in cases {
        let text = format!("{head}{text}");
        let error = Programme::parse_toml(&text).expect_err(&text);
        assert!(error.to_string().contains(wanted), "{wanted}: {error}\n{text}");
        assert!(error.line > 2 && error.column > 0, "{error}\n{text}");
    }
}

#[test]
fn a_birthday_is_one_week_of_the_year() {
    let weeks: Vec<u8> = (0..366)
        .map(|days| Day::from_date(2000, 1, 1).unwrap().plus_days(days).civil())
        .map(|date| birthday_week(date.month(), date.day()).unwrap())
        .collect();
    assert!(weeks.is_sorted() && weeks[0] == 0 && weeks[365] == 52);
    assert_eq!(birthday_week(2, 29), birthday_week(3, 1).map(|week| week - u8::from(60 % 7 == 0)));
    assert_eq!(birthday_week(2, 30), None);
}

/// Whether a streak of `length` weeks is complete, counted by hand over the visits so far.
fn weeks_in_a_row(visits: &[Day], today: Day, rewarded: &BTreeSet<Day>) -> u32 {
    let weeks: BTreeSet<Day> = visits.iter().map(|day| Period::Week.first_day(*day)).collect();
    let mut week = Period::Week.first_day(today);
    let mut row = 0;
    while weeks.contains(&week) && !rewarded.contains(&week) {
        row += 1;
        week = week.plus_days(-7);
    }
    row
}

proptest! {
    #[test]
    fn a_streak_is_what_one_counts_by_hand(gaps in prop::collection::vec(1..12_i32, 1..40), length in 2..5_u16) {
        let text = format!(
            "id = \"p\"\nname = \"P\"\n[[challenge]]\nid = \"s\"\ngoal = [{{ count = \"days\", target = 1 }}]\n\
             each = \"week\"\nstreak = {length}\ngives = {{ amount = 1 }}\n"
        );
        let book = book(&[&text]);
        let mut state = MemberState::default();
        let (mut visits, mut rewarded) = (Vec::new(), BTreeSet::new());
        let mut at = noon();
        for (seq, gap) in gaps.iter().enumerate() {
            at.day = at.day.plus_days(*gap);
            at.utc_ms += i64::from(*gap) * 86_400_000;
            visits.push(at.day);
            let wanted = weeks_in_a_row(&visits, at.day, &rewarded) >= u32::from(length);
            let event = stamped(&book, &state, 1, seq as u64 + 1, &at);
            let Fact::Stamp(fact) = &event.record.fact else { unreachable!() };
            prop_assert_eq!(!fact.outcome.grants.is_empty(), wanted, "{} after {:?}", at.day, visits);
            if wanted {
                rewarded.insert(Period::Week.first_day(at.day));
            }
            state.apply(&effect_of(&event).unwrap().1);
        }
        prop_assert_eq!(state.balances(at.day).get(&unit("point")).copied().unwrap_or(0), rewarded.len() as i64);
    }

    #[test]
    fn a_right_is_given_once_however_often_one_comes(days in prop::collection::vec(0..4_i32, 1..60)) {
        let text = "id = \"p\"\nname = \"P\"\n\
            [[challenge]]\nid = \"m\"\ngoal = [{ count = \"orders\", target = 3 }]\neach = \"month\"\ngives = { amount = 1 }\n\
            [[challenge]]\nid = \"e\"\ngoal = [{ count = \"days\", target = 10 }]\ngives = { amount = 1 }\n";
        let book = book(&[text]);
        let mut state = MemberState::default();
        let mut given: BTreeMap<String, u32> = BTreeMap::new();
        let mut at = noon();
        for (seq, gap) in days.iter().enumerate() {
            at.day = at.day.plus_days(*gap);
            at.utc_ms += i64::from(*gap) * 86_400_000 + 1;
            // What the rules read may be trimmed to what they say they read.
            let event = stamped(&book, &state, 1, seq as u64 + 1, &at);
            let Fact::Stamp(fact) = &event.record.fact else { unreachable!() };
            let mut trimmed = state.facts(&at);
            book.trim(&mut trimmed, at.day);
            let order = Order::Stamps(&fact.order);
            prop_assert_eq!(&rules::evaluate(&book, Some(&trimmed), order, SHOP, &at), &fact.outcome);
            fact.outcome.grants.iter().for_each(|grant| *given.entry(grant.to_string()).or_default() += 1);
            state.apply(&effect_of(&event).unwrap().1);
        }
        prop_assert!(given.values().all(|count| *count == 1), "{:?}", given);
        let facts = state.facts(&at);
        let standings = challenges(&book, &facts, SHOP, &at);
        prop_assert_eq!(standings.len(), 2);
        let visited: BTreeSet<i32> = days.iter().scan(0, |day, gap| { *day += gap; Some(*day) }).collect();
        prop_assert_eq!(standings[1].reached, visited.len() >= 10);
    }
}

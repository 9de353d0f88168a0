//! What the server does after a request was answered: policies, judging again; and holds.

use std::collections::BTreeSet;

use stempel_domain::event::{Fact, Loyalty, StampFact};
use stempel_domain::programme::{Programme, Published};
use stempel_domain::rules::{self, RuleBook};
use stempel_domain::sale::{Claim, Order, StampCount, StampOrder};
use stempel_domain::{MemberFacts, MemberState, ProgrammeId, Unit};
use stempel_server::HOLD_MS;
use stempel_wire::message::HoldRequest;

use crate::database;
use crate::world::{Device, HOUR_MS, World, card, code, member, moment, open, point};

/// Has a programme say what follows from an overdraft of points.
async fn policy(world: &World, policy: &str) {
    let id: ProgrammeId = "points".parse().unwrap();
    let text = format!(r#"{{"id":"points","unit":"point","overdraft":"{policy}"}}"#);
    world.server.programme_publish(world.tenant, &id, &text).await.unwrap();
}

async fn overdraw(world: &World, device: &mut Device, number: u8) {
    let from = device.rows.len();
    device.give(member(number), -3);
    let rows = device.rows[from..].to_vec();
    world.push(device, if from == 1 { &device.rows } else { &rows }).await.unwrap();
}

#[tokio::test]
async fn the_programme_says_what_follows_from_an_overdraft() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    for (number, name, balance, waits) in [
        (1, "forgive", 0, 0),
        (2, "owe", -3, 0),
        (3, "block", -3, 0),
        (4, "ask", -3, 1),
        (5, "later-word", -3, 2),
    ] {
        policy(&world, name).await;
        overdraw(&world, &mut device, number).await;
        assert_eq!(world.points(&device, member(number)).await, Some(-3), "both facts stand at first");
        assert_eq!(world.server.work().await.unwrap(), 1);
        assert_eq!(world.points(&device, member(number)).await, Some(balance), "{name}");
        assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases.len(), waits, "{name}");
    }
    assert_eq!(world.server.work().await.unwrap(), 0);
    let why = world.server.why(world.tenant, &member(1).to_string()).await.unwrap();
    assert_eq!((why.len(), why[1].kind.as_str()), (2, "adjustment"));
    world.sound().await;
}

#[tokio::test]
async fn what_came_right_meanwhile_is_not_forgiven() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    policy(&world, "forgive").await;
    overdraw(&world, &mut device, 1).await;
    device.give(member(1), 5);
    world.push(&device, &device.rows[1..]).await.unwrap();
    world.server.work().await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(2));
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_do_each_job_once() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    policy(&world, "forgive").await;
    for number in 1..=40 {
        device.give(member(number), -3);
    }
    world.push(&device, &device.rows).await.unwrap();
    let other = open(&world.url, &world.clock, 2).await;
    let work = |server: stempel_server::Server| {
        tokio::spawn(async move {
            let mut done = 0;
            loop {
                match server.work().await {
                    Ok(0) => break done,
                    Ok(more) => done += more,
                    // SQLite has one writer: the other one may be at work for long.
                    Err(stempel_server::Error::Busy) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    let (one, two) = (work(world.server.clone()), work(other.clone()));
    let taken = one.await.unwrap() + two.await.unwrap();
    assert!(taken >= 40, "{taken}");
    // What had to wait for the other one is tried again.
    world.clock.forward(3_700_000);
    world.server.work().await.unwrap();
    for number in 1..=40 {
        assert_eq!(world.points(&device, member(number)).await, Some(0), "member {number}");
    }
    let report = world.server.verify(world.tenant).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    // Two beginnings, a programme, forty that overdraw, forty that forgive.
    assert_eq!(report.events, 2 + 1 + 80);
}

#[tokio::test]
async fn a_server_that_dies_at_its_work_is_followed_by_another() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    policy(&world, "forgive").await;
    overdraw(&world, &mut device, 1).await;
    // As if it had taken the job and died.
    let lease = match crate::KIND {
        database::Kind::Sqlite => "x'01'",
        database::Kind::Postgres => "'\\x01'::BYTEA",
    };
    let until = crate::world::NOON_MS + 60_000;
    database::script(&world.url, &format!("UPDATE job SET lease = {lease}, lease_until_ms = {until}")).await;
    assert_eq!(world.server.work().await.unwrap(), 0, "it may still be alive");
    world.clock.forward(60_001);
    assert_eq!(world.server.work().await.unwrap(), 1);
    assert_eq!(world.points(&device, member(1)).await, Some(0));
    assert_eq!(world.server.work().await.unwrap(), 0);
}

const COFFEE: &str = r#"{"id":"coffee","name":"Coffee card","unit":"stamp:coffee","card":10,"earn":[{"id":"coffees","per":"item","amount":"1","categories":["coffee"]}],"reward":[{"id":"free-coffee","kind":"free-item","cost":"10","categories":["coffee"]}]}"#;

fn stamp() -> Unit {
    Unit::new("stamp:coffee", 0).unwrap()
}

fn book() -> RuleBook {
    let published: Published = Programme::from_json(COFFEE).unwrap().published(1);
    RuleBook::new(vec![published]).unwrap()
}

/// Stamps as a device would write them that has this state of the member.
fn stamps(device: &Device, number: u8, state: &MemberState, count: u32, claims: Vec<Claim>) -> StampFact {
    let (at, book) = (moment(), book());
    let stamps = match count {
        0 => Vec::new(),
        _ => vec![StampCount { programme: "coffee".parse().unwrap(), count }],
    };
    let order = StampOrder { stamps, claims };
    let facts = MemberFacts { last_visit_ms: None, ..state.facts(&at) };
    let outcome = rules::evaluate(&book, Some(&facts), Order::Stamps(&order), device.shop, &at);
    assert_eq!(outcome.refused, []);
    StampFact {
        shop: device.shop,
        order,
        loyalty: Loyalty {
            member: member(number),
            card: None,
            rules: rules::VERSION,
            programmes: book.references(),
            facts,
        },
        postings: outcome.postings(member(number), device.shop, at.day),
        outcome,
        place: Default::default(),
        proof: None,
    }
}

fn free_coffee() -> Vec<Claim> {
    vec![Claim { extra: true, ..Claim::once("free-coffee".parse().unwrap()) }]
}

async fn coffee_world() -> (World, Device) {
    let world = World::new().await;
    let id: ProgrammeId = "coffee".parse().unwrap();
    world.server.programme_publish(world.tenant, &id, COFFEE).await.unwrap();
    let device = world.device(1).await;
    (world, device)
}

/// The kinds of the open cases.
async fn kinds(world: &World) -> BTreeSet<String> {
    let cases = world.server.inbox(world.tenant).await.unwrap().cases;
    cases.into_iter().map(|case| case.kind).collect()
}

#[tokio::test]
async fn an_honest_journal_is_judged_again_without_a_word() {
    let (world, mut device) = coffee_world().await;
    let mut state = MemberState::default();
    for round in 0..450_u32 {
        let claims = if round % 12 == 11 { free_coffee() } else { Vec::new() };
        let fact = Fact::Stamp(Box::new(stamps(&device, 1, &state, 1, claims)));
        let event = device.write(fact).event().unwrap();
        state.apply(&stempel_domain::member::effect_of(&event).unwrap().1);
    }
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(world.server.work().await.unwrap(), 3, "in three transactions");
    assert_eq!(kinds(&world).await, BTreeSet::new());
    assert_eq!(world.server.judgements(world.tenant).await.unwrap().len(), 0);
    assert_eq!(world.server.work().await.unwrap(), 0);
}

#[tokio::test]
async fn an_award_that_the_rules_do_not_give_opens_a_case() {
    let (world, mut device) = coffee_world().await;
    let mut fact = stamps(&device, 1, &MemberState::default(), 1, Vec::new());
    fact.outcome.awards[0].amount = 7;
    fact.postings = fact.outcome.postings(member(1), device.shop, moment().day);
    device.write(Fact::Stamp(Box::new(fact)));
    world.push(&device, &device.rows).await.unwrap();
    world.server.work().await.unwrap();
    let cases = world.server.inbox(world.tenant).await.unwrap().cases;
    assert_eq!(
        (cases.len(), cases[0].kind.as_str(), cases[0].member),
        (1, "judged-otherwise", Some(member(1)))
    );
    assert!(
        cases[0].detail.contains("7 stamp:coffee") && cases[0].detail.contains("1 stamp:coffee"),
        "{cases:?}"
    );
    let balances = world.base(&device, member(1)).await.unwrap().state.balances(moment().day);
    assert_eq!(balances[&stamp()], 7, "what was recorded stands");
}

#[tokio::test]
async fn a_late_reward_is_told_from_one_that_cannot_be_right() {
    let (world, mut one) = coffee_world().await;
    let mut two = world.device(2).await;
    let mut state = MemberState::default();
    let event = one.write(Fact::Stamp(Box::new(stamps(&one, 1, &state, 10, Vec::new())))).event().unwrap();
    state.apply(&stempel_domain::member::effect_of(&event).unwrap().1);
    world.push(&one, &one.rows).await.unwrap();
    // Both give the free coffee for the same ten stamps while they are apart: late, not wrong.
    for device in [&mut one, &mut two] {
        let fact = stamps(device, 1, &state, 0, free_coffee());
        device.write(Fact::Stamp(Box::new(fact)));
        world.push(device, &device.rows).await.unwrap();
    }
    world.server.work().await.unwrap();
    assert_eq!(kinds(&world).await, BTreeSet::new(), "the programme says that it is owed");
    // A device that says there were ten stamps where nobody has ever given any.
    two.write(Fact::Stamp(Box::new(stamps(&two, 2, &state, 0, free_coffee()))));
    world.push(&two, &two.rows).await.unwrap();
    world.server.work().await.unwrap();
    assert_eq!(kinds(&world).await, BTreeSet::from(["beyond-history".to_owned()]));
}

#[tokio::test]
async fn what_cannot_be_judged_again_is_noted_and_counts() {
    let (world, mut device) = coffee_world().await;
    let mut unknown_rules = stamps(&device, 1, &MemberState::default(), 1, Vec::new());
    unknown_rules.loyalty.rules = 99;
    let mut unknown_programme = stamps(&device, 1, &MemberState::default(), 1, Vec::new());
    unknown_programme.loyalty.programmes[0].version = 9;
    for fact in [unknown_rules, unknown_programme] {
        device.write(Fact::Stamp(Box::new(fact)));
    }
    world.push(&device, &device.rows).await.unwrap();
    world.server.work().await.unwrap();
    let judgements = world.server.judgements(world.tenant).await.unwrap();
    let verdicts: Vec<&str> = judgements.iter().map(|judgement| judgement.verdict.as_str()).collect();
    assert_eq!(verdicts, ["not-judged", "not-judged"]);
    assert_eq!(kinds(&world).await, BTreeSet::new());
    let balances = world.base(&device, member(1)).await.unwrap().state.balances(moment().day);
    assert_eq!(balances[&stamp()], 2);
}

#[tokio::test]
async fn rows_that_are_let_through_are_judged_too() {
    let (world, mut device) = coffee_world().await;
    world.push(&device, &device.rows).await.unwrap();
    world.server.device_revoke(world.tenant, device.id).await.unwrap();
    let mut fact = stamps(&device, 1, &MemberState::default(), 1, Vec::new());
    fact.outcome.awards[0].amount = 7;
    fact.postings = fact.outcome.postings(member(1), device.shop, moment().day);
    device.write(Fact::Stamp(Box::new(fact)));
    world.push(&device, &device.rows).await.unwrap();
    world.server.work().await.unwrap();
    assert_eq!(kinds(&world).await, BTreeSet::new(), "it does not count yet");
    world.server.held_release(world.tenant, device.id).await.unwrap();
    world.server.work().await.unwrap();
    assert_eq!(kinds(&world).await, BTreeSet::from(["judged-otherwise".to_owned()]));
}

fn ask(name: u8, number: u8, amount: i64) -> HoldRequest {
    HoldRequest { hold: format!("{name:032x}"), member: member(number), unit: point(), amount }
}

#[tokio::test]
async fn what_one_device_holds_another_cannot_give() {
    let world = World::new().await;
    let (mut one, two) = (world.device(1).await, world.device(2).await);
    one.give(member(1), 10);
    world.push(&one, &one.rows).await.unwrap();
    let (first, second) =
        (world.server.caller(one.id).await.unwrap(), world.server.caller(two.id).await.unwrap());
    let held = world.server.hold(&first, &ask(1, 1, 8)).await.unwrap();
    assert_eq!(held.left, 2);
    assert_eq!(
        world.server.hold(&first, &ask(1, 1, 8)).await.unwrap(),
        held,
        "asked again after a lost answer"
    );
    assert_eq!(code(&world.server.hold(&second, &ask(2, 1, 8)).await.unwrap_err()), "not-enough");
    assert_eq!(code(&world.server.hold(&second, &ask(1, 1, 1)).await.unwrap_err()), "bad-request");
    assert_eq!(world.server.hold(&second, &ask(2, 1, 2)).await.unwrap().left, 0);
    // It runs out by itself.
    world.clock.forward(HOLD_MS + 1);
    assert_eq!(world.server.hold(&second, &ask(3, 1, 10)).await.unwrap().left, 0);
    world.server.hold_release(&first, &ask(3, 1, 0).hold).await.unwrap();
    assert_eq!(code(&world.server.hold(&first, &ask(4, 1, 8)).await.unwrap_err()), "not-enough");
    world.server.hold_release(&second, &ask(3, 1, 0).hold).await.unwrap();
    world.server.hold(&first, &ask(4, 1, 8)).await.unwrap();
    // The redemption arrives: its hold is used up, the balance says the rest.
    one.give(member(1), -8);
    world.push(&one, &one.rows).await.unwrap();
    assert_eq!(world.server.hold(&second, &ask(5, 1, 2)).await.unwrap().left, 0);
    // A hold that ran out does not undo the event that it was made for.
    world.clock.forward(HOLD_MS + 1);
    assert_eq!(world.points(&one, member(1)).await, Some(2));
}

#[tokio::test]
async fn a_hold_has_its_bounds() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.give(member(1), 100);
    world.push(&device, &device.rows).await.unwrap();
    let caller = world.server.caller(device.id).await.unwrap();
    for amount in [0, -1, i64::MAX] {
        assert_eq!(code(&world.server.hold(&caller, &ask(1, 1, amount)).await.unwrap_err()), "bad-request");
    }
    let odd = HoldRequest { hold: "short".to_owned(), ..ask(1, 1, 1) };
    assert_eq!(code(&world.server.hold(&caller, &odd).await.unwrap_err()), "bad-request");
    assert_eq!(code(&world.server.hold(&caller, &ask(1, 9, 1)).await.unwrap_err()), "not-found");
    for name in 0..16 {
        world.server.hold(&caller, &ask(name, 1, 1)).await.unwrap();
    }
    assert_eq!(code(&world.server.hold(&caller, &ask(16, 1, 1)).await.unwrap_err()), "too-many");
}

#[tokio::test]
async fn a_card_of_nobody_has_nothing_to_hold() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    let caller = world.server.caller(device.id).await.unwrap();
    assert_eq!(code(&world.server.hold(&caller, &ask(1, 1, 1)).await.unwrap_err()), "not-enough");
}

#[tokio::test]
async fn who_stays_away_is_given_what_the_day_brings_once() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    for number in 1..=3 {
        device.join(member(number), card(number));
    }
    world.push(&device, &device.rows).await.unwrap();
    let id: ProgrammeId = "occasions".parse().unwrap();
    let text = r#"{"id":"occasions","name":"Days","unit":"point","occasion":[
        {"id":"years","on":"joined","gives":{"amount":20}},
        {"id":"hello","on":"welcome","gives":{"amount":300}},
        {"id":"back","on":"absence","days":1,"gives":{"amount":4000}}]}"#;
    Programme::from_json(text).unwrap();
    world.server.programme_publish(world.tenant, &id, text).await.unwrap();
    // A database that is older than the job: only whose programmes have dates is looked at.
    database::script(&world.url, "DELETE FROM job").await;
    world.server.tenant_add("Without dates", false).await.unwrap();
    assert_eq!(world.server.begin_occasions().await.unwrap(), 1);
    assert_eq!(world.server.begin_occasions().await.unwrap(), 0);
    world.server.work().await.unwrap();
    assert_eq!(world.points(&device, member(1)).await, Some(0), "they joined today");

    world.clock.forward(365 * 24 * HOUR_MS);
    world.server.work().await.unwrap();
    for number in 1..=3 {
        assert_eq!(world.points(&device, member(number)).await, Some(20));
    }
    let why = world.server.why(world.tenant, &member(2).to_string()).await.unwrap();
    assert_eq!(why.last().map(|line| line.kind.as_str()), Some("grant"));
    for _ in 0..3 {
        world.clock.forward(24 * HOUR_MS);
        world.server.work().await.unwrap();
    }
    assert_eq!(
        world.points(&device, member(1)).await,
        Some(20),
        "once a year, on whichever day it is looked at"
    );
    world.sound().await;

    world.server.programme_end(world.tenant, &id).await.unwrap();
    world.clock.forward(24 * HOUR_MS);
    assert!(world.server.work().await.unwrap() > 0);
    world.clock.forward(400 * 24 * HOUR_MS);
    assert_eq!(world.server.work().await.unwrap(), 0, "without a programme that has occasions nobody looks");
}

#[tokio::test]
async fn a_servers_clock_that_jumps_loses_nothing_and_its_days_never_go_back() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    policy(&world, "forgive").await;
    device.join(member(1), card(1));
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    let mut days = Vec::new();
    // A year ahead, two years back, and right again; each time something is done that has to last.
    for (round, jump_ms) in
        [0, 365 * 24 * HOUR_MS, -730 * 24 * HOUR_MS, 365 * 24 * HOUR_MS].into_iter().enumerate()
    {
        world.clock.forward(jump_ms);
        let number = round as u8 + 10;
        let from = device.rows.len();
        device.give(member(number), -3);
        world.push(&device, &device.rows[from..]).await.unwrap();
        world.server.work().await.unwrap();
        let caller = world.server.caller(device.id).await.unwrap();
        let hold =
            HoldRequest { hold: format!("{number:032x}"), member: member(1), unit: point(), amount: 1 };
        assert!(world.server.hold(&caller, &hold).await.unwrap().left >= 1, "round {round}");
        world.server.hold_release(&caller, &hold.hold).await.unwrap();
        world.restart().await;
        world.server.work().await.unwrap();
        let new = stempel_server::admin::NewMember::default();
        let added = world.server.member_add(world.tenant, &new, None).await.unwrap();
        let export = world.server.member_export(world.tenant, &added.member.to_string()).await.unwrap();
        let day = serde_json::to_value(&export).unwrap()["events"][0]["record"]["at"]["day"]
            .as_str()
            .map(str::to_owned);
        days.push(day.unwrap());
    }
    assert!(days.is_sorted(), "{days:?}");
    // What a clock that was ahead has put off is done when it is right again, or when its time comes.
    world.clock.forward(731 * 24 * HOUR_MS);
    world.server.work().await.unwrap();
    for number in 10..14 {
        assert_eq!(world.points(&device, member(number)).await, Some(0), "member {number}");
    }
    assert_eq!(world.points(&device, member(1)).await, Some(5));
    world.sound().await;
}

//! Rights that are given once, stock that is shared, and the figures of the owner.

use stempel_domain::event::{
    Adjustment, CounterStep, Fact, Loyalty, Reversal, ReversalReason, StampFact, TraitsChanged,
};
use stempel_domain::ledger::{Account, Booking, Posting};
use stempel_domain::money::Rate;
use stempel_domain::programme::Programme;
use stempel_domain::proof::{Proof, ProofHash, ProofKind};
use stempel_domain::rules::{self, RuleBook};
use stempel_domain::sale::{Order, StampCount, StampOrder};
use stempel_domain::{Day, MemberState, Money, ShopId, Unit};

use crate::database;
use crate::world::{Device, HOUR_MS, World, card, member, moment, point, today};

async fn publish(world: &World, text: &str) -> Programme {
    let programme = Programme::parse_toml(text).unwrap_or_else(|error| panic!("{error}"));
    world.server.programme_publish(world.tenant, programme.id(), &programme.to_json()).await.unwrap();
    programme
}

/// One order of a programme's things, as a device writes it that knows this state.
fn stamped(programme: &Programme, device: &Device, number: u8, state: &MemberState) -> Fact {
    let (at, book) = (moment(), RuleBook::new(vec![programme.clone().published(1)]).unwrap());
    let order = StampOrder {
        stamps: vec![StampCount { programme: programme.id().clone(), count: 1 }],
        claims: Vec::new(),
    };
    let facts = state.facts(&at);
    let outcome = rules::evaluate(&book, Some(&facts), Order::Stamps(&order), device.shop, &at);
    let loyalty = Loyalty {
        member: member(number),
        card: None,
        rules: rules::VERSION,
        programmes: book.references(),
        facts,
    };
    let postings = outcome.postings(member(number), device.shop, at.day);
    let place = Default::default();
    Fact::Stamp(Box::new(StampFact {
        shop: device.shop,
        order,
        loyalty,
        outcome,
        postings,
        place,
        proof: None,
    }))
}

#[tokio::test]
async fn a_right_that_two_devices_gave_is_taken_back_once() {
    let mut world = World::new().await;
    let (mut here, mut there) = (world.device(1).await, world.device(2).await);
    let programme = publish(
        &world,
        "id = \"p\"\nname = \"P\"\n[[challenge]]\nid = \"first\"\n\
         goal = [{ count = \"orders\", target = 1 }]\ngives = { amount = 7 }\n",
    )
    .await;
    here.join(member(1), card(1));
    let nobody = MemberState::default();
    here.write(stamped(&programme, &here, 1, &nobody));
    there.write(stamped(&programme, &there, 1, &nobody));
    world.push(&here, &here.rows).await.unwrap();
    assert_eq!(world.points(&here, member(1)).await, Some(7));
    world.push(&there, &there.rows).await.unwrap();
    assert_eq!(world.points(&here, member(1)).await, Some(14), "both facts stand at first");
    world.server.work().await.unwrap();
    assert_eq!(world.points(&here, member(1)).await, Some(7));
    let base = world.base(&there, member(1)).await.unwrap();
    assert_eq!(base.state.doubled_grants().count(), 0);
    // Nothing more is taken back, not after a restart and not when the rows come again.
    world.restart().await;
    world.push(&there, &there.rows).await.unwrap();
    world.server.work().await.unwrap();
    assert_eq!(world.points(&here, member(1)).await, Some(7));
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, []);
    world.sound().await;
}

#[tokio::test]
async fn what_both_sides_of_a_merge_are_given_stays_from_before_and_is_taken_back_from_after() {
    let world = World::new().await;
    let (mut here, mut there) = (world.device(1).await, world.device(2).await);
    let programme = publish(
        &world,
        "id = \"p\"\nname = \"P\"\n[[challenge]]\nid = \"first\"\n\
         goal = [{ count = \"orders\", target = 1 }]\ngives = { amount = 7 }\n",
    )
    .await;
    (1..=4).for_each(|number| drop(here.join(member(number), card(number))));
    let nobody = MemberState::default();
    let total = async |number: u8| {
        world.server.member_find(world.tenant, &member(number).to_string()).await.unwrap().balances[&point()]
            .clone()
    };
    let merge = async |one: u8, into: u8| {
        let (one, into) = (member(one).to_string(), member(into).to_string());
        world.server.member_merge(world.tenant, &one, &into).await.unwrap();
    };
    // One device knows of the merge, the other one does not.
    world.push(&here, &here.rows).await.unwrap();
    merge(3, 4).await;
    let from = here.rows.len();
    here.write(stamped(&programme, &here, 4, &nobody));
    here.write(stamped(&programme, &here, 1, &nobody));
    there.write(stamped(&programme, &there, 3, &nobody));
    there.write(stamped(&programme, &there, 2, &nobody));
    world.push(&here, &here.rows[from..]).await.unwrap();
    world.push(&there, &there.rows).await.unwrap();
    assert_eq!(total(3).await, "14", "both facts stand at first");
    for _ in 0..2 {
        world.server.work().await.unwrap();
        assert_eq!(total(3).await, "7", "once");
    }
    // Two who were two when they were given it.
    world.clock.forward(HOUR_MS);
    merge(2, 1).await;
    world.server.work().await.unwrap();
    assert_eq!(total(1).await, "14");
    world.sound().await;
}

#[tokio::test]
async fn a_receipt_that_two_devices_took_opens_a_case() {
    let mut world = World::new().await;
    let (mut here, mut there) = (world.device(1).await, world.device(2).await);
    let programme = publish(&world, "id = \"p\"\nname = \"P\"\n[[earn]]\nper = \"item\"\namount = 1\n").await;
    let hash = ProofHash::of_receipt(world.tenant, &[7; 32], 18);
    let proved = |device: &Device, hash| {
        let Fact::Stamp(mut fact) = stamped(&programme, device, 1, &MemberState::default()) else { panic!() };
        fact.proof = Some(Proof { kind: ProofKind::Receipt, hash, issuer: None });
        Fact::Stamp(fact)
    };
    here.join(member(1), card(1));
    here.write(proved(&here, hash));
    here.write(proved(&here, ProofHash::of_receipt(world.tenant, &[7; 32], 19)));
    world.push(&here, &here.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, []);
    let fact = proved(&there, hash);
    let postings = fact.postings().to_vec();
    there.write(fact);
    let of = there.rows.last().unwrap().reference();
    world.push(&there, &there.rows).await.unwrap();
    let cases = world.server.inbox(world.tenant).await.unwrap().cases;
    assert_eq!(
        (cases.len(), cases[0].kind.as_str(), cases[0].subject.clone()),
        (1, "proof-twice", hash.to_string())
    );
    assert_eq!(world.points(&here, member(1)).await, Some(3), "both facts stand");
    world.restart().await;
    world.push(&there, &there.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases.len(), 1, "the rows came again");
    there.write(Fact::Reversal(Box::new(Reversal {
        of,
        member: Some(member(1)),
        reason: ReversalReason::Undo,
        quantities: Vec::new(),
        postings: postings
            .into_iter()
            .map(|posting| Posting { amount: -posting.amount, ..posting })
            .collect(),
        counters: Vec::new(),
        tallies: Vec::new(),
        grants: Vec::new(),
        visit_ms: None,
        planned: false,
    })));
    world.push(&there, &there.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, [], "what was taken back closes it");
    world.sound().await;
}

#[tokio::test]
async fn a_stock_that_devices_passed_together_opens_a_case() {
    let world = World::new().await;
    let (mut here, mut there) = (world.device(1).await, world.device(2).await);
    publish(
        &world,
        "id = \"p\"\nname = \"P\"\n[[earn]]\nper = \"money\"\namount = 1\n\
         [[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 1\nstock = { total = 3, device = 2 }\n",
    )
    .await;
    let taken = |amount: i64| {
        let mut fact = Adjustment::new(member(1), "test", Vec::new());
        fact.tallies = vec![CounterStep { key: "p/r#stock".into(), day: today(), amount }];
        Fact::Adjustment(fact)
    };
    here.join(member(1), card(1));
    here.write(taken(2));
    world.push(&here, &here.rows).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, []);
    there.write(taken(2));
    world.push(&there, &there.rows).await.unwrap();
    let cases = world.server.inbox(world.tenant).await.unwrap().cases;
    assert_eq!((cases.len(), cases[0].kind.as_str(), cases[0].subject.as_str()), (1, "stock", "p/r#stock"));
    let levels = world.server.report_stock(world.tenant).await.unwrap();
    assert_eq!((levels[0].given, levels[0].excess, levels[0].devices.len()), (4, 1, 2));
    // What is given back closes the case.
    let from = there.rows.len();
    there.write(taken(-1));
    world.push(&there, &there.rows[from..]).await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, []);
    world.sound().await;
}

#[tokio::test]
async fn shops_settle_what_one_honoured_for_the_other() {
    let world = World::new().await;
    let issues = world.device(1).await;
    let other = world.server.shop_add(world.tenant, "Nord", "Europe/Berlin", 0).await.unwrap().id;
    let mut honours = Device::new(2);
    let code = world.server.device_invite(world.tenant, other, HOUR_MS).await.unwrap().code;
    let answer = world.server.enroll(&honours.ask(&code)).await.unwrap();
    honours.belongs(&answer);
    let mut issues = issues;
    publish(
        &world,
        "id = \"street\"\nname = \"Street\"\n[clearing]\nper_unit = 0.01\n\
         [[earn]]\nper = \"money\"\namount = 1\n",
    )
    .await;
    issues.join(member(1), card(1));
    issues.give(member(1), 500);
    honours.give(member(1), -200);
    world.push(&issues, &issues.rows).await.unwrap();
    world.push(&honours, &honours.rows).await.unwrap();
    let reports = world.server.report_clearing(world.tenant, Day::MIN, Day::MAX).await.unwrap();
    let clearing = &reports[0].clearing;
    assert_eq!(clearing.transfers.len(), 1);
    let transfer = &clearing.transfers[0];
    assert_eq!(
        (transfer.from.as_str(), transfer.to.as_str(), transfer.amount),
        ("Mitte", "Nord", Money(200))
    );
    // A shop settles under its merchant's name, where it has one.
    world.server.shop_merchant(world.tenant, other, Some("baker")).await.unwrap();
    let reports = world.server.report_clearing(world.tenant, Day::MIN, Day::MAX).await.unwrap();
    assert_eq!(reports[0].clearing.transfers[0].to, "baker");
    let tomorrow = today().plus_days(1);
    assert_eq!(world.server.report_clearing(world.tenant, tomorrow, Day::MAX).await.unwrap(), []);
    world.sound().await;
    // A database of an earlier version, which counted less, is counted anew before the server listens.
    let fewer = "DELETE FROM day_figure WHERE name LIKE 'issued:%' OR name LIKE 'honoured:%'";
    database::script(&world.url, fewer).await;
    let problems = world.server.verify(world.tenant).await.unwrap().problems;
    assert!(problems[0].contains("“issued:point” of") && problems.len() == 2, "{problems:?}");
    assert_eq!(world.server.day_figures_recount(world.tenant).await.unwrap(), 2);
    assert_eq!(world.server.day_figures_recount(world.tenant).await.unwrap(), 0);
    world.sound().await;
    database::script(&world.url, fewer).await;
    database::script(&world.url, "UPDATE day_figure SET amount = 1 WHERE name = 'counted'").await;
    world.server.day_figures_catch_up().await.unwrap();
    assert_eq!(world.server.report_clearing(world.tenant, Day::MIN, Day::MAX).await.unwrap(), reports);
    world.sound().await;
}

#[tokio::test]
async fn only_those_who_agreed_stand_on_the_board_and_causes_add_up() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let programme = publish(
        &world,
        "id = \"board\"\nname = \"Board\"\n[leaderboard]\nby = \"visits\"\nperiod = \"month\"\ntop = 10\n",
    )
    .await;
    for number in 1..=3 {
        device.join(member(number), card(number));
        let fact = stamped(&programme, &device, number, &MemberState::default());
        device.write(fact);
    }
    for number in 1..=2 {
        device.write(Fact::TraitsChanged(TraitsChanged {
            member: member(number),
            tags: [("consent:leaderboard".to_owned(), true)].into(),
            birthday_week: None,
            referrer: None,
        }));
    }
    let posting = |account, amount, booking| Posting { account, unit: point(), amount, booking };
    let spend = Some(Booking::Spend { day: today() });
    let given = vec![
        posting(Account::Member(member(1)), -5, spend),
        posting(Account::Cause("trees".into()), 5, None),
    ];
    device.write(Fact::Adjustment(Adjustment::new(member(1), "donation", given)));
    world.push(&device, &device.rows).await.unwrap();
    let places = world.server.report_leaderboard(world.tenant, programme.id(), today()).await.unwrap();
    let ranks: Vec<_> = places.iter().map(|place| (place.rank, place.member, place.score)).collect();
    assert_eq!(ranks, [(1, member(1), 1), (1, member(2), 1)]);
    let causes = world.server.report_causes(world.tenant).await.unwrap();
    assert_eq!((causes.len(), causes[0].cause.as_str(), causes[0].amount), (1, "trees", 5));
    let target =
        world.server.report_target(world.tenant, None::<ShopId>, Day::MIN, Rate(1000)).await.unwrap();
    assert_eq!(target, None, "no order was paid");
    let _: &Unit = &causes[0].unit;
    world.sound().await;
}

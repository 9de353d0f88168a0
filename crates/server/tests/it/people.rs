//! Personal data: one person who is several members, what they agree to, what is held about them, and how they are
//! forgotten.

use std::path::Path;

use stempel_domain::event::{
    ConsentKind, ConsentPlace, ErasureReason, Fact, MemberErased, MemberJoined, MemberMerged, ProfileChanged,
};
use stempel_domain::{CardId, MemberId};
use stempel_server::people::NewConsent;
use stempel_wire::message::{FeedChange, KeyOf};
use stempel_wire::{MemberKey, Profile};

use crate::world::{Device, Seeded, World, card, code, member, moment, point, today};

fn key(number: u8) -> MemberKey {
    let mut bytes = [0xa5; 32];
    bytes[..16].fill(number);
    MemberKey::from_slice(&bytes).unwrap()
}

/// A member joins at a device with a name.
async fn join(world: &World, device: &mut Device, number: u8, name: &str) {
    let profile = Profile { name: name.into(), language: None };
    let sealed = key(number).seal(member(number), &profile, &mut Seeded::new(number.into())).unwrap();
    let fact = Fact::MemberJoined(MemberJoined::new(member(number), card(number), Some(sealed)));
    let row = device.write(fact);
    let keys = vec![KeyOf { member: member(number), key: key(number) }];
    let rows = if device.rows.len() == 2 { device.rows.clone() } else { vec![row] };
    world.push_keys(device, &rows, keys).await;
}

fn text(id: MemberId) -> String {
    id.to_string()
}

async fn balance(world: &World, id: MemberId) -> String {
    world.server.member_find(world.tenant, &text(id)).await.unwrap().balances[&point()].clone()
}

async fn open_cases(world: &World) -> usize {
    world.server.inbox(world.tenant).await.unwrap().cases.len()
}

#[tokio::test]
async fn merged_members_are_one_for_everybody_and_an_undo_finds_both() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    join(&world, &mut device, 2, "Ada L.").await;
    let from = device.rows.len();
    device.give(member(1), 3);
    device.give(member(2), 4);
    world.push(&device, &device.rows[from..]).await.unwrap();
    let tenant = world.tenant;
    let merged = world.server.member_merge(tenant, &text(member(2)), &text(member(1))).await.unwrap();
    assert_eq!((merged.member, merged.into), (member(2), member(1)));
    let again = world.server.member_merge(tenant, &text(member(2)), &text(member(1))).await.unwrap();
    assert_eq!(again.event, None);
    let number = card(2).number().to_string();
    let found = world.server.member_find(tenant, &number).await.unwrap();
    assert_eq!(
        (found.member, found.name.as_deref(), &found.merged[..]),
        (member(1), Some("Ada"), &[member(2)][..])
    );
    assert_eq!(balance(&world, member(2)).await, "7");
    assert_eq!(world.server.member_list(tenant, None).await.unwrap().len(), 1);
    // A device that does not know of it yet goes on with the old id; another one spends what both have.
    let from = device.rows.len();
    device.give(member(2), 1);
    device.give(member(1), -8);
    world.push(&device, &device.rows[from..]).await.unwrap();
    assert_eq!(balance(&world, member(1)).await, "0");
    assert_eq!(open_cases(&world).await, 0, "together they are not overdrawn");
    assert_eq!(world.server.why(tenant, &number).await.unwrap().len(), 7);
    let base = world.base(&device, member(2)).await.unwrap();
    assert_eq!(base.state.merged_into(), Some(member(1)), "devices hear of it");
    assert_eq!(base.state.balances(today())[&point()], 5, "and ids are not rewritten");
    world.sound().await;
    let undone = world.server.member_unmerge(tenant, &number).await.unwrap();
    assert_eq!(undone.into, member(2));
    assert_eq!(
        (balance(&world, member(1)).await, balance(&world, member(2)).await),
        ("-5".into(), "5".into())
    );
    assert_eq!(open_cases(&world).await, 1, "alone the one is overdrawn");
    let error = world.server.member_unmerge(tenant, &number).await.unwrap_err();
    assert_eq!(code(&error), "not-merged");
    assert_eq!(world.server.member_find(tenant, &number).await.unwrap().name.as_deref(), Some("Ada L."));
    world.sound().await;
    let actions: Vec<String> =
        world.server.audit(tenant, 0).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert!(actions.ends_with(&["member-merged".into(), "member-unmerged".into()]), "{actions:?}");
}

#[tokio::test]
async fn an_overdraft_of_one_ends_when_it_is_the_same_person_as_another() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    device.give(member(1), 3);
    device.give(member(2), -2);
    world.push(&device, &device.rows).await.unwrap();
    assert_eq!(open_cases(&world).await, 1);
    let from = device.rows.len();
    // A device can say it too.
    device.write(Fact::MemberMerged(MemberMerged { member: member(2), into: Some(member(1)) }));
    world.push(&device, &device.rows[from..]).await.unwrap();
    assert_eq!(open_cases(&world).await, 0);
    assert_eq!(balance(&world, member(2)).await, "1");
    let from = device.rows.len();
    device.give(member(2), -2);
    world.push(&device, &device.rows[from..]).await.unwrap();
    let inbox = world.server.inbox(world.tenant).await.unwrap();
    assert_eq!(inbox.cases.len(), 1);
    assert_eq!(inbox.cases[0].member, Some(member(1)), "the case names the person");
    world.sound().await;
}

#[tokio::test]
async fn a_merge_that_cannot_be_is_refused() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    world.push(&device, &device.rows).await.unwrap();
    let merge = async |one: &str, other: &str| world.server.member_merge(world.tenant, one, other).await;
    let (one, two) = (text(member(1)), text(member(2)));
    assert_eq!(code(&merge(&one, &one).await.unwrap_err()), "merge");
    assert_eq!(code(&merge(&one, &text(member(9))).await.unwrap_err()), "member-unknown");
    world.server.member_erase(world.tenant, &two, ErasureReason::Asked).await.unwrap();
    assert_eq!(code(&merge(&one, &two).await.unwrap_err()), "member-erased");
    world.sound().await;
}

#[tokio::test]
async fn what_is_held_about_a_person_is_in_one_document() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    join(&world, &mut device, 2, "Ada L.").await;
    let from = device.rows.len();
    device.give(member(2), 4);
    world.push(&device, &device.rows[from..]).await.unwrap();
    world.server.member_merge(world.tenant, &text(member(2)), &text(member(1))).await.unwrap();
    let said = NewConsent {
        consent: ConsentKind::Mail,
        given: true,
        terms: "2026-01".into(),
        place: ConsentPlace::Paper,
    };
    let consents = world.server.member_consent(world.tenant, &text(member(2)), &said).await.unwrap();
    assert_eq!((consents.len(), consents[0].given, &consents[0].terms[..]), (1, true, "2026-01"));
    let took = NewConsent { given: false, ..said };
    world.clock.forward(1000);
    let consents = world.server.member_consent(world.tenant, &text(member(2)), &took).await.unwrap();
    assert!(!consents[0].given);
    let export = world.server.member_export(world.tenant, &text(member(2))).await.unwrap();
    let json = serde_json::to_value(&export).unwrap();
    assert_eq!(
        (&json["format"], &json["version"], &json["complete"]),
        (&"stempel-person".into(), &1.into(), &true.into())
    );
    assert_eq!(json["profile"]["name"], "Ada");
    assert_eq!(json["member"], text(member(1)));
    assert_eq!(json["balances"]["point"], "4");
    assert_eq!(json["cards"].as_array().unwrap().len(), 2);
    assert_eq!(json["consents"][0]["given"], false);
    let kinds: Vec<&str> =
        json["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let wanted = [
        "member-joined",
        "member-joined",
        "adjustment",
        "member-merged",
        "consent-changed",
        "consent-changed",
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(json["events"][2]["moved"]["point"], "4");
    assert_eq!(json["events"][2]["why"]["de"][0], "test");
    let last = world.server.audit(world.tenant, 0).await.unwrap().pop().unwrap();
    assert_eq!(last.action, "member-exported");
}

/// Whether the bytes stand in any file of a folder.
fn files_hold(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let text = if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
        text.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn a_forgotten_member_leaves_figures_and_no_key_and_devices_say_when_theirs_is_gone() {
    let world = World::new().await;
    let (mut device, other) = (world.device(1).await, world.device(2).await);
    for number in 1..60 {
        join(&world, &mut device, number, "Ada").await;
    }
    let from = device.rows.len();
    device.give(member(7), 4);
    world.push(&device, &device.rows[from..]).await.unwrap();
    let sqlite = world.url.starts_with("sqlite");
    let bytes = *key(7).as_bytes();
    assert!(!sqlite || files_hold(world.folder.path(), &bytes), "the test looks in the right place");
    let head = world.feed(&other, 0).await.head;
    world.feed(&other, head).await;
    let erased =
        world.server.member_erase(world.tenant, &text(member(7)), ErasureReason::Asked).await.unwrap();
    assert_eq!((erased.events.len(), erased.waiting.len()), (1, 2));
    assert!(!sqlite || !files_hold(world.folder.path(), &bytes), "nothing of the key is on the disk");
    // The devices hear of it, and say that it is done by asking for what comes after.
    let page = world.feed(&other, head).await;
    let heard =
        page.changes.iter().any(|item| item.read() == Some(FeedChange::MemberErased { member: member(7) }));
    assert!(heard && world.keys(&other, member(7)).await.is_empty());
    assert_eq!(world.server.erasures(world.tenant).await.unwrap()[0].waiting.len(), 2);
    world.feed(&other, page.next).await;
    let waiting = world.server.erasures(world.tenant).await.unwrap().remove(0).waiting;
    assert_eq!(waiting.iter().map(|holder| holder.device).collect::<Vec<_>>(), [device.id]);
    // A name and a key that come late are not kept.
    let profile = Profile { name: "Ada".into(), language: None };
    let profile = key(7).seal(member(7), &profile, &mut Seeded::new(99)).unwrap();
    let row = device.write(Fact::ProfileChanged(ProfileChanged { member: member(7), profile }));
    world.push_keys(&device, &[row], vec![KeyOf { member: member(7), key: key(7) }]).await;
    world.server.work().await.unwrap();
    assert!(world.keys(&other, member(7)).await.is_empty());
    assert!(!sqlite || !files_hold(world.folder.path(), &bytes));
    let found = world.server.member_find(world.tenant, &text(member(7))).await.unwrap();
    assert_eq!((found.name, found.numbers.len(), &found.balances[&point()][..]), (None, 0, "4"));
    assert_eq!(found.erased, Some(today()));
    let error = world.server.member_find(world.tenant, &card(7).number().to_string()).await.unwrap_err();
    assert_eq!(code(&error), "member-unknown", "the card is nobody's");
    let again =
        world.server.member_erase(world.tenant, &text(member(7)), ErasureReason::Asked).await.unwrap();
    assert!(again.events.is_empty());
    world.sound().await;
}

#[tokio::test]
async fn an_erasure_at_a_device_is_carried_out_here_and_of_a_merged_member_wholly() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    join(&world, &mut device, 2, "Ada L.").await;
    join(&world, &mut device, 3, "Bob").await;
    let row =
        device.write(Fact::MemberErased(MemberErased { member: member(3), reason: ErasureReason::Asked }));
    world.push(&device, &[row]).await.unwrap();
    assert!(world.keys(&device, member(3)).await.is_empty());
    assert_eq!(world.server.erasures(world.tenant).await.unwrap().len(), 1);
    world.server.member_merge(world.tenant, &text(member(2)), &text(member(1))).await.unwrap();
    let erased =
        world.server.member_erase(world.tenant, &text(member(2)), ErasureReason::Asked).await.unwrap();
    assert_eq!((erased.member, erased.events.len()), (member(1), 2));
    for number in 1..=3 {
        assert!(world.keys(&device, member(number)).await.is_empty());
        let state = world.base(&device, member(number)).await.unwrap().state;
        assert!(state.profile.is_none() && state.cards.values().all(|card| card.blocked));
    }
    let late = device.write_at(
        moment(),
        Fact::CardBound(stempel_domain::event::CardBound {
            member: member(1),
            card: CardId([99; 8]),
            replaces: None,
        }),
    );
    world.push(&device, &[late]).await.unwrap();
    let error =
        world.server.member_find(world.tenant, &CardId([99; 8]).number().to_string()).await.unwrap_err();
    assert_eq!(code(&error), "member-unknown", "a card that is given late is nobody's either");
    world.sound().await;
}

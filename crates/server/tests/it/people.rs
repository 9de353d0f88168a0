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

use crate::database;
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
async fn an_overdraft_of_a_person_ends_though_the_one_it_is_known_under_never_had_any() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let same = |into| Fact::MemberMerged(MemberMerged { member: member(2), into });
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    device.write(same(Some(member(1))));
    device.give(member(2), -2);
    let mut sent = 0;
    // Whose overdrafts are open after everything written so far.
    let mut owing = async |device: &Device| {
        world.push(device, &device.rows[sent..]).await.unwrap();
        sent = device.rows.len();
        let cases = world.server.inbox(world.tenant).await.unwrap().cases;
        cases.into_iter().map(|case| case.member).collect::<Vec<_>>()
    };
    assert_eq!(owing(&device).await, [Some(member(1))]);
    device.give(member(2), 2);
    assert_eq!(owing(&device).await, []);
    // Again, and then they are two: it is the other one's.
    device.give(member(2), -2);
    assert_eq!(owing(&device).await, [Some(member(1))]);
    device.write(same(None));
    assert_eq!(owing(&device).await, [Some(member(2))]);
    device.give(member(2), 2);
    assert_eq!(owing(&device).await, []);
    world.sound().await;
}

#[tokio::test]
async fn a_card_of_any_part_of_a_person_is_blocked_and_replaced() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    world.push(&device, &device.rows).await.unwrap();
    let (tenant, server) = (world.tenant, &world.server);
    server.member_merge(tenant, &text(member(2)), &text(member(1))).await.unwrap();
    server.card_replace(tenant, member(1), card(2)).await.unwrap();
    server.card_block(tenant, member(2), card(1)).await.unwrap();
    let blocked = async |id: u8, of: u8| {
        let base = world.base(&device, member(id)).await.unwrap();
        base.state.cards.get(&card(of)).map(|card| card.blocked)
    };
    assert_eq!((blocked(1, 1).await, blocked(2, 2).await), (Some(true), Some(true)));
    assert_eq!((blocked(1, 2).await, blocked(2, 1).await), (None, None), "each keeps to their own cards");
    assert_eq!(world.base(&device, member(2)).await.unwrap().state.cards.len(), 2);
    let error = server.card_block(tenant, member(1), card(9)).await.unwrap_err();
    assert_eq!(code(&error), "not-found");
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
    let world = World::clear().await;
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
    let row = device.write(Fact::ProfileChanged(ProfileChanged { member: member(7), profile, terms: None }));
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

#[tokio::test]
async fn a_restore_forgets_again_before_anybody_opens_it() {
    let mut world = World::clear().await;
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    join(&world, &mut device, 2, "Bob").await;
    let file = world.folder.path().join("yesterday.backup");
    world.server.backup(&file).await.unwrap();
    world.server.member_erase(world.tenant, &text(member(1)), ErasureReason::Asked).await.unwrap();
    // A member who joined and was forgotten after the backup.
    join(&world, &mut device, 3, "Cleo").await;
    world.server.member_erase(world.tenant, &text(member(3)), ErasureReason::Asked).await.unwrap();
    let head = world.feed(&device, 0).await.next;
    world.feed(&device, head).await;
    world.server.db().close().await;
    let entropy = Box::new(Seeded::new(2_094));
    stempel_server::admin::restore(&file, &world.url, None, world.clock.clone(), entropy).await.unwrap();
    let sqlite = world.url.strip_prefix("sqlite:").map(Path::new);
    if let Some(path) = sqlite {
        let restored = std::fs::read(path).unwrap();
        let holds = |bytes: &[u8; 32]| restored.windows(32).any(|window| window == bytes);
        assert!(!holds(key(1).as_bytes()), "before it is opened");
        assert!(holds(key(2).as_bytes()));
    }
    world.server = crate::world::open_clear(&world.url, &world.clock, 5).await;
    let waiting = world.server.erasures(world.tenant).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|erasure| erasure.waiting.len() == 1), "devices have to say it anew");
    // The old cursor says nothing of the new history.
    let page = world.feed(&device, head).await;
    assert!(!page.changes.is_empty(), "the device hears of the new history at once");
    assert!(
        world.server.erasures(world.tenant).await.unwrap().iter().all(|erasure| erasure.waiting.len() == 1)
    );
    // The rows and keys that the backup lacks come again; nobody comes back.
    let keys = vec![KeyOf { member: member(3), key: key(3) }, KeyOf { member: member(1), key: key(1) }];
    world.push_keys(&device, &device.rows.clone(), keys).await;
    assert!(
        world.keys(&device, member(1)).await.is_empty() && world.keys(&device, member(3)).await.is_empty()
    );
    let next = world.feed(&device, 0).await.next;
    world.feed(&device, next).await;
    assert!(
        world.server.erasures(world.tenant).await.unwrap().iter().all(|erasure| erasure.waiting.is_empty())
    );
    assert_eq!(
        world.server.member_find(world.tenant, &text(member(2))).await.unwrap().name.as_deref(),
        Some("Bob")
    );
    world.sound().await;
}

#[tokio::test]
async fn a_rule_forgets_whoever_was_not_seen_for_long_and_leaves_whom_money_is_owed() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    for number in 1..=4 {
        device.join(member(number), card(number));
    }
    // Money on a card.
    let fact = crate::world::give(device.shop, member(2), 500);
    let Fact::Adjustment(mut paid) = fact else { panic!("an adjustment") };
    paid.postings.iter_mut().for_each(|posting| posting.unit = "eur.2".parse().unwrap());
    device.write(Fact::Adjustment(paid));
    device.write(Fact::MemberMerged(MemberMerged { member: member(3), into: Some(member(4)) }));
    let later = stempel_domain::Moment {
        utc_ms: moment().utc_ms + 400 * 24 * crate::world::HOUR_MS,
        day: today().plus_days(400),
        ..moment()
    };
    device.write_at(later, crate::world::give(device.shop, member(3), 1));
    world.push(&device, &device.rows).await.unwrap();
    world.clock.forward(401 * 24 * crate::world::HOUR_MS);
    let due = world.server.retention_due(world.tenant, 12).await.unwrap();
    let named: Vec<(MemberId, bool)> = due.iter().map(|due| (due.member, due.owed)).collect();
    assert_eq!(named, [(member(1), false), (member(2), true)], "who was merged was seen under the other id");
    assert!(world.server.erasures(world.tenant).await.unwrap().is_empty(), "to look changes nothing");
    world.server.retention_set(world.tenant, Some(12)).await.unwrap();
    assert_eq!(world.server.retention(world.tenant).await.unwrap(), Some(12));
    world.server.work().await.unwrap();
    let erased = world.server.erasures(world.tenant).await.unwrap();
    assert_eq!(erased.iter().map(|erasure| erasure.member).collect::<Vec<_>>(), [member(1)]);
    // Every day anew, until the rule is taken away.
    world.clock.forward(400 * 24 * crate::world::HOUR_MS);
    world.server.work().await.unwrap();
    assert_eq!(world.server.erasures(world.tenant).await.unwrap().len(), 3);
    world.server.retention_set(world.tenant, None).await.unwrap();
    world.clock.forward(48 * crate::world::HOUR_MS);
    world.server.work().await.unwrap();
    assert_eq!(world.server.retention(world.tenant).await.unwrap(), None);
    assert!(world.server.retention_set(world.tenant, Some(0)).await.is_err());
    world.sound().await;
}

#[tokio::test]
async fn the_database_and_its_copies_hold_wrapped_keys_only() {
    let mut world = World::clear().await;
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    let file = world.folder.path().join("server.keys");
    let sqlite = world.url.starts_with("sqlite");
    let holds = |bytes: &[u8]| files_hold(world.folder.path(), bytes);
    assert!(!sqlite || holds(key(1).as_bytes()), "as earlier versions kept it");
    let wrapped = world.server.use_keys(Some(&file)).await.unwrap();
    // The member's key, and those that sign events and cards.
    assert_eq!((wrapped.file.as_deref(), wrapped.wrapped), (Some(file.as_path()), 3));
    join(&world, &mut device, 2, "Bob").await;
    let copy = world.folder.path().join("copy.backup");
    world.server.backup(&copy).await.unwrap();
    for number in [1, 2] {
        assert!(!holds(key(number).as_bytes()), "neither in the database nor in its log nor in the copy");
        assert_eq!(world.keys(&device, member(number)).await, [key(number)], "devices get them all the same");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Another process beside this one notices a new wrapping key.
    let other = crate::world::open_clear(&world.url, &world.clock, 77).await;
    assert_eq!(other.use_keys(Some(&file)).await.unwrap().wrapped, 0);
    let old = std::fs::read_to_string(&file).unwrap();
    assert_eq!(world.server.rotate_keys().await.unwrap().wrapped, 4);
    let new = std::fs::read_to_string(&file).unwrap();
    assert!(old != new && old.len() == new.len(), "the old one is dropped");
    let found = other.member_find(world.tenant, &text(member(2))).await.unwrap();
    assert_eq!(found.name.as_deref(), Some("Bob"));
    other.close().await;
    // Without the file, or with another one, nothing is changed and it is said why.
    std::fs::remove_file(&file).unwrap();
    world.restart().await;
    let error = world.server.use_keys(Some(&file)).await.unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!file.exists());
    std::fs::write(&file, &old).unwrap();
    assert!(world.server.use_keys(Some(&file)).await.is_err());
    assert_eq!(code(&world.server.begin_keys_anew(Some(&file)).await.unwrap_err()), "file-exists");
    std::fs::write(&file, &new).unwrap();
    world.server.use_keys(Some(&file)).await.unwrap();
    assert_eq!(world.keys(&device, member(2)).await, [key(2)]);
    // Lost for good: the names go, everything else stays.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.server.begin_keys_anew(Some(&file)).await.unwrap().dropped, 2);
    assert!(world.keys(&device, member(2)).await.is_empty());
    join(&world, &mut device, 3, "Cleo").await;
    assert_eq!(world.keys(&device, member(3)).await, [key(3)]);
    world.sound().await;
}

#[tokio::test]
async fn an_older_copy_that_somebody_puts_back_forgets_again_when_it_is_opened() {
    let mut world = World::clear().await;
    let keys = world.folder.path().join("server.keys");
    world.server.use_keys(Some(&keys)).await.unwrap();
    let mut device = world.device(1).await;
    join(&world, &mut device, 1, "Ada").await;
    join(&world, &mut device, 2, "Bob").await;
    world.server.close().await;
    let copy = database::copy(&world.url).await;
    world.restart().await;
    world.server.use_keys(Some(&keys)).await.unwrap();
    world.server.member_erase(world.tenant, &text(member(1)), ErasureReason::Asked).await.unwrap();
    world.server.close().await;
    database::put_back(&world.url, &copy).await;
    world.server = crate::world::open_clear(&world.url, &world.clock, 2_026).await;
    let name = async |world: &World, number| {
        world.server.member_find(world.tenant, &text(member(number))).await.unwrap().name
    };
    world.server.use_keys(Some(&keys)).await.unwrap();
    assert_eq!(name(&world, 1).await, None);
    assert_eq!(name(&world, 2).await.as_deref(), Some("Bob"));
    assert_eq!(world.server.erasures(world.tenant).await.unwrap().len(), 1);
    world.restart().await;
    world.server.use_keys(Some(&keys)).await.unwrap();
    assert_eq!(world.server.erasures(world.tenant).await.unwrap().len(), 1, "once");
    world.sound().await;
}

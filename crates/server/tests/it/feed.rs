//! The feed: nothing is passed over, nothing comes twice, what changes comes again later.

use std::collections::BTreeSet;

use stempel_domain::{EventRef, MemberId};
use stempel_wire::MemberKey;
use stempel_wire::message::{FeedChange, FeedPage, KeyOf, PushHeader};

use crate::world::{World, card, member};

#[tokio::test]
async fn a_page_is_sent_as_it_would_be_written_anew() {
    let world = World::new().await;
    let (mut device, other) = (world.device(1).await, world.device(2).await);
    for number in 1..=3 {
        device.join(member(number), card(number));
    }
    device.give(member(1), 7);
    let key = |number| MemberKey::from_slice(&[number; 32]).unwrap();
    let keys = [(1, 1), (1, 9), (2, 2)].map(|(of, number)| KeyOf { member: member(of), key: key(number) });
    world.push_keys(&device, &device.rows, keys.to_vec()).await;
    let programme = r#"{"id":"coffee","unit":"stamp","name":"„Kaffee“ \\ \"zwei\"\n"}"#;
    world.server.programme_publish(world.tenant, &"coffee".parse().unwrap(), programme).await.unwrap();
    let caller = world.server.caller(other.id).await.unwrap();
    for (after, limit) in [(0, 1000), (0, 2), (1_000_000, 5)] {
        let read = world.server.feed(&caller, after, limit).await.unwrap();
        let sent = world.server.feed_page(&caller, after, limit).await.unwrap();
        assert_eq!(sent.to_json(), serde_json::to_string(&read).unwrap());
        for item in &read.changes {
            let change = item.read().expect("a kind that is known");
            assert_eq!(serde_json::to_string(&change).unwrap(), item.change.get());
        }
    }
}

#[tokio::test]
async fn a_thing_that_changes_moves_to_its_new_place() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.join(member(2), card(2));
    world.push(&device, &device.rows).await.unwrap();
    let before = world.feed(&device, 0).await;
    device.give(member(1), 5);
    world.push(&device, &device.rows).await.unwrap();
    let page = world.feed(&device, 0).await;
    let places: Vec<(u64, MemberId)> = page
        .changes
        .iter()
        .filter_map(|item| match item.read() {
            Some(FeedChange::Member { member, .. }) => Some((item.position, member)),
            _ => None,
        })
        .collect();
    assert_eq!(places, [(before.head, member(2)), (before.head + 1, member(1))]);
    let news = world.feed(&device, before.next).await;
    assert_eq!((news.changes.len(), news.next, news.head), (1, before.head + 1, before.head + 1));
    let nothing = world.feed(&device, news.next).await;
    assert_eq!((nothing.changes.len(), nothing.next), (0, news.next));
}

#[tokio::test]
async fn pages_of_any_size_give_the_same() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    for number in 1..60 {
        device.join(member(number), card(number));
    }
    world.push(&device, &device.rows).await.unwrap();
    world.server.blanks(&world.server.caller(device.id).await.unwrap()).await.unwrap();
    world.device(2).await;
    let caller = world.server.caller(device.id).await.unwrap();
    let whole: Vec<u64> = world.feed(&device, 0).await.changes.iter().map(|item| item.position).collect();
    for size in [1, 2, 7, 61, 1000] {
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            let page = world.server.feed(&caller, cursor, size).await.unwrap();
            assert!(page.changes.len() <= size);
            assert!(page.changes.iter().all(|item| item.position > cursor));
            seen.extend(page.changes.iter().map(|item| item.position));
            cursor = page.next;
            if cursor == page.head {
                break;
            }
        }
        assert_eq!(seen, whole, "pages of {size}");
    }
    let beyond = world.feed(&device, 1_000_000).await;
    assert_eq!((beyond.changes.len(), beyond.next), (0, beyond.head));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_passes_over_nothing_while_eight_write() {
    const ROUNDS: u8 = 12;
    let world = World::new().await;
    let mut writers = Vec::new();
    for number in 1..=8 {
        writers.push(world.device(number).await);
    }
    let watcher = world.device(9).await;
    let caller = world.server.caller(watcher.id).await.unwrap();
    let start = world.feed(&watcher, 0).await.next;
    // Half of them write through another process's door to the same database.
    let other = crate::world::open(&world.url, &world.clock, 2).await;
    let mut tasks = Vec::new();
    for mut device in writers {
        let server = if device.id.0[0] % 2 == 0 { world.server.clone() } else { other.clone() };
        tasks.push(tokio::spawn(async move {
            let caller = server.caller(device.id).await.unwrap();
            for round in 0..ROUNDS {
                let from = if round == 0 { 0 } else { device.rows.len() };
                // Some members are one device's alone, some are everybody's.
                device.give(member(device.id.0[0]), 1);
                device.give(member(100 + round % 3), 1);
                let rows = device.rows[from..].to_vec();
                server.push(&caller, &PushHeader::default(), rows).await.unwrap();
                tokio::task::yield_now().await;
            }
            device
        }));
    }
    // Follows with small pages and remembers, for every row, whether a state that has it went by.
    let wanted = 8 * usize::from(ROUNDS) * 2;
    let (mut cursor, mut seen, mut last) = (start, BTreeSet::new(), start);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while seen.len() < wanted && tokio::time::Instant::now() < deadline {
        let page = world.server.feed_wait(&caller, cursor, 3, 500).await.unwrap().to_json();
        let page: FeedPage = serde_json::from_str(&page).unwrap();
        for item in &page.changes {
            assert!(item.position > last, "positions rise");
            last = item.position;
            let Some(FeedChange::Member { member: id, base, .. }) = item.read() else { continue };
            let author_rows = |author: u8| base.includes.iter().find(|(id, _)| id.0[0] == author);
            for author in 1..=8 {
                let Some((&id_author, &through)) = author_rows(author) else { continue };
                // Row 1 began the journal; then pairs: an own member, a shared one.
                for seq in 2..=through {
                    let round = (seq - 2) / 2;
                    let of = if seq % 2 == 0 { author } else { 100 + (round % 3) as u8 };
                    if member(of) == id {
                        seen.insert(EventRef { author: id_author, seq });
                    }
                }
            }
        }
        cursor = page.next;
    }
    for task in tasks {
        let device = task.await.unwrap();
        assert_eq!(device.rows.len(), 1 + 2 * usize::from(ROUNDS));
    }
    assert_eq!(seen.len(), wanted, "every row came by in some state");
    for shared in 100..103 {
        assert_eq!(world.points(&watcher, member(shared)).await, Some(8 * i64::from(ROUNDS) / 3));
    }
    world.sound().await;
}

//! A shop that began alone on one terminal comes to a server.

use stempel_domain::event::{Fact, JournalBegun, ProgrammePublished, ProgrammeRef};
use stempel_domain::{ShopId, TenantId};
use stempel_server::admin::Adoption;
use stempel_wire::message::{FeedChange, KeyOf, Shop};
use stempel_wire::token::Token;
use stempel_wire::{MemberKey, SecretKey};

use crate::world::{Device, World, card, code, member, point};

const TEXT: &str = r#"{"id":"points","unit":"point"}"#;

/// A terminal that worked alone, with a history, and what it hands over.
fn alone(number: u8) -> (Device, Adoption) {
    let mut device = Device::new(number);
    (device.tenant, device.shop) = (TenantId([number; 16]), ShopId([number; 16]));
    let public_key = device.key.public().to_string();
    device.write(Fact::JournalBegun(JournalBegun {
        tenant: device.tenant,
        shop: Some(device.shop),
        public_key,
    }));
    let programme = ProgrammeRef { id: "points".parse().unwrap(), version: 1 };
    device.write(Fact::ProgrammePublished(ProgrammePublished {
        programme: programme.clone(),
        text: TEXT.to_owned(),
    }));
    for guest in 1..=200 {
        device.join(member(guest), card(guest));
        for _ in 0..6 {
            device.give(member(guest), 1);
        }
    }
    let adoption = Adoption {
        tenant: device.tenant,
        name: "Café Anker".to_owned(),
        shop: Shop {
            id: device.shop,
            name: "Café Anker".to_owned(),
            day_ends_minutes: 0,
            zone: "Europe/Berlin".to_owned(),
            merchant: None,
            rotating_above: std::collections::BTreeMap::new(),
        },
        device: device.id,
        device_name: "Kasse 1".to_owned(),
        public_key: device.key.public(),
        card_key: SecretKey::from_bytes(&[number + 100; 32]),
        programmes: vec![(programme, TEXT.to_owned(), false)],
        articles: Vec::new(),
        demo: false,
    };
    (device, adoption)
}

#[tokio::test]
async fn cards_and_history_come_along_and_the_terminal_goes_on() {
    let world = World::new().await;
    let (mut device, adoption) = alone(7);
    let adopted = world.server.adopt(&adoption).await.unwrap();
    assert_eq!((adopted.tenant, adopted.held), (device.tenant, 0));
    adopted.certificate.verify(&adopted.server_key).unwrap();
    // Cut off after the first part; the same command goes on where it stopped.
    let key = MemberKey::from_slice(&[3; 32]).unwrap();
    let keys = vec![KeyOf { member: member(1), key: key.clone() }];
    world.server.adopt_rows(&adopted, device.rows[..1000].to_vec(), keys).await.unwrap();
    let again = world.server.adopt(&adoption).await.unwrap();
    assert_eq!((again.held, &again.certificate), (1000, &adopted.certificate));
    world.server.adopt_rows(&adopted, device.rows[1000..].to_vec(), Vec::new()).await.unwrap();

    let report = world.server.verify(device.tenant).await.unwrap();
    assert_eq!((report.problems, report.members), (Vec::new(), 200));
    let token = Token::issue(device.tenant, &adoption.card_key, card(5));
    let found = world.server.member_find(device.tenant, &token.to_string()).await.unwrap();
    assert_eq!((found.member, found.balances[&point()].as_str()), (member(5), "6"));
    assert_eq!(world.keys(&device, member(1)).await, [key]);
    let caller = world.server.caller(device.id).await.unwrap();
    let first = world.server.feed(&caller, 0, 4).await.unwrap();
    let kinds: Vec<FeedChange> = first.changes.iter().filter_map(|item| item.read()).collect();
    assert!(
        matches!(
            &kinds[..],
            [
                FeedChange::CardKey { .. },
                FeedChange::Shop(_),
                FeedChange::Device { .. },
                FeedChange::Programme { .. }
            ]
        ),
        "{kinds:?}"
    );

    device.give(member(1), 4);
    let rows = device.rows[device.rows.len() - 1..].to_vec();
    assert_eq!(world.push(&device, &rows).await.unwrap().held[&device.id], device.rows.len() as u64);
    // The next version of its programme comes from the server.
    let id = "points".parse().unwrap();
    let next = world.server.programme_publish(device.tenant, &id, r#"{"id":"points","unit":"points"}"#).await;
    assert_eq!(next.unwrap().version, 2);
    assert_eq!(world.server.blanks(&caller).await.unwrap().blanks.len(), 200);
    assert_eq!(world.server.verify(device.tenant).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_sample_shop_and_a_stranger_are_turned_away() {
    let world = World::new().await;
    let (device, adoption) = alone(7);
    let demo = Adoption { demo: true, ..alone(7).1 };
    assert_eq!(code(&world.server.adopt(&demo).await.unwrap_err()), "demo");
    assert_eq!(world.server.tenants().await.unwrap().len(), 1, "nothing is left of it");
    world.server.adopt(&adoption).await.unwrap();
    let other_cards = Adoption { card_key: SecretKey::from_bytes(&[1; 32]), ..alone(7).1 };
    let other_terminal = Adoption { public_key: SecretKey::from_bytes(&[2; 32]).public(), ..alone(7).1 };
    for stranger in [other_cards, other_terminal, Adoption { tenant: world.tenant, ..alone(7).1 }] {
        assert_eq!(code(&world.server.adopt(&stranger).await.unwrap_err()), "already-there");
    }
    assert_eq!(world.server.caller(device.id).await.unwrap().tenant, device.tenant);
}

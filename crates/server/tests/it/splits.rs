//! A property: however rows are cut into pushes and however journals interleave, the members come out the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stempel_domain::event::{CardBlocked, Fact};
use stempel_domain::member::Base;
use stempel_domain::{AuthorId, MemberId};
use stempel_wire::Row;
use stempel_wire::message::FeedChange;

use crate::world::{Device, World, card, member};

const AUTHORS: u8 = 3;
const MEMBERS: u8 = 4;

/// What one device writes.
#[derive(Debug, Clone)]
enum Step {
    Join(u8),
    Give(u8, i64),
    Block(u8),
    Dream,
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        1 => (1..=MEMBERS).prop_map(Step::Join),
        6 => ((1..=MEMBERS), -9_i64..10).prop_map(|(member, amount)| Step::Give(member, amount)),
        1 => (1..=MEMBERS).prop_map(Step::Block),
        1 => Just(Step::Dream),
    ];
    prop::collection::vec(prop::collection::vec(step, 0..12), usize::from(AUTHORS))
}

fn write(device: &mut Device, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Join(number) => {
                device.join(member(*number), card(*number));
            }
            Step::Give(number, amount) if *amount != 0 => {
                device.give(member(*number), *amount);
            }
            Step::Give(..) => {}
            Step::Block(number) => {
                let fact = CardBlocked { card: card(*number), member: Some(member(*number)) };
                device.write(Fact::CardBlocked(fact));
            }
            Step::Dream => {
                device.write_json(r#"{"fact":{"dreamt":{}}}"#);
            }
        }
    }
}

async fn bases(world: &World, device: &Device) -> BTreeMap<MemberId, Base> {
    let changes = world.feed(device, 0).await.changes;
    let of_members = changes.iter().filter_map(|item| match item.read() {
        Some(FeedChange::Member { member, base, .. }) => Some((member, *base)),
        _ => None,
    });
    of_members.collect()
}

async fn outcome(steps: &[Vec<Step>], pushes: &[(u8, usize)], carried: bool) -> BTreeMap<MemberId, Base> {
    let world = World::new().await;
    let mut devices = Vec::new();
    for (number, steps) in (1..=AUTHORS).zip(steps) {
        let mut device = world.device(number).await;
        write(&mut device, steps);
        devices.push(device);
    }
    let mut sent: BTreeMap<AuthorId, usize> = BTreeMap::new();
    for (index, count) in pushes {
        let device = &devices[usize::from(*index)];
        let from = sent.entry(device.id).or_default();
        let to = (*from + count).min(device.rows.len());
        // A part that was sent before comes along again, as after an answer that was lost.
        let rows: Vec<Row> = device.rows[from.saturating_sub(1)..to].to_vec();
        let carrier = if carried { &devices[0] } else { device };
        world.push(carrier, &rows).await.unwrap();
        *from = to;
    }
    for device in &devices {
        let answer = world.push(device, &device.rows).await.unwrap();
        assert_eq!(answer.held[&device.id], device.rows.len() as u64);
    }
    world.sound().await;
    bases(&world, &devices[0]).await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_split_and_interleaving_gives_the_same_members(
        steps in steps(),
        pushes in prop::collection::vec((0..AUTHORS, 0_usize..6), 0..12),
        carried: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let at_once = outcome(&steps, &[], false).await;
            let in_parts = outcome(&steps, &pushes, carried).await;
            assert_eq!(at_once, in_parts);
        });
    }
}

//! Base + overlay = now: no event is counted twice, and none that was shown is missing, whatever arrives when.

use std::collections::BTreeMap;

use stempel_domain::member::Effect;
use stempel_domain::{EventRef, MemberId};
use stempel_store::journal::Keeping;
use stempel_store::{Store, StoreError};

use crate::support::*;

#[test]
fn an_entry_is_dropped_exactly_when_the_base_includes_it() {
    let dir = folder();
    let mut store = open(dir.path());
    let first = note(&mut store, joined(1), day(0), Keeping::Overlay);
    let second = note(&mut store, given(member(1), day(0), 2), day(0), Keeping::Overlay);
    let third = note(&mut store, given(member(1), day(1), 3), day(1), Keeping::Overlay);
    assert_eq!(balance(&store, member(1), day(1)), 5);
    for (known, waiting) in
        [(vec![&first], 2), (vec![&first, &second], 1), (vec![&first, &second, &third], 0)]
    {
        feed_base(&mut store, member(1), base(known));
        assert_eq!(balance(&store, member(1), day(1)), 5, "{waiting} waiting");
        assert_eq!(store.view().overlay(member(1)).unwrap().len(), waiting);
    }
}

#[test]
fn a_row_that_the_server_keeps_without_effect_leaves_the_balance() {
    let dir = folder();
    let mut store = open(dir.path());
    let first = note(&mut store, joined(1), day(0), Keeping::Overlay);
    note(&mut store, given(member(1), day(0), 2), day(0), Keeping::Overlay);
    let mut dead = base([&first]);
    dead.includes.insert(OWN, 2);
    feed_base(&mut store, member(1), dead);
    assert_eq!(balance(&store, member(1), day(0)), 0);
    assert_eq!(store.view().overlay(member(1)).unwrap(), []);
}

#[test]
fn a_new_snapshot_keeps_the_journal_and_puts_own_events_back() {
    let dir = folder();
    let mut store = open(dir.path());
    let mine: Vec<Effect> = vec![
        note(&mut store, joined(1), day(0), Keeping::Overlay),
        note(&mut store, given(member(1), day(0), 2), day(0), Keeping::Overlay),
    ];
    let theirs = foreign(member(1), 1, 7);
    feed_base(&mut store, member(1), base(mine.iter().chain([&theirs])));
    assert_eq!(balance(&store, member(1), day(0)), 9);
    store.write::<_, StoreError>(|write| write.begin_snapshot(OWN)).unwrap();
    assert_eq!(store.view().head(OWN).unwrap().seq, 2, "the journal stays");
    assert_eq!(balance(&store, member(1), day(0)), 9, "what was shown is shown until the server says anew");
    assert_eq!(store.view().overlay(member(1)).unwrap(), mine);
    // The server was set back to before everything; then the other device has sent its row again.
    feed_base(&mut store, member(1), base([]));
    assert_eq!(balance(&store, member(1), day(0)), 2, "what is ours is still counted");
    feed_base(&mut store, member(1), base([&theirs]));
    assert_eq!(balance(&store, member(1), day(0)), 9);
    feed_base(&mut store, member(1), base(mine.iter().chain([&theirs])));
    assert_eq!(balance(&store, member(1), day(0)), 9);
    assert_eq!(store.view().overlay(member(1)).unwrap(), []);
}

#[test]
fn a_snapshot_of_more_own_rows_than_one_batch_puts_all_of_them_back() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    let facts =
        (0..2500).map(|minute| (given(member((minute % 3) as u8), day(0), 1), moment(day(0), minute)));
    let effects = append(&mut store, facts, Keeping::Overlay).unwrap();
    for number in 0..3 {
        let own = effects.iter().filter(|(of, _)| *of == member(number)).map(|(_, effect)| effect);
        feed_base(&mut store, member(number), base(own.collect::<Vec<_>>()));
        assert_eq!(store.view().overlay(member(number)).unwrap(), []);
    }
    store.write::<_, StoreError>(|write| write.begin_snapshot(OWN)).unwrap();
    let waiting: usize = (0..3).map(|number| store.view().overlay(member(number)).unwrap().len()).sum();
    assert_eq!(waiting, 2500);
}

/// An event of another device, as the server has it.
fn foreign(member: MemberId, seq: u64, amount: i64) -> Effect {
    let (_, mut event) = row_after(
        stempel_store::Head { seq: 0, hash: stempel_wire::Hash::NONE },
        given(member, day(0), amount),
        moment(day(0), 900 + seq as i64),
    );
    event.author = OTHER;
    event.seq = seq;
    let (_, mut effect) = stempel_domain::member::effect_of(&event).unwrap();
    effect.event = EventRef { author: OTHER, seq };
    effect
}

/// A server and what it has told a device, as plain lists of events.
#[derive(Default)]
struct Model {
    /// Every own event about a member.
    own: Vec<(MemberId, Effect)>,
    /// Every event of the other device.
    other: Vec<(MemberId, Effect)>,
    /// How much of each the server has.
    own_held: usize,
    other_held: usize,
    /// What the device shows of each member: the events behind the last state that it was told, plus its own.
    shown: BTreeMap<MemberId, Vec<Effect>>,
}

impl Model {
    fn known_to_server(&self, of: MemberId) -> Vec<Effect> {
        let own = self.own[..self.own_held].iter();
        let other = self.other[..self.other_held].iter();
        own.chain(other).filter(|(member, _)| *member == of).map(|(_, effect)| effect.clone()).collect()
    }

    /// The server's word on a member arrives: what it knows, and own events that it does not know yet.
    fn told(&mut self, of: MemberId) -> Vec<Effect> {
        let known = self.known_to_server(of);
        let mut shown = known.clone();
        shown.extend(
            self.own[self.own_held..].iter().filter(|(member, _)| *member == of).map(|(_, e)| e.clone()),
        );
        self.shown.insert(of, shown);
        known
    }

    fn check(&self, store: &Store, what: &str) {
        for (of, events) in &self.shown {
            let state = store.view().member(*of).unwrap().unwrap_or_default();
            assert_eq!(state, folded(events), "{what}");
        }
    }
}

#[test]
fn whatever_arrives_when_every_event_is_counted_once() {
    let dir = fast_folder();
    let mut store = open(dir.path());
    for seed in 0..60 {
        // Each seed has members of its own in the same journal.
        let members: Vec<MemberId> = (0..3).map(|number| MemberId([seed * 4 + number; 16])).collect();
        let mut random = Random(u64::from(seed) + 1);
        let mut model = Model::default();
        for step in 0..60 {
            let what = format!("seed {seed}, step {step}");
            let of = members[random.below(3) as usize];
            let amount = [1, 2, 5, -3][random.below(4) as usize];
            match random.below(12) {
                0..=3 => {
                    let at = moment(day(random.below(3) as i64), random.below(1000) as i64);
                    let effect =
                        append(&mut store, [(given(of, at.day, amount), at)], Keeping::Overlay).unwrap();
                    model.own.extend(effect.clone());
                    model.shown.entry(of).or_default().push(effect[0].1.clone());
                }
                4..=5 => model.other.push((of, foreign(of, model.other.len() as u64 + 1, amount))),
                6 => model.own_held += random.below((model.own.len() - model.own_held) as u64 + 1) as usize,
                7 => {
                    model.other_held +=
                        random.below((model.other.len() - model.other_held) as u64 + 1) as usize
                }
                8 if step % 5 == 0 => {
                    // The server was restored from a backup: it knows less, and its word is a new snapshot.
                    model.own_held = random.below(model.own_held as u64 + 1) as usize;
                    model.other_held = random.below(model.other_held as u64 + 1) as usize;
                    store.write::<_, StoreError>(|write| write.begin_snapshot(OWN)).unwrap();
                    model.check(&store, &format!("{what}: nothing changes before the server speaks"));
                    for member in &members {
                        // Of some it speaks later, after more has happened here.
                        if random.below(2) == 0 {
                            let known = model.told(*member);
                            feed_base(&mut store, *member, base(&known));
                        }
                    }
                }
                // The same page may come twice: the answer was lost on its way.
                _ => {
                    let known = model.told(of);
                    for _ in 0..=random.below(2) {
                        feed_base(&mut store, of, base(&known));
                    }
                }
            }
            model.check(&store, &what);
        }
    }
    store.view().verify(|_| Some(key().public())).unwrap();
}

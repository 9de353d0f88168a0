//! The planner against servers of every kind, without a network.

use stempel_domain::AuthorId;
use stempel_sync::plan::PageVerdict;
use stempel_sync::{Planner, Progress, Step};
use stempel_wire::message::{FeedPage, PushAnswer, RowTrouble};

const OWN: AuthorId = AuthorId([1; 16]);

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

fn page(epoch: &str, next: u64, head: u64, held: u64) -> FeedPage {
    FeedPage { epoch: epoch.into(), changes: Vec::new(), next, head, held, held_hash: String::new() }
}

fn answer(epoch: &str, held: u64) -> PushAnswer {
    PushAnswer { epoch: epoch.into(), held: [(OWN, held)].into(), ..PushAnswer::default() }
}

#[test]
fn with_an_honest_server_every_exchange_ends_in_agreement() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let (mut epoch, mut feed_head, mut held) = ("a", random.below(50), random.below(20));
        let head = held + random.below(2000);
        let before = Progress {
            epoch: ["", "a", "old"][random.below(3) as usize].into(),
            cursor: random.below(feed_head + 1),
            held: random.below(head + 1),
            head,
            blanks: random.below(200) as usize,
        };
        let mut planner = Planner::new(OWN, before);
        let (mut steps, mut exchanges) = (0, 1);
        loop {
            steps += 1;
            assert!(steps < 1000, "seed {seed} goes on for ever");
            if steps == 4 && exchanges == 1 && random.below(3) == 0 {
                // Set back to a backup in the middle of it.
                (epoch, held, feed_head) = ("b", random.below(held + 1), random.below(feed_head + 1));
            }
            match planner.next_step() {
                Step::Feed { after, limit } => {
                    assert!(limit > 0);
                    let next = (after + random.below(10) + 1).min(feed_head).max(after.min(feed_head));
                    let expected = planner.progress().epoch == epoch;
                    let verdict = planner.page(&page(epoch, next, feed_head, held), true);
                    assert_eq!(verdict == PageVerdict::Apply, expected, "seed {seed}");
                }
                Step::Push { after, rows_max, .. } => {
                    assert!(after < head);
                    // Of rows beyond a gap the server takes none; the device can offer such rows only before it
                    // knows of the new epoch.
                    assert!(after <= held || planner.progress().epoch != epoch, "seed {seed}");
                    if after <= held {
                        held = held.max((after + 1 + random.below(rows_max as u64)).min(head));
                        feed_head += 1;
                    }
                    planner.pushed(&answer(epoch, held));
                }
                Step::Blanks => planner.blanks(200),
                // What happened after the last look is seen by the next exchange.
                Step::Done if exchanges == 1 => {
                    exchanges += 1;
                    planner = Planner::new(OWN, planner.progress().clone());
                }
                Step::Done => break,
                step => panic!("seed {seed}: {step:?}"),
            }
        }
        let after = planner.progress();
        assert_eq!((after.held, after.epoch.as_str(), after.cursor), (head, epoch, feed_head), "seed {seed}");
    }
}

#[test]
fn whatever_a_server_answers_an_exchange_ends_and_never_claims_more_than_was_said() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let head = random.below(20);
        let before = Progress { epoch: "a".into(), cursor: random.below(9), held: 0, head, blanks: 0 };
        let mut planner = Planner::new(OWN, before);
        let mut steps = 0;
        loop {
            steps += 1;
            // A server whose feed never ends is followed for a long time, but not for ever.
            if steps > 200_000 {
                panic!("seed {seed} goes on for ever");
            }
            let epoch = ["a", "b"][random.below(2) as usize];
            let (some, held) = (random.below(30), random.below(30));
            match planner.next_step() {
                Step::Feed { .. } if random.below(50) == 0 => planner.signed_out(),
                Step::Feed { .. } => {
                    planner.page(&page(epoch, some, random.below(30), held), random.below(2) == 0);
                    assert!(planner.progress().held <= held, "seed {seed}");
                }
                Step::Push { .. } => {
                    let mut answer = answer(epoch, held);
                    if random.below(4) == 0 {
                        let trouble = RowTrouble { author: OWN, seq: some, reason: String::new() };
                        answer.quarantined.push(trouble);
                    }
                    planner.pushed(&answer);
                }
                Step::Blanks => planner.blanks(0),
                Step::Done | Step::Stuck | Step::OlderCopy | Step::SignedOut => break,
            }
            assert!(planner.progress().held <= head, "seed {seed}");
        }
    }
}

#[test]
fn troubles_of_other_journals_stop_nothing() {
    let mut planner =
        Planner::new(OWN, Progress { epoch: "a".into(), head: 4, blanks: 200, ..Progress::default() });
    planner.next_step();
    planner.page(&page("a", 0, 0, 0), true);
    let mut said = answer("a", 2);
    let trouble = RowTrouble { author: AuthorId([9; 16]), seq: 1, reason: String::new() };
    said.quarantined.push(trouble.clone());
    said.refused.push(trouble);
    planner.pushed(&said);
    assert!(!planner.is_quarantined());
    assert!(matches!(planner.next_step(), Step::Push { after: 2, .. }));
}

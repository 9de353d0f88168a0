//! Two devices and a server through weeks of faults: in the end all say the same, and each event counts once.

use stempel_domain::member::effect_of;
use stempel_domain::{EventRef, MemberId, MemberState};
use stempel_terminal::Terminal;
use stempel_terminal::counter::Circumstances;

use crate::server::*;
use crate::support::*;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The plain fold of every event about a member in these terminals' own journals.
fn folded(tills: &[&Terminal], member: MemberId) -> MemberState {
    let mut state = MemberState::default();
    for till in tills {
        let device = till.identity().device;
        for seq in 1..=head(till) {
            let event = till.event(EventRef { author: device, seq }).unwrap();
            if let Some((of, effect)) = effect_of(&event)
                && of == member
            {
                state.apply(&effect);
            }
        }
    }
    state
}

fn state(till: &Terminal, member: MemberId) -> MemberState {
    till.view().member(member).unwrap().unwrap_or_default()
}

#[test]
fn after_any_faults_all_agree_and_each_event_counts_once() {
    for seed in 0..12 {
        let (dirs, clock, server) = ([folder(), folder()], Hand::noon(), server());
        let [(mut one, mut wire_one), (mut two, mut wire_two)] =
            [&dirs[0], &dirs[1]].map(|dir| device_in(dir.path(), &clock, &server));
        let mut random = Random(seed);
        let mut backup = server.lock().unwrap().clone();
        let mut last: [Option<EventRef>; 2] = [None, None];
        for step in 0..50 {
            clock.move_by(random.below(600) as i64 * MINUTE);
            let which = random.below(2) as usize;
            let (till, wire) = if which == 0 { (&mut one, &mut wire_one) } else { (&mut two, &mut wire_two) };
            match random.below(12) {
                0..=4 => {
                    let code = printed(random.below(3) as u8 + 1);
                    last[which] = stamp(till, &code, random.below(3) as u32 + 1).event;
                }
                5 => {
                    if let Some(event) = last[which].take() {
                        till.undo(event, &Circumstances::default()).unwrap();
                    }
                }
                6..=9 => {
                    let faults =
                        [Fault::None, Fault::None, Fault::Unreachable, Fault::AnswerLost, Fault::Rubbish];
                    wire.script = (0..6).map(|_| faults[random.below(5) as usize].clone()).collect();
                    server.lock().unwrap().page_max = random.below(4) as usize + 1;
                    // Whether it goes through is the network's affair.
                    let _ = sync(till, wire);
                    wire.script.clear();
                }
                10 => backup = server.lock().unwrap().clone(),
                _ => {
                    let older = std::mem::replace(&mut backup, server.lock().unwrap().clone());
                    server.lock().unwrap().restore(older);
                    backup = server.lock().unwrap().clone();
                }
            }
            for till in [&one, &two] {
                for number in 1..=3 {
                    let member = till.who(&printed(number)).unwrap().member();
                    let (shown, own) = (state(till, member), folded(&[till], member));
                    assert!(
                        shown.events >= own.events,
                        "seed {seed}, step {step}: an own event is not shown"
                    );
                }
            }
        }
        for _ in 0..2 {
            sync(&mut one, &mut wire_one).unwrap();
            sync(&mut two, &mut wire_two).unwrap();
        }
        sync(&mut one, &mut wire_one).unwrap();
        for number in 1..=3 {
            let member = one.who(&printed(number)).unwrap().member();
            let all = folded(&[&one, &two], member);
            assert_eq!(state(&one, member), all, "seed {seed}");
            assert_eq!(state(&two, member), all, "seed {seed}");
            assert_eq!(server.lock().unwrap().member_state(member), all, "seed {seed}");
        }
        assert!(server.lock().unwrap().quarantined.is_empty(), "seed {seed}: nobody was cloned");
    }
}

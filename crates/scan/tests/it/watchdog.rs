//! The watchdog as a table of what happens and what it makes of it: no threads, no waiting.

use std::time::Duration;

use stempel_scan::reader::watchdog::{Action, Condition, FrameFacts, WatchPolicy, Watchdog};
use stempel_scan::source::SourceError;

const POLICY: WatchPolicy = WatchPolicy {
    stalled_after: Duration::from_millis(2_000),
    abandoned_after: Duration::from_millis(5_000),
    opening_max: Duration::from_millis(10_000),
    frozen_after: Duration::from_millis(10_000),
    black_after: Duration::from_millis(3_000),
    retry_first: Duration::from_millis(500),
    retry_max: Duration::from_millis(4_000),
};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn picture(fingerprint: u64) -> FrameFacts {
    FrameFacts { fingerprint, black: false, live: true }
}

/// A watchdog that was told to open at zero.
fn opened() -> Watchdog {
    let mut dog = Watchdog::new(POLICY, ms(0));
    assert_eq!(dog.tick(ms(0)), Some(Action::Open));
    dog
}

/// Gives a frame every 100 ms and ticks between; tells when it acted.
fn play(
    dog: &mut Watchdog,
    from_ms: u64,
    to_ms: u64,
    facts: impl Fn(u64) -> Option<FrameFacts>,
) -> Vec<(u64, Action)> {
    let mut actions = Vec::new();
    for now in (from_ms..to_ms).step_by(100) {
        if let Some(facts) = facts(now) {
            dog.frame(ms(now), facts);
        }
        if let Some(action) = dog.tick(ms(now)) {
            actions.push((now, action));
        }
    }
    actions
}

#[test]
fn frames_that_come_are_running_and_nothing_is_done() {
    let mut dog = opened();
    assert!(play(&mut dog, 100, 60_000, |now| Some(picture(now))).is_empty());
    assert_eq!(dog.state().condition, Condition::Running);
    assert_eq!(dog.state().since, ms(100));
}

#[test]
fn a_stall_is_told_then_given_up_then_opened_again() {
    let mut dog = opened();
    play(&mut dog, 100, 1_000, |now| Some(picture(now)));
    assert!(play(&mut dog, 1_000, 3_000, |_| None).is_empty());
    assert_eq!(dog.state().condition, Condition::Stalled);
    let actions = play(&mut dog, 3_000, 7_000, |_| None);
    assert_eq!(actions, [(5_900, Action::Abandon), (6_400, Action::Open)]);
    dog.frame(ms(7_000), picture(1));
    assert_eq!(dog.state().condition, Condition::Running);
    assert_eq!(dog.state().attempts, 0);
}

#[test]
fn a_short_stall_heals_by_itself() {
    let mut dog = opened();
    play(&mut dog, 100, 1_000, |now| Some(picture(now)));
    play(&mut dog, 1_000, 4_000, |_| None);
    assert_eq!(dog.state().condition, Condition::Stalled);
    assert!(play(&mut dog, 4_000, 5_000, |now| Some(picture(now))).is_empty());
    assert_eq!(dog.state().condition, Condition::Running);
}

#[test]
fn an_opening_that_does_not_come_back_is_given_up() {
    let mut dog = opened();
    assert_eq!(play(&mut dog, 100, 10_600, |_| None), [(10_000, Action::Abandon), (10_500, Action::Open)]);
    assert_eq!(dog.state().condition, Condition::Stalled);
}

#[test]
fn errors_have_conditions_words_and_growing_waits() {
    let device = || "Counter".to_owned();
    let table = [
        (SourceError::Busy { device: device() }, Condition::Busy, "another program"),
        (SourceError::Unplugged { device: device() }, Condition::Unplugged, "plug it in again"),
        (SourceError::Missing { wanted: device() }, Condition::Unplugged, "plug it in"),
        (SourceError::Denied { device: device() }, Condition::Failed, "group video"),
        (SourceError::Camera { device: device(), reason: "EIO".into() }, Condition::Failed, "EIO"),
    ];
    for (error, condition, words) in table {
        let mut dog = opened();
        let mut now = 100;
        let mut waits = Vec::new();
        for _ in 0..6 {
            dog.failed(ms(now), &error);
            assert_eq!(dog.state().condition, condition);
            assert!(dog.state().detail.as_deref().unwrap().contains(words), "{:?}", dog.state());
            let retry_at = dog.state().retry_at.unwrap();
            waits.push((retry_at - ms(now)).as_millis());
            assert_eq!(dog.tick(retry_at - ms(1)), None);
            assert_eq!(dog.tick(retry_at), Some(Action::Open));
            assert_eq!(
                dog.state().condition,
                condition,
                "the reason stays on the screen while it is tried again"
            );
            now = retry_at.as_millis() as u64 + 10;
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 4_000, 4_000], "{error}");
        dog.frame(ms(now), picture(1));
        dog.failed(ms(now + 100), &error);
        assert_eq!(dog.state().retry_at, Some(ms(now + 600)), "a frame makes the waits short again");
    }
}

#[test]
fn a_camera_that_repeats_one_picture_is_frozen_and_opened_ever_more_rarely() {
    let mut dog = opened();
    let actions = play(&mut dog, 100, 120_000, |_| Some(picture(7)));
    let abandoned: Vec<u64> =
        actions.iter().filter(|(_, action)| *action == Action::Abandon).map(|(at, _)| *at).collect();
    assert_eq!(abandoned.first(), Some(&10_100));
    assert!((2..=5).contains(&abandoned.len()), "{abandoned:?}");
    assert!(abandoned.windows(2).map(|pair| pair[1] - pair[0]).is_sorted(), "{abandoned:?}");
    let mut healed = opened();
    play(&mut healed, 100, 12_000, |_| Some(picture(7)));
    assert!(
        play(&mut healed, 12_000, 60_000, |now| Some(picture(now))).iter().all(|(_, a)| *a == Action::Open)
    );
    assert_eq!(healed.state().condition, Condition::Running);
}

#[test]
fn a_file_that_repeats_one_picture_is_not_frozen() {
    let mut dog = opened();
    let still = FrameFacts { live: false, ..picture(7) };
    assert!(play(&mut dog, 100, 60_000, |_| Some(still)).is_empty());
    assert_eq!(dog.state().condition, Condition::Running);
}

#[test]
fn a_covered_lens_is_black_and_stays_open() {
    let mut dog = opened();
    let covered = FrameFacts { fingerprint: 3, black: true, live: true };
    assert!(play(&mut dog, 100, 60_000, |_| Some(covered)).is_empty());
    assert_eq!(dog.state().condition, Condition::Black);
    assert!(dog.state().detail.as_deref().unwrap().contains("lens"));
    dog.frame(ms(60_000), picture(9));
    assert_eq!(dog.state().condition, Condition::Running);
}

#[test]
fn a_film_that_ended_and_a_scanner_that_stopped_stay_so() {
    let mut dog = opened();
    dog.frame(ms(100), picture(1));
    dog.failed(ms(200), &SourceError::Ended);
    assert!(play(&mut dog, 300, 60_000, |_| None).is_empty());
    assert_eq!(dog.state().condition, Condition::Ended);
    let mut dog = opened();
    dog.stopped(ms(100));
    assert!(play(&mut dog, 300, 60_000, |now| Some(picture(now))).is_empty());
    assert_eq!(dog.state().condition, Condition::Stopped);
}

//! Reads a card once while it is held up, and again when it comes back.
//!
//! A camera sees the same code thirty times a second. A [`Deduper`] lets a text through when it comes into view, and
//! again only when two things hold: a moment has passed since it was read, and it has been out of view for a while.
//! A card left lying under the camera is therefore read once. Time out of view counts only while frames come, so a
//! camera that stalls does not let the same card through a second time.

/// When the same text counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DedupePolicy {
    /// A text is not let through again within this time after it was read.
    pub quiet_ms: u64,
    /// A text has left the view after so much time of frames without it.
    pub gone_ms: u64,
}

impl Default for DedupePolicy {
    fn default() -> Self {
        Self { quiet_ms: 2_500, gone_ms: 1_000 }
    }
}

/// The most time that one pause between two frames adds to a text's time out of view.
const FRAME_GAP_MS_MAX: u64 = 250;
/// The most texts that are remembered; the one out of view the longest is forgotten first.
const TEXTS_MAX: usize = 32;

#[derive(Debug)]
struct Seen {
    text: String,
    read_at_ms: u64,
    absent_ms: u64,
}

/// Remembers which texts are in view.
#[derive(Debug, Default)]
pub struct Deduper {
    policy: DedupePolicy,
    seen: Vec<Seen>,
    last_frame_ms: Option<u64>,
}

impl Deduper {
    /// Makes a deduper that has seen nothing.
    pub fn new(policy: DedupePolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Takes the texts of one frame, also when there are none, and gives for each whether it is to be acted on.
    pub fn frame(&mut self, texts: &[&str], at_ms: u64) -> Vec<bool> {
        let gap_ms = at_ms.saturating_sub(self.last_frame_ms.unwrap_or(at_ms)).min(FRAME_GAP_MS_MAX);
        self.last_frame_ms = Some(at_ms);
        for seen in &mut self.seen {
            if !texts.contains(&seen.text.as_str()) {
                seen.absent_ms = seen.absent_ms.saturating_add(gap_ms);
            }
        }
        let fresh = texts.iter().map(|text| self.is_fresh(text, at_ms)).collect();
        self.forget_the_gone(at_ms);
        fresh
    }

    /// Lets a text through at its next sight, as after a failed booking that the guest wants to try again.
    pub fn rearm(&mut self, text: &str) {
        self.seen.retain(|seen| seen.text != text);
    }

    fn is_fresh(&mut self, text: &str, at_ms: u64) -> bool {
        let policy = self.policy;
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.text == text) {
            let fresh = is_over(seen, policy, at_ms);
            if fresh {
                seen.read_at_ms = at_ms;
            }
            seen.absent_ms = 0;
            return fresh;
        }
        if self.seen.len() >= TEXTS_MAX {
            let oldest =
                self.seen.iter().enumerate().max_by_key(|(_, seen)| seen.absent_ms).map(|(at, _)| at);
            if let Some(oldest) = oldest {
                self.seen.swap_remove(oldest);
            }
        }
        self.seen.push(Seen { text: text.to_owned(), read_at_ms: at_ms, absent_ms: 0 });
        true
    }

    fn forget_the_gone(&mut self, at_ms: u64) {
        let policy = self.policy;
        self.seen.retain(|seen| !is_over(seen, policy, at_ms));
    }
}

fn is_over(seen: &Seen, policy: DedupePolicy, at_ms: u64) -> bool {
    // A text is over only after at least one frame without it, whatever the policy's numbers.
    seen.absent_ms > 0
        && seen.absent_ms >= policy.gone_ms
        && at_ms.saturating_sub(seen.read_at_ms) >= policy.quiet_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: DedupePolicy = DedupePolicy { quiet_ms: 2_000, gone_ms: 500 };

    /// Plays frames every 50 ms and gives the moments at which the text was let through.
    fn play(deduper: &mut Deduper, from_ms: u64, to_ms: u64, in_view: impl Fn(u64) -> bool) -> Vec<u64> {
        (from_ms..to_ms)
            .step_by(50)
            .filter(|&at| {
                let texts: &[&str] = if in_view(at) { &["CARD"] } else { &[] };
                deduper.frame(texts, at) == [true]
            })
            .collect()
    }

    #[test]
    fn a_card_held_up_for_a_minute_is_read_once() {
        assert_eq!(play(&mut Deduper::new(POLICY), 0, 60_000, |_| true), [0]);
    }

    #[test]
    fn a_card_that_left_and_came_back_is_read_again() {
        let reads = play(&mut Deduper::new(POLICY), 0, 10_000, |at| !(3_000..4_000).contains(&at));
        assert_eq!(reads, [0, 4_000]);
    }

    #[test]
    fn a_short_loss_of_sight_is_not_leaving() {
        let reads = play(&mut Deduper::new(POLICY), 0, 10_000, |at| at % 500 != 0 || at == 0);
        assert_eq!(reads, [0]);
    }

    #[test]
    fn a_card_that_came_back_too_soon_waits_until_it_leaves_once_more() {
        let reads = play(&mut Deduper::new(POLICY), 0, 10_000, |at| {
            !(500..1_500).contains(&at) && !(5_000..6_000).contains(&at)
        });
        assert_eq!(reads, [0, 6_000]);
    }

    #[test]
    fn a_stalled_camera_does_not_count_as_leaving() {
        let mut deduper = Deduper::new(POLICY);
        assert_eq!(deduper.frame(&["CARD"], 0), [true]);
        assert_eq!(deduper.frame(&[], 50), [false; 0]);
        assert_eq!(deduper.frame(&["CARD"], 30_000), [false]);
    }

    #[test]
    fn two_cards_do_not_disturb_each_other() {
        let mut deduper = Deduper::new(POLICY);
        assert_eq!(deduper.frame(&["ONE"], 0), [true]);
        assert_eq!(deduper.frame(&["ONE", "TWO"], 50), [false, true]);
        assert_eq!(deduper.frame(&["TWO", "ONE"], 100), [false, false]);
    }

    #[test]
    fn a_rearmed_text_counts_at_once() {
        let mut deduper = Deduper::new(POLICY);
        deduper.frame(&["CARD"], 0);
        deduper.rearm("CARD");
        assert_eq!(deduper.frame(&["CARD"], 50), [true]);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut deduper = Deduper::new(POLICY);
        for at in 0..1_000_u64 {
            deduper.frame(&[format!("{at}").as_str()], at);
        }
        assert!(deduper.seen.len() <= TEXTS_MAX);
    }
}

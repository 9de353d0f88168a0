//! What to send and what to ask next.
//!
//! One exchange: look at the feed (this tells the server's epoch and how much of our journal it holds), send
//! what it does not hold, follow the feed to its end, fill up the pool of blank cards. The planner holds
//! numbers only; rows and states stay where they are.

use stempel_domain::AuthorId;
use stempel_wire::message::{BLANKS_POOL, FEED_CHANGES_MAX, FeedPage, PUSH_ROWS_MAX, PushAnswer};

/// Rows of one push.
const PUSH_ROWS: usize = PUSH_ROWS_MAX / 2;
/// Bytes of rows of one push.
const PUSH_BYTES: usize = 1024 * 1024;
/// Below this many blank cards the pool is filled up.
const BLANKS_LOW: usize = BLANKS_POOL / 2;
/// Steps of one exchange. An exchange that long goes on in the next one.
const STEPS_MAX: u32 = 100_000;
/// Pushes in a row that the server may answer without holding more than before.
const IDLE_PUSHES_MAX: u32 = 3;
/// How often in one exchange the server may say, in the same history, that it holds less than it had said.
const TAKEN_BACK_MAX: u32 = 3;

/// How far device and server have come: what an exchange begins with, and ends with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The server's history that the cursor belongs to; empty before the first contact.
    pub epoch: String,
    /// The last position of the feed that is applied.
    pub cursor: u64,
    /// The own journal up to which the server holds every row.
    pub held: u64,
    /// The last row of the own journal.
    pub head: u64,
    /// Blank cards left.
    pub blanks: usize,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for the feed after a position.
    Feed {
        /// The cursor.
        after: u64,
        /// At most so many changes.
        limit: usize,
    },
    /// Send own rows after a number.
    Push {
        /// The number.
        after: u64,
        /// At most so many rows.
        rows_max: usize,
        /// At most so many bytes of rows.
        bytes_max: usize,
    },
    /// Ask for blank cards.
    Blanks,
    /// Device and server agree.
    Done,
    /// The server answers but nothing moves.
    Stuck,
    /// The server holds more of this device's journal than the device itself: an older copy was put in its place.
    OlderCopy,
    /// The server tells this device nothing any more, and what it had to send was offered.
    SignedOut,
}

/// What a page of the feed means for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageVerdict {
    /// Apply its changes and move the cursor to `next`, in one transaction.
    Apply,
    /// The server has another history: lay aside what it had said, set the cursor to 0 and this epoch. The page
    /// itself is not to be applied. The journal and the outbox stay.
    Snapshot {
        /// The new epoch.
        epoch: String,
        /// The position up to which the picture is incomplete.
        until: u64,
    },
}

/// Plans one exchange.
#[derive(Debug, Clone)]
pub struct Planner {
    own: AuthorId,
    progress: Progress,
    looked: bool,
    /// The feed is followed to the end at least once after the last push.
    followed: bool,
    quarantined: bool,
    older_copy: bool,
    signed_out: bool,
    blanks_asked: bool,
    steps: u32,
    idle_pushes: u32,
    taken_back: u32,
}

impl Planner {
    /// Begins an exchange.
    pub fn new(own: AuthorId, progress: Progress) -> Self {
        Self {
            own,
            progress,
            looked: false,
            followed: false,
            quarantined: false,
            older_copy: false,
            signed_out: false,
            blanks_asked: false,
            steps: 0,
            idle_pushes: 0,
            taken_back: 0,
        }
    }

    /// How far both have come by now.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether the own journal was put aside until a person decides.
    pub fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    /// What to do next.
    pub fn next_step(&mut self) -> Step {
        self.steps += 1;
        let contradicts_itself = self.taken_back > TAKEN_BACK_MAX;
        if self.steps > STEPS_MAX || self.idle_pushes > IDLE_PUSHES_MAX || contradicts_itself {
            return Step::Stuck;
        }
        let feed = Step::Feed { after: self.progress.cursor, limit: FEED_CHANGES_MAX };
        if !self.looked {
            return feed;
        }
        if self.signed_out && (self.quarantined || self.progress.held >= self.progress.head) {
            return Step::SignedOut;
        }
        let may_push = !self.quarantined && !self.older_copy;
        if may_push && self.progress.held < self.progress.head {
            return Step::Push { after: self.progress.held, rows_max: PUSH_ROWS, bytes_max: PUSH_BYTES };
        }
        if !self.followed {
            return feed;
        }
        if self.older_copy {
            return Step::OlderCopy;
        }
        if self.progress.blanks < BLANKS_LOW && !self.blanks_asked {
            return Step::Blanks;
        }
        Step::Done
    }

    /// A page of the feed has come. `same_row` says whether the last row that the server holds of our journal is
    /// the one that stands here under its number.
    pub fn page(&mut self, page: &FeedPage, same_row: bool) -> PageVerdict {
        self.looked = true;
        // The server's word on what it holds counts, upwards and downwards. But where its row is not ours, our
        // own is offered, so that the server sees both and a person can decide.
        self.older_copy = page.held > self.progress.head;
        let held = if same_row { page.held } else { page.held.saturating_sub(1) };
        let held = held.min(self.progress.head);
        self.taken_back += u32::from(held < self.progress.held && page.epoch == self.progress.epoch);
        self.progress.held = held;
        if page.epoch != self.progress.epoch {
            self.new_epoch(&page.epoch);
            return PageVerdict::Snapshot { epoch: page.epoch.clone(), until: page.head };
        }
        self.progress.cursor = page.next.max(self.progress.cursor);
        self.followed = self.progress.cursor >= page.head;
        PageVerdict::Apply
    }

    /// The server has turned a question for the feed away: this device was signed out. What was not sent is a fact
    /// all the same and is offered; a person there decides whether it counts.
    pub fn signed_out(&mut self) {
        self.signed_out = true;
        self.looked = true;
    }

    /// The answer to a push has come. Returns false if the server has another history by now: then nothing of
    /// the answer counts.
    pub fn pushed(&mut self, answer: &PushAnswer) -> bool {
        // To a device that was signed out the feed never says which history is the server's; what it holds counts.
        if !self.signed_out && answer.epoch != self.progress.epoch {
            self.looked = false;
            self.followed = false;
            return false;
        }
        self.followed = false;
        let mut aside = answer.quarantined.iter().chain(&answer.refused);
        if aside.any(|trouble| trouble.author == self.own) {
            // What the server holds under these numbers is not ours, or it does not take ours: they still wait.
            self.quarantined = true;
            return true;
        }
        let held = answer.held.get(&self.own).copied().unwrap_or(0).min(self.progress.head);
        self.idle_pushes = if held > self.progress.held { 0 } else { self.idle_pushes + 1 };
        self.progress.held = held;
        true
    }

    /// Blank cards have come.
    pub fn blanks(&mut self, left: usize) {
        self.blanks_asked = true;
        self.progress.blanks = left;
    }

    fn new_epoch(&mut self, epoch: &str) {
        self.progress.epoch = epoch.to_owned();
        self.progress.cursor = 0;
        self.followed = false;
        self.idle_pushes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: AuthorId = AuthorId([1; 16]);

    fn progress() -> Progress {
        Progress { epoch: "a".into(), cursor: 5, held: 3, head: 3, blanks: BLANKS_POOL }
    }

    fn page(epoch: &str, next: u64, head: u64, held: u64) -> FeedPage {
        FeedPage { epoch: epoch.into(), changes: Vec::new(), next, head, held, held_hash: String::new() }
    }

    fn answer(epoch: &str, held: u64) -> PushAnswer {
        PushAnswer { epoch: epoch.into(), held: [(OWN, held)].into(), ..PushAnswer::default() }
    }

    #[test]
    fn nothing_to_do_is_one_question() {
        let mut planner = Planner::new(OWN, progress());
        assert_eq!(planner.next_step(), Step::Feed { after: 5, limit: FEED_CHANGES_MAX });
        assert_eq!(planner.page(&page("a", 5, 5, 3), true), PageVerdict::Apply);
        assert_eq!(planner.next_step(), Step::Done);
    }

    #[test]
    fn pending_rows_are_sent_and_the_feed_followed_behind_them() {
        let mut planner = Planner::new(OWN, Progress { head: 9, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        assert!(matches!(planner.next_step(), Step::Push { after: 3, .. }));
        assert!(planner.pushed(&answer("a", 7)));
        assert!(matches!(planner.next_step(), Step::Push { after: 7, .. }));
        assert!(planner.pushed(&answer("a", 9)));
        assert!(matches!(planner.next_step(), Step::Feed { after: 5, .. }));
        planner.page(&page("a", 8, 8, 9), true);
        assert_eq!(planner.next_step(), Step::Done);
        assert_eq!(planner.progress().held, 9);
    }

    #[test]
    fn a_restored_server_is_brought_up_to_date_again() {
        let mut planner = Planner::new(OWN, progress());
        planner.next_step();
        let verdict = planner.page(&page("b", 2, 2, 1), true);
        assert_eq!(verdict, PageVerdict::Snapshot { epoch: "b".into(), until: 2 });
        assert!(matches!(planner.next_step(), Step::Push { after: 1, .. }));
        assert!(planner.pushed(&answer("b", 3)));
        assert_eq!(planner.next_step(), Step::Feed { after: 0, limit: FEED_CHANGES_MAX });
    }

    #[test]
    fn a_restore_in_the_middle_of_a_push_begins_anew() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        assert!(matches!(planner.next_step(), Step::Push { .. }));
        assert!(!planner.pushed(&answer("b", 4)));
        assert!(matches!(planner.next_step(), Step::Feed { .. }));
        assert!(matches!(planner.page(&page("b", 0, 0, 0), true), PageVerdict::Snapshot { .. }));
        assert!(matches!(planner.next_step(), Step::Push { after: 0, .. }));
    }

    #[test]
    fn a_server_that_takes_nothing_is_noticed() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        for _ in 0..=IDLE_PUSHES_MAX {
            assert!(matches!(planner.next_step(), Step::Push { after: 3, .. }));
            planner.pushed(&answer("a", 3));
        }
        assert_eq!(planner.next_step(), Step::Stuck);
    }

    #[test]
    fn a_server_that_says_it_holds_rows_and_then_does_not_is_noticed() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        for _ in 0..=TAKEN_BACK_MAX {
            assert!(matches!(planner.next_step(), Step::Feed { .. }));
            planner.page(&page("a", 5, 5, 3), true);
            assert!(matches!(planner.next_step(), Step::Push { after: 3, .. }));
            planner.pushed(&answer("a", 4));
        }
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        assert_eq!(planner.next_step(), Step::Stuck);
    }

    #[test]
    fn a_quarantined_journal_is_not_pushed_but_the_feed_goes_on() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        planner.next_step();
        let mut put_aside = answer("a", 3);
        let trouble = stempel_wire::message::RowTrouble { author: OWN, seq: 4, reason: "other row".into() };
        put_aside.quarantined.push(trouble);
        planner.pushed(&put_aside);
        assert!(matches!(planner.next_step(), Step::Feed { .. }));
        planner.page(&page("a", 6, 6, 3), true);
        assert_eq!(planner.next_step(), Step::Done);
    }

    #[test]
    fn a_clone_offers_its_own_row_so_that_the_server_sees_both() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 4), false);
        assert!(matches!(planner.next_step(), Step::Push { after: 3, .. }));
        let mut put_aside = answer("a", 4);
        let trouble = stempel_wire::message::RowTrouble { author: OWN, seq: 4, reason: "other row".into() };
        put_aside.quarantined.push(trouble);
        planner.pushed(&put_aside);
        assert_eq!(planner.progress().held, 3, "the clone's own row is not with the server");
        planner.next_step();
        planner.page(&page("a", 5, 5, 4), false);
        assert_eq!(planner.next_step(), Step::Done);
        assert_eq!(planner.progress().held, 3);
    }

    #[test]
    fn an_older_copy_sends_nothing_and_says_so() {
        let mut planner = Planner::new(OWN, progress());
        planner.next_step();
        planner.page(&page("a", 5, 5, 7), false);
        assert_eq!(planner.next_step(), Step::OlderCopy);
    }

    #[test]
    fn a_device_that_was_signed_out_offers_what_it_has_not_sent() {
        let mut planner = Planner::new(OWN, Progress { head: 9, ..progress() });
        planner.next_step();
        planner.signed_out();
        assert!(matches!(planner.next_step(), Step::Push { after: 3, .. }));
        assert!(planner.pushed(&answer("restored since", 2)), "it learns of no other history");
        assert!(matches!(planner.next_step(), Step::Push { after: 2, .. }));
        assert!(planner.pushed(&answer("restored since", 9)));
        assert_eq!(planner.next_step(), Step::SignedOut);
        assert_eq!(planner.progress().held, 9);
    }

    #[test]
    fn a_device_that_is_signed_out_between_two_questions_ends_there() {
        let mut planner = Planner::new(OWN, Progress { head: 4, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        planner.next_step();
        planner.pushed(&answer("a", 4));
        assert!(matches!(planner.next_step(), Step::Feed { .. }));
        planner.signed_out();
        assert_eq!(planner.next_step(), Step::SignedOut);
    }

    #[test]
    fn an_empty_pool_is_filled_once() {
        let mut planner = Planner::new(OWN, Progress { blanks: 0, ..progress() });
        planner.next_step();
        planner.page(&page("a", 5, 5, 3), true);
        assert_eq!(planner.next_step(), Step::Blanks);
        planner.blanks(0);
        assert_eq!(planner.next_step(), Step::Done);
    }
}

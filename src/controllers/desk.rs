//! What the screens ask of the rest of the program, as plain data.

use std::fmt;
use std::sync::Arc;

use super::device::{Looked, Owner, Placement, PlugTest, Question};
use super::model::{LastGuest, LastSale};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub String);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A member, as the desk names it.
    MemberId
);
id!(
    /// An event of the journal; what an undo names.
    EventId
);
id!(
    /// A reward of a programme.
    RewardId
);
id!(
    /// A stamp-card programme: which of a guest's cards.
    ProgrammeId
);
id!(
    /// Somebody who works here.
    ColleagueId
);
id!(
    /// A pool of what guests gave away.
    PoolId
);
id!(
    /// An article of the catalogue.
    Sku
);
id!(
    /// A line of the basket.
    LineId
);
id!(
    /// A card of the sample shop.
    SampleId
);

/// What stands between an article and what is added to it.
const PLUS: char = '+';

impl Sku {
    /// The article with additions, by their codes.
    pub fn with<'a>(&self, additions: impl Iterator<Item = &'a str>) -> Self {
        let mut text = self.0.clone();
        for code in additions {
            text.push(PLUS);
            text.push_str(code);
        }
        Self(text)
    }

    /// The article without additions.
    pub fn plain(&self) -> &str {
        self.0.split(PLUS).next().unwrap_or_default()
    }
}

/// An instant with the shop's offset, handed in by whoever owns the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    /// Milliseconds since 1970 in UTC.
    pub unix_ms: i64,
    /// The shop's offset from UTC, in minutes.
    pub offset_minutes: i32,
}

impl Moment {
    /// Says how many whole seconds have gone by since `earlier`; 0 when it lies ahead.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        ((self.unix_ms - earlier.unix_ms) / 1000).max(0)
    }
}

/// Minor units of the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(pub i64);

/// A guest with the card, as far as this terminal knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guest {
    /// Who it is.
    pub member: MemberId,
    /// The first name; empty for a card without a name.
    pub name: String,
    /// The name of the tier; empty without one.
    pub tier: String,
    /// It is the week of the birthday.
    pub birthday: bool,
    /// This card has never been seen here.
    pub is_new: bool,
    /// The stamp card in use.
    pub card: CardState,
    /// All stamp cards that run for this guest, the one in use among them.
    pub cards: Vec<CardState>,
    /// What ends soon, a sentence each.
    pub ending: Vec<String>,
    /// How far challenges and tickets of a draw are, a sentence each.
    pub progress: Vec<String>,
    /// The balance of points, where the programme has points.
    pub points: Option<i64>,
    /// What the guest usually takes.
    pub usual: Option<Usual>,
    /// What can be taken now.
    pub rewards: Vec<Reward>,
}

impl Guest {
    /// Turns to another of the guest's cards; one that the guest does not have changes nothing.
    pub fn turn_to(&mut self, programme: &ProgrammeId) {
        if let Some(card) = self.cards.iter().find(|card| card.programme == *programme) {
            self.card = card.clone();
        }
    }
}

/// A stamp card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardState {
    /// Whose stamps it counts.
    pub programme: ProgrammeId,
    /// The name of the programme.
    pub title: String,
    /// Stamps on the card.
    pub stamps: u32,
    /// Places on the card.
    pub slots: u32,
    /// What a full card gives.
    pub reward: String,
    /// Full cards that wait beside this one.
    pub full: u32,
}

impl CardState {
    /// Every stamp that the guest has, those on full cards among them.
    pub fn all_stamps(&self) -> u32 {
        self.full.saturating_mul(self.slots).saturating_add(self.stamps)
    }
}

/// What a guest usually takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usual {
    /// The article.
    pub sku: Sku,
    /// Its name.
    pub name: String,
}

/// A reward that can be taken now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reward {
    /// The reward.
    pub id: RewardId,
    /// Its name.
    pub name: String,
    /// How many are waiting.
    pub waiting: u32,
    /// It may be one of those just stamped, whose stamp is taken back.
    pub of_these: bool,
    /// It is given away, to whoever needs it.
    pub gift: bool,
}

/// How a reward is taken at the stamp-card screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// One of the coffees just stamped is the free one: its stamp is taken back.
    OfThese,
    /// One more, free.
    Extra,
}

/// How a stamp comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stamping {
    /// By the scan alone; the programme's pause counts.
    Scan,
    /// By a hand at the counter, which knows what was sold.
    Hand,
}

/// What a stamp or a reward led to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamped {
    /// The event that an undo names.
    pub event: EventId,
    /// The guest afterwards.
    pub guest: Guest,
    /// Stamps given by this event.
    pub given: u32,
    /// The reward taken by this event; empty for none.
    pub reward: String,
    /// Why this much.
    pub reasons: Vec<Why>,
    /// The server was asked before, and did not answer: the programme allowed it.
    pub unheard: bool,
}

/// A guest who got a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Joined {
    /// Who.
    pub guest: Guest,
    /// What stands in the card's code.
    pub code: String,
}

/// A reason for what was earned, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// The kind of rule that spoke.
    pub kind: WhyKind,
    /// Something was given.
    pub given: bool,
    /// The article, the programme, or for [`WhyKind::Other`] and [`WhyKind::News`] the whole sentence.
    pub what: String,
    /// The amount, time or number that the rule names.
    pub limit: Limit,
    /// Units given, of whatever kind.
    pub units: i64,
}

/// The kinds of reasons that the screens have words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhyKind {
    /// So many for each article.
    PerItem,
    /// So many for an amount of money.
    PerMoney,
    /// So many for the whole sale.
    PerOrder,
    /// A campaign gave more.
    Bonus,
    /// The pause between two scans is not over.
    Pause,
    /// The most for one day is reached.
    DayCap,
    /// The article takes no part.
    Excluded,
    /// The sale is too small.
    BelowMinimum,
    /// The programme has not begun.
    NotStarted,
    /// The programme is over.
    Ended,
    /// There is no card.
    NoMember,
    /// A gift for the first time.
    Welcome,
    /// A sentence about what does not come with every visit: a challenge that is reached, a birthday, a friend.
    News,
    /// A sentence of the programme.
    #[default]
    Other,
}

/// What a reason names beside its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Limit {
    /// Nothing.
    #[default]
    None,
    /// An amount of money.
    Money(Money),
    /// A time.
    At(Moment),
    /// A number.
    Count(u32),
}

/// Why the desk says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The text is not a card.
    UnknownCode,
    /// The number of a package that no article of the catalogue has.
    UnknownArticle {
        /// The number.
        number: String,
    },
    /// A genuine card of another programme owner.
    ForeignCode,
    /// A card whose signature does not fit.
    ForgedCode,
    /// A card reported lost or replaced.
    BlockedCard,
    /// No code was found in the picture.
    NoCode,
    /// The same card within the programme's pause.
    AlreadyCounted {
        /// When it counted.
        at: Moment,
        /// The guest as it is.
        guest: Box<Guest>,
    },
    /// The most for one day is reached.
    DayIsFull {
        /// The guest as it is.
        guest: Box<Guest>,
    },
    /// No rule gave a stamp.
    NothingGiven {
        /// The guest as it is.
        guest: Box<Guest>,
        /// Why not.
        reasons: Vec<Why>,
    },
    /// The reward cannot be given now.
    RewardRefused {
        /// A plain sentence.
        why: String,
    },
    /// The server is being asked first: nothing was done yet, and the same is to be wanted again when
    /// [`Desk::asking`] says that it has answered.
    AskingServer,
    /// What was shown proves no purchase that counts.
    ProofRefused {
        /// A plain sentence.
        why: String,
    },
    /// A slip or a receipt came before the card that it is for.
    CardFirst,
    /// A wrong PIN.
    WrongPin,
    /// Too many wrong PINs.
    PinWait {
        /// How long to wait, in seconds.
        seconds: i64,
    },
    /// Only a manager may do this.
    NeedsManager,
    /// It goes beyond a limit that guards against helping oneself.
    SecondPerson {
        /// Beyond which, as plain sentences.
        why: String,
    },
    /// The undo came too late, or there is nothing to take back.
    TooLate,
    /// The machine failed; nothing was stored.
    Trouble {
        /// What happened, what it means, what to do: a plain sentence.
        what: String,
    },
}

/// Whether the server is being asked about what was wanted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asking {
    /// It is not.
    #[default]
    Nothing,
    /// It is.
    Waiting,
    /// It has answered.
    Answered,
}

/// Limits that something would go beyond: what a manager agrees to, for a while ([`Desk::agree`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beyond(
    /// The name of each limit, and whom it is about.
    pub Vec<(String, String)>,
);

/// A slip that is good once, for a guest whose card lies at home.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slip {
    /// What stands in its code.
    pub code: String,
    /// How many stamps it is good for.
    pub stamps: u32,
    /// Its last day, as people write it.
    pub last: String,
    /// Whether it comes out on paper as well.
    pub paper: Paper,
}

/// Whether something comes out on paper.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Paper {
    /// There is no printer: it is photographed off the screen.
    #[default]
    None,
    /// It is being printed.
    Printing,
    /// It was.
    Printed,
    /// It was not; the text says why.
    Failed(String),
}

/// Somebody who works here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Colleague {
    /// Who.
    pub id: ColleagueId,
    /// The name on the screen.
    pub name: String,
    /// There is a PIN.
    pub has_pin: bool,
    /// A manager.
    pub manager: bool,
}

/// What guests gave away, and waits for whoever needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gift {
    /// Which pool.
    pub pool: PoolId,
    /// What it is called.
    pub name: String,
    /// How many wait.
    pub count: u32,
}

/// How this device is, before the first guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// The clock reads earlier than the last event.
    pub clock_doubtful: bool,
    /// How far the clock is ahead of the server's, in milliseconds, if that is known.
    pub skew_ms: Option<i64>,
    /// Events that wait for the server.
    pub waiting: u32,
    /// When the server was last heard.
    pub last_sync: Option<Moment>,
    /// It works alone: nothing has to be sent.
    pub alone: bool,
    /// Blank cards left; none where cards are signed here.
    pub blanks: Option<u32>,
    /// Rows that the server keeps without effect, and programmes that cannot be run here.
    pub troubles: u32,
    /// The number of the last event written here.
    pub events: u64,
    /// How far the server's changes were followed.
    pub position: u64,
    /// Free space where the data lies, in megabytes, if the system tells.
    pub free_mb: Option<u64>,
}

/// What was done on the business day at this device, without what was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DaySums {
    /// Stamps given.
    pub stamps: u32,
    /// Rewards given.
    pub rewards: u32,
    /// Events taken back.
    pub undone: u32,
    /// Guests who joined.
    pub joined: u32,
    /// Paper cards collected.
    pub paper_cards: u32,
    /// Stamps on them.
    pub paper_stamps: u32,
    /// Slips issued.
    pub slips_issued: u32,
    /// Slips used.
    pub slips_used: u32,
    /// Gifts handed out.
    pub gifts: u32,
}

/// A card of the sample shop to click.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// The card.
    pub id: SampleId,
    /// Whose it is, or what is the matter with it.
    pub name: String,
    /// What to expect.
    pub detail: String,
}

/// What can be sold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// The tabs, in their order. The first is shown first.
    pub categories: Vec<ArticleCategory>,
    /// The articles, in their order.
    pub articles: Vec<Article>,
}

/// A tab of the till.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArticleCategory {
    /// How the articles name it.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Something to sell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Article {
    /// The article.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Money,
    /// The tabs on which it lies.
    pub categories: Vec<String>,
    /// The name of its picture; empty for none.
    pub picture: String,
    /// Its own photo, a small JPEG.
    pub photo: Option<Jpeg>,
    /// What can be added to it.
    pub additions: Vec<Addition>,
    /// Its tax depends on whether it is taken away.
    pub by_place: bool,
}

/// A small picture as a JPEG.
#[derive(Clone, PartialEq, Eq)]
pub struct Jpeg(pub Arc<[u8]>);

impl fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jpeg({} bytes)", self.0.len())
    }
}

/// Something that can be added to an article.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addition {
    /// Its short name, unique within the article.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// What it adds to the price of one.
    pub price: Money,
}

/// The basket as the desk has priced it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Basket {
    /// What is in it, discounts and rewards included.
    pub lines: Vec<BasketItem>,
    /// What is to be paid.
    pub total: Money,
    /// Whose card is in it.
    pub guest: Option<Guest>,
    /// The rewards in it.
    pub taken: Vec<RewardId>,
    /// Stamps that it will earn.
    pub stamps: u32,
    /// Points that it will earn.
    pub points: i64,
    /// Why this much, also for what is not earned.
    pub reasons: Vec<Why>,
    /// It is taken away rather than eaten in the house.
    pub away: bool,
}

/// A line of the basket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasketItem {
    /// The line.
    pub line: LineId,
    /// The article; `None` for a discount.
    pub sku: Option<Sku>,
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u32,
    /// What the line costs; below zero for a discount.
    pub amount: Money,
}

/// A sale that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paid {
    /// The event that an undo names.
    pub event: EventId,
    /// What it cost.
    pub total: Money,
    /// What goes back to the guest.
    pub change: Money,
    /// The server was asked about its rewards, and did not answer: the programme allowed them.
    pub unheard: bool,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncState {
    /// The server answers.
    Online,
    /// A transfer is running.
    Busy,
    /// The server does not answer; everything goes on.
    #[default]
    Offline,
    /// There is no server.
    Alone,
    /// Somebody has to look: rows are held or were not understood.
    Trouble,
}

/// The queue and the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncReport {
    /// The state.
    pub state: SyncState,
    /// Rows that wait for the server's answer.
    pub waiting: u32,
    /// Since when there is no connection.
    pub offline_since: Option<Moment>,
    /// The last transfer that worked.
    pub last_sync: Option<Moment>,
    /// The last error in plain words; empty for none.
    pub last_error: String,
}

/// The rest of the program, as the screens see it: it holds the rules, the journal and the basket.
///
/// When a method that stores something returns `Ok`, the event survives a pulled plug.
pub trait Desk {
    /// Says whose card a scanned text is. It stores nothing.
    ///
    /// # Errors
    /// An unknown, foreign, forged or blocked code.
    fn scan(&mut self, text: &str, now: Moment) -> Result<Guest, Refusal>;

    /// Gives stamps on a card; on the first one that runs when none is named.
    ///
    /// # Errors
    /// The pause or a cap of the programme, or the machine.
    fn stamp(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        count: u32,
        how: Stamping,
        now: Moment,
    ) -> Result<Stamped, Refusal>;

    /// Gives a stamp for a proof of purchase that was scanned at the kiosk.
    ///
    /// # Errors
    /// A proof that is unknown, used or too old.
    fn stamp_for_proof(&mut self, member: &MemberId, proof: &str, now: Moment) -> Result<Stamped, Refusal>;

    /// Whether the receipts of some till count here; where none do, a slip alone proves a purchase.
    fn takes_receipts(&self) -> bool {
        true
    }

    /// Whether a text is a slip or a receipt by its looks; whether it is good is not said.
    fn is_proof(&self, text: &str) -> bool;

    /// Issues a slip for a guest whose card lies at home.
    ///
    /// # Errors
    /// The number is none, or the machine failed.
    fn issue_slip(&mut self, stamps: u32, now: Moment) -> Result<Slip, Refusal>;

    /// Takes over a paper card with so many stamps; above the day's limit with a manager's PIN.
    ///
    /// # Errors
    /// Paper cards are not taken, the limit without a PIN, or the machine.
    fn take_paper(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        stamps: u32,
        manager: Option<&str>,
        now: Moment,
    ) -> Result<Stamped, Refusal>;

    /// What the last refusal was beyond, if a second person can agree to it; said once.
    fn beyond(&mut self) -> Option<Beyond>;

    /// A manager agrees that something goes on beyond limits; for a while, it may be asked for again.
    ///
    /// # Errors
    /// No manager's PIN, or that of the one whom it is about.
    fn agree(&mut self, beyond: &Beyond, pin: &str) -> Result<(), Refusal>;

    /// Lists who works here.
    fn colleagues(&self) -> Vec<Colleague>;

    /// Checks somebody's PIN; without a name it is a manager's.
    ///
    /// # Errors
    /// It is wrong, or was wrong too often.
    fn check_pin(&mut self, who: Option<&ColleagueId>, pin: &str) -> Result<(), Refusal>;

    /// Whether a scanned text is the card of somebody who works here.
    fn is_staff_card(&self, text: &str) -> bool;

    /// Takes a reward that a slip of staff confirms; the slip is used up with it.
    ///
    /// # Errors
    /// A slip that is not good, or what [`Desk::claim`] refuses.
    fn claim_by_slip(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        slip: &str,
        now: Moment,
    ) -> Result<Stamped, Refusal>;

    /// What guests gave away and waits.
    fn gifts(&self) -> Vec<Gift>;

    /// Hands one of them out. Who takes it shows nothing and is noted nowhere.
    ///
    /// # Errors
    /// Nothing waits, or the machine failed.
    fn release_gift(&mut self, pool: &PoolId, now: Moment) -> Result<(), Refusal>;

    /// How this device is.
    fn health(&self) -> Health;

    /// What was done today at this device.
    fn day_sums(&self, now: Moment) -> DaySums;

    /// What was given at the counter today, newest first, where the desk keeps it: the list outlives the program.
    fn last_guests(&self, _most: usize) -> Option<Vec<LastGuest>> {
        None
    }

    /// The sale before, where the desk keeps it: its change and the time to take it back outlive the program.
    fn last_sale(&self) -> Option<LastSale> {
        None
    }

    /// How a guest stands now, with what other devices gave; none where nobody else gives anything.
    fn look_again(&self, _member: &MemberId) -> Option<Guest> {
        None
    }

    /// Takes a reward.
    ///
    /// # Errors
    /// The programme's limits, or the machine.
    fn claim(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        how: Claim,
        now: Moment,
    ) -> Result<Stamped, Refusal>;

    /// Whether the server is being asked about a reward ([`Refusal::AskingServer`]).
    fn asking(&self) -> Asking;

    /// No answer is waited for any more: it counts as none, and the programme decides.
    fn wait_no_longer(&mut self);

    /// What the server was asked for is not wanted any more; what it set aside is given back.
    fn stop_asking(&mut self);

    /// Takes an event back, and says how the guest stands then; `None` for a sale without a guest.
    ///
    /// # Errors
    /// It is too late, or the machine failed.
    fn undo(&mut self, event: &EventId, now: Moment) -> Result<Option<Guest>, Refusal>;

    /// Makes the next blank card live for a guest who has none, with a first name or without.
    ///
    /// # Errors
    /// There is no blank card left, or the name is none.
    fn join(&mut self, name: Option<&str>, now: Moment) -> Result<Joined, Refusal>;

    /// Gives the card of a guest a first name; every stamp stays. The guest has read what happens to it.
    ///
    /// # Errors
    /// The name is none, or the machine failed.
    fn name_guest(&mut self, member: &MemberId, name: &str, now: Moment) -> Result<Guest, Refusal>;

    /// Looks for members whose first name fits among some of them, behind one or from the beginning: names are sealed,
    /// and the screen does not wait until all are looked through.
    fn find_named(&self, text: &str, behind: Option<&MemberId>) -> Looked;

    /// Blocks a lost card on the spot, and gives the next one of the pool with everything that was on it.
    ///
    /// # Errors
    /// The proof does not fit, or there is no card left.
    fn replace_lost(&mut self, owner: &Owner, now: Moment) -> Result<Joined, Refusal>;

    /// The question to guests, if one is asked here.
    fn question(&self) -> Option<Question>;

    /// Notes a guest's answer, without the guest.
    ///
    /// # Errors
    /// Nothing is asked, or the machine failed.
    fn answer(&mut self, score: u8, reason: Option<&str>, now: Moment) -> Result<(), Refusal>;

    /// A guest's first name and a reward's name, as far as both are known here.
    fn call_words(&self, member: &MemberId, reward: &RewardId) -> (String, String);

    /// How the device stands.
    fn placement(&self) -> Placement;

    /// Keeps how the device stands.
    ///
    /// # Errors
    /// The machine failed.
    fn keep_placement(&mut self, placement: Placement) -> Result<(), Refusal>;

    /// The code of this device's test card.
    ///
    /// # Errors
    /// There is no card left, or the machine failed.
    fn test_card(&mut self) -> Result<String, Refusal>;

    /// The plug test, if there was one.
    fn plug_test(&self) -> Option<PlugTest>;

    /// Gives the stamps of a new plug test.
    ///
    /// # Errors
    /// No stamp card is in force, or the machine failed.
    fn begin_plug_test(&mut self, now: Moment) -> Result<PlugTest, Refusal>;

    /// Counts the stamps of the business day.
    fn stamps_today(&self, now: Moment) -> u32;

    /// Lists the cards of the sample shop; empty outside it.
    fn samples(&self) -> Vec<Sample>;

    /// Gives the text that stands in the code of a sample card.
    fn sample_text(&self, sample: &SampleId) -> Option<String>;

    /// Lists what can be sold.
    fn catalogue(&self) -> Catalogue;

    /// Says which article a scanned text names by the number on its package; none when it names no article at all.
    ///
    /// # Errors
    /// The catalogue has no such article.
    fn article(&self, text: &str) -> Result<Option<Sku>, Refusal>;

    /// Prices the basket and says what it will earn.
    fn basket(&self, now: Moment) -> Basket;

    /// Puts one more into the basket.
    ///
    /// # Errors
    /// The article is unknown or cannot be sold.
    fn put_in(&mut self, sku: &Sku, now: Moment) -> Result<(), Refusal>;

    /// The basket is taken away, or eaten in the house; the next one is in the house again.
    fn serve(&mut self, away: bool);

    /// Takes one out of a line of the basket.
    ///
    /// # Errors
    /// The line is gone.
    fn take_out(&mut self, line: &LineId, now: Moment) -> Result<(), Refusal>;

    /// Puts a member's card into the basket, or takes it out.
    ///
    /// # Errors
    /// The member is unknown.
    fn seat(&mut self, member: Option<&MemberId>, now: Moment) -> Result<(), Refusal>;

    /// Puts a reward into the basket, or takes it out.
    ///
    /// # Errors
    /// The programme's limits.
    fn put_reward(&mut self, reward: &RewardId, take: bool, now: Moment) -> Result<(), Refusal>;

    /// Stores the sale, paid in cash, and empties the basket.
    ///
    /// # Errors
    /// Too little was given, or the machine failed; the basket stays.
    fn pay_cash(&mut self, given: Money, now: Moment) -> Result<Paid, Refusal>;

    /// Says how the connection is and what waits.
    fn sync_report(&self) -> SyncReport;

    /// Asks for a transfer now; the answer comes with a later report.
    fn sync_now(&mut self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_cards_count_too() {
        let card = CardState { stamps: 2, slots: 10, full: 1, ..CardState::default() };
        assert_eq!(card.all_stamps(), 12);
        assert_eq!(CardState { full: 0, ..card }.all_stamps(), 2);
    }
}

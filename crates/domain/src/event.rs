//! The facts. An event is one thing that happened at one author; it is never changed, only added to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alarm::AlarmKind;
use crate::card::CardId;
use crate::grant::Grant;
use crate::ids::{AuthorId, EventRef, MemberId, OperatorId, ProgrammeId, ShopId, TenantId};
use crate::ledger::Posting;
use crate::member::MemberFacts;
use crate::proof::Proof;
use crate::rules::{Outcome, PlaceFacts};
use crate::sale::{Deed, Sale, StampOrder};
use crate::time::{Day, Moment};

/// One fact with its place in its author's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who wrote it.
    pub author: AuthorId,
    /// Its number in the author's journal: dense, from 1.
    pub seq: u64,
    /// What it says.
    pub record: Record,
}

impl Event {
    /// The event's name.
    pub fn reference(&self) -> EventRef {
        EventRef { author: self.author, seq: self.seq }
    }
}

/// What an event says: when, who, and the fact itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    pub at: Moment,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// What happened.
    pub fact: Fact,
}

/// What happened. The name of a kind never changes its meaning; a new meaning gets a new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The first event of every journal: whose it is.
    JournalBegun(JournalBegun),
    /// A member began, with the first card.
    MemberJoined(MemberJoined),
    /// A member's sealed profile was written or changed.
    ProfileChanged(ProfileChanged),
    /// What rules ask of a member changed: tags, the week of the birthday, who brought the member.
    TraitsChanged(TraitsChanged),
    /// A further card was given to a member.
    CardBound(CardBound),
    /// A card was lost, stolen or replaced.
    CardBlocked(CardBlocked),
    /// A sale at a till, with everything that loyalty gave and took.
    Sale(Box<SaleFact>),
    /// Stamps beside somebody else's till.
    Stamp(Box<StampFact>),
    /// Units given without a purchase: for a deed, for a friend who was brought, on a day of the year.
    Grant(Box<GrantFact>),
    /// An earlier event is undone or refunded, wholly or in part.
    Reversal(Box<Reversal>),
    /// A right that was given twice is taken back once.
    GrantWithdrawn(Box<GrantWithdrawn>),
    /// Units given or taken by hand, with a reason.
    Adjustment(Adjustment),
    /// A programme's version came into force.
    ProgrammePublished(ProgrammePublished),
    /// The clock was set by a manager because it could not be right.
    ClockSet(ClockSet),
    /// A guest answered a question. Whose answer it is, nobody notes.
    AnswerGiven(AnswerGiven),
    /// Staff gave something away that other guests had paid for.
    GiftReleased(GiftReleased),
    /// A member is the same person as another one, or is it no longer.
    MemberMerged(MemberMerged),
    /// A member agreed to something, or takes that back.
    ConsentChanged(ConsentChanged),
    /// A member is forgotten: what remains says nothing of a person.
    MemberErased(MemberErased),
    /// A second person agreed that something goes on that had raised an alarm.
    LimitLifted(LimitLifted),
    /// The author signs with another key from the next row on.
    KeyChanged(KeyChanged),
}

impl Fact {
    /// Every kind that this version can read, in the order in which they came to be.
    pub const KINDS: [&'static str; 21] = [
        "journal-begun",
        "member-joined",
        "profile-changed",
        "card-bound",
        "card-blocked",
        "sale",
        "stamp",
        "reversal",
        "adjustment",
        "programme-published",
        "clock-set",
        "traits-changed",
        "grant",
        "grant-withdrawn",
        "answer-given",
        "gift-released",
        "member-merged",
        "consent-changed",
        "member-erased",
        "limit-lifted",
        "key-changed",
    ];

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::JournalBegun(_) => "journal-begun",
            Self::MemberJoined(_) => "member-joined",
            Self::ProfileChanged(_) => "profile-changed",
            Self::TraitsChanged(_) => "traits-changed",
            Self::CardBound(_) => "card-bound",
            Self::CardBlocked(_) => "card-blocked",
            Self::Sale(_) => "sale",
            Self::Stamp(_) => "stamp",
            Self::Grant(_) => "grant",
            Self::GrantWithdrawn(_) => "grant-withdrawn",
            Self::Reversal(_) => "reversal",
            Self::Adjustment(_) => "adjustment",
            Self::ProgrammePublished(_) => "programme-published",
            Self::ClockSet(_) => "clock-set",
            Self::AnswerGiven(_) => "answer-given",
            Self::GiftReleased(_) => "gift-released",
            Self::MemberMerged(_) => "member-merged",
            Self::ConsentChanged(_) => "consent-changed",
            Self::MemberErased(_) => "member-erased",
            Self::LimitLifted(_) => "limit-lifted",
            Self::KeyChanged(_) => "key-changed",
        }
    }

    /// The member it is about, if it is about one.
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::MemberJoined(fact) => Some(fact.member),
            Self::ProfileChanged(fact) => Some(fact.member),
            Self::TraitsChanged(fact) => Some(fact.member),
            Self::Grant(fact) => Some(fact.loyalty.member),
            Self::GrantWithdrawn(fact) => Some(fact.member),
            Self::CardBound(fact) => Some(fact.member),
            Self::CardBlocked(fact) => fact.member,
            Self::Sale(fact) => fact.loyalty.as_ref().map(|loyalty| loyalty.member),
            Self::Stamp(fact) => Some(fact.loyalty.member),
            Self::Reversal(fact) => fact.member,
            Self::Adjustment(fact) => Some(fact.member),
            Self::JournalBegun(_)
            | Self::ProgrammePublished(_)
            | Self::ClockSet(_)
            | Self::AnswerGiven(_)
            | Self::GiftReleased(_)
            | Self::LimitLifted(_)
            | Self::KeyChanged(_) => None,
            Self::MemberMerged(fact) => Some(fact.member),
            Self::ConsentChanged(fact) => Some(fact.member),
            Self::MemberErased(fact) => Some(fact.member),
        }
    }

    /// The postings it books.
    pub fn postings(&self) -> &[Posting] {
        match self {
            Self::Sale(fact) => &fact.postings,
            Self::Stamp(fact) => &fact.postings,
            Self::Grant(fact) => &fact.postings,
            Self::Reversal(fact) => &fact.postings,
            Self::GrantWithdrawn(fact) => &fact.postings,
            Self::Adjustment(fact) => &fact.postings,
            _ => &[],
        }
    }

    /// The steps of the member's counters.
    pub fn counters(&self) -> &[CounterStep] {
        match self {
            Self::Sale(fact) => &fact.outcome.counters,
            Self::Stamp(fact) => &fact.outcome.counters,
            Self::Grant(fact) => &fact.outcome.counters,
            Self::Reversal(fact) => &fact.counters,
            Self::Adjustment(fact) => &fact.counters,
            _ => &[],
        }
    }

    /// The rights that it gives.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        let outcome = match self {
            Self::Sale(fact) => Some(&fact.outcome),
            Self::Stamp(fact) => Some(&fact.outcome),
            Self::Grant(fact) => Some(&fact.outcome),
            _ => None,
        };
        outcome.into_iter().flat_map(|outcome| &outcome.grants)
    }

    /// The steps of the author's own tallies: what a device has given of what there is only so much of.
    pub fn tallies(&self) -> &[CounterStep] {
        match self {
            Self::Sale(fact) => &fact.outcome.tallies,
            Self::Stamp(fact) => &fact.outcome.tallies,
            Self::Grant(fact) => &fact.outcome.tallies,
            Self::Reversal(fact) => &fact.tallies,
            Self::Adjustment(fact) => &fact.tallies,
            Self::GiftReleased(fact) => &fact.tallies,
            _ => &[],
        }
    }
}

/// Whose journal this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalBegun {
    /// The programme owner.
    pub tenant: TenantId,
    /// The shop; none for the server's own journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// The author's public key (Ed25519, hexadecimal).
    pub public_key: String,
}

/// The author's next key. The row that says so is the last one that the old key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChanged {
    /// The new public key (Ed25519, hexadecimal).
    pub public_key: String,
    /// The new key's signature over the author and itself, in hexadecimal: whoever changed it holds it.
    pub proof: String,
}

/// Personal data under the member's own key: XChaCha20-Poly1305, hexadecimal, nonce first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// A member began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberJoined {
    /// The new member.
    pub member: MemberId,
    /// The first card.
    pub card: CardId,
    /// The sealed profile; none for an anonymous card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Sealed>,
    /// The member who brought this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<MemberId>,
    /// The version of the page that said what happens to the name, where one was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

impl MemberJoined {
    /// A member who came without being brought by another.
    pub fn new(member: MemberId, card: CardId, profile: Option<Sealed>) -> Self {
        Self { member, card, profile, referrer: None, terms: None }
    }
}

/// A member's profile as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChanged {
    /// Whose.
    pub member: MemberId,
    /// The sealed profile.
    pub profile: Sealed,
    /// The version of the terms that whoever gave a name has agreed to; none where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

/// What rules ask of a member. Nothing here says who the member is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraitsChanged {
    /// Whose.
    pub member: MemberId,
    /// Tags and segments, and whether the member has them from now on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, bool>,
    /// The week of the birthday, 0 to 52 ([`crate::member::birthday_week`]); the date itself stays outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday_week: Option<u8>,
    /// The member who brought this one. The first that is named stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<MemberId>,
}

/// Two members are one person. Ids in events are never rewritten: from now on this member's cards open the other
/// one, and both are shown as one. The last word about a member counts, so a merge can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberMerged {
    /// Who is known under another id from now on.
    pub member: MemberId,
    /// Under which; none: the merge is undone, and the member stands for itself again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<MemberId>,
}

/// What a member can agree to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentKind {
    /// Mails that advertise.
    Mail,
    /// Messages on the phone that advertise.
    Push,
    /// Standing on a leaderboard by name.
    Leaderboard,
    /// Offers made from what was bought.
    Profiling,
}

impl ConsentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Mail, Self::Push, Self::Leaderboard, Self::Profiling];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Push => "push",
            Self::Leaderboard => "leaderboard",
            Self::Profiling => "profiling",
        }
    }
}

/// Where a member agreed, or took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentPlace {
    /// Said to somebody at the counter.
    Counter,
    /// At a screen that the member used alone.
    Kiosk,
    /// On the member's own card or page.
    Web,
    /// On paper.
    Paper,
    /// Through another system.
    Api,
}

/// A member agreed to something, or takes that back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChanged {
    /// Who.
    pub member: MemberId,
    /// To what.
    pub consent: ConsentKind,
    /// Whether the member agrees from now on.
    pub given: bool,
    /// The version of the terms that were shown.
    pub terms: String,
    /// Where.
    pub place: ConsentPlace,
}

impl ConsentChanged {
    /// The longest name of a version of terms, in bytes.
    pub const TERMS_LEN_MAX: usize = 64;
}

/// Why a member is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErasureReason {
    /// The member asked for it.
    Asked,
    /// The member was not seen for as long as the owner keeps anybody.
    Unused,
}

/// A member is forgotten: the keys that open the profile are dropped wherever there are any, the cards are blocked,
/// name and traits are gone. The events and their sums stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberErased {
    /// Who.
    pub member: MemberId,
    /// Why.
    pub reason: ErasureReason,
}

/// A further card of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardBound {
    /// Whose.
    pub member: MemberId,
    /// Which card.
    pub card: CardId,
    /// The card that it replaces; that one is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CardId>,
}

/// A card that is no longer taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardBlocked {
    /// Which card.
    pub card: CardId,
    /// Whose it was, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
}

/// What the rules read and what they gave, so that anybody can judge it again, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loyalty {
    /// The member.
    pub member: MemberId,
    /// The card that was shown; none when looked up by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The version of the rules themselves.
    pub rules: u32,
    /// The programme versions that were in force.
    pub programmes: Vec<ProgrammeRef>,
    /// What the rules read of the member.
    pub facts: MemberFacts,
}

/// One version of a programme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProgrammeRef {
    /// Which programme.
    pub id: ProgrammeId,
    /// Which version, from 1.
    pub version: u32,
}

/// A sale at a till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleFact {
    /// Where.
    pub shop: ShopId,
    /// Lines, tenders and claims.
    pub sale: Sale,
    /// What the rules read; none for a guest without a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loyalty: Option<Loyalty>,
    /// What the rules gave.
    pub outcome: Outcome,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// What the rules read of the device.
    #[serde(default, skip_serializing_if = "PlaceFacts::is_nothing")]
    pub place: PlaceFacts,
}

/// Stamps without a till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampFact {
    /// Where.
    pub shop: ShopId,
    /// What was asked for.
    pub order: StampOrder,
    /// What the rules read.
    pub loyalty: Loyalty,
    /// What the rules gave.
    pub outcome: Outcome,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// What the rules read of the device.
    #[serde(default, skip_serializing_if = "PlaceFacts::is_nothing")]
    pub place: PlaceFacts,
    /// What was shown for the purchase, where nobody stood by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Units given without a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFact {
    /// Where; for the server's own, the shop whose units they are.
    pub shop: ShopId,
    /// What for.
    pub deed: Deed,
    /// What the rules read.
    pub loyalty: Loyalty,
    /// What the rules gave.
    pub outcome: Outcome,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// What the rules read of the device.
    #[serde(default, skip_serializing_if = "PlaceFacts::is_nothing")]
    pub place: PlaceFacts,
}

/// A right that two authors gave, each without knowing of the other: the later one is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantWithdrawn {
    /// Whose.
    pub member: MemberId,
    /// The event that gave it a second time.
    pub of: EventRef,
    /// Which right.
    pub grant: Grant,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
}

/// Why an event was reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReversalReason {
    /// A slip of the finger, taken back at once.
    Undo,
    /// Goods came back.
    Refund,
    /// The server found that it was given twice.
    Correction,
}

/// An earlier event, taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Which event.
    pub of: EventRef,
    /// Whose units move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Why.
    pub reason: ReversalReason,
    /// The quantity taken back of each line of the sale, in thousandths; empty: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<i64>,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// The counters of the undone event, with the opposite sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<CounterStep>,
    /// The author's tallies of the undone event, with the opposite sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tallies: Vec<CounterStep>,
    /// The rights of the undone event that can be given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// The visit that did not happen after all (its instant, in milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_ms: Option<i64>,
    /// Nobody slipped: what is taken back is given anew in the same moment, or was given to be taken back. Neither the
    /// day's sums nor alarms count it as taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

/// Units given or taken by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Whose.
    pub member: MemberId,
    /// Why, from a list.
    pub reason: String,
    /// Every movement, in double entry.
    pub postings: Vec<Posting>,
    /// The author's tallies that its budgets go by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tallies: Vec<CounterStep>,
    /// The member's counters that its limits go by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters: Vec<CounterStep>,
    /// The second person who agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<OperatorId>,
}

impl Adjustment {
    /// One that no budget and no limit speaks of.
    pub fn new(member: MemberId, reason: impl Into<String>, postings: Vec<Posting>) -> Self {
        Self {
            member,
            reason: reason.into(),
            postings,
            tallies: Vec::new(),
            counters: Vec::new(),
            agreed: None,
        }
    }
}

/// One step of a counter that caps and rolling figures go by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CounterStep {
    /// Which counter: the programme, a slash, and what is counted.
    pub key: String,
    /// The day it counts for.
    pub day: Day,
    /// By how much.
    pub amount: i64,
}

/// A programme's version came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammePublished {
    /// Which one.
    pub programme: ProgrammeRef,
    /// The programme as published, in JSON.
    pub text: String,
}

/// The clock was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSet {
    /// What the clock had shown.
    pub before_ms: i64,
}

/// A guest's answer to a question of the shop. It names no member and holds no free text, so it is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerGiven {
    /// Where.
    pub shop: ShopId,
    /// Which question.
    pub question: String,
    /// From 0 to [`AnswerGiven::SCORE_MAX`].
    pub score: u8,
    /// Why, one of the question's reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl AnswerGiven {
    /// The best score.
    pub const SCORE_MAX: u8 = 10;
}

/// Something that waited in a pool was given to whoever needed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftReleased {
    /// Where.
    pub shop: ShopId,
    /// Whose pool.
    pub programme: ProgrammeId,
    /// Which pool.
    pub pool: String,
    /// What the pool's tally at this device loses.
    pub tallies: Vec<CounterStep>,
}

/// A second person agreed that something goes on that had raised an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitLifted {
    /// Where.
    pub shop: ShopId,
    /// Which alarm.
    pub alarm: AlarmKind,
    /// What it is about: an operator, or a member's id.
    pub subject: String,
    /// Who agreed.
    pub agreed: OperatorId,
    /// Until when, in milliseconds.
    pub until_ms: i64,
}

impl LimitLifted {
    /// The longest subject, in bytes.
    pub const SUBJECT_LEN_MAX: usize = 128;
}

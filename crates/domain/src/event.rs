//! The facts. An event is one thing that happened at one author; it is never changed, only added to.

use serde::{Deserialize, Serialize};

use crate::card::CardId;
use crate::ids::{AuthorId, EventRef, MemberId, OperatorId, ProgrammeId, ShopId, TenantId};
use crate::ledger::Posting;
use crate::member::MemberFacts;
use crate::rules::Outcome;
use crate::sale::{Sale, StampOrder};
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
    /// A further card was given to a member.
    CardBound(CardBound),
    /// A card was lost, stolen or replaced.
    CardBlocked(CardBlocked),
    /// A sale at a till, with everything that loyalty gave and took.
    Sale(Box<SaleFact>),
    /// Stamps beside somebody else's till.
    Stamp(Box<StampFact>),
    /// An earlier event is undone or refunded, wholly or in part.
    Reversal(Box<Reversal>),
    /// Units given or taken by hand, with a reason.
    Adjustment(Adjustment),
    /// A programme's version came into force.
    ProgrammePublished(ProgrammePublished),
    /// The clock was set by a manager because it could not be right.
    ClockSet(ClockSet),
}

impl Fact {
    /// Every kind that this version can read.
    pub const KINDS: [&'static str; 11] = [
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
    ];

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::JournalBegun(_) => "journal-begun",
            Self::MemberJoined(_) => "member-joined",
            Self::ProfileChanged(_) => "profile-changed",
            Self::CardBound(_) => "card-bound",
            Self::CardBlocked(_) => "card-blocked",
            Self::Sale(_) => "sale",
            Self::Stamp(_) => "stamp",
            Self::Reversal(_) => "reversal",
            Self::Adjustment(_) => "adjustment",
            Self::ProgrammePublished(_) => "programme-published",
            Self::ClockSet(_) => "clock-set",
        }
    }

    /// The member it is about, if it is about one.
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::MemberJoined(fact) => Some(fact.member),
            Self::ProfileChanged(fact) => Some(fact.member),
            Self::CardBound(fact) => Some(fact.member),
            Self::CardBlocked(fact) => fact.member,
            Self::Sale(fact) => fact.loyalty.as_ref().map(|loyalty| loyalty.member),
            Self::Stamp(fact) => Some(fact.loyalty.member),
            Self::Reversal(fact) => fact.member,
            Self::Adjustment(fact) => Some(fact.member),
            Self::JournalBegun(_) | Self::ProgrammePublished(_) | Self::ClockSet(_) => None,
        }
    }

    /// The postings it books.
    pub fn postings(&self) -> &[Posting] {
        match self {
            Self::Sale(fact) => &fact.postings,
            Self::Stamp(fact) => &fact.postings,
            Self::Reversal(fact) => &fact.postings,
            Self::Adjustment(fact) => &fact.postings,
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
}

/// A member's profile as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChanged {
    /// Whose.
    pub member: MemberId,
    /// The sealed profile.
    pub profile: Sealed,
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
    /// The visit that did not happen after all (its instant, in milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_ms: Option<i64>,
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

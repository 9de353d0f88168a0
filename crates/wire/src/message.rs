//! What device and server say to each other. JSON, but for the body of a push, which is frames
//! ([`crate::frame`]): a [`PushHeader`], then the rows as signed.
//!
//! Unknown fields are ignored; a change of an unknown kind is passed over and counted, so that an old
//! device lives with a new server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stempel_domain::alarm::LimitsSet;
use stempel_domain::event::ProgrammeRef;
use stempel_domain::member::Base;
use stempel_domain::{AuthorId, CardId, MemberId, ShopId, TenantId, Unit};

pub use crate::article::Article;
use crate::certificate::Certificate;
use crate::frame;
use crate::key::{PublicKey, Signature};
use crate::seal::MemberKey;
use crate::token::{SecondCode, Token};

/// The most rows of one push.
pub const PUSH_ROWS_MAX: usize = 1000;
/// The longest body of a push, in bytes.
pub const PUSH_LEN_MAX: usize = 4 * 1024 * 1024;
/// The most changes of one page of the feed.
pub const FEED_CHANGES_MAX: usize = 1000;
/// Blank cards that a device keeps in its pool.
pub const BLANKS_POOL: usize = 200;

/// A device asks to belong to a shop. Sent to `POST /v1/enroll`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// The one-time code that the owner was shown.
    pub code: String,
    /// The id that the device has given itself.
    pub device: AuthorId,
    /// Its public key.
    pub public_key: PublicKey,
    /// The device's signature over the code, context [`EnrollRequest::CONTEXT`]: it holds the key.
    pub proof: Signature,
    /// What people call the device.
    #[serde(default)]
    pub name: String,
    /// The key with which its journal began, where the device has another one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_key: Option<PublicKey>,
}

impl EnrollRequest {
    /// The context of [`EnrollRequest::proof`].
    pub const CONTEXT: &'static str = "stempel enroll v1";
}

/// The device belongs to the shop from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollAnswer {
    /// Whose programme.
    pub tenant: TenantId,
    /// What it is called.
    pub tenant_name: String,
    /// The server's word for the device.
    pub certificate: Certificate,
    /// The server as an author.
    pub server: AuthorId,
    /// The server's public key.
    pub server_key: PublicKey,
    /// The server's history; a new one after each restore.
    pub epoch: String,
    /// The shop.
    pub shop: Shop,
}

/// What a device needs to know of its shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// The shop.
    pub id: ShopId,
    /// What it is called.
    pub name: String,
    /// Minutes after midnight at which the business day ends.
    #[serde(default)]
    pub day_ends_minutes: u16,
    /// The shop's time zone, by its IANA name.
    #[serde(default)]
    pub zone: String,
    /// Whose shop it is, in a coalition of merchants: the name that programmes ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// Whoever takes more than this of a unit at once shows a phone's code of this moment, in the unit's smallest
    /// part. A unit that is not named needs none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rotating_above: BTreeMap<Unit, i64>,
}

/// The first frame of a push to `POST /v1/push`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PushHeader {
    /// The server's history as the device knows it.
    pub epoch: String,
    /// Keys of members whose profiles the rows seal. They travel beside the rows, never in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyOf>,
}

/// A member's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOf {
    /// Whose.
    pub member: MemberId,
    /// The key.
    pub key: MemberKey,
}

/// Puts a push together.
pub fn push_body(header: &PushHeader, rows: &[Vec<u8>]) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Vec::with_capacity(rows.iter().map(|row| row.len() + 4).sum::<usize>() + 256);
    frame::push(&mut body, &serde_json::to_vec(header)?);
    for row in rows {
        frame::push(&mut body, row);
    }
    Ok(body)
}

/// What became of a push.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PushAnswer {
    /// The server's history.
    pub epoch: String,
    /// For each author in the push, the highest number up to which the server holds every row.
    pub held: BTreeMap<AuthorId, u64>,
    /// Rows that the server keeps but does not understand. They count as held, without effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<RowTrouble>,
    /// Journals that are not continued until a person has decided: another row is already there under the
    /// same number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<RowTrouble>,
    /// Journals of which nothing was taken from that row on, because it is not genuine. If there is no other
    /// journal in the push, the answer is a [`Problem`] `rows-not-genuine` instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RowTrouble>,
}

/// A row that needs a person's eye.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTrouble {
    /// Whose journal.
    pub author: AuthorId,
    /// Which row.
    pub seq: u64,
    /// Why, in plain words.
    pub reason: String,
}

/// One page of the feed: the answer to `GET /v1/feed?after=N&limit=K`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedPage {
    /// The server's history. With another epoch than the device's, nothing else in the page counts.
    pub epoch: String,
    /// The changes after the cursor, by position.
    pub changes: Vec<FeedItem>,
    /// The cursor for the next page.
    pub next: u64,
    /// The position of the newest change there is.
    pub head: u64,
    /// For the device that asks: up to which number the server holds its journal.
    pub held: u64,
    /// The hash of that row, in hexadecimal; empty if none is held. A device that has another row under this
    /// number was cloned or restored.
    #[serde(default)]
    pub held_hash: String,
}

/// One change: what something is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedItem {
    /// Its place in the server's order.
    pub position: u64,
    /// The change, as JSON of a [`FeedChange`].
    pub change: Box<RawValue>,
}

impl FeedItem {
    /// Puts an item together.
    pub fn new(position: u64, change: &FeedChange) -> Result<Self, serde_json::Error> {
        Ok(Self { position, change: serde_json::value::to_raw_value(change)? })
    }

    /// Reads the change; none if it is of a kind that this version does not know.
    pub fn read(&self) -> Option<FeedChange> {
        serde_json::from_str(self.change.get()).ok()
    }
}

/// What something is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedChange {
    /// A member's state, with the journals that are in it, and the keys to the profile.
    Member {
        /// Whose.
        member: MemberId,
        /// The state.
        base: Box<Base>,
        /// The member's keys; none after an erasure.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<MemberKey>,
    },
    /// A programme's newest version; `ended` takes it out of force.
    Programme {
        /// Which one.
        reference: ProgrammeRef,
        /// The programme as published, in JSON.
        text: String,
        /// No longer in force.
        #[serde(default)]
        ended: bool,
    },
    /// An article of the catalogue.
    Article(Article),
    /// A device of the tenant.
    Device {
        /// The server's word for it.
        certificate: Certificate,
        /// No longer a device of the tenant.
        #[serde(default)]
        revoked: bool,
    },
    /// A key that signs cards.
    CardKey {
        /// The key.
        key: PublicKey,
        /// Only cards that are already known count.
        #[serde(default)]
        retired: bool,
    },
    /// A card that belongs to no member and is not taken: an unused blank of a lost device.
    CardRevoked {
        /// Which card.
        card: CardId,
    },
    /// The shop's own data.
    Shop(Shop),
    /// A member who is forgotten, for ever. A device that asks for what comes after this has dropped the member's
    /// keys.
    MemberErased {
        /// Who.
        member: MemberId,
    },
    /// From when on something raises an alarm, where the owner says so for every shop. What is not named goes by the
    /// device's own settings.
    AlarmLimits {
        /// The limits.
        limits: LimitsSet,
    },
}

/// The answer to `POST /v1/blanks`: every blank card of this device that no member has yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlanksAnswer {
    /// The cards, ready to be printed.
    pub blanks: Vec<Token>,
    /// Their second codes, for the backs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seconds: Vec<SecondCode>,
}

/// A device asks for a hold. Sent to `POST /v1/hold`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    /// The device's name for it: 32 hexadecimal digits, drawn at random. Asking again under the same name gives
    /// the same hold, with its time anew.
    pub hold: String,
    /// Whose units.
    pub member: MemberId,
    /// Of what.
    pub unit: Unit,
    /// How much, in the unit's scale.
    pub amount: i64,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldAnswer {
    /// Until when the amount is held, in milliseconds, by the server's clock.
    pub until_ms: i64,
    /// What is left beside all holds, in the unit's scale.
    pub left: i64,
}

/// An error as the server says it (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What went wrong, for machines; never changes its meaning.
    pub code: String,
    /// What happened, for people.
    pub title: String,
    /// What it means and what to do next.
    pub detail: String,
    /// The status code again.
    pub status: u16,
}

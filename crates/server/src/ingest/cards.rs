//! The index of cards: whose each card is. The first binding stays; a second one opens a case.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::{Event, Fact};
use stempel_domain::{CardId, EventRef, MemberId};
use stempel_wire::message::FeedChange;

use super::book::Booking;
use crate::cases::{self, Case};
use crate::db::{Tx, Value, values};
use crate::error::{Error, Result};
use crate::tenant::Tenant;

/// Where a card is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CardStatus {
    /// Given out, nobody's yet.
    Blank,
    /// A member's.
    Bound,
    /// No longer taken.
    Blocked,
    /// Taken out of force while it was blank, with the device that held it.
    Revoked,
}

impl CardStatus {
    /// As it is stored.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Blank => 0,
            Self::Bound => 1,
            Self::Blocked => 2,
            Self::Revoked => 3,
        }
    }

    fn read(code: i64) -> Result<Self> {
        [Self::Blank, Self::Bound, Self::Blocked, Self::Revoked]
            .into_iter()
            .find(|status| status.code() == code)
            .ok_or_else(|| Error::Damaged(format!("a card has the status {code}")))
    }
}

struct Card {
    member: Option<MemberId>,
    status: CardStatus,
    /// The server had not heard of it.
    new: bool,
    changed: bool,
}

/// What an event says of a card.
enum Word {
    Bound { card: CardId, member: MemberId },
    Blocked { card: CardId, member: Option<MemberId> },
}

impl Word {
    fn card(&self) -> CardId {
        match self {
            Self::Bound { card, .. } | Self::Blocked { card, .. } => *card,
        }
    }
}

fn words(event: &Event) -> Vec<(EventRef, Word)> {
    let words = match &event.record.fact {
        Fact::MemberJoined(fact) => vec![Word::Bound { card: fact.card, member: fact.member }],
        Fact::CardBound(fact) => {
            let mut words = vec![Word::Bound { card: fact.card, member: fact.member }];
            words.extend(fact.replaces.map(|card| Word::Blocked { card, member: Some(fact.member) }));
            words
        }
        Fact::CardBlocked(fact) => vec![Word::Blocked { card: fact.card, member: fact.member }],
        _ => Vec::new(),
    };
    words.into_iter().map(|word| (event.reference(), word)).collect()
}

/// Brings the index up to what these events say.
pub(super) async fn index(
    tx: &mut Tx,
    tenant: &mut Tenant,
    booking: Booking,
    events: &[&Event],
) -> Result<()> {
    let words: Vec<(EventRef, Word)> = events.iter().flat_map(|event| words(event)).collect();
    if words.is_empty() {
        return Ok(());
    }
    let mut cards = load(tx, tenant, words.iter().map(|(_, word)| word.card()).collect()).await?;
    for (event, word) in &words {
        let card = cards.entry(word.card()).or_insert(Card {
            member: None,
            status: CardStatus::Blank,
            new: true,
            changed: true,
        });
        match *word {
            Word::Bound { card: id, member } => match card.member {
                Some(owner) if owner == member => {}
                Some(owner) => {
                    let detail = format!(
                        "Card {} belongs to member {owner}; another device gave it to member {member} as well. \
                         It stays with the first; decide which member should keep it.",
                        id.number()
                    );
                    let subject = format!("{id}/{member}");
                    let case =
                        Case { kind: "card-of-two", subject, member: Some(member), event: *event, detail };
                    cases::open(tx, tenant.id, booking.now_ms, case).await?;
                }
                None => {
                    card.member = Some(member);
                    card.changed = true;
                    if card.status == CardStatus::Blank {
                        card.status = CardStatus::Bound;
                    }
                }
            },
            Word::Blocked { card: id, member } => {
                card.changed |= card.status != CardStatus::Blocked;
                card.status = CardStatus::Blocked;
                if member.is_none() {
                    // No member's state will tell the devices.
                    tenant.publish(tx, "card-revoked", &id.0, &FeedChange::CardRevoked { card: id }).await?;
                }
            }
        }
    }
    save(tx, tenant, booking, cards).await
}

async fn load(tx: &mut Tx, tenant: &Tenant, ids: BTreeSet<CardId>) -> Result<BTreeMap<CardId, Card>> {
    let keys = ids.into_iter().map(Value::from).collect();
    let sql = "SELECT card, member, status FROM card WHERE tenant = $1 AND card";
    let rows = tx.rows_in(sql, values![tenant.id], keys).await?;
    let read = |row: &crate::db::Row| {
        let status = CardStatus::read(row.int(2)?)?;
        Ok((row.id(0)?, Card { member: row.opt_id(1)?, status, new: false, changed: false }))
    };
    rows.iter().map(read).collect()
}

async fn save(tx: &mut Tx, tenant: &Tenant, booking: Booking, cards: BTreeMap<CardId, Card>) -> Result<()> {
    let numbers = cards.iter().filter(|(_, card)| card.new).map(|(id, _)| Value::from(&id.0[..5])).collect();
    let sql = "SELECT number FROM card WHERE tenant = $1 AND number";
    let mut taken: BTreeSet<Vec<u8>> = BTreeSet::new();
    for row in tx.rows_in(sql, values![tenant.id], numbers).await? {
        taken.insert(row.bytes(0)?);
    }
    let mut rows = Vec::new();
    for (id, card) in cards.iter().filter(|(_, card)| card.changed) {
        let number = id.0[..5].to_vec();
        // A card from elsewhere may share its number with one of ours; the number then finds ours.
        let number = Value::Bytes((!card.new || taken.insert(number.clone())).then_some(number));
        rows.extend(values![tenant.id, *id]);
        rows.push(number);
        rows.extend(values![card.member, card.status.code(), booking.now_ms]);
    }
    tx.insert_all(
        "INSERT INTO card (tenant, card, number, member, status, issued_ms)",
        "ON CONFLICT (tenant, card) DO UPDATE SET member = excluded.member, status = excluded.status",
        6,
        rows,
    )
    .await
}

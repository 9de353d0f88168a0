//! What the server says, applied in one transaction with the cursor that says it was applied.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use stempel_domain::AuthorId;
use stempel_domain::alarm::LimitsSet;
use stempel_wire::message::{FeedChange, FeedItem, RowTrouble, Shop};

use crate::reference::ProgrammeRow;
use crate::{StoreError, View, Write};

const SYNC_STATE: &str = "sync";
/// The setting that holds the shop as the server describes it.
pub const SHOP: &str = "shop";
/// The setting that holds what the owner says of alarms.
pub const ALARM_LIMITS: &str = "alarm-limits";

/// How far device and server have come with each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncState {
    /// The server's history that the cursor belongs to; empty before the first contact.
    pub epoch: String,
    /// The last position of the feed that is applied here.
    pub cursor: u64,
    /// The newest position when the snapshot began; until the cursor reaches it the picture is incomplete.
    pub snapshot_until: u64,
    /// The own journal up to which the server holds every row.
    pub held: u64,
    /// When the last exchange went through, by this device's clock.
    pub last_sync_ms: Option<i64>,
    /// How far this device's clock is ahead of the server's, in milliseconds.
    pub skew_ms: Option<i64>,
    /// The last error in plain words; none after an exchange that went through.
    pub last_error: Option<String>,
    /// When it happened.
    pub last_error_ms: Option<i64>,
    /// Changes of kinds that this version does not know.
    pub unknown_changes: u64,
}

impl View<'_> {
    /// How far device and server have come.
    pub fn sync_state(&self) -> Result<SyncState, StoreError> {
        Ok(self.setting(SYNC_STATE)?.unwrap_or_default())
    }

    /// Own rows that the server keeps without effect or holds back.
    pub fn troubles(&self) -> Result<Vec<(RowTrouble, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT author, seq, kind, reason FROM trouble ORDER BY author, seq LIMIT 1000",
        )?;
        let mut rows = statement.query([])?;
        let mut troubles = Vec::new();
        while let Some(row) = rows.next()? {
            let author = crate::author_from(row.get(0)?)?;
            troubles.push((RowTrouble { author, seq: row.get(1)?, reason: row.get(3)? }, row.get(2)?));
        }
        Ok(troubles)
    }
}

impl Write<'_> {
    /// Writes how far device and server have come.
    pub fn set_sync_state(&mut self, state: &SyncState) -> Result<(), StoreError> {
        self.set(SYNC_STATE, state)
    }

    /// Keeps what the server said of a row that needs a person's eye.
    pub fn put_trouble(&mut self, trouble: &RowTrouble, kind: &str) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO trouble (author, seq, kind, reason) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![trouble.author.0.as_slice(), trouble.seq, kind, trouble.reason])?;
        Ok(())
    }

    /// Begins a new snapshot: what the server had said is laid aside, the journal and the overlay stay, and
    /// own rows that only a base had counted come back into the overlay.
    pub fn begin_snapshot(&mut self, own: AuthorId) -> Result<(), StoreError> {
        self.forget_bases()?;
        // A server that was set back to before them says nothing of them.
        self.set(ALARM_LIMITS, &LimitsSet::new())?;
        self.overlay_own_rows(own)
    }

    /// Ends a snapshot: of whom it said nothing, nothing but the own events is known.
    pub fn end_snapshot(&mut self) -> Result<(), StoreError> {
        self.forget_unconfirmed()
    }

    /// Every own row about a member goes back into the overlay; the snapshot's bases drop those they hold.
    fn overlay_own_rows(&mut self, own: AuthorId) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let rows = self.view().rows_after(own, after, 1000, usize::MAX)?;
            if rows.is_empty() {
                return Ok(());
            }
            for bytes in rows {
                let row = stempel_wire::Row::parse(bytes)
                    .map_err(|error| StoreError::Damaged(error.to_string()))?;
                after = row.seq();
                let Ok(event) = row.event() else { continue };
                let Some((member, effect)) = stempel_domain::member::effect_of(&event) else { continue };
                self.transaction
                    .prepare_cached(
                        "INSERT OR IGNORE INTO overlay (member, author, seq, effect) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        member.0.as_slice(),
                        own.0.as_slice(),
                        row.seq(),
                        serde_json::to_string(&effect)?
                    ])?;
            }
        }
    }

    /// Applies changes of the feed. Returns how many were of an unknown kind.
    pub fn apply_changes(&mut self, items: &[FeedItem]) -> Result<u64, StoreError> {
        let mut unknown = 0;
        for item in items {
            match item.read() {
                Some(change) => self.apply_change(&change)?,
                None => unknown += 1,
            }
        }
        Ok(unknown)
    }

    fn apply_change(&mut self, change: &FeedChange) -> Result<(), StoreError> {
        match change {
            FeedChange::Member { member, base, keys } => {
                for key in keys {
                    self.keep_key(*member, key, false)?;
                }
                self.rebase(*member, base)
            }
            FeedChange::Programme { reference, text, ended } => self.put_programme(&ProgrammeRow {
                reference: reference.clone(),
                text: text.clone(),
                ended: *ended,
            }),
            FeedChange::Article(article) => self.put_article(article),
            FeedChange::Device { certificate, revoked } => self.put_device(certificate, *revoked),
            FeedChange::CardKey { key, retired } => self.put_card_key(key, *retired),
            FeedChange::CardRevoked { card } => self.revoke_card(*card),
            FeedChange::MemberErased { member } => self.forget_member(*member),
            FeedChange::Shop(shop) => {
                let own: Option<Shop> = self.view().setting(SHOP)?;
                if own.is_none_or(|own| own.id == shop.id) { self.set(SHOP, shop) } else { Ok(()) }
            }
            FeedChange::AlarmLimits { limits } => self.set(ALARM_LIMITS, limits),
        }
    }
}

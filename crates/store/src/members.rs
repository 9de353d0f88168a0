//! Members as they are known here: base + overlay = now.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use stempel_domain::event::Sealed;
use stempel_domain::member::{Base, Effect};
use stempel_domain::{CardId, CardNumber, MemberId, MemberState};
use stempel_wire::{MemberKey, Profile};

use crate::journal::Keeping;
use crate::{StoreError, View, Write};

/// What a card opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardRow {
    /// The card.
    pub card: CardId,
    /// Whose it is, under the id that counts now; none for a revoked blank, and after an erasure.
    pub member: Option<MemberId>,
    /// It is no longer taken.
    pub blocked: bool,
}

impl View<'_> {
    /// What is known here of the person that a member is.
    pub fn member(&self, member: MemberId) -> Result<Option<MemberState>, StoreError> {
        if self.is_merged(member)? {
            return Ok(self.person(member)?.map(|person| person.state()));
        }
        self.own_state(member)
    }

    /// What the server has confirmed of a member.
    pub fn base(&self, member: MemberId) -> Result<Option<Base>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT base FROM member WHERE member = ?1")?
            .query_row([member.0.as_slice()], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// The effects that are not in the base yet.
    pub fn overlay(&self, member: MemberId) -> Result<Vec<Effect>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT effect FROM overlay WHERE member = ?1 ORDER BY author, seq")?;
        let texts = statement.query_map([member.0.as_slice()], |row| row.get::<_, String>(0))?;
        texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
    }

    /// How many members are known here; those who were merged are one.
    pub fn member_count(&self) -> Result<u64, StoreError> {
        let rows: u64 = self.connection.query_row("SELECT count(*) FROM member", [], |row| row.get(0))?;
        Ok(rows.saturating_sub(self.aliased()?.len() as u64))
    }

    /// Every member known here, in the order of their ids; those who were merged are one.
    pub fn for_each_member(&self, mut each: impl FnMut(MemberId, MemberState)) -> Result<(), StoreError> {
        let aliased: BTreeSet<MemberId> = self.aliased()?.into_iter().collect();
        let mut statement = self.connection.prepare("SELECT member, now FROM member ORDER BY member")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(member) = MemberId::from_slice(row.get_ref(0)?.as_blob().unwrap_or_default()) else {
                continue;
            };
            if aliased.contains(&member) {
                continue;
            }
            let state = match self.is_merged(member)? {
                true => self.member(member)?.unwrap_or_default(),
                false => serde_json::from_str(&row.get::<_, String>(1)?)?,
            };
            each(member, state);
        }
        Ok(())
    }

    /// What a card opens.
    pub fn card(&self, card: CardId) -> Result<Option<CardRow>, StoreError> {
        self.one_card("SELECT card, member, blocked FROM card WHERE card = ?1", card.0.as_slice())
    }

    /// The card with that number.
    pub fn card_of_number(&self, number: CardNumber) -> Result<Option<CardRow>, StoreError> {
        self.one_card("SELECT card, member, blocked FROM card WHERE number = ?1 LIMIT 1", number.0.as_slice())
    }

    fn one_card(&self, sql: &str, key: &[u8]) -> Result<Option<CardRow>, StoreError> {
        let found: Option<(Vec<u8>, Option<Vec<u8>>, bool)> = self
            .connection
            .prepare_cached(sql)?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((card, member, blocked)) = found else { return Ok(None) };
        let damaged = || StoreError::Damaged("a card's row has ids of the wrong length".into());
        Ok(Some(CardRow {
            card: CardId::from_slice(&card).ok_or_else(damaged)?,
            member: match member {
                Some(id) => Some(self.root(MemberId::from_slice(&id).ok_or_else(damaged)?)?),
                None => None,
            },
            blocked,
        }))
    }

    /// The keys that open a member's profile.
    pub fn member_keys(&self, member: MemberId) -> Result<Vec<MemberKey>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT key FROM member_key WHERE member = ?1 ORDER BY id")?;
        let keys = statement.query_map([member.0.as_slice()], |row| row.get::<_, Vec<u8>>(0))?;
        let mut opened = Vec::new();
        for key in keys {
            opened.extend(self.opened(member, &key?));
        }
        Ok(opened)
    }

    /// Keys that the server does not have yet, for members of these rows.
    pub fn pending_keys(&self) -> Result<Vec<(MemberId, MemberKey)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT member, key FROM member_key WHERE pending = 1 ORDER BY member, id LIMIT 10000",
        )?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let (member, key): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let member = MemberId::from_slice(&member)
                .ok_or_else(|| StoreError::Damaged("a member's id has the wrong length".into()))?;
            keys.extend(self.opened(member, &key).map(|key| (member, key)));
        }
        Ok(keys)
    }

    /// The profile of the person that a member is, if there is one and a key that opens it.
    pub fn profile(&self, member: MemberId) -> Result<Option<Profile>, StoreError> {
        if self.is_merged(member)? {
            let person = self.person(member)?.unwrap_or_default();
            return match person.profile() {
                Some((whose, sealed)) => self.open_profile(whose, sealed),
                None => Ok(None),
            };
        }
        let sealed: Option<Option<String>> = self
            .connection
            .prepare_cached("SELECT profile FROM member WHERE member = ?1")?
            .query_row([member.0.as_slice()], |row| row.get(0))
            .optional()?;
        match sealed.flatten() {
            Some(sealed) => self.open_profile(member, &Sealed(sealed)),
            None => Ok(None),
        }
    }

    fn open_profile(&self, member: MemberId, sealed: &Sealed) -> Result<Option<Profile>, StoreError> {
        let keys = self.member_keys(member)?;
        Ok(keys.iter().find_map(|key| key.open(member, sealed).ok()))
    }

    /// Members whose name contains a text, upper and lower case alike; at most so many.
    pub fn find_by_name(
        &self,
        text: &str,
        members_max: usize,
    ) -> Result<Vec<(MemberId, Profile)>, StoreError> {
        Ok(self.find_by_name_behind(text, None, usize::MAX, members_max)?.0)
    }

    /// The same among so many named members behind one; and behind whom the search goes on, if that was not all. Each
    /// name is sealed by itself: looking through all of them takes a while, which nobody at a screen should wait for at
    /// once.
    #[allow(clippy::type_complexity, reason = "those found, and where it goes on")]
    pub fn find_by_name_behind(
        &self,
        text: &str,
        behind: Option<MemberId>,
        looked_max: usize,
        members_max: usize,
    ) -> Result<(Vec<(MemberId, Profile)>, Option<MemberId>), StoreError> {
        let wanted = text.trim().to_lowercase();
        let mut statement = self.connection.prepare_cached(
            "SELECT member, profile FROM member WHERE profile IS NOT NULL AND member > ?1 ORDER BY member",
        )?;
        let first = behind.map(|member| member.0.to_vec()).unwrap_or_default();
        let mut rows = statement.query([first])?;
        let mut found: Vec<(MemberId, Profile)> = Vec::new();
        let (mut looked, mut last) = (0, behind);
        while let Some(row) = rows.next()? {
            if found.len() >= members_max || looked >= looked_max {
                return Ok((found, last));
            }
            looked += 1;
            let (id, sealed): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
            let Some(member) = MemberId::from_slice(&id) else { continue };
            last = Some(member);
            if let Some(profile) = self.open_profile(member, &Sealed(sealed))?
                && profile.name.to_lowercase().contains(&wanted)
            {
                let root = self.root(member)?;
                let profile = if root == member { Some(profile) } else { self.profile(root)? };
                if !found.iter().any(|(known, _)| *known == root) {
                    found.extend(profile.map(|profile| (root, profile)));
                }
            }
        }
        Ok((found, None))
    }
}

impl Write<'_> {
    /// Folds one effect into what is known of a member.
    pub(crate) fn fold(
        &mut self,
        member: MemberId,
        effect: &Effect,
        keeping: Keeping,
    ) -> Result<(), StoreError> {
        match keeping {
            Keeping::Base => {
                let mut base = self.view().base(member)?.unwrap_or_default();
                base.state.apply(effect);
                // What one of them spent may draw on what another one earned: they are added up day by day.
                if base.state.merged_into().is_none() && !self.view().is_merged(member)? {
                    base.state.settle();
                }
                base.includes.insert(effect.event.author, effect.event.seq);
                let now = base.state.clone();
                self.put_member(member, &base, &now)
            }
            Keeping::Overlay => {
                self.transaction
                    .prepare_cached(
                        "INSERT INTO overlay (member, author, seq, effect) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        member.0.as_slice(),
                        effect.event.author.0.as_slice(),
                        effect.event.seq,
                        serde_json::to_string(effect)?,
                    ])?;
                let mut now = self.view().own_state(member)?.unwrap_or_default();
                now.apply(effect);
                self.put_now(member, &now)
            }
        }
    }

    /// Takes the server's state of a member: drops the overlay entries that are in it, and lays the rest
    /// over it.
    pub(crate) fn rebase(&mut self, member: MemberId, base: &Base) -> Result<(), StoreError> {
        let mut now = base.state.clone();
        for effect in self.view().overlay(member)? {
            if base.has(effect.event) {
                self.transaction
                    .prepare_cached("DELETE FROM overlay WHERE member = ?1 AND author = ?2 AND seq = ?3")?
                    .execute(params![
                        member.0.as_slice(),
                        effect.event.author.0.as_slice(),
                        effect.event.seq
                    ])?;
            } else {
                now.apply(&effect);
            }
        }
        self.put_member(member, base, &now)
    }

    /// Drops everything the server had said of members and lays the own events over nothing: the first step
    /// of a new snapshot. The journal and the overlay stay.
    pub(crate) fn forget_bases(&mut self) -> Result<(), StoreError> {
        let empty = serde_json::to_string(&Base::default())?;
        self.transaction.execute("UPDATE member SET base = ?1", [empty])?;
        Ok(())
    }

    /// Lays the own events over nothing where a new snapshot says nothing of a member: the server was set back, and
    /// what others had told it of that member is gone until they tell it again. A member of whom nothing is left is
    /// unknown again, and so are the cards.
    pub(crate) fn forget_unconfirmed(&mut self) -> Result<(), StoreError> {
        let empty = serde_json::to_string(&Base::default())?;
        let ids: Vec<Vec<u8>> = self
            .transaction
            .prepare_cached("SELECT member FROM member WHERE base = ?1 ORDER BY member")?
            .query_map([empty], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in ids {
            let member = MemberId::from_slice(&id)
                .ok_or_else(|| StoreError::Damaged("a member's id has the wrong length".into()))?;
            // A card that is out of use stays so, whosever it was.
            self.transaction
                .prepare_cached("DELETE FROM card WHERE member = ?1 AND blocked = 0")?
                .execute([&id])?;
            self.transaction
                .prepare_cached("UPDATE card SET member = NULL WHERE member = ?1")?
                .execute([&id])?;
            let effects = self.view().overlay(member)?;
            if effects.is_empty() {
                for gone in ["DELETE FROM member WHERE member = ?1", "DELETE FROM alias WHERE member = ?1"] {
                    self.transaction.prepare_cached(gone)?.execute([&id])?;
                }
                continue;
            }
            let mut now = MemberState::default();
            effects.iter().for_each(|effect| now.apply(effect));
            self.put_now(member, &now)?;
        }
        Ok(())
    }

    fn put_member(&mut self, member: MemberId, base: &Base, now: &MemberState) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO member (member, base, now, profile) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                member.0.as_slice(),
                serde_json::to_string(base)?,
                serde_json::to_string(now)?,
                sealed_text(now),
            ])?;
        self.index(member, now)
    }

    fn put_now(&mut self, member: MemberId, now: &MemberState) -> Result<(), StoreError> {
        let empty = serde_json::to_string(&Base::default())?;
        self.transaction
            .prepare_cached(
                "INSERT INTO member (member, base, now, profile) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (member) DO UPDATE SET now = excluded.now, profile = excluded.profile",
            )?
            .execute(params![member.0.as_slice(), empty, serde_json::to_string(now)?, sealed_text(now)])?;
        self.index(member, now)
    }

    /// Brings the tables that go by members' states up to one of them.
    fn index(&mut self, member: MemberId, now: &MemberState) -> Result<(), StoreError> {
        self.index_alias(member, now)?;
        if now.erased.is_some() || self.view().is_erased(member)? {
            self.forget_member(member)?;
            for card in now.cards.keys() {
                self.revoke_card(*card)?;
            }
            return Ok(());
        }
        self.index_cards(member, now)
    }

    /// Cards open the member that had them first; a block stays.
    fn index_cards(&mut self, member: MemberId, now: &MemberState) -> Result<(), StoreError> {
        for (card, state) in &now.cards {
            self.transaction
                .prepare_cached(
                    "INSERT INTO card (card, number, member, blocked) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (card) DO UPDATE SET member = coalesce(card.member, excluded.member),
                                                      blocked = max(card.blocked, excluded.blocked)
                     WHERE card.member IS NULL OR card.blocked < excluded.blocked",
                )?
                .execute(params![
                    card.0.as_slice(),
                    card.number().0.as_slice(),
                    member.0.as_slice(),
                    state.blocked
                ])?;
        }
        Ok(())
    }

    /// Takes a card out of use that belongs to no member.
    pub(crate) fn revoke_card(&mut self, card: CardId) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO card (card, number, member, blocked) VALUES (?1, ?2, NULL, 1)
                 ON CONFLICT (card) DO UPDATE SET blocked = 1",
            )?
            .execute(params![card.0.as_slice(), card.number().0.as_slice()])?;
        Ok(())
    }

    /// Keeps a key that opens a member's profile, unless the member is forgotten.
    pub fn keep_key(&mut self, member: MemberId, key: &MemberKey, pending: bool) -> Result<(), StoreError> {
        if self.view().is_erased(member)? {
            return Ok(());
        }
        let stored = self.view().wrapped(member, key)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO member_key (member, id, key, pending) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (member, id) DO UPDATE SET key = excluded.key, pending = min(pending, excluded.pending)",
            )?
            .execute(params![
                member.0.as_slice(),
                key.id().0.as_slice(),
                stored,
                pending
            ])?;
        Ok(())
    }

    /// The server has these keys now.
    pub fn keys_delivered(&mut self, keys: &[(MemberId, MemberKey)]) -> Result<(), StoreError> {
        for (member, key) in keys {
            self.keep_key(*member, key, false)?;
        }
        Ok(())
    }
}

fn sealed_text(state: &MemberState) -> Option<&str> {
    state.profile.as_ref().map(|profile| profile.value.0.as_str())
}

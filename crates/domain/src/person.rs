//! One person who is several members: a merge is an alias, and the members stay what they are.
//!
//! Each member's state is the fold over the events that name that member, merged or not. What a person holds is
//! the sum of the states, made when somebody asks. So a device that does not know of a merge yet goes on with the
//! old id and nothing is lost; and an undo takes the alias away and finds both members as they were.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Sealed;
use crate::ids::MemberId;
use crate::member::{Latest, MemberState};

/// The most members that one person is. Merging more is refused.
pub const MEMBERS_MAX: usize = 64;

/// Which members are known under which others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    into: BTreeMap<MemberId, MemberId>,
}

impl Aliases {
    /// Takes note that a member is known under another one.
    pub fn insert(&mut self, member: MemberId, into: MemberId) {
        self.into.insert(member, into);
    }

    /// The member under whose id a person is known. Of members that were merged into each other, by devices that
    /// could not know of each other, it is the one whose id is the lowest: everybody comes to the same.
    pub fn root(&self, member: MemberId) -> MemberId {
        let (mut path, mut at) = (vec![member], member);
        while let Some(&next) = self.into.get(&at) {
            if let Some(place) = path.iter().position(|seen| *seen == next) {
                return path[place..].iter().copied().min().unwrap_or(next);
            }
            path.push(next);
            at = next;
        }
        at
    }

    /// Every member that is the same person as this one, the one under whose id it is known first.
    pub fn group(&self, member: MemberId) -> Vec<MemberId> {
        let root = self.root(member);
        let named = self.into.iter().flat_map(|(member, into)| [*member, *into]);
        let others: BTreeSet<MemberId> =
            named.filter(|other| *other != root && self.root(*other) == root).collect();
        std::iter::once(root).chain(others).collect()
    }
}

/// Finds everybody who is the same person as a member, where aliases are looked up one member at a time.
#[derive(Debug)]
pub struct Search {
    member: MemberId,
    aliases: Aliases,
    waiting: Vec<MemberId>,
    seen: Vec<MemberId>,
}

impl Search {
    /// Begins at a member.
    pub fn new(member: MemberId) -> Self {
        Self { member, aliases: Aliases::default(), waiting: vec![member], seen: vec![member] }
    }

    /// The member whose aliases are to be looked up next, in either direction; none when all are known. Ends by
    /// itself: of more members than a person can be, no further ones are looked at.
    pub fn ask(&mut self) -> Option<MemberId> {
        self.waiting.pop()
    }

    /// Takes note of an alias that was found.
    pub fn found(&mut self, member: MemberId, into: MemberId) {
        self.aliases.insert(member, into);
        for found in [member, into] {
            if !self.seen.contains(&found) && self.seen.len() < 2 * MEMBERS_MAX {
                self.seen.push(found);
                self.waiting.push(found);
            }
        }
    }

    /// Everybody that was found, the one under whose id the person is known first.
    pub fn group(&self) -> Vec<MemberId> {
        self.aliases.group(self.member)
    }
}

/// A person: one member, or several that were merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    parts: Vec<(MemberId, MemberState)>,
}

impl Person {
    /// The person of these members; the one under whose id it is known stands first.
    pub fn new(parts: Vec<(MemberId, MemberState)>) -> Self {
        Self { parts }
    }

    /// Every member that the person is, each with its own state.
    pub fn parts(&self) -> &[(MemberId, MemberState)] {
        &self.parts
    }

    /// Everything that is known of the person.
    pub fn state(&self) -> MemberState {
        let mut parts = self.parts.iter().map(|(_, state)| state);
        let Some(first) = parts.next() else { return MemberState::default() };
        let mut state = first.clone();
        parts.for_each(|other| state.absorb(other));
        if first.profile.is_some() {
            state.profile.clone_from(&first.profile);
        }
        state
    }

    /// The profile by which the person is called, with the member under whose key it is sealed: that of the member
    /// under whose id the person is known, or else the one that was written last.
    pub fn profile(&self) -> Option<(MemberId, &Sealed)> {
        let written = self.parts.iter().filter_map(|(id, state)| Some((*id, state.profile.as_ref()?)));
        let first = self.parts.first().map(|(id, _)| *id);
        let named = written.max_by_key(|(id, profile)| (Some(*id) == first, profile.at_ms(), profile.by()));
        named.map(|(id, profile)| (id, &profile.value))
    }
}

impl MemberState {
    /// Adds everything of another member: the same person. Sums add up, and of words the one that would have
    /// counted in one member's state counts here, so the order does not matter.
    pub fn absorb(&mut self, other: &Self) {
        self.joined = earlier(self.joined, other.joined);
        self.first_purchase = earlier(self.first_purchase, other.first_purchase);
        self.erased = earlier(self.erased, other.erased);
        self.newest = self.newest.max(other.newest);
        self.events += other.events;
        for (card, state) in &other.cards {
            self.cards.entry(*card).or_default().blocked |= state.blocked;
        }
        for (unit, purse) in &other.purses {
            self.purses.entry(unit.clone()).or_default().absorb(purse);
        }
        for (key, days) in &other.counters {
            add_all(self.counters.entry(key.clone()).or_default(), days);
        }
        self.counters.retain(|_, days| !days.is_empty());
        add_all(&mut self.visits, &other.visits);
        for (grant, events) in &other.grants {
            add_all(self.grants.entry(grant.clone()).or_default(), events);
        }
        self.grants.retain(|_, events| !events.is_empty());
        latest_all(&mut self.tags, &other.tags);
        latest_all(&mut self.consents, &other.consents);
        self.profile = Latest::later(self.profile.take(), other.profile.as_ref());
        self.birthday_week = Latest::later(self.birthday_week.take(), other.birthday_week.as_ref());
        self.merged = Latest::later(self.merged.take(), other.merged.as_ref());
        self.referrer = Latest::earlier(self.referrer.take(), other.referrer.as_ref());
    }
}

fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn add_all<K: Ord + Clone>(sums: &mut BTreeMap<K, i64>, others: &BTreeMap<K, i64>) {
    for (key, amount) in others {
        *sums.entry(key.clone()).or_default() += amount;
    }
    sums.retain(|_, sum| *sum != 0);
}

fn latest_all<K: Ord + Clone, T: Clone>(words: &mut BTreeMap<K, Latest<T>>, others: &BTreeMap<K, Latest<T>>) {
    for (key, other) in others {
        let later = Latest::later(words.remove(key), Some(other));
        words.extend(later.map(|later| (key.clone(), later)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(number: u8) -> MemberId {
        MemberId([number; 16])
    }

    fn aliases(pairs: &[(u8, u8)]) -> Aliases {
        let mut aliases = Aliases::default();
        pairs.iter().for_each(|(member, into)| aliases.insert(id(*member), id(*into)));
        aliases
    }

    #[test]
    fn a_chain_ends_at_its_last_member() {
        let aliases = aliases(&[(1, 2), (2, 3), (4, 3)]);
        assert_eq!([1, 2, 3, 4, 9].map(|member| aliases.root(id(member))), [3, 3, 3, 3, 9].map(id));
        assert_eq!(aliases.group(id(2)), [3, 1, 2, 4].map(id));
        assert_eq!(aliases.group(id(9)), [id(9)]);
    }

    #[test]
    fn members_merged_into_each_other_are_known_under_the_lowest_id() {
        let aliases = aliases(&[(5, 3), (3, 7), (7, 5), (8, 7), (1, 8)]);
        assert_eq!([1, 3, 5, 7, 8].map(|member| aliases.root(id(member))), [id(3); 5]);
        assert_eq!(aliases.group(id(8)), [3, 1, 5, 7, 8].map(id));
        assert_eq!(super::tests::aliases(&[(1, 1)]).root(id(1)), id(1));
    }

    proptest! {
        #[test]
        fn everybody_of_a_group_comes_to_the_same_group(pairs in prop::collection::vec((0_u8..12, 0_u8..12), 0..20)) {
            let aliases = aliases(&pairs);
            for member in (0..12).map(id) {
                let group = aliases.group(member);
                prop_assert_eq!(group[0], aliases.root(member));
                prop_assert!(group.contains(&member));
                for other in &group {
                    prop_assert_eq!(&aliases.group(*other), &group);
                }
            }
        }
    }
}

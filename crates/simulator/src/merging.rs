//! Members who are one person, and are two again: who is known under whom, by the words in the events alone.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::{EventRef, MemberId};
use stempel_terminal::TerminalError;

use crate::model::{Known, Model, Name, standing_rights};
use crate::stop::{OrStop, Result, broken, hold};
use crate::world::{World, asked};

/// When a right was given, by which event, and to which member.
type Given = (i64, EventRef, MemberId);

/// Who is known under whom.
#[derive(Debug, Clone, Default)]
pub struct Same {
    into: BTreeMap<MemberId, MemberId>,
    /// Since when, by the clock of the one who said it.
    since_ms: BTreeMap<MemberId, i64>,
}

impl Same {
    /// Everybody who is the same person as this member.
    pub fn parts(&self, member: MemberId) -> BTreeSet<MemberId> {
        let mut parts = BTreeSet::from([member]);
        loop {
            let before = parts.len();
            for (one, other) in &self.into {
                if parts.contains(one) || parts.contains(other) {
                    parts.extend([*one, *other]);
                }
            }
            if parts.len() == before {
                return parts;
            }
        }
    }

    /// Under whose id: the end of the chain, or the lowest of a circle.
    pub fn root(&self, member: MemberId) -> MemberId {
        let next = |at: MemberId| self.into.get(&at).copied();
        let mut at = member;
        // After as many steps as there are links one stands at the end, or within the circle.
        for _ in 0..self.into.len() {
            at = next(at).unwrap_or(at);
        }
        let (begin, mut lowest) = (at, at);
        while let Some(other) = next(at).filter(|other| *other != begin) {
            at = other;
            lowest = lowest.min(at);
        }
        lowest
    }

    /// Whether two members were not one yet at a moment, as far as their own words say.
    fn were_two(&self, one: MemberId, other: MemberId, at_ms: i64) -> bool {
        let since = |member| self.since_ms.get(&member).copied();
        one != other && since(one).max(since(other)).is_none_or(|since_ms| at_ms < since_ms)
    }
}

impl Model {
    /// Who is known under whom, by the last word about each in these events.
    pub fn same<'a>(&self, names: impl IntoIterator<Item = &'a Name>) -> Same {
        let mut words: BTreeMap<MemberId, (i64, EventRef, Option<MemberId>)> = BTreeMap::new();
        for known in names.into_iter().filter_map(|name| self.events.get(name)) {
            let (Some(member), Some(into)) = (known.member, known.into) else { continue };
            let word = (known.at_ms, known.place, into);
            let last = words.entry(member).or_insert(word);
            *last = word.max(*last);
        }
        let mut same = Same::default();
        for (member, (at_ms, _, into)) in words {
            if let Some(into) = into {
                same.into.insert(member, into);
                same.since_ms.insert(member, at_ms);
            }
        }
        same
    }

    /// Who is known under whom in one of the server's histories.
    pub fn same_in(&self, epoch: &str) -> Same {
        let Some(history) = self.histories.get(epoch) else { return Same::default() };
        let rows = self.merged.iter().filter_map(|member| history.of_member.get(member)).flatten();
        let stored = rows.filter_map(|place| history.rows.get(place)).filter(|stored| stored.counts);
        let names: Vec<Name> = stored.map(|stored| stored.name).collect();
        self.same(&names)
    }

    /// Rights that stand in one of the server's histories and should have been taken back: given a second time to the
    /// same member, or to another one of a person who was one by then.
    pub fn doubled_right(&self, epoch: &str) -> Option<String> {
        let rows = self.histories.get(epoch).map(|history| history.rows.values()).into_iter().flatten();
        let counting: Vec<&Known> =
            rows.filter(|stored| stored.counts).filter_map(|stored| self.events.get(&stored.name)).collect();
        let same = self.same_in(epoch);
        let mut stand: BTreeMap<(MemberId, &str), Vec<Given>> = BTreeMap::new();
        for (known, right) in standing_rights(&counting) {
            let Some(member) = known.member else { continue };
            let times = stand.entry((same.root(member), right)).or_default();
            times.push((known.at_ms, known.place, member));
        }
        stand.into_iter().find_map(|((person, right), mut times)| {
            times.sort_unstable();
            let doubled = times.iter().enumerate().any(|(index, (at_ms, _, member))| {
                times[..index].iter().any(|(_, _, other)| !same.were_two(*member, *other, *at_ms))
            });
            doubled.then(|| format!("the right {right} of {person} stands {} times", times.len()))
        })
    }
}

impl World {
    /// Everybody who is the same person as a member, by the events that a device can know of.
    pub fn parts(&self, at: usize, member: MemberId) -> Result<BTreeSet<MemberId>> {
        if self.model.merged.is_empty() {
            return Ok(BTreeSet::from([member]));
        }
        Ok(self.same_at(at)?.parts(member))
    }

    fn same_at(&self, at: usize) -> Result<Same> {
        let mut words = BTreeSet::new();
        for member in &self.model.merged {
            words.extend(self.visible_of(at, *member)?);
        }
        Ok(self.model.same(&words))
    }

    /// Holds that a device takes a member for the person that the events say.
    pub fn right_person(&self, at: usize, member: MemberId) -> Result<()> {
        let group = self.places[at].terminal()?.view().group(member).never("reading who is the same")?;
        let same = self.same_at(at)?;
        let (parts, root) = (same.parts(member), same.root(member));
        let here: BTreeSet<MemberId> = group.iter().copied().collect();
        hold(here == parts && group.first() == Some(&root), || {
            format!(
                "device {at} takes {member} for {group:?}; by the events it is {parts:?}, known as {root}"
            )
        })
    }

    /// Somebody finds that two cards are of the same person, at a device or at the server.
    pub fn merge(&mut self, at: usize, guest: usize, into: usize, server: bool, key: &str) -> Result<()> {
        let (Some(code), Some(into)) = (self.guest_code(guest), self.guest_code(into)) else { return Ok(()) };
        if server {
            let tenant = self.house.tenant;
            let merged = self.house.ask(async |server| server.member_merge(tenant, &code, &into).await);
            self.doubles.push(code);
            return self.said_at_server("merged at the server", merged.map(|_| ()));
        }
        let merged = self.places[at].acting()?.merge_members(&code, &into, &asked(key));
        self.doubles.push(code);
        self.said_here("merged", at, merged.map(|merged| merged.member))
    }

    /// Somebody finds that it was not so.
    pub fn unmerge(&mut self, at: usize, which: usize, server: bool, key: &str) -> Result<()> {
        let Some(code) = self.doubles.get(which).cloned() else { return Ok(()) };
        if server {
            let tenant = self.house.tenant;
            let parted = self.house.ask(async |server| server.member_unmerge(tenant, &code).await);
            return self.said_at_server("parted at the server", parted.map(|_| ()));
        }
        let parted = self.places[at].acting()?.unmerge_member(&code, &asked(key));
        self.said_here("parted", at, parted.map(|parted| parted.member))
    }

    fn said_here(
        &mut self,
        what: &'static str,
        at: usize,
        said: std::result::Result<MemberId, TerminalError>,
    ) -> Result<()> {
        match said {
            Ok(member) => {
                self.note(what);
                self.learn(at)?;
                self.look(at, member)
            }
            // The same member twice, nothing to part, a card that is nobody's yet, or somebody who is forgotten.
            Err(
                TerminalError::Input(_)
                | TerminalError::NotNow(_)
                | TerminalError::Unknown(_)
                | TerminalError::Blocked,
            ) => hold(self.learn(at)?.is_empty(), || "what was refused has written rows".into()),
            Err(_) if self.places[at].notes.heard_ms.is_none() => Ok(()),
            Err(error) => broken(format!("members cannot be {what}: {error}")),
        }
    }

    fn said_at_server(
        &mut self,
        what: &'static str,
        said: std::result::Result<(), stempel_server::Error>,
    ) -> Result<()> {
        match said {
            Ok(()) => self.note(what),
            Err(error)
                if ["merge", "not-merged", "member-unknown", "member-erased"].contains(&error.code()) => {}
            Err(error) => return broken(format!("members cannot be {what}: {error}")),
        }
        self.read_history()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(pairs: &[(u8, u8)]) -> Same {
        let id = |number| MemberId([number; 16]);
        Same { into: pairs.iter().map(|(one, other)| (id(*one), id(*other))).collect(), ..Same::default() }
    }

    #[test]
    fn chains_end_at_their_last_and_circles_at_their_lowest() {
        let id = |number| MemberId([number; 16]);
        let chain = same(&[(1, 2), (2, 9), (4, 9)]);
        assert_eq!([1, 2, 4, 9, 7].map(|member| chain.root(id(member))), [9, 9, 9, 9, 7].map(id));
        assert_eq!(chain.parts(id(4)), [1, 2, 4, 9].map(id).into());
        let circle = same(&[(5, 3), (3, 7), (7, 5), (8, 7)]);
        assert_eq!([3, 5, 7, 8].map(|member| circle.root(id(member))), [3; 4].map(id));
    }
}

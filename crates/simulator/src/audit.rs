//! What must be true, looked at while things happen and when all is quiet.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::Record;
use stempel_domain::member::Base;
use stempel_domain::{AuthorId, Event, EventRef, Fact, MemberId, Unit};
use stempel_wire::message::FeedChange;

use crate::model::{History, Name, Stored};
use crate::place::Seen;
use crate::stop::{OrStop, Result, broken, hold};
use crate::world::World;

impl World {
    /// What a person's balance at a device is made of: the events of every member that the person is.
    pub fn visible(&self, at: usize, member: MemberId) -> Result<BTreeSet<Name>> {
        let mut visible = BTreeSet::new();
        for part in self.parts(at, member)? {
            visible.append(&mut self.visible_of(at, part)?);
        }
        Ok(visible)
    }

    /// The events of one member that a device can know of, by the device's own account: what the server had confirmed
    /// when it said so, and what is known here and not in it.
    pub fn visible_of(&self, at: usize, member: MemberId) -> Result<BTreeSet<Name>> {
        let place = &self.places[at];
        let view = place.terminal()?.view();
        let base = view.base(member).never("reading a base")?.unwrap_or_default();
        let overlay = view.overlay(member).never("reading an overlay")?;
        let state = view.sync_state().never("reading how far sync is")?;
        let mut visible = BTreeSet::new();
        // How many of the folder's own rows have had their say already.
        let mut shown_with = 0;
        if base.includes.is_empty() && state.cursor < state.snapshot_until {
            // A new snapshot is on its way: what was shown before stands until it is here. Of a forked row that is the one
            // that was shown, also where the folder's own is another; what was written since is shown beside it.
            if let Some(seen) = place.notes.seen.get(&member) {
                visible.extend(&seen.names);
                shown_with = seen.rows;
            }
        }
        if let Some(history) = self.model.histories.get(&state.epoch) {
            let stored = history.of_member.get(&member).into_iter().flatten();
            let inside =
                stored.filter(|row| base.includes.get(&row.author).is_some_and(|seq| row.seq <= *seq));
            let rows = inside.filter_map(|row| history.rows.get(row));
            visible.extend(rows.filter(|stored| stored.counts).map(|stored| stored.name));
        }
        for effect in overlay {
            match place.own(effect.event) {
                Some(_) if effect.event.seq <= shown_with => false,
                Some(name) => visible.insert(name),
                None => {
                    return broken(format!(
                        "the overlay of device {at} holds {}, which is not its own",
                        effect.event
                    ));
                }
            };
        }
        Ok(visible)
    }

    /// Looks at one person at one device: nothing counts twice, nothing that was shown is lost.
    pub fn look(&mut self, at: usize, member: MemberId) -> Result<()> {
        self.learn(at)?;
        let visible = self.visible(at, member)?;
        let place = &self.places[at];
        let view = place.terminal()?.view();
        let Some(state) = view.member(member).never("reading a member")? else {
            return hold(visible.is_empty(), || format!("device {at} has lost member {member}"));
        };
        if !self.is_unclear(at)? {
            self.right_person(at, member)?;
            let day = state.newest.unwrap_or(stempel_domain::Day::MIN);
            let mut shown: BTreeMap<Unit, i64> = state.balances(day);
            shown.retain(|_, amount| *amount != 0);
            let sum = self.model.sum(&visible);
            hold(shown == sum, || {
                format!(
                    "device {at} shows {shown:?} for member {member}; the events that it knows come to {sum:?}"
                )
            })?;
            hold(state.events == visible.len() as u64, || {
                format!(
                    "device {at} counts {} events of member {member} and knows {}",
                    state.events,
                    visible.len()
                )
            })?;
        }
        let epoch = view.sync_state().never("reading how far sync is")?.epoch;
        let forked = self.is_forked(at)?
            || self.is_forked_in(at, &epoch)
            || self.is_forked_in(at, &place.notes.seen_epoch);
        if !forked {
            for part in self.parts(at, member)? {
                self.nothing_lost(at, part, &epoch)?;
            }
        }
        self.remember(at, member)
    }

    /// Holds that a device still shows what it wrote and what it has shown of one member.
    fn nothing_lost(&self, at: usize, member: MemberId, epoch: &str) -> Result<()> {
        let visible = self.visible_of(at, member)?;
        let notes = &self.places[at].notes;
        let of_member =
            |name: &&Name| self.model.events.get(*name).is_some_and(|known| known.member == Some(member));
        let mut own = notes.rows.iter().filter(of_member);
        let lost = |name: &&Name| self.counts_at(epoch, name) && !visible.contains(*name);
        let place = |name: &Name| self.model.events.get(name).map(|known| known.place);
        if let Some(lost) = own.find(lost) {
            let place = place(lost);
            return broken(format!("device {at} no longer shows its own event {place:?} of member {member}"));
        }
        if notes.seen_epoch != epoch {
            return Ok(());
        }
        match notes.seen.get(&member).into_iter().flat_map(|seen| &seen.names).find(lost) {
            Some(lost) => {
                let lost = place(lost);
                broken(format!("device {at} has shown event {lost:?} of member {member} and no longer does"))
            }
            None => Ok(()),
        }
    }

    fn seen_now(&self, at: usize, member: MemberId) -> Result<Seen> {
        let rows = self.places[at].notes.rows.len() as u64;
        Ok(Seen { names: self.visible_of(at, member)?, rows })
    }

    /// Notes what a device shows of a person now.
    fn remember(&mut self, at: usize, member: MemberId) -> Result<()> {
        let sync = self.places[at].terminal()?.view().sync_state().never("reading how far sync is")?;
        if self.places[at].notes.seen_epoch != sync.epoch && sync.cursor >= sync.snapshot_until {
            // What the server was set back from is no promise any more; what is own, is.
            let mut seen = BTreeMap::new();
            for member in self.members_at(at)? {
                seen.insert(member, self.seen_now(at, member)?);
            }
            let notes = &mut self.places[at].notes;
            (notes.seen_epoch, notes.seen) = (sync.epoch, seen);
        }
        for part in self.parts(at, member)? {
            let seen = self.seen_now(at, part)?;
            self.places[at].notes.seen.insert(part, seen);
        }
        self.places[at].notes.seen_unclear = self.is_unclear(at)?;
        Ok(())
    }

    /// Whether rows that were let through count at the server from a position of the feed on that this device may not
    /// have reached: what it shows is then neither with them nor without them for certain. While a new snapshot comes it
    /// shows what it did before.
    pub fn is_unclear(&self, at: usize) -> Result<bool> {
        let sync = self.places[at].terminal()?.view().sync_state().never("reading how far sync is")?;
        let history = self.model.histories.get(&sync.epoch);
        let released = history.is_some_and(|history| history.rows.values().any(|stored| stored.released));
        let head = self.house.epoch()?;
        let before = sync.cursor < sync.snapshot_until && self.places[at].notes.seen_unclear;
        Ok(before || released && (sync.epoch != head.0 || sync.cursor < head.1))
    }

    /// The members that a device knows, each for itself.
    fn members_at(&self, at: usize) -> Result<Vec<MemberId>> {
        let view = self.places[at].terminal()?.view();
        let mut persons = Vec::new();
        view.for_each_member(|member, _| persons.push(member)).never("reading members")?;
        let mut members = Vec::new();
        for person in persons {
            members.extend(view.group(person).never("reading who is the same")?);
        }
        Ok(members)
    }

    /// Whether an event counts in a history, as far as it stands there.
    fn counts_at(&self, epoch: &str, name: &Name) -> bool {
        let Some(known) = self.model.events.get(name) else { return false };
        let stored = self.model.histories.get(epoch).and_then(|history| history.rows.get(&known.place));
        stored.is_none_or(|stored| stored.counts || stored.name != *name)
    }

    /// Looks at every member that a device knows.
    pub fn look_at_all(&mut self, at: usize) -> Result<()> {
        self.members_at(at)?.into_iter().try_for_each(|member| self.look(at, member))
    }

    /// Holds that the journal of a folder is the one that was there before, row by row.
    pub fn whole_journal(&self, at: usize) -> Result<()> {
        let rows = self.own_rows(at)?;
        let known = &self.places[at].notes.rows;
        hold(rows.len() >= known.len(), || {
            format!("device {at} had {} rows and has {} after its power was gone", known.len(), rows.len())
        })?;
        let same = rows.iter().zip(known).all(|(row, known)| row.hash().0 == *known);
        hold(same, || format!("device {at} has other rows after its power was gone"))
    }

    /// Whether a folder has another row than the server under some number.
    pub fn is_forked(&self, at: usize) -> Result<bool> {
        let (epoch, _) = self.house.epoch()?;
        Ok(self.is_forked_in(at, &epoch))
    }

    /// Whether it had another row than the server in one of the server's histories: a device that has not heard yet that
    /// the server was set back shows what it had then.
    fn is_forked_in(&self, at: usize, epoch: &str) -> bool {
        let place = &self.places[at];
        let Some(history) = self.model.histories.get(epoch) else { return false };
        let other = |(index, name): (usize, &Name)| {
            let event = EventRef { author: place.device, seq: index as u64 + 1 };
            history.rows.get(&event).is_some_and(|stored| stored.name != *name)
        };
        place.notes.rows.iter().enumerate().any(other)
    }

    /// Whether the server has more of a folder's journal than the folder.
    pub fn is_behind(&self, at: usize) -> Result<bool> {
        let place = &self.places[at];
        let (epoch, _) = self.house.epoch()?;
        let held = self.model.histories.get(&epoch).and_then(|history| history.heads.get(&place.device));
        Ok(held.is_some_and(|held| *held > place.notes.rows.len() as u64))
    }

    /// Holds that the server has what a device now counts as held. Of a copy a person will hear.
    pub fn acknowledged(&self, at: usize) -> Result<()> {
        if self.is_forked(at)? { Ok(()) } else { self.not_silent(at) }
    }

    /// Holds that a device that went on without a word has nothing to say: what it counts as held is held.
    pub fn not_silent(&self, at: usize) -> Result<()> {
        let place = &self.places[at];
        let state = place.terminal()?.view().sync_state().never("reading how far sync is")?;
        let (epoch, _) = self.house.epoch()?;
        if state.epoch != epoch {
            return Ok(());
        }
        let Some(history) = self.model.histories.get(&epoch) else { return Ok(()) };
        for (index, name) in place.notes.rows.iter().enumerate().take(state.held as usize) {
            let event = EventRef { author: place.device, seq: index as u64 + 1 };
            match history.rows.get(&event) {
                Some(stored) if stored.name == *name => {}
                Some(_) => {
                    return broken(format!(
                        "device {at} counts {event} as held; the server has another row there"
                    ));
                }
                None => {
                    return broken(format!(
                        "device {at} counts {event} as held; the server does not have it"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Holds that a device has everything that stands in the feed up to its cursor: the feed skips nothing.
    pub fn audit_feed(&mut self, at: usize) -> Result<()> {
        let place = &self.places[at];
        let view = place.terminal()?.view();
        let state = view.sync_state().never("reading how far sync is")?;
        let (epoch, head) = self.house.epoch()?;
        if state.epoch != epoch {
            return Ok(());
        }
        hold(state.cursor <= head, || format!("device {at} has a cursor beyond the end of the feed"))?;
        for (member, position, text) in self.house.members(state.cursor)? {
            let there: Base = serde_json::from_str(&text).never("reading a member")?;
            let here = view.base(member).never("reading a base")?.unwrap_or_default();
            hold(here == there, || {
                format!(
                    "device {at} has followed the feed past {position} and has another state of member {member}"
                )
            })?;
        }
        for (position, text) in self.house.things(state.cursor)? {
            let change: FeedChange = serde_json::from_str(&text).never("reading a change")?;
            let here = match &change {
                FeedChange::Programme { reference, text, ended } => {
                    let row = view.programme(reference).never("reading a programme")?;
                    row.is_some_and(|row| row.text == *text && row.ended == *ended)
                }
                FeedChange::Device { certificate, revoked } => {
                    let known = view.device(certificate.device).never("reading a device")?;
                    known.is_some_and(|(known, gone)| known == *certificate && gone == *revoked)
                }
                FeedChange::CardRevoked { card } => {
                    view.card(*card).never("reading a card")?.is_some_and(|card| card.blocked)
                }
                FeedChange::Article(article) => view
                    .article(&article.sku)
                    .never("reading an article")?
                    .is_some_and(|known| known == *article),
                FeedChange::MemberErased { member } => {
                    view.member_keys(*member).never("reading keys")?.is_empty()
                }
                _ => true,
            };
            hold(here, || {
                format!("device {at} has followed the feed past {position} and does not have {change:?}")
            })?;
        }
        Ok(())
    }

    /// Reads what the server has taken since the last look.
    pub fn read_history(&mut self) -> Result<()> {
        let (epoch, _) = self.house.epoch()?;
        for (author, held) in self.house.heads()? {
            let known = self
                .model
                .histories
                .entry(epoch.clone())
                .or_default()
                .heads
                .get(&author)
                .copied()
                .unwrap_or(0);
            hold(held >= known, || {
                format!("the server had {known} rows of {author} and says that it has {held}")
            })?;
            if held > known {
                self.take_rows(&epoch, author, known, held)?;
            }
        }
        Ok(())
    }

    fn take_rows(&mut self, epoch: &str, author: AuthorId, after: u64, held: u64) -> Result<()> {
        let rows = self.house.rows_after(author, after)?;
        let dense = rows.iter().zip(after + 1..).all(|(row, seq)| row.seq == seq);
        hold(dense && rows.len() as u64 == held - after, || {
            format!("the server says that it has {author} up to {held}, and rows are missing")
        })?;
        for row in rows {
            let place = EventRef { author: row.author, seq: row.seq };
            let original = self.original(epoch, &row.bytes)?;
            let name = self.model.learn(&row.bytes, |_| original)?;
            hold(row.hash == name, || format!("the server has noted another hash for {place}"))?;
            let known = self.model.events.get(&name);
            hold(!row.counts || known.is_some_and(|known| !known.unread), || {
                format!("the server counts {place}, which it cannot read")
            })?;
            let member = known.and_then(|known| known.member);
            let history = self.model.histories.entry(epoch.to_owned()).or_default();
            history.rows.insert(place, Stored { name, counts: row.counts, released: false });
            if let Some(member) = member {
                history.of_member.entry(member).or_default().insert(place);
            }
            history.heads.insert(author, row.seq);
        }
        Ok(())
    }

    /// The event that a row takes back, if it takes one back.
    fn original(&self, epoch: &str, bytes: &[u8]) -> Result<Option<Name>> {
        let row = stempel_wire::Row::parse(bytes.to_vec()).never("reading a row")?;
        let Ok(Event { record: Record { fact: Fact::Reversal(fact), .. }, .. }) = row.event() else {
            return Ok(None);
        };
        let of = fact.of;
        let history = self.model.histories.get(epoch);
        Ok(history.and_then(|history| history.rows.get(&of)).map(|stored| stored.name))
    }

    /// Reads everything that the server has, and holds that nothing was changed or lost.
    pub fn read_all_history(&mut self) -> Result<()> {
        self.read_history()?;
        let (epoch, _) = self.house.epoch()?;
        for (author, held) in self.house.heads()? {
            let rows = self.house.rows_after(author, 0)?;
            hold(rows.len() as u64 == held, || {
                format!("the server says that it has {author} up to {held}, and has {} rows", rows.len())
            })?;
            for row in rows {
                let place = EventRef { author: row.author, seq: row.seq };
                let Some(stored) =
                    self.model.histories.get_mut(&epoch).and_then(|history| history.rows.get_mut(&place))
                else {
                    return broken(format!("the server has {place}, which came from nowhere"));
                };
                hold(row.hash == stored.name, || format!("{place} was overwritten at the server"))?;
                stored.released |= row.counts && !stored.counts;
                hold(row.counts || !stored.counts, || format!("{place} no longer counts at the server"))?;
                stored.counts = row.counts;
            }
        }
        Ok(())
    }

    /// What the server's events come to, for each member.
    fn sums(&self) -> Result<BTreeMap<MemberId, BTreeMap<Unit, i64>>> {
        let (epoch, _) = self.house.epoch()?;
        let Some(History { rows, of_member, .. }) = self.model.histories.get(&epoch) else {
            return Ok(BTreeMap::new());
        };
        let counting = |places: &BTreeSet<EventRef>| -> Vec<Name> {
            let stored = places.iter().filter_map(|place| rows.get(place));
            stored.filter(|stored| stored.counts).map(|stored| stored.name).collect()
        };
        Ok(of_member.iter().map(|(member, places)| (*member, self.model.sum(&counting(places)))).collect())
    }

    /// The same for each person, under the id that the person is known by.
    fn sums_of_persons(&self) -> Result<BTreeMap<MemberId, BTreeMap<Unit, i64>>> {
        let same = self.model.same_in(&self.house.epoch()?.0);
        let mut persons: BTreeMap<MemberId, BTreeMap<Unit, i64>> = BTreeMap::new();
        for (member, sums) in self.sums()? {
            let person = persons.entry(same.root(member)).or_default();
            for (unit, amount) in sums {
                *person.entry(unit).or_default() += amount;
            }
        }
        persons.values_mut().for_each(|sums| sums.retain(|_, amount| *amount != 0));
        Ok(persons)
    }

    /// Holds that every overdraft stands in the inbox, that nothing else does, and that what the programme forgives
    /// was forgiven.
    pub fn audit_inbox(&mut self) -> Result<()> {
        let tenant = self.house.tenant;
        let inbox = self.house.ask(async |server| server.inbox(tenant).await).never("reading the inbox")?;
        // Nobody cheats here: what the rules gave they give again.
        if let Some(case) = inbox.cases.iter().find(|case| case.kind == "judged-otherwise") {
            return broken(format!("an event is judged otherwise: {} {}", case.event, case.detail));
        }
        let cases = inbox.cases.into_iter().filter(|case| case.kind == "overdraft");
        let cases: BTreeSet<String> = cases.map(|case| case.subject).collect();
        let mut overdrafts = BTreeSet::new();
        for (member, sums) in self.sums_of_persons()? {
            for (unit, amount) in sums.into_iter().filter(|(_, amount)| *amount < 0) {
                hold(unit.name().starts_with("stamp:"), || {
                    format!("member {member} owes {amount} of {unit}, which the programme forgives")
                })?;
                overdrafts.insert(format!("{member}/{unit}"));
            }
        }
        let most = self.counts.entry("overdrafts at once, most").or_default();
        *most = (*most).max(overdrafts.len() as u64);
        hold(cases == overdrafts, || {
            format!("the inbox holds the overdrafts {cases:?}; by the events there are {overdrafts:?}")
        })
    }

    /// Whether nothing moves any more.
    pub fn is_quiet(&mut self) -> Result<bool> {
        Ok(self.late.is_empty() && self.unrest()?.is_empty())
    }

    /// What still moves, in words.
    pub fn unrest(&mut self) -> Result<String> {
        let (epoch, head) = self.house.epoch()?;
        let mut unrest = Vec::new();
        for (device, at) in self.desks.iter().enumerate() {
            let place = &self.places[*at];
            let terminal = place.terminal()?;
            let state = terminal.view().sync_state().never("reading how far sync is")?;
            let pending = terminal.pending().never("counting what waits")?;
            if state.epoch != epoch || state.cursor < head || pending > 0 || place.stuck.is_some() {
                let error = state.last_error.unwrap_or_default();
                let stuck = place.stuck;
                unrest.push(format!(
                    "device {device} at {} of {head}, {pending} rows wait, {stuck:?}, “{error}”",
                    state.cursor
                ));
            }
        }
        Ok(unrest.join("; "))
    }

    /// Looks at everything, when all is quiet.
    pub fn audit(&mut self) -> Result<()> {
        self.read_all_history()?;
        self.audit_inbox()?;
        let tenant = self.house.tenant;
        let report =
            self.house.ask(async |server| server.verify(tenant).await).never("verifying the server")?;
        hold(report.problems.is_empty(), || format!("the server finds: {}", report.problems.join("; ")))?;
        let (sums, persons) = (self.sums()?, self.sums_of_persons()?);
        let (epoch, head) = self.house.epoch()?;
        for (member, _, text) in self.house.members(head)? {
            let base: Base = serde_json::from_str(&text).never("reading a member")?;
            let mut there = base.state.balances(base.state.newest.unwrap_or(stempel_domain::Day::MIN));
            there.retain(|_, amount| *amount != 0);
            let sum = sums.get(&member).cloned().unwrap_or_default();
            hold(there == sum, || {
                format!("the server says {there:?} of member {member}; the events come to {sum:?}")
            })?;
        }
        if let Some(doubled) = self.model.doubled_right(&epoch) {
            return broken(doubled);
        }
        self.audit_forgotten(&epoch)?;
        for device in 0..self.desks.len() {
            self.audit_device(device, &epoch, &persons)?;
        }
        self.audit_names()
    }

    fn audit_device(
        &mut self,
        device: usize,
        epoch: &str,
        persons: &BTreeMap<MemberId, BTreeMap<Unit, i64>>,
    ) -> Result<()> {
        let at = self.desks[device];
        self.look_at_all(at)?;
        self.audit_feed(at)?;
        self.not_silent(at)?;
        let place = &self.places[at];
        let terminal = place.terminal()?;
        terminal.verify_journal().never("verifying a journal")?;
        self.whole_journal(at)?;
        let Some(history) = self.model.histories.get(epoch) else {
            return broken("the server has no history");
        };
        for done in &place.notes.done {
            let stored = history.rows.get(&done.event);
            hold(stored.is_some_and(|stored| stored.name == done.name && stored.counts), || {
                format!("{} was reported done at device {device} and is not with the server", done.event)
            })?;
        }
        let keys: BTreeSet<&str> = place.notes.done.iter().map(|done| done.key.as_str()).collect();
        hold(keys.len() == place.notes.done.len(), || "one key stands for two events".into())?;
        let mut members = BTreeMap::new();
        let newest = |state: stempel_domain::MemberState| {
            state.balances(state.newest.unwrap_or(stempel_domain::Day::MIN))
        };
        let view = terminal.view();
        view.for_each_member(|member, state| drop(members.insert(member, newest(state))))
            .never("reading members")?;
        for (member, mut shown) in members {
            shown.retain(|_, amount| *amount != 0);
            let sum = persons.get(&member).cloned().unwrap_or_default();
            hold(shown == sum, || {
                format!(
                    "device {device} shows {shown:?} for member {member}, the server's events come to {sum:?}"
                )
            })?;
        }
        for member in persons.keys() {
            hold(view.member(*member).is_ok_and(|state| state.is_some()), || {
                format!("device {device} does not know member {member}")
            })?;
        }
        Ok(())
    }

    /// Holds that every device opens the same name for a member.
    fn audit_names(&self) -> Result<()> {
        let mut names: BTreeMap<MemberId, (usize, Option<String>)> = BTreeMap::new();
        for (device, at) in self.desks.iter().enumerate() {
            let view = self.places[*at].terminal()?.view();
            for member in self.members_at(*at)? {
                let name = view.profile(member).never("opening a name")?.map(|profile| profile.name);
                let (first, known) = names.entry(member).or_insert((device, name.clone()));
                hold(*known == name, || {
                    format!("device {first} calls member {member} {known:?}, device {device} {name:?}")
                })?;
            }
        }
        Ok(())
    }

    /// A hash over all journals and feeds: the same for the same seed.
    pub fn digest(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for name in self.places.iter().flat_map(|place| &place.notes.rows) {
            hasher.update(name);
        }
        let (epoch, head) = self.house.epoch()?;
        hasher.update(epoch.as_bytes());
        for (author, _) in self.house.heads()? {
            for row in self.house.rows_after(author, 0)? {
                hasher.update(&row.bytes);
            }
        }
        for (_, position, text) in self.house.members(head)? {
            hasher.update(&position.to_be_bytes());
            hasher.update(text.as_bytes());
        }
        for (position, text) in self.house.things(head)? {
            hasher.update(&position.to_be_bytes());
            hasher.update(text.as_bytes());
        }
        Ok(hasher.finalize().to_hex().as_str()[..32].to_owned())
    }
}

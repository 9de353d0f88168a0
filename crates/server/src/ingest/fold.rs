//! What events do to members: each member of a batch is loaded once, folded, settled and written once, at one
//! new position of the feed.

use std::collections::{BTreeMap, BTreeSet};

use stempel_domain::event::Event;
use stempel_domain::member::{Base, MemberState, effect_of};
use stempel_domain::{Day, EventRef, MemberId, Unit};

use super::book::{Arrival, Booking};
use crate::cases::{self, Case};
use crate::db::{Row, Tx, Value, values};
use crate::error::Result;
use crate::people::{self, group};
use crate::tenant::Tenant;
use crate::vault::StoredKey;
use crate::{grants, jobs};

/// Keys kept for one member. A member has one, or two around a change; more would be a fault or mischief.
const KEYS_MAX: usize = 8;
/// A state whose newest day is further ahead than this is not settled: one device with a clock in the far
/// future must not make a member's units expire.
const AHEAD_DAYS_MAX: i32 = 2;

/// A member while its events are folded.
#[derive(Default)]
struct Member {
    base: Base,
    /// The last event of this batch about it.
    last: Option<EventRef>,
    overdrawn_before: BTreeMap<Unit, i64>,
}

/// Members as they are stored.
pub(super) struct Stored {
    rows: Vec<Row>,
    today: Day,
}

/// Members into which a batch was folded.
pub(super) struct Folded(BTreeMap<MemberId, Member>);

/// Stores keys, and fetches the members that the rows of a batch are about.
pub(super) async fn fetch(
    tx: &mut Tx,
    tenant: &Tenant,
    booking: Booking,
    arrivals: &[Arrival],
    keys: &[StoredKey],
) -> Result<Stored> {
    let mut members = store_keys(tx, tenant, keys).await?;
    members.extend(arrivals.iter().filter_map(|arrival| arrival.judged.member));
    load(tx, tenant, booking.today, members).await
}

/// Folds the rows of a batch into their members. Asks nothing of the database, so that it can be done beside it.
pub(super) fn fold(stored: &Stored, arrivals: &[Arrival]) -> Result<Folded> {
    let mut members = stored.members()?;
    for arrival in arrivals {
        let Some(id) = arrival.judged.member else { continue };
        let member = members.entry(id).or_default();
        if let Some((_, effect)) = arrival.counting().and_then(effect_of) {
            member.base.state.apply(&effect);
        }
        // Rows without effect are included too, so that the device drops what it had added for them.
        let reference = arrival.row.reference();
        member.base.includes.insert(reference.author, reference.seq);
        member.last = Some(reference);
    }
    Ok(Folded(members))
}

/// Adds the effects of events whose rows are here already and had no effect so far.
pub(super) async fn let_through(
    tx: &mut Tx,
    tenant: &mut Tenant,
    booking: Booking,
    events: &[Event],
) -> Result<()> {
    let named = events.iter().filter_map(|event| event.record.fact.member()).collect();
    let mut members = load(tx, tenant, booking.today, named).await?.members()?;
    for event in events {
        let Some((id, effect)) = effect_of(event) else { continue };
        let member = members.entry(id).or_default();
        member.base.state.apply(&effect);
        let included = member.base.includes.entry(event.author).or_default();
        *included = event.seq.max(*included);
        member.last = Some(event.reference());
    }
    write(tx, tenant, booking, Folded(members)).await
}

/// Folds a member's events anew, as they were folded when they arrived.
pub(crate) fn refold<'a>(events: impl IntoIterator<Item = &'a Event>) -> MemberState {
    let mut state = MemberState::default();
    for (_, effect) in events.into_iter().filter_map(effect_of) {
        state.apply(&effect);
    }
    state
}

async fn load(tx: &mut Tx, tenant: &Tenant, today: Day, ids: BTreeSet<MemberId>) -> Result<Stored> {
    let keys = ids.into_iter().map(Value::from).collect();
    let sql = "SELECT member, base FROM member WHERE tenant = $1 AND member";
    Ok(Stored { rows: tx.rows_in(sql, values![tenant.id], keys).await?, today })
}

impl Stored {
    fn members(&self) -> Result<BTreeMap<MemberId, Member>> {
        let read = |row: &Row| {
            let base: Base = serde_json::from_str(&row.text(1)?)?;
            let overdrawn_before = overdrafts(&base.state, self.today);
            Ok((row.id(0)?, Member { base, last: None, overdrawn_before }))
        };
        self.rows.iter().map(read).collect()
    }
}

fn overdrafts(state: &MemberState, today: Day) -> BTreeMap<Unit, i64> {
    state.overdrafts(state.newest.map_or(today, |newest| newest.max(today)))
}

/// Settles the members, writes each once, and opens and closes cases.
pub(super) async fn write(
    tx: &mut Tx,
    tenant: &mut Tenant,
    booking: Booking,
    Folded(members): Folded,
) -> Result<()> {
    let mut persons = Vec::new();
    for (id, member) in &members {
        let Some(merged) = &member.base.state.merged else { continue };
        let before = group::index(tx, tenant.id, *id, merged.value).await?;
        // Whoever it was one with until now is looked at too.
        persons.extend(before.filter(|before| Some(*before) != merged.value).zip(member.last));
    }
    let merged = group::merged(tx, tenant.id, members.keys().copied()).await?;
    let mut rows = Vec::with_capacity(members.len() * 4);
    let mut erased = Vec::new();
    for (id, mut member) in members {
        let state = &mut member.base.state;
        // What one member of a person spent may draw on what another one earned: they are added up day by day.
        let alone = !merged.contains(&id);
        if alone && state.newest.is_some_and(|newest| newest <= booking.today.plus_days(AHEAD_DAYS_MAX)) {
            state.settle();
        }
        erased.extend(state.erased.map(|_| id));
        let position = tenant.next_position();
        rows.extend(values![tenant.id, id, position, serde_json::to_string(&member.base)?]);
        // Who was merged or stands alone again just now is looked at anew.
        if alone && member.base.state.merged.is_none() {
            watch_overdraft(tx, tenant, booking, id, &member).await?;
        } else {
            persons.extend(member.last.map(|event| (id, event)));
        }
        if member.base.state.doubled_grants().next().is_some() {
            jobs::put(tx, tenant.id, jobs::Kind::Grants, &id.0, booking.now_ms).await?;
        }
    }
    tx.insert_all(
        "INSERT INTO member (tenant, member, position, base)",
        "ON CONFLICT (tenant, member) DO UPDATE SET position = excluded.position, base = excluded.base",
        4,
        rows,
    )
    .await?;
    for member in erased {
        people::carry_out(tx, tenant, member, booking.now_ms).await?;
    }
    for (member, event) in persons {
        watch_person(tx, tenant, booking, member, event).await?;
    }
    Ok(())
}

/// Opens and closes the overdrafts of a person that is, or was until now, several members.
async fn watch_person(
    tx: &mut Tx,
    tenant: &Tenant,
    booking: Booking,
    member: MemberId,
    event: EventRef,
) -> Result<()> {
    let Some(person) = group::person(tx, tenant.id, member).await? else { return Ok(()) };
    let state = person.state();
    let overdrawn = overdrafts(&state, booking.today);
    let Some((root, _)) = person.parts().first() else { return Ok(()) };
    if person.parts().len() > 1 && grants::may_be_doubled(&person) {
        jobs::put(tx, tenant.id, jobs::Kind::Grants, &root.0, booking.now_ms).await?;
    }
    // Also of units of which the one that the person is known under, or was, has none itself.
    let stands: BTreeSet<String> = overdrawn.keys().map(|unit| format!("{root}/{unit}")).collect();
    let members = person.parts().iter().map(|(id, _)| *id);
    for subject in cases::open_of(tx, tenant.id, "overdraft", members).await? {
        if !stands.contains(&subject) {
            cases::close(tx, tenant.id, booking.now_ms, "overdraft", &subject).await?;
        }
    }
    for (unit, amount) in &overdrawn {
        cases::open(tx, tenant.id, booking.now_ms, overdraft(*root, unit, *amount, event)).await?;
    }
    Ok(())
}

/// Opens a case when a unit falls below zero, closes it when it is back.
async fn watch_overdraft(
    tx: &mut Tx,
    tenant: &Tenant,
    booking: Booking,
    id: MemberId,
    member: &Member,
) -> Result<()> {
    let overdrawn = overdrafts(&member.base.state, booking.today);
    for unit in member.overdrawn_before.keys().filter(|unit| !overdrawn.contains_key(*unit)) {
        cases::close(tx, tenant.id, booking.now_ms, "overdraft", &format!("{id}/{unit}")).await?;
    }
    let Some(event) = member.last else { return Ok(()) };
    for (unit, amount) in overdrawn.iter().filter(|(unit, _)| !member.overdrawn_before.contains_key(*unit)) {
        cases::open(tx, tenant.id, booking.now_ms, overdraft(id, unit, *amount, event)).await?;
    }
    Ok(())
}

fn overdraft(id: MemberId, unit: &Unit, amount: i64, event: EventRef) -> Case {
    let detail = format!(
        "Member {id} was given {} {} more than there were: two devices gave the same while they could not know of \
         each other.",
        unit.format(amount),
        unit.name()
    );
    Case { kind: "overdraft", subject: format!("{id}/{unit}"), member: Some(id), event, detail }
}

/// Stores keys that are new and says whose they are.
async fn store_keys(tx: &mut Tx, tenant: &Tenant, keys: &[StoredKey]) -> Result<BTreeSet<MemberId>> {
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let owners: BTreeSet<MemberId> = keys.iter().map(|key| key.member).collect();
    let sql = "SELECT member, key_id FROM member_key WHERE tenant = $1 AND member";
    let mut known: BTreeMap<MemberId, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for row in tx.rows_in(sql, values![tenant.id], owners.into_iter().map(Value::from).collect()).await? {
        known.entry(row.id(0)?).or_default().insert(row.bytes(1)?);
    }
    let (mut rows, mut changed) = (Vec::new(), BTreeSet::new());
    for StoredKey { member, id, secret } in keys {
        let known = known.entry(*member).or_default();
        let id = id.to_vec();
        if known.contains(&id) {
            continue;
        }
        if known.len() >= KEYS_MAX {
            tracing::warn!(tenant = %tenant.id, %member, "a member has too many keys; a further one was left out");
            continue;
        }
        rows.extend(values![tenant.id, *member, id.clone(), secret.clone()]);
        known.insert(id);
        changed.insert(*member);
    }
    tx.insert_all("INSERT INTO member_key (tenant, member, key_id, secret)", "", 4, rows).await?;
    Ok(changed)
}

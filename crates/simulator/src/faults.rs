//! Where the planted faults of the network do their work. Without a planted fault nothing here changes anything.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::to_raw_value;
use stempel_domain::MemberId;
use stempel_sync::SyncError;
use stempel_wire::message::{FeedChange, FeedItem, FeedPage, PushAnswer};
use stempel_wire::{Row, frame};

use crate::planted::Planted;
use crate::stop::{OrStop, Result};
use crate::world::{Shared, World};

/// The members that a page tells of.
pub fn members_of(page: &FeedPage) -> BTreeSet<MemberId> {
    let member = |item: &FeedItem| match item.read() {
        Some(FeedChange::Member { member, .. }) => Some(member),
        _ => None,
    };
    page.changes.iter().filter_map(member).collect()
}

/// The answer of a server that says of everything that it holds it.
pub fn all_held(shared: &Shared, place: usize) -> PushAnswer {
    let world = shared.borrow();
    let place = &world.places[place];
    let epoch = world.house.epoch().map(|(epoch, _)| epoch).unwrap_or_default();
    PushAnswer {
        epoch,
        held: [(place.device, place.notes.rows.len() as u64)].into(),
        ..PushAnswer::default()
    }
}

/// What comes instead of a push, if a fault is planted there.
pub fn instead_of_push(
    shared: &Shared,
    place: usize,
    body: &[u8],
) -> Option<std::result::Result<PushAnswer, SyncError>> {
    let planted = shared.borrow().options.planted?;
    match planted {
        Planted::AckWithoutData => Some(Ok(all_held(shared, place))),
        Planted::BadRowBlocks => {
            let frames = frame::split(body).ok()?;
            let kind = |frame: &&[u8]| Row::parse(frame.to_vec()).ok()?.kind();
            let bad = frames.iter().skip(1).any(|frame| kind(frame).as_deref() == Some("reversal"));
            bad.then_some(Err(SyncError::Busy))
        }
        Planted::GapAnswered => {
            let count = frame::split(body).ok()?.len();
            (count > 3).then(|| Ok(all_held(shared, place)))
        }
        _ => None,
    }
}

/// Changes the answer to a push, if a fault is planted there.
pub fn after_push(shared: &Shared, place: usize, answer: &mut PushAnswer) -> Result<()> {
    let planted = shared.borrow().options.planted;
    let offered = std::mem::take(&mut answer.quarantined);
    match planted {
        Some(Planted::OtherBodyIgnored) if !offered.is_empty() => {
            *answer = all_held(shared, place);
            return Ok(());
        }
        Some(Planted::OtherBodyWins) if !offered.is_empty() => overwrite(&mut shared.borrow_mut(), place)?,
        _ => {}
    }
    answer.quarantined = offered;
    Ok(())
}

/// Puts the device's rows in the place of those that the server has.
fn overwrite(world: &mut World, place: usize) -> Result<()> {
    let (device, rows) = (world.places[place].device, world.own_rows(place)?);
    let connection = world.house.beside()?;
    for row in rows {
        let done = connection.execute(
            "UPDATE event SET hash = ?3, bytes = ?4 WHERE author = ?1 AND seq = ?2",
            (device.0, row.seq(), row.hash().0, row.bytes()),
        );
        done.machine("planting a fault")?;
    }
    Ok(())
}

/// Changes a page of the feed, if a fault is planted there.
pub fn in_page(shared: &Shared, place: usize, after: u64, page: &mut FeedPage) -> Result<()> {
    let Some(planted) = shared.borrow().options.planted else { return Ok(()) };
    let device = shared.borrow().places[place].device.to_string();
    match planted {
        Planted::LateCommit if page.changes.len() > 1 => {
            page.changes.remove(page.changes.len() / 2);
        }
        Planted::SnapshotLateMark if after == 0 && page.next < page.head => page.next = page.head,
        Planted::RenamedChange => rewrite(page, |change| {
            if let Some(member) = change.as_object_mut().and_then(|change| change.remove("member")) {
                *change = serde_json::json!({ "member-2": member });
            }
        })?,
        Planted::MergeLost => rewrite(page, |change| {
            if let Some(state) = change.pointer_mut("/member/base/state").and_then(Value::as_object_mut) {
                state.remove("merged");
            }
        })?,
        Planted::ErasureLost => {
            page.changes.retain(|item| !matches!(item.read(), Some(FeedChange::MemberErased { .. })));
            rewrite(page, |change| {
                if let Some(state) = change.pointer_mut("/member/base/state").and_then(Value::as_object_mut) {
                    state.remove("erased");
                }
            })?;
        }
        Planted::NameKeyLost => rewrite(page, |change| {
            if let Some(member) = change.pointer_mut("/member").and_then(Value::as_object_mut) {
                member.remove("keys");
            }
        })?,
        Planted::IncludesForgotten => rewrite(page, |change| {
            if let Some(includes) = change.pointer_mut("/member/base/includes").and_then(Value::as_object_mut)
            {
                includes.remove(&device);
            }
        })?,
        Planted::IncludesTooMuch => rewrite(page, |change| {
            if let Some(seq) = change.pointer_mut(&format!("/member/base/includes/{device}")) {
                *seq = Value::from(seq.as_u64().unwrap_or(0) + 2);
            }
        })?,
        Planted::AmountChanged => rewrite(page, |change| {
            let lots = change.pointer_mut("/member/base/state/purses/stamp:coffee/lots");
            for lot in lots.and_then(Value::as_array_mut).into_iter().flatten().take(1) {
                lot["amount"] = Value::from(lot["amount"].as_i64().unwrap_or(0) + 1);
            }
        })?,
        Planted::CapChanged => rewrite(page, |change| {
            if let Some(text) = change.pointer_mut("/programme/text") {
                *text = Value::from(
                    text.as_str().unwrap_or_default().replace("\"cap\":{\"day\":", "\"cap\":{\"week\":"),
                );
            }
        })?,
        _ => {}
    }
    Ok(())
}

fn rewrite(page: &mut FeedPage, change: impl Fn(&mut Value)) -> Result<()> {
    for item in &mut page.changes {
        let mut value: Value = serde_json::from_str(item.change.get()).machine("planting a fault")?;
        change(&mut value);
        item.change = to_raw_value(&value).machine("planting a fault")?;
    }
    Ok(())
}

//! What is said when a balance is reached.

use crate::member::MemberFacts;
use crate::programme::{Message, Published, Text};
use crate::rules::codes;
use crate::rules::outcome::TraceStep;
use crate::rules::scope::Reason;
use crate::unit::Unit;

/// The message for the highest balance that an order reaches from below; lower ones stay unsaid.
pub(super) fn reached(
    published: &Published,
    member: &MemberFacts,
    moves: &[(Unit, i64)],
) -> Option<TraceStep> {
    let programme = &published.programme;
    let unit = programme.unit();
    let before = member.balance(unit);
    let moved = moves.iter().find(|(moved, _)| moved == unit).map_or(0, |(_, amount)| *amount);
    let after = before.saturating_add(moved);
    let crossed = |message: &&Message| {
        let at = message.at.at_scale(unit.scale());
        before < at && at <= after
    };
    let message = programme.spec().message.iter().filter(crossed).max_by_key(|message| message.at)?;
    let mut reason = Reason::new(codes::MESSAGE)
        .with("at", message.at)
        .with("unit", unit.name())
        .with("text", message.text.get("en"));
    if let Text::Languages(_) = &message.text {
        reason = reason.with("de", message.text.get("de")).with("en", message.text.get("en"));
    }
    Some(reason.of(programme.id(), None))
}

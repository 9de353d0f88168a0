//! A member as the command line shows one.

use serde_json::{Value, json};
use stempel_domain::CardNumber;
use stempel_domain::event::{ConsentKind, ConsentPlace};
use stempel_domain::rules::ChallengeStanding;
use stempel_terminal::look::{Held, MemberLook, TierLook};
use stempel_terminal::people::Merged;
use stempel_wire::export::{ConsentSaid, Export};

use super::{Answer, Failure};

use crate::words;

/// A member for people and for scripts.
pub(super) fn describe(look: &MemberLook) -> (String, Value) {
    let name = look.profile.as_ref().map(|profile| profile.name.clone());
    let cards: Vec<_> = look
        .cards
        .iter()
        .map(|(number, blocked)| json!({"number": number.to_string(), "blocked": blocked}))
        .collect();
    let json = json!({
        "member": look.member, "name": name, "balances": words::amounts(&look.balances), "cards": cards,
        "new": look.new_card, "tags": look.tags, "birthday": look.birthday, "referrer": look.referrer,
        "challenges": look.challenges.iter().map(challenge).collect::<Vec<_>>(),
        "tiers": look.tiers.iter().map(tier).collect::<Vec<_>>(),
        "memberships": look.memberships.iter().map(held).collect::<Vec<_>>(),
        "badges": look.badges.iter().map(held).collect::<Vec<_>>(),
        "vouchers": look.vouchers.iter().map(held).collect::<Vec<_>>(),
        "merged": look.merged, "consents": look.consents, "erased": look.erased,
    });
    (text(look, name.as_deref()), json)
}

/// What was agreed to, in one line.
pub(super) fn consent_line(said: &[ConsentSaid]) -> String {
    let each = said.iter().map(|said| {
        let name = said.consent.name();
        if said.given { format!("{name} (terms {})", said.terms) } else { format!("not {name}") }
    });
    format!("Agreed to: {}", each.collect::<Vec<_>>().join(", "))
}

/// A merge or its undo.
pub(super) fn merged_answer(merged: &Merged) -> Answer {
    let json = json!({"member": merged.member, "into": merged.into, "event": merged.event});
    let text = if merged.member == merged.into && merged.event.is_some() {
        format!("Member {} stands for itself again.", merged.member)
    } else {
        format!("Both are known as {} from now on.", merged.into)
    };
    Answer::one(text, json)
}

/// The document as people keep it, and as scripts read it.
pub(super) fn export_answer(export: &Export) -> Result<Answer, Failure> {
    let json = serde_json::to_value(export).map_err(Failure::machine)?;
    Ok(Answer::one(serde_json::to_string_pretty(&json).map_err(Failure::machine)?, json))
}

/// Reads what is agreed to, and where.
pub(super) fn consent_of(kind: Option<String>, place: &str) -> Result<(ConsentKind, ConsentPlace), Failure> {
    let kind = serde_json::from_value(json!(kind)).map_err(Failure::usage)?;
    Ok((kind, serde_json::from_value(json!(place)).map_err(Failure::usage)?))
}

fn text(look: &MemberLook, name: Option<&str>) -> String {
    let numbered = |(number, blocked): &(CardNumber, bool)| {
        if *blocked { format!("{number} (blocked)") } else { number.to_string() }
    };
    let numbers: Vec<String> = look.cards.iter().map(numbered).collect();
    let mut lines = vec![
        format!(
            "{}  card {}",
            name.unwrap_or("without a name"),
            if numbers.is_empty() { "new".into() } else { numbers.join(", ") },
        ),
        words::balances_line(&look.balances),
    ];
    if let Some(day) = look.erased {
        lines.push(format!("Forgotten on {day}."));
    }
    if !look.merged.is_empty() {
        let ids: Vec<String> = look.merged.iter().map(ToString::to_string).collect();
        lines.push(format!("Also known as: {}", ids.join(", ")));
    }
    if !look.consents.is_empty() {
        lines.push(consent_line(&look.consents));
    }
    if look.birthday {
        lines.push("It is the week of the birthday.".to_owned());
    }
    if !look.tags.is_empty() {
        lines.push(format!("Tags: {}", look.tags.join(", ")));
    }
    for standing in &look.tiers {
        lines.push(format!("Tier ({}): {}", standing.programme, standing.en));
    }
    for held in &look.memberships {
        lines.push(format!("Member of {}{}", held.name, until(held)));
    }
    for standing in &look.challenges {
        lines.push(format!("Challenge {}: {}", challenge_name(standing), challenge_line(standing)));
    }
    if !look.badges.is_empty() {
        let names: Vec<&str> = look.badges.iter().map(|held| held.name.as_str()).collect();
        lines.push(format!("Badges: {}", names.join(", ")));
    }
    for held in &look.vouchers {
        lines.push(format!("{} × voucher {}{}", held.amount, held.name, until(held)));
    }
    lines.join("\n")
}

fn until(held: &Held) -> String {
    held.last.map_or_else(String::new, |last| format!(", until {last}"))
}

fn held(held: &Held) -> Value {
    json!({"name": held.name, "amount": held.amount.to_string(), "last_day": held.last})
}

fn challenge_name(standing: &ChallengeStanding) -> String {
    let name = standing.name.as_ref().map(|name| name.get(words::language().code()).to_owned());
    name.unwrap_or_else(|| standing.challenge.clone())
}

fn challenge_line(standing: &ChallengeStanding) -> String {
    let mut parts: Vec<String> =
        standing.goals.iter().map(|(done, target)| format!("{done} of {target}")).collect();
    if let Some((row, length)) = standing.streak {
        parts.push(format!("{row} of {length} in a row"));
    }
    if standing.reached {
        parts.push("reached".to_owned());
    }
    parts.join(", ")
}

fn challenge(standing: &ChallengeStanding) -> Value {
    let goals: Vec<_> =
        standing.goals.iter().map(|(done, target)| json!({"done": done, "target": target})).collect();
    json!({
        "programme": standing.programme.id, "challenge": standing.challenge, "name": challenge_name(standing),
        "goals": goals, "reached": standing.reached,
        "streak": standing.streak.map(|(row, length)| json!({"done": row, "target": length})),
    })
}

fn tier(standing: &TierLook) -> Value {
    let next = standing.next.as_ref();
    json!({
        "programme": standing.programme, "tier": standing.tier, "counted": standing.counted,
        "kept_until": standing.kept_until, "next": next.map(|(next, _)| next),
        "missing": next.map(|(_, missing)| missing), "de": standing.de, "en": standing.en,
    })
}

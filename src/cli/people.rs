//! What is done about a member's personal data at the server.

use serde_json::{Value, json};
use stempel_domain::TenantId;
use stempel_domain::event::ErasureReason;
use stempel_server::Server;
use stempel_server::people::NewConsent;

use super::admin::{failure, list};
use super::args::{AdminMember, Person};
use super::member::{consent_line, consent_of, export_answer};
use super::{Answer, Failure};

pub(super) async fn of_member(
    server: &Server,
    tenant: TenantId,
    command: &AdminMember,
) -> Result<Answer, Failure> {
    match command {
        AdminMember::Person(command) => of_person(server, tenant, command).await,
        AdminMember::Erasures => {
            let erasures = server.erasures(tenant).await.map_err(failure)?;
            let lines = erasures.iter().map(|erasure| {
                let devices: Vec<&str> = erasure.waiting.iter().map(|holder| &holder.name[..]).collect();
                let open = match devices.is_empty() {
                    true => "every device has dropped its key".to_owned(),
                    false => format!("still held by {}", devices.join(", ")),
                };
                Ok((
                    format!("{}: {open}", erasure.member),
                    serde_json::to_value(erasure).map_err(Failure::machine)?,
                ))
            });
            Ok(Answer::lines(lines.collect::<Result<Vec<_>, Failure>>()?))
        }
        AdminMember::Show { code } => {
            let member = server.member_find(tenant, code).await.map_err(failure)?;
            let balances: Value = member
                .balances
                .iter()
                .map(|(unit, amount)| (unit.name().to_owned(), json!(amount)))
                .collect();
            let json = json!({
                "member": member.member, "merged": member.merged, "name": member.name, "balances": balances,
                "numbers": member.numbers, "consents": member.consents, "erased": member.erased,
                "events": member.events,
            });
            Ok(Answer::one(json.to_string(), json))
        }
        AdminMember::Why { code } => list(&server.why(tenant, code).await.map_err(failure)?),
    }
}

async fn of_person(server: &Server, tenant: TenantId, command: &Person) -> Result<Answer, Failure> {
    match command {
        Person::Merge { code, into } => {
            let merged = server.member_merge(tenant, code, into).await.map_err(failure)?;
            let text = format!("Both are known as {} from now on, on every device.", merged.into);
            Ok(Answer::one(text, serde_json::to_value(merged).map_err(Failure::machine)?))
        }
        Person::Unmerge { code } => {
            let merged = server.member_unmerge(tenant, code).await.map_err(failure)?;
            let text = format!("Member {} stands for itself again.", merged.member);
            Ok(Answer::one(text, serde_json::to_value(merged).map_err(Failure::machine)?))
        }
        Person::Consent { code, give, withdraw, terms, place } => {
            let (consent, place) =
                consent_of(give.clone().or(withdraw.clone()), place.as_deref().unwrap_or("paper"))?;
            let new = NewConsent { consent, given: give.is_some(), terms: terms.clone(), place };
            let said = server.member_consent(tenant, code, &new).await.map_err(failure)?;
            Ok(Answer::one(consent_line(&said), json!({ "consents": said })))
        }
        Person::Export { code } => export_answer(&server.member_export(tenant, code).await.map_err(failure)?),
        Person::Erase { code } => {
            let erased = server.member_erase(tenant, code, ErasureReason::Asked).await.map_err(failure)?;
            let mut text = "The member is forgotten here.".to_owned();
            for holder in &erased.waiting {
                let how = if holder.revoked {
                    "was signed out; destroy what it holds"
                } else {
                    "has not said yet that its key is gone"
                };
                text.push_str(&format!("\n- {} ({}) {how}.", holder.name, holder.device));
            }
            Ok(Answer::one(text, serde_json::to_value(erased).map_err(Failure::machine)?))
        }
    }
}

/// The rule by which members are forgotten who were not seen for long.
pub(super) async fn retention(
    server: &Server,
    tenant: TenantId,
    months: Option<u16>,
    off: bool,
    dry_run: bool,
) -> Result<Answer, Failure> {
    if dry_run {
        let months = match months {
            Some(months) => Some(months),
            None => server.retention(tenant).await.map_err(failure)?,
        };
        let months = months.ok_or_else(|| Failure::usage("there is no rule; say --months as well"))?;
        let due = server.retention_due(tenant, months).await.map_err(failure)?;
        let lines = due.iter().map(|due| {
            let seen = due.seen.map_or_else(|| "never".to_owned(), |day| day.to_string());
            let stays = if due.owed { ", stays: there is money on the card" } else { "" };
            Ok((
                format!("{} last seen {seen}{stays}", due.member),
                serde_json::to_value(due).map_err(Failure::machine)?,
            ))
        });
        return Ok(Answer::lines(lines.collect::<Result<Vec<_>, Failure>>()?));
    }
    if months.is_some() || off {
        server.retention_set(tenant, months).await.map_err(failure)?;
    }
    let months = server.retention(tenant).await.map_err(failure)?;
    let text = match months {
        Some(months) => format!("Members without any event for {months} months are forgotten."),
        None => "Nobody is forgotten by a rule.".to_owned(),
    };
    Ok(Answer::one(text, json!({ "months": months })))
}

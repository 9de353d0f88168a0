//! What is done about a member's personal data at the server.

use serde_json::{Value, json};
use stempel_domain::TenantId;
use stempel_domain::event::ErasureReason;
use stempel_server::Server;
use stempel_server::people::NewConsent;

use super::admin::{failure, list};
use super::args::AdminMember;
use super::member::{consent_line, consent_of, export_answer};
use super::{Answer, Failure};

pub(super) async fn of_member(
    server: &Server,
    tenant: TenantId,
    command: &AdminMember,
) -> Result<Answer, Failure> {
    match command {
        AdminMember::Merge { code, into } => {
            let merged = server.member_merge(tenant, code, into).await.map_err(failure)?;
            let text = format!("Both are known as {} from now on, on every device.", merged.into);
            Ok(Answer::one(text, serde_json::to_value(merged).map_err(Failure::machine)?))
        }
        AdminMember::Unmerge { code } => {
            let merged = server.member_unmerge(tenant, code).await.map_err(failure)?;
            let text = format!("Member {} stands for itself again.", merged.member);
            Ok(Answer::one(text, serde_json::to_value(merged).map_err(Failure::machine)?))
        }
        AdminMember::Consent { code, give, withdraw, terms, place } => {
            let (consent, place) = consent_of(give.clone().or(withdraw.clone()), place)?;
            let new = NewConsent { consent, given: give.is_some(), terms: terms.clone(), place };
            let said = server.member_consent(tenant, code, &new).await.map_err(failure)?;
            Ok(Answer::one(consent_line(&said), json!({ "consents": said })))
        }
        AdminMember::Export { code } => {
            export_answer(&server.member_export(tenant, code).await.map_err(failure)?)
        }
        AdminMember::Erase { code } => {
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

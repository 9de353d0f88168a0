//! Two members who are one person, and the undo of that.

use serde::Serialize;
use serde_json::json;
use stempel_domain::event::{Fact, MemberMerged};
use stempel_domain::person::MEMBERS_MAX;
use stempel_domain::{EventRef, MemberId, TenantId};

use super::{forgotten, group, named, unknown};
use crate::author;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// A merge, or its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Who has another id now, or its own again.
    pub member: MemberId,
    /// The id under which the person is known; after an undo the member's own.
    pub into: MemberId,
    /// The event that says so; none if it was so already.
    pub event: Option<EventRef>,
}

fn cannot(detail: impl Into<String>) -> Error {
    Error::refused("merge", 409, "These members cannot be merged", detail)
}

impl Server {
    /// Says that two members are one person: from now on everything of `code` is found under `into`, on every device.
    /// Balances are the sums. Doing it again changes nothing.
    pub async fn member_merge(&self, tenant: TenantId, code: &str, into: &str) -> Result<Merged> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let member = named(&mut tx, tenant.id, code).await?;
        let into = named(&mut tx, tenant.id, into).await?;
        if member == into {
            return Err(cannot("Both codes name the same member."));
        }
        let (from, to) = (parts(&mut tx, &tenant, member).await?, parts(&mut tx, &tenant, into).await?);
        if from[0] == to[0] {
            return Ok(Merged { member: from[0], into: to[0], event: None });
        }
        if from.len() + to.len() > MEMBERS_MAX {
            return Err(cannot(format!("One person is at most {MEMBERS_MAX} members.")));
        }
        let (member, into) = (from[0], to[0]);
        let event = self.alias(&mut tx, &mut tenant, moment, member, Some(into)).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(Merged { member, into, event: Some(event) })
    }

    /// Takes a merge back: the member stands for itself again, with everything that was given under its own id.
    pub async fn member_unmerge(&self, tenant: TenantId, code: &str) -> Result<Merged> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let member = named(&mut tx, tenant.id, code).await?;
        let person = group::person(&mut tx, tenant.id, member).await?.ok_or_else(unknown)?;
        let own = person.parts().iter().find(|(id, _)| *id == member);
        if own.and_then(|(_, state)| state.merged_into()).is_none() {
            let others =
                person.parts().iter().map(|(id, _)| id.to_string()).filter(|id| *id != member.to_string());
            let others: Vec<String> = others.collect();
            return Err(Error::refused(
                "not-merged",
                409,
                "This member was not merged into another",
                if others.is_empty() {
                    "There is nothing to undo.".to_owned()
                } else {
                    format!("Name the one that was: {}.", others.join(", "))
                },
            ));
        }
        let event = self.alias(&mut tx, &mut tenant, moment, member, None).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(Merged { member, into: member, event: Some(event) })
    }

    async fn alias(
        &self,
        tx: &mut Tx,
        tenant: &mut Tenant,
        moment: stempel_domain::Moment,
        member: MemberId,
        into: Option<MemberId>,
    ) -> Result<EventRef> {
        let fact = Fact::MemberMerged(MemberMerged { member, into });
        let operator = self.actor().operator();
        let events = author::append_as(tx, tenant, operator, moment, vec![fact], &[]).await?;
        let event = *events.last().ok_or_else(|| Error::Damaged("no event was written".to_owned()))?;
        let action = if into.is_some() { "member-merged" } else { "member-unmerged" };
        let detail = json!({ "into": into, "event": event });
        self.note(tx, tenant, action, &member.to_string(), detail).await?;
        tenant.save_head(tx).await?;
        Ok(event)
    }
}

/// The members of a person who is not forgotten.
async fn parts(tx: &mut Tx, tenant: &Tenant, member: MemberId) -> Result<Vec<MemberId>> {
    let person = group::person(tx, tenant.id, member).await?.ok_or_else(unknown)?;
    if person.state().erased.is_some() {
        return Err(forgotten());
    }
    Ok(person.parts().iter().map(|(id, _)| *id).collect())
}

//! What a member agrees to, and takes back.

use serde::Deserialize;
use serde_json::json;
use stempel_domain::TenantId;
use stempel_domain::event::{ConsentChanged, ConsentKind, ConsentPlace, Fact};
use stempel_wire::export::{ConsentSaid, consents};

use super::{forgotten, group, named, unknown};
use crate::author;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// What a member says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// To what.
    pub consent: ConsentKind,
    /// Whether the member agrees from now on.
    pub given: bool,
    /// The version of the terms that were shown.
    pub terms: String,
    /// Where it was said.
    pub place: ConsentPlace,
}

impl Server {
    /// Notes that a member agrees to something or takes that back, and gives the last word about everything.
    pub async fn member_consent(
        &self,
        tenant: TenantId,
        code: &str,
        new: &NewConsent,
    ) -> Result<Vec<ConsentSaid>> {
        let terms = new.terms.trim();
        if terms.is_empty()
            || terms.len() > ConsentChanged::TERMS_LEN_MAX
            || terms.chars().any(char::is_control)
        {
            return Err(Error::bad_request(format!(
                "The version of the terms has 1 to {} bytes.",
                ConsentChanged::TERMS_LEN_MAX
            )));
        }
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let mut tenant = Tenant::lock(&mut tx, tenant).await?;
        let member = named(&mut tx, tenant.id, code).await?;
        let member = group::root(&mut tx, tenant.id, member).await?;
        if group::state(&mut tx, tenant.id, member).await?.erased.is_some() {
            return Err(forgotten());
        }
        let fact = Fact::ConsentChanged(ConsentChanged {
            member,
            consent: new.consent,
            given: new.given,
            terms: terms.to_owned(),
            place: new.place,
        });
        let operator = self.actor().operator();
        author::append_as(&mut tx, &mut tenant, operator, moment, vec![fact], &[]).await?;
        let what = json!({ "consent": new.consent, "given": new.given, "terms": terms });
        self.note(&mut tx, &tenant, "consent-changed", &member.to_string(), what).await?;
        let said = consents(&group::person(&mut tx, tenant.id, member).await?.ok_or_else(unknown)?);
        tenant.save_head(&mut tx).await?;
        tx.commit().await?;
        self.announce(tenant.id, tenant.head);
        Ok(said)
    }

    /// The last word about everything that a member can agree to.
    pub async fn member_consents(&self, tenant: TenantId, code: &str) -> Result<Vec<ConsentSaid>> {
        let mut tx = self.read_of(tenant).await?;
        let member = named(&mut tx, tenant, code).await?;
        Ok(consents(&group::person(&mut tx, tenant, member).await?.ok_or_else(unknown)?))
    }
}

//! Everything that is held about a person, in one document.

use stempel_domain::{MemberId, Person, TenantId};
use stempel_wire::export::Export;
use stempel_wire::{Profile, Row};

use super::{group, named, unknown};
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// Events of one document. More would not fit into memory at ease; nobody comes to as many.
const EVENTS_MAX: i64 = 100_000;

impl Server {
    /// Everything that is held about a person: profile, cards, balances, consents, and every event with its reason.
    /// Noted in the audit log.
    pub async fn member_export(&self, tenant: TenantId, code: &str) -> Result<Export> {
        let moment = self.moment();
        let mut tx = self.write_of(tenant).await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let member = named(&mut tx, tenant, code).await?;
        let person = group::person(&mut tx, tenant, member).await?.ok_or_else(unknown)?;
        let profile = profile(&mut tx, tenant, &person).await?;
        let mut rows = Vec::new();
        for (member, _) in person.parts() {
            rows.extend(rows_of(&mut tx, tenant, *member).await?);
        }
        let complete = (rows.len() as i64) < EVENTS_MAX;
        let export = Export::new(&person, profile, &rows, &moment, complete);
        let what = serde_json::json!({ "events": export.events.len() });
        self.note(&mut tx, &locked, "member-exported", &export.member.to_string(), what).await?;
        tx.commit().await?;
        Ok(export)
    }
}

async fn rows_of(tx: &mut Tx, tenant: TenantId, member: MemberId) -> Result<Vec<Row>> {
    let rows = tx
        .rows(
            "SELECT bytes FROM event WHERE tenant = $1 AND member = $2 ORDER BY author, seq LIMIT $3",
            values![tenant, member, EVENTS_MAX],
        )
        .await?;
    let read =
        |row: &crate::db::Row| Row::parse(row.bytes(0)?).map_err(|error| Error::Damaged(error.to_string()));
    rows.iter().map(read).collect()
}

/// What a person is called, where a key opens it.
pub(super) async fn profile(tx: &mut Tx, tenant: TenantId, person: &Person) -> Result<Option<Profile>> {
    let Some((whose, sealed)) = person.profile() else { return Ok(None) };
    let keys = crate::admin::keys_of(tx, tenant, whose).await?;
    Ok(keys.iter().find_map(|key| key.open(whose, sealed).ok()))
}

//! Holds: an amount that is set aside while a guest redeems at a device that is online, so that another device
//! does not give the same at the same moment. A hold runs out by itself; it does not undo the event that it was
//! made for.

use std::collections::BTreeMap;

use stempel_domain::event::Event;
use stempel_domain::{Account, MemberId, TenantId, Unit};
use stempel_wire::message::{HoldAnswer, HoldRequest};

use crate::caller::Caller;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::people::group;
use crate::server::Server;
use crate::tenant::Tenant;

/// For how long an amount is held, in milliseconds.
pub const HOLD_MS: i64 = 60_000;
/// The most holds on one member at once.
const HOLDS_MAX: usize = 16;

fn name_of(text: &str) -> Result<Vec<u8>> {
    let name = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    name.filter(|name| name.len() == 16)
        .ok_or_else(|| Error::bad_request("A hold's name is 32 hexadecimal digits."))
}

impl Server {
    /// Sets an amount aside for a device, if there is as much beside what others have set aside.
    pub async fn hold(&self, caller: &Caller, request: &HoldRequest) -> Result<HoldAnswer> {
        let name = name_of(&request.hold)?;
        if !(1..=Unit::AMOUNT_MAX).contains(&request.amount) {
            return Err(Error::bad_request("A hold is of an amount above zero."));
        }
        let (now_ms, today) = (self.now_ms(), self.today());
        let (member, unit) = (request.member, &request.unit);
        let mut tx = self.write_of(caller.tenant).await?;
        Tenant::lock(&mut tx, caller.tenant).await?;
        let person = group::person(&mut tx, caller.tenant, member).await?;
        let person = person.ok_or_else(|| Error::not_found(format!("member {member}")))?;
        let balance = person.state().balances(today).get(unit).copied().unwrap_or(0);
        tx.execute(
            "DELETE FROM hold WHERE tenant = $1 AND member = $2 AND until_ms <= $3",
            values![caller.tenant, member, now_ms],
        )
        .await?;
        let members = person.parts().iter().map(|(id, _)| (*id).into()).collect();
        let others = tx
            .rows_in(
                "SELECT unit, amount FROM hold WHERE tenant = $1 AND hold <> $2 AND until_ms > $3 AND member",
                values![caller.tenant, &name[..], now_ms],
                members,
            )
            .await?;
        if others.len() >= HOLDS_MAX {
            return Err(Error::TooMany);
        }
        let mut held = 0_i64;
        for row in others {
            if row.text(0)? == unit.to_string() {
                held = held.saturating_add(row.int(1)?);
            }
        }
        let left = balance.saturating_sub(held).saturating_sub(request.amount);
        if left < 0 {
            return Err(Error::refused(
                "not-enough",
                409,
                "There is not enough",
                format!(
                    "The balance is {} {}, and {} of it is being redeemed elsewhere.",
                    unit.format(balance),
                    unit.name(),
                    unit.format(held)
                ),
            ));
        }
        let until_ms = now_ms.saturating_add(HOLD_MS);
        let made = tx
            .execute(
                "INSERT INTO hold (tenant, hold, member, unit, amount, device, until_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (tenant, hold) DO UPDATE SET amount = excluded.amount, until_ms = excluded.until_ms
                 WHERE hold.device = excluded.device AND hold.member = excluded.member
                 AND hold.unit = excluded.unit",
                values![
                    caller.tenant,
                    &name[..],
                    member,
                    unit.to_string(),
                    request.amount,
                    caller.device,
                    until_ms
                ],
            )
            .await?;
        if made == 0 {
            return Err(Error::bad_request("This name stands for another hold; draw a new one."));
        }
        tx.commit().await?;
        Ok(HoldAnswer { until_ms, left })
    }

    /// Gives back what a device had set aside: the guest has changed their mind. A hold that is not there any
    /// more is given back already.
    pub async fn hold_release(&self, caller: &Caller, hold: &str) -> Result<()> {
        let name = name_of(hold)?;
        let mut tx = self.write_of(caller.tenant).await?;
        Tenant::lock(&mut tx, caller.tenant).await?;
        tx.execute(
            "DELETE FROM hold WHERE tenant = $1 AND hold = $2 AND device = $3",
            values![caller.tenant, name, caller.device],
        )
        .await?;
        tx.commit().await
    }
}

/// Ends the holds whose redemption has arrived: what they held is in the balance now.
pub(crate) async fn use_up(tx: &mut Tx, tenant: TenantId, events: &[&Event]) -> Result<()> {
    let mut spent: BTreeMap<(MemberId, stempel_domain::AuthorId, String), ()> = BTreeMap::new();
    for event in events {
        for posting in event.record.fact.postings().iter().filter(|posting| posting.amount < 0) {
            if let Account::Member(member) = posting.account {
                spent.insert((member, event.author, posting.unit.to_string()), ());
            }
        }
    }
    if spent.is_empty() {
        return Ok(());
    }
    // Holds are few: most pushes end here.
    let members = spent.keys().map(|(member, ..)| (*member).into()).collect();
    let sql = "SELECT hold, member, device, unit FROM hold WHERE tenant = $1 AND member";
    for row in tx.rows_in(sql, values![tenant], members).await? {
        if spent.contains_key(&(row.id(1)?, row.id(2)?, row.text(3)?)) {
            tx.execute("DELETE FROM hold WHERE tenant = $1 AND hold = $2", values![tenant, row.bytes(0)?])
                .await?;
        }
    }
    Ok(())
}

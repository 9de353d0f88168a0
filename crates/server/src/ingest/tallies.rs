//! What devices have given of what there is only so much of: each kept to its own allotment, and what they gave
//! together beyond the total opens a case.

use std::collections::BTreeMap;

use stempel_domain::event::Event;
use stempel_domain::programme::Programme;
use stempel_domain::{AuthorId, EventRef};

use super::Booking;
use crate::cases::{self, Case};
use crate::db::{Tx, values};
use crate::error::Result;
use crate::tenant::Tenant;

/// Adds what events tally, and opens or closes the cases of stocks that are exceeded.
pub(super) async fn add(tx: &mut Tx, tenant: &Tenant, booking: Booking, events: &[&Event]) -> Result<()> {
    let mut sums: BTreeMap<(&str, AuthorId), (i64, EventRef)> = BTreeMap::new();
    for event in events {
        for step in event.record.fact.tallies() {
            let (sum, last) = sums.entry((&step.key, event.author)).or_insert((0, event.reference()));
            *sum = sum.saturating_add(step.amount);
            *last = event.reference();
        }
    }
    let mut stocks: BTreeMap<&str, EventRef> = BTreeMap::new();
    for ((key, author), (amount, last)) in sums {
        tx.execute(
            "INSERT INTO tally (tenant, key, author, amount) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, key, author) DO UPDATE SET amount = tally.amount + excluded.amount",
            values![tenant.id, key, author, amount],
        )
        .await?;
        if key.ends_with(STOCK) {
            stocks.insert(key, last);
        }
    }
    for (key, event) in stocks {
        watch(tx, tenant, booking, key, event).await?;
    }
    Ok(())
}

/// What the tally of a reward's stock ends with.
const STOCK: &str = "#stock";

/// Opens a case when more was given than there was in all, closes it when that is no longer so.
async fn watch(tx: &mut Tx, tenant: &Tenant, booking: Booking, key: &str, event: EventRef) -> Result<()> {
    let Some((programme, reward)) = key.strip_suffix(STOCK).and_then(|key| key.split_once('/')) else {
        return Ok(());
    };
    let row = tx
        .row(
            "SELECT body FROM programme WHERE tenant = $1 AND programme = $2 ORDER BY version DESC LIMIT 1",
            values![tenant.id, programme],
        )
        .await?;
    let stock = row.and_then(|row| Programme::from_json(&row.text(0).ok()?).ok()).and_then(|programme| {
        let mut rewards = programme.spec().reward.iter();
        rewards.find(|known| known.id.as_str() == reward).map(|known| known.stock)
    });
    let Some((stock, total)) = stock.and_then(|stock| Some((stock, stock.total?))) else { return Ok(()) };
    let given = tx
        .row(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM tally WHERE tenant = $1 AND key = $2",
            values![tenant.id, key],
        )
        .await?
        .map_or(Ok(0), |row| row.int(0))?;
    if stock.excess(given) == 0 {
        return cases::close(tx, tenant.id, booking.now_ms, "stock", key).await;
    }
    let detail = format!(
        "The reward {reward} of {programme} was given {given} times, and there are {total}: devices gave it that \
         could not know of each other."
    );
    let case = Case { kind: "stock", subject: key.to_owned(), member: None, event, detail };
    cases::open(tx, tenant.id, booking.now_ms, case).await
}

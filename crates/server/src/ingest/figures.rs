//! Figures of each business day and shop, added up in the transaction that takes the events in: the owner's page
//! reads a few rows, however many events there are.
//!
//! | name | counts |
//! |---|---|
//! | `visits` | sales with a card, and scans at a stamp card; one that is undone is taken off again |
//! | `stamps` | stamps that the rules gave, without corrections by hand |
//! | `rewards` | rewards that were taken |
//! | `joined` | new members |
//! | `undone` | events that were undone or refunded |
//!
//! What is taken back counts on the day it is taken back: an event does not say on which day the other one was.

use std::collections::BTreeMap;

use stempel_domain::event::{Event, Fact};
use stempel_domain::ledger::{Account, Booking};
use stempel_domain::rules::Outcome;
use stempel_domain::{AuthorId, Day, ShopId, TenantId};

use crate::author::stored_event;
use crate::db::{Tx, values};
use crate::error::Result;
use crate::server::Server;
use crate::tenant::Tenant;

/// Events read at a time while everything is counted anew.
const FETCH: i64 = 1000;

type Sums = BTreeMap<(Day, Vec<u8>, &'static str), i64>;

/// Adds what events count for.
pub(super) async fn add(tx: &mut Tx, tenant: &Tenant, events: &[&Event]) -> Result<()> {
    let mut sums = Sums::new();
    let mut shops = Shops::default();
    for event in events {
        let shop = shops.of(tx, tenant.id, event).await?;
        count(event, &shop, &mut sums);
    }
    write(tx, tenant.id, sums).await
}

async fn write(tx: &mut Tx, tenant: TenantId, sums: Sums) -> Result<()> {
    let mut rows = Vec::with_capacity(sums.len() * 5);
    for ((day, shop, name), amount) in sums {
        if amount != 0 {
            rows.extend(values![tenant, i64::from(day.number()), shop, name, amount]);
        }
    }
    tx.insert_all(
        "INSERT INTO day_figure (tenant, day, shop, name, amount)",
        "ON CONFLICT (tenant, day, shop, name) DO UPDATE SET amount = day_figure.amount + excluded.amount",
        5,
        rows,
    )
    .await
}

/// Where the devices of a batch stand.
#[derive(Default)]
struct Shops(BTreeMap<AuthorId, Vec<u8>>);

impl Shops {
    /// The shop at which something happened; empty for the server itself.
    async fn of(&mut self, tx: &mut Tx, tenant: TenantId, event: &Event) -> Result<Vec<u8>> {
        match &event.record.fact {
            Fact::Sale(fact) => return Ok(fact.shop.0.to_vec()),
            Fact::Stamp(fact) => return Ok(fact.shop.0.to_vec()),
            Fact::Grant(fact) => return Ok(fact.shop.0.to_vec()),
            Fact::MemberJoined(_) | Fact::Reversal(_) => {}
            // Nothing of it is counted.
            _ => return Ok(Vec::new()),
        }
        if let Some(shop) = self.0.get(&event.author) {
            return Ok(shop.clone());
        }
        let row = tx
            .row("SELECT shop FROM device WHERE tenant = $1 AND device = $2", values![tenant, event.author])
            .await?;
        let shop = match row {
            Some(row) => row.id::<ShopId>(0)?.0.to_vec(),
            None => Vec::new(),
        };
        self.0.insert(event.author, shop.clone());
        Ok(shop)
    }
}

/// Counts one event.
fn count(event: &Event, shop: &[u8], sums: &mut Sums) {
    let mut add = |name, amount: i64| {
        let sum = sums.entry((event.record.at.day, shop.to_vec(), name)).or_insert(0);
        *sum = sum.saturating_add(amount);
    };
    let mut outcome = |outcome: &Outcome, visits| {
        add("visits", visits);
        let stamps = outcome.awards.iter().filter(|award| award.unit.is_stamp());
        add("stamps", stamps.fold(0, |sum, award| sum.saturating_add(award.amount)));
        add("rewards", outcome.spends.iter().map(|spend| i64::from(spend.times)).sum());
    };
    match &event.record.fact {
        Fact::Sale(fact) => outcome(&fact.outcome, i64::from(fact.loyalty.is_some())),
        Fact::Stamp(fact) => outcome(&fact.outcome, 1),
        Fact::Grant(fact) => outcome(&fact.outcome, 0),
        Fact::MemberJoined(_) => add("joined", 1),
        Fact::Reversal(fact) => {
            add("undone", 1);
            add("visits", -i64::from(fact.visit_ms.is_some()));
            for posting in fact.postings.iter().filter(|posting| posting.unit.is_stamp()) {
                if let (Account::Member(_), Some(Booking::Lot { .. })) = (&posting.account, posting.booking) {
                    add("stamps", posting.amount);
                }
            }
        }
        _ => {}
    }
}

/// The figures of one day at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigure {
    /// The business day.
    pub day: Day,
    /// The shop; none: the server itself.
    pub shop: Option<ShopId>,
    /// What is counted.
    pub name: String,
    /// How many.
    pub amount: i64,
}

impl Server {
    /// The figures of the business days from `from` to `to`.
    pub async fn day_figures(&self, tenant: TenantId, from: Day, to: Day) -> Result<Vec<DayFigure>> {
        let mut tx = self.read_of(tenant).await?;
        let rows = tx
            .rows(
                "SELECT day, shop, name, amount FROM day_figure
                 WHERE tenant = $1 AND day >= $2 AND day <= $3 ORDER BY day, shop, name",
                values![tenant, i64::from(from.number()), i64::from(to.number())],
            )
            .await?;
        let read = |row: &crate::db::Row| {
            Ok(DayFigure {
                day: Day::from_number(row.int(0)?),
                shop: ShopId::from_slice(&row.bytes(1)?),
                name: row.text(2)?,
                amount: row.int(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Counts the figures of tenants that have none although they have members: their events were taken in by an
    /// earlier version. Called once before the server listens.
    pub(crate) async fn day_figures_catch_up(&self) -> Result<()> {
        for tenant in self.tenants().await? {
            let mut tx = self.read_of(tenant.id).await?;
            let counted =
                tx.row("SELECT 1 FROM day_figure WHERE tenant = $1 LIMIT 1", values![tenant.id]).await?;
            let members =
                tx.row("SELECT 1 FROM member WHERE tenant = $1 LIMIT 1", values![tenant.id]).await?;
            drop(tx);
            if counted.is_none() && members.is_some() {
                tracing::info!(tenant = %tenant.id, "the figures of each day are counted once from the events");
                self.day_figures_recount(tenant.id).await?;
            }
        }
        Ok(())
    }

    /// Counts every figure anew from the events: for a database whose events are older than the figures, and to
    /// check them. The tenant's writers wait meanwhile.
    pub async fn day_figures_recount(&self, tenant: TenantId) -> Result<()> {
        let mut tx = self.write_of(tenant).await?;
        tx.take_time().await?;
        Tenant::lock(&mut tx, tenant).await?;
        tx.execute("DELETE FROM day_figure WHERE tenant = $1", values![tenant]).await?;
        let (mut after, mut shops) = ((Vec::new(), 0_u64), Shops::default());
        loop {
            let rows = tx
                .rows(
                    "SELECT author, seq, bytes FROM event
                     WHERE tenant = $1 AND status = 0 AND (author > $2 OR (author = $2 AND seq > $3))
                     ORDER BY author, seq LIMIT $4",
                    values![tenant, after.0.clone(), after.1, FETCH],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            after = (last.bytes(0)?, last.number(1)?);
            let mut sums = Sums::new();
            for row in &rows {
                let event = stored_event(row.bytes(2)?)?;
                let shop = shops.of(&mut tx, tenant, &event).await?;
                count(&event, &shop, &mut sums);
            }
            write(&mut tx, tenant, sums).await?;
        }
        tx.commit().await
    }
}

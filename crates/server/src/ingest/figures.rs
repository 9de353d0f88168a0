//! Figures of each business day and shop, added up in the transaction that takes the events in: the owner's page and
//! the reports read a few rows, however many events there are.
//!
//! | name | counts |
//! |---|---|
//! | `visits` | sales with a card, and scans at a stamp card; one that is undone is taken off again |
//! | `stamps` | stamps that the rules gave, without corrections by hand |
//! | `rewards` | rewards that were taken |
//! | `joined` | new members |
//! | `undone` | events that were undone or refunded, but for those that are given anew in the same moment |
//! | `orders` | sales that came to something, and `turnover` what they came to, in cents |
//! | `issued:UNIT`, `honoured:UNIT` | what the shop gave and took for rewards, as clearing counts it, in the unit's smallest parts |
//! | `cause:UNIT/CAUSE` | what a cause has collected, less what refunds took back |
//!
//! What is taken back counts on the day it is taken back: an event does not say on which day the other one was.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;
use stempel_domain::event::{Event, Fact};
use stempel_domain::ledger::{Account, Booking, Posting};
use stempel_domain::rules::Outcome;
use stempel_domain::rules::clearing::{Turnover, turnovers};
use stempel_domain::{AuthorId, Day, Money, ShopId, TenantId};

use crate::author::stored_event;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::tenant::Tenant;

/// Events read at a time while everything is counted anew.
const FETCH: i64 = 1000;

/// The figure that says by which version of this table the others were counted, on the first day there is.
const COUNTED: &str = "counted";
/// That version. A tenant whose figures are of an older one is counted anew before the server listens.
const COUNTED_NOW: i64 = 2;

pub(crate) const ORDERS: &str = "orders";
pub(crate) const TURNOVER: &str = "turnover";
pub(crate) const ISSUED: &str = "issued:";
pub(crate) const HONOURED: &str = "honoured:";
pub(crate) const CAUSE: &str = "cause:";

type Sums = BTreeMap<(Day, Vec<u8>, Cow<'static, str>), i64>;

/// Says of a new tenant that its figures are counted from its first event on.
pub(crate) async fn begin(tx: &mut Tx, tenant: TenantId) -> Result<()> {
    tx.execute(
        "INSERT INTO day_figure (tenant, day, shop, name, amount) VALUES ($1, 0, $2, $3, $4)",
        values![tenant, Vec::<u8>::new(), COUNTED, COUNTED_NOW],
    )
    .await
    .map(drop)
}

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

/// The version by which a tenant's figures were counted.
async fn counted_by(tx: &mut Tx, tenant: TenantId) -> Result<i64> {
    let row = tx
        .row(
            "SELECT amount FROM day_figure WHERE tenant = $1 AND day = 0 AND shop = $2 AND name = $3",
            values![tenant, Vec::<u8>::new(), COUNTED],
        )
        .await?;
    row.map_or(Ok(0), |row| row.int(0))
}

async fn write(tx: &mut Tx, tenant: TenantId, sums: Sums) -> Result<()> {
    let mut rows = Vec::with_capacity(sums.len() * 5);
    for ((day, shop, name), amount) in sums {
        if amount != 0 {
            rows.extend(values![tenant, i64::from(day.number()), shop, name.into_owned(), amount]);
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
    let day = event.record.at.day;
    let mut add_at = |shop: &[u8], name: Cow<'static, str>, amount: i64| {
        let sum = sums.entry((day, shop.to_vec(), name)).or_insert(0);
        *sum = sum.saturating_add(amount);
    };
    let postings = event.record.fact.postings();
    for (unit, of_unit) in turnovers([postings], |shop| shop) {
        for (shop, Turnover { issued, honoured }) in of_unit {
            add_at(&shop.0, format!("{ISSUED}{unit}").into(), issued);
            add_at(&shop.0, format!("{HONOURED}{unit}").into(), honoured);
        }
    }
    for Posting { account, unit, amount, .. } in postings {
        if let Account::Cause(cause) = account {
            add_at(shop, format!("{CAUSE}{unit}/{cause}").into(), *amount);
        }
    }
    let mut add = |name: &'static str, amount| add_at(shop, name.into(), amount);
    if let Fact::Sale(fact) = &event.record.fact
        && fact.outcome.total > Money(0)
    {
        add(ORDERS, 1);
        add(TURNOVER, fact.outcome.total.0);
    }
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
            add("undone", i64::from(!fact.planned));
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

/// What events come to, counted beside the figures that are kept. Holds one number for each day, shop and name.
#[derive(Default)]
pub(crate) struct Counted {
    sums: Sums,
    shops: Shops,
}

impl Counted {
    /// Counts an event that counts.
    pub(crate) async fn add(&mut self, tx: &mut Tx, tenant: TenantId, event: &Event) -> Result<()> {
        let shop = self.shops.of(tx, tenant, event).await?;
        count(event, &shop, &mut self.sums);
        Ok(())
    }

    /// The kept figures that are not what was counted, each as a sentence. Figures that an earlier version counted say
    /// nothing about this one.
    pub(crate) async fn differences(&self, tx: &mut Tx, tenant: TenantId) -> Result<Vec<String>> {
        if counted_by(tx, tenant).await? < COUNTED_NOW {
            return Ok(Vec::new());
        }
        let rows = tx
            .rows(
                "SELECT day, shop, name, amount FROM day_figure
                 WHERE tenant = $1 AND name <> $2 ORDER BY day, shop, name",
                values![tenant, COUNTED],
            )
            .await?;
        let mut kept = Sums::new();
        for row in rows {
            let key = (Day::from_number(row.int(0)?), row.bytes(1)?, Cow::from(row.text(2)?));
            kept.insert(key, row.int(3)?);
        }
        let either = kept.keys().chain(self.sums.keys().filter(|key| !kept.contains_key(*key)));
        let wrong = either.filter_map(|key| {
            let [kept, counted] = [&kept, &self.sums].map(|sums| sums.get(key).copied().unwrap_or_default());
            let (day, _, name) = key;
            (kept != counted)
                .then(|| format!("the figure “{name}” of {day} is {kept}, its events come to {counted}"))
        });
        Ok(wrong.collect())
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
                 WHERE tenant = $1 AND day >= $2 AND day <= $3 AND name <> $4 ORDER BY day, shop, name",
                values![tenant, i64::from(from.number()), i64::from(to.number()), COUNTED],
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

    /// Counts the figures of tenants whose events were taken in by an earlier version, which counted less. Called
    /// once before the server listens.
    ///
    /// # Errors
    ///
    /// A database that does not answer.
    pub async fn day_figures_catch_up(&self) -> Result<()> {
        for tenant in self.tenants().await? {
            let mut tx = self.read_of(tenant.id).await?;
            let counted = counted_by(&mut tx, tenant.id).await?;
            drop(tx);
            if counted < COUNTED_NOW {
                tracing::info!(tenant = %tenant.id, "the figures of each day are counted once from the events");
                match self.day_figures_recount(tenant.id).await {
                    // What is damaged is for a person; it keeps nobody from being served.
                    Err(Error::Damaged(why)) => {
                        tracing::error!(tenant = %tenant.id, why, "the figures could not be counted");
                    }
                    outcome => drop(outcome?),
                }
            }
        }
        Ok(())
    }

    /// The sums of the figures whose name begins with `kind`, over the business days from `from` to `to`, by shop and
    /// by what stands behind `kind` in the name.
    pub(crate) async fn figure_sums(
        tx: &mut Tx,
        tenant: TenantId,
        kind: &str,
        (from, to): (Day, Day),
    ) -> Result<Vec<(Option<ShopId>, String, i64)>> {
        let rows = tx
            .rows(
                "SELECT shop, name, CAST(SUM(amount) AS BIGINT) FROM day_figure
                 WHERE tenant = $1 AND day >= $2 AND day <= $3 AND name LIKE $4
                 GROUP BY shop, name ORDER BY shop, name",
                values![tenant, i64::from(from.number()), i64::from(to.number()), format!("{kind}%")],
            )
            .await?;
        let read = |row: &crate::db::Row| {
            let name = row.text(1)?;
            let rest = name.strip_prefix(kind).unwrap_or_default().to_owned();
            Ok((ShopId::from_slice(&row.bytes(0)?), rest, row.int(2)?))
        };
        rows.iter().map(read).collect()
    }

    /// Counts every figure anew from the events: for a database whose events are older than the figures, and after
    /// servers of two versions ran side by side, of which the older counted less. The tenant's writers wait meanwhile.
    /// Answers how many figures were others before.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if a row that counts cannot be read; nothing is changed then.
    pub async fn day_figures_recount(&self, tenant: TenantId) -> Result<usize> {
        let mut tx = self.write_of(tenant).await?;
        tx.take_time().await?;
        let locked = Tenant::lock(&mut tx, tenant).await?;
        let (mut after, mut counted) = ((Vec::new(), 0_u64), Counted::default());
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
            for row in &rows {
                counted.add(&mut tx, tenant, &stored_event(row.bytes(2)?)?).await?;
            }
        }
        let mended = counted.differences(&mut tx, tenant).await?.len();
        tx.execute("DELETE FROM day_figure WHERE tenant = $1", values![tenant]).await?;
        begin(&mut tx, tenant).await?;
        write(&mut tx, tenant, counted.sums).await?;
        let detail = json!({ "mended": mended });
        self.note(&mut tx, &locked, "figures-recounted", "figures", detail).await?;
        tx.commit().await?;
        Ok(mended)
    }
}

//! Figures, on the server's data.

use serde_json::{Value, json};
use stempel_domain::money::Rate;
use stempel_domain::{Day, ShopId, TenantId, Unit};
use stempel_server::Server;

use super::admin::{Named, failure, open, wait_for};
use super::args::{Report, ReportOf};
use super::{Answer, Failure};

/// How far back the average of the basket looks if nothing is said, in days.
const TARGET_DAYS: i32 = 90;

/// Computes a report.
pub(super) fn report(report: &Report, named: &Named) -> Result<Answer, Failure> {
    wait_for(async {
        let server = open(&report.database()).await?;
        let tenant = server.find_tenant(named.tenant.as_deref()).await.map_err(failure)?;
        let answer = of(&server, tenant, &report.of, named).await;
        server.db().close().await;
        answer
    })
}

async fn of(server: &Server, tenant: TenantId, report: &ReportOf, named: &Named) -> Result<Answer, Failure> {
    match report {
        ReportOf::Clearing { from, to } => {
            let (from, to) =
                (day(from.as_deref())?.unwrap_or(Day::MIN), day(to.as_deref())?.unwrap_or(Day::MAX));
            clearing(server, tenant, from, to).await
        }
        ReportOf::Causes => causes(server, tenant).await,
        ReportOf::Stock => stock(server, tenant).await,
        ReportOf::Leaderboard { programme, day: on } => {
            let programme = programme.parse().map_err(Failure::usage)?;
            let today = match day(on.as_deref())? {
                Some(day) => day,
                None => today(),
            };
            leaderboard(server, tenant, &programme, today).await
        }
        ReportOf::BasketTarget { lift, from } => {
            let lift = stempel_domain::money::parse_decimal(lift, 2)
                .ok()
                .and_then(|lift| i32::try_from(lift).ok())
                .filter(|lift| (0..=100_000).contains(lift))
                .ok_or_else(|| Failure::usage("--lift is a percentage, for example 10"))?;
            let from = day(from.as_deref())?.unwrap_or_else(|| today().plus_days(-TARGET_DAYS));
            let shop: Option<ShopId> =
                named.shop.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
            basket_target(server, tenant, shop, from, Rate(lift)).await
        }
    }
}

fn today() -> Day {
    use stempel_domain::ports::Clock;
    let clock = crate::edge::SystemClock::new("");
    let now_ms = clock.now_ms();
    stempel_domain::time::business_day(now_ms, clock.offset_minutes_at(now_ms), 0)
}

fn day(text: Option<&str>) -> Result<Option<Day>, Failure> {
    text.map(str::parse).transpose().map_err(Failure::usage)
}

async fn clearing(server: &Server, tenant: TenantId, from: Day, to: Day) -> Result<Answer, Failure> {
    let mut lines = Vec::new();
    for report in server.report_clearing(tenant, from, to).await.map_err(failure)? {
        let unit = &report.unit;
        for share in &report.clearing.shares {
            let (issued, honoured) =
                (unit.format(share.turnover.issued), unit.format(share.turnover.honoured));
            lines.push((
                format!(
                    "{}: issued {issued}, honoured {honoured} {}; owed {}, owes {}, net {}",
                    share.party,
                    unit.name(),
                    share.value,
                    share.charge,
                    share.net()
                ),
                json!({
                    "unit": unit.name(), "party": share.party, "issued": issued, "honoured": honoured,
                    "value": share.value.to_string(), "charge": share.charge.to_string(),
                    "net": share.net().to_string(),
                }),
            ));
        }
        for transfer in &report.clearing.transfers {
            lines.push((
                format!("{} pays {} to {}", transfer.from, transfer.amount, transfer.to),
                json!({
                    "unit": unit.name(), "from": transfer.from, "to": transfer.to,
                    "amount": transfer.amount.to_string(),
                }),
            ));
        }
    }
    Ok(or_nothing(lines, "No programme with [clearing] was used in that time."))
}

async fn causes(server: &Server, tenant: TenantId) -> Result<Answer, Failure> {
    let totals = server.report_causes(tenant).await.map_err(failure)?;
    let line = |cause: &str, unit: &Unit, amount: i64| {
        let amount = unit.format(amount);
        (
            format!("{cause}: {amount} {}", unit.name()),
            json!({"cause": cause, "unit": unit.name(), "amount": amount}),
        )
    };
    let lines = totals.iter().map(|total| line(&total.cause, &total.unit, total.amount)).collect();
    Ok(or_nothing(lines, "No cause has been given anything yet."))
}

async fn stock(server: &Server, tenant: TenantId) -> Result<Answer, Failure> {
    let mut lines = Vec::new();
    for level in server.report_stock(tenant).await.map_err(failure)? {
        let of = level.total.map_or(String::new(), |total| format!(" of {total}"));
        let excess = match level.excess {
            0 => String::new(),
            excess => format!(", {excess} more than there were"),
        };
        let devices: serde_json::Map<String, Value> =
            level.devices.iter().map(|(device, given)| (device.to_string(), Value::from(*given))).collect();
        lines.push((
            format!("{}/{}: {}{of} given{excess}", level.programme, level.reward, level.given),
            json!({
                "programme": level.programme, "reward": level.reward, "total": level.total, "given": level.given,
                "excess": level.excess, "devices": devices,
            }),
        ));
    }
    Ok(or_nothing(lines, "No reward has a stock."))
}

async fn leaderboard(
    server: &Server,
    tenant: TenantId,
    programme: &stempel_domain::ProgrammeId,
    today: Day,
) -> Result<Answer, Failure> {
    let places = server.report_leaderboard(tenant, programme, today).await.map_err(failure)?;
    let lines = places
        .into_iter()
        .map(|place| {
            let who = place.name.clone().unwrap_or_else(|| place.member.to_string());
            (
                format!("{}. {who}: {}", place.rank, place.score),
                json!({"rank": place.rank, "member": place.member, "name": place.name, "score": place.score}),
            )
        })
        .collect();
    Ok(or_nothing(lines, "Nobody who agreed to be named has done anything yet in this period."))
}

async fn basket_target(
    server: &Server,
    tenant: TenantId,
    shop: Option<ShopId>,
    from: Day,
    lift: Rate,
) -> Result<Answer, Failure> {
    let target = server.report_target(tenant, shop, from, lift).await.map_err(failure)?;
    let Some(target) = target else {
        return Err(Failure::refused(format!("There is no paid order since {from}: nothing to go by.")));
    };
    Ok(Answer::one(
        format!(
            "{} orders since {from} come to {} on average; a reward from {} asks for a little more",
            target.orders, target.average, target.target
        ),
        json!({
            "orders": target.orders, "average": target.average.to_string(), "target": target.target.to_string(),
            "from": from,
        }),
    ))
}

fn or_nothing(lines: Vec<(String, Value)>, nothing: &str) -> Answer {
    if lines.is_empty() {
        return Answer { text: nothing.to_owned(), ..Answer::default() };
    }
    Answer::lines(lines)
}

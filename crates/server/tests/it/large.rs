//! The dashboard's pages beside a million events and a hundred thousand members. It measures, and is run by hand:
//! `cargo nextest run --release -p stempel-server -E 'test(large::)' --run-ignored only --no-capture`.

use std::time::Instant;

use crate::database::{Kind, script};
use crate::suite::browser::Cafe;

/// Rows of events and of members, beside those of the café.
const EVENTS: u32 = 1_000_000;
const MEMBERS: u32 = 100_000;

/// The numbers from 1 on, as a table `s` with a column `i`.
fn series(n: u32) -> String {
    match crate::KIND {
        Kind::Sqlite => format!(
            "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {n}) SELECT i FROM s) AS s"
        ),
        Kind::Postgres => format!("(SELECT i FROM generate_series(1, {n}) AS g(i)) AS s"),
    }
}

/// An id of 16 bytes made of a number, and the tenant's.
fn ids(number: &str, tenant: &str) -> (String, String) {
    let tenant = tenant.replace('-', "");
    match crate::KIND {
        Kind::Sqlite => (format!("CAST(printf('%016d', {number}) AS BLOB)"), format!("x'{tenant}'")),
        Kind::Postgres => (
            format!("convert_to(lpad(({number})::text, 16, '0'), 'UTF8')"),
            format!("decode('{tenant}', 'hex')"),
        ),
    }
}

/// Any row of a table, to be copied.
fn first(table: &str, tenant: &str) -> String {
    format!("(SELECT * FROM {table} WHERE tenant = {} LIMIT 1) AS f", ids("0", tenant).1)
}

/// A statement that adds members like one that is there, who all changed after it. Nobody has their keys.
pub fn members(tenant: &str, count: u32) -> String {
    let (id, _) = ids("i", tenant);
    format!(
        "INSERT INTO member (tenant, member, position, base)
           SELECT f.tenant, {id}, 100000000 + i, f.base FROM {}, {}",
        series(count),
        first("member", tenant)
    )
}

/// Statements that fill the tables, in the words of each database. The rows are copies of what is there: pages never
/// read the bytes of somebody else's events.
fn filling(tenant: &str) -> String {
    let (owner, tenant_id) = ids(&format!("i % {MEMBERS} + 1"), tenant);
    format!(
        "{members};
         INSERT INTO event (tenant, author, seq, hash, bytes, kind, member, status, received_ms)
           SELECT f.tenant, f.author, 100000000 + i, f.hash, f.bytes, f.kind, {owner}, 0, f.received_ms
           FROM {events}, {event};
         INSERT INTO day_figure (tenant, day, shop, name, amount)
           SELECT f.tenant, f.day - 20 - i, f.shop, f.name, f.amount FROM {days},
           (SELECT * FROM day_figure WHERE tenant = {tenant_id} AND name = 'visits' ORDER BY day DESC LIMIT 1) AS f;
         UPDATE tenant SET head = 200000000;",
        members = members(tenant, MEMBERS),
        events = series(EVENTS),
        event = first("event", tenant),
        days = series(3000),
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; takes a minute"]
#[allow(clippy::print_stdout, reason = "what was measured")]
async fn pages_are_quick_beside_a_million_events() {
    let cafe = Cafe::open().await;
    let began = Instant::now();
    script(&cafe.world.url, &filling(&cafe.world.tenant.to_string())).await;
    if crate::KIND == Kind::Postgres {
        script(&cafe.world.url, "ANALYZE").await;
    }
    println!("filled in {:?}", began.elapsed());
    let cookie = cafe.cookie().await;
    let member = cafe.guests[0].1["member"].as_str().unwrap();
    let file = format!("/dashboard/members/{member}");
    for path in [
        "/dashboard",
        "/dashboard/members",
        "/dashboard/members?find=joerg",
        "/dashboard/members?find=frida",
        &file,
        "/dashboard/programmes",
        "/dashboard/programmes/points",
        "/dashboard/work",
        "/dashboard/devices",
        "/dashboard/log",
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            let answer = cafe.site.send("GET", path, &cookie, b"").await;
            assert_eq!(answer.status, 200, "{path}");
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let shown: Vec<String> = times.iter().map(|time| format!("{time:.1}")).collect();
        println!("{path}: {} ms", shown.join(" "));
    }
}

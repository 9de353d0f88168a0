//! The dashboard's pages beside a million events and a hundred thousand members. It measures, and is run by hand:
//! `cargo nextest run --release -p stempel-server -E 'test(large::)' --run-ignored only --no-capture`.

use std::time::{Duration, Instant};

use stempel_domain::programme::Programme;

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
pub fn filling(tenant: &str, many_events: u32, many_members: u32) -> String {
    let (owner, tenant_id) = ids(&format!("i % {many_members} + 1"), tenant);
    let (id, _) = ids("i", tenant);
    // A key opens for its own member alone: these are of nobody.
    let (nobody, _) = ids("i + 50000000", tenant);
    format!(
        "{members};
         INSERT INTO event (tenant, author, seq, hash, bytes, kind, member, status, received_ms)
           SELECT f.tenant, f.author, 100000000 + i, f.hash, f.bytes, f.kind, {owner}, 0, f.received_ms
           FROM {events}, {event};
         INSERT INTO card (tenant, card, member, status, issued_ms)
           SELECT f.tenant, {id}, {id}, 1, f.issued_ms FROM {guests}, {card};
         INSERT INTO member_key (tenant, member, key_id, secret)
           SELECT f.tenant, {nobody}, f.key_id, f.secret FROM {guests}, {key};
         INSERT INTO day_figure (tenant, day, shop, name, amount)
           SELECT f.tenant, f.day - 20 - i, f.shop, f.name, f.amount FROM {days},
           (SELECT * FROM day_figure WHERE tenant = {tenant_id} AND name = 'visits' ORDER BY day DESC LIMIT 1) AS f;
         INSERT INTO day_figure (tenant, day, shop, name, amount)
           SELECT f.tenant, f.day - 20 - i, f.shop, k.name || ':point', k.amount FROM {days},
           (SELECT 'issued' AS name, 500 AS amount UNION ALL SELECT 'honoured', 300) AS k,
           (SELECT * FROM day_figure WHERE tenant = {tenant_id} AND name = 'visits' ORDER BY day DESC LIMIT 1) AS f;
         UPDATE tenant SET head = 200000000;",
        members = members(tenant, many_members),
        events = series(many_events),
        event = first("event", tenant),
        guests = series(many_members),
        card = first("card", tenant),
        key = first("member_key", tenant),
        days = series(3000),
    )
}

/// Shares a programme between merchants, so that there is something to settle.
pub async fn share(cafe: &Cafe) {
    let text = "id = \"street\"\nname = \"Street\"\n[clearing]\nper_unit = 0.01\n[[earn]]\nper = \"money\"\namount = 1\n";
    let programme = Programme::parse_toml(text).unwrap();
    let (server, tenant) = (&cafe.world.server, cafe.world.tenant);
    server.programme_publish(tenant, programme.id(), &programme.to_json()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; takes a minute"]
#[allow(clippy::print_stdout, reason = "what was measured")]
async fn pages_are_quick_beside_a_million_events() {
    let cafe = Cafe::open().await;
    share(&cafe).await;
    let began = Instant::now();
    script(&cafe.world.url, &filling(&cafe.world.tenant.to_string(), EVENTS, MEMBERS)).await;
    if crate::KIND == Kind::Postgres {
        script(&cafe.world.url, "ANALYZE").await;
    }
    println!("filled in {:?}", began.elapsed());
    let cookie = cafe.cookie().await;
    let member = cafe.guests[0].1["member"].as_str().unwrap();
    let file = format!("/dashboard/members/{member}");
    let opened = Instant::now();
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
        "/dashboard/statement",
        "/dashboard/statement?from=2020-01-01&to=2030-12-31",
        "/dashboard/cards",
        "/dashboard/catalogue",
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
    let search = || cafe.site.send("GET", "/dashboard/members?find=joerg", &cookie, b"");
    while String::from_utf8_lossy(&search().await.body).contains("data-again") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("all names were read {:?} after the first page", opened.elapsed());
}

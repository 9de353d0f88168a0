//! How the dashboard's pages look for what they show: none of them reads all events, members or cards of a tenant. What a
//! page asks is taken from the log, and the database is asked how it would go about it; how long it takes is not measured.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sqlx::{Connection as _, Row as _};
use tracing_subscriber::EnvFilter;

use super::large;
use crate::database::{self, Kind};
use crate::suite::browser::Cafe;
use crate::world::{World, member};

/// Tables with a row for each guest, card or thing that happened.
const LARGE: [&str; 9] =
    ["event", "member", "member_key", "card", "card_code", "phone", "thing", "judgement", "proof"];

/// Indexes of the few rows that wait for something: to be read as a whole is what they are for.
const FEW: [&str; 2] = ["card_blank_of_device", "event_of_status"];

/// The statements that ran, as the log tells of them.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Heard {
    fn begin() -> Self {
        let heard = Self::default();
        let writer = heard.clone();
        let log = tracing_subscriber::fmt().json().with_env_filter(EnvFilter::new("sqlx::query=debug"));
        log.with_writer(move || writer.clone()).init();
        heard
    }

    /// The questions since the last call that name a large table.
    fn questions(&self) -> BTreeSet<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let said = lines.map(|line| match line["fields"]["db.statement"].as_str() {
            Some("") | None => line["fields"]["summary"].as_str().unwrap_or_default().to_owned(),
            Some(whole) => whole.trim().to_owned(),
        });
        let asks = |sql: &String| sql.starts_with("SELECT") || sql.starts_with("WITH");
        said.filter(asks).filter(|sql| LARGE.iter().any(|table| !names_of(sql, table).is_empty())).collect()
    }
}

/// What a statement calls a table: by its name, or another one that it gives to it.
fn names_of(sql: &str, table: &str) -> BTreeSet<String> {
    let words: Vec<&str> =
        sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
    let mut names = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        if *word != table || at == 0 || !["FROM", "JOIN"].contains(&words[at - 1]) {
            continue;
        }
        let after = words[at + 1..].iter().find(|word| **word != "AS").copied().unwrap_or_default();
        let other = !after.is_empty() && after.chars().all(|c| c.is_lowercase() || c == '_');
        names.insert(if other { after } else { table }.to_owned());
    }
    names
}

/// What is wrong with the way in which a database would answer.
async fn faults(url: &str, sql: &str) -> Vec<String> {
    match crate::KIND {
        Kind::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            let explain = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
            let rows =
                explain.fetch_all(&mut connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            connection.close().await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.get::<String, _>(3)).collect();
            let sorts = steps.iter().any(|step| step.starts_with("USE TEMP B-TREE"));
            let some = sql.contains("LIMIT") && !sorts;
            let names: BTreeSet<String> = LARGE.iter().flat_map(|table| names_of(sql, table)).collect();
            let wrong = |step: &&String| {
                let mut words = step.split(' ');
                let (how, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                names.contains(name) && (how == "SCAN" || step.ends_with("(tenant=?)")) && !some
            };
            steps.iter().filter(wrong).cloned().collect()
        }
        Kind::Postgres => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let places = (1..100).take_while(|n| sql.contains(&format!("${n}"))).count();
            let nothing = vec!["NULL"; places].join(", ");
            let given = if places == 0 { String::new() } else { format!("({nothing})") };
            // A table of the test is small: it would be read as a whole although there is an index.
            let prepare = format!(
                "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}"
            );
            let prepared = sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut connection).await;
            prepared.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let explain =
                sqlx::raw_sql(sqlx::AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE asked{given}")));
            let row =
                explain.fetch_one(&mut connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            connection.close().await.unwrap();
            let plan: Value = serde_json::from_str(&row.get_unchecked::<String, _>(0)).unwrap();
            let mut wrong = Vec::new();
            look(&plan[0]["Plan"], false, &mut wrong);
            wrong
        }
    }
}

/// Looks through a plan of PostgreSQL. `some`: what stands above takes only so many rows, in the order in which they come.
fn look(node: &Value, some: bool, wrong: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let some = match text("Node Type") {
        "Limit" => true,
        "Sort" | "Aggregate" | "Hash" => false,
        _ => some,
    };
    if LARGE.contains(&text("Relation Name")) && !FEW.contains(&text("Index Name")) {
        let found_by = [text("Index Cond"), text("Recheck Cond"), text("TID Cond")].concat();
        let by_tenant_alone =
            !found_by.contains(" AND ") && (found_by.is_empty() || found_by.contains("tenant"));
        if text("Node Type") == "Seq Scan" || by_tenant_alone && !some {
            let (how, table, index) = (text("Node Type"), text("Relation Name"), text("Index Name"));
            wrong.push(format!("{how} on {table} by {index} “{found_by}”"));
        }
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        look(below, some, wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_all_events_members_or_cards() {
    let heard = Heard::begin();
    let cafe = Cafe::open().await;
    large::share(&cafe).await;
    // PostgreSQL looks at how large a table is before it decides.
    database::script(&cafe.world.url, &large::filling(&cafe.world.tenant.to_string(), 20_000, 5_000)).await;
    if crate::KIND == Kind::Postgres {
        database::script(&cafe.world.url, "ANALYZE").await;
    }
    let cookie = cafe.cookie().await;
    let file = format!("/dashboard/members/{}", cafe.guests[0].1["member"].as_str().unwrap());
    let mut paths: Vec<&str> = super::pages::PAGES.iter().map(|(path, _)| *path).collect();
    paths.extend([&file, "/dashboard/members?find=joerg", "/dashboard/log", "/dashboard/programmes/points"]);
    heard.questions();
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in paths {
        let answer = cafe.site.send("GET", path, &cookie, b"").await;
        assert_eq!(answer.status, 200, "{path}");
        for sql in heard.questions() {
            for fault in faults(&cafe.world.url, &sql).await {
                wrong.push(format!("{path}: {fault}\n{sql}\n"));
            }
            asked.insert(sql);
        }
    }
    heard.questions();
    assert!(asked.len() >= 10, "the log tells of the questions: {asked:?}");
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    // The test sees what it looks for.
    for sql in
        ["SELECT COUNT(*) FROM event WHERE tenant = $1", "SELECT seq FROM event AS e WHERE received_ms > $1"]
    {
        assert_eq!(faults(&cafe.world.url, sql).await.len(), 1, "{sql}");
    }
}

/// A tenant that has just come is one of which PostgreSQL knows nothing: the members of a push must not cost all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_looks_up_its_own_members_alone() {
    let heard = Heard::begin();
    let world = World::new().await;
    let mut device = world.device(1).await;
    for _ in 0..2 {
        heard.questions();
        for number in 0..200 {
            device.give(member(number), 1);
        }
        world.push(&device, &device.rows).await.unwrap();
    }
    let asked = heard.questions();
    assert!(asked.iter().any(|sql| sql.contains("FROM member WHERE")), "{asked:?}");
    for sql in asked {
        assert_eq!(faults(&world.url, &sql).await, Vec::<String>::new(), "{sql}");
    }
    if crate::KIND == Kind::Postgres {
        // The test sees what it looks for: a list of keys beside the tenant.
        let list = "SELECT member, base FROM member WHERE tenant = $1 AND member = ANY($2)";
        assert_eq!(faults(&world.url, list).await.len(), 1);
    }
}

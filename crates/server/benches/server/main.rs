//! The server's figures of docs/PERFORMANCE.md, each beside its floor, measured in the same run.
//!
//! `cargo bench -p stempel-server --bench server [-- FIGURE…] [-- --large] [-- --sqlite | --postgres]`; figures: `ingest`,
//! `growth`, `snapshot`, `fanout`, `hold`. PostgreSQL is a cluster of its own, with fsync, that ends with the bench.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot go on stops where it stands"
)]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../../tests/it/cluster.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod cluster;
mod data;
#[path = "../../tests/it/database.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod database;
mod floor;

use std::time::{Duration, Instant};

use stempel_server::Server;
use stempel_wire::message::HoldRequest;

use data::{Journal, Site};
use database::Kind;
use floor::Floor;

/// The database that a fresh one is made of, where nobody says which.
const KIND: Kind = Kind::Sqlite;
/// What is measured is durable.
const DISK: cluster::Disk = cluster::Disk::Durable;
/// Rows of one push.
const BATCH: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let given = |option: &str| arguments.iter().any(|word| word == option);
    let large = given("--large");
    let wanted = |name: &str| {
        let named: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
        named.is_empty() || named.iter().any(|word| *word == name)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for (kind, other) in [(Kind::Sqlite, "--postgres"), (Kind::Postgres, "--sqlite")] {
            if given(other) {
                continue;
            }
            if wanted("ingest") {
                for devices in [1, 8, 64] {
                    ingest(kind, devices).await;
                }
            }
            if wanted("growth") {
                growth(kind, large).await;
            }
            if wanted("snapshot") {
                snapshot(kind, if large { 1_000_000 } else { 100_000 }).await;
            }
            if wanted("fanout") {
                fanout(kind).await;
            }
            if wanted("hold") {
                hold(kind).await;
            }
        }
    });
}

/// Events per second from that many devices at once, and the floor with the same rows.
async fn ingest(kind: Kind, devices: usize) {
    let total = 12_800;
    let (mut ours, mut least) = (Vec::new(), Vec::new());
    // Each in turn, three times: what else the machine does hits both.
    for round in 0..3_u64 {
        let site = Site::open(kind).await;
        let journals = site.journals(devices, total / devices, 2_000, round).await;
        let bodies: Vec<(stempel_server::Caller, Vec<Vec<u8>>)> =
            journals.iter().map(|journal| (journal.caller, journal.pushes(BATCH))).collect();
        let started = Instant::now();
        let tasks = bodies.into_iter().map(|(caller, bodies)| {
            let server = site.server.clone();
            tokio::spawn(async move {
                for body in bodies {
                    server.push_body(&caller, &body).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        ours.push(per_second(total, started.elapsed()));
        let floor = Floor::of(&site, &journals, BATCH).await;
        least.push(per_second(total, floor.run().await));
        site.server.close().await;
    }
    let (ours, least) = (median(ours), median(least));
    println!(
        "ingest    {kind:?}, {devices} devices, pushes of {BATCH}: {ours:.0} events/s; floor {least:.0} events/s; \
         {:.2} × the floor's time",
        least / ours
    );
}

/// What a push costs when so many events are there already.
async fn growth(kind: Kind, large: bool) {
    let site = Site::open(kind).await;
    let steps: &[usize] = if large { &[10_000, 100_000, 1_000_000, 5_000_000] } else { &[10_000, 100_000] };
    let mut journals = site.journals(8, 0, 20_000, 7).await;
    let mut stored = 0;
    for &step in steps {
        while stored + 8 * BATCH <= step {
            for journal in &mut journals {
                journal.write(BATCH);
                let body = journal.take(BATCH);
                site.server.push_body(&journal.caller, &body).await.unwrap();
                stored += BATCH;
            }
        }
        let mut times = Vec::new();
        for _ in 0..40 {
            for journal in &mut journals {
                journal.write(BATCH);
                let body = journal.take(BATCH);
                let started = Instant::now();
                site.server.push_body(&journal.caller, &body).await.unwrap();
                times.push(started.elapsed());
                stored += BATCH;
            }
        }
        println!(
            "growth    {kind:?}, {step} events stored: a push of {BATCH} p50 {} p99 {}; memory {} MB",
            millis(share(&times, 0.5)),
            millis(share(&times, 0.99)),
            memory_mb()
        );
    }
    site.server.close().await;
}

/// Every member as the pages of the feed, and the floor: the same rows by one plain statement.
async fn snapshot(kind: Kind, members: usize) {
    let site = Site::open(kind).await;
    let mut journals = site.journals(8, 0, members, 11).await;
    for journal in &mut journals {
        for first in (0..members / 8).step_by(1000) {
            for body in journal.everybody(members / 8, first, 1000) {
                site.server.push_body(&journal.caller, &body).await.unwrap();
            }
        }
    }
    let before_mb = memory_mb();
    let caller = journals[0].caller;
    let (mut times, mut least, mut bytes, mut seen) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..3 {
        let started = Instant::now();
        let mut cursor = 0;
        (bytes, seen) = (0, 0);
        loop {
            let page = site.server.feed_page(&caller, cursor, 1000).await.unwrap();
            seen += page.changes();
            bytes += page.to_json().len();
            cursor = page.next();
            if page.is_last() {
                break;
            }
        }
        times.push(started.elapsed());
        least.push(floor::read_members(&site.url, site.tenant).await);
    }
    let (time, floor) = (share(&times, 0.5), share(&least, 0.5));
    println!(
        "snapshot  {kind:?}, {members} members ({seen} changes, {} MB): {}; floor {}; {:.2} × the floor; memory {} MB \
         before, {} MB at most",
        bytes / 1_000_000,
        millis(time),
        millis(floor),
        time.as_secs_f64() / floor.as_secs_f64(),
        before_mb,
        peak_mb()
    );
    site.server.close().await;
}

/// From a push to the last of a thousand devices that wait.
async fn fanout(kind: Kind) {
    let site = Site::open(kind).await;
    let mut journals = site.journals(1, 0, 100, 13).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let caller = journals[0].caller;
        let head = site.server.feed(&caller, 0, 1).await.unwrap().head;
        let waiting: Vec<_> = (0..1000)
            .map(|_| {
                let server: Server = site.server.clone();
                tokio::spawn(async move {
                    let page = server.feed_wait(&caller, head, 1000, 20_000).await.unwrap();
                    assert!(page.changes() > 0);
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        journals[0].write(1);
        let body = journals[0].take(1);
        let started = Instant::now();
        site.server.push_body(&caller, &body).await.unwrap();
        for task in waiting {
            task.await.unwrap();
        }
        times.push(started.elapsed());
    }
    let one = floor::read_one(&site.url, 1000).await;
    println!(
        "fanout    {kind:?}, 1000 devices that wait: the last one knows after {}; floor {} (the tenant's row and the \
         change read 1000 times)",
        millis(share(&times, 0.5)),
        millis(one)
    );
    site.server.close().await;
}

/// A hold while eight devices push.
async fn hold(kind: Kind) {
    let site = Site::open(kind).await;
    let mut journals = site.journals(9, 0, 2_000, 17).await;
    let mut guest = journals.pop().unwrap();
    guest.write(BATCH);
    let body = guest.take(BATCH);
    site.server.push_body(&guest.caller, &body).await.unwrap();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load: Vec<_> = journals
        .into_iter()
        .map(|mut journal: Journal| {
            let (server, stop) = (site.server.clone(), stop.clone());
            tokio::spawn(async move {
                let mut pushes = 0_u32;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    journal.write(10);
                    let body = journal.take(10);
                    server.push_body(&journal.caller, &body).await.unwrap();
                    pushes += 1;
                }
                pushes
            })
        })
        .collect();
    let (member, unit) = guest.holder();
    let mut times = Vec::new();
    let begun = Instant::now();
    for round in 0..400_u128 {
        if begun.elapsed() > Duration::from_secs(20) {
            break;
        }
        let asked = HoldRequest { hold: format!("{round:032x}"), member, unit: unit.clone(), amount: 1 };
        let started = Instant::now();
        site.server.hold(&guest.caller, &asked).await.unwrap();
        times.push(started.elapsed());
        site.server.hold_release(&guest.caller, &asked.hold).await.unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut pushes = 0;
    for task in load {
        pushes += task.await.unwrap();
    }
    println!(
        "hold      {kind:?}, while 8 devices push ten events at a time ({pushes} pushes): {} holds, p50 {} p99 {}",
        times.len(),
        millis(share(&times, 0.5)),
        millis(share(&times, 0.99))
    );
    site.server.close().await;
}

fn per_second(events: usize, time: Duration) -> f64 {
    events as f64 / time.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn share(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// What the process has in memory now, in megabytes.
fn memory_mb() -> u64 {
    status_mb("VmRSS:")
}

/// The most that it had in memory.
fn peak_mb() -> u64 {
    status_mb("VmHWM:")
}

fn status_mb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
}

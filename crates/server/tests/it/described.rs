//! The description of the API held against the running server by a program that knows nothing of it: it makes up
//! requests, good and bad ones, and compares the answers with what `openapi.json` says.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use stempel_server::Scope;
use tokio::process::Command;

use crate::accounts::{owner, person};
use crate::api::{COFFEE, publish};
use crate::database::Kind;
use crate::http::Site;
use crate::world::{World, card, member};

/// How long a run may take.
const TIME: Duration = Duration::from_secs(110);

/// Schemathesis, where `scripts/setup test` has put it. What is checked here does not depend on the database:
/// once is enough.
fn program() -> Option<PathBuf> {
    if crate::KIND != Kind::Sqlite {
        return None;
    }
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let program = home.join(".cache/stempel/schemathesis/bin/schemathesis");
    program.exists().then_some(program)
}

/// Runs the check with these headers, on the routes that the scope's regular expression names.
async fn check(site: &Site, headers: &[String], routes: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/api-check");
    let mut command = Command::new(script);
    command.arg(format!("http://{}", site.at.0)).arg(routes).args(headers).kill_on_drop(true);
    let output = tokio::time::timeout(TIME, command.output()).await.expect("in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("generated"), "it has tried something:\n{said}");
}

async fn ground() -> World {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    device.give(member(1), 50);
    world.push(&device, &device.rows).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_systems_ask_is_answered_as_described() {
    if program().is_none() {
        println!("not checked: schemathesis is not installed (scripts/setup test), or checked on SQLite");
        return;
    }
    let world = ground().await;
    let site = Site::open(&world).await;
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into();
    let key = world.server.api_key_add(world.tenant, "check", &scopes, None).await.unwrap().key;
    let routes = "^/api/v1/(openapi|stamps|redemptions|activities|members(/[^/]*(/offers)?)?$|events|programmes|shops)";
    check(&site, &[format!("authorization: Bearer {key}")], routes).await;
    world.sound().await;
    assert_eq!(site.ask("GET", "/health/ready", "", &Value::Null).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_ask_is_answered_as_described() {
    if program().is_none() {
        println!("not checked: schemathesis is not installed (scripts/setup test), or checked on SQLite");
        return;
    }
    let world = ground().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let headers: Vec<String> = olga.headers.lines().map(str::to_owned).collect();
    let me = site.ask("GET", "/api/v1/session", &olga.headers, &json!(null)).await;
    assert_eq!(me.status, 200);
    let routes = "^/api/v1/(accounts|api-keys|settings|devices|changes|audit|members/[^/]*/adjustments)";
    check(&site, &headers, routes).await;
    world.sound().await;
}

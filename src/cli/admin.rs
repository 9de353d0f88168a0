//! The server and those who look after it.

use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;
use stempel_domain::alarm::{AlarmKind, Limit, Limits, LimitsSet};
use stempel_domain::{TenantId, Unit};
use stempel_server::admin::{demo_guests, restore};
use stempel_server::{Actor, Db, Scope, Server};
use stempel_wire::catalogue;
use stempel_wire::message::Shop;

use super::args::{
    Admin, AdminApiKey, AdminCommand, AdminDecision, AdminDevice, AdminOwner, AdminProgramme, AdminShop,
    AdminTenant, Args, Catalogue, Serve,
};
use super::programme::{programme_of, text_of};
use super::{Answer, Failure};
use crate::edge::{SystemClock, SystemEntropy};

/// How long a code for a new device can be used, in milliseconds.
const INVITE_MS: i64 = 60 * 60 * 1000;

/// Runs the server until it is told to stop.
pub(super) fn serve(serve: &Serve) -> Result<Answer, Failure> {
    let say = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    };
    wait_for(async {
        stempel_server::run(serve, say).await.map_err(failure)?;
        Ok(Answer::default())
    })
}

pub(super) fn wait_for<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::machine)?;
    runtime.block_on(work)
}

/// Opens a database that is there: a wrong name must not leave an empty one behind.
pub(super) async fn open(database: &str) -> Result<Server, Failure> {
    must_be_there(database)?;
    open_or_make(database).await
}

fn must_be_there(database: &str) -> Result<(), Failure> {
    if Db::is_there(database).map_err(failure)? {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "There is no database at {database}. Name yours with --database, or make one with `stempel admin tenant add NAME`."
    )))
}

async fn open_or_make(database: &str) -> Result<Server, Failure> {
    let db = Db::open(database).await.map_err(failure)?;
    let server = Server::open(db, Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
    server.use_keys(keys_named(database).as_deref()).await.map_err(failure)?;
    let user = ["SUDO_USER", "USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    Ok(server.acting(Actor::command_line(user.as_deref().unwrap_or("unknown"))))
}

/// What the server says, with the exit code that fits: 1 for what it refuses or does not find, 3 for trouble.
pub(super) fn failure(error: stempel_server::Error) -> Failure {
    let problem = error.problem();
    let exit = match problem.status {
        400 => 2,
        status if status < 500 => 1,
        _ => 3,
    };
    let message = if problem.status < 500 {
        format!("{}. {}", problem.title, problem.detail)
    } else {
        // At the machine itself the cause may be named.
        format!("{}: {error}", problem.title)
    };
    Failure { exit, message, detail: serde_json::to_value(&problem).ok() }
}

/// Looks after a server's database, beside the running server or without it.
pub(super) fn admin(admin: &Admin, named: &Named) -> Result<Answer, Failure> {
    wait_for(async {
        if let AdminCommand::Restore { file } = &admin.command {
            let clock = Arc::new(SystemClock::new(""));
            let restored = {
                let database = admin.database();
                let keys = keys_named(&database);
                restore(file, &database, keys.as_deref(), clock, Box::new(SystemEntropy))
                    .await
                    .map_err(failure)?
            };
            let text =
                "The copy is in place. Devices notice at their next contact and send again what it lacks.";
            return Ok(Answer::one(text, serde_json::to_value(restored).map_err(Failure::machine)?));
        }
        if let AdminCommand::RotateKeys { lost: true } = &admin.command {
            return keys_lost(&admin.database()).await;
        }
        let database = admin.database();
        let server = match &admin.command {
            AdminCommand::Init { .. }
            | AdminCommand::Tenant(AdminTenant::Add { .. })
            | AdminCommand::Adopt { .. } => open_or_make(&database).await?,
            _ => open(&database).await?,
        };
        let answer = command(&server, admin, named).await;
        server.close().await;
        answer
    })
}

/// Begins with a new key file where the old one is lost.
async fn keys_lost(database: &str) -> Result<Answer, Failure> {
    must_be_there(database)?;
    let db = Db::open(database).await.map_err(failure)?;
    let server = Server::open(db, Arc::new(SystemClock::new("")), Box::new(SystemEntropy));
    let lost = server.begin_keys_anew(keys_named(database).as_deref()).await;
    server.close().await;
    let lost = lost.map_err(failure)?;
    let text = format!(
        "{} members' keys were dropped with the names they opened. {} owners have new keys to sign with: enrol their \
         devices anew, each in its folder. {} second factors go by their recovery codes only; {} webhooks were closed.",
        lost.dropped, lost.tenants, lost.second_factors, lost.webhooks
    );
    Ok(Answer::one(text, serde_json::to_value(lost).map_err(Failure::machine)?))
}

/// The file with the key that wraps members' keys, as the environment names it.
fn keys_named(database: &str) -> Option<std::path::PathBuf> {
    use stempel_server::config::{environment, keys_file};
    keys_file(environment("STEMPEL_KEYS").map(std::path::PathBuf::from), database, environment)
}

/// The tenant and shop that were named.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub tenant: Option<String>,
    pub shop: Option<String>,
}

impl Named {
    /// What the arguments name.
    pub fn of(args: &Args) -> Self {
        Self { tenant: args.tenant.clone(), shop: args.shop.clone() }
    }
}

async fn command(server: &Server, admin: &Admin, named: &Named) -> Result<Answer, Failure> {
    match &admin.command {
        AdminCommand::Init { demo } => init(server, *demo).await,
        AdminCommand::Tenant(AdminTenant::Add { name }) => {
            let tenant = server.tenant_add(name, false).await.map_err(failure)?;
            Ok(Answer::one(format!("“{name}” is tenant {tenant}."), json!({"tenant": tenant, "name": name})))
        }
        AdminCommand::Tenant(AdminTenant::List) => list(&server.tenants().await.map_err(failure)?),
        AdminCommand::Backup { file } => {
            server.backup(file).await.map_err(failure)?;
            let file = file.display().to_string();
            Ok(Answer::one(format!("The copy is {file}."), json!({"file": file})))
        }
        AdminCommand::RotateKeys { .. } => {
            let rotated = server.rotate_keys().await.map_err(failure)?;
            let text = format!(
                "{} secrets are wrapped under a new key. Older copies need the old key file: make a new copy now.",
                rotated.wrapped
            );
            Ok(Answer::one(text, serde_json::to_value(rotated).map_err(Failure::machine)?))
        }
        AdminCommand::Adopt { from, server: url } => super::adopt::adopt(server, from, url).await,
        AdminCommand::Move { to } => {
            let tenant = server.find_tenant(named.tenant.as_deref()).await.map_err(failure)?;
            let moved = server.tenant_move(tenant, to).await.map_err(failure)?;
            let text =
                format!("Tenant {tenant} is in {} now; {} rows, each as it was.", moved.to, moved.rows);
            Ok(Answer::one(text, serde_json::to_value(moved).map_err(Failure::machine)?))
        }
        other => {
            let tenant = server.find_tenant(named.tenant.as_deref()).await.map_err(failure)?;
            of_tenant(server, tenant, other, named).await
        }
    }
}

async fn of_tenant(
    server: &Server,
    tenant: TenantId,
    command: &AdminCommand,
    named: &Named,
) -> Result<Answer, Failure> {
    match command {
        AdminCommand::Shop(AdminShop::Add { name }) => {
            let zone = SystemClock::system_zone();
            let shop = server.shop_add(tenant, name, &zone, 0).await.map_err(failure)?;
            Ok(Answer::one(format!("“{name}” is shop {}.", shop.id), json!({"shop": shop.id, "name": name})))
        }
        AdminCommand::Shop(AdminShop::List) => list(&server.shops(tenant).await.map_err(failure)?),
        AdminCommand::Shop(AdminShop::Merchant { name }) => {
            let shop = the_shop(server, tenant, named.shop.as_deref()).await?.id;
            let shop = server.shop_merchant(tenant, shop, name.as_deref()).await.map_err(failure)?;
            let whose = shop.merchant.clone().unwrap_or_else(|| "nobody but itself".to_owned());
            let json = json!({"shop": shop.id, "name": shop.name, "merchant": shop.merchant});
            Ok(Answer::one(format!("“{}” belongs to {whose}.", shop.name), json))
        }
        AdminCommand::Shop(AdminShop::Rotating { unit, above }) => {
            let shop = the_shop(server, tenant, named.shop.as_deref()).await?.id;
            let unit: Unit = unit.parse().map_err(|error| Failure::usage(format!("{unit}: {error}")))?;
            let above = above.as_ref().map(|above| unit.parse_amount(above)).transpose();
            let above = above.map_err(|error| Failure::usage(format!("{error}")))?;
            let shop = server.shop_rotating(tenant, shop, unit, above).await.map_err(failure)?;
            let asked = !shop.rotating_above.is_empty();
            let text = if asked {
                "Large redemptions ask for a phone's changing code."
            } else {
                "No code is asked for."
            };
            Ok(Answer::one(text, json!({"shop": shop.id, "rotating_above": shop.rotating_above})))
        }
        AdminCommand::Paper(command) => {
            let shop = match named.shop.as_deref() {
                Some(_) => Some(the_shop(server, tenant, named.shop.as_deref()).await?.id),
                None => None,
            };
            super::paper::paper(server, tenant, shop, command).await
        }
        AdminCommand::Device(command) => device(server, tenant, command, named).await,
        AdminCommand::Programme(AdminProgramme::Publish { file }) => {
            let (programme, _) = programme_of(file)?;
            let reference = server
                .programme_publish(tenant, programme.id(), &programme.to_json())
                .await
                .map_err(failure)?;
            Ok(Answer::one(
                format!("“{}” version {} is in force.", reference.id, reference.version),
                json!({"programme": reference.id, "version": reference.version}),
            ))
        }
        AdminCommand::Catalogue(Catalogue::Import { file }) => {
            let articles = catalogue::read(&text_of(file)?)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            let count = articles.len();
            server.articles_put(tenant, articles).await.map_err(failure)?;
            Ok(Answer::one(format!("{count} articles are in the catalogue."), json!({"imported": count})))
        }
        AdminCommand::Catalogue(Catalogue::List) => {
            list(&server.catalogue_list(tenant).await.map_err(failure)?)
        }
        AdminCommand::Member(command) => super::people::of_member(server, tenant, command).await,
        AdminCommand::Decide(decision) => decide(server, tenant, decision).await,
        AdminCommand::Owner(command) => owner(server, tenant, command).await,
        AdminCommand::ApiKey(command) => api_key(server, tenant, command, named).await,
        AdminCommand::FourEyes { set } => {
            if let Some(set) = set {
                server.four_eyes_set(tenant, set == "on").await.map_err(failure)?;
            }
            let on = server.four_eyes(tenant).await.map_err(failure)?;
            let text = if on {
                "Signing devices out and corrections by hand wait until a second account agrees."
            } else {
                "Nothing waits for a second account."
            };
            Ok(Answer::one(text, json!({"four_eyes": on})))
        }
        AdminCommand::AlarmLimits { kind, minutes, warn, ask, default } => {
            let change = |limit: Limit| Limit {
                minutes: minutes.unwrap_or(limit.minutes),
                warn: warn.unwrap_or(limit.warn),
                ask: ask.unwrap_or(limit.ask),
            };
            let changes = *default || [minutes, warn, ask].into_iter().any(|given| given.is_some());
            if let Some(kind) = kind {
                let kind = super::alarms::kind_of(kind)?;
                let (_, in_force) = server.alarm_limits(tenant).await.map_err(failure)?;
                let limit = (!default).then(|| change(in_force.of(kind)));
                if changes {
                    server.alarm_limit_set(tenant, kind, limit).await.map_err(failure)?;
                }
            }
            let (set, in_force) = server.alarm_limits(tenant).await.map_err(failure)?;
            Ok(limits(&set, &in_force))
        }
        AdminCommand::Retention { months, off, dry_run } => {
            super::people::retention(server, tenant, *months, *off, *dry_run).await
        }
        AdminCommand::Audit { after } => list(&server.audit(tenant, *after).await.map_err(failure)?),
        AdminCommand::Inbox => {
            let inbox = server.inbox(tenant).await.map_err(failure)?;
            let json = serde_json::to_value(&inbox).map_err(Failure::machine)?;
            let text = serde_json::to_string_pretty(&json).map_err(Failure::machine)?;
            Ok(Answer::one(text, json))
        }
        AdminCommand::Verify => {
            let report = server.verify(tenant).await.map_err(failure)?;
            let mut json = serde_json::to_value(&report).map_err(Failure::machine)?;
            let ok = report.problems.is_empty();
            json["ok"] = json!(ok);
            let mut text = format!(
                "{} events in {} journals, {} members: {}",
                report.events,
                report.journals,
                report.members,
                if ok { "everything agrees." } else { "there are problems." }
            );
            for problem in &report.problems {
                text.push_str(&format!("\n- {problem}"));
            }
            Ok(Answer { no: !ok, ..Answer::one(text, json) })
        }
        AdminCommand::Recount => {
            let mended = server.day_figures_recount(tenant).await.map_err(failure)?;
            let text = match mended {
                0 => "every figure was as its events say".to_owned(),
                1 => "1 figure was another than its events say; it is mended".to_owned(),
                _ => format!("{mended} figures were others than their events say; they are mended"),
            };
            Ok(Answer::one(text, json!({ "mended": mended })))
        }
        AdminCommand::Init { .. }
        | AdminCommand::Tenant(_)
        | AdminCommand::Backup { .. }
        | AdminCommand::Restore { .. }
        | AdminCommand::Move { .. }
        | AdminCommand::RotateKeys { .. }
        | AdminCommand::Adopt { .. } => Err(Failure::usage("this command concerns no single tenant")),
    }
}

/// The limits of an owner, one kind per line.
fn limits(set: &LimitsSet, in_force: &Limits) -> Answer {
    let line = |kind: AlarmKind| {
        let (Limit { minutes, warn, ask }, set) = (in_force.of(kind), set.contains_key(&kind));
        let whose = if set { "set by the owner" } else { "default" };
        let text = format!(
            "{:<15} {minutes:>6} min  warns from {warn:>6}  asks from {ask:>6}  ({whose})",
            kind.name()
        );
        (text, json!({ "alarm": kind, "minutes": minutes, "warn": warn, "ask": ask, "set": set }))
    };
    Answer::lines(AlarmKind::ALL.into_iter().map(line))
}

/// What a person decides of what waits in the inbox.
async fn decide(server: &Server, tenant: TenantId, decision: &AdminDecision) -> Result<Answer, Failure> {
    match decision {
        AdminDecision::Release { device } => {
            let device = device.parse().map_err(Failure::usage)?;
            let rows = server.held_release(tenant, device).await.map_err(failure)?;
            Ok(Answer::one(format!("{rows} rows count now."), json!({"released": rows})))
        }
        AdminDecision::Retry => {
            let rows = server.dead_retry(tenant).await.map_err(failure)?;
            Ok(Answer::one(format!("{rows} rows are understood now."), json!({"understood": rows})))
        }
        AdminDecision::Lift { device } => {
            let device = device.parse().map_err(Failure::usage)?;
            server.quarantine_lift(tenant, device).await.map_err(failure)?;
            Ok(Answer::one("The journal is taken again.", json!({"device": device, "lifted": true})))
        }
    }
}

async fn owner(server: &Server, tenant: TenantId, command: &AdminOwner) -> Result<Answer, Failure> {
    match command {
        AdminOwner::Add { email } => {
            let link = server.owner_add(tenant, email).await.map_err(failure)?;
            let text = format!(
                "{} is an owner. The one-time code for the password, good for three days:\n{}",
                link.email, link.code
            );
            Ok(Answer::one(text, serde_json::to_value(&link).map_err(Failure::machine)?))
        }
        AdminOwner::List => list(&server.accounts(tenant).await.map_err(failure)?),
    }
}

async fn api_key(
    server: &Server,
    tenant: TenantId,
    command: &AdminApiKey,
    named: &Named,
) -> Result<Answer, Failure> {
    match command {
        AdminApiKey::Add { name, scopes } => {
            let scopes = scopes.iter().map(|scope| Scope::of_key(scope)).collect::<Result<_, _>>();
            let shop = match &named.shop {
                Some(shop) => Some(the_shop(server, tenant, Some(shop)).await?.id),
                None => None,
            };
            let key =
                server.api_key_add(tenant, name, &scopes.map_err(failure)?, shop).await.map_err(failure)?;
            let text = format!("Key {}, shown this once:\n{}", key.id, key.key);
            Ok(Answer::one(text, serde_json::to_value(&key).map_err(Failure::machine)?))
        }
        AdminApiKey::List => list(&server.api_keys(tenant).await.map_err(failure)?),
        AdminApiKey::Revoke { id } => {
            server.api_key_revoke(tenant, id).await.map_err(failure)?;
            Ok(Answer::one("The key opens nothing any more.", json!({"id": id, "revoked": true})))
        }
    }
}

async fn device(
    server: &Server,
    tenant: TenantId,
    command: &AdminDevice,
    named: &Named,
) -> Result<Answer, Failure> {
    match command {
        AdminDevice::Invite => {
            let shop = the_shop(server, tenant, named.shop.as_deref()).await?;
            let invite = server.device_invite(tenant, shop.id, INVITE_MS).await.map_err(failure)?;
            let text = format!(
                "Code {} for a new device of “{}”, good once within an hour.\nThere: stempel enroll --server URL --code {}",
                invite.code, shop.name, invite.code
            );
            Ok(Answer::one(text, json!({"code": invite.code, "shop": shop.id})))
        }
        AdminDevice::List => list(&server.device_list(tenant).await.map_err(failure)?),
        AdminDevice::Revoke { device } => {
            let device = device.parse().map_err(Failure::usage)?;
            server.device_revoke(tenant, device).await.map_err(failure)?;
            let text = "The device is out. Nothing that it sends is taken from now on; rows of it that another device brings are held for review.";
            Ok(Answer::one(text, json!({"device": device, "revoked": true})))
        }
    }
}

/// The shop that was named by id or name, or the only one there is.
async fn the_shop(server: &Server, tenant: TenantId, named: Option<&str>) -> Result<Shop, Failure> {
    let mut shops = server.shops(tenant).await.map_err(failure)?;
    match named {
        Some(named) => shops
            .into_iter()
            .find(|shop| shop.name == named || shop.id.to_string() == named)
            .ok_or_else(|| Failure::refused(format!("there is no shop “{named}”"))),
        None if shops.len() == 1 => Ok(shops.remove(0)),
        None if shops.is_empty() => {
            Err(Failure::refused("there is no shop yet; add one with `stempel admin shop add NAME`"))
        }
        None => Err(Failure::usage("there are several shops; say which one with --shop")),
    }
}

/// Makes the database; with the sample café: tenant, shop, programmes, catalogue, members.
async fn init(server: &Server, demo: bool) -> Result<Answer, Failure> {
    if !demo {
        return Ok(Answer::one("The database is ready.", json!({"ready": true})));
    }
    let sample = server
        .init_demo(
            &crate::sample::published()?,
            crate::sample::articles().map_err(Failure::machine)?,
            &demo_guests(),
        )
        .await
        .map_err(failure)?;
    let json = json!({"tenant": sample.tenant, "shop": sample.shop.id, "name": sample.shop.name});
    Ok(Answer::one(format!("“{}” is ready.", sample.shop.name), json))
}

/// One line of JSON for each thing.
pub(super) fn list<T: serde::Serialize>(things: &[T]) -> Result<Answer, Failure> {
    let lines = things.iter().map(|thing| {
        let json = serde_json::to_value(thing).map_err(Failure::machine)?;
        Ok((json.to_string(), json))
    });
    Ok(Answer::lines(lines.collect::<Result<Vec<_>, Failure>>()?))
}

//! Every route, asked without credentials, with a withdrawn key, with a lesser role's, another shop's and another
//! tenant's: nobody sees or changes what is not theirs, and nothing that was refused has changed anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stempel_domain::{ShopId, TenantId};
use stempel_server::accounts::{Role, RoleAt};
use stempel_server::{OPENAPI, Scope};

use crate::accounts::{PASSWORD, owner, person};
use crate::api::{COFFEE, bearer, publish};
use crate::http::{Answer, Site};
use crate::world::{World, card, member};

/// One route with a request that the tenant's owner may well send.
struct Step {
    method: &'static str,
    path: String,
    body: Value,
    /// What it needs; none: nobody in particular.
    needs: Option<&'static str>,
    /// It concerns one shop.
    at_shop: bool,
}

/// What is walked: a tenant with two shops, a device, a member, an account and a key to try things on.
struct Ground {
    world: World,
    south: ShopId,
    other: TenantId,
    steps: Vec<Step>,
}

async fn ground() -> Ground {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let south = world.server.shop_add(world.tenant, "Süd", "Europe/Berlin", 0).await.unwrap().id;
    let other = world.server.tenant_add("Bäckerei", false).await.unwrap();
    world.server.shop_add(other, "Nord", "Europe/Berlin", 0).await.unwrap();
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows).await.unwrap();
    // The first account of a tenant is an owner's.
    world.server.owner_add(world.tenant, "first@example.org").await.unwrap();
    let victim = world
        .server
        .account_invite(world.tenant, "victim@example.org", &[RoleAt { role: Role::Staff, shop: None }])
        .await
        .unwrap()
        .account;
    let scopes: BTreeSet<Scope> = [Scope::Read].into();
    let key = world.server.api_key_add(world.tenant, "Key", &scopes, None).await.unwrap().id;
    let (member, shop, device) = (member(1), world.shop, device.id);
    let step = |method, path: &str, body: Value, needs: Option<&'static str>, at_shop| Step {
        method,
        path: format!("/api/v1/{path}"),
        body,
        needs,
        at_shop,
    };
    let adjustment = json!({ "unit": "point", "amount": "1", "reason": "walk", "shop": shop });
    let change = "00000000000000000000000000000000";
    let steps = vec![
        step("GET", "openapi.json", Value::Null, None, false),
        step("POST", "stamps", json!({ "code": member, "shop": shop }), Some("award"), true),
        step(
            "POST",
            "redemptions",
            json!({ "code": member, "shop": shop, "reward": "free-coffee" }),
            Some("redeem"),
            true,
        ),
        step(
            "POST",
            "activities",
            json!({ "code": member, "shop": shop, "programme": "coffee", "activity": "x" }),
            Some("award"),
            true,
        ),
        step("GET", "members", Value::Null, Some("read"), false),
        step("POST", "members", json!({ "name": "Walk" }), Some("members"), false),
        step("GET", &format!("members/{member}"), Value::Null, Some("read"), false),
        step("GET", &format!("members/{member}/offers?shop={shop}"), Value::Null, Some("read"), true),
        step("GET", &format!("events?author={device}"), Value::Null, Some("read"), true),
        step("GET", "programmes", Value::Null, Some("read"), false),
        step("GET", "shops", Value::Null, Some("read"), false),
        step("GET", "session", Value::Null, Some("session"), false),
        step(
            "POST",
            "session",
            json!({ "email": "x@example.org", "password": "falsch geraten" }),
            None,
            false,
        ),
        step("POST", "password", json!({ "code": "x", "password": PASSWORD }), None, false),
        step("POST", "password/forgotten", json!({ "email": "x@example.org" }), None, false),
        step("GET", "accounts", Value::Null, Some("own"), false),
        step(
            "POST",
            "accounts",
            json!({ "email": "new@example.org", "roles": [{ "role": "owner" }] }),
            Some("own"),
            false,
        ),
        step(
            "PUT",
            &format!("accounts/{victim}/roles"),
            json!({ "roles": [{ "role": "owner" }] }),
            Some("own"),
            false,
        ),
        step("DELETE", &format!("accounts/{victim}"), Value::Null, Some("own"), false),
        step("GET", "api-keys", Value::Null, Some("own"), false),
        step("POST", "api-keys", json!({ "name": "k", "scopes": ["read"] }), Some("own"), false),
        step("DELETE", &format!("api-keys/{key}"), Value::Null, Some("own"), false),
        step("GET", "settings", Value::Null, Some("manage"), false),
        step("PUT", "settings", json!({ "four_eyes": false }), Some("own"), false),
        step("GET", "devices", Value::Null, Some("manage"), false),
        step("POST", "devices/invitations", json!({ "shop": shop }), Some("manage"), true),
        step("POST", &format!("devices/{device}/revoke"), Value::Null, Some("manage"), true),
        step("POST", &format!("members/{member}/adjustments"), adjustment, Some("manage"), true),
        step(
            "POST",
            &format!("members/{member}/merge"),
            json!({ "into": "00000000000000000000000000000000" }),
            Some("manage"),
            false,
        ),
        step("POST", &format!("members/{member}/unmerge"), Value::Null, Some("manage"), false),
        step("GET", &format!("members/{member}/export"), Value::Null, Some("manage"), false),
        step("GET", &format!("members/{member}/consents"), Value::Null, Some("read"), false),
        step(
            "POST",
            &format!("members/{member}/consents"),
            json!({ "consent": "mail", "given": true, "terms": "1", "place": "api" }),
            Some("members"),
            false,
        ),
        step("GET", "erasures", Value::Null, Some("manage"), false),
        step("GET", "retention", Value::Null, Some("manage"), false),
        step("GET", "retention/due?months=12", Value::Null, Some("manage"), false),
        step("PUT", "retention", json!({ "months": 12 }), Some("own"), false),
        step("GET", "alarms", Value::Null, Some("manage"), false),
        step("GET", "alarms/00000000000000000000000000000000", Value::Null, Some("manage"), false),
        step("GET", "alarm-limits", Value::Null, Some("manage"), false),
        step("PUT", "alarm-limits", json!({ "limits": {} }), Some("own"), false),
        step("POST", &format!("members/{member}/erase"), Value::Null, Some("manage"), false),
        step("GET", "changes", Value::Null, Some("manage"), false),
        step("POST", &format!("changes/{change}/approve"), Value::Null, Some("manage"), false),
        step("POST", &format!("changes/{change}/decline"), Value::Null, Some("manage"), false),
        step("GET", "audit", Value::Null, Some("manage"), false),
        step("DELETE", "session", Value::Null, Some("session"), false),
    ];
    Ground { world, south, other, steps }
}

/// Every route and method of the description.
fn described() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if method != "parameters" {
                routes.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    routes
}

/// Whether a path fits a pattern with `{…}`.
fn fits(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut a, mut b) = (pattern.split('/'), path.split('/'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(part), Some(found)) if part.starts_with('{') || part == found => {}
            _ => return false,
        }
    }
}

impl Ground {
    async fn ask(&self, site: &Site, step: &Step, headers: &str) -> Answer {
        site.ask(step.method, &step.path, headers, &step.body).await
    }

    /// What the tenant's data comes to: nothing that was refused may change it.
    async fn picture(&self) -> Value {
        let server = &self.world.server;
        let tenant = self.world.tenant;
        let events = server.verify(tenant).await.unwrap();
        json!({
            "events": events.events,
            "audit": events.audit_hash,
            "devices": server.device_list(tenant).await.unwrap(),
            "accounts": server.accounts(tenant).await.unwrap(),
            "keys": server.api_keys(tenant).await.unwrap(),
        })
    }

    /// Walks every route that needs something, and gives the answer's code for each.
    async fn walk(&self, site: &Site, headers: &str) -> BTreeMap<String, (u16, String)> {
        let mut found = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.needs.is_some()) {
            let answer = self.ask(site, step, headers).await;
            let code = if answer.status < 400 { String::new() } else { answer.problem().code };
            found.insert(format!("{} {}", step.method, step.path), (answer.status, code));
        }
        found
    }
}

#[tokio::test]
async fn the_walk_and_the_description_name_every_route() {
    let ground = ground().await;
    let site = Site::open(&ground.world).await;
    let described = described();
    for (method, pattern) in &described {
        let walked = ground.steps.iter().any(|step| step.method == method && fits(pattern, &step.path));
        assert!(walked, "{method} {pattern} is described and not walked");
    }
    for step in &ground.steps {
        let known =
            described.iter().any(|(method, pattern)| step.method == method && fits(pattern, &step.path));
        assert!(known, "{} {} is not described", step.method, step.path);
    }
    // What the router has: every method of every pattern that is not described is refused as such.
    let routes = stempel_server::api_routes();
    let patterns: BTreeSet<&str> = described.iter().map(|(_, pattern)| &pattern[..]).collect();
    assert_eq!(routes.iter().copied().collect::<BTreeSet<_>>(), patterns);
    for pattern in patterns {
        let path = pattern.replace("{code}", "00");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let known = described.contains(&(method.to_owned(), pattern.to_owned()));
            let answer = site.ask(method, &path, "", &Value::Null).await;
            assert_eq!(answer.status != 405, known, "{method} {pattern}");
        }
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_shown_or_changed() {
    let ground = ground().await;
    let site = Site::open(&ground.world).await;
    let before = ground.picture().await;
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into();
    let withdrawn = ground.world.server.api_key_add(ground.world.tenant, "old", &scopes, None).await.unwrap();
    ground.world.server.api_key_revoke(ground.world.tenant, &withdrawn.id).await.unwrap();
    let strangers = [
        String::new(),
        bearer("sk_nonsense"),
        bearer(&withdrawn.key),
        bearer(&format!("sk_{}", "a".repeat(77))),
        "authorization: Basic b2xnYTpwYXNzd29ydA==\r\n".to_owned(),
        "cookie: stempel=nonsense\r\n".to_owned(),
        format!("cookie: stempel={}\r\n", "a".repeat(77)),
    ];
    let made = ground.picture().await;
    for headers in &strangers {
        for (route, (status, code)) in ground.walk(&site, headers).await {
            let csrf = status == 403 && code == "csrf" && headers.starts_with("cookie");
            assert!(status == 401 || csrf, "{route} with {headers:?}: {status} {code}");
        }
    }
    assert_eq!(ground.picture().await, made);
    assert_ne!(before, made, "the picture sees changes");
    // Routes of devices too.
    for (method, path) in [("POST", "/v1/push"), ("GET", "/v1/feed"), ("POST", "/v1/blanks")] {
        for headers in &strangers {
            assert_eq!(site.send(method, path, headers, b"").await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn a_lesser_role_is_told_what_it_lacks_and_changes_nothing() {
    let ground = ground().await;
    let (world, site) = (&ground.world, Site::open(&ground.world).await);
    let roles: [(Role, &[&str]); 3] = [
        (Role::Support, &["read", "session"]),
        (Role::Staff, &["read", "award", "redeem", "session"]),
        (Role::Manager, &["read", "award", "redeem", "members", "manage", "session"]),
    ];
    for (number, (role, may)) in roles.into_iter().enumerate() {
        let email = format!("somebody-{number}@example.org");
        let somebody = person(world, world.tenant, &site, &email, &[RoleAt { role, shop: None }]).await;
        let before = ground.picture().await;
        for step in &ground.steps {
            let Some(needs) = step.needs.filter(|needs| !may.contains(needs)) else { continue };
            let answer = ground.ask(&site, step, &somebody.headers).await;
            let code = answer.problem().code;
            assert_eq!(
                (answer.status, &code[..]),
                (403, "forbidden"),
                "{role:?} {} {}",
                step.method,
                step.path
            );
            assert!(answer.problem().detail.contains(needs));
        }
        assert_eq!(ground.picture().await, before, "{role:?}");
        // And what it may, it may: reading, for everybody.
        for step in ground.steps.iter().filter(|step| step.method == "GET" && step.needs == Some("read")) {
            let answer = ground.ask(&site, step, &somebody.headers).await;
            assert_eq!(answer.status, 200, "{role:?} {}: {}", step.path, answer.json());
        }
    }
    // Keys of other systems are for none of what people decide.
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into();
    let key = world.server.api_key_add(world.tenant, "till", &scopes, None).await.unwrap().key;
    for step in ground.steps.iter().filter(|step| matches!(step.needs, Some("manage" | "own"))) {
        assert_eq!(ground.ask(&site, step, &bearer(&key)).await.status, 403, "{}", step.path);
    }
}

#[tokio::test]
async fn another_shops_people_and_keys_change_nothing_here() {
    let ground = ground().await;
    let (world, site) = (&ground.world, Site::open(&ground.world).await);
    let south = RoleAt { role: Role::Manager, shop: Some(ground.south) };
    let manager = person(world, world.tenant, &site, "south@example.org", &[south]).await;
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into();
    let key = world.server.api_key_add(world.tenant, "south", &scopes, Some(ground.south)).await.unwrap().key;
    let before = ground.picture().await;
    for (who, headers) in [("manager", manager.headers.clone()), ("key", bearer(&key))] {
        for step in ground.steps.iter().filter(|step| step.at_shop) {
            if who == "key" && step.needs == Some("manage") {
                continue;
            }
            let answer = ground.ask(&site, step, &headers).await;
            let code = answer.problem().code;
            let hidden = answer.status == 404 && step.path.contains("/events");
            assert!(
                hidden || (answer.status, &code[..]) == (403, "other-shop"),
                "{who} {}: {code}",
                step.path
            );
        }
        for path in ["/api/v1/devices", "/api/v1/events", "/api/v1/shops"] {
            let text = site.ask("GET", path, &headers, &Value::Null).await.json().to_string();
            assert!(!text.contains(&world.shop.to_string()), "{who} {path}: {text}");
        }
    }
    for path in ["/api/v1/audit", "/api/v1/accounts", "/api/v1/api-keys"] {
        assert_eq!(site.ask("GET", path, &manager.headers, &Value::Null).await.status, 403, "{path}");
    }
    assert_eq!(ground.picture().await, before);
}

#[tokio::test]
async fn another_tenants_owner_finds_nothing_here() {
    let ground = ground().await;
    let (world, site) = (&ground.world, Site::open(&ground.world).await);
    let stranger = person(world, ground.other, &site, "stranger@example.org", &owner()).await;
    let before = ground.picture().await;
    let secrets = [world.tenant.to_string(), world.shop.to_string(), member(1).to_string()];
    for step in ground.steps.iter().filter(|step| step.needs.is_some() && step.path != "/api/v1/session") {
        let named =
            secrets.iter().any(|secret| step.path.contains(secret) || step.body.to_string().contains(secret));
        let answer = ground.ask(&site, step, &stranger.headers).await;
        let own = ["/api/v1/devices/invitations", "/api/v1/retention/due?months=12"];
        let tried = step.path.matches('/').count() > 3 && !own.contains(&&step.path[..]);
        if named || tried {
            assert_eq!(answer.status, 404, "{} {}: {}", step.method, step.path, answer.json());
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        for secret in secrets.iter().filter(|secret| !step.path.contains(*secret)) {
            // A refusal may repeat what was asked for.
            let said = answer.status >= 400 && step.body.to_string().contains(secret);
            assert!(said || !text.contains(secret), "{} shows {secret}: {text}", step.path);
        }
    }
    assert_eq!(ground.picture().await, before);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_in_words() {
    let ground = ground().await;
    let (world, site) = (&ground.world, Site::open(&ground.world).await);
    let olga = person(world, world.tenant, &site, "olga@example.org", &owner()).await;
    let before = ground.picture().await;
    let large = format!("{{\"code\":\"{}\"}}", "x".repeat(300_000));
    let deep = "[".repeat(5000);
    for step in ground.steps.iter().filter(|step| !step.body.is_null()) {
        let json = format!("content-type: application/json\r\n{}", olga.headers);
        for (body, statuses) in [
            (&b""[..], &[400][..]),
            (b"{", &[400]),
            (b"\xff\xfe", &[400]),
            (deep.as_bytes(), &[400, 422]),
            (b"[]", &[400, 422]),
            (b"null", &[400, 422]),
            (b"{\"unknown\":1}", &[422]),
            (large.as_bytes(), &[413, 0]),
        ] {
            let answer = site.send(step.method, &step.path, &json, body).await;
            let shown = &body[..body.len().min(20)];
            assert!(statuses.contains(&answer.status), "{} {shown:?}: {}", step.path, answer.status);
            if answer.status != 0 {
                answer.problem();
            }
        }
        let answer = site.send(step.method, &step.path, &olga.headers, b"{}").await;
        assert_eq!(answer.status, 415, "{} without a type", step.path);
    }
    for path in ["members/%ff", "members/%00", "members/x%2Fy", &format!("members/{}", "x".repeat(2000))] {
        let answer = site.ask("GET", &format!("/api/v1/{path}"), &olga.headers, &Value::Null).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        answer.problem();
    }
    for path in ["members?limit=-1", "events?after=%00", "audit?after=x", "members?after=zz"] {
        let answer = site.ask("GET", &format!("/api/v1/{path}"), &olga.headers, &Value::Null).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    assert_eq!(ground.picture().await, before);
}

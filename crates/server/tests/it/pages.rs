//! The dashboard without a browser: who may see what, forms of other sites, ids of other tenants.

use std::time::Duration;

use serde_json::json;
use stempel_domain::event::ErasureReason;
use stempel_server::accounts::{Role, RoleAt};

use crate::accounts::{Person, owner, person};
use crate::api::{COFFEE, key, publish};
use crate::http::{Answer, Site};
use crate::world::World;

/// Every page that somebody opens, and who may at least.
pub const PAGES: [(&str, Role); 20] = [
    ("/dashboard", Role::Support),
    ("/dashboard/members", Role::Support),
    ("/dashboard/programmes", Role::Support),
    ("/dashboard/programmes/coffee", Role::Support),
    ("/dashboard/cards", Role::Manager),
    ("/dashboard/work", Role::Manager),
    ("/dashboard/work/limits", Role::Owner),
    ("/dashboard/devices", Role::Manager),
    ("/dashboard/shops", Role::Manager),
    ("/dashboard/catalogue", Role::Manager),
    ("/dashboard/catalogue.csv", Role::Manager),
    ("/dashboard/catalogue/article", Role::Manager),
    ("/dashboard/programmes/new", Role::Manager),
    ("/dashboard/programmes/edit?template=points", Role::Manager),
    ("/dashboard/import", Role::Manager),
    ("/dashboard/statement", Role::Manager),
    ("/dashboard/team", Role::Owner),
    ("/dashboard/hooks", Role::Owner),
    ("/dashboard/account", Role::Support),
    ("/dashboard/statement.pdf", Role::Manager),
];

impl Person {
    /// The token that a form brings.
    fn csrf(&self) -> &str {
        let line = self.headers.lines().find_map(|line| line.strip_prefix("x-csrf-token: "));
        line.unwrap_or_default()
    }

    /// The cookie alone, as a browser sends it.
    fn cookie(&self) -> String {
        format!("{}\r\n", self.headers.lines().next().unwrap_or_default())
    }

    async fn get(&self, site: &Site, path: &str) -> Answer {
        site.send("GET", path, &self.cookie(), b"").await
    }

    async fn post(&self, site: &Site, path: &str, more: &str, body: &str) -> Answer {
        let headers = format!("{}content-type: application/x-www-form-urlencoded\r\n{more}", self.cookie());
        site.send("POST", path, &headers, body.as_bytes()).await
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

async fn team(world: &World, site: &Site) -> [(Role, Person); 3] {
    let role = |role| [RoleAt { role, shop: None }];
    [
        (Role::Owner, person(world, world.tenant, site, "olga@example.org", &owner()).await),
        (Role::Manager, person(world, world.tenant, site, "mara@example.org", &role(Role::Manager)).await),
        (Role::Support, person(world, world.tenant, site, "sven@example.org", &role(Role::Support)).await),
    ]
}

#[tokio::test]
async fn each_page_is_for_those_who_may() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let team = team(&world, &site).await;
    for (path, least) in PAGES {
        let stranger = site.send("GET", path, "", b"").await;
        assert_eq!(stranger.status, 303, "{path}");
        assert!(stranger.header("location").unwrap().starts_with("/dashboard/sign-in?to="), "{path}");
        for (role, person) in &team {
            let answer = person.get(&site, path).await;
            let wanted = if *role <= least { 200 } else { 403 };
            assert_eq!(answer.status, wanted, "{path} as {role:?}: {}", text(&answer));
            if wanted == 403 {
                assert!(text(&answer).contains("not allowed"), "{path}");
            }
        }
    }
    let page = team[0].1.get(&site, "/dashboard").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_and_an_old_one_comes_back() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let shop = "name=Hafen&zone=Europe%2FBerlin&ends=04%3A00&page=%2Fdashboard%2Fshops";
    let other = olga.post(&site, "/dashboard/shops", "sec-fetch-site: cross-site\r\n", shop).await;
    assert_eq!(other.status, 403);
    // A page that was made for an earlier session: what was typed is kept, and shown again.
    let old = olga.post(&site, "/dashboard/shops", "", &format!("{shop}&csrf=old")).await;
    assert_eq!(old.status, 303);
    assert_eq!(world.server.shops(world.tenant).await.unwrap().len(), 1);
    let back = olga.get(&site, old.header("location").unwrap()).await;
    assert!(text(&back).contains("value=\"Hafen\""), "{}", text(&back));
    // Only the address opens it: a form may hold somebody's name.
    assert!(!crate::database::holds(&world.url, b"Hafen").await);
    // Somebody else does not see it.
    let mara = person(&world, world.tenant, &site, "mara@example.org", &owner()).await;
    let theirs = mara.get(&site, old.header("location").unwrap()).await;
    assert!(!text(&theirs).contains("Hafen"));
    let done = olga.post(&site, "/dashboard/shops", "", &format!("{shop}&csrf={}", olga.csrf())).await;
    assert_eq!(done.header("location"), Some("/dashboard/shops?done=saved"));
    assert_eq!(world.server.shops(world.tenant).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_limits_of_alarms_are_set_and_what_was_typed_wrong_is_shown_again() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let path = "/dashboard/work/limits";
    let form = |card: &str, more: &str| {
        let kinds = ["self-award", "card-often", "operator-often", "two-places", "take-backs"];
        let fields = kinds.map(|kind| {
            let warn = if kind == "card-often" { card } else { "3" };
            format!("{kind}.minutes=60&{kind}.warn={warn}&{kind}.ask=9&")
        });
        let money = "money-back.minutes=480&money-back.warn=80%2C50&money-back.ask=250.00";
        format!("{}{money}{more}&csrf={}", fields.concat(), olga.csrf())
    };
    let wrong = olga.post(&site, path, "", &form("many", "")).await;
    assert_eq!(wrong.status, 422);
    assert!(text(&wrong).contains("value=\"many\"") && text(&wrong).contains("id=\"problem\""));
    assert_eq!(world.server.alarm_limits(world.tenant).await.unwrap().0.len(), 0);
    let done = olga.post(&site, path, "", &form("5", "")).await;
    assert_eq!(done.header("location"), Some("/dashboard/work/limits?done=saved"));
    let (set, limits) = world.server.alarm_limits(world.tenant).await.unwrap();
    assert_eq!((limits.card_often.warn, limits.card_often.ask, limits.card_often.minutes), (5, 9, 60));
    assert_eq!((limits.money_back.warn, limits.money_back.ask, limits.two_places.ask), (8_050, 25_000, 0));
    assert_eq!(set.len(), 6);
    let page = text(&olga.get(&site, path).await);
    assert!(page.contains("value=\"80.50\"") && page.contains("value=\"250.00\""), "{page}");
    assert!(text(&olga.get(&site, "/dashboard/work").await).contains(path));
    olga.post(&site, path, "", &form("many", "&do=defaults")).await;
    assert_eq!(world.server.alarm_limits(world.tenant).await.unwrap().0.len(), 0);
}

#[tokio::test]
async fn what_belongs_to_another_tenant_is_not_there() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let key = key(&world).await;
    let ada = site.ask("POST", "/api/v1/members", &key, &json!({ "name": "Ada" })).await.json();
    let member = ada["member"].as_str().unwrap();
    let other = world.server.tenant_add("Anderes Café", false).await.unwrap();
    let pile = world.server.batch_make(world.tenant, None, 1).await.unwrap();
    let otto = person(&world, other, &site, "otto@example.org", &owner()).await;
    for path in [
        format!("/dashboard/members/{member}"),
        format!("/dashboard/members/{member}/export"),
        "/dashboard/programmes/coffee".to_owned(),
    ] {
        assert_eq!(otto.get(&site, &path).await.status, 404, "{path}");
    }
    for (path, body) in [
        (format!("/dashboard/members/{member}/erase"), "sure=yes"),
        (format!("/dashboard/members/{member}/card"), "do=block&card=0000000000000000"),
        (format!("/dashboard/members/{member}/adjust"), "unit=point&amount=5&reason=x"),
        ("/dashboard/programmes/coffee/end".to_owned(), ""),
        (format!("/dashboard/devices/{member}/revoke"), ""),
        ("/dashboard/devices/invite".to_owned(), &format!("shop={}", world.shop)[..]),
        ("/dashboard/work/case".to_owned(), "kind=overdraft&subject=x&do=owe"),
        (format!("/dashboard/cards/{pile}/sheets.pdf"), "language=de"),
        (format!("/dashboard/cards/{pile}/withdraw"), "sure=yes"),
    ] {
        let answer = otto.post(&site, &path, "", &format!("{body}&csrf={}", otto.csrf())).await;
        assert_eq!(answer.status, 404, "{path}: {}", text(&answer));
    }
    let found = otto.get(&site, "/dashboard/members?find=ada").await;
    assert!(!text(&found).contains(member));
    person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let sven = [RoleAt { role: Role::Support, shop: None }];
    let sven = person(&world, world.tenant, &site, "sven@example.org", &sven).await;
    for (path, body) in [
        (format!("/dashboard/members/{member}/adjust"), "unit=point&amount=5&reason=x"),
        (format!("/dashboard/members/{member}/erase"), "sure=yes"),
        ("/dashboard/members".to_owned(), "name=Eva"),
        ("/dashboard/shops".to_owned(), "name=Neu&zone=Europe%2FBerlin&ends=00%3A00"),
        ("/dashboard/programmes/edit".to_owned(), "do=publish&text=x"),
        ("/dashboard/team".to_owned(), "email=a%40b.example&role=owner"),
        ("/dashboard/import".to_owned(), "table=name%0AEva&do=take"),
        ("/dashboard/catalogue".to_owned(), "table=x&do=take"),
        ("/dashboard/cards".to_owned(), "count=1"),
        (format!("/dashboard/cards/{pile}/sheets.pdf"), "language=de"),
        (format!("/dashboard/cards/{pile}/withdraw"), "sure=yes"),
        ("/dashboard/catalogue/article".to_owned(), "sku=x&name=x&price=1&vat=7"),
    ] {
        let answer = sven.post(&site, &path, "", &format!("{body}&csrf={}", sven.csrf())).await;
        assert_eq!(answer.status, 403, "{path}: {}", text(&answer));
    }
}

/// How many names are open in the memory of the process.
pub async fn names_open(site: &Site) -> f64 {
    let figures = text(&site.send("GET", "/metrics", "", b"").await);
    let line = figures.lines().find_map(|line| line.strip_prefix("stempel_names_open "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_erased_name_leaves_the_memory_without_a_search() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let key = key(&world).await;
    let mut members = Vec::new();
    for name in ["Ada", "Adam", "Bruno"] {
        let made = site.ask("POST", "/api/v1/members", &key, &json!({ "name": name })).await.json();
        members.push(made["member"].as_str().unwrap().to_owned());
    }
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    assert_eq!(names_open(&site).await, 0.0);
    let found = text(&olga.get(&site, "/dashboard/members?find=ada").await);
    assert!(found.contains(&members[0]) && found.contains(&members[1]) && !found.contains("data-again"));
    assert_eq!(names_open(&site).await, 3.0);
    world.server.member_erase(world.tenant, &members[0], ErasureReason::Asked).await.unwrap();
    let gone = async {
        while names_open(&site).await > 2.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    let found = text(&olga.get(&site, "/dashboard/members?find=ada").await);
    assert!(!found.contains(&members[0]) && found.contains(&members[1]));
}

#[tokio::test]
async fn a_search_answers_before_all_names_are_read_says_so_and_finds_the_rest() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let key = key(&world).await;
    let ada = site.ask("POST", "/api/v1/members", &key, &json!({ "name": "Ada" })).await.json();
    let ada = ada["member"].as_str().unwrap();
    // Many others, who all changed after her.
    let others = super::large::members(&world.tenant.to_string(), 5000);
    crate::database::script(&world.url, &format!("{others}; UPDATE tenant SET head = 200000000")).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let first = text(&olga.get(&site, "/dashboard/members?find=ada").await);
    assert!(first.contains("data-again") && !first.contains(ada), "{first}");
    let found = async {
        loop {
            let page = text(&olga.get(&site, "/dashboard/members?find=ada").await);
            if !page.contains("data-again") {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await.unwrap();
    assert!(found.contains(ada), "{found}");
}

//! The pages in a real browser: headless Chromium, driven by the scripts in `tests/browser`, against a real server
//! with the sample café. `scripts/setup test` installs what it needs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use stempel_domain::event::Fact;
use stempel_domain::{ShopId, Unit};
use stempel_server::http::Options;
use tokio::process::Command;

use crate::accounts::PASSWORD;
use crate::api::{COFFEE, POINTS, key, publish};
use crate::database::Kind;
use crate::http::Site;
use crate::world::{NOON_MS, World, give};

/// How long a script may take.
const TIME: Duration = Duration::from_secs(300);
/// Who signs in.
pub const EMAIL: &str = "olga@example.org";
const DAY_MS: i64 = 86_400_000;

/// The server with a café that has been open for two weeks.
pub struct Cafe {
    pub world: World,
    pub site: Site,
    /// A key of the API with every scope, as a header.
    pub key: String,
    /// Members by their first names, as the API tells of them.
    pub guests: Vec<(&'static str, Value)>,
}

impl Cafe {
    /// Opens the café: two shops, two programmes, guests with two weeks of stamps, a device, an owner.
    pub async fn open() -> Self {
        let world = World::begun(NOON_MS - 14 * DAY_MS).await;
        let link = world.server.owner_add(world.tenant, EMAIL).await.unwrap();
        let market = world.server.shop_add(world.tenant, "Café Morgenrot am Markt", "Europe/Berlin", 0).await;
        publish(&world, &[COFFEE, POINTS]).await;
        let (site, key) = (Site::open(&world).await, key(&world).await);
        let password = json!({ "code": link.code, "password": PASSWORD });
        assert_eq!(site.ask("POST", "/api/v1/password", "", &password).await.status, 204);
        let mut guests = Vec::new();
        for name in ["Ada", "Bruno", "Clara", "Emre", "Frieda", "Jörg-Maximilian"] {
            let guest = site.ask("POST", "/api/v1/members", &key, &json!({ "name": name })).await.json();
            guests.push((name, guest));
        }
        let cafe = Self { world, site, key, guests };
        let shops = [cafe.world.shop, market.unwrap().id];
        for day in 0..14 {
            cafe.world.clock.forward(DAY_MS);
            for guest in 0..(2 + day * 5 % 7).min(cafe.guests.len()) {
                cafe.stamp(guest, 1 + guest % 3, shops[(day + guest) % 2]).await;
            }
        }
        cafe.world.device(1).await;
        // Enrolled some days ago, and silent since.
        crate::database::script(
            &cafe.world.url,
            &format!("UPDATE device SET enrolled_ms = {}", cafe.world.server.now_ms() - 5 * DAY_MS),
        )
        .await;
        cafe
    }

    /// Stamps a guest's card at a shop.
    pub async fn stamp(&self, guest: usize, count: usize, shop: ShopId) {
        let code = &self.guests[guest].1["code"];
        let body = json!({ "code": code, "count": count, "shop": shop });
        let answer = self.site.ask("POST", "/api/v1/stamps", &self.key, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
    }

    /// Signs the owner in: the cookie as a header.
    pub async fn cookie(&self) -> String {
        let login = json!({ "email": EMAIL, "password": PASSWORD });
        let answer = self.site.ask("POST", "/api/v1/session", "", &login).await;
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        format!("cookie: {cookie}\r\n")
    }

    /// Runs a script of `tests/browser` against this café, with further variables in its environment.
    pub async fn run(&self, script: &str, more: &[(&str, String)]) {
        run(script, &[("STEMPEL_URL", format!("http://{}", self.site.at.0))], more).await;
    }
}

/// The folder with the browser's packages.
fn packages() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/stempel/browser");
    assert!(
        home.join("node_modules/playwright-core").is_dir(),
        "The browser's packages are missing; run “scripts/setup test”."
    );
    home
}

#[allow(clippy::print_stdout, reason = "the script's own lines say which step took how long")]
async fn run(script: &str, own: &[(&str, String)], more: &[(&str, String)]) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    let mut command = Command::new("node");
    command
        .arg(scripts.join(script))
        .env("STEMPEL_BROWSER", packages())
        .env("STEMPEL_EMAIL", EMAIL)
        .env("STEMPEL_PASSWORD", PASSWORD)
        // How a page looks does not hang on the database.
        .env("STEMPEL_LOOKS", if crate::KIND == Kind::Sqlite { "all" } else { "none" })
        .envs(own.iter().chain(more).map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIME, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{script} took longer than {TIME:?}")).unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{script}:\n{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_and_sees_how_it_goes() {
    let cafe = Cafe::open().await;
    let today =
        cafe.world.server.day_figures(cafe.world.tenant, crate::world::today(), crate::world::today());
    assert!(today.await.unwrap().iter().any(|figure| figure.name == "visits" && figure.amount > 0));
    cafe.run("entry.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_signs_in_and_is_removed() {
    let cafe = Cafe::open().await;
    // Browsers make passkeys for a name, and by plain http for this machine alone.
    let local = |port| format!("http://localhost:{port}");
    let options = |port| Options { public_url: Some(local(port)), ..Options::default() };
    let site = Site::open_named(&cafe.world, options).await;
    let url = site.at.0.replace("127.0.0.1", "localhost");
    cafe.run("passkeys.mjs", &[("STEMPEL_URL", format!("http://{url}"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_found_corrected_and_given_new_cards() {
    let cafe = Cafe::open().await;
    cafe.run("members.mjs", &[]).await;
    cafe.world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programmes_are_chosen_tried_published_compared_and_ended() {
    let cafe = Cafe::open().await;
    cafe.run("programmes.mjs", &[]).await;
    let programmes = cafe.world.server.programme_list(cafe.world.tenant).await.unwrap();
    let points = programmes.iter().find(|programme| programme.reference.id.as_str() == "points").unwrap();
    assert_eq!((points.reference.version, points.ended), (3, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_person_is_decided_with_one_press() {
    let cafe = Cafe::open().await;
    // A device took more than there was, of what no programme counts: a person has to say what follows.
    let mut device = cafe.world.device(9).await;
    device.join(crate::world::member(9), crate::world::card(9));
    let Fact::Adjustment(mut taken) = give(cafe.world.shop, crate::world::member(9), -3) else { return };
    for posting in &mut taken.postings {
        posting.unit = Unit::new("stamp:tea", 0).unwrap();
    }
    device.write(Fact::Adjustment(taken));
    let rows = device.rows.clone();
    cafe.world.push(&device, &rows).await.unwrap();
    let member = format!("/dashboard/members/{}", cafe.guests[0].1["member"].as_str().unwrap());
    cafe.run("work.mjs", &[("STEMPEL_MEMBER", member)]).await;
    let inbox = cafe.world.server.inbox(cafe.world.tenant).await.unwrap();
    assert_eq!(inbox.cases, []);
    cafe.world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_odd_stands_on_the_work_list() {
    let cafe = Cafe::open().await;
    let other = cafe.world.server.shops(cafe.world.tenant).await.unwrap().pop().unwrap().id;
    let (mut here, mut there) = (cafe.world.device(10).await, cafe.world.device(11).await);
    here.join(crate::world::member(9), crate::world::card(9));
    super::alarms::stamp(&mut here, cafe.world.shop, crate::world::member(9), 0, Some("lena"));
    super::alarms::stamp(&mut there, other, crate::world::member(9), 4, None);
    for device in [&here, &there] {
        cafe.world.push(device, &device.rows).await.unwrap();
    }
    // The open server works beside the test, and may have taken a job that is not done yet.
    let mut alarms = 0;
    for _ in 0..200 {
        while cafe.world.server.work().await.unwrap() > 0 {}
        alarms = cafe.world.server.alarms(cafe.world.tenant, None, 10).await.unwrap().len();
        if alarms > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(alarms, 1);
    cafe.run("odd.mjs", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_go_in_and_out() {
    let cafe = Cafe::open().await;
    // Two merchants that share a programme: what one of them gave, the other one took.
    publish(&cafe.world, &[&format!("{POINTS}\n[clearing]\nper_unit = 0.01\n")]).await;
    let other = cafe.world.server.shops(cafe.world.tenant).await.unwrap().pop().unwrap().id;
    let (mut gave, mut took) = (cafe.world.device(12).await, cafe.world.device(13).await);
    took.shop = other;
    gave.join(crate::world::member(9), crate::world::card(9));
    gave.give(crate::world::member(9), 500);
    took.give(crate::world::member(9), -200);
    for device in [&gave, &took] {
        cafe.world.push(device, &device.rows).await.unwrap();
    }
    cafe.run("tables.mjs", &[]).await;
    cafe.world.sound().await;
}

/// Draws the pictures of the documentation into the folder that `STEMPEL_PICTURES` names (`scripts/screenshots`).
#[tokio::test(flavor = "multi_thread")]
#[ignore = "draws pictures; run by scripts/screenshots"]
async fn pictures_for_the_documentation() {
    let cafe = Cafe::open().await;
    let member = format!("/dashboard/members/{}", cafe.guests[0].1["member"].as_str().unwrap());
    cafe.run("pictures.mjs", &[("STEMPEL_MEMBER", member)]).await;
}

#[tokio::test]
async fn the_figures_of_each_day_are_those_of_the_events() {
    let mut cafe = Cafe::open().await;
    let mut device = cafe.world.device(7).await;
    device.join(crate::world::member(7), crate::world::card(7));
    device.give(crate::world::member(7), 5);
    let rows = device.rows.clone();
    cafe.world.push(&device, &rows).await.unwrap();
    cafe.world.push(&device, &rows).await.unwrap();
    let (from, to) = (crate::world::today().plus_days(-30), crate::world::today().plus_days(1));
    let kept = cafe.world.server.day_figures(cafe.world.tenant, from, to).await.unwrap();
    let joined: i64 = kept.iter().filter(|figure| figure.name == "joined").map(|figure| figure.amount).sum();
    assert_eq!(joined, 7);
    let at_shop =
        |figure: &&stempel_server::DayFigure| figure.shop == Some(cafe.world.shop) && figure.name == "joined";
    assert_eq!(kept.iter().find(at_shop).map(|figure| figure.amount), Some(1));
    cafe.world.server.day_figures_recount(cafe.world.tenant).await.unwrap();
    assert_eq!(cafe.world.server.day_figures(cafe.world.tenant, from, to).await.unwrap(), kept);
    cafe.world.restart().await;
    assert_eq!(cafe.world.server.day_figures(cafe.world.tenant, from, to).await.unwrap(), kept);
    cafe.world.sound().await;
}

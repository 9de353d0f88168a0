//! The second factor: set up, asked for, taken once, lost.

use data_encoding::BASE32_NOPAD;
use ring::hmac;
use serde_json::json;

use crate::accounts::{PASSWORD, Person, owner, person};
use crate::http::{Answer, Site};
use crate::world::World;

const EMAIL: &str = "olga@example.org";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// What an app shows at a moment.
pub fn code(secret: &str, at_ms: i64) -> String {
    let secret = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let mac = hmac::sign(&key, &(at_ms / 30_000).to_be_bytes());
    let from = usize::from(mac.as_ref()[19] & 15);
    let word = u32::from_be_bytes(mac.as_ref()[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

impl Person {
    pub fn parts(&self) -> (String, String) {
        let cookie = self.headers.lines().next().unwrap();
        let csrf = self.headers.lines().find_map(|line| line.strip_prefix("x-csrf-token: ")).unwrap();
        (format!("{cookie}\r\n"), csrf.to_owned())
    }

    pub async fn sends(&self, site: &Site, path: &str, more: &str) -> Answer {
        let (cookie, csrf) = self.parts();
        site.send("POST", path, &format!("{cookie}{FORM}"), format!("csrf={csrf}{more}").as_bytes()).await
    }
}

/// Switches a second factor on, and gives its secret and the recovery codes.
pub async fn switched_on(world: &World, site: &Site, who: &Person) -> (String, Vec<String>) {
    let (cookie, _) = who.parts();
    assert_eq!(who.sends(site, "/dashboard/account/begin", "").await.status, 303);
    let page = text(&site.send("GET", "/dashboard/account", &cookie, b"").await);
    let secret = between(&page, "<code class=\"wrap\">", "</code>").to_owned();
    let wrong = who.sends(site, "/dashboard/account/confirm", "&code=000000").await;
    assert_eq!(wrong.status, 422, "{}", text(&wrong));
    let right = format!("&code={}", code(&secret, world.server.now_ms()));
    let page = text(&who.sends(site, "/dashboard/account/confirm", &right).await);
    let codes = between(&page, "<pre tabindex=\"0\">", "</pre>").lines().map(str::to_owned).collect();
    world.clock.forward(60_000);
    (secret, codes)
}

pub async fn login(site: &Site, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": EMAIL, "password": PASSWORD });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    site.ask("POST", "/api/v1/session", "", &body).await
}

#[tokio::test]
async fn a_password_alone_opens_nothing_and_a_code_is_taken_once() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let (secret, recovery) = switched_on(&world, &site, &olga).await;
    assert_eq!(recovery.len(), 10);
    assert_eq!(login(&site, None).await.problem().code, "second-factor");
    let now = code(&secret, world.server.now_ms());
    assert_eq!(login(&site, Some(&now)).await.status, 200);
    assert_eq!(login(&site, Some(&now)).await.problem().code, "second-factor", "somebody has looked over");
    assert_eq!(login(&site, Some(&recovery[3])).await.status, 200);
    assert_eq!(login(&site, Some(&recovery[3])).await.problem().code, "second-factor", "used");
    assert_eq!(login(&site, Some("")).await.problem().code, "second-factor");
    // Setting it up anew would take it away: that wants a code.
    assert_eq!(olga.sends(&site, "/dashboard/account/begin", "").await.status, 409);
    world.clock.forward(20 * 60_000);
    assert_eq!(olga.sends(&site, "/dashboard/account/off", "&code=123456").await.status, 422);
    let off = format!("&code={}", recovery[0]);
    assert_eq!(olga.sends(&site, "/dashboard/account/off", &off).await.status, 303);
    assert_eq!(login(&site, None).await.status, 200);
}

#[tokio::test]
async fn the_page_asks_for_the_code_and_keeps_what_was_typed() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let (secret, _) = switched_on(&world, &site, &olga).await;
    let to = "to=%2Fdashboard%2Fshops&kept.name=Caf%C3%A9+S%C3%BCd";
    let body = format!("email={EMAIL}&password={}&{to}", PASSWORD.replace(' ', "+"));
    let asked = site.send("POST", "/dashboard/sign-in", FORM, body.as_bytes()).await;
    assert!(asked.status == 200 && asked.header("set-cookie").is_none(), "no session begins");
    let ticket = between(&text(&asked), "name=\"ticket\" value=\"", "\"").to_owned();
    assert!(text(&asked).contains("Café Süd"));
    let send = async |ticket: &str, code: &str| {
        let body = format!("ticket={ticket}&code={code}&{to}");
        site.send("POST", "/dashboard/sign-in/code", FORM, body.as_bytes()).await
    };
    let wrong = send(&ticket, "000000").await;
    assert!(wrong.status == 401 && text(&wrong).contains("Café Süd"), "{}", text(&wrong));
    let right = send(&ticket, &code(&secret, world.server.now_ms())).await;
    assert_eq!(right.status, 303, "{}", text(&right));
    assert!(right.header("location").unwrap().starts_with("/dashboard/shops?draft="));
    assert!(right.header("set-cookie").unwrap().contains("httponly"));
    world.clock.forward(60_000);
    let again = send(&ticket, &code(&secret, world.server.now_ms())).await;
    assert!(again.status == 401 && again.header("set-cookie").is_none(), "a ticket is good once");
    for forged in ["", "aaaa", &"a".repeat(77)] {
        assert_eq!(send(forged, &code(&secret, world.server.now_ms())).await.status, 401);
    }
}

#[tokio::test]
async fn guessing_codes_is_bounded_and_gets_slower() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let (secret, _) = switched_on(&world, &site, &olga).await;
    let body = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let mut asked = 0;
    for _ in 0..8 {
        let page = site.send("POST", "/dashboard/sign-in", FORM, body.as_bytes()).await;
        if page.status == 429 {
            break;
        }
        asked += 1;
        let ticket = between(&text(&page), "name=\"ticket\" value=\"", "\"").to_owned();
        for guess in 0..7 {
            let body = format!("ticket={ticket}&code={guess:06}");
            let answer = site.send("POST", "/dashboard/sign-in/code", FORM, body.as_bytes()).await;
            let over = text(&answer).contains("name=\"password\"");
            assert_eq!((answer.status, over), (401, guess >= 5), "five codes for each password");
        }
    }
    assert!(asked < 8, "the right password without a code does not clear the count");
    world.clock.forward(70 * 60_000);
    let now = code(&secret, world.server.now_ms());
    assert_eq!(login(&site, Some(&now)).await.status, 200);
}

#[tokio::test]
async fn whoever_lost_phone_and_codes_is_let_in_by_another_owner_or_at_the_machine() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let paul = person(&world, world.tenant, &site, "paul@example.org", &owner()).await;
    switched_on(&world, &site, &olga).await;
    let path = format!("/dashboard/team/{}/second", olga.account);
    assert_eq!(paul.sends(&site, &path, "").await.status, 303);
    let (cookie, _) = olga.parts();
    let out = site.send("GET", "/dashboard", &cookie, b"").await;
    assert_eq!(out.header("location").map(|to| to.starts_with("/dashboard/sign-in")), Some(true));
    assert_eq!(login(&site, None).await.status, 200);
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    switched_on(&world, &site, &olga).await;
    world.server.owner_add(world.tenant, EMAIL).await.unwrap();
    assert_eq!(login(&site, None).await.status, 200);
    let said = world.server.audit(world.tenant, 0).await.unwrap();
    let count = |action: &str| said.iter().filter(|entry| entry.action == action).count();
    assert_eq!((count("second-factor-on"), count("second-factor-reset")), (2, 2));
}

//! Bad input and abuse at the pages: presses that come twice, the back button, uploads without end, pages that are
//! read by machines. What else there is of it stands where the thing itself is tested: forged and stale codes, guessed
//! ids and HTML in names in `card`, `pages` and `walk`; formulas in tables, two people at one programme and a session
//! that ends in mid-form in `tests/browser`.

use serde_json::{Value, json};

use crate::accounts::{Person, owner, person};
use crate::api::{COFFEE, key, publish};
use crate::http::{Answer, Site};
use crate::world::World;

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

async fn sends(who: &Person, site: &Site, path: &str, more: &str) -> Answer {
    let cookie = who.headers.lines().next().unwrap();
    let csrf = who.headers.lines().find_map(|line| line.strip_prefix("x-csrf-token: ")).unwrap();
    let body = format!("csrf={csrf}&{more}");
    site.send("POST", path, &format!("{cookie}\r\n{FORM}"), body.as_bytes()).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn a_form_that_is_sent_twice_counts_once_also_after_the_back_button() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let key = key(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let guest = site.ask("POST", "/api/v1/members", &key, &json!({ "name": "Ada" })).await.json();
    let file = format!("/dashboard/members/{}", guest["member"].as_str().unwrap());
    let correction = format!("unit=stamp:coffee&amount=2&reason=Sorry&shop={}&key=press1", world.shop);
    let adjust = format!("{file}/adjust");
    let (one, two) =
        tokio::join!(sends(&olga, &site, &adjust, &correction), sends(&olga, &site, &adjust, &correction));
    assert_eq!((one.status, two.status), (303, 303), "{} {}", text(&one), text(&two));
    assert_eq!(sends(&olga, &site, &adjust, &correction).await.status, 303, "back, and once more");
    let balance = async || {
        let path = format!("/api/v1/members/{}", guest["member"].as_str().unwrap());
        site.ask("GET", &path, &key, &Value::Null).await.json()["balances"]["stamp:coffee"].clone()
    };
    assert_eq!(balance().await, "2");
    // Back, and something else typed into the old form: it is said, and what was typed stays.
    let other = correction.replace("amount=2", "amount=7");
    let said = sends(&olga, &site, &adjust, &other).await;
    assert!(said.status == 422 && text(&said).contains("value=\"7\""), "{}", text(&said));
    assert_eq!(balance().await, "2");
    let added = async || sends(&olga, &site, "/dashboard/members", "name=Ben&key=press2").await;
    let (one, two) = (added().await, added().await);
    assert_eq!((one.status, one.header("location")), (303, two.header("location")), "one card, not two");
    world.sound().await;
}

#[tokio::test]
async fn an_upload_without_end_is_broken_off_in_words() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    for path in ["/dashboard/import", "/dashboard/catalogue", "/dashboard/programmes/edit"] {
        let answer = sends(&olga, &site, path, &format!("text={}", "x".repeat(1024 * 1024))).await;
        assert!(answer.status == 413 && text(&answer).contains("<h1"), "{path}: {}", answer.status);
    }
    // Fields without number, and a table with more columns than there are names for.
    let fields = (0..20_000).map(|place| format!("f{place}=1&")).collect::<String>();
    assert!(sends(&olga, &site, "/dashboard/import", &fields).await.status < 500);
    let wide = format!("table={}&do=check", "a%2C".repeat(50_000));
    assert!(sends(&olga, &site, "/dashboard/import", &wide).await.status < 500);
}

#[tokio::test]
async fn whoever_reads_pages_of_cards_and_posters_by_machine_has_to_wait() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let link = world.server.join_link(world.tenant, None).await.unwrap().code;
    let mut statuses = Vec::new();
    for guess in 0..310 {
        // Codes of posters have 40 bits; guessing one is as hopeless as it is slow.
        let path = if guess % 2 == 0 { format!("/J/AAAA{guess:04}") } else { format!("/C/S1{guess}") };
        statuses.push(site.send("GET", &path, "", b"").await.status);
    }
    assert!(statuses[..300].iter().all(|status| *status == 404), "{statuses:?}");
    assert!(statuses[300..].iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(site.send("GET", &format!("/J/{link}"), "", b"").await.status, 429);
    world.clock.forward(11 * 60_000);
    assert_eq!(site.send("GET", &format!("/J/{link}"), "", b"").await.status, 200);
}

#[tokio::test]
async fn nothing_that_was_put_into_an_address_or_a_form_becomes_part_of_a_page() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let link = world.server.join_link(world.tenant, None).await.unwrap().code;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let evil = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%20onload%3D%22x";
    let cookie = format!("{}\r\n", olga.headers.lines().next().unwrap());
    for path in [
        format!("/J/{link}?f={evil}"),
        format!("/J/{link}/{evil}"),
        format!("/dashboard/members?find={evil}"),
        format!("/dashboard/sign-in?to={evil}"),
        format!("/dashboard/password?code={evil}"),
        format!("/dashboard?done={evil}"),
        format!("/card/manifest.webmanifest?h={evil}"),
    ] {
        let answer = site.send("GET", &path, &cookie, b"").await;
        let said = text(&answer);
        assert!(
            answer.status < 500 && !said.contains("<script>alert") && !said.contains("\" onload"),
            "{path}"
        );
        if said.contains("<html") {
            assert!(
                answer.header("content-security-policy").unwrap().contains("script-src 'self'"),
                "{path}"
            );
        }
    }
    sends(&olga, &site, "/dashboard/shops", &format!("name={evil}&zone=Europe/Berlin&ends=00:00")).await;
    for path in ["/dashboard", "/dashboard/shops", "/dashboard/devices"] {
        let said = text(&site.send("GET", path, &cookie, b"").await);
        assert!(!said.contains("<script>alert"), "{path}");
    }
}

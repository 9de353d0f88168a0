//! The API for other systems: a stamp in one call, what a member can have in another.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stempel_domain::event::{Fact, TraitsChanged};
use stempel_domain::programme::Programme;
use stempel_server::Scope;
use stempel_wire::message::FeedChange;

use crate::http::{Answer, Site};
use crate::world::{World, member};

pub const COFFEE: &str = include_str!("../../../../assets/programmes/coffee-card.toml");
pub const POINTS: &str = include_str!("../../../../assets/programmes/points.toml");
const DEEDS: &str = include_str!("../../../../assets/programmes/activities.toml");

/// Puts programmes into force.
pub async fn publish(world: &World, programmes: &[&str]) {
    for text in programmes {
        let programme = Programme::parse_toml(text).unwrap();
        world.server.programme_publish(world.tenant, programme.id(), &programme.to_json()).await.unwrap();
    }
}

/// A key with every scope that a key can have, as a header.
pub async fn key(world: &World) -> String {
    let scopes: BTreeSet<Scope> = Scope::OF_KEYS.into_iter().collect();
    bearer(&world.server.api_key_add(world.tenant, "Kasse", &scopes, None).await.unwrap().key)
}

pub fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

fn once(key: &str, name: &str) -> String {
    format!("{key}idempotency-key: {name}\r\n")
}

fn code_of(answer: &Answer) -> String {
    answer.problem().code
}

/// A member with a card, added through the API.
async fn joined(site: &Site, key: &str, name: &str) -> Value {
    let answer = site.ask("POST", "/api/v1/members", key, &json!({ "name": name })).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

#[tokio::test]
async fn another_till_stamps_in_one_call_and_devices_see_it() {
    let world = World::new().await;
    let device = world.device(1).await;
    publish(&world, &[COFFEE]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = joined(&site, &key, "Ada").await;
    let body = json!({ "code": ada["code"], "count": 9 });
    let stamped = site.ask("POST", "/api/v1/stamps", &key, &body).await;
    assert_eq!(stamped.status, 200, "{}", stamped.json());
    assert_eq!(stamped.json()["balances"]["stamp:coffee"], "9");
    assert_eq!(stamped.json()["earned"]["stamp:coffee"], "9");
    // By its number too, as a guest says it aloud.
    world.clock.forward(3_600_000);
    let offers = format!("/api/v1/members/{}/offers", ada["number"].as_str().unwrap());
    let now = site.ask("GET", &offers, &key, &Value::Null).await.json();
    assert_eq!((&now["rewards"][0]["times"], &now["rewards"][0]["missing"]), (&json!(0), &json!("1")));
    assert_eq!((&now["cards"][0]["filled"], &now["cards"][0]["size"]), (&json!(9), &json!(10)));
    let body = json!({ "code": ada["number"], "count": 1 });
    assert_eq!(site.ask("POST", "/api/v1/stamps", &key, &body).await.status, 200);
    let now = site.ask("GET", &offers, &key, &Value::Null).await.json();
    assert_eq!(
        (&now["rewards"][0]["times"], &now["rewards"][0]["reward"]),
        (&json!(1), &json!("free-coffee"))
    );
    let body = json!({ "code": ada["member"], "reward": "free-coffee" });
    let redeemed = site.ask("POST", "/api/v1/redemptions", &key, &body).await;
    assert_eq!(redeemed.json()["balances"]["stamp:coffee"], "0", "{}", redeemed.json());
    let again = site.ask("POST", "/api/v1/redemptions", &key, &body).await;
    assert_eq!((again.status, &code_of(&again)[..]), (422, "refused"));
    assert!(again.problem().detail.contains("free-coffee (not-enough)"), "{:?}", again.problem());
    // A device finds the member in its feed, with the server's events included.
    let id = ada["member"].as_str().unwrap().parse().unwrap();
    let base = world.base(&device, id).await.unwrap();
    assert_eq!(base.state.events, 4);
    let (server, seq) = stamped.json()["event"].as_str().unwrap().split_once('-').map(own).unwrap();
    assert!(base.includes[&server.parse().unwrap()] > seq.parse::<u64>().unwrap());
    world.sound().await;
}

fn own((author, seq): (&str, &str)) -> (String, String) {
    (author.to_owned(), seq.to_owned())
}

#[tokio::test]
async fn a_card_that_nobody_has_seen_begins_its_member() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let device = world.device(1).await;
    let caller = world.server.caller(device.id).await.unwrap();
    let blank = world.server.blanks(&caller).await.unwrap().blanks.remove(0);
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let number = blank.card().number().to_string();
    let by_number = site.ask("POST", "/api/v1/stamps", &key, &json!({ "code": number })).await;
    assert_eq!((by_number.status, &code_of(&by_number)[..]), (404, "member-unknown"));
    // Whatever text surrounds the code.
    let code = format!("HTTPS://CARD.EXAMPLE/{blank}");
    let first = site.ask("POST", "/api/v1/stamps", &key, &json!({ "code": code })).await;
    assert_eq!(first.json()["balances"]["stamp:coffee"], "1", "{}", first.json());
    assert_eq!(world.server.member_find(world.tenant, &number).await.unwrap().events, 2);
    world.sound().await;
}

#[tokio::test]
async fn a_sale_elsewhere_gives_its_points() {
    let world = World::new().await;
    publish(&world, &[COFFEE, POINTS]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = joined(&site, &key, "Ada").await;
    let line = |sku: &str, category: &str, quantity: &str, price: &str| json!({ "sku": sku, "category": category, "quantity": quantity, "price": price, "vat": "19" });
    let sale = json!({ "code": ada["code"], "sale": { "lines": [
        line("latte", "coffee", "2", "4.20"), line("cake", "cake", "1", "3.90"),
    ] } });
    let given = site.ask("POST", "/api/v1/stamps", &key, &sale).await.json();
    assert_eq!(given["total"], "12.30", "{given}");
    assert_eq!(given["balances"], json!({ "point": "12", "stamp:coffee": "2" }));
    for (wrong, code) in [
        (json!({ "lines": [line("x", "y", "1", "four")] }), "order"),
        (json!({ "lines": [] }), "order"),
        (json!({ "lines": [line("x", "y", "999999999999", "4")] }), "order"),
        (json!({ "lines": [{ "sku": "x" }] }), "body"),
        (json!({ "lines": [], "more": 1 }), "body"),
    ] {
        let body = json!({ "code": ada["code"], "sale": wrong });
        let answer = site.ask("POST", "/api/v1/stamps", &key, &body).await;
        assert_eq!((answer.status, &code_of(&answer)[..]), (422, code), "{body}");
    }
    let both = json!({ "code": ada["code"], "count": 1, "sale": { "lines": [line("x", "y", "1", "4")] } });
    assert_eq!(site.ask("POST", "/api/v1/stamps", &key, &both).await.status, 422);
    world.sound().await;
}

#[tokio::test]
async fn an_activity_gives_once() {
    let world = World::new().await;
    publish(&world, &[DEEDS]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = joined(&site, &key, "Ada").await;
    let survey = |reference: &str| json!({ "code": ada["code"], "programme": "deeds", "activity": "survey", "reference": reference });
    let first = site.ask("POST", "/api/v1/activities", &key, &survey("s1")).await.json();
    assert_eq!(first["earned"]["point"], "5", "{first}");
    let again = site.ask("POST", "/api/v1/activities", &key, &survey("s1")).await.json();
    assert_eq!((&again["event"], &again["balances"]["point"]), (&Value::Null, &json!("5")), "{again}");
    let other = site.ask("POST", "/api/v1/activities", &key, &survey("s2")).await.json();
    assert_eq!(other["balances"]["point"], "10");
    world.sound().await;
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_body_is_refused() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let body = json!({ "name": "Ada" });
    let ada = site.ask("POST", "/api/v1/members", &once(&key, "m1"), &body).await.json();
    assert_eq!(site.ask("POST", "/api/v1/members", &once(&key, "m1"), &body).await.json(), ada);
    let other = site.ask("POST", "/api/v1/members", &once(&key, "m1"), &json!({ "name": "Bea" })).await;
    assert_eq!((other.status, &code_of(&other)[..]), (422, "key-used"));
    let body = json!({ "code": ada["code"], "count": 2 });
    // Eight at once: one event.
    let headers = once(&key, "s1");
    let asked = (0..8).map(|_| site.ask("POST", "/api/v1/stamps", &headers, &body));
    let answers = join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    world.clock.forward(86_400_000);
    assert_eq!(site.ask("POST", "/api/v1/stamps", &headers, &body).await.body, answers[0].body);
    let found = world.server.member_find(world.tenant, ada["member"].as_str().unwrap()).await.unwrap();
    assert_eq!(found.events, 2);
    let other = site.ask("POST", "/api/v1/stamps", &headers, &json!({ "code": ada["code"] })).await;
    assert_eq!((other.status, &code_of(&other)[..]), (422, "key-used"));
    // The same name with another caller's key is another key.
    let second = self::key(&world).await;
    assert_eq!(site.ask("POST", "/api/v1/stamps", &once(&second, "s1"), &body).await.status, 200);
    let bad = site.ask("POST", "/api/v1/stamps", &once(&key, "a b"), &body).await;
    assert_eq!((bad.status, &code_of(&bad)[..]), (400, "bad-request"));
    world.sound().await;
}

/// Waits for all of them at once.
async fn join_all<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut work: Vec<_> = work.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = work.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (work, done) in work.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = work.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn lists_have_cursors_that_lose_nothing() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let mut device = world.device(1).await;
    for number in 1..=5 {
        device.join(member(number), crate::world::card(number));
        device.give(member(number), 1);
    }
    world.push(&device, &device.rows).await.unwrap();
    for page in ["members", "events"] {
        let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/api/v1/{page}?limit=2{after}");
            let answer = site.ask("GET", &path, &key, &Value::Null).await.json();
            seen.extend(answer[page].as_array().unwrap().clone());
            pages += 1;
            match answer["next"].as_str() {
                Some(next) if answer[page].as_array().unwrap().len() == 2 => after = format!("&after={next}"),
                _ => break,
            }
        }
        let distinct: BTreeSet<String> = seen.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), seen.len());
        // Five members; the server's beginning and programme, the device's beginning and ten rows.
        assert_eq!(seen.len(), if page == "members" { 5 } else { 13 }, "{page} in {pages} pages");
    }
    // Following one journal: what comes later is found behind the last cursor.
    let author = device.id;
    let path = |after: &str| format!("/api/v1/events?author={author}&limit=200{after}");
    let first = site.ask("GET", &path(""), &key, &Value::Null).await.json();
    assert_eq!((first["events"].as_array().unwrap().len(), &first["more"]), (11, &json!(false)));
    device.give(member(1), 7);
    world.push(&device, &device.rows).await.unwrap();
    let after = format!("&after={}", first["next"].as_str().unwrap());
    let later = site.ask("GET", &path(&after), &key, &Value::Null).await.json();
    assert_eq!(later["events"].as_array().unwrap().len(), 1);
    assert_eq!(later["events"][0]["seq"], 12);
    for wrong in ["limit=0", "limit=201", "limit=x", "after=x", "author=x"] {
        let answer = site.ask("GET", &format!("/api/v1/events?{wrong}"), &key, &Value::Null).await;
        assert_eq!((answer.status, &code_of(&answer)[..]), (400, "bad-request"), "{wrong}");
    }
}

#[tokio::test]
async fn a_key_opens_what_it_says_and_nothing_when_it_is_withdrawn() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let south = world.server.shop_add(world.tenant, "Süd", "Europe/Berlin", 0).await.unwrap().id;
    let site = Site::open(&world).await;
    let all = key(&world).await;
    let ada = joined(&site, &all, "Ada").await;
    let body = json!({ "code": ada["code"], "shop": world.shop });
    let make = |scopes: &[Scope], shop| {
        let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
        let server = world.server.clone();
        let tenant = world.tenant;
        async move { server.api_key_add(tenant, "Key", &scopes, shop).await.unwrap() }
    };
    let reader = bearer(&make(&[Scope::Read], None).await.key);
    let answer = site.ask("POST", "/api/v1/stamps", &reader, &body).await;
    assert_eq!((answer.status, &code_of(&answer)[..]), (403, "forbidden"));
    assert!(answer.problem().detail.contains("“award”"));
    assert_eq!(site.ask("GET", "/api/v1/programmes", &reader, &Value::Null).await.status, 200);
    let southern = make(&[Scope::Award], Some(south)).await;
    let headers = bearer(&southern.key);
    let answer = site.ask("POST", "/api/v1/stamps", &headers, &body).await;
    assert_eq!((answer.status, &code_of(&answer)[..]), (403, "other-shop"));
    assert_eq!(site.ask("GET", "/api/v1/programmes", &headers, &Value::Null).await.status, 403);
    // Its own shop need not be named.
    let own = site.ask("POST", "/api/v1/stamps", &headers, &json!({ "code": ada["code"] })).await;
    assert_eq!(own.status, 200, "{}", own.json());
    // Rewards need a right of their own, also within a stamp.
    let claim = json!({ "code": ada["code"], "claims": [{ "reward": "free-coffee" }] });
    assert_eq!(code_of(&site.ask("POST", "/api/v1/stamps", &headers, &claim).await), "forbidden");
    world.server.api_key_revoke(world.tenant, &southern.id).await.unwrap();
    world.server.api_key_revoke(world.tenant, &southern.id).await.unwrap();
    let answer = site.ask("POST", "/api/v1/stamps", &headers, &body).await;
    assert_eq!((answer.status, &code_of(&answer)[..]), (401, "credentials"));
    // A changed letter of a good key opens nothing.
    let good = make(&[Scope::Read], None).await.key;
    let last = if good.ends_with('a') { "b" } else { "a" };
    let forged = bearer(&format!("{}{last}", &good[..good.len() - 8]));
    assert_eq!(site.ask("GET", "/api/v1/shops", &forged, &Value::Null).await.status, 401);
    let list = world.server.api_keys(world.tenant).await.unwrap();
    assert_eq!(list.iter().filter(|key| key.revoked_ms.is_some()).count(), 1);
}

#[tokio::test]
async fn events_of_the_server_name_who_asked() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = joined(&site, &key, "Ada").await;
    site.ask("POST", "/api/v1/stamps", &key, &json!({ "code": ada["code"] })).await;
    let events = site.ask("GET", "/api/v1/events", &key, &Value::Null).await.json();
    let stamps: Vec<&Value> =
        events["events"].as_array().unwrap().iter().filter(|event| event["kind"] == "stamp").collect();
    let id = &world.server.api_keys(world.tenant).await.unwrap()[0].id;
    assert_eq!(stamps[0]["record"]["operator"], format!("key:{id}"), "{}", stamps[0]);
    // No name stands in an event.
    assert!(!events.to_string().contains("Ada"));
}

#[tokio::test]
async fn a_programme_that_is_published_is_used_at_once_and_devices_get_it() {
    let world = World::new().await;
    let device = world.device(1).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = joined(&site, &key, "Ada").await;
    let body = json!({ "code": ada["code"] });
    let none = site.ask("POST", "/api/v1/stamps", &key, &body).await;
    assert_eq!((none.status, &code_of(&none)[..]), (422, "programme-unknown"));
    publish(&world, &[COFFEE]).await;
    assert_eq!(site.ask("POST", "/api/v1/stamps", &key, &body).await.status, 200);
    let page = world.feed(&device, 0).await;
    let read =
        |item: &stempel_wire::message::FeedItem| matches!(item.read(), Some(FeedChange::Programme { .. }));
    assert!(page.changes.iter().any(read));
}

#[tokio::test]
async fn who_brought_a_guest_is_rewarded_when_another_till_sells() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let friends = "id = \"friends\"\nname = \"Friends\"\n[referral]\nminimum = 5.00\n\
        friend = { amount = 5 }\nreferrer = { amount = 10 }\n";
    publish(&world, &[friends]).await;
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let (ada, kim) = (joined(&site, &key, "Ada").await, joined(&site, &key, "Kim").await);
    let id = |member: &Value| member["member"].as_str().unwrap().parse().unwrap();
    device.write(Fact::TraitsChanged(TraitsChanged {
        member: id(&kim),
        tags: [].into(),
        birthday_week: None,
        referrer: Some(id(&ada)),
    }));
    world.push(&device, &device.rows).await.unwrap();
    let sale =
        |price: &str| json!({ "code": kim["code"], "sale": { "lines": [{ "sku": "a", "price": price }] } });
    let small = site.ask("POST", "/api/v1/stamps", &key, &sale("4.00")).await;
    assert_eq!((small.status, &small.json()["earned"]), (200, &json!({})), "{}", small.json());
    let first = site.ask("POST", "/api/v1/stamps", &key, &sale("6.00")).await;
    assert_eq!(first.json()["earned"]["point"], "5", "{}", first.json());
    assert_eq!(world.points(&device, id(&ada)).await, Some(10));
    let second = site.ask("POST", "/api/v1/stamps", &key, &sale("6.00")).await;
    assert_eq!(second.json()["earned"], json!({}));
    assert_eq!(world.points(&device, id(&ada)).await, Some(10));
    // Judged again by their own inputs they come out the same.
    world.server.work().await.unwrap();
    assert_eq!(world.server.inbox(world.tenant).await.unwrap().cases, []);
    world.sound().await;
}

//! What happens by itself: webhooks, signed and in order; mails about devices that fall silent; programmes that come into
//! force on their day.

use std::sync::{Arc, Mutex};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::hmac;
use serde_json::{Value, json};
use stempel_domain::programme::Programme;
use stempel_server::config::Secret;
use stempel_server::mail::Mailer;
use stempel_wire::message::FeedChange;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::accounts::{MailServer, owner, person};
use crate::api::{COFFEE, key, publish};
use crate::http::Site;
use crate::world::{Device, World, card, member};

const DAY_MS: i64 = 86_400_000;

/// Another system: keeps what it gets and answers what it is told to.
#[derive(Clone)]
struct Other {
    url: String,
    got: Arc<Mutex<Vec<(String, String)>>>,
    answer: Arc<Mutex<&'static str>>,
}

impl Other {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = Self {
            url: format!("http://{}/hook?a=b", listener.local_addr().unwrap()),
            got: Arc::default(),
            answer: Arc::new(Mutex::new("200 OK")),
        };
        let own = other.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let mut part = [0; 4096];
                let (head, body) = loop {
                    let read = stream.read(&mut part).await.unwrap_or(0);
                    bytes.extend_from_slice(&part[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                        if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
                            break (head.to_owned(), body.to_owned());
                        }
                    }
                    if read == 0 {
                        break (text, String::new());
                    }
                };
                own.got.lock().unwrap().push((head, body));
                let answer = *own.answer.lock().unwrap();
                let location = "location: http://127.0.0.1:1/\r\n";
                let said = format!("HTTP/1.1 {answer}\r\n{location}content-length: 2\r\n\r\nok");
                let _ = stream.write_all(said.as_bytes()).await;
            }
        });
        other
    }

    fn answers(&self, answer: &'static str) {
        *self.answer.lock().unwrap() = answer;
    }

    fn bodies(&self) -> Vec<Value> {
        self.got.lock().unwrap().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

fn told(body: &Value) -> (u64, Vec<String>) {
    let events = body["events"].as_array().unwrap().iter();
    (
        body["delivery"].as_u64().unwrap(),
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect(),
    )
}

#[tokio::test]
async fn another_system_is_told_of_each_event_signed_and_in_order() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    world.push(&device, &device.rows.clone()).await.unwrap();
    let other = Other::open().await;
    let hook = world.server.hook_add(world.tenant, &other.url, &[], true).await.unwrap();
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 0, "what was before is not told");
    device.give(member(1), 2);
    device.give(member(1), 3);
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 1);
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 0);
    let (number, events) = told(&other.bodies()[0]);
    assert_eq!((number, events.len()), (1, 2));
    let seq = |event: &String| event.rsplit('-').next().unwrap().parse::<u64>().unwrap();
    assert!(seq(&events[0]) < seq(&events[1]));
    // The other system checks the signature with the secret that it was given.
    let (head, body) = other.got.lock().unwrap()[0].clone();
    assert!(head.starts_with("POST /hook?a=b HTTP/1.1"), "{head}");
    let said = head.lines().find_map(|line| line.strip_prefix("stempel-signature: ")).unwrap();
    let (moment, mac) = said.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE32_NOPAD.decode(hook.secret.as_bytes()).unwrap());
    hmac::verify(&key, format!("{moment}.{body}").as_bytes(), &HEXLOWER.decode(mac.as_bytes()).unwrap())
        .unwrap();
    assert_eq!(moment.parse::<i64>().unwrap(), world.server.now_ms());
    let wrong = format!("{moment}.{body} ");
    assert!(hmac::verify(&key, wrong.as_bytes(), &HEXLOWER.decode(mac.as_bytes()).unwrap()).is_err());
    assert!(!body.contains("Ada"), "names are sealed");
}

#[tokio::test]
async fn what_is_not_taken_comes_again_later_under_the_same_number() {
    let mut world = World::new().await;
    let mut device = world.device(1).await;
    device.join(member(1), card(1));
    let other = Other::open().await;
    let hook = world.server.hook_add(world.tenant, &other.url, &[], true).await.unwrap().hook;
    world.push(&device, &device.rows.clone()).await.unwrap();
    let mut waits = Vec::new();
    for answer in ["500 Oh", "302 Found", "429 Slow", "400 No"] {
        other.answers(answer);
        let mut waited = 0;
        while world.server.hooks_tell(true).await.unwrap() == 0 {
            world.clock.forward(1_000);
            waited += 1;
            assert!(waited < 100);
        }
        waits.push(waited);
    }
    assert_eq!(waits, [0, 5, 10, 20], "seconds between attempts");
    device.give(member(1), 1);
    world.push(&device, &device.rows.clone()).await.unwrap();
    world.restart().await;
    other.answers("204 Fine");
    world.clock.forward(3_600_000);
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 1);
    let all = other.bodies();
    let last = told(all.last().unwrap());
    assert_eq!((last.0, last.1.len()), (1, told(&all[0]).1.len() + 1), "and what came meanwhile");
    let log = world.server.hook_log(world.tenant, &hook, 10).await.unwrap();
    let status: Vec<_> = log.iter().map(|attempt| attempt.status).collect();
    assert_eq!(status, [Some(204), Some(400), Some(429), Some(302), Some(500)]);
    // One of the log is sent again as it was, and nothing else is.
    let first = log.last().unwrap();
    let again = world.server.hook_replay(world.tenant, &hook, first.attempt, true).await.unwrap();
    assert!(again.is_taken());
    assert_eq!(told(other.bodies().last().unwrap()), told(&all[0]));
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 0);
    world.server.hook_close(world.tenant, &hook).await.unwrap();
    device.give(member(1), 1);
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 0);
    world.sound().await;
}

#[tokio::test]
async fn nobody_is_told_in_a_private_network_unless_the_settings_say_so() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let other = Other::open().await;
    for url in
        [&other.url[..], "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "ftp://example.org/"]
    {
        let refused = world.server.hook_add(world.tenant, url, &[], false).await.unwrap_err();
        assert_eq!(refused.problem().code, "webhook-url", "{url}");
    }
    // A name may lead there as well: it is looked at when it is told.
    let url = other.url.replace("http://127.0.0.1", "https://localhost");
    let hook = world.server.hook_add(world.tenant, &url, &[], false).await.unwrap().hook;
    device.join(member(1), card(1));
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(world.server.hooks_tell(false).await.unwrap(), 1);
    let log = world.server.hook_log(world.tenant, &hook, 10).await.unwrap();
    assert_eq!((log[0].status, &log[0].said[..]), (None, "the name leads into a private network"));
    assert!(other.got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_the_kinds_that_were_asked_for_are_told() {
    let world = World::new().await;
    let mut device = world.device(1).await;
    let other = Other::open().await;
    let kinds = ["member-joined".to_owned()];
    world.server.hook_add(world.tenant, &other.url, &kinds, true).await.unwrap();
    let unknown = world.server.hook_add(world.tenant, &other.url, &["joined".to_owned()], true).await;
    assert!(unknown.is_err());
    device.give(member(1), 1);
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 0);
    device.join(member(1), card(1));
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(world.server.hooks_tell(true).await.unwrap(), 1);
    let body = &other.bodies()[0];
    assert_eq!(body["events"].as_array().unwrap().len(), 1);
    assert_eq!(body["events"][0]["kind"], "member-joined");
}

#[tokio::test]
async fn owners_get_one_mail_when_a_device_falls_silent() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    world.server.owner_add(world.tenant, "invited@example.org").await.unwrap();
    let mut device = world.device(1).await;
    let post = MailServer::open().await;
    let mailer = Mailer::new(&Secret::new(&*post.url), "stempel@example.org").unwrap();
    let mails = async || world.server.mail_silence(&mailer, Some("https://karte.example/")).await.unwrap();
    assert_eq!(mails().await, 0);
    world.clock.forward(2 * DAY_MS);
    assert_eq!((mails().await, mails().await), (1, 0), "one, and to whoever has taken the invitation");
    assert!(post.mail(0).await.contains("olga@example.org"));
    // It is heard again, and falls silent once more.
    device.join(member(1), card(1));
    world.push(&device, &device.rows.clone()).await.unwrap();
    assert_eq!(mails().await, 0);
    world.clock.forward(2 * DAY_MS);
    assert_eq!(mails().await, 1);
}

#[tokio::test]
async fn a_planned_version_comes_into_force_on_its_day_and_never_over_a_later_one() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let (server, tenant) = (&world.server, world.tenant);
    let later = Programme::parse_toml(&COFFEE.replace("card = 10", "card = 8")).unwrap();
    let today = crate::world::today();
    for wrong in [today, today.plus_days(-1), today.plus_days(2000)] {
        assert_eq!(server.plan_programme(tenant, &later, 1, wrong).await.unwrap_err().problem().code, "day");
    }
    server.plan_programme(tenant, &later, 1, today.plus_days(2)).await.unwrap();
    world.clock.forward(DAY_MS);
    assert_eq!(server.plans_carry_out().await.unwrap(), 0);
    world.clock.forward(DAY_MS);
    assert_eq!(server.plans_carry_out().await.unwrap(), 1);
    assert_eq!(server.plans_carry_out().await.unwrap(), 0);
    let newest = server.programme_list(tenant).await.unwrap().remove(0);
    assert_eq!((newest.reference.version, &newest.text), (2, &later.to_json()));
    // Somebody publishes by hand what the plan did not know of.
    let planned = Programme::parse_toml(&COFFEE.replace("card = 10", "card = 6")).unwrap();
    server.plan_programme(tenant, &planned, 2, today.plus_days(4)).await.unwrap();
    publish(&world, &[&COFFEE.replace("card = 10", "card = 12")]).await;
    world.clock.forward(3 * DAY_MS);
    assert_eq!(server.plans_carry_out().await.unwrap(), 0);
    let plans = server.plans(tenant).await.unwrap();
    assert!(plans.len() == 1 && plans[0].failed.is_some(), "{plans:?}");
    assert_eq!(server.programme_list(tenant).await.unwrap()[0].reference.version, 3);
    server.plan_drop(tenant, planned.id()).await.unwrap();
    assert!(server.plans(tenant).await.unwrap().is_empty());
    world.sound().await;
}

#[tokio::test]
async fn a_version_is_tried_at_one_shop_and_then_holds_everywhere_or_is_taken_back() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let (server, tenant) = (&world.server, world.tenant);
    let market = server.shop_add(tenant, "Am Markt", "Europe/Berlin", 0).await.unwrap();
    let here = world.device(1).await;
    let code = server.device_invite(tenant, market.id, DAY_MS).await.unwrap().code;
    let mut there = Device::new(2);
    there.belongs(&server.enroll(&there.ask(&code)).await.unwrap());
    let known = async |device: &Device| {
        let page = world.feed(device, 0).await;
        let versions = page.changes.iter().filter_map(|item| match item.read() {
            Some(FeedChange::Programme { reference, text, ended }) => Some((reference.version, text, ended)),
            _ => None,
        });
        versions.max_by_key(|(version, ..)| *version).unwrap()
    };
    let double = Programme::parse_toml(&COFFEE.replace("amount = 1", "amount = 2")).unwrap();
    let id = double.id();
    let old = known(&here).await;
    let begin = async |base, from| server.trial_begin(tenant, &double, base, market.id, from).await;
    let stale = begin(0, None).await.unwrap_err();
    assert_eq!((stale.code(), stale.problem().status), ("programme-changed", 409));
    assert_eq!(begin(1, None).await.unwrap().version, 2);
    // The devices of that shop know it, and no other one does; what the server gives there follows it too.
    assert_eq!(known(&there).await, (2, double.to_json(), false));
    assert_eq!(known(&here).await, old);
    assert_eq!(server.programme_list(tenant).await.unwrap()[0].reference.version, 1);
    let (site, key) = (Site::open(&world).await, key(&world).await);
    let ada = site.ask("POST", "/api/v1/members", &key, &json!({ "name": "Ada" })).await.json();
    for (shop, stamps) in [(market.id, 2), (world.shop, 3)] {
        let stamp = json!({ "code": ada["code"], "count": 1, "shop": shop });
        let answer = site.ask("POST", "/api/v1/stamps", &key, &stamp).await.json();
        assert_eq!(answer["balances"]["stamp:coffee"], stamps.to_string(), "{answer}");
    }
    // Taken back, the version before comes after it.
    server.trial_back(tenant, id).await.unwrap();
    assert_eq!(known(&there).await, (3, old.1.clone(), false));
    assert_eq!(known(&here).await, (3, old.1.clone(), false));
    assert!(server.trials(tenant).await.unwrap().is_empty());
    // Tried again, it holds everywhere from its day on, under its own number.
    let today = crate::world::today();
    assert_eq!(begin(3, Some(today)).await.unwrap_err().code(), "day");
    assert_eq!(begin(3, Some(today.plus_days(2))).await.unwrap().version, 4);
    world.clock.forward(DAY_MS);
    assert_eq!(server.plans_carry_out().await.unwrap(), 0);
    world.clock.forward(DAY_MS);
    assert_eq!(server.plans_carry_out().await.unwrap(), 1);
    assert_eq!(known(&here).await, (4, double.to_json(), false));
    assert_eq!(server.programme_list(tenant).await.unwrap()[0].reference.version, 4);
    // Ended while another one is tried, it ends there too.
    let six = Programme::parse_toml(&COFFEE.replace("card = 10", "card = 6")).unwrap();
    server.trial_begin(tenant, &six, 4, market.id, None).await.unwrap();
    server.programme_end(tenant, id).await.unwrap();
    for device in [&here, &there] {
        let (version, _, ended) = known(device).await;
        assert_eq!((version, ended), (6, true));
    }
    world.sound().await;
}

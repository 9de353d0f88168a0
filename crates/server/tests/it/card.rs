//! The member's card: joining, what the phone is told, the ways back, and what strangers get.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stempel_domain::event::CardBlocked;
use stempel_domain::{Fact, MemberId};
use stempel_server::card::paper::PaperCard;
use stempel_server::config::Secret;
use stempel_server::http::Options;
use stempel_server::mail::Mailer;
use stempel_wire::message::FeedChange;
use stempel_wire::phone::{AsOf, PhoneSecret};
use stempel_wire::rotating::{RotatingCode, turn_at};
use stempel_wire::token::Token;
use stempel_wire::{CardKeys, PhoneCertificate};

use crate::accounts::MailServer;
use crate::api::{COFFEE, key, publish};
use crate::http::{Answer, Site};
use crate::world::World;

/// The version of the notice, as the page has it.
const TERMS: &str = "2026-11";

/// A browser with its key.
struct Phone {
    secret: PhoneSecret,
    named: Value,
}

impl Phone {
    fn new(seed: u8) -> Self {
        Self { secret: PhoneSecret::from_bytes(&[seed; 32]).unwrap(), named: Value::Null }
    }

    fn key(&self) -> String {
        BASE64URL_NOPAD.encode(self.secret.public().unwrap().as_bytes())
    }

    fn header(&self, method: &str, path: &str, at_ms: i64, body: &str) -> String {
        let message = format!("{method}\n{path}\n{at_ms}\n{body}");
        let signature = self.secret.sign("stempel phone request v1", message.as_bytes());
        let (tenant, phone) = (self.named["tenant"].as_str().unwrap(), self.named["phone"].as_str().unwrap());
        format!("authorization: Phone {tenant}.{phone}.{at_ms}.{}\r\n", BASE64URL_NOPAD.encode(&signature))
    }

    async fn ask(&self, site: &Site, world: &World, method: &str, path: &str, body: &str) -> Answer {
        let header = self.header(method, path, world.server.now_ms(), body);
        site.send(method, path, &header, body.as_bytes()).await
    }

    async fn card(&self, site: &Site, world: &World) -> Value {
        let answer = self.ask(site, world, "GET", "/card/v1/card?lang=en", "").await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }
}

/// Cards as they are printed.
async fn printed(world: &World, count: usize) -> Vec<PaperCard> {
    let batch = world.server.batch_make(world.tenant, None, count).await.unwrap();
    world.server.batch_cards(world.tenant, &batch).await.unwrap()
}

struct Ground {
    world: World,
    site: Site,
    link: String,
}

impl Ground {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let world = World::new().await;
        publish(&world, &[COFFEE]).await;
        let link = world.server.join_link(world.tenant, None).await.unwrap().code;
        let site = Site::open_with(&world, options).await;
        Self { world, site, link }
    }

    fn asked(&self, phone: &Phone) -> Value {
        json!({ "link": self.link, "key": phone.key(), "of_age": true, "terms": TERMS })
    }

    async fn join(&self, phone: &mut Phone, more: Value) -> Answer {
        let mut asked = self.asked(phone);
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.site.ask("POST", "/card/v1/join", "", &asked).await;
        if answer.status == 200 {
            phone.named = answer.json();
        }
        answer
    }

    async fn joined(&self, seed: u8) -> Phone {
        let mut phone = Phone::new(seed);
        assert_eq!(self.join(&mut phone, json!({})).await.status, 200);
        phone
    }

    async fn solved(&self) -> String {
        let tenant = self.world.tenant;
        let path = format!("/card/v1/puzzle?tenant={tenant}");
        let puzzle = self.site.ask("GET", &path, "", &Value::Null).await.json();
        solve(puzzle["puzzle"].as_str().unwrap(), puzzle["bits"].as_u64().unwrap() as u32)
    }

    async fn attach(&self, phone: &mut Phone, shown: Value) -> Answer {
        let mut asked = shown;
        asked["key"] = json!(phone.key());
        let answer = self.site.ask("POST", "/card/v1/attach", "", &asked).await;
        if answer.status == 200 {
            phone.named = answer.json();
        }
        answer
    }
}

fn solve(puzzle: &str, bits: u32) -> String {
    let solves = |nonce: &u64| {
        let hash = Sha256::digest(format!("{puzzle}:{nonce}"));
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).leading_zeros() >= bits
    };
    format!("{puzzle}:{}", (0..).find(solves).unwrap())
}

async fn card_keys(world: &World) -> CardKeys {
    let mut keys = CardKeys::new(world.tenant);
    let device = world.device(200).await;
    for item in world.feed(&device, 0).await.changes {
        if let Some(stempel_wire::message::FeedChange::CardKey { key, retired }) = item.read() {
            keys.insert(key, retired);
        }
    }
    keys
}

#[tokio::test]
async fn a_poster_gives_a_card_in_one_step_and_a_double_tap_gives_the_same() {
    let ground = Ground::new().await;
    let page = ground.site.send("GET", &format!("/J/{}", ground.link), "", b"").await;
    assert_eq!(page.status, 200);
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.contains("Café Test") && text.contains("10 stamps"), "{text}");
    let mut phone = Phone::new(1);
    let asked = { json!({ "name": " Ada ", "language": "de" }) };
    assert_eq!(ground.join(&mut phone, asked.clone()).await.status, 200);
    let first = phone.card(&ground.site, &ground.world).await;
    assert_eq!((first["name"].as_str(), first["language"].as_str()), (Some("Ada"), Some("de")));
    assert_eq!(first["cards"][0], json!({"name": "Coffee card", "filled": 0, "size": 10, "full": 0}));
    assert_eq!(ground.join(&mut phone, asked).await.status, 200);
    assert_eq!(phone.card(&ground.site, &ground.world).await["number"], first["number"]);
    assert_eq!(ground.world.server.member_list(ground.world.tenant, None).await.unwrap().len(), 1);
    ground.world.sound().await;
}

#[tokio::test]
async fn nobody_joins_without_age_and_notice_or_by_a_made_up_code() {
    let ground = Ground::new().await;
    let mut phone = Phone::new(1);
    let code = async |phone: &mut Phone, more| ground.join(phone, more).await.problem().code;
    assert_eq!(code(&mut phone, json!({"of_age": false})).await, "of-age");
    assert_eq!(code(&mut phone, json!({"terms": "1999"})).await, "terms");
    assert_eq!(code(&mut phone, json!({"link": "AAAAAAAA"})).await, "link-unknown");
    assert_eq!(code(&mut phone, json!({"name": "x".repeat(81)})).await, "name");
    assert_eq!(code(&mut phone, json!({"name": "a\nb"})).await, "name");
    assert_eq!(code(&mut phone, json!({"key": "AAAA"})).await, "bad-request");
    assert_eq!(code(&mut phone, json!({"admin": true})).await, "body");
    assert_eq!(code(&mut phone, json!({"friend": "x".repeat(5000)})).await, "too-large");
    let form = ground.site.send("POST", "/card/v1/join", "", b"link=x").await;
    assert_eq!(form.problem().code, "content-type", "another site cannot send it");
    ground.world.server.join_link_close(ground.world.tenant, &ground.link).await.unwrap();
    assert_eq!(code(&mut phone, json!({})).await, "link-unknown");
    assert_eq!(ground.site.send("GET", &format!("/J/{}", ground.link), "", b"").await.status, 404);
    assert!(ground.world.server.member_list(ground.world.tenant, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_machine_that_joins_on_and_on_has_to_work_for_it_and_then_waits() {
    let ground = Ground::new().await;
    for seed in 1..=10 {
        ground.joined(seed).await;
    }
    let mut phone = Phone::new(11);
    assert_eq!(ground.join(&mut phone, json!({})).await.problem().code, "puzzle");
    let proof = ground.solved().await;
    assert_eq!(ground.join(&mut phone, json!({ "proof": proof })).await.status, 200);
    let mut phone = Phone::new(12);
    assert_eq!(
        ground.join(&mut phone, json!({ "proof": proof })).await.problem().code,
        "puzzle",
        "it counts once"
    );
    for seed in 13..60 {
        assert_eq!(ground.join(&mut Phone::new(seed), json!({})).await.status, 428);
    }
    assert_eq!(ground.join(&mut Phone::new(60), json!({})).await.problem().code, "too-often");
    ground.world.clock.forward(11 * 60_000);
    ground.joined(62).await;
}

#[tokio::test]
async fn html_in_a_name_stays_text_and_stands_in_no_event() {
    let ground = Ground::new().await;
    let mut phone = Phone::new(1);
    let name = "<img src=x onerror=alert(1)>";
    assert_eq!(ground.join(&mut phone, json!({ "name": name })).await.status, 200);
    assert_eq!(phone.card(&ground.site, &ground.world).await["name"], name);
    let poster = format!("/J/{}?f=%22%3E%3Cscript%3E", ground.link);
    let page = ground.site.send("GET", &poster, "", b"").await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains("&quot;&gt;&lt;script") && !text.contains("<script>"), "{text}");
    assert!(page.head.contains("script-src 'self'") && !page.head.contains("unsafe-inline"));
}

#[tokio::test]
async fn the_link_opens_the_number_of_stamps_and_nothing_else() {
    let ground = Ground::new().await;
    let mut phone = Phone::new(1);
    ground.join(&mut phone, json!({ "name": "Ada" })).await;
    let card = phone.card(&ground.site, &ground.world).await;
    let token = card["token"].as_str().unwrap();
    let body = json!({ "code": token, "count": 7 });
    let key = key(&ground.world).await;
    assert_eq!(ground.site.ask("POST", "/api/v1/stamps", &key, &body).await.status, 200);
    for path in [format!("/C/{token}"), format!("/c/{}", token.to_lowercase())] {
        let page = ground.site.send("GET", &path, "", b"").await;
        assert_eq!(page.status, 200);
        let text = String::from_utf8(page.body).unwrap();
        assert!(text.contains(">7</span> stamps"), "{text}");
        let number = card["number"].as_str().unwrap();
        for secret in ["Ada", number, "Coffee card"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    let mut forged = token.to_owned();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    for path in [format!("/C/{forged}"), "/C/hello".to_owned(), format!("/C/{}", "S1".repeat(200))] {
        assert_eq!(ground.site.send("GET", &path, "", b"").await.status, 404, "{path:.30}");
    }
}

#[tokio::test]
async fn whoever_does_not_hold_the_key_learns_nothing() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    let path = "/card/v1/card";
    let now_ms = ground.world.server.now_ms();
    let thief = Phone { secret: PhoneSecret::from_bytes(&[9; 32]).unwrap(), named: phone.named.clone() };
    let mut guess = Phone::new(1);
    guess.named = json!({ "tenant": phone.named["tenant"], "phone": "00".repeat(16) });
    let mut elsewhere = Phone::new(1);
    elsewhere.named = json!({ "tenant": "ab".repeat(16), "phone": phone.named["phone"] });
    let wrong = [
        String::new(),
        "authorization: Phone x\r\n".to_owned(),
        thief.header("GET", path, now_ms, ""),
        guess.header("GET", path, now_ms, ""),
        elsewhere.header("GET", path, now_ms, ""),
        phone.header("POST", path, now_ms, ""),
        phone.header("GET", "/card/v1/other", now_ms, ""),
    ];
    let mut said = Vec::new();
    for header in &wrong {
        let answer = ground.site.send("GET", path, header, b"").await;
        assert_eq!(answer.status, 401, "{header}");
        said.push(answer.problem().code);
    }
    said.dedup();
    assert_eq!(said, ["phone-unknown"], "the same for each");
    let late = phone.header("GET", path, now_ms - 11 * 60_000, "");
    assert_eq!(ground.site.send("GET", path, &late, b"").await.problem().code, "clock");
    let body = r#"{"name":"Eve"}"#;
    let header = phone.header("POST", "/card/v1/profile", now_ms, r#"{"name":"Ada"}"#);
    assert_eq!(ground.site.send("POST", "/card/v1/profile", &header, body.as_bytes()).await.status, 401);
    let huge = "x".repeat(5000);
    assert_eq!(phone.ask(&ground.site, &ground.world, "POST", "/card/v1/profile", &huge).await.status, 413);
}

#[tokio::test]
async fn the_card_shows_what_came_and_why_nothing_came() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    let token = phone.card(&ground.site, &ground.world).await["token"].as_str().unwrap().to_owned();
    let key = key(&ground.world).await;
    let body = json!({ "code": token, "count": 9 });
    ground.site.ask("POST", "/api/v1/stamps", &key, &body).await;
    let sale =
        json!({ "code": token, "sale": { "lines": [{ "sku": "tea", "category": "tea", "price": "2.50" }] } });
    ground.world.clock.forward(3_600_000);
    assert_eq!(ground.site.ask("POST", "/api/v1/stamps", &key, &sale).await.status, 200);
    let card = phone.card(&ground.site, &ground.world).await;
    assert_eq!(card["cards"][0]["filled"], 9);
    assert_eq!(card["rewards"][0]["missing"], "1 stamp");
    let history = card["history"].as_array().unwrap();
    assert_eq!(history.len(), 3, "{history:?}");
    assert_eq!(history[1]["moved"], json!(["+9 stamps"]));
    assert!(history[0]["moved"].as_array().unwrap().is_empty());
    assert!(!history[0]["why"].as_array().unwrap().is_empty(), "why there was no stamp: {}", history[0]);
    let german = phone.ask(&ground.site, &ground.world, "GET", "/card/v1/card?lang=de", "").await.json();
    assert_eq!(german["rewards"][0]["missing"], "1 Stempel");
    assert_eq!(german["history"][2]["title"], "Karte bekommen");
}

#[tokio::test]
async fn a_waiting_card_hears_of_the_stamp_at_once() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    let card = phone.card(&ground.site, &ground.world).await;
    let path = format!("/card/v1/card?lang=en&after={}&wait_ms=20000", card["position"]);
    let header = phone.header("GET", &path, ground.world.server.now_ms(), "");
    let at = ground.site.at.clone();
    let waits = tokio::spawn(async move { at.send("GET", &path, &header, b"").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!waits.is_finished());
    let began = std::time::Instant::now();
    let body = json!({ "code": card["token"] });
    let key = key(&ground.world).await;
    assert_eq!(ground.site.ask("POST", "/api/v1/stamps", &key, &body).await.status, 200);
    let news = waits.await.unwrap().json();
    assert_eq!(news["cards"][0]["filled"], 1);
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_certificate_makes_a_rotating_code_that_terminals_verify() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    let token = phone.card(&ground.site, &ground.world).await["token"].as_str().unwrap().to_owned();
    let body = json!({ "code": token, "count": 4 });
    let key = key(&ground.world).await;
    ground.site.ask("POST", "/api/v1/stamps", &key, &body).await;
    let card = phone.card(&ground.site, &ground.world).await;
    let bytes = BASE64URL_NOPAD.decode(card["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let certificate = PhoneCertificate::from_slice(&bytes).unwrap();
    let now_ms = ground.world.server.now_ms();
    let code = RotatingCode::show(certificate, &phone.secret, turn_at(now_ms)).to_string();
    let keys = card_keys(&ground.world).await;
    let verified = keys.verify(&code).unwrap();
    assert_eq!(verified.card, keys.verify(&token).unwrap().card);
    let shown = verified.shown.unwrap();
    assert!(shown.is_of_now(now_ms) && !shown.is_of_now(now_ms + 90_000));
    let stamps = AsOf::tag(&"stamp:coffee".parse().unwrap());
    assert_eq!(shown.certificate.said().balance, Some(AsOf { unit: stamps, amount: 4 }));
    let body = json!({ "code": code });
    let answer = ground.site.ask("POST", "/api/v1/stamps", &key, &body).await;
    assert_eq!(
        answer.json()["balances"]["stamp:coffee"],
        "5",
        "other systems may show it to the server as well"
    );
}

#[tokio::test]
async fn a_printed_card_comes_to_the_phone_by_the_code_on_its_back() {
    let ground = Ground::new().await;
    let cards = printed(&ground.world, 2).await;
    let (token, second) = (cards[0].token.to_string(), cards[0].typed.clone());
    assert_ne!(cards[0].typed, cards[1].typed);
    let mut phone = Phone::new(1);
    let other = cards[1].second.to_string();
    let forged = other.replacen(&other[2..19], &token[2..19], 1);
    for wrong in ["", &cards[1].typed, &other, &forged] {
        let answer = ground.attach(&mut phone, json!({ "token": token, "second": wrong })).await;
        assert_eq!(answer.problem().code, "second-code");
    }
    let typed = format!("{} {}", second[..5].to_lowercase(), &second[5..]);
    assert_eq!(ground.attach(&mut phone, json!({ "token": token, "second": typed })).await.status, 200);
    let card = phone.card(&ground.site, &ground.world).await;
    assert_eq!(card["token"], token);
    // A new phone: the old one holds the card no more.
    let mut new = Phone::new(2);
    let scanned = cards[0].second.to_string();
    assert_eq!(ground.attach(&mut new, json!({ "token": token, "second": scanned })).await.status, 200);
    assert_eq!(new.card(&ground.site, &ground.world).await["number"], card["number"]);
    assert_eq!(phone.ask(&ground.site, &ground.world, "GET", "/card/v1/card", "").await.status, 410);
    ground.world.sound().await;
}

#[tokio::test]
async fn a_pile_is_counted_as_it_comes_alive_and_what_is_left_can_be_withdrawn() {
    let ground = Ground::new().await;
    let (world, site) = (&ground.world, &ground.site);
    let (server, tenant) = (&world.server, world.tenant);
    let key = key(world).await;
    for count in [0, 1001] {
        assert_eq!(server.batch_make(tenant, None, count).await.unwrap_err().code(), "batch");
    }
    let first = server.batch_make(tenant, None, 1).await.unwrap();
    world.clock.forward(1);
    let pile = server.batch_make(tenant, Some(world.shop), 3).await.unwrap();
    let cards = server.batch_cards(tenant, &pile).await.unwrap();
    assert_eq!(cards, server.batch_cards(tenant, &pile).await.unwrap(), "printed again they are the same");
    let stamp = async |card: &PaperCard| {
        let body = json!({ "code": card.token.to_string() });
        site.ask("POST", "/api/v1/stamps", &key, &body).await.status
    };
    assert_eq!(stamp(&cards[0]).await, 200);
    let counts = async || {
        let piles = server.batches(tenant).await.unwrap();
        let said =
            piles.iter().map(|pile| (pile.id.clone(), pile.cards, pile.live, pile.blank, pile.withdrawn));
        said.collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [(pile.clone(), 3, 1, 2, false), (first.clone(), 1, 0, 1, false)]);
    assert_eq!(
        server.batch_cards(tenant, &pile).await.unwrap(),
        cards[1..],
        "whose card it is keeps the back"
    );
    server.batch_withdraw(tenant, &pile).await.unwrap();
    server.batch_withdraw(tenant, &pile).await.unwrap();
    assert_eq!(counts().await, [(pile.clone(), 3, 1, 0, true), (first, 1, 0, 1, false)]);
    assert_ne!(stamp(&cards[1]).await, 200, "a card of a lost pile");
    assert_eq!(stamp(&cards[0]).await, 200, "a card that somebody has stays good");
    assert_eq!(server.batch_cards(tenant, &pile).await.unwrap_err().code(), "batch");
    let device = world.device(1).await;
    let page = world.feed(&device, 0).await;
    let revoked = page.changes.iter().filter_map(|item| match item.read() {
        Some(FeedChange::CardRevoked { card }) => Some(card),
        _ => None,
    });
    let mut revoked: Vec<_> = revoked.collect();
    revoked.sort();
    assert_eq!(revoked, cards[1..].iter().map(|card| card.token.card()).collect::<Vec<_>>());
    for none in ["", "00", &"0".repeat(32)] {
        assert_eq!(server.batch_withdraw(tenant, none).await.unwrap_err().code(), "not-found");
        assert!(server.batch_cards(tenant, none).await.is_err());
    }
    world.sound().await;
}

#[tokio::test]
async fn guessing_the_second_code_gets_slower_and_slower() {
    let ground = Ground::new().await;
    let cards = printed(&ground.world, 1).await;
    let (token, second) = (cards[0].token.to_string(), cards[0].typed.clone());
    let mut phone = Phone::new(1);
    let mut codes = Vec::new();
    for _ in 0..8 {
        let answer = ground.attach(&mut phone, json!({ "token": token, "second": "0000000000" })).await;
        codes.push(answer.problem().code);
    }
    assert_eq!(codes.last().map(String::as_str), Some("too-often"), "{codes:?}");
    let right = json!({ "token": token, "second": second });
    assert_eq!(ground.attach(&mut phone, right.clone()).await.status, 429);
    ground.world.clock.forward(20 * 60_000);
    assert_eq!(ground.attach(&mut phone, right).await.status, 200);
}

#[tokio::test]
async fn a_code_hands_the_card_over_once() {
    let ground = Ground::new().await;
    let browser = ground.joined(1).await;
    let code = async |phone: &Phone| {
        let answer = phone.ask(&ground.site, &ground.world, "POST", "/card/v1/hand-over", "").await;
        answer.json()["code"].clone()
    };
    let (first, late) = (code(&browser).await, code(&browser).await);
    let mut app = Phone::new(2);
    assert_eq!(ground.attach(&mut app, json!({ "code": first })).await.status, 200);
    assert_eq!(ground.attach(&mut app, json!({ "code": first })).await.status, 200, "an answer may be lost");
    app.card(&ground.site, &ground.world).await;
    assert_eq!(browser.ask(&ground.site, &ground.world, "GET", "/card/v1/card", "").await.status, 410);
    for wrong in [first, json!("A".repeat(50)), json!(""), json!("ä")] {
        assert_eq!(ground.attach(&mut Phone::new(3), json!({ "code": wrong })).await.problem().code, "code");
    }
    ground.world.clock.forward(61 * 60_000);
    assert_eq!(ground.attach(&mut Phone::new(4), json!({ "code": late })).await.problem().code, "code");
}

#[tokio::test]
async fn a_confirmed_address_brings_a_lost_card_back() {
    let mail_server = MailServer::open().await;
    let options = Options {
        mailer: Some(Mailer::new(&Secret::new(&*mail_server.url), "stempel@example.org").unwrap()),
        public_url: Some("https://stempel.example".to_owned()),
        ..Options::default()
    };
    let ground = Ground::with(options).await;
    let phone = ground.joined(1).await;
    let number = phone.card(&ground.site, &ground.world).await["number"].clone();
    let ask = async |proof: &str| {
        let body = json!({ "email": "Ada@Example.org", "language": "en", "proof": proof }).to_string();
        phone.ask(&ground.site, &ground.world, "POST", "/card/v1/mail", &body).await
    };
    assert_eq!(ask("").await.problem().code, "puzzle", "no mail without work");
    assert_eq!(ask(&ground.solved().await).await.status, 200);
    let back = async |email: &str| {
        let body = json!({ "email": email, "tenant": ground.world.tenant, "proof": ground.solved().await });
        ground.site.ask("POST", "/card/v1/return", "", &body).await
    };
    let confirm = code_in(&mail_server.mail(0).await, "#m=");
    assert_eq!(back("ada@example.org").await.status, 200, "not confirmed yet: no mail");
    let body = json!({ "code": confirm });
    assert_eq!(ground.site.ask("POST", "/card/v1/mail/confirm", "", &body).await.status, 200);
    assert_eq!(ground.site.ask("POST", "/card/v1/mail/confirm", "", &body).await.problem().code, "code");
    assert_eq!(phone.card(&ground.site, &ground.world).await["mail"], true);
    let (unknown, known) = (back("nobody@example.org").await, back("ada@example.org").await);
    assert_eq!((unknown.status, &unknown.body), (known.status, &known.body), "the answer says nothing");
    let mail = mail_server.mail(1).await;
    assert!(mail.contains("RCPT TO:<ada@example.org>"), "{mail}");
    let mut new = Phone::new(2);
    assert_eq!(ground.attach(&mut new, json!({ "code": code_in(&mail, "#r=") })).await.status, 200);
    assert_eq!(new.card(&ground.site, &ground.world).await["number"], number);
}

/// The code behind a mark in a mail, which is written as “quoted-printable” where lines are long.
fn code_in(mail: &str, mark: &str) -> String {
    let mail = mail.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = mail.split_once(mark).unwrap_or_else(|| panic!("no code in {mail}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[tokio::test]
async fn a_friend_counts_as_brought_and_a_wrong_number_keeps_nobody_out() {
    let ground = Ground::new().await;
    let ada = ground.joined(1).await;
    let number = ada.card(&ground.site, &ground.world).await["number"].as_str().unwrap().replace('-', "");
    let mut ben = Phone::new(2);
    assert_eq!(ground.join(&mut ben, json!({ "friend": number })).await.status, 200);
    assert_eq!(ground.join(&mut Phone::new(3), json!({ "friend": "nonsense" })).await.status, 200);
    let device = ground.world.device(1).await;
    let page = ground.world.feed(&device, 0).await;
    let brought = page.changes.iter().filter(|item| item.change.get().contains("\"referrer\"")).count();
    assert_eq!(brought, 1);
}

#[tokio::test]
async fn a_card_can_be_taken_off_a_phone_and_a_blocked_one_says_so() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    let card = phone.card(&ground.site, &ground.world).await;
    let id = Token::find(card["token"].as_str().unwrap()).unwrap().card();
    let member = Some(MemberId::of_first_card(ground.world.tenant, id));
    let mut device = ground.world.device(1).await;
    device.write(Fact::CardBlocked(CardBlocked { card: id, member }));
    ground.world.push(&device, &device.rows).await.unwrap();
    assert_eq!(phone.card(&ground.site, &ground.world).await["blocked"], true);
    let page = ground.site.send("GET", &format!("/C/{}", card["token"].as_str().unwrap()), "", b"").await;
    assert_eq!(page.status, 200);
    assert_eq!(phone.ask(&ground.site, &ground.world, "POST", "/card/v1/end", "").await.status, 200);
    assert_eq!(phone.ask(&ground.site, &ground.world, "GET", "/card/v1/card", "").await.status, 410);
}

#[tokio::test]
async fn the_page_keeps_its_files_and_installs() {
    let ground = Ground::new().await;
    let page = ground.site.send("GET", "/card", "", b"").await;
    assert_eq!(page.status, 200);
    let worker = ground.site.send("GET", "/card/sw.js", "", b"").await;
    let text = String::from_utf8(worker.body).unwrap();
    assert!(text.starts_with("const VERSION = \""));
    for file in text.split('"').filter(|part| part.starts_with('/')) {
        assert_eq!(ground.site.send("GET", file, "", b"").await.status, 200, "{file}");
    }
    let manifest = ground.site.send("GET", "/card/manifest.webmanifest?h=ABC2", "", b"").await.json();
    assert_eq!(manifest["start_url"], "/card#h=ABC2");
    let odd = ground.site.send("GET", "/card/manifest.webmanifest?h=%22%2F", "", b"").await.json();
    assert_eq!(odd["start_url"], "/card");
    for icon in manifest["icons"].as_array().unwrap() {
        assert_eq!(ground.site.send("GET", icon["src"].as_str().unwrap(), "", b"").await.status, 200);
    }
}

#[tokio::test]
async fn a_large_redemption_waits_for_the_setting_of_the_shop() {
    let ground = Ground::new().await;
    let phone = ground.joined(1).await;
    assert_eq!(phone.card(&ground.site, &ground.world).await["rotate"], false);
    let (tenant, shop) = (ground.world.tenant, ground.world.shop);
    let unit = || "stamp:coffee".parse().unwrap();
    ground.world.server.shop_rotating(tenant, shop, unit(), Some(5)).await.unwrap();
    assert_eq!(phone.card(&ground.site, &ground.world).await["rotate"], true);
    ground.world.server.shop_rotating(tenant, shop, unit(), None).await.unwrap();
    assert_eq!(phone.card(&ground.site, &ground.world).await["rotate"], false);
}

#[tokio::test]
async fn a_member_reads_everything_agrees_takes_it_back_and_leaves() {
    let ground = Ground::new().await;
    let (mut phone, world) = (Phone::new(1), &ground.world);
    assert_eq!(ground.join(&mut phone, json!({"name": "Ada"})).await.status, 200);
    let card = phone.card(&ground.site, world).await;
    assert_eq!(card["consents"][2], json!(["leaderboard", false]));
    for given in [true, true, false] {
        let body = json!({"consent": "leaderboard", "given": given}).to_string();
        let answer = phone.ask(&ground.site, world, "POST", "/card/v1/consent", &body).await;
        assert_eq!(answer.json()["consents"][2], json!(["leaderboard", given]));
    }
    let export = phone.ask(&ground.site, world, "GET", "/card/v1/export", "").await;
    assert_eq!(export.header("content-disposition").unwrap(), "attachment; filename=\"stempelkarte.json\"");
    let export = export.json();
    assert_eq!((&export["profile"]["name"], &export["complete"]), (&json!("Ada"), &json!(true)));
    assert_eq!(export["consents"][0]["place"], "web");
    let unsure = phone.ask(&ground.site, world, "POST", "/card/v1/leave", r#"{"for_good":false}"#).await;
    assert_eq!(unsure.status, 400);
    let left = phone.ask(&ground.site, world, "POST", "/card/v1/leave", r#"{"for_good":true}"#).await;
    assert_eq!(left.status, 200);
    let again = phone.ask(&ground.site, world, "GET", "/card/v1/card", "").await;
    assert_eq!(again.problem().code, "phone-ended", "and the phone forgets the card");
    let token = card["token"].as_str().unwrap();
    assert_eq!(ground.site.send("GET", &format!("/C/{token}"), "", b"").await.status, 404);
    let who = export["member"].as_str().unwrap();
    assert_eq!(world.server.member_export(world.tenant, who).await.unwrap().profile, None);
    let entries = world.server.audit(world.tenant, 0).await.unwrap();
    let said: Vec<_> = entries.iter().map(|entry| (entry.actor.as_str(), entry.action.as_str())).collect();
    assert!(said.contains(&("member", "member-erased")) && said.contains(&("member", "member-exported")));
    world.sound().await;
}

#[tokio::test]
async fn whoever_holds_a_printed_card_has_the_same_rights_without_a_script() {
    let ground = Ground::new().await;
    let world = &ground.world;
    let first = printed(world, 1).await.remove(0);
    let (token, second) = (first.token, first.typed);
    let path = format!("/C/{token}");
    let form = async |code: &str, act: &str| {
        let body = format!("code={code}&act={act}");
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        let answer = ground.site.send("POST", &path, kind, body.as_bytes()).await;
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let (status, said) = form(&second, "show").await;
    assert_eq!(status, 200);
    assert!(said.contains("Nothing is on this card yet"), "{said}");
    let mut phone = Phone::new(1);
    assert_eq!(
        ground.attach(&mut phone, json!({"token": token.to_string(), "second": second})).await.status,
        200
    );
    for (code, act) in [("0000000000", "leave"), ("", "leave"), ("", "export")] {
        assert_eq!(form(code, act).await.0, 422, "{code:?}");
    }
    let (_, said) = form(&second, "agree%3Amail").await;
    assert!(said.contains("Noted") && said.contains("withdraw:mail"), "{said}");
    let (_, said) = form(&second, "withdraw%3Amail").await;
    assert!(said.contains("agree:mail"), "{said}");
    let (_, said) = form(&second, "export").await;
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["format"], "stempel-person");
    let (_, said) = form(&second, "ask").await;
    assert!(said.contains("Nothing can bring it back"), "{said}");
    assert_eq!(phone.card(&ground.site, world).await["blocked"], false, "asking changes nothing");
    let (status, said) = form(&second, "leave").await;
    assert!(status == 200 && said.contains("You are forgotten"), "{said}");
    assert_eq!(form(&second, "show").await.0, 422);
    world.sound().await;
}

#[tokio::test]
async fn a_visit_that_gave_nothing_says_why() {
    let ground = Ground::new().await;
    publish(&ground.world, &[&COFFEE.replace("[[earn]]", "[[earn]]\ncap = { day = 1 }")]).await;
    let phone = ground.joined(1).await;
    let card = phone.card(&ground.site, &ground.world).await;
    let key = key(&ground.world).await;
    for _ in 0..2 {
        let asked = json!({ "code": card["token"], "shop": ground.world.shop });
        let answer = ground.site.ask("POST", "/api/v1/stamps", &key, &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        ground.world.clock.forward(2 * 3_600_000);
    }
    let history = phone.card(&ground.site, &ground.world).await["history"].clone();
    assert_eq!((&history[0]["nothing"], &history[0]["moved"]), (&json!(true), &json!([])), "{history}");
    assert!(!history[0]["why"].as_array().unwrap().is_empty(), "{history}");
    assert_eq!(history[1]["nothing"], false);
}

//! People: signing in, guessing, invitations by mail, roles, four eyes, the log.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stempel_domain::TenantId;
use stempel_server::accounts::{Role, RoleAt};
use stempel_server::config::Secret;
use stempel_server::http::Options;
use stempel_server::mail::Mailer;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::api::{COFFEE, publish};
use crate::database;
use crate::http::{Answer, Site};
use crate::world::{World, point};

pub const PASSWORD: &str = "ein guter langer Satz";

/// Somebody who is signed in, as headers.
pub struct Person {
    pub headers: String,
    pub account: String,
}

pub fn owner() -> Vec<RoleAt> {
    vec![RoleAt { role: Role::Owner, shop: None }]
}

/// Makes an account, takes the invitation and signs in.
pub async fn person(world: &World, tenant: TenantId, site: &Site, email: &str, roles: &[RoleAt]) -> Person {
    let link = world.server.account_invite(tenant, email, roles).await.unwrap();
    let body = json!({ "code": link.code, "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.status, 204);
    signed_in(site, email).await
}

async fn signed_in(site: &Site, email: &str) -> Person {
    let answer = login(site, email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let said = answer.json();
    Person {
        headers: format!("cookie: {cookie}\r\nx-csrf-token: {}\r\n", said["csrf"].as_str().unwrap()),
        account: said["account"].as_str().unwrap().to_owned(),
    }
}

async fn login(site: &Site, email: &str, password: &str) -> Answer {
    site.ask("POST", "/api/v1/session", "", &json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn somebody_signs_in_works_and_signs_out() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let link = world.server.owner_add(world.tenant, " Olga@Example.org ").await.unwrap();
    let weak = json!({ "code": link.code, "password": "kurz" });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &weak).await.problem().code, "password-weak");
    let body = json!({ "code": link.code, "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.status, 204);
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.problem().code, "link");
    let answer = login(&site, "OLGA@example.org", PASSWORD).await;
    let cookie = answer.header("set-cookie").unwrap();
    for part in ["httponly", "samesite=strict", "path=/", "max-age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!answer.json().to_string().contains(PASSWORD));
    let olga = signed_in(&site, "olga@example.org").await;
    let me = site.ask("GET", "/api/v1/session", &olga.headers, &Value::Null).await.json();
    assert_eq!((&me["email"], &me["roles"]), (&json!("olga@example.org"), &json!([{ "role": "owner" }])));
    // Another site can send the cookie, and does not know the token.
    let cookie_alone = olga.headers.lines().next().unwrap().to_owned() + "\r\n";
    let stamps = json!({ "code": "x" });
    let forged = site.ask("POST", "/api/v1/stamps", &cookie_alone, &stamps).await;
    assert_eq!((forged.status, &forged.problem().code[..]), (403, "csrf"));
    assert_eq!(site.ask("DELETE", "/api/v1/session", &cookie_alone, &Value::Null).await.status, 403);
    assert_eq!(site.ask("GET", "/api/v1/shops", &cookie_alone, &Value::Null).await.status, 200);
    assert_eq!(site.ask("DELETE", "/api/v1/session", &olga.headers, &Value::Null).await.status, 204);
    let gone = site.ask("GET", "/api/v1/shops", &olga.headers, &Value::Null).await;
    assert_eq!((gone.status, &gone.problem().code[..]), (401, "session"));
}

#[tokio::test]
async fn a_session_ends_by_itself_and_with_the_account() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let uwe = person(&world, world.tenant, &site, "uwe@example.org", &owner()).await;
    for _ in 0..3 {
        world.clock.forward(7 * 3_600_000);
        assert_eq!(site.ask("GET", "/api/v1/shops", &olga.headers, &Value::Null).await.status, 200);
    }
    assert_eq!(site.ask("GET", "/api/v1/shops", &uwe.headers, &Value::Null).await.status, 401);
    let uwe = signed_in(&site, "uwe@example.org").await;
    let path = format!("/api/v1/accounts/{}", uwe.account);
    assert_eq!(site.ask("DELETE", &path, &olga.headers, &Value::Null).await.status, 204);
    assert_eq!(site.ask("GET", "/api/v1/shops", &uwe.headers, &Value::Null).await.status, 401);
    assert_eq!(login(&site, "uwe@example.org", PASSWORD).await.problem().code, "login");
    let path = format!("/api/v1/accounts/{}", olga.account);
    let last = site.ask("DELETE", &path, &olga.headers, &Value::Null).await;
    assert_eq!((last.status, &last.problem().code[..]), (409, "last-owner"));
    let roles = json!({ "roles": [{ "role": "staff" }] });
    let last = site.ask("PUT", &format!("{path}/roles"), &olga.headers, &roles).await;
    assert_eq!((last.status, &last.problem().code[..]), (409, "last-owner"));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_locks_nobody_out() {
    let world = World::new().await;
    let options = Options { behind_proxy: true, ..Options::default() };
    let site = Site::open_with(&world, options).await;
    let link = world.server.owner_add(world.tenant, "olga@example.org").await.unwrap();
    world.server.password_set(&link.code, Secret::new(PASSWORD)).await.unwrap();
    let from = async |address: &str, email: &str, password: &str| {
        let headers = format!("x-forwarded-for: 203.0.113.77, {address}\r\n");
        site.ask("POST", "/api/v1/session", &headers, &json!({ "email": email, "password": password })).await
    };
    for _ in 0..6 {
        let answer = from("192.0.2.1", "olga@example.org", "falsch geraten").await;
        assert_eq!((answer.status, &answer.problem().code[..]), (401, "login"));
    }
    let slowed = from("192.0.2.1", "olga@example.org", PASSWORD).await;
    assert_eq!((slowed.status, &slowed.problem().code[..]), (429, "too-often"));
    assert_eq!(slowed.header("retry-after"), Some("1"));
    // From elsewhere the owner gets in; and here too, after the wait.
    assert_eq!(from("192.0.2.2", "olga@example.org", PASSWORD).await.status, 200);
    world.clock.forward(1000);
    assert_eq!(from("192.0.2.1", "olga@example.org", PASSWORD).await.status, 200);
    // An unknown address is answered in the same words.
    let unknown = from("192.0.2.1", "nobody@example.org", PASSWORD).await;
    assert_eq!((unknown.status, &unknown.problem().code[..]), (401, "login"));
}

#[tokio::test]
async fn what_was_guessed_before_a_restart_still_counts() {
    let mut world = World::new().await;
    let guess = async |site: &Site| {
        let body = json!({ "email": "olga@example.org", "password": "falsch geraten" });
        site.ask("POST", "/api/v1/session", "", &body).await.status
    };
    let site = Site::open(&world).await;
    for _ in 0..6 {
        assert_eq!(guess(&site).await, 401);
    }
    assert_eq!(guess(&site).await, 429);
    site.stop.send(()).unwrap();
    site.served.await.unwrap();
    world.restart().await;
    assert!(!crate::database::holds(&world.url, b"127.0.0.1").await, "no address stands in the database");
    let site = Site::open(&world).await;
    assert_eq!(guess(&site).await, 429);
    world.clock.forward(1000);
    assert_eq!(guess(&site).await, 401);
}

#[tokio::test]
async fn one_address_may_have_accounts_at_two_owners() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let other = world.server.tenant_add("Bäckerei", false).await.unwrap();
    for (tenant, password) in [(world.tenant, PASSWORD), (other, "noch ein guter Satz")] {
        let link = world.server.owner_add(tenant, "rita@example.org").await.unwrap();
        world.server.password_set(&link.code, Secret::new(password)).await.unwrap();
    }
    let shops = async |password: &str| {
        let answer = login(&site, "rita@example.org", password).await;
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        site.ask("GET", "/api/v1/shops", &format!("cookie: {cookie}\r\n"), &Value::Null).await.json()
    };
    assert_eq!(shops(PASSWORD).await["shops"].as_array().unwrap().len(), 1);
    assert_eq!(shops("noch ein guter Satz").await["shops"].as_array().unwrap().len(), 0);
}

/// A mail server on this machine that keeps what it is handed.
pub struct MailServer {
    pub url: String,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { Self::talk(stream, kept).await });
            }
        });
        Self { url, mails }
    }

    /// RFC 5321, as far as a client that hands over a mail needs it.
    async fn talk(stream: tokio::net::TcpStream, kept: Arc<Mutex<Vec<String>>>) -> Option<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
        let mut envelope = String::new();
        while let Some(line) = lines.next_line().await.ok()? {
            let answer = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => "250-mail.example\r\n250 8BITMIME\r\n",
                "MAIL" | "RCPT" => {
                    envelope.push_str(&line);
                    envelope.push('\n');
                    "250 ok\r\n"
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await.ok()?;
                    let mut mail = std::mem::take(&mut envelope);
                    while let Some(line) = lines.next_line().await.ok()? {
                        if line == "." {
                            break;
                        }
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    kept.lock().unwrap().push(mail);
                    "250 taken\r\n"
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await.ok()?;
                    return None;
                }
                _ => "250 ok\r\n",
            };
            writer.write_all(answer.as_bytes()).await.ok()?;
        }
        None
    }

    /// Waits for the mail of that place.
    pub async fn mail(&self, place: usize) -> String {
        for _ in 0..200 {
            if let Some(mail) = self.mails.lock().unwrap().get(place) {
                return mail.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail came");
    }
}

/// The code in a mail.
fn code_in(mail: &str) -> String {
    let word = mail
        .split_whitespace()
        .find(|word| word.len() == 64 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    word.unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

#[tokio::test]
async fn invitations_and_new_passwords_go_by_mail() {
    let world = World::new().await;
    let mail_server = MailServer::open().await;
    let options = Options {
        mailer: Some(Mailer::new(&Secret::new(&*mail_server.url), "stempel@example.org").unwrap()),
        public_url: Some("https://stempel.example".to_owned()),
        ..Options::default()
    };
    let site = Site::open_with(&world, options).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let body = json!({ "email": "mia@example.org", "roles": [{ "role": "staff", "shop": world.shop }] });
    let invited = site.ask("POST", "/api/v1/accounts", &olga.headers, &body).await;
    assert_eq!((invited.status, &invited.json()["mail"]), (201, &json!("sent")));
    assert!(invited.json().get("code").is_none(), "the code goes by mail alone");
    let mail = mail_server.mail(0).await;
    assert!(mail.contains("RCPT TO:<mia@example.org>") && mail.contains("https://stempel.example"), "{mail}");
    let body = json!({ "code": code_in(&mail), "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.status, 204);
    let mia = signed_in(&site, "mia@example.org").await;
    // Forgotten: the answer is the same whether there is an account or not.
    let forgotten = async |email: &str| {
        site.ask("POST", "/api/v1/password/forgotten", "", &json!({ "email": email })).await
    };
    let (known, unknown) = (forgotten("mia@example.org").await, forgotten("nobody@example.org").await);
    assert_eq!((known.status, &known.body), (202, &unknown.body));
    assert_eq!(unknown.status, 202);
    let code = code_in(&mail_server.mail(1).await);
    let body = json!({ "code": code, "password": "ein ganz neuer Satz" });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.status, 204);
    // Whoever was signed in with the old password is not any more.
    assert_eq!(site.ask("GET", "/api/v1/shops", &mia.headers, &Value::Null).await.status, 401);
    assert_eq!(login(&site, "mia@example.org", PASSWORD).await.status, 401);
    assert_eq!(login(&site, "mia@example.org", "ein ganz neuer Satz").await.status, 200);
    assert_eq!(mail_server.mails.lock().unwrap().len(), 2);
    // A code is good for an hour.
    forgotten("mia@example.org").await;
    let code = code_in(&mail_server.mail(2).await);
    world.clock.forward(3_600_001);
    let body = json!({ "code": code, "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/password", "", &body).await.problem().code, "link");
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_said() {
    let world = World::new().await;
    let options = Options {
        mailer: Some(Mailer::new(&Secret::new("smtp://127.0.0.1:1"), "stempel@example.org").unwrap()),
        ..Options::default()
    };
    let site = Site::open_with(&world, options).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let body = json!({ "email": "mia@example.org", "roles": [{ "role": "support" }] });
    let invited = site.ask("POST", "/api/v1/accounts", &olga.headers, &body).await.json();
    assert_eq!(invited["mail"], "failed");
    assert!(invited["code"].is_string(), "the owner can hand it over");
}

#[tokio::test]
async fn where_the_owner_says_so_a_second_account_agrees() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let device = world.device(1).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let mara = person(
        &world,
        world.tenant,
        &site,
        "mara@example.org",
        &[RoleAt { role: Role::Manager, shop: None }],
    )
    .await;
    let uwe = person(&world, world.tenant, &site, "uwe@example.org", &owner()).await;
    let ada = site.ask("POST", "/api/v1/members", &olga.headers, &json!({ "name": "Ada" })).await.json();
    let adjust = format!("/api/v1/members/{}/adjustments", ada["member"].as_str().unwrap());
    let five = json!({ "unit": "point", "amount": "5", "reason": "the machine was broken" });
    let alone = site.ask("POST", &adjust, &mara.headers, &five).await;
    assert_eq!((alone.status, &alone.json()["balances"]["point"]), (200, &json!("5")));
    let on = json!({ "four_eyes": true });
    assert_eq!(site.ask("PUT", "/api/v1/settings", &mara.headers, &on).await.status, 403);
    assert_eq!(site.ask("PUT", "/api/v1/settings", &olga.headers, &on).await.status, 200);

    let headers = format!("{}idempotency-key: k1\r\n", mara.headers);
    let asked = site.ask("POST", &adjust, &headers, &five).await;
    assert_eq!(asked.status, 202, "{}", asked.json());
    assert_eq!(site.ask("POST", &adjust, &headers, &five).await.json(), asked.json());
    let points =
        async || world.server.member_find(world.tenant, ada["member"].as_str().unwrap()).await.unwrap();
    assert_eq!(points().await.balances[&point()], "5");
    let waiting = site.ask("GET", "/api/v1/changes", &olga.headers, &Value::Null).await.json();
    assert_eq!(waiting["changes"].as_array().unwrap().len(), 1, "{waiting}");
    let change = asked.json()["change"].as_str().unwrap().to_owned();
    let approve = format!("/api/v1/changes/{change}/approve");
    let own = site.ask("POST", &approve, &mara.headers, &Value::Null).await;
    assert_eq!((own.status, &own.problem().code[..]), (403, "second-person"));
    let agreed = site.ask("POST", &approve, &olga.headers, &Value::Null).await;
    assert_eq!(agreed.json()["answer"]["balances"]["point"], "10", "{}", agreed.json());
    // The answer was lost: asking again does it no second time.
    assert_eq!(site.ask("POST", &approve, &olga.headers, &Value::Null).await.json(), agreed.json());
    assert_eq!(points().await.balances[&point()], "10");
    let decline = format!("/api/v1/changes/{change}/decline");
    assert_eq!(site.ask("POST", &decline, &uwe.headers, &Value::Null).await.problem().code, "decided");

    let revoke = format!("/api/v1/devices/{}/revoke", device.id);
    let asked = site.ask("POST", &revoke, &olga.headers, &Value::Null).await;
    assert_eq!(asked.status, 202);
    assert!(world.server.caller(device.id).await.is_ok());
    let approve = format!("/api/v1/changes/{}/approve", asked.json()["change"].as_str().unwrap());
    assert_eq!(site.ask("POST", &approve, &mara.headers, &Value::Null).await.status, 200);
    assert_eq!(world.server.caller(device.id).await.unwrap_err().code(), "device-revoked");

    // Merging and forgetting wait too, and the rule by which members are forgotten.
    let (ada, eva) = (
        ada["member"].as_str().unwrap(),
        site.ask("POST", "/api/v1/members", &olga.headers, &json!({})).await.json(),
    );
    let eva = eva["member"].as_str().unwrap();
    let agree = async |asked: &Answer| {
        assert_eq!(asked.status, 202, "{}", asked.json());
        let approve = format!("/api/v1/changes/{}/approve", asked.json()["change"].as_str().unwrap());
        assert_eq!(site.ask("POST", &approve, &olga.headers, &Value::Null).await.status, 403, "not alone");
        let agreed = site.ask("POST", &approve, &uwe.headers, &Value::Null).await;
        assert_eq!(agreed.status, 200, "{}", agreed.json());
    };
    let found = async |member: &str| world.server.member_find(world.tenant, member).await.unwrap();
    let merge = format!("/api/v1/members/{eva}/merge");
    let asked = site.ask("POST", &merge, &olga.headers, &json!({ "into": ada })).await;
    assert!(found(ada).await.merged.is_empty());
    agree(&asked).await;
    assert_eq!(found(ada).await.merged.len(), 1);
    let asked = site.ask("POST", &format!("/api/v1/members/{eva}/erase"), &olga.headers, &Value::Null).await;
    assert_eq!(found(ada).await.erased, None);
    agree(&asked).await;
    assert!(found(ada).await.erased.is_some());
    let asked = site.ask("PUT", "/api/v1/retention", &olga.headers, &json!({ "months": 24 })).await;
    assert_eq!(world.server.retention(world.tenant).await.unwrap(), None);
    agree(&asked).await;
    assert_eq!(
        site.ask("GET", "/api/v1/retention", &mara.headers, &Value::Null).await.json(),
        json!({ "months": 24 })
    );
    let due = site.ask("GET", "/api/v1/retention/due?months=1", &mara.headers, &Value::Null).await.json();
    assert_eq!(due, json!({ "members": [], "all": 0 }));
    for (body, status) in [(json!({ "months": 0 }), 400), (json!({}), 422), (json!({ "months": null }), 202)]
    {
        assert_eq!(site.ask("PUT", "/api/v1/retention", &olga.headers, &body).await.status, status, "{body}");
    }

    // Nobody switches it off alone.
    let off = site.ask("PUT", "/api/v1/settings", &olga.headers, &json!({ "four_eyes": false })).await;
    assert_eq!(off.status, 202);
    let approve = format!("/api/v1/changes/{}/approve", off.json()["change"].as_str().unwrap());
    assert_eq!(site.ask("POST", &approve, &mara.headers, &Value::Null).await.status, 403);
    assert!(world.server.four_eyes(world.tenant).await.unwrap());
    assert_eq!(site.ask("POST", &approve, &uwe.headers, &Value::Null).await.status, 200);
    assert!(!world.server.four_eyes(world.tenant).await.unwrap());
    world.sound().await;
}

#[tokio::test]
async fn every_change_stands_in_a_log_that_nobody_alters_unseen() {
    let world = World::new().await;
    publish(&world, &[COFFEE]).await;
    let site = Site::open(&world).await;
    let olga = person(&world, world.tenant, &site, "olga@example.org", &owner()).await;
    let device = world.device(1).await;
    let revoke = format!("/api/v1/devices/{}/revoke", device.id);
    assert_eq!(site.ask("POST", &revoke, &olga.headers, &Value::Null).await.status, 200);
    let key = json!({ "name": "Kasse", "scopes": ["read"] });
    assert_eq!(site.ask("POST", "/api/v1/api-keys", &olga.headers, &key).await.status, 201);
    let page = site.ask("GET", "/api/v1/audit", &olga.headers, &Value::Null).await.json();
    let entries = page["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = [
        "tenant-added",
        "shop-added",
        "programme-published",
        "account-invited",
        "password-set",
        "signed-in",
        "device-invited",
        "device-enrolled",
        "device-revoked",
        "api-key-added",
    ];
    assert_eq!(actions, expected);
    let revoked = &entries[8];
    assert_eq!(revoked["actor"], format!("account:{}", olga.account));
    let after = site.ask("GET", "/api/v1/audit?after=9", &olga.headers, &Value::Null).await.json();
    assert_eq!((after["entries"].as_array().unwrap().len(), &after["next"]), (1, &json!(10)));
    let report = world.server.verify(world.tenant).await.unwrap();
    assert_eq!((report.audit_entries, &report.problems), (10, &Vec::new()));
    assert_eq!(report.audit_hash, entries[9]["hash"].as_str().unwrap());
    for (script, place) in [
        ("UPDATE audit SET actor = 'account:somebody' WHERE seq = 9", "entry 9"),
        ("DELETE FROM audit WHERE seq = 1", "entry 2"),
    ] {
        database::script(&world.url, script).await;
        let report = world.server.verify(world.tenant).await.unwrap();
        assert!(report.problems.iter().any(|problem| problem.contains(place)), "{:?}", report.problems);
    }
}

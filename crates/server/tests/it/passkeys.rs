//! Passkeys through the pages' own doors: made, used alone and after the password, removed, forged.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use stempel_server::accounts::Role;
use stempel_server::accounts::RoleAt;
use stempel_server::http::Options;

use crate::accounts::{PASSWORD, Person, owner, person};
use crate::authenticator::{Authenticator, VERIFIED, WITH_KEY, client};
use crate::http::{Answer, Site};
use crate::second::{between, login, text};
use crate::world::World;

const EMAIL: &str = "olga@example.org";
const ORIGIN: &str = "https://cards.example";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

async fn open(world: &World) -> Site {
    let options = Options { public_url: Some(format!("{ORIGIN}/")), ..Options::default() };
    Site::open_with(world, options).await
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn field(value: &Value) -> String {
    data_encoding::HEXLOWER_PERMISSIVE
        .encode(value.to_string().as_bytes())
        .as_bytes()
        .chunks(2)
        .map(|pair| format!("%{}", String::from_utf8_lossy(pair)))
        .collect()
}

fn password() -> String {
    PASSWORD.replace(' ', "+")
}

/// What the page is told to ask the authenticator for a new passkey.
async fn begun(site: &Site, who: &Person) -> Value {
    let answer =
        who.sends(site, "/dashboard/account/passkey/begin", &format!("&password={}", password())).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    answer.json()["options"].clone()
}

/// What a browser hands over for it.
fn made(phone: &Authenticator, options: &Value, origin: &str) -> Value {
    let client = client("webauthn.create", options["challenge"].as_str().unwrap(), origin);
    let data = phone.data("cards.example", VERIFIED | WITH_KEY);
    json!({
        "id": encoded(&phone.credential),
        "client": encoded(&client),
        "attestation": encoded(&Authenticator::attestation(&data)),
    })
}

/// Adds a passkey, and gives the whose-it-is that the authenticator keeps.
async fn added(site: &Site, who: &Person, phone: &Authenticator) -> (String, Answer) {
    let options = begun(site, who).await;
    let brought = made(phone, &options, ORIGIN);
    let answer = who
        .sends(site, "/dashboard/account/passkey", &format!("&name=Handy&passkey={}", field(&brought)))
        .await;
    (options["user"]["id"].as_str().unwrap().to_owned(), answer)
}

/// What is to be signed in order to sign in.
async fn asked(site: &Site, ticket: &str) -> Value {
    let body = format!("ticket={ticket}");
    let answer = site.send("POST", "/dashboard/sign-in/passkey/begin", FORM, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    answer.json()["options"].clone()
}

fn signed(phone: &Authenticator, user: &str, options: &Value, origin: &str) -> Value {
    let client = client("webauthn.get", options["challenge"].as_str().unwrap(), origin);
    let data = phone.data("cards.example", VERIFIED);
    json!({
        "id": encoded(&phone.credential),
        "client": encoded(&client),
        "data": encoded(&data),
        "signature": encoded(&phone.sign(&data, &client)),
        "user": user,
    })
}

async fn sent(site: &Site, ticket: &str, brought: &Value) -> Answer {
    let body = format!("ticket={ticket}&passkey={}", field(brought));
    site.send("POST", "/dashboard/sign-in/passkey", FORM, body.as_bytes()).await
}

fn let_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("set-cookie").is_some()
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_after_the_password() {
    let world = World::new().await;
    let site = open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let mut phone = Authenticator::new(1);
    let wrong = olga.sends(&site, "/dashboard/account/passkey/begin", "&password=not+this+one").await;
    assert_eq!(wrong.status, 422, "{}", text(&wrong));
    let (user, shown) = added(&site, &olga, &phone).await;
    let page = text(&shown);
    let codes: Vec<&str> = between(&page, "<pre tabindex=\"0\">", "</pre>").lines().collect();
    assert_eq!(codes.len(), 10, "{page}");
    assert!(page.contains("Handy"));
    // Alone.
    phone.counter = 1;
    let options = asked(&site, "").await;
    assert_eq!(options["allowCredentials"], json!([]), "nobody learns whose passkeys there are");
    let brought = signed(&phone, &user, &options, ORIGIN);
    assert!(let_in(&sent(&site, "", &brought).await));
    assert_eq!(sent(&site, "", &brought).await.status, 401, "a challenge is good once");
    // The password alone opens nothing now: a passkey or a recovery code has to follow.
    assert_eq!(login(&site, None).await.problem().code, "second-factor");
    let body = format!("email={EMAIL}&password={}", password());
    let page = text(&site.send("POST", "/dashboard/sign-in", FORM, body.as_bytes()).await);
    let ticket = between(&page, "name=\"ticket\" value=\"", "\"").to_owned();
    let options = asked(&site, &ticket).await;
    assert_eq!(options["allowCredentials"][0]["id"], json!(encoded(&phone.credential)));
    phone.counter = 2;
    // What was asked for with a ticket counts with that ticket.
    let brought = signed(&phone, &user, &options, ORIGIN);
    assert_eq!(sent(&site, "", &brought).await.status, 401);
    let options = asked(&site, &ticket).await;
    assert!(let_in(&sent(&site, &ticket, &signed(&phone, &user, &options, ORIGIN)).await));
    assert_eq!(login(&site, Some(codes[0])).await.status, 200);
    // Removing it needs the password; then the password alone is enough again.
    let credential = "01".repeat(32);
    let remove = format!("&credential={credential}&password=");
    let page = olga.sends(&site, "/dashboard/account/passkey/remove", &format!("{remove}no")).await;
    assert_eq!(page.status, 422);
    let remove = format!("{remove}{}", password());
    assert_eq!(olga.sends(&site, "/dashboard/account/passkey/remove", &remove).await.status, 303);
    assert_eq!(
        olga.sends(&site, "/dashboard/account/passkey/remove", &remove).await.status,
        422,
        "it is gone"
    );
    let options = asked(&site, "").await;
    phone.counter = 3;
    assert_eq!(sent(&site, "", &signed(&phone, &user, &options, ORIGIN)).await.status, 401);
    assert_eq!(login(&site, None).await.status, 200);
    let said = world.server.audit(world.tenant, 0).await.unwrap();
    let count = |action: &str| said.iter().filter(|entry| entry.action == action).count();
    assert_eq!((count("passkey-added"), count("passkey-removed"), count("passkey-doubtful")), (1, 1, 0));
}

#[tokio::test]
async fn what_is_forged_late_or_copied_lets_nobody_in() {
    let world = World::new().await;
    let site = open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let paul = person(&world, world.tenant, &site, "paul@example.org", &owner()).await;
    let mut phone = Authenticator { counter: 10, ..Authenticator::new(1) };
    let other = Authenticator::new(2);
    // What was begun by one account is not ended by another, nor on another site's page.
    let options = begun(&site, &olga).await;
    let stolen = format!("&passkey={}", field(&made(&phone, &options, ORIGIN)));
    assert_eq!(paul.sends(&site, "/dashboard/account/passkey", &stolen).await.status, 422);
    let options = begun(&site, &olga).await;
    let elsewhere = format!("&passkey={}", field(&made(&phone, &options, "https://evil.example")));
    assert_eq!(olga.sends(&site, "/dashboard/account/passkey", &elsewhere).await.status, 422);
    for none in ["", "&passkey=", "&passkey=%7B%7D", "&passkey=x"] {
        assert_eq!(olga.sends(&site, "/dashboard/account/passkey", none).await.status, 422, "{none}");
    }
    let (user, answer) = added(&site, &olga, &phone).await;
    assert_eq!(answer.status, 200);
    let (_, twice) = added(&site, &paul, &phone).await;
    assert_eq!(twice.status, 422, "a key is one account's");
    let (_, answer) = added(&site, &paul, &other).await;
    assert_eq!(answer.status, 200);
    let attempt = async |change: &dyn Fn(&mut Value), phone: &Authenticator, origin: &str| {
        let mut brought = signed(phone, &user, &asked(&site, "").await, origin);
        change(&mut brought);
        // Wrong ones slow this address down.
        world.clock.forward(2 * 60_000);
        sent(&site, "", &brought).await.status
    };
    let nothing = |_: &mut Value| {};
    phone.counter = 11;
    let flipped = |brought: &mut Value| {
        let mut bytes = BASE64URL_NOPAD.decode(brought["signature"].as_str().unwrap().as_bytes()).unwrap();
        bytes[40] ^= 1;
        brought["signature"] = json!(encoded(&bytes));
    };
    assert_eq!(attempt(&flipped, &phone, ORIGIN).await, 401, "a flipped bit");
    assert_eq!(attempt(&nothing, &phone, "https://cards.example.evil").await, 401, "another page");
    let as_paul = |brought: &mut Value| brought["id"] = json!(encoded(&other.credential));
    assert_eq!(attempt(&as_paul, &phone, ORIGIN).await, 401, "another's passkey");
    let strange = |brought: &mut Value| brought["user"] = json!(encoded(&[9; 32]));
    assert_eq!(attempt(&strange, &phone, ORIGIN).await, 401, "nobody's");
    let mut late = signed(&phone, &user, &asked(&site, "").await, ORIGIN);
    world.clock.forward(5 * 60_000 + 1);
    assert_eq!(sent(&site, "", &late).await.status, 401, "too late");
    late["client"] = json!(encoded(b"{\"type\":\"webauthn.get\",\"challenge\":\"AAAA\",\"origin\":\"x\"}"));
    world.clock.forward(60_000);
    assert_eq!(sent(&site, "", &late).await.status, 401, "made up");
    world.clock.forward(70 * 60_000);
    assert_eq!(attempt(&nothing, &phone, ORIGIN).await, 303, "and the real one is let in");
    assert_eq!(attempt(&nothing, &phone, ORIGIN).await, 401, "the counter stands still");
    let said = world.server.audit(world.tenant, 0).await.unwrap();
    assert_eq!(said.iter().filter(|entry| entry.action == "passkey-doubtful").count(), 1);
    // Whoever takes an account over after it was closed gets none of its passkeys.
    let path = format!("/dashboard/team/{}/close", olga.account);
    assert_eq!(paul.sends(&site, &path, "").await.status, 303);
    world
        .server
        .account_invite(world.tenant, EMAIL, &[RoleAt { role: Role::Owner, shop: None }])
        .await
        .unwrap();
    phone.counter = 40;
    assert_eq!(attempt(&nothing, &phone, ORIGIN).await, 401);
}

#[tokio::test]
async fn whoever_lost_the_passkey_too_is_let_in_by_another_owner() {
    let world = World::new().await;
    let site = open(&world).await;
    let olga = person(&world, world.tenant, &site, EMAIL, &owner()).await;
    let paul = person(&world, world.tenant, &site, "paul@example.org", &owner()).await;
    let mut phone = Authenticator::new(1);
    let (user, _) = added(&site, &olga, &phone).await;
    let path = format!("/dashboard/team/{}/second", olga.account);
    assert_eq!(paul.sends(&site, &path, "").await.status, 303);
    assert_eq!(login(&site, None).await.status, 200);
    phone.counter = 1;
    let brought = signed(&phone, &user, &asked(&site, "").await, ORIGIN);
    assert_eq!(sent(&site, "", &brought).await.status, 401);
}

#[tokio::test]
async fn without_an_address_of_its_own_a_server_offers_none_and_one_address_asks_so_often() {
    let world = World::new().await;
    let site = Site::open(&world).await;
    let page = text(&site.send("GET", "/dashboard/sign-in", "", b"").await);
    assert!(!page.contains("data-passkey"));
    assert_eq!(site.send("POST", "/dashboard/sign-in/passkey/begin", FORM, b"").await.status, 422);
    let site = open(&world).await;
    let foreign = format!("{FORM}sec-fetch-site: cross-site\r\n");
    assert_eq!(site.send("POST", "/dashboard/sign-in/passkey/begin", &foreign, b"").await.status, 403);
    for _ in 0..120 {
        assert_eq!(site.send("POST", "/dashboard/sign-in/passkey/begin", FORM, b"").await.status, 200);
    }
    assert_eq!(site.send("POST", "/dashboard/sign-in/passkey/begin", FORM, b"").await.status, 429);
}

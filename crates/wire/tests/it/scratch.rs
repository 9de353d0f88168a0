use crate::support::*;
use serde_json::{Value, json};
use stempel_domain::event::*;
use stempel_domain::member::*;
use stempel_domain::*;
use stempel_wire::message::*;
use stempel_wire::*;

fn put(name: &str, value: &impl serde::Serialize) {
    std::fs::write(golden_path(name), serde_json::to_string_pretty(value).unwrap()).unwrap();
}

#[test]
fn scratch() {
    let h = |b: &[u8]| data_encoding::HEXLOWER.encode(b);
    // card
    let token = token::Token::issue(TENANT, &card_key(), CARD);
    std::fs::write(golden_path("card.json"), format!(
        "{{\"tenant\":\"{TENANT}\",\"secret_key\":\"{}\",\"public_key\":\"{}\",\"key_id\":\"{}\",\"card\":\"{CARD}\",\"token\":\"{token}\",\"number\":\"{}\",\"member\":\"{}\"}}",
        h(&card_key().to_bytes()), card_key().public(), KeyId::of(&card_key().public()), CARD.number(), member())).unwrap();
    let profile = Profile { name: "Ada".into(), language: Some("de".into()) };
    let nonce: Vec<u8> = (1..=24).collect();
    let sealed = member_key().seal(member(), &profile, &mut Drawn(nonce.clone())).unwrap();
    std::fs::write(golden_path("profile.json"), format!(
        "{{\"member\":\"{}\",\"key\":\"{}\",\"key_id\":\"{}\",\"nonce\":\"{}\",\"profile\":{},\"sealed\":\"{}\"}}",
        member(), h(member_key().as_bytes()), h(&member_key().id().0), h(&nonce), serde_json::to_string(&profile).unwrap(), sealed.0)).unwrap();
    let certificate = Certificate::issue(&server_key(), TENANT, SHOP, DEVICE, device_key().public(), 1_780_394_000_000);
    put("certificate.json", &certificate);
    let path = "/v1/feed?after=41&limit=1000&wait_ms=0";
    let body = b"";
    let time_ms = 1_780_395_000_000_i64;
    let s = request::sign(&device_key(), "GET", path, DEVICE, time_ms, body);
    std::fs::write(golden_path("request.json"), format!(
        "{{\"method\":\"GET\",\"path\":\"{path}\",\"stempel-device\":\"{DEVICE}\",\"stempel-time\":\"{time_ms}\",\"body\":\"\",\"body_hash\":\"{}\",\"stempel-signature\":\"{s}\"}}",
        blake3::hash(body).to_hex())).unwrap();
    let code = "K7Q2-M9XV";
    put("enroll-request.json", &EnrollRequest { code: code.into(), device: DEVICE, public_key: device_key().public(), proof: device_key().sign(EnrollRequest::CONTEXT, code.as_bytes()), name: "Counter".into() });
    let shop = Shop { id: SHOP, name: "Café Morgenrot".into(), day_ends_minutes: 240, zone: "Europe/Berlin".into() };
    put("enroll-answer.json", &EnrollAnswer { tenant: TENANT, tenant_name: "Morgenrot".into(), certificate: certificate.clone(), server: SERVER, server_key: server_key().public(), epoch: "m3x7q2".into(), shop: shop.clone() });
    let header = PushHeader { epoch: "m3x7q2".into(), keys: vec![KeyOf { member: member(), key: member_key() }] };
    put("push-header.json", &header);
    let rows: Vec<Vec<u8>> = ["journal-begun", "member-joined"].iter().map(|k| golden_hex(&format!("rows/{k}.hex"))).collect();
    let b = push_body(&header, &rows).unwrap();
    std::fs::write(golden_path("push.hex"), b.chunks(32).map(|l| h(l) + "\n").collect::<String>()).unwrap();
    let other = AuthorId([0x55; 16]);
    put("push-answer.json", &PushAnswer { epoch: "m3x7q2".into(), held: [(DEVICE, 11), (other, 3)].into(),
        dead: vec![RowTrouble { author: DEVICE, seq: 9, reason: "its postings of stamp:coffee do not come out at zero but at 1".into() }],
        quarantined: vec![RowTrouble { author: other, seq: 3, reason: "another row 3 of this device is already here".into() }],
        refused: vec![RowTrouble { author: AuthorId([0x66; 16]), seq: 1, reason: "its author is not a device of this programme".into() }] });
    put("blanks-answer.json", &BlanksAnswer { blanks: vec![token] });
    put("problem.json", &Problem { code: "clock".into(), title: "The device's clock is wrong".into(), detail: "It is 42 minutes ahead of the server's. Set the clock, or let the device correct itself by the time in this answer.".into(), status: 401 });
    let mut state = MemberState::default();
    for kind in Fact::KINDS {
        let row = Row::parse(golden_hex(&format!("rows/{kind}.hex"))).unwrap();
        if let Some((_, e)) = effect_of(&row.event().unwrap()) { state.apply(&e); }
    }
    let published: Value = serde_json::from_str(&golden("rows/programme-published.json")).unwrap();
    let text = published["fact"]["programme-published"]["text"].as_str().unwrap().to_owned();
    let changes = [
        FeedChange::Shop(shop),
        FeedChange::CardKey { key: card_key().public(), retired: false },
        FeedChange::Programme { reference: ProgrammeRef { id: "coffee".parse().unwrap(), version: 1 }, text, ended: false },
        FeedChange::Article(Article { sku: "latte".parse().unwrap(), name: "Latte".into(), category: "coffee".into(), price: Money(420), vat: Rate(700), deposit: false, gone: false }),
        FeedChange::Device { certificate, revoked: false },
        FeedChange::CardRevoked { card: CardId([9; 8]) },
        FeedChange::Member { member: member(), base: Box::new(Base { state, includes: [(DEVICE, 9)].into() }), keys: vec![member_key()] },
    ];
    let last = Row::parse(golden_hex("rows/clock-set.hex")).unwrap();
    let page = FeedPage { epoch: "m3x7q2".into(), changes: changes.iter().enumerate().map(|(i, c)| FeedItem::new(35 + i as u64, c).unwrap()).collect(), next: 41, head: 41, held: last.seq(), held_hash: last.hash().to_string() };
    put("feed-page.json", &page);
    let _ = json!({});
}

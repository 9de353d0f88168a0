//! `docs/PROTOCOL.md`, held to the code: each fenced block has a name that says what it is, and is read,
//! computed or compared.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde_json::Value;
use stempel_domain::event::{Fact, Sealed};
use stempel_domain::rules::Outcome;
use stempel_wire::message::FeedPage;
use stempel_wire::phone::{AsOf, Certified, PhoneSecret};
use stempel_wire::rotating::{RotatingCode, turn_at};
use stempel_wire::token::{TOKEN_LEN, Token};
use stempel_wire::{CardKeys, KeyId, PhoneCertificate, PublicKey, Row, Signature, request};

use crate::support::*;

const PAGE: &str = include_str!("../../../../docs/PROTOCOL.md");

/// The fenced blocks by the words behind the fence: `json record:sale`.
fn blocks() -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(name), None) => open = Some((name.to_owned(), String::new())),
            (Some(_), Some(_)) => {
                let (name, text) = open.take().unwrap();
                assert!(blocks.insert(name.clone(), text).is_none(), "{name} stands there twice");
            }
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

fn block(name: &str) -> String {
    blocks().remove(name).unwrap_or_else(|| panic!("docs/PROTOCOL.md has no block “{name}”"))
}

/// The lines of a worked example by name: `key id   9c380d`.
fn example(name: &str) -> BTreeMap<String, String> {
    let text = block(&format!("text example:{name}"));
    let pair = |line: &str| {
        let (name, value) = line.split_at(16);
        (name.trim().to_owned(), value.trim().to_owned())
    };
    text.lines().map(pair).collect()
}

/// The changes of the golden page of the feed by kind.
fn changes() -> BTreeMap<String, String> {
    let page: FeedPage = serde_json::from_str(&golden("feed-page.json")).unwrap();
    let kind = |json: &str| serde_json::from_str::<BTreeMap<String, Value>>(json).unwrap().into_keys().next();
    page.changes.iter().map(|item| (kind(item.change.get()).unwrap(), minified(item.change.get()))).collect()
}

#[test]
fn every_block_is_an_example_that_is_checked() {
    let changes = changes();
    let mut computed = BTreeSet::new();
    for (name, text) in blocks() {
        let (language, what) = name.split_once(' ').unwrap_or_else(|| panic!("“{name}” has no name"));
        match (language, what.split_once(':')) {
            ("json", Some(("record", kind))) => {
                assert_eq!(minified(&text), golden_json(&format!("rows/{kind}.json")), "{name}");
            }
            ("json", Some(("message", message))) => {
                assert_eq!(minified(&text), golden_json(&format!("{message}.json")), "{name}");
            }
            ("json", Some(("change", kind))) => assert_eq!(minified(&text), changes[kind], "{name}"),
            ("json", None) if what == "outcome" => {
                let outcome: Outcome = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&outcome).unwrap(), minified(&text));
            }
            ("json", None) if what == "page" => {
                let page: FeedPage = serde_json::from_str(&minified(&text)).unwrap();
                assert_eq!(serde_json::to_string(&page).unwrap(), minified(&text));
                assert!(page.changes.iter().all(|item| item.read().is_some()));
            }
            ("hex", Some(("row", kind))) => {
                assert_eq!(unhex(&text), golden_hex(&format!("rows/{kind}.hex")), "{name}");
            }
            ("hex", None) if what == "push" => assert_eq!(unhex(&text), golden_hex("push.hex")),
            ("text", Some(("example", example))) => {
                computed.insert(example.to_owned());
            }
            _ => panic!("nothing checks the block “{name}”"),
        }
    }
    let wanted = ["token", "member", "number", "rotating", "row", "seal", "request"].map(str::to_owned);
    assert_eq!(computed, wanted.into(), "each of these is computed by a test below");
}

#[test]
fn everything_that_has_a_golden_file_is_shown() {
    let blocks = blocks();
    for kind in Fact::KINDS {
        assert!(blocks.contains_key(&format!("json record:{kind}")), "the record of {kind}");
        assert!(PAGE.contains(&format!("\n| `{kind}` |")), "{kind} in the table of kinds");
    }
    for kind in changes().into_keys() {
        assert!(blocks.contains_key(&format!("json change:{kind}")), "the change {kind}");
    }
    // Cards and seals are shown as worked examples, the feed in pieces.
    let shown_otherwise = ["card.json", "profile.json", "feed-page.json"];
    for entry in std::fs::read_dir(golden_path("")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".json")
            && !shown_otherwise.contains(&file.as_str())
        {
            assert!(blocks.contains_key(&format!("json message:{name}")), "{name}");
        }
    }
}

#[test]
fn no_figure_stands_outside_the_blocks_that_are_checked() {
    let mut inside = false;
    for line in PAGE.lines() {
        inside ^= line.starts_with("```");
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let hex = |word: &str| word.len() >= 8 && word.bytes().all(|c| c.is_ascii_hexdigit());
        assert!(inside || !words.any(hex), "hexadecimal in running text: {line}");
        assert!(inside || !line.contains("{\""), "JSON in running text: {line}");
    }
}

#[test]
fn the_rotating_code_is_as_computed() {
    let phone = PhoneSecret::from_bytes(&[5; 32]).unwrap();
    let balance = AsOf { unit: AsOf::tag(&"stamp:coffee".parse().unwrap()), amount: 7 };
    let said = Certified {
        card: CARD,
        phone: phone.public().unwrap(),
        since_minutes: 29_673_240,
        valid_hours: 720,
        balance: Some(balance),
    };
    let certificate = PhoneCertificate::issue(TENANT, &card_key(), said);
    let code = RotatingCode::show(certificate.clone(), &phone, turn_at(1_780_394_520_000));
    let lines = [
        ("phone's key", HEXLOWER.encode(said.phone.as_bytes())),
        ("balance", "7 of stamp:coffee".to_owned()),
        ("unit", HEXLOWER.encode(&balance.unit)),
        ("certificate", HEXLOWER.encode(&certificate.to_bytes())),
        ("utc_ms", "1780394520000".to_owned()),
        ("half-minute", code.turn.to_string()),
        ("code", code.to_string()),
    ];
    let wanted: BTreeMap<String, String> = lines.map(|(name, value)| (name.to_owned(), value)).into();
    assert_eq!(example("rotating"), wanted);
    let mut keys = CardKeys::new(TENANT);
    keys.insert(card_key().public(), false);
    let verified = keys.verify(&code.to_string()).unwrap();
    assert_eq!(verified.card, CARD);
    assert!(verified.shown.unwrap().is_of_now(1_780_394_520_000));
}

#[test]
fn the_token_is_as_computed() {
    let example = example("token");
    let tenant = unhex(&example["tenant"]);
    let public = PublicKey::parse(&example["public card key"]).unwrap();
    assert_eq!(example["key id"], KeyId::of(&public).to_string());
    assert_eq!(example["key id"], HEXLOWER.encode(&blake3::hash(public.as_bytes()).as_bytes()[..3]));
    let body = unhex(&example["body"]);
    let (head, signature) = body.split_at(11);
    assert_eq!(unhex(&example["signed"]), [&tenant[..], head].concat());
    assert_eq!(HEXLOWER.encode(head), format!("{}{}", example["key id"], example["card id"]));
    let signature = Signature::from_slice(signature).unwrap();
    public.verify("stempel card v1", &unhex(&example["signed"]), &signature).unwrap();
    assert_eq!(example["token"], format!("S1{}", BASE32_NOPAD.encode(&body)));
    assert_eq!(example["token"], Token::issue(TENANT, &card_key(), CARD).to_string());
    assert_eq!(example["token"].len(), TOKEN_LEN);
    assert!(example["token"].bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
}

#[test]
fn the_member_of_a_card_is_as_computed() {
    let example = example("member");
    let mut bytes = b"stempel member of first card v1".to_vec();
    bytes.extend(unhex(&example["tenant"]));
    bytes.extend(unhex(&example["card id"]));
    assert_eq!(unhex(&example["member"]), blake3::hash(&bytes).as_bytes()[..16]);
    assert_eq!(example["member"], member().to_string());
}

#[test]
fn the_number_is_as_computed() {
    let example = example("number");
    let card = unhex(&example["card id"]);
    let data = card[..5].iter().fold(0_u64, |data, &byte| data << 8 | u64::from(byte));
    let check: u64 = example["check"].parse().unwrap();
    assert_eq!(example["data"], data.to_string());
    assert_eq!(example["data mod 1021"], (data % 1021).to_string());
    assert_eq!((data * 1024 + check) % 1021, 1);
    let alphabet: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().collect();
    let all = data << 10 | check;
    let digits: String = (0..10).rev().map(|place| alphabet[(all >> (5 * place) & 31) as usize]).collect();
    assert_eq!(example["number"], format!("{}-{}", &digits[..5], &digits[5..]));
    assert_eq!(example["number"], CARD.number().to_string());
}

#[test]
fn the_row_is_as_computed() {
    let example = example("row");
    let fields = ["magic", "version", "flags", "author", "number", "before", "length"];
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| unhex(&example[*field])).collect();
    assert_eq!(bytes.len(), 64);
    bytes.extend_from_slice(example["record"].as_bytes());
    assert_eq!(unhex(&example["hash"]), blake3::hash(&bytes).as_bytes());
    bytes.extend(unhex(&example["signature"]));
    assert_eq!(bytes, golden_hex("rows/journal-begun.hex"));
    Row::parse(bytes).unwrap().verify(&device_key().public()).unwrap();
    let signature = Signature::parse(&example["signature"]).unwrap();
    device_key().public().verify("stempel event v1", &unhex(&example["hash"]), &signature).unwrap();
}

#[test]
fn the_seal_is_as_computed() {
    let example = example("seal");
    assert_eq!(unhex(&example["key"]), member_key().as_bytes());
    let id = blake3::derive_key("stempel member key id v1", &unhex(&example["key"]));
    assert_eq!(unhex(&example["key id"]), id[..8]);
    assert!(example["sealed"].starts_with(&format!("{}{}", example["key id"], example["nonce"])));
    let profile = member_key().open(member(), &Sealed(example["sealed"].clone())).unwrap();
    assert_eq!(serde_json::to_string(&profile).unwrap(), example["profile"]);
    assert_eq!(example["sealed"].len(), 2 * (32 + example["profile"].len() + 16));
}

#[test]
fn the_signed_request_is_as_computed() {
    let lines = block("text example:request");
    let asked: Value = serde_json::from_str(&block("json message:request")).unwrap();
    let signature = Signature::parse(asked[request::SIGNATURE_HEADER].as_str().unwrap()).unwrap();
    device_key().public().verify("stempel request v1", lines.trim_end().as_bytes(), &signature).unwrap();
}

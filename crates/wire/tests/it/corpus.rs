//! Foreign bytes: each file of `fuzz/corpus` and what a mutator makes of them, through the checks of the fuzz targets.

#[path = "../../../../fuzz/src/foreign.rs"]
mod foreign;
#[path = "../../../../fuzz/src/mutate.rs"]
mod mutate;

use std::path::PathBuf;

use stempel_domain::event::Fact;
use stempel_wire::PhoneCertificate;
use stempel_wire::phone::{AsOf, Certified, PhoneSecret};
use stempel_wire::rotating::RotatingCode;
use stempel_wire::slip::{Slip, SlipPurpose};
use stempel_wire::token::{SecondCode, Token};

use crate::support::*;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

/// The corpus of a target, in a fixed order.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn foreign_bytes_are_read_or_refused() {
    let inputs = mutate::inputs(400);
    for (target, check) in foreign::CHECKS {
        let seeds = corpus(target);
        assert!(seeds.len() >= 3, "{target}: {} files", seeds.len());
        let bytes = mutate::run(&seeds, inputs, check);
        println!("{target}: {} files, {inputs} inputs made from them, {bytes} bytes", seeds.len());
    }
}

/// Writes what every target begins with: what this program itself writes. Files that fuzzing found stay.
#[test]
#[ignore = "run it once for a new target"]
fn write_corpus() {
    let mut begins: Vec<(&str, String, Vec<u8>)> = Vec::new();
    let mut add = |target, name: &str, bytes: &[u8]| begins.push((target, name.to_owned(), bytes.to_vec()));
    let token = Token::issue(TENANT, &card_key(), CARD).to_string();
    add("code", "card", token.as_bytes());
    add("code", "link", format!("HTTPS://X.EXAMPLE/C/{token}").as_bytes());
    add("code", "second", SecondCode::issue(TENANT, &card_key(), CARD).to_string().as_bytes());
    let day = "2026-06-02".parse().unwrap();
    for (name, purpose) in [("slip", SlipPurpose::Stamps), ("release", SlipPurpose::Reward)] {
        let slip = Slip::issue(TENANT, DEVICE, &device_key(), [9; 8], day, purpose, 3);
        add("code", name, slip.to_string().as_bytes());
    }
    let phone = PhoneSecret::from_bytes(&[8; 32]).unwrap();
    for (name, balance) in [("rotating", None), ("rotating-as-of", Some(AsOf { unit: [1; 4], amount: 7 }))] {
        let said = Certified {
            card: CARD,
            phone: phone.public().unwrap(),
            since_minutes: 29_839_000,
            valid_hours: 720,
            balance,
        };
        let certificate = PhoneCertificate::issue(TENANT, &card_key(), said);
        add("code", name, RotatingCode::show(certificate, &phone, 59_679_000).to_string().as_bytes());
    }
    add("receipt", "annex", crate::fiscal::ANNEX.as_bytes());
    add("receipt", "test-system", crate::fiscal::TEST_SYSTEM.as_bytes());
    add("receipt", "cut", b"V0;KASSE-1;Kassenbeleg-V1;Beleg^");
    let number = CARD.number().to_string();
    add("number", "number", number.as_bytes());
    add("number", "bare", number.replace('-', "").as_bytes());
    add("number", "spoken", number.to_lowercase().replace('-', " ").as_bytes());
    for kind in Fact::KINDS {
        add("event", kind, golden_json(&format!("rows/{kind}.json")).as_bytes());
    }
    for kind in ["sale", "stamp", "reversal", "member-joined"] {
        add("row", kind, &golden_hex(&format!("rows/{kind}.hex")));
    }
    for name in [
        "enroll-request",
        "enroll-answer",
        "push-header",
        "push-answer",
        "feed-page",
        "blanks-answer",
        "problem",
        "certificate",
    ] {
        add("message", name, golden_json(&format!("{name}.json")).as_bytes());
    }
    add("push", "push", &golden_hex("push.hex"));
    add("push", "empty", b"");
    add("push", "header", b"\0\0\0\x02{}");
    add(
        "table",
        "plain",
        b"sku,name,category,price,vat\nlatte,Latte,coffee,4.20,7\nbagel,Bagel,food,3.30,7\n",
    );
    add(
        "table",
        "german",
        "sku;name;category;price;vat;deposit\nhalber;\"Halber; klein\";bier;2,80;19;nein\n".as_bytes(),
    );
    add("table", "faulty", b"sku,name\n,,,\nx\"y,z\n=1+1,\"a\n");
    for (target, name, bytes) in begins {
        std::fs::create_dir_all(folder(target)).unwrap();
        std::fs::write(folder(target).join(name), bytes).unwrap();
    }
}

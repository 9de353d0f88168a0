//! Purchases at another till, those who work here, and the day, from the command line.

use ecdsa::SigningKey;
use ecdsa::signature::hazmat::PrehashSigner;
use p256::NistP256;
use sha2::{Digest, Sha256};
use stempel_domain::receipt::FiscalReceipt;
use stempel_wire::fiscal::signed_message;

use crate::support::{Till, text};

/// The receipt of a till with a security device of our own, of this moment less some minutes.
fn receipt(transaction: u64, total: &str, minutes_ago: i64) -> String {
    use data_encoding::BASE64;
    let key = SigningKey::<NistP256>::from_slice(&[7; 32]).unwrap();
    let public = BASE64.encode(key.verifying_key().to_sec1_point(false).as_bytes());
    let ended = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_ago);
    let ended = ended.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let text = |signature: &str| {
        format!(
            "V0;KASSE-1;Kassenbeleg-V1;Beleg^{total}_0.00_0.00_0.00_0.00^{total}:Bar;{transaction};{transaction};{ended};\
             {ended};ecdsa-plain-SHA256;unixTime;{signature};{public}"
        )
    };
    let read = FiscalReceipt::parse(&text("AAAA")).unwrap();
    let hash = Sha256::digest(signed_message(&read).unwrap());
    let signature: ecdsa::Signature<NistP256> = key.sign_prehash(&hash).unwrap();
    text(&BASE64.encode(&signature.to_bytes()))
}

fn shop() -> (Till, String) {
    let till = Till::new();
    till.one(&["init", "--shop", "Zum Anker"]);
    let code = text(&till.one(&["member", "add"])["code"]);
    (till, code)
}

#[test]
fn a_receipt_of_a_pinned_till_is_a_stamp_once() {
    let (till, code) = shop();
    let first = receipt(18, "3.60", 1);
    let (exit, said) = till.refused(&["stamp", "--member", &code, "--receipt", &first]);
    assert_eq!(exit, 1);
    assert!(said.contains("no till of this shop"), "{said}");
    let pinned = till.one(&["proof", "till", "add", "--receipt", &first, "--name", "Theke"]);
    assert_eq!((&pinned["name"], &pinned["till"]), (&"Theke".into(), &"KASSE-1".into()));
    let looked = till.one(&["proof", "check", &first]);
    assert_eq!(
        (&looked["counts"], &looked["stamps"], &looked["total"]),
        (&true.into(), &1.into(), &"3.60".into())
    );
    assert_eq!(till.one(&["stamp", "--member", &code, "--receipt", &first])["balances"]["stamp:coffee"], "1");
    for (wrong, why) in [
        (first.clone(), "counted already"),
        (receipt(19, "3.60", 20), "20 minutes old"),
        (receipt(19, "3.60", 0).replace("^3.60", "^9.60"), "does not fit"),
        ("https://example.org".into(), "neither"),
    ] {
        let (exit, said) = till.refused(&["stamp", "--member", &code, "--receipt", &wrong]);
        assert_eq!(exit, 1, "{said}");
        assert!(said.contains(why), "{said}");
    }
    till.one(&["settings", "set", "proof.each", "500"]);
    let key = ["stamp", "--member", &code, "--receipt", &receipt(20, "11.00", 0), "--key", "k"];
    let (given, again) = (till.one(&key), till.one(&key));
    assert_eq!(given["event"], again["event"]);
    till.one(&["proof", "till", "remove", "Theke"]);
    till.refused(&["stamp", "--member", &code, "--receipt", &receipt(21, "11.00", 0)]);
    let everything = format!("{:?}", till.run(&["journal", "export"]).lines);
    assert!(everything.contains("\"receipt\"") && !everything.contains("KASSE-1"), "only the hash is kept");
    till.one(&["journal", "verify"]);
}

#[test]
fn a_slip_gives_its_stamps_once_and_its_picture_is_read() {
    let (till, code) = shop();
    let picture = till.folder().join("slip.png");
    let picture = picture.to_str().unwrap();
    let slip = till.one(&["slip", "issue", "--count", "3", "--out", picture, "--operator", "lena"]);
    let read = text(&till.one(&["scan", picture])["codes"][0]["text"]);
    assert_eq!(read, text(&slip["code"]));
    assert_eq!(till.one(&["stamp", "--member", &code, "--slip", &read])["balances"]["stamp:coffee"], "3");
    assert_eq!(till.refused(&["stamp", "--member", &code, "--slip", &read]).0, 1);
    till.one(&["paper-card", "take", &code, "--stamps", "7", "--operator", "lena"]);
    let word = text(&till.one(&["slip", "issue", "--reward"])["code"]);
    let redeem = ["redeem", "--member", &code, "--reward", "free-coffee", "--slip", &word];
    assert_eq!(till.one(&redeem)["spent"]["stamp:coffee"], "10");
    assert_eq!(till.refused(&redeem).0, 1);
    let day = till.one(&["day"]);
    assert_eq!(
        (&day["slips_issued"], &day["slips_used"], &day["rewards"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert_eq!((&day["paper_cards"], &day["paper_stamps"]), (&1.into(), &7.into()));
    assert_eq!(day["operators"]["lena"]["paper_cards"], 1);
    assert!(day["health"]["disk_free_bytes"].as_u64().is_none_or(|free| free > 0));
    let plain = till.command(&["day"]).output().unwrap();
    assert!(String::from_utf8_lossy(&plain.stdout).contains("paper"), "{plain:?}");
}

#[test]
fn no_pin_is_left_in_the_folder() {
    let (till, _) = shop();
    till.one(&["operator", "add", "lena", "--name", "Lena", "--role", "manager"]);
    let set = till.one(&["operator", "pin", "lena", "--pin", "847362", "--key", "k1"]);
    assert_eq!(text(&set["recovery"]).len(), 16);
    till.one(&["operator", "check", "lena", "--pin", "847362", "--key", "k2"]);
    assert_eq!(till.refused(&["operator", "check", "lena", "--pin", "111222"]).0, 1);
    assert_eq!(till.refused(&["operator", "pin", "lena", "--pin", "1234"]).0, 2);
    let listed = till.one(&["operator", "list"]);
    assert_eq!(
        (&listed["operator"], &listed["role"], &listed["pin"]),
        (&"lena".into(), &"manager".into(), &true.into())
    );
    for file in std::fs::read_dir(till.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        let found = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found("847362") && !found(&text(&set["recovery"])));
    }
}

#[test]
fn a_lost_card_is_replaced_by_its_second_code_or_a_manager() {
    let (till, code) = shop();
    till.one(&["stamp", "--member", &code, "--count", "4"]);
    let second = text(&till.one(&["card", "second", &code])["second"]);
    let new = text(&till.one(&["card", "replace", "--second", &second])["code"]);
    assert_eq!(till.balance(&new, "stamp:coffee"), "4");
    assert_eq!(till.refused(&["stamp", "--member", &code]).0, 1);
    till.one(&["member", "name", &new, "Ada"]);
    let second = text(&till.one(&["card", "second", &new])["second"]);
    let (exit, said) = till.refused(&["card", "replace", "--second", &second]);
    assert_eq!(exit, 1);
    assert!(said.contains("manager"), "{said}");
    till.one(&["operator", "add", "lena", "--role", "manager"]);
    till.one(&["operator", "pin", "lena", "--pin", "847362"]);
    assert_eq!(till.refused(&["card", "replace", &new, "--pin", "847363"]).0, 1);
    let last = text(&till.one(&["card", "replace", &new, "--pin", "847362"])["code"]);
    assert_eq!(till.balance(&last, "stamp:coffee"), "4");
}

#[test]
fn gifts_answers_and_settings_work_from_the_command_line() {
    let (till, code) = shop();
    assert_eq!(till.refused(&["answer", "--score", "9"]).0, 1);
    till.one(&["settings", "set", "question", r#"{"id":"again","text":"Again?","reasons":["taste"]}"#]);
    till.one(&["answer", "--score", "9", "--why", "taste"]);
    assert_eq!(till.refused(&["answer", "--score", "11"]).0, 2);
    assert_eq!(till.one(&["settings", "get"])["question.id"], "again");
    assert_eq!(till.one(&["settings", "get", "proof.minutes"])["value"], 15);
    assert_eq!(till.refused(&["settings", "set", "proof.minutes", "0"]).0, 2);
    assert_eq!(till.refused(&["settings", "get", "nothing"]).0, 1);
    assert_eq!(till.refused(&["gift", "release"]).0, 1);
    let programme = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/programmes/suspended-coffee.toml");
    till.one(&["programme", "publish", programme]);
    till.one(&["stamp", "--member", &code, "--count", "10", "--programme", "suspended"]);
    till.one(&["gift", "give", &code]);
    assert_eq!(till.one(&["gift", "list"])["waiting"], 1);
    assert_eq!(till.one(&["gift", "release"])["waiting"], 0);
    let day = till.one(&["day"]);
    assert_eq!((&day["answers"], &day["gifts_released"]), (&1.into(), &1.into()));
}

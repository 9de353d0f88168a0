//! Receipts of other tills and one-time slips: each good once, offline.

use ecdsa::SigningKey;
use ecdsa::signature::hazmat::PrehashSigner;
use p256::NistP256;
use sha2::{Digest, Sha256};
use stempel_domain::receipt::FiscalReceipt;
use stempel_domain::{Fact, Money};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::operators::{Authority, Role};
use stempel_terminal::proofs::{PinnedTill, ProofError, Shown};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::fiscal::{FiscalError, signed_message};
use stempel_wire::message::FeedChange;
use stempel_wire::slip::{Slip, SlipPurpose};

use crate::server::*;
use crate::support::*;

/// The receipt of a till with a security device of our own.
pub fn receipt(key: u8, till: &str, transaction: u64, total: &str, clock: &Hand, age_ms: i64) -> String {
    use data_encoding::BASE64;
    use stempel_domain::ports::Clock;
    let key = SigningKey::<NistP256>::from_slice(&[key; 32]).unwrap();
    let public = BASE64.encode(key.verifying_key().to_sec1_point(false).as_bytes());
    let ended = seconds_text(clock.now_ms() - age_ms);
    let text = |signature: &str| {
        format!(
            "V0;{till};Kassenbeleg-V1;Beleg^{total}_0.00_0.00_0.00_0.00^{total}:Bar;{transaction};{};{ended};{ended};\
             ecdsa-plain-SHA256;unixTime;{signature};{public}",
            transaction * 2
        )
    };
    let read = FiscalReceipt::parse(&text("AAAA")).unwrap();
    let hash = Sha256::digest(signed_message(&read).unwrap());
    let signature: ecdsa::Signature<NistP256> = key.sign_prehash(&hash).unwrap();
    text(&BASE64.encode(&signature.to_bytes()))
}

fn seconds_text(utc_ms: i64) -> String {
    let utc_ms = utc_ms.div_euclid(1000) * 1000;
    let day = stempel_domain::time::business_day(utc_ms, 0, 0);
    let at = stempel_domain::Moment { utc_ms, offset_minutes: 0, day, skew_ms: None, clock_doubtful: false };
    at.rfc3339().replace("+00:00", ".000Z")
}

/// A shop that works alone, knows one till, and has one guest.
fn shop(dir: &std::path::Path, clock: &Hand) -> (Terminal, String) {
    let mut till = alone_in(dir, clock);
    let known = till.till_of_receipt(&receipt(7, "KASSE-1", 1, "3.60", clock, 0)).unwrap();
    till.pin_till(&PinnedTill { name: "Theke".into(), ..known }, Authority::Machine).unwrap();
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    (till, code)
}

fn by_proof(till: &mut Terminal, code: &str, text: &str) -> Result<i64, TerminalError> {
    let given = till.stamp_for_proof(code, None, text, Vec::new(), &Circumstances::default())?;
    Ok(given.balances.get(&"stamp:coffee".parse().unwrap()).copied().unwrap_or(0))
}

fn refused(till: &mut Terminal, code: &str, text: &str) -> ProofError {
    let before = head(till);
    let error = by_proof(till, code, text).unwrap_err();
    assert_eq!(head(till), before);
    assert!(error.is_refusal());
    match error {
        TerminalError::Proof(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_receipt_is_a_stamp_once_also_after_a_restart() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let text = receipt(7, "KASSE-1", 18, "3.60", &clock, 2 * MINUTE);
    let checked = till.check_proof(&text).unwrap();
    assert_eq!(checked.stamps, 1);
    assert!(matches!(checked.what, Shown::Receipt { till, total: Money(360), .. } if till == "Theke"));
    assert_eq!(by_proof(&mut till, &code, &text).unwrap(), 1);
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    clock.move_by(5 * MINUTE);
    assert!(matches!(refused(&mut till, &code, &text), ProofError::UsedBefore { .. }));
    assert!(matches!(refused(&mut till, &code, &format!("  {text}\n")), ProofError::UsedBefore { .. }));
    assert_eq!(coffees(&till, &code), 1);
    let next = receipt(7, "KASSE-1", 19, "3.60", &clock, 0);
    assert_eq!(by_proof(&mut till, &code, &next).unwrap(), 2);
}

#[test]
fn of_a_receipt_only_its_hash_stands_in_the_journal() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let text = receipt(7, "KASSE-1", 4_711_007, "3.60", &clock, 0);
    let given = till.stamp_for_proof(&code, None, &text, Vec::new(), &Circumstances::default()).unwrap();
    let row = till.view().row(given.event.unwrap()).unwrap().unwrap();
    let record = String::from_utf8(row.record_json().to_vec()).unwrap();
    for part in ["KASSE-1", "4711007", "3.60", "Beleg", "9422014"] {
        assert!(!record.contains(part), "{part}");
    }
    let Fact::Stamp(fact) = till.event(given.event.unwrap()).unwrap().record.fact else { panic!() };
    assert_eq!(fact.proof, Some(till_hash(&till, &text)));
    assert_eq!(till.verify_journal().unwrap().rows, head(&till));
}

fn till_hash(till: &Terminal, text: &str) -> stempel_domain::proof::Proof {
    let read = FiscalReceipt::parse(text).unwrap();
    let serial = stempel_wire::fiscal::TseSerial::of_key(&read.key).0;
    let hash =
        stempel_domain::proof::ProofHash::of_receipt(till.identity().tenant, &serial, read.transaction);
    stempel_domain::proof::Proof { kind: stempel_domain::proof::ProofKind::Receipt, hash, issuer: None }
}

#[test]
fn each_receipt_that_proves_nothing_is_refused_by_its_name() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let genuine = receipt(7, "KASSE-1", 18, "3.60", &clock, 0);
    let other_key = receipt(8, "KASSE-1", 18, "3.60", &clock, 0);
    let other_name = receipt(7, "KASSE-2", 18, "3.60", &clock, 0);
    assert!(matches!(refused(&mut till, &code, &other_key), ProofError::OtherTill { .. }));
    assert!(matches!(refused(&mut till, &code, &other_name), ProofError::OtherTill { .. }));
    let forged = genuine.replace("^3.60_", "^9.60_").replace("^3.60:", "^9.60:");
    assert_eq!(refused(&mut till, &code, &forged), ProofError::Fiscal(FiscalError::Signature));
    let unknown = genuine.replace("ecdsa-plain-SHA256", "ecdsa-plain-SHA3-256");
    assert!(matches!(refused(&mut till, &code, &unknown), ProofError::Fiscal(FiscalError::Algorithm(_))));
    let old = receipt(7, "KASSE-1", 18, "3.60", &clock, 16 * MINUTE);
    assert_eq!(refused(&mut till, &code, &old), ProofError::TooOld { minutes: 16, most: 15 });
    let ahead = receipt(7, "KASSE-1", 18, "3.60", &clock, -6 * MINUTE);
    assert_eq!(refused(&mut till, &code, &ahead), ProofError::Ahead { minutes: 6 });
    let nothing = receipt(7, "KASSE-1", 18, "0.00", &clock, 0);
    assert!(matches!(refused(&mut till, &code, &nothing), ProofError::TooSmall { .. }));
    let training = genuine.replace("Beleg^", "AVTraining^");
    assert!(matches!(refused(&mut till, &code, &training), ProofError::Receipt(_)));
    for text in ["", "V0;", "https://example.org", &genuine[..200], &code] {
        assert!(
            matches!(refused(&mut till, &code, text), ProofError::NotAProof | ProofError::Receipt(_)),
            "{text}"
        );
    }
    till.set_setting("proof.receipt", "false").unwrap();
    assert!(matches!(refused(&mut till, &code, &genuine), ProofError::NotTaken(_)));
    till.set_setting("proof.receipt", "true").unwrap();
    till.unpin_till("Theke", Authority::Machine).unwrap();
    assert_eq!(refused(&mut till, &code, &genuine), ProofError::NoTill);
}

#[test]
fn a_clock_that_went_back_cannot_tell_how_old_a_receipt_is() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    clock.move_by(-60 * MINUTE);
    let text = receipt(7, "KASSE-1", 18, "3.60", &clock, 0);
    assert_eq!(refused(&mut till, &code, &text), ProofError::DoubtfulClock);
}

#[test]
fn stamps_follow_the_amount_where_the_shop_says_so() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    till.set_setting("proof.each", "500").unwrap();
    till.set_setting("proof.most", "3").unwrap();
    for (transaction, total, stamps) in
        [(20, "4.99", None), (21, "5.00", Some(1)), (22, "14.99", Some(2)), (23, "99.00", Some(3))]
    {
        let text = receipt(7, "KASSE-1", transaction, total, &clock, 0);
        let given = till.check_proof(&text).ok().map(|checked| checked.stamps);
        assert_eq!(given, stamps, "{total}");
    }
    clock.move_by(60 * MINUTE);
    let text = receipt(7, "KASSE-1", 24, "99.00", &clock, 0);
    assert_eq!(by_proof(&mut till, &code, &text).unwrap(), 3);
}

#[test]
fn what_is_undone_sets_its_receipt_free() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let text = receipt(7, "KASSE-1", 18, "3.60", &clock, 0);
    let given = till.stamp_for_proof(&code, None, &text, Vec::new(), &Circumstances::default()).unwrap();
    till.undo(given.event.unwrap(), &Circumstances::default()).unwrap();
    assert_eq!(by_proof(&mut till, &code, &text).unwrap(), 1);
    assert!(matches!(refused(&mut till, &code, &text), ProofError::UsedBefore { .. }));
}

#[test]
fn stamps_that_become_a_free_coffee_afterwards_keep_their_receipt() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    stamp(&mut till, &code, 10);
    clock.move_by(60 * MINUTE);
    let text = receipt(7, "KASSE-1", 18, "3.60", &clock, 0);
    let how = Circumstances::default();
    let given = till.stamp_for_proof(&code, None, &text, Vec::new(), &how).unwrap();
    let free = till.free_among(given.event.unwrap(), &code, free_coffee(), &how).unwrap();
    let Fact::Stamp(fact) = till.event(free.event.unwrap()).unwrap().record.fact else { panic!() };
    assert_eq!(fact.proof, Some(till_hash(&till, &text)));
    let ProofError::UsedBefore { event } = refused(&mut till, &code, &text) else { panic!() };
    assert_eq!(Some(event), free.event);
}

#[test]
fn a_stamp_that_is_not_counted_uses_nothing_up() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let (first, second) =
        (receipt(7, "KASSE-1", 18, "3.60", &clock, 0), receipt(7, "KASSE-1", 19, "3.60", &clock, 0));
    by_proof(&mut till, &code, &first).unwrap();
    let again = till.stamp_for_proof(&code, None, &second, Vec::new(), &Circumstances::default()).unwrap();
    if again.event.is_none() {
        clock.move_by(14 * MINUTE);
        assert_eq!(by_proof(&mut till, &code, &second).unwrap(), 2);
    }
}

#[test]
fn a_key_gives_the_same_answer_again_and_a_reward_goes_with_the_receipt() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    stamp(&mut till, &code, 10);
    clock.move_by(60 * MINUTE);
    let text = receipt(7, "KASSE-1", 18, "3.60", &clock, 0);
    let first = till.stamp_for_proof(&code, None, &text, vec![free_coffee()], &keyed("k")).unwrap();
    let again = till.stamp_for_proof(&code, None, &text, vec![free_coffee()], &keyed("k")).unwrap();
    assert_eq!(first.event, again.event);
    assert_eq!(first.outcome.spent().values().sum::<i64>(), 10);
}

#[test]
fn a_till_is_pinned_by_a_manager_alone_once_there_is_one() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = shop(dir.path(), &clock);
    let other = till.till_of_receipt(&receipt(9, "KASSE-9", 1, "1.00", &clock, 90 * DAY)).unwrap();
    till.pin_till(&other, Authority::First).unwrap();
    till.unpin_till("KASSE-9", Authority::First).unwrap();
    let lena = "lena".parse().unwrap();
    till.put_operator(&lena, "Lena", Role::Manager, Authority::First).unwrap();
    till.set_pin(&lena, "4711", Authority::First).unwrap();
    assert!(matches!(till.pin_till(&other, Authority::First), Err(TerminalError::NeedsManager)));
    assert!(matches!(till.pin_till(&other, Authority::Pin("1147")), Err(TerminalError::WrongPin)));
    till.pin_till(&other, Authority::Pin("4711")).unwrap();
    assert_eq!(till.tills().unwrap().len(), 2);
    let changed = receipt(9, "KASSE-9", 1, "1.00", &clock, 0).replace("Beleg^1.00", "Beleg^2.00");
    assert!(till.till_of_receipt(&changed).is_err(), "what is not signed teaches nothing");
    for wrong in
        [PinnedTill { serial: "ab".into(), ..other.clone() }, PinnedTill { till: "a;b".into(), ..other }]
    {
        assert!(till.pin_till(&wrong, Authority::Machine).is_err());
    }
}

#[test]
fn a_forgotten_card_gets_its_stamps_later_by_a_slip() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    let lena = Some("lena".parse().unwrap());
    let slip = till.issue_slip(SlipPurpose::Stamps, 3, 14, &lena, None).unwrap();
    assert_eq!(till.slips_issued("2026-06-02".parse().unwrap()).unwrap()["lena"].stamps, 3);
    clock.move_by(14 * DAY);
    drop(till);
    let mut till = reopened(dir.path(), &clock);
    stamp(&mut till, &code, 1);
    assert_eq!(by_proof(&mut till, &code, &slip.to_string()).unwrap(), 4, "no pause holds it up");
    assert!(matches!(refused(&mut till, &code, &slip.to_string()), ProofError::UsedBefore { .. }));
    assert!(till.slip_used(&slip).unwrap().is_some());
    let late = till.issue_slip(SlipPurpose::Stamps, 1, 14, &lena, None).unwrap();
    clock.move_by(15 * DAY);
    assert!(matches!(refused(&mut till, &code, &late.to_string()), ProofError::SlipOver { .. }));
    let word = till.issue_slip(SlipPurpose::Reward, 1, 1, &lena, None).unwrap();
    assert_eq!(refused(&mut till, &code, &word.to_string()), ProofError::SlipFor("reward"));
    for (count, days) in [(0, 14), (101, 14), (1, 400)] {
        assert!(till.issue_slip(SlipPurpose::Stamps, count, days, &None, None).is_err());
    }
}

#[test]
fn the_same_key_prints_the_same_slip() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, _) = shop(dir.path(), &clock);
    let first = till.issue_slip(SlipPurpose::Stamps, 1, 14, &None, Some("k")).unwrap();
    assert_eq!(till.issue_slip(SlipPurpose::Stamps, 1, 14, &None, Some("k")).unwrap(), first);
    assert_eq!(till.slips_issued("2026-06-02".parse().unwrap()).unwrap()[""].slips, 1);
}

#[test]
fn a_reward_is_confirmed_by_a_slip_once() {
    let (dir, clock) = (folder(), Hand::noon());
    let (mut till, code) = shop(dir.path(), &clock);
    stamp(&mut till, &code, 30);
    let word = till.issue_slip(SlipPurpose::Reward, 1, 1, &None, None).unwrap().to_string();
    let stamps = till.issue_slip(SlipPurpose::Stamps, 1, 1, &None, None).unwrap().to_string();
    till.check_reward_slip(&word).unwrap();
    assert!(till.check_reward_slip(&stamps).is_err());
    let how = Circumstances::default();
    let given = till.redeem_by_slip(&code, free_coffee(), &word, &how).unwrap();
    assert_eq!(given.outcome.spent().values().sum::<i64>(), 10);
    assert!(matches!(
        till.redeem_by_slip(&code, free_coffee(), &word, &how),
        Err(TerminalError::Proof(ProofError::UsedBefore { .. }))
    ));
}

#[test]
fn another_device_of_the_shop_takes_a_slip_offline_and_no_stranger_s() {
    let (one, other, clock, server) = (folder(), folder(), Hand::noon(), server());
    let (mut counter, mut wire) = device_in(one.path(), &clock, &server);
    let (mut kiosk, mut kiosk_wire) = device_in(other.path(), &clock, &server);
    let slip = counter.issue_slip(SlipPurpose::Stamps, 2, 14, &None, None).unwrap();
    let code = printed(1);
    let stranger = Slip::issue(
        TENANT,
        stempel_domain::AuthorId([9; 16]),
        &stempel_wire::SecretKey::from_bytes(&[9; 32]),
        [1; 8],
        "2026-12-31".parse().unwrap(),
        SlipPurpose::Stamps,
        100,
    );
    assert!(matches!(refused(&mut kiosk, &code, &stranger.to_string()), ProofError::SlipStranger { .. }));
    assert!(matches!(refused(&mut kiosk, &code, &slip.to_string()), ProofError::SlipStranger { .. }));
    sync(&mut counter, &mut wire).unwrap();
    let (certificate, _) = counter.view().device(counter.identity().device).unwrap().unwrap();
    let device = |revoked| FeedChange::Device { certificate: certificate.clone(), revoked };
    server.lock().unwrap().publish("counter", &device(false));
    sync(&mut kiosk, &mut kiosk_wire).unwrap();
    assert_eq!(by_proof(&mut kiosk, &code, &slip.to_string()).unwrap(), 2);
    assert!(matches!(refused(&mut kiosk, &code, &slip.to_string()), ProofError::UsedBefore { .. }));
    let other = counter.issue_slip(SlipPurpose::Stamps, 2, 14, &None, None).unwrap();
    server.lock().unwrap().publish("counter", &device(true));
    sync(&mut kiosk, &mut kiosk_wire).unwrap();
    assert_eq!(refused(&mut kiosk, &code, &other.to_string()), ProofError::SlipRevoked);
}

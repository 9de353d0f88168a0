//! The power goes at any moment: what was said done is there afterwards, whole, and counts once.

use std::path::Path;
use std::sync::Arc;

use stempel_faultfs::{How, Plan, arm, disarm, install};
use stempel_terminal::exchange::exchange;
use stempel_terminal::setup::enroll;
use stempel_terminal::{Terminal, TerminalError};

use crate::shop::*;

/// How many crash points a test tries; `STEMPEL_CRASHES` names another number.
fn crashes(usual: u64) -> u64 {
    std::env::var("STEMPEL_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A folder in memory where there is one: what a disk keeps is simulated.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Holds that a till has every sale that it said to be done, and at most the one that it was at.
fn whole(folder: &Path, code: &str, done: u64, what: &str) -> Terminal {
    let till = opened(folder).unwrap();
    let there = head(&till);
    assert!(there == done || there == done + 1, "{what}: {done} rows were done, {there} are there");
    assert_eq!(till.verify_journal().unwrap().rows, there, "{what}");
    // The first rows begin the journal, publish the programme and let the member join.
    assert_eq!(stamps(&till, code), there as i64 - 3, "{what}: row and balance are one");
    till
}

#[test]
fn a_till_has_every_sale_wherever_the_power_goes() {
    install().unwrap();
    let (begun, room) = (folder(), folder());
    let code = alone(begun.path());
    let mut lost = 0;
    for at in 1..=crashes(120) {
        let place = room.path().join(format!("{at}"));
        copied(begun.path(), &place);
        arm(&place, Plan { at, how: How::Dead, seed: at.wrapping_mul(31) });
        let mut done = 3;
        let refused = match opened(&place) {
            Err(error) => error,
            Ok(mut till) => loop {
                match sell(&mut till, &code) {
                    Ok(seq) => done = seq,
                    Err(error) => break error,
                }
            },
        };
        assert!(matches!(refused, TerminalError::Store(_)), "{refused}");
        disarm(&place).unwrap();
        let mut till = whole(&place, &code, done, &format!("at {at}"));
        lost += u64::from(head(&till) == done);
        assert_eq!(sell(&mut till, &code).unwrap(), head(&till), "it goes on");
        drop(till);
        std::fs::remove_dir_all(&place).unwrap();
    }
    assert!(lost > 0, "a sale that was not done is gone most of the time");
}

#[test]
fn a_till_whose_disk_is_full_says_so_and_goes_on_when_there_is_room() {
    install().unwrap();
    let (begun, room) = (folder(), folder());
    let code = alone(begun.path());
    for at in 1..=30 {
        let place = room.path().join(format!("{at}"));
        copied(begun.path(), &place);
        let mut till = opened(&place).unwrap();
        arm(&place, Plan { at, how: How::Full, seed: at });
        let mut done = 3;
        let refused = loop {
            match sell(&mut till, &code) {
                Ok(seq) => done = seq,
                Err(error) => break error,
            }
        };
        assert!(refused.to_string().contains("full"), "at {at}: {refused}");
        assert_eq!(head(&till), done, "nothing was changed");
        disarm(&place).unwrap();
        assert_eq!(sell(&mut till, &code).unwrap(), done + 1, "the same till goes on");
        drop(till);
        whole(&place, &code, done + 1, &format!("at {at}"));
    }
}

#[test]
fn a_process_that_the_power_ends_has_lost_nothing_that_it_said() {
    let (begun, room) = (folder(), folder());
    let code = alone(begun.path());
    for point in 1..=crashes(12) {
        let place = room.path().join(format!("{point}"));
        copied(begun.path(), &place);
        let at = point * 7 % 500 + 1;
        let mut till = start(&place, &code, Some((at, point)));
        let done = said(till.stdout.take().unwrap()).last().unwrap_or(3);
        assert!(!till.wait().unwrap().success(), "it was ended");
        whole(&place, &code, done, &format!("at {at}"));
    }
}

#[test]
fn a_process_that_is_killed_has_lost_nothing_that_it_said() {
    // On the machine's own disk, whatever it is.
    let (begun, room) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let code = alone(begun.path());
    for kill in 1..=crashes(8) {
        let place = room.path().join(format!("{kill}"));
        copied(begun.path(), &place);
        let mut till = start(&place, &code, None);
        let mut lines = said(till.stdout.take().unwrap());
        let first = lines.next().unwrap();
        // Some sales on, and then at whatever it is doing.
        let some = lines.by_ref().take(kill as usize * 3 % 17).last().unwrap_or(first);
        std::thread::sleep(std::time::Duration::from_micros(kill * 7919 % 4000));
        till.kill().unwrap();
        till.wait().unwrap();
        let done = lines.last().unwrap_or(some);
        whole(&place, &code, done, &format!("kill {kill}"));
    }
}

#[test]
fn a_server_has_everything_that_it_acknowledged_wherever_the_power_goes() {
    install().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let begun = folder();
    let (house, home) = (begun.path().join("server"), begun.path().join("till"));
    let (tenant, code) = runtime.block_on(async {
        let server = server(&house).await.unwrap();
        let tenant = server.tenant_add("Morgenrot", false).await.unwrap();
        let shop = server.shop_add(tenant, "Mitte", "Europe/Berlin", 0).await.unwrap().id;
        server.programme_publish(tenant, card().id(), &card().to_json()).await.unwrap();
        server.catalogue_import(tenant, CATALOGUE).await.unwrap();
        let code = server.device_invite(tenant, shop, 3_600_000).await.unwrap().code;
        server.close().await;
        (tenant, code)
    });
    let (device, card) = {
        let server = runtime.block_on(server(&house)).unwrap();
        let line = |device, _| Ok(Line { runtime: &runtime, server: &server, device });
        let enrolled = enroll(
            store(&home).unwrap(),
            Arc::new(Noon),
            Box::new(Seeded(3)),
            "https://x.example",
            &code,
            "Till",
            line,
        );
        let (mut till, mut line) = enrolled.unwrap();
        exchange(&mut till, &mut line).unwrap();
        let card = till.add_member(Some("Ada"), &None, None).unwrap().token.to_string();
        exchange(&mut till, &mut line).unwrap();
        let device = till.identity().device;
        runtime.block_on(server.close());
        (device, card)
    };
    let (points, mut fell) = (crashes(50), 0);
    for point in 1..=points {
        // Beyond that it is the same again with other sales; the seed is another one.
        let at = point * 3 % 600 + 1;
        let place = begun.path().join(format!("{point}"));
        copied(&house, &place.join("server"));
        copied(&home, &place.join("till"));
        let mut till = opened(&place.join("till")).unwrap();
        arm(&place.join("server"), Plan { at, how: How::Dead, seed: point });
        if let Ok(server) = runtime.block_on(server(&place.join("server"))) {
            let mut line = Line { runtime: &runtime, server: &server, device };
            for _ in 0..200 {
                sell(&mut till, &card).unwrap();
                let agreed = exchange(&mut till, &mut line).is_ok();
                let worked = runtime.block_on(server.work()).is_ok();
                if !agreed || !worked {
                    fell += 1;
                    break;
                }
            }
            runtime.block_on(server.close());
        }
        disarm(&place.join("server")).unwrap();
        let acknowledged = till.view().sync_state().unwrap().held;
        let server = runtime.block_on(server(&place.join("server"))).unwrap();
        let held = runtime.block_on(server.device_list(tenant)).unwrap()[0].held;
        assert!(held >= acknowledged, "at {at}: {acknowledged} rows were acknowledged, {held} are there");
        let report = runtime.block_on(server.verify(tenant)).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "at {at}");
        let mut line = Line { runtime: &runtime, server: &server, device };
        assert_eq!(exchange(&mut till, &mut line).unwrap().pending, 0, "at {at}: they agree again");
        runtime.block_on(server.close());
        drop(till);
        std::fs::remove_dir_all(&place).unwrap();
    }
    assert!(fell * 5 > points * 4, "of {points} crashes {fell} came while it was at work");
}

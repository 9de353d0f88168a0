//! kill -9 in the middle of work: what was reported done is there.

use std::time::Duration;

use crate::support::{Server, text};

/// How often the process is killed.
const KILLS: usize = 6;

#[test]
fn a_loop_of_stamps_loses_none_that_was_reported_done() {
    let mut server = Server::start();
    let till = server.enrolled();
    let (_, code) = till.joined("Ada");
    let mut reported = 0;
    for round in 0..KILLS {
        // One process after the other; the last one is killed somewhere between its start and its end.
        for _ in 0..3 {
            till.one(&["stamp", "--member", &code]);
            reported += 1;
        }
        let mut child =
            till.command(&["stamp", "--member", &code]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(700 * (round as u64 + 1)));
        // It may have ended by itself already.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        if String::from_utf8_lossy(&output.stdout).ends_with('\n') {
            reported += 1;
        }
        till.one(&["journal", "verify"]);
        let balance: usize = till.balance(&code, "stamp:coffee").parse().unwrap();
        assert!(balance >= reported, "{reported} were reported done, {balance} are there");
        // A stamp may be stored whose report was cut off. It counts from here on.
        reported = balance;
    }
    server.kill();
    server.resume();
    till.one(&["sync"]);
    assert_eq!(server.balance(&code, "stamp:coffee"), reported.to_string());
    assert_eq!(till.balance(&code, "stamp:coffee"), reported.to_string());
    server.verified();
}

#[test]
fn a_server_killed_while_it_takes_rows_in_holds_what_it_acknowledged() {
    let mut server = Server::start();
    let till = server.enrolled();
    let (_, code) = till.joined("Ada");
    for _ in 0..40 {
        till.one(&["stamp", "--member", &code]);
    }
    for round in 0..4_u64 {
        let mut child = till.command(&["sync"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(3 + 4 * round));
        server.kill();
        let _ = child.wait();
        server.resume();
        let held = till.one(&["status"])["held"].as_u64().unwrap();
        let rows = server.admin(&["verify"]).one()["events"].as_u64().unwrap();
        assert!(rows >= held, "the device was told {held}, the server holds {rows}");
        till.one(&["stamp", "--member", &code]);
    }
    till.one(&["sync"]);
    assert_eq!(till.pending(), 0);
    assert_eq!(server.balance(&code, "stamp:coffee"), "44");
    server.verified();
    let export = till.run(&["journal", "export"]);
    assert!(!text(&export.lines[0]["event"]).is_empty());
}

//! `slip issue --print`: what comes to the printer, and what is said where nothing comes out of it. CUPS is played by
//! scripts that say what it said when it was asked (2.4); the real one, with a printer that speaks IPP, is asked by
//! `make test-printer`.

mod ipp;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Till, text};

const ISSUE: [&str; 5] = ["slip", "issue", "--count", "2", "--print"];

fn shop(printer: &str) -> Till {
    let till = Till::new();
    till.one(&["init", "--shop", "Café Größenwahn"]);
    till.one(&["settings", "set", "printer", printer]);
    till
}

/// What a reader of codes sees on the printed document.
fn read(till: &Till, document: &Path) -> String {
    let picture = till.folder().join("printed");
    let drawn = Command::new("pdftoppm")
        .args(["-r", "203", "-png", "-singlefile"])
        .arg(document)
        .arg(&picture)
        .status();
    assert!(drawn.expect("poppler-utils is installed by `make test`").success());
    text(&till.one(&["scan", picture.with_extension("png").to_str().unwrap()])["codes"][0]["text"])
}

/// The commands of CUPS as scripts; `lp` keeps the document and takes it, unless it is replaced.
fn cups(till: &Till, scripts: &[(&str, &str)]) -> PathBuf {
    let bin = till.folder().parent().unwrap().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let usual = [
        ("lp", "cat >document; echo \"request id is slips-7 (1 file(s))\""),
        ("lpstat", ""),
        ("cancel", "echo \"$@\" >>cancelled"),
    ];
    for (name, script) in usual.iter().chain(scripts) {
        let file = bin.join(name);
        std::fs::write(&file, format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

/// Prints where these are the commands of CUPS.
fn printed_by(scripts: &[(&str, &str)]) -> (Till, Value, PathBuf) {
    let till = shop("cups:slips");
    let bin = cups(&till, scripts);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let answer = till.with("PATH", &path).one(&ISSUE);
    (till, answer, bin)
}

#[test]
fn a_folder_gets_a_page_that_only_its_owner_reads() {
    let till = shop("folder:/nowhere");
    let folder = till.folder().join("slips");
    std::fs::create_dir(&folder).unwrap();
    till.one(&["settings", "set", "printer", &format!("folder:{}", folder.display())]);
    let slip = till.one(&ISSUE);
    assert_eq!(slip["printed"], true);
    let files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("one page: {files:?}") };
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read(&till, file), text(&slip["code"]));
}

#[test]
fn a_printer_that_is_not_there_is_said_and_the_slip_is_good_all_the_same() {
    let till = shop("escpos:/dev/stempel-nowhere");
    let slip = till.one(&ISSUE);
    assert_eq!(slip["printed"], false);
    let said = till.command(&ISSUE).output().unwrap();
    assert!(said.status.success());
    let (_, code) = till.joined("Ada");
    assert_eq!(
        till.one(&["stamp", "--member", &code, "--slip", &text(&slip["code"])])["balances"]["stamp:coffee"],
        "2"
    );
    till.one(&["settings", "set", "printer", "default"]);
    let issued = till.one(&["day"])["slips_issued"].clone();
    let (exit, said) = till.refused(&ISSUE);
    assert!(exit == 1 && said.contains("no printer is set"), "{said}");
    assert_eq!(till.one(&["day"])["slips_issued"], issued, "nothing is issued that was to be printed");
}

#[test]
fn cups_gets_the_slip_and_it_is_printed_when_it_has_left_the_queue() {
    let (till, slip, bin) = printed_by(&[]);
    assert_eq!(slip["printed"], true);
    assert_eq!(read(&till, &bin.join("document")), text(&slip["code"]));
    assert!(!bin.join("cancelled").exists());
}

#[test]
fn cups_that_says_no_or_is_not_there_is_told() {
    for lp in ["echo 'lp: Error - The printer or class does not exist.' >&2; exit 1", "kill -9 $$"] {
        let (_, slip, _) = printed_by(&[("lp", lp)]);
        assert_eq!(slip["printed"], false, "{lp}");
    }
    let till = shop("cups:slips").with("PATH", "/nowhere");
    assert_eq!(till.one(&ISSUE)["printed"], false);
}

/// What CUPS says of a job, and of a printer that is off: the queue took it, and nothing comes out.
const WAITS: &str = "slips-7                 root             57344   Sun Nov 22 18:59:53 2026";
const OFF: &str = "printer slips now printing slips-7.  enabled since Sun Nov 22 18:59:53 2026
\tThe printer may not exist or is unavailable at this time.
\tAlerts: none";
const EMPTY: &str = "printer slips now printing slips-7.  enabled since Sun Nov 22 19:00:01 2026
\tPrinting.
\tAlerts: cups-waiting-for-job-completed media-empty-warning";
const STOPPED: &str = "printer slips disabled since Sun Nov 22 18:59:51 2026 -
\tPaused
\tAlerts: paused";
const SLOW: &str = "printer slips now printing slips-7.  enabled since Sun Nov 22 19:00:14 2026
\tPrinting.
\tAlerts: cups-waiting-for-job-completed";

#[test]
fn what_stays_in_the_queue_is_withdrawn_in_time_unless_the_printer_is_at_work_on_it() {
    let asked = |state: &str| format!("case \"$1\" in -l) echo '{state}';; *) echo '{WAITS}';; esac");
    let cases = [
        ("off", asked(OFF), "", false),
        ("empty", asked(EMPTY), "", false),
        ("stopped", asked(STOPPED), "", false),
        ("slow", asked(SLOW), "", true),
        ("says nothing", "sleep 60".to_owned(), "", false),
        ("takes nothing", String::new(), "exec sleep 60", false),
    ];
    let tries = cases.map(|(name, lpstat, lp, printed)| {
        std::thread::spawn(move || {
            let begun = Instant::now();
            let mut scripts = vec![("lpstat", lpstat.as_str())];
            if !lp.is_empty() {
                scripts.push(("lp", lp));
            }
            let (_till, slip, bin) = printed_by(&scripts);
            assert_eq!(slip["printed"], printed, "{name}");
            // The time that a screen waits, and what the machine takes for everything else.
            assert!(begun.elapsed() < Duration::from_secs(25), "{name}: {:?}", begun.elapsed());
            let cancelled = std::fs::read_to_string(bin.join("cancelled")).unwrap_or_default();
            let withdrawn = !printed && lp.is_empty();
            assert_eq!(cancelled.trim(), if withdrawn { "slips-7" } else { "" }, "{name}");
        })
    });
    for tried in tries {
        tried.join().unwrap();
    }
}

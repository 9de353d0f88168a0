//! What a test does in a process of its own: this same program, started again for one of the functions below.
//! A child says what it did in lines that begin with `SAID`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stempel_store::journal::Keeping;
use stempel_store::{Folder, Store, StoreError};

use crate::support::*;

const FOLDER: &str = "STEMPEL_TEST_FOLDER";
/// A file that takes up room until a child makes room.
pub const BALLAST: &str = "ballast";

/// The program and the words that make it one of the functions below.
pub fn words(function: &str) -> (PathBuf, Vec<String>) {
    let program = std::env::current_exe().unwrap();
    (
        program,
        ["--exact", &format!("child::{function}"), "--ignored", "--nocapture"].map(str::to_owned).into(),
    )
}

/// Starts one of the functions below on a folder.
pub fn start(function: &str, folder: &Path) -> Child {
    let (program, words) = words(function);
    Command::new(program)
        .args(words)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs a shell script in which `"$@"` is one of the functions below; gives what it said, if the script could
/// do what it is there for.
pub fn in_shell(script: &str, function: &str, folder: &Path) -> Option<Vec<String>> {
    let (program, words) = words(function);
    let output = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(program)
        .args(words)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = said(&*output.stdout).collect::<Vec<_>>();
    (!said.is_empty()).then_some(said)
}

/// What a child says, line by line.
pub fn said(output: impl Read) -> impl Iterator<Item = String> {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    // The first line may stand behind what the test harness says.
    lines.filter_map(|line| line.split_once("SAID ").map(|(_, said)| said.to_owned()))
}

fn say(text: impl std::fmt::Display) {
    let mut output = std::io::stdout();
    writeln!(output, "SAID {text}").unwrap();
    output.flush().unwrap();
}

fn given_folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("started by another test").into()
}

fn one_more(store: &mut Store) -> Result<u64, StoreError> {
    let at = moment(day(0), 1);
    append(store, [(given(member(1), day(0), 1), at)], Keeping::Overlay)?;
    Ok(store.view().head(OWN)?.seq)
}

#[test]
#[ignore = "a process of another test"]
fn holds_the_folder() {
    let _folder = Folder::take(&given_folder(), "till, process 4711").unwrap();
    say("held");
    // Until the one who started it is gone, or kills it.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
#[ignore = "a process of another test"]
fn writes_until_it_is_killed() {
    let mut store = open(&given_folder());
    loop {
        say(one_more(&mut store).unwrap());
    }
}

#[test]
#[ignore = "a process of another test"]
fn writes_until_the_disk_refuses() {
    let folder = given_folder();
    let mut store = open(&folder);
    let refused = loop {
        match one_more(&mut store) {
            Ok(seq) => say(seq),
            Err(error) => break error,
        }
    };
    say(format!("refused {refused}"));
    say(format!("still {}", store.view().head(OWN).unwrap().seq));
    if std::fs::remove_file(folder.join(BALLAST)).is_ok() {
        say(format!("again {}", one_more(&mut store).unwrap()));
    }
}

#[test]
#[ignore = "a process of another test"]
fn tries_to_write_and_to_read() {
    let folder = given_folder();
    match Folder::take(&folder, "till") {
        Err(error) => say(format!("take: {error}")),
        Ok(held) => {
            say(format!("open: {:?}", Store::open(held).map(|_| ()).map_err(|error| error.to_string())))
        }
    }
    match Store::read(&folder) {
        Err(error) => say(format!("read: {error}")),
        Ok(store) => say(format!("head: {}", store.view().head(OWN).unwrap().seq)),
    }
}

//! The real window, on a display without a screen: a click on a sample card becomes a stamp on the disk and at the
//! server, commands reach the running terminal, kill -9 loses nothing, and an empty folder becomes a terminal, with its
//! first run killed twice on the way.
#![cfg(all(feature = "ui", feature = "demo", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

#[path = "support/waiting.rs"]
mod waiting;

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(110);
/// Where the first sample card lies in a window of 1280×800.
const FIRST_SAMPLE: (&str, &str) = ("100", "482");

/// Ends the process when the test ends, however it ends.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A display of its own: Xvfb picks a free number and tells it. It does not begin anew when its last client leaves: whoever
/// takes a picture before the window is there would throw out the program that is just coming.
fn display() -> (Ends, String) {
    let mut xvfb = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb is installed by `make test`");
    let mut number = String::new();
    BufReader::new(xvfb.stdout.take().unwrap()).read_line(&mut number).unwrap();
    (Ends(xvfb), format!(":{}", number.trim()))
}

/// The program with its folder, on a display, in German.
fn program(display: &str, data: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stempel"));
    command.arg("--data").arg(data).args(words).stdout(Stdio::null());
    command.env("DISPLAY", display).env("LANG", "de_DE.UTF-8").env_remove("WAYLAND_DISPLAY");
    // The software renderer needs no graphics card.
    command.env("SLINT_BACKEND", "winit-software");
    command
}

fn started(display: &str, data: &Path, words: &[&str]) -> Ends {
    Ends(program(display, data, words).spawn().unwrap())
}

fn demo(display: &str, data: &Path) -> Ends {
    started(display, data, &["demo", "--seconds", "300"])
}

fn stempel(data: &Path, words: &[&str]) -> Option<Value> {
    let folder = data.join("demo/terminal");
    let output = Command::new(env!("CARGO_BIN_EXE_stempel"))
        .arg("--json")
        .arg("--data")
        .arg(folder)
        .args(words)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| serde_json::from_str(text.lines().next()?).ok())?
}

fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    waiting::wait_for(what, PATIENCE, look)
}

fn on_display(display: &str, program: &str, words: &[&str]) -> bool {
    let status = Command::new(program).env("DISPLAY", display).args(words).stderr(Stdio::null()).status();
    status.unwrap_or_else(|error| panic!("{program} is installed by `make test`: {error}")).success()
}

fn stamps(data: &Path) -> Option<u64> {
    stamps_of(data, "Ada")
}

fn stamps_of(data: &Path, name: &str) -> Option<u64> {
    let member = stempel(data, &["member", "find", name])?;
    member["balances"]["stamp:coffee"].as_str()?.parse().ok()
}

/// What stands in the code of a printed sample card.
fn printed(data: &Path, name: &str) -> String {
    let file = data.join(format!("demo/cards/{name}.png"));
    let read = stempel(data, &["scan", file.to_str().unwrap()]).unwrap();
    read["codes"][0]["text"].as_str().unwrap().to_owned()
}

/// Types as a scanner does that is set to another layout than the machine: y and z change places.
fn type_like_a_scanner(display: &str, text: &str) {
    let swapped: String = text
        .chars()
        .map(|letter| match letter {
            'Y' => 'Z',
            'Z' => 'Y',
            letter => letter,
        })
        .collect();
    assert!(on_display(display, "xdotool", &["search", "--name", "Stempel", "windowfocus"]));
    assert!(on_display(display, "xdotool", &["type", "--delay", "4", &swapped]));
    assert!(on_display(display, "xdotool", &["key", "Return"]));
}

/// How many different colours a picture of the display has: an empty window has one or two.
fn colours(display: &str, file: &Path) -> usize {
    assert!(on_display(display, "import", &["-window", "root", file.to_str().unwrap()]));
    let picture = image::open(file).unwrap().to_rgb8();
    picture.pixels().map(|pixel| pixel.0).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn a_click_on_a_sample_card_is_a_stamp_that_survives() {
    let (_xvfb, display) = display();
    let folder = tempfile::tempdir().unwrap();
    let data: PathBuf = folder.path().to_owned();
    let running = demo(&display, &data);
    let before = wait_for("the sample café", || stamps(&data));
    let picture = data.join("window.png");
    wait_for("a drawn window", || (colours(&display, &picture) > 100).then_some(()));

    // The window may still be moving into its place: click until the stamp lands.
    let (x, y) = FIRST_SAMPLE;
    wait_for("the stamp", || {
        assert!(on_display(&display, "xdotool", &["mousemove", x, y, "click", "1"]));
        std::thread::sleep(Duration::from_millis(800));
        stamps(&data).filter(|now| *now > before)
    });
    let before = stamps_of(&data, "Bruno").unwrap();
    let code = printed(&data, "Bruno");
    wait_for("the stamp by a scanner that types", || {
        type_like_a_scanner(&display, &code);
        std::thread::sleep(Duration::from_millis(800));
        stamps_of(&data, "Bruno").filter(|now| *now > before)
    });
    let added = stempel(&data, &["member", "add", "--name", "Nina"]);
    assert!(added.is_some(), "commands reach the running terminal");
    wait_for("everything at the server", || {
        stempel(&data, &["status"]).filter(|status| status["pending"] == 0 && status["last_error"].is_null())
    });

    let shown = stamps(&data).unwrap();
    drop(running); // kill -9
    assert_eq!(stamps(&data), Some(shown), "what was on the screen is on the disk");
    assert!(stempel(&data, &["journal", "verify"]).is_some());
    let _again = demo(&display, &data);
    wait_for("the second start", || stempel(&data, &["member", "add", "--name", "Otto"]));
    wait_for("everything at the server again", || {
        stempel(&data, &["status"]).filter(|status| status["pending"] == 0)
    });
    assert_eq!(stamps(&data), Some(shown));
}

/// The window's place and size on the display.
fn place(display: &str) -> Option<String> {
    let words = ["search", "--onlyvisible", "--name", "^Stempel", "getwindowgeometry", "--shell"];
    let output = Command::new("xdotool").env("DISPLAY", display).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let wanted = |line: &&str| ["X=", "Y=", "WIDTH=", "HEIGHT="].iter().any(|name| line.starts_with(name));
    Some(text.lines().filter(wanted).collect::<Vec<_>>().join(" "))
}

#[test]
fn an_empty_folder_becomes_a_terminal_on_the_screen_and_fills_it_without_a_window_manager() {
    let (_xvfb, display) = display();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("terminal");
    let words = ["terminal", "--no-camera", "--fullscreen", "--seconds", "150"];
    let _running = started(&display, &data, &words);
    let picture = folder.path().join("window.png");
    wait_for("a drawn window", || (colours(&display, &picture) > 50).then_some(()));
    assert_eq!(place(&display).as_deref(), Some("X=0 Y=0 WIDTH=1280 HEIGHT=800"));

    let status = || {
        let output = Command::new(env!("CARGO_BIN_EXE_stempel"))
            .args(["--json", "--data"])
            .arg(&data)
            .arg("status")
            .output()
            .unwrap();
        output.status.success().then_some(())
    };
    assert_eq!(status(), None, "it is no terminal yet");
    // “Next”, then “Try the sample café”: two taps. The window may still be moving into its place.
    wait_for("the terminal", || {
        for (x, y) in [("640", "600"), ("640", "500")] {
            assert!(on_display(&display, "xdotool", &["mousemove", x, y, "click", "1"]));
            std::thread::sleep(Duration::from_millis(900));
        }
        status()
    });
    wait_for("the stamp card in a window of the same size", || {
        let there = place(&display).filter(|place| place == "X=0 Y=0 WIDTH=1280 HEIGHT=800");
        there.filter(|_| colours(&display, &picture) > 50)
    });
}

/// Starts the terminal of a folder; without a camera, as there is none.
fn terminal(display: &str, data: &Path) -> Ends {
    started(display, data, &["terminal", "--no-camera", "--fullscreen", "--seconds", "170"])
}

fn ask(data: &Path, words: &[&str]) -> Option<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stempel"));
    let output = command.args(["--json", "--data"]).arg(data).args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| serde_json::from_str(text.lines().next()?).ok())?
}

/// How many events of a kind the folder's journal has.
fn written(data: &Path, kind: &str) -> Option<usize> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stempel"));
    let output = command.arg("--data").arg(data).args(["journal", "export"]).output().ok()?;
    let rows = String::from_utf8(output.stdout).ok()?;
    let of_kind =
        |row: &&str| serde_json::from_str::<Value>(row).is_ok_and(|row| row["kind"].as_str() == Some(kind));
    output.status.success().then(|| rows.lines().filter(of_kind).count())
}

fn click(display: &str, (x, y): (&str, &str)) {
    assert!(on_display(display, "xdotool", &["mousemove", x, y, "click", "1"]));
    std::thread::sleep(Duration::from_millis(900));
}

/// Where the buttons of the first run's pages lie in a window of 1280×800.
const NEXT: (&str, &str) = ("640", "600");
const WORKS_ALONE: (&str, &str) = ("640", "410");
const BEGIN: (&str, &str) = ("960", "410");
const ONE_METRE: (&str, &str) = ("537", "456");
const NEXT_AT_PLACE: (&str, &str) = ("834", "551");
const NEXT_AT_CAMERA: (&str, &str) = ("834", "611");
const FIVE_STAMPS: (&str, &str) = ("640", "400");
const START: (&str, &str) = ("825", "641");

#[test]
fn an_empty_kiosk_tells_whoever_started_it_that_its_window_is_up() {
    let (_xvfb, display) = display();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&name).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut kiosk =
        program(&display, &folder.path().join("kiosk"), &["kiosk", "--no-camera", "--seconds", "300"]);
    let _kiosk = Ends(kiosk.env("NOTIFY_SOCKET", &name).spawn().unwrap());
    for expected in ["READY=1\nWATCHDOG=1", "WATCHDOG=1"] {
        let mut words = [0; 64];
        let length = systemd.recv(&mut words).expect("the first run says that it is up");
        assert_eq!(String::from_utf8_lossy(&words[..length]), expected);
    }
}

#[test]
fn the_first_run_survives_kill_9_on_its_way_and_the_plug_test_finds_five_of_five() {
    let (_xvfb, display) = display();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("terminal");
    let picture = folder.path().join("window.png");
    let drawn = || wait_for("a drawn window", || (colours(&display, &picture) > 50).then_some(()));
    let running = terminal(&display, &data);
    drawn();
    // The window may still be moving into its place.
    wait_for("the terminal", || {
        for place in [NEXT, WORKS_ALONE, BEGIN] {
            click(&display, place);
        }
        ask(&data, &["status"])
    });
    drop(running); // kill -9, as soon as there is a terminal

    // It goes on at the page where it was, and each choice is on the disk at once.
    let running = terminal(&display, &data);
    drawn();
    wait_for("the height", || {
        click(&display, ONE_METRE);
        let set = ask(&data, &["settings", "get", "mounting_mm"])?;
        (set["value"] == 1000).then_some(())
    });
    click(&display, NEXT_AT_PLACE);
    click(&display, NEXT_AT_CAMERA);
    // The test is no guest: no sum of the day has it.
    wait_for("the five stamps", || {
        click(&display, FIVE_STAMPS);
        (written(&data, "stamp")? == 5).then_some(())
    });
    keep_picture(&picture, "first-run-pull");
    drop(running); // kill -9, the nearest thing to a pulled plug that a test may do

    let running = terminal(&display, &data);
    drawn();
    wait_for("the count, and the test's stamps taken back", || {
        (written(&data, "reversal")? == 5).then_some(())
    });
    let day = ask(&data, &["day"]).unwrap();
    assert_eq!([&day["stamps"], &day["undone"], &day["joined"]], [0, 0, 0]);
    drawn();
    assert!(on_display(&display, "import", &["-window", "root", picture.to_str().unwrap()]));
    keep_picture(&picture, "first-run-kept");
    // “Start”: from now on the folder is a stamp card, and a card that is typed gets its stamp.
    click(&display, START);
    let joined = ask(&data, &["member", "add", "--name", "Nina"]).unwrap();
    let code = joined["code"].as_str().unwrap().to_owned();
    wait_for("the stamp after the first run", || {
        type_like_a_scanner(&display, &code);
        std::thread::sleep(Duration::from_millis(900));
        let member = ask(&data, &["member", "find", "Nina"])?;
        (member["balances"]["stamp:coffee"].as_str()? != "0").then_some(())
    });
    assert!(ask(&data, &["journal", "verify"]).is_some());
    drop(running);
}

/// Keeps a picture of the window for a person to look at, where one is wanted.
fn keep_picture(picture: &Path, name: &str) {
    if let Some(folder) = std::env::var_os("STEMPEL_SNAPSHOTS") {
        let _ = std::fs::copy(picture, Path::new(&folder).join(format!("{name}.png")));
    }
}

/// A server with the sample café, on a free port of this machine.
fn server(folder: &Path) -> (Ends, String, String) {
    let database = format!("sqlite:{}", folder.join("server.db").display());
    let stempel = || Command::new(env!("CARGO_BIN_EXE_stempel"));
    let made = stempel().args(["admin", "--database", &database, "init", "--demo"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut serving = stempel();
    serving.args(["serve", "--database", &database, "--listen", "127.0.0.1:0"]);
    let mut serving = serving.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let url = ready["listening"].as_str().unwrap().to_owned();
    (Ends(serving), database, url)
}

/// Where the buttons lie in windows of 1280×800.
const TAKE_IT_NOW: (&str, &str) = ("1000", "378");
const GIVE_IT: (&str, &str) = ("1195", "115");

#[test]
fn a_reward_at_the_kiosk_is_confirmed_by_one_tap_at_the_counter_through_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, database, url) = server(folder.path());
    let devices = ["kiosk", "counter"].map(|name| {
        let data = folder.path().join(name);
        let mut invite = Command::new(env!("CARGO_BIN_EXE_stempel"));
        let invited =
            invite.args(["--json", "admin", "--database", &database, "device", "invite"]).output().unwrap();
        let invited: Value = serde_json::from_slice(&invited.stdout).unwrap();
        let code = invited["code"].as_str().unwrap();
        ask(&data, &["enroll", "--server", &url, "--code", code, "--name", name]).expect(name);
        data
    });
    let [kiosk, counter] = &devices;
    let joined = ask(kiosk, &["member", "add", "--name", "Zoe"]).unwrap();
    let code = joined["code"].as_str().unwrap().to_owned();
    ask(kiosk, &["stamp", "--member", &code, "--count", "9"]).unwrap();
    ask(kiosk, &["settings", "set", "proof.needed", "false"]).unwrap();
    for device in &devices {
        ask(device, &["sync"]).unwrap();
    }
    let ((_first, at_kiosk), (_second, at_counter)) = (display(), display());
    let stand = |display: &str, data: &Path, job: &str| {
        started(display, data, &[job, "--no-camera", "--fullscreen", "--seconds", "150"])
    };
    let _kiosk = stand(&at_kiosk, kiosk, "kiosk");
    let _counter = stand(&at_counter, counter, "terminal");
    let picture = folder.path().join("window.png");
    for display in [&at_kiosk, &at_counter] {
        wait_for("a drawn window", || (colours(display, &picture) > 50).then_some(()));
    }
    let stamps = || {
        let member = ask(kiosk, &["member", "find", "Zoe"])?;
        member["balances"]["stamp:coffee"].as_str()?.parse::<i64>().ok()
    };
    wait_for("the tenth stamp", || {
        type_like_a_scanner(&at_kiosk, &code);
        std::thread::sleep(Duration::from_millis(900));
        stamps().filter(|stamps| *stamps == 10)
    });
    let rewards = || ask(kiosk, &["day"])?["rewards"].as_i64();
    assert_eq!(rewards(), Some(0));
    // Asked at the kiosk, given at the counter. What is not yet on the screen is asked for once more.
    wait_for("the reward", || {
        type_like_a_scanner(&at_kiosk, &code);
        click(&at_kiosk, TAKE_IT_NOW);
        assert_eq!(rewards(), Some(0), "nobody has confirmed it yet");
        std::thread::sleep(Duration::from_millis(1500));
        click(&at_counter, GIVE_IT);
        std::thread::sleep(Duration::from_millis(1500));
        rewards().filter(|rewards| *rewards == 1)
    });
    // Each time that the card was held up gave a stamp; ten of them were taken.
    assert!(stamps().is_some_and(|stamps| stamps < 10));
}

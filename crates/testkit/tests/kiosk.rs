//! The kiosk on a bare machine, as the package installs it: `make test-kiosk` starts a small virtual machine with
//! systemd, a screen, a keyboard and a pointer, and this looks at the screen and touches it. Anywhere else it says so and
//! passes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]
#![allow(clippy::print_stdout, reason = "the machine is slow: whoever waits sees how far it is")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::RgbImage;
use serde_json::{Value, json};

#[path = "../../../tests/support/waiting.rs"]
mod waiting;

/// The machine has no help of the processor: everything takes twenty times as long.
const PATIENCE: Duration = Duration::from_secs(240);
/// What the machine's screen is set to, in pixels.
const SCREEN: (u32, u32) = (1280, 800);
const DATA: &str = "/var/lib/stempel-kiosk";

/// A machine with the package in it. It ends with the test, however that ends.
struct Machine {
    qemu: Child,
    orders: BufReader<UnixStream>,
    shell: BufReader<UnixStream>,
    _folder: tempfile::TempDir,
    pictures: PathBuf,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Machine {
    /// Starts it; none where `make test-kiosk` has not prepared one.
    fn start() -> Option<Self> {
        let given =
            |name: &str| std::env::var(format!("STEMPEL_KIOSK_{name}")).ok().filter(|text| !text.is_empty());
        let (kernel, start, disk) = (given("KERNEL")?, given("START")?, given("DISK")?);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let pictures = given("PICTURES").map_or_else(|| folder.path().to_owned(), PathBuf::from);
        std::fs::create_dir_all(&pictures).unwrap();
        let (width, height) = SCREEN;
        // Without the processor's help on purpose: a machine within a machine may offer it and then hang.
        let qemu = Command::new("qemu-system-x86_64")
            .args(["-accel", "tcg,thread=multi", "-m", "1024", "-smp", "2", "-display", "none", "-no-reboot"])
            .args([
                "-nic",
                "none",
                "-vga",
                "none",
                "-device",
                "virtio-keyboard-pci",
                "-device",
                "virtio-tablet-pci",
            ])
            .args(["-device", &format!("virtio-vga,xres={width},yres={height}")])
            .args([
                "-kernel",
                &kernel,
                "-initrd",
                &start,
                "-append",
                "console=tty0 console=ttyS0 quiet panic=-1",
            ])
            .args(["-drive", &format!("file={disk},if=none,id=disk,format=raw,snapshot=on")])
            .args(["-device", "virtio-blk-pci,drive=disk", "-serial", &format!("file:{}", at("console"))])
            .args(["-serial", &format!("unix:{},server=on,wait=off", at("shell"))])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", at("orders"))])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let opened = |name: &str| {
            let stream = wait_for(name, || UnixStream::connect(folder.path().join(name)).ok());
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            BufReader::new(stream)
        };
        let mut machine =
            Self { qemu, orders: opened("orders"), shell: opened("shell"), _folder: folder, pictures };
        machine.order("qmp_capabilities", &json!({}));
        let mut line = String::new();
        while !line.contains("shell-is-there") {
            line.clear();
            assert!(machine.shell.read_line(&mut line).expect("the machine starts") > 0);
        }
        println!("kiosk: the machine has started");
        Some(machine)
    }

    /// Gives QEMU an order.
    fn order(&mut self, execute: &str, arguments: &Value) {
        writeln!(self.orders.get_mut(), "{}", json!({"execute": execute, "arguments": arguments})).unwrap();
        loop {
            let mut line = String::new();
            assert!(self.orders.read_line(&mut line).unwrap() > 0, "QEMU is there");
            let said: Value = serde_json::from_str(&line).unwrap();
            assert!(said.get("error").is_none(), "{execute}: {line}");
            if said.get("return").is_some() {
                return;
            }
        }
    }

    /// Runs a line in the machine's shell, as root; says what it printed, if it ended well.
    fn shell(&mut self, line: &str) -> Option<String> {
        writeln!(self.shell.get_mut(), "{line}").unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert!(self.shell.read_line(&mut line).expect("the shell answers in time") > 0);
            let line = line.trim_end();
            if let Some(status) = line.strip_prefix("shell-says ") {
                return (status == "0").then(|| said.trim_end().to_owned());
            }
            said.push_str(line);
            said.push('\n');
        }
    }

    /// Runs a line that must end well.
    fn done(&mut self, line: &str) -> String {
        self.shell(&format!("{line} 2>&1")).unwrap_or_else(|| {
            let log = self.shell("journalctl --no-pager -b -u stempel-kiosk -n 30").unwrap_or_default();
            panic!("{line}\n{log}")
        })
    }

    /// Asks the kiosk's folder by command line.
    fn ask(&mut self, words: &str) -> Option<Value> {
        let line = format!("runuser -u stempel-kiosk -- stempel --json --data {DATA} {words}");
        serde_json::from_str(self.shell(&line)?.lines().next()?).ok()
    }

    /// What is on the screen now, kept under that name for a person to look at.
    fn screen(&mut self, name: &str) -> RgbImage {
        let file = self.pictures.join(format!("{name}.png"));
        self.order("screendump", &json!({"filename": file, "format": "png"}));
        image::open(&file).unwrap().to_rgb8()
    }

    fn input(&mut self, events: &Value) {
        self.order("input-send-event", &json!({ "events": events }));
        // A touch takes as long as a touch.
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Touches a place of the screen, in pixels.
    fn touch(&mut self, (x, y): (u32, u32)) {
        let part = |at: u32, whole: u32| at * 0x7FFF / whole;
        self.input(&json!([
            {"type": "abs", "data": {"axis": "x", "value": part(x, SCREEN.0)}},
            {"type": "abs", "data": {"axis": "y", "value": part(y, SCREEN.1)}},
        ]));
        for down in [true, false] {
            self.input(&json!([{"type": "btn", "data": {"button": "left", "down": down}}]));
        }
    }

    /// Presses keys together.
    fn press(&mut self, keys: &[&str]) {
        let pressed = keys.iter().map(|key| (key, true)).chain(keys.iter().rev().map(|key| (key, false)));
        for (key, down) in pressed {
            self.input(
                &json!([{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}]),
            );
        }
    }
}

fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    waiting::wait_for(what, PATIENCE, look)
}

/// Where things are on a screen of 1280×800: of the first run, and of the kiosk's first page.
const NEXT: (u32, u32) = (640, 600);
const SAMPLE_CAFE: (u32, u32) = (640, 500);
const HELP: (u32, u32) = (90, 744);
/// The same button where the picture is turned to the right by a quarter.
const HELP_TURNED: (u32, u32) = (56, 80);
/// How many pixels another page changes at least; what moves on a page are some thousands.
const ANOTHER_PAGE: usize = 100_000;
/// How many pixels a button changes at least whose words change.
const ANOTHER_WORD: usize = 500;

/// The pixels of a part of the screen (left, top, right, bottom) that differ.
fn changed(one: &RgbImage, other: &RgbImage, (left, top, right, bottom): (u32, u32, u32, u32)) -> usize {
    let places = (left..right).flat_map(|x| (top..bottom).map(move |y| (x, y)));
    places.filter(|&(x, y)| one.get_pixel(x, y) != other.get_pixel(x, y)).count()
}

const WHOLE: (u32, u32, u32, u32) = (0, 0, SCREEN.0, SCREEN.1);

impl Machine {
    /// Waits until the unit says that the window is up, and something is drawn in it.
    fn up(&mut self, name: &str) -> RgbImage {
        wait_for("the window", || self.shell("systemctl is-active --quiet stempel-kiosk"));
        wait_for("a picture", || {
            let picture = self.screen(name);
            let colours: std::collections::BTreeSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
            // A console has black, grey and white.
            (colours.len() > 50).then_some(picture)
        })
    }

    /// Touches a place until the part of the screen looks otherwise.
    fn touch_until(&mut self, place: (u32, u32), part: (u32, u32, u32, u32), pixels: usize, name: &str) {
        let before = self.screen(name);
        wait_for(name, || {
            self.touch(place);
            let until = Instant::now() + Duration::from_secs(15);
            while Instant::now() < until {
                std::thread::sleep(Duration::from_secs(1));
                if changed(&before, &self.screen(name), part) >= pixels {
                    return Some(());
                }
            }
            None
        });
    }

    /// Kills the kiosk and says how long its page was not there.
    fn comes_back(&mut self, process: &str, page: &RgbImage) {
        let killed = self.done(&format!("kill -9 {process}; cut -d' ' -f1 /proc/uptime"));
        let (begun, mut gone) = (Instant::now(), false);
        let back = loop {
            let there = changed(page, &self.screen("after-kill"), WHOLE) < ANOTHER_PAGE;
            gone |= !there;
            if gone && there {
                break begun.elapsed().as_secs_f64();
            }
            assert!(begun.elapsed() < PATIENCE, "the page comes back, once it was gone ({gone})");
            std::thread::sleep(Duration::from_millis(50));
        };
        let started = self.done("systemctl show -p ExecMainStartTimestampMonotonic --value stempel-kiosk");
        let started = started.parse::<f64>().unwrap() / 1e6 - killed.parse::<f64>().unwrap();
        println!(
            "kiosk: its page is back {back:.1} s after kill -9, on an emulated processor: {started:.1} s until systemd \
             has begun it again, the rest is its own"
        );
    }

    /// The console that is in front.
    fn console(&mut self) -> String {
        self.done("cat /sys/class/tty/tty0/active")
    }

    /// How many consoles ask who somebody is.
    fn logins(&mut self) -> String {
        self.done("systemctl list-units --no-legend 'getty@*' 'autovt@*' | wc -l")
    }

    /// What the unit is: its process, and how often it was begun again.
    fn unit(&mut self) -> (String, u32) {
        let said = self.done("systemctl show -p MainPID,NRestarts --value stempel-kiosk");
        let (process, restarts) = said.split_once('\n').unwrap();
        (process.to_owned(), restarts.parse().unwrap())
    }
}

#[test]
fn a_kiosk_on_a_bare_machine_is_set_up_touched_turned_and_comes_back() {
    let Some(mut machine) = Machine::start() else {
        println!("kiosk: not tried, there is no machine: make test-kiosk");
        return;
    };
    let sysrq = machine.done("cat /proc/sys/kernel/sysrq");
    let three_keys = machine.done("systemctl is-enabled ctrl-alt-del.target || true");
    machine.done("dpkg -i /root/stempel.deb");
    machine.done("systemctl enable --now stempel-kiosk");
    machine.up("first-run");
    println!("kiosk: the first run is on the screen");

    // The first run by touch, to the end: the program begins anew in its place, and nobody begins it again.
    let first = machine.unit();
    machine.touch_until(NEXT, WHOLE, ANOTHER_PAGE, "ways");
    assert_eq!(machine.ask("status"), None, "there is no terminal yet");
    machine.touch_until(SAMPLE_CAFE, WHOLE, ANOTHER_PAGE, "begun");
    let members = wait_for("the sample café", || machine.ask("member find Ada"));
    assert_eq!(members["name"], "Ada");
    std::thread::sleep(Duration::from_secs(20));
    let kiosk = machine.up("kiosk");
    assert_eq!(machine.unit(), first, "the same process, never begun again");
    println!("kiosk: set up by touch");
    machine.touch_until(HELP, (0, 690, 400, 800), ANOTHER_WORD, "help");

    // kill -9: back by itself, where it was.
    machine.comes_back(&first.0, &kiosk);
    let second = machine.unit();
    assert_ne!(second.0, first.0, "another process");

    // No key leads to a console, and none ends the machine.
    let machine_start = machine.done("cat /proc/sys/kernel/random/boot_id");
    machine.press(&["alt", "print", "r"]);
    machine.press(&["ctrl", "alt", "f2"]);
    machine.press(&["alt", "f3"]);
    for key in ["r", "o", "o", "t", "ret"] {
        machine.press(&[key]);
    }
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(machine.console(), "tty1");
    assert_eq!(machine.logins(), "0");
    assert_eq!(machine.done("tr -d ' ' </dev/vcs1 | grep -c root || true"), "0", "no console has heard it");
    machine.press(&["ctrl", "alt", "delete"]);
    wait_for("the kiosk after the three keys", || (machine.unit().0 != second.0).then_some(()));
    machine.up("after-keys");
    assert_eq!(machine.done("systemctl is-system-running"), "running");
    println!("kiosk: no key leads out");

    // Nor does one while the kiosk is begun again, however long that takes: then the console hears keys.
    let third = machine.unit();
    machine.done(&format!("mv /usr/bin/stempel /usr/bin/away; kill -9 {}", third.0));
    wait_for("a console that hears keys", || {
        machine.press(&["ctrl", "alt", "f6"]);
        (machine.console() == "tty6").then_some(())
    });
    machine.press(&["ctrl", "alt", "f2"]);
    machine.press(&["ctrl", "alt", "delete"]);
    for key in ["r", "o", "o", "t", "ret"] {
        machine.press(&[key]);
    }
    std::thread::sleep(Duration::from_secs(10));
    machine.screen("between");
    assert_eq!(machine.console(), "tty2", "the keys were heard");
    assert_eq!(machine.logins(), "0", "no console asks for a name");
    machine.press(&["ctrl", "alt", "f1"]);
    machine.done("mv /usr/bin/away /usr/bin/stempel");
    machine.up("after-consoles");
    assert_eq!(machine.done("cat /proc/sys/kernel/random/boot_id"), machine_start, "the machine never ended");
    println!("kiosk: no key leads out while it is begun again");

    // A screen that is off is waited for.
    let output = machine.done("ls -d /sys/class/drm/card*-*");
    machine.done(&format!("echo off >{output}/status; systemctl restart --no-block stempel-kiosk"));
    let tried = machine.unit().1;
    wait_for("some tries", || (machine.unit().1 > tried + 3).then_some(()));
    machine.done(&format!("echo on >{output}/status"));
    machine.up("screen-on");
    println!("kiosk: a screen that was off is found");

    // Turned by one setting, picture and touch.
    machine.done("echo SLINT_KMS_ROTATION=90 >/etc/stempel/kiosk.env");
    machine.done("udevadm trigger --settle --subsystem-match=input");
    machine.done("systemctl restart stempel-kiosk");
    let turned = machine.up("turned");
    assert!(changed(&kiosk, &turned, WHOLE) > ANOTHER_PAGE);
    machine.touch_until(HELP_TURNED, (0, 0, 110, 400), ANOTHER_WORD, "turned-help");
    println!("kiosk: turned, and touched where it is turned to");

    // Stopped, it gives the machine back as it was.
    machine.done("systemctl stop stempel-kiosk");
    wait_for("the end of what it had set", || {
        (machine.shell("systemctl is-active stempel-kiosk-console").is_none()).then_some(())
    });
    assert_eq!(machine.done("cat /proc/sys/kernel/sysrq"), sysrq);
    assert_eq!(machine.done("systemctl is-enabled ctrl-alt-del.target || true"), three_keys);
    wait_for("a login on another console", || {
        machine.press(&["ctrl", "alt", "f4"]);
        (machine.logins() == "1").then_some(())
    });
    println!("kiosk: stopped, it gives the consoles back");
    drop(machine);
}

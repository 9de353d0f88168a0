//! The real CUPS, and a printer that speaks IPP: both of this machine, for this test alone. It needs root and the packages
//! that `make test-printer` names, so it is asked for by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{ISSUE, read, shop};
use crate::support::{Till, text};
use crate::waiting;

const SOON: Duration = Duration::from_secs(30);

/// Ends the process when the test ends, however it ends.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A print system in a folder of its own.
struct System {
    folder: PathBuf,
    port: u16,
    printer: Option<Ends>,
    _others: [Ends; 3],
}

impl System {
    fn start(folder: &Path) -> Self {
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let here = folder.display();
        let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
        write(
            "bus.conf",
            format!(
                "<busconfig><type>system</type><listen>unix:path={here}/bus</listen><auth>EXTERNAL</auth>
                <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/>
                <allow user=\"*\"/></policy></busconfig>"
            ),
        );
        let avahi = "[server]\nuse-ipv6=no\nallow-interfaces=lo\n[publish]\npublish-workstation=no\n";
        write("avahi.conf", avahi.to_owned());
        // What the Debian package sets, but for the place, and that nobody is asked for a password.
        let policy = "<Location />\nAllow all\n</Location>\n<Policy default>\n<Limit All>\nAllow all\n</Limit>\n</Policy>\n";
        write(
            "cupsd.conf",
            format!("Listen {here}/cups\nWebInterface No\nBrowsing Off\nErrorPolicy retry-job\n{policy}"),
        );
        let places = ["cache", "spool", "state"].map(|name| {
            fs::create_dir(folder.join(name)).unwrap();
            format!("{here}/{name}")
        });
        let [cache, spool, state] = places;
        write(
            "cups-files.conf",
            format!(
                "SystemGroup root\nServerRoot {here}\nCacheDir {cache}\nRequestRoot {spool}\nStateDir {state}
AccessLog {here}/access\nErrorLog {here}/error\nPageLog {here}/page\n"
            ),
        );
        let begin = |program: &str, words: &[String]| {
            let mut command = Command::new(program);
            command.args(words).env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={here}/bus"));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Ends(
                command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; see `make test-printer`")),
            )
        };
        let wait = |name: &str| wait_for(name, || folder.join(name).exists().then_some(()));
        let bus = begin(
            "dbus-daemon",
            &[format!("--config-file={here}/bus.conf"), "--nofork".into(), "--nopidfile".into()],
        );
        wait("bus");
        let names = ["--no-drop-root", "--no-chroot", "--no-rlimits", "-f"].map(String::from);
        let avahi = begin("avahi-daemon", &[&names[..], &[format!("{here}/avahi.conf")]].concat());
        let files = [
            "-f".into(),
            "-c".into(),
            format!("{here}/cupsd.conf"),
            "-s".into(),
            format!("{here}/cups-files.conf"),
        ];
        let cups = begin("/usr/sbin/cupsd", &files);
        wait("cups");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        fs::create_dir(folder.join("paper")).unwrap();
        let mut system = Self { folder: folder.to_owned(), port, printer: None, _others: [bus, avahi, cups] };
        system.switch_on("exit 0");
        let uri = format!("ipp://localhost:{port}/ipp/print");
        wait_for("the queue", || {
            system.asks("lpadmin", &["-p", "slips", "-E", "-v", &uri, "-m", "everywhere"])
        });
        system
    }

    /// Runs a command of CUPS, and gives what it said, if it ended well.
    fn asks(&self, program: &str, words: &[&str]) -> Option<String> {
        let output = Command::new("timeout")
            .args(["20", program])
            .args(words)
            .env("CUPS_SERVER", self.folder.join("cups"))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Switches the printer on; it does that with each sheet.
    fn switch_on(&mut self, does: &str) {
        self.printer = None;
        let script = self.folder.join("does");
        fs::write(&script, format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new("ippeveprinter");
        command.args(["-p", &self.port.to_string(), "-n", "localhost", "-s", "60,60", "-k", "-d"]);
        command.arg(self.folder.join("paper")).arg("-c").arg(script);
        command.args(["-f", "application/pdf,image/pwg-raster", "Slips"]);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}/bus", self.folder.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.printer = Some(Ends(command.spawn().expect("ippeveprinter is in cups-ipp-utils")));
        let port = self.port;
        wait_for("the printer", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    }

    /// Prints a slip; says whether the terminal calls it printed, and its code.
    fn prints(&self, till: &Till) -> (bool, String) {
        let begun = Instant::now();
        let slip = till.with("CUPS_SERVER", self.folder.join("cups").to_str().unwrap()).one(&ISSUE);
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
        (slip["printed"].as_bool().unwrap(), text(&slip["code"]))
    }

    /// The documents that have come to the printer, in order.
    fn documents(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> =
            fs::read_dir(self.folder.join("paper")).unwrap().map(|file| file.unwrap().path()).collect();
        found.retain(|file| file.extension().is_some_and(|end| end == "pdf"));
        found.sort();
        found
    }

    /// What waits for the printer.
    fn waiting(&self) -> String {
        self.asks("lpstat", &["-o", "slips"]).unwrap_or_default()
    }
}

fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    waiting::wait_for(what, SOON, look)
}

#[test]
#[ignore = "it needs root, CUPS and its printer: make test-printer"]
fn a_real_printer_by_ipp_and_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    let mut system = System::start(folder.path());
    let till = shop("cups:slips");

    let (printed, code) = system.prints(&till);
    assert!(printed, "it is on, and has paper");
    let documents = system.documents();
    let [document] = documents.as_slice() else { panic!("one document: {documents:?}") };
    assert_eq!(read(&till, document), code);

    let fails = |system: &System, what: &str| {
        assert!(!system.prints(&till).0, "{what}");
        assert_eq!(system.waiting(), "", "{what}: nothing comes out later");
    };
    system.asks("cupsdisable", &["slips"]).unwrap();
    fails(&system, "the queue stands still");
    system.asks("cupsenable", &["slips"]).unwrap();
    system.asks("cupsreject", &["slips"]).unwrap();
    fails(&system, "the queue takes nothing");
    system.asks("cupsaccept", &["slips"]).unwrap();
    system.printer = None;
    fails(&system, "it is off");
    system.switch_on("echo 'STATE: +media-empty-error' >&2; exec sleep 60");
    fails(&system, "it has no paper");
    system.switch_on("exec sleep 30");
    assert!(system.prints(&till).0, "a slow one has it");
    system.switch_on("exit 0");
    system.asks("cancel", &["-a", "slips"]);
    assert!(system.prints(&till).0, "as if nothing had been");
}

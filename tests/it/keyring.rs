//! The key file sealed under a secret of a real keyring, on a session bus of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{Till, text};

/// A user's session: a bus, and the keyring that was opened when somebody signed in.
struct Session {
    bus: Child,
    keyring: Child,
    address: String,
    _home: TempDir,
}

impl Session {
    fn begin() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:path={}", home.path().join("bus").display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is there (scripts/setup test)");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let mut keyring = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .envs(["HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"].map(|name| (name, home.path())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is there (scripts/setup test)");
        keyring.stdin.take().unwrap().write_all(b"the password of a user").unwrap();
        // It says where it listens once it does.
        let mut said = String::new();
        BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut said).unwrap();
        Self { bus, keyring, address, _home: home }
    }

    fn till(&self, till: &Till) -> Till {
        till.with("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for process in [&mut self.keyring, &mut self.bus] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[test]
fn names_open_in_the_session_whose_keyring_has_the_secret_and_nowhere_else() {
    let session = Session::begin();
    let away = Till::new().with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    let here = session.till(&away);
    here.one(&["init", "--shop", "Café Anker"]);
    let (_, code) = here.joined("Quirinalde");
    let keys = || fs::read_to_string(here.folder().join("stempel.keys")).unwrap();
    let clear = keys();

    // Without a keyring nothing changes.
    let (exit, said) = away.refused(&["rotate-keys", "--seal", "keyring"]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("keyring"), "{said}");
    assert_eq!(keys(), clear);

    assert_eq!(here.one(&["rotate-keys", "--seal", "keyring"])["seal"], "keyring");
    let sealed = keys();
    assert!(sealed.contains("sealed_keys") && sealed.contains("folder-"), "{sealed}");
    here.one(&["stamp", "--member", &code]);
    assert_eq!(here.one(&["member", "show", &code])["name"], "Quirinalde");

    // A copy of the folder in somebody else's hands: who looks sees no names, who writes is told why.
    let shown = away.one(&["member", "show", &code]);
    assert!(shown["name"].is_null(), "{shown}");
    let (_, said) = away.refused(&["stamp", "--member", &code]);
    assert!(said.contains("keyring"), "{said}");
    assert_eq!(keys(), sealed, "and nothing was written over it");
    // Nor does the key that had stood in clear open anything.
    fs::write(here.folder().join("stempel.keys"), &clear).unwrap();
    assert!(away.one(&["member", "show", &code])["name"].is_null());
    fs::write(here.folder().join("stempel.keys"), &sealed).unwrap();

    // Made anew it stays sealed, in the same place; and it can be taken back.
    here.one(&["rotate-keys"]);
    assert!(keys() != sealed && entry(&keys()) == entry(&sealed));
    here.one(&["rotate-keys", "--seal", "keyring"]);
    assert_ne!(entry(&keys()), entry(&sealed));
    here.one(&["rotate-keys", "--seal", "none"]);
    assert_eq!(away.one(&["member", "show", &code])["name"], "Quirinalde");
    away.one(&["stamp", "--member", &code]);
    away.one(&["journal", "verify"]);
}

/// Where a sealed file says that its secret is.
fn entry(file: &str) -> String {
    text(&serde_json::from_str::<serde_json::Value>(file).unwrap()["entry"])
}

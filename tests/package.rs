//! The Debian package: made, installed into a folder of its own, removed, purged. Programs in it are stand-ins: what is
//! looked at is the package.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// The files below a folder, but those of dpkg itself.
fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if name.starts_with("var/lib/dpkg") || name.starts_with("var/log") {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.insert(name);
            }
        }
    }
    found
}

/// dpkg on a folder; maintainers' scripts run outside it and are told where it is.
fn dpkg(root: &Path, words: &[&str]) -> String {
    run(Command::new("dpkg")
        .arg(format!("--root={}", root.display()))
        .args(["--force-script-chrootless", "--force-depends", "--force-not-root"])
        .args(words)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
}

#[test]
fn the_package_installs_and_leaves_nothing_but_data() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("not tried: there is no dpkg here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (out, root) = (folder.path().join("out"), folder.path().join("root"));
    run(Command::new("scripts/package")
        .arg(&out)
        .env("STEMPEL", "/bin/true")
        .env("STEMPEL_SERVER", "/bin/true")
        .env("PACKAGE_FAST", "1"));
    let packages: Vec<PathBuf> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [package] = packages.as_slice() else { panic!("one package: {packages:?}") };
    let owners = run(Command::new("dpkg-deb").arg("--contents").arg(package));
    assert!(owners.lines().all(|line| line.contains("root/root")), "{owners}");

    for folder in ["var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/log"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["var/lib/dpkg/status", "var/lib/dpkg/available"] {
        std::fs::write(root.join(file), "").unwrap();
    }
    dpkg(&root, &["--install", package.to_str().unwrap()]);
    let there = files(&root);
    for wanted in [
        "usr/bin/stempel",
        "usr/bin/stempel-server",
        "usr/lib/systemd/system/stempel-kiosk.service",
        "usr/lib/systemd/system/stempel-kiosk-console.service",
        "usr/lib/systemd/system/stempel-server.service",
        "usr/lib/udev/rules.d/70-stempel.rules",
        "usr/lib/sysusers.d/stempel.conf",
        "etc/stempel/server.toml",
    ] {
        assert!(there.contains(wanted), "{wanted} is missing: {there:?}");
    }
    // Every program that a unit starts, and that is ours, is in the package.
    for unit in ["stempel-kiosk", "stempel-server"] {
        let text =
            std::fs::read_to_string(root.join(format!("usr/lib/systemd/system/{unit}.service"))).unwrap();
        let started = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        for word in started.split(' ').filter(|word| word.starts_with("/usr") && word.contains("stempel")) {
            assert!(there.contains(word.trim_start_matches('/')), "{unit} starts {word}");
        }
    }

    // A shop has worked with it.
    let data = root.join("var/lib/stempel-kiosk");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("stempel.db"), "precious").unwrap();
    // An upgrade to the same version is an installation too.
    dpkg(&root, &["--install", package.to_str().unwrap()]);
    dpkg(&root, &["--remove", "stempel"]);
    let kept = files(&root);
    assert_eq!(
        kept.iter().map(String::as_str).collect::<Vec<_>>(),
        ["etc/stempel/server.toml", "var/lib/stempel-kiosk/stempel.db"]
    );
    let said = dpkg(&root, &["--purge", "stempel"]);
    assert!(said.contains("The data in /var/lib/stempel-kiosk stays"), "{said}");
    assert_eq!(files(&root).into_iter().collect::<Vec<_>>(), ["var/lib/stempel-kiosk/stempel.db"]);
}

#[test]
fn a_kiosk_that_crashes_or_stands_still_is_begun_again_within_two_seconds() {
    let text = std::fs::read_to_string("deploy/stempel-kiosk.service").unwrap();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("Restart"), Some("always"));
    assert!(
        value("RestartSec")
            .and_then(|text| text.strip_suffix("ms")?.parse::<u32>().ok())
            .is_some_and(|milliseconds| milliseconds <= 500)
    );
    assert!(value("WatchdogSec").is_some() && value("Type") == Some("notify"));
    if Command::new("systemd-analyze").arg("--version").output().is_ok() {
        // The programs that it names are not on this machine; everything else must be understood.
        let checked = Command::new("systemd-analyze")
            .args(["verify", "deploy/stempel-kiosk.service"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let wrong: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("stempel-kiosk") && !line.contains("is not executable"))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

//! Which crate may know which. The walls are crate boundaries; this test fails when somebody cuts a door.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Table;

/// For each crate, the crates of ours that it may depend on.
const MAY_KNOW: [(&str, &[&str]); 11] = [
    ("stempel-domain", &[]),
    ("stempel-wire", &["stempel-domain"]),
    ("stempel-store", &["stempel-domain", "stempel-wire"]),
    ("stempel-sync", &["stempel-domain", "stempel-wire"]),
    ("stempel-server", &["stempel-domain", "stempel-wire"]),
    ("stempel-scan", &[]),
    ("stempel-testkit", &[]),
    ("stempel-faultfs", &[]),
    ("stempel-terminal", &["stempel-domain", "stempel-wire", "stempel-store", "stempel-sync"]),
    (
        "stempel-simulator",
        &[
            "stempel-domain",
            "stempel-wire",
            "stempel-store",
            "stempel-sync",
            "stempel-terminal",
            "stempel-server",
            "stempel-faultfs",
            "stempel-testkit",
        ],
    ),
    (
        "stempel",
        &[
            "stempel-domain",
            "stempel-wire",
            "stempel-store",
            "stempel-sync",
            "stempel-scan",
            "stempel-terminal",
            "stempel-server",
            "stempel-simulator",
            "stempel-testkit",
        ],
    ),
];

/// What `domain` may use from elsewhere: nothing that reads a clock, a file, the network or randomness.
const DOMAIN_USES: [&str; 8] =
    ["serde", "serde_json", "jiff", "thiserror", "toml", "blake3", "sha2", "data-encoding"];

/// What the source of `domain` must not name.
const DOMAIN_NEVER: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "HashMap",
    "HashSet",
];

fn manifest(path: &Path) -> Table {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn name(manifest: &Table) -> String {
    manifest["package"]["name"].as_str().unwrap().to_owned()
}

/// The crates that a manifest depends on, without those for tests.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut tables: Vec<&Table> = ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .collect();
    if let Some(targets) = manifest.get("target").and_then(|targets| targets.as_table()) {
        tables.extend(targets.values().filter_map(|target| target.get("dependencies")?.as_table()));
    }
    tables.iter().flat_map(|table| table.keys().cloned()).collect()
}

fn manifests() -> BTreeMap<String, Table> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let paths = crates.map(|path| path.join("Cargo.toml")).chain([root.join("Cargo.toml")]);
    paths.map(|path| manifest(&path)).map(|manifest| (name(&manifest), manifest)).collect()
}

#[test]
fn no_crate_knows_more_than_it_may() {
    let manifests = manifests();
    let known: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    assert_eq!(found, known, "every crate has its line in MAY_KNOW");
    for (name, may) in MAY_KNOW {
        let ours = dependencies(&manifests[name]).into_iter().filter(|name| name.starts_with("stempel"));
        for other in ours {
            assert!(may.contains(&other.as_str()), "{name} must not know {other}");
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let manifests = manifests();
    for used in dependencies(&manifests["stempel-domain"]) {
        assert!(DOMAIN_USES.contains(&used.as_str()), "domain must not use {used}");
    }
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/domain/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for never in DOMAIN_NEVER {
                assert!(!source.contains(never), "{} names {never}", path.display());
            }
        }
    }
}

#[test]
fn no_rule_lives_on_a_screen() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let source = std::fs::read_to_string(&path).unwrap().to_lowercase();
                for never in ["stempel_domain", "programme-id ==", "price *", "* price"] {
                    assert!(!source.contains(never), "{} names {never}", path.display());
                }
            }
        }
    }
}

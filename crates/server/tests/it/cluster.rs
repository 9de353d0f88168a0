//! The PostgreSQL server of the tests: made in a temporary folder by the first test that needs it, shared by all
//! test processes, ended and removed when the last of them is gone (`cluster.sh`).

use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sqlx::Connection as _;

/// A place in the cluster: while a process has it, the cluster lives.
struct Place {
    _using: File,
    port: u16,
}

/// Whether what is committed survives a pulled plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It need not: tests are faster.
    Careless,
    /// It does, as in real use.
    Durable,
}

/// The port where the cluster listens on this machine.
pub fn port() -> u16 {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| join(crate::DISK)).port
}

fn join(disk: Disk) -> Place {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str| home.join(format!("postgres-{disk:?}-{name}").to_lowercase());
    let open = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
    let (users, start, running) = (file("users"), file("start"), file("running"));
    let using = open(&users);
    using.lock_shared().unwrap();
    // Released at the end of this function.
    let starting = open(&start);
    starting.lock().unwrap();
    let there = fs::read_to_string(&running).ok().and_then(|text| text.parse::<u16>().ok());
    if let Some(port) = there.filter(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
        return Place { _using: using, port };
    }
    for _ in 0..3 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if begin(port, disk, [&users, &start, &running], &file("log")) {
            fs::write(&running, port.to_string()).unwrap();
            return Place { _using: using, port };
        }
    }
    panic!("PostgreSQL does not start; {} says why", file("log").display());
}

/// Starts a cluster and waits until it answers.
fn begin(port: u16, disk: Disk, files: [&Path; 3], log: &Path) -> bool {
    let folder = tempfile::Builder::new().prefix("stempel-postgres-").tempdir().unwrap().keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let log = File::create(log).unwrap();
    let mut script = Command::new("sh")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cluster.sh"))
        .arg(programs())
        .args([folder.as_os_str(), port.to_string().as_ref()])
        .args(files)
        .arg(if disk == Disk::Durable { "on" } else { "off" })
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        // It outlives the test that started it: whoever ends that test must not end the cluster.
        .process_group(0)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && script.try_wait().unwrap().is_none() {
        if answers(port) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = script.kill();
    let _ = script.wait();
    false
}

fn answers(port: u16) -> bool {
    // A runtime cannot be entered from within another: the test may be inside one already.
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { sqlx::PgConnection::connect(&url(port)).await.is_ok() })
    });
    asked.join().unwrap()
}

/// The URL of the cluster's database.
pub fn url(port: u16) -> String {
    format!("postgres://stempel@127.0.0.1:{port}/postgres?sslmode=disable")
}

/// The schema of a test's URL.
pub fn schema(url: &str) -> &str {
    url.rsplit_once("search_path]=").unwrap().1
}

/// Runs one of PostgreSQL's programs on the cluster.
fn program(name: &str, more: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(programs().join(name))
        .args(["-h", "127.0.0.1", "-p", &port().to_string(), "-U", "stempel"])
        .args(more)
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let fed = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    fed.join().unwrap();
    assert!(output.status.success(), "{name} failed");
    output.stdout
}

/// A schema as `pg_dump` writes it.
pub fn dump(url: &str) -> Vec<u8> {
    program("pg_dump", &["-n", schema(url)], b"")
}

/// Reads a dump back.
pub fn load(dump: &[u8]) {
    program("psql", &["-q", "-X", "-v", "ON_ERROR_STOP=1"], dump);
}

/// Where PostgreSQL's programs are.
fn programs() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| entry.ok());
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let elsewhere = std::env::var_os("PATH").unwrap_or_default();
    let found = versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&elsewhere))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.expect("PostgreSQL 15 or later is missing: “scripts/setup test” installs it")
}

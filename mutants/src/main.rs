//! Mutation testing of `crates/domain` with one build for all mutants.
//!
//! cargo-mutants builds and tests each change on its own; that took some eleven seconds for each of three thousand.
//! Here its own list of changes is woven into one copy of the sources (`weave`), a number in the environment says
//! which one is live, and a mutant is tried only on the tests that come by its place, the quickest first. What
//! cannot be woven is left to cargo-mutants itself. `make mutants` runs it from the root of the project:
//!
//! `stempel-mutants --out DIR [--file PART]... [--missed]`: `--file` keeps to files whose path holds the text;
//! `--missed` tries again only what the last run over the same folder missed.
//!
//! What lives must stand in `mutants/lives` with a reason (`lives`), or the run fails.
//!
//! In DIR: `tree` (the copy), `results.json` (each mutant and what became of it), `left-to-cargo-mutants.txt`.

mod lives;
mod weave;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use weave::{Mutant, Woven};

/// Chooses the live mutant, and notes which places a test comes by.
const RUNTIME: &str = include_str!("runtime.rs");
/// The mutants that may live, from the root of the project.
const LIVES: &str = "mutants/lives";
/// A test that runs so much longer than without a change hangs, in seconds of processor time.
const SECONDS_MAX: u64 = 5;
/// So many cases of each property, always the same ones.
const CASES: &str = "8";
/// Tests are tried in parcels, the quickest first, that take such a part of the time of all: what one parcel catches is
/// not tried on the next.
const PARCELS: [f64; 3] = [0.05, 0.25, f64::MAX];

fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    let (plain, tree) = (arguments.out.join("plain"), arguments.out.join("tree"));
    copy_tree(&plain)?;
    let mutants = list(&plain)?;
    let mut verdicts: BTreeMap<usize, String> = BTreeMap::new();
    // What did not build need not be found out again, as long as it stands where it stood.
    let known = arguments.out.join("unbuilt.json");
    let unbuilt: BTreeMap<String, String> =
        std::fs::read(&known).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let again = mutants.iter().filter_map(|mutant| Some((mutant.id, unbuilt.get(&mutant.name)?.clone())));
    verdicts.extend(again);
    let (binaries, places) = build(&plain, &tree, &mutants, &mut verdicts)?;
    let unbuilt: BTreeMap<&str, &str> = mutants
        .iter()
        .filter_map(|mutant| Some((mutant.name.as_str(), verdicts.get(&mutant.id)?.as_str())))
        .filter(|(_, verdict)| *verdict == "unbuilt")
        .collect();
    std::fs::write(&known, serde_json::to_string_pretty(&unbuilt)?)?;
    let before = read_results(&arguments.out, &mutants)?;
    let mut chosen: Vec<&Mutant> = mutants.iter().filter(|mutant| arguments.takes(mutant, &before)).collect();
    chosen.sort_by_key(|mutant| arguments.order(mutant));
    let tests = trace(&tree, &binaries, &arguments.out)?;
    eprintln!("{} tests, {} mutants, {} of them now", tests.len(), mutants.len(), chosen.len());
    for (done, mutant) in chosen.iter().enumerate() {
        if verdicts.contains_key(&mutant.id) {
            continue;
        }
        let place = places.get(&mutant.id).copied().unwrap_or(mutant.id);
        let verdict = attempt(&tree, mutant.id, place, &tests)?;
        if verdict != "caught" {
            eprintln!("{verdict}: {} ({}/{})", mutant.name, done + 1, chosen.len());
        }
        verdicts.insert(mutant.id, verdict.to_owned());
        if done % 100 == 99 {
            save(&arguments.out, &chosen[..=done], &verdicts, before.clone())?;
        }
    }
    report(&save(&arguments.out, &chosen, &verdicts, before)?);
    explain(&mutants, &chosen, &verdicts)
}

/// Says of those that live which have a reason; fails if one has none.
fn explain(mutants: &[Mutant], chosen: &[&Mutant], verdicts: &BTreeMap<usize, String>) -> Result<()> {
    let lives = lives::read(Path::new(LIVES))?;
    let tried: BTreeSet<usize> = chosen.iter().map(|mutant| mutant.id).collect();
    let verdict = |mutant: &Mutant| verdicts.get(&mutant.id).map_or("left", String::as_str);
    let lived: Vec<&Mutant> = chosen.iter().copied().filter(|mutant| verdict(mutant) == "missed").collect();
    let open: Vec<&Mutant> =
        mutants.iter().filter(|mutant| !tried.contains(&mutant.id) || verdict(mutant) == "left").collect();
    let judged = lives::judge(&lives, &lived, &open);
    println!("\n{} live, {} of them with a reason in {LIVES}", lived.len(), judged.explained.len());
    for life in &judged.stale {
        println!("stale: {life}");
    }
    for mutant in &judged.unexplained {
        println!("unexplained: {}", lives::line_of(mutant));
    }
    ensure!(judged.unexplained.is_empty(), "{} live without a reason", judged.unexplained.len());
    Ok(())
}

struct Arguments {
    out: PathBuf,
    files: Vec<String>,
    missed: bool,
}

impl Arguments {
    fn read() -> Result<Self> {
        let (mut out, mut files, mut missed) = (None, Vec::new(), false);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--out" => out = arguments.next().map(PathBuf::from),
                "--file" => files.extend(arguments.next()),
                "--missed" => missed = true,
                other => {
                    bail!("{other} is not known; write stempel-mutants --out DIR [--file PART]... [--missed]")
                }
            }
        }
        let out = out.context("name a folder for the results: --out DIR")?;
        std::fs::create_dir_all(&out)?;
        Ok(Self { out: out.canonicalize()?, files, missed })
    }

    /// Files are tried in the order in which they were named.
    fn order(&self, mutant: &Mutant) -> usize {
        self.files.iter().position(|part| mutant.file.contains(part.as_str())).unwrap_or(0)
    }

    fn takes(&self, mutant: &Mutant, before: &BTreeMap<String, Value>) -> bool {
        let in_file =
            self.files.is_empty() || self.files.iter().any(|part| mutant.file.contains(part.as_str()));
        // A line may have moved since: what was missed is known by the text of its change.
        let was_missed = || {
            before.values().any(|old| {
                old["verdict"] == "missed" && old["file"] == mutant.file && old["change"] == mutant.listed()
            })
        };
        in_file && (!self.missed || was_missed())
    }
}

/// Copies what the tests of the domain need, and nothing else, into a workspace of its own.
fn copy_tree(tree: &Path) -> Result<()> {
    for part in
        ["crates/domain", "assets/programmes", "docs/PROGRAMMES.md", "fuzz/corpus", "fuzz/src/checks.rs"]
    {
        let to = tree.join(part);
        if to.is_dir() {
            std::fs::remove_dir_all(&to)?;
        }
        std::fs::create_dir_all(to.parent().context("a part of the tree lies in a folder")?)?;
        run(Command::new("cp").args(["-r", part]).arg(&to))?;
    }
    run(Command::new("cp").arg("Cargo.lock").arg(tree))?;
    let whole = std::fs::read_to_string("Cargo.toml")?;
    let mut small = "[workspace]\nmembers = [\"crates/domain\"]\nresolver = \"3\"\n".to_owned();
    let mut is_wanted = false;
    for line in whole.lines() {
        if line.starts_with('[') {
            is_wanted = line.starts_with("[workspace.");
        }
        if is_wanted && (!line.contains("path = \"crates/") || line.starts_with("stempel-domain")) {
            small.push_str(line);
            small.push('\n');
        }
    }
    // Optimising the woven crate took longer than it saved; overflow is checked as in other tests.
    small.push_str(
        "[profile.dev]\ndebug = false\nincremental = false\n[profile.dev.package.\"*\"]\nopt-level = 2\n",
    );
    std::fs::write(tree.join("Cargo.toml"), small)?;
    // The bench is not built: its crate is the largest of all.
    let manifest = tree.join("crates/domain/Cargo.toml");
    let text = std::fs::read_to_string(&manifest)?.replace("criterion.workspace = true\n", "");
    let text = text.split("[[bench]]").next().unwrap_or_default().to_owned();
    std::fs::write(manifest, text)?;
    std::fs::remove_dir_all(tree.join("crates/domain/benches"))?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// The changes that cargo-mutants would make.
fn list(tree: &Path) -> Result<Vec<Mutant>> {
    let out = Command::new("cargo").args(["mutants", "--list", "--json", "-d"]).arg(tree).output()?;
    ensure!(out.status.success(), "cargo mutants --list: {}", String::from_utf8_lossy(&out.stderr));
    let listed: Vec<Value> = serde_json::from_slice(&out.stdout)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut mutants = Vec::new();
    for (index, entry) in listed.iter().enumerate() {
        let file = text(&entry["file"]);
        if !files.contains_key(&file) {
            files.insert(file.clone(), std::fs::read_to_string(tree.join(&file))?);
        }
        let place = |end: &str| byte_of(&files[&file], &entry["span"][end]);
        let line = entry["span"]["start"]["line"].as_u64().unwrap_or(1) as usize;
        let code = files[&file].lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        mutants.push(Mutant {
            id: index + 1,
            name: text(&entry["name"]),
            genre: text(&entry["genre"]),
            replacement: text(&entry["replacement"]),
            place: place("start")..place("end"),
            // A constant stands in none.
            function: entry["function"]["function_name"].as_str().unwrap_or("-").to_owned(),
            code,
            file,
        });
    }
    Ok(mutants)
}

fn byte_of(text: &str, position: &Value) -> usize {
    let number = |key: &str| position[key].as_u64().unwrap_or(1) as usize;
    let before: usize = text.split_inclusive('\n').take(number("line") - 1).map(str::len).sum();
    let line = text[before..].split_inclusive('\n').next().unwrap_or_default();
    before + line.chars().take(number("column") - 1).map(char::len_utf8).sum::<usize>()
}

/// Weaves and builds, leaving out what does not build, until the rest does; gives the test binaries, and the number of each
/// mutant's place.
fn build(
    plain: &Path,
    tree: &Path,
    mutants: &[Mutant],
    verdicts: &mut BTreeMap<usize, String>,
) -> Result<(Vec<PathBuf>, BTreeMap<usize, usize>)> {
    let files: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
    let original = |file: &str| std::fs::read_to_string(plain.join(file));
    let texts: BTreeMap<&str, String> =
        files.iter().map(|file| Ok((*file, original(file)?))).collect::<std::io::Result<_>>()?;
    let library = plain.join("crates/domain/src/lib.rs");
    let whole = std::fs::read_to_string(&library)?;
    std::fs::write(
        &library,
        format!("{whole}\n#[doc(hidden)]\n#[allow(missing_docs)]\npub mod mutation;\n"),
    )?;
    std::fs::write(plain.join("crates/domain/src/mutation.rs"), RUNTIME)?;
    bring_over(plain, tree, &files)?;
    for round in 1..=40 {
        let mut woven: BTreeMap<&str, Woven> = BTreeMap::new();
        for (&file, text) in &texts {
            let own =
                mutants.iter().filter(|mutant| mutant.file == file && !verdicts.contains_key(&mutant.id));
            let file_woven = weave::weave(text, &own.collect::<Vec<_>>())?;
            verdicts.extend(file_woven.left_out.iter().map(|id| (*id, "left".to_owned())));
            verdicts.extend(file_woven.unbuilt.iter().map(|id| (*id, "unbuilt".to_owned())));
            write_if_new(&tree.join(file), file_woven.text.as_bytes())?;
            woven.insert(file, file_woven);
        }
        let out = Command::new("cargo")
            .args(["test", "--no-run", "--lib", "--test", "it", "--message-format", "json", "-q"])
            .current_dir(tree)
            .env("CARGO_TARGET_DIR", tree.join("../target"))
            .env("RUSTFLAGS", "--cap-lints allow")
            .stderr(Stdio::null())
            .output()?;
        let messages: Vec<Value> =
            out.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        if out.status.success() {
            let made = messages.iter().filter_map(|message| message["executable"].as_str());
            let places = woven.values().flat_map(|woven| woven.places.clone()).collect();
            return Ok((made.map(PathBuf::from).collect(), places));
        }
        let bad = blame(&messages, &woven);
        eprintln!("round {round}: {} do not build", bad.len());
        ensure!(!bad.is_empty(), "the build fails, and not by a mutant: {}", first_error(&messages));
        verdicts.extend(bad);
    }
    bail!("the build still fails")
}

/// Copies what differs, apart from the files that are woven: what stands there already need not be built again.
fn bring_over(plain: &Path, tree: &Path, woven: &BTreeSet<&str>) -> Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        std::fs::create_dir_all(tree.join(&folder))?;
        for entry in std::fs::read_dir(plain.join(&folder))? {
            let path = folder.join(entry?.file_name());
            if plain.join(&path).is_dir() {
                folders.push(path);
            } else if !woven.iter().any(|file| Path::new(file) == path) {
                write_if_new(&tree.join(&path), &std::fs::read(plain.join(&path))?)?;
            }
        }
    }
    Ok(())
}

fn write_if_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    Ok(std::fs::write(path, bytes)?)
}

fn first_error(messages: &[Value]) -> String {
    let errors = messages.iter().filter(|message| message["message"]["level"] == "error");
    errors.filter_map(|message| message["message"]["rendered"].as_str()).take(3).collect()
}

/// Which mutants the errors of a build come from: those whose own text is wrong do not build; those that something
/// around them cannot bear are left to cargo-mutants.
fn blame(messages: &[Value], woven: &BTreeMap<&str, Woven>) -> BTreeMap<usize, String> {
    let mut bad = BTreeMap::new();
    for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
        let spans = message["message"]["spans"].as_array().into_iter().flatten();
        let mut around: Option<(usize, usize)> = None;
        let mut is_blamed = false;
        for span in spans {
            let Some(file) = span["file_name"].as_str() else { continue };
            let Some((_, woven)) =
                woven.iter().find(|(name, _)| name.ends_with(file) || file.ends_with(**name))
            else {
                continue;
            };
            let (start, end) = (span["byte_start"].as_u64(), span["byte_end"].as_u64());
            let (Some(start), Some(end)) = (start, end) else { continue };
            for mark in &woven.marks {
                if mark.place.start > start as usize || mark.place.end < end as usize {
                    continue;
                }
                if mark.is_change {
                    is_blamed = true;
                    bad.insert(mark.id, "unbuilt".to_owned());
                } else if around.is_none_or(|(length, _)| mark.place.len() < length) {
                    around = Some((mark.place.len(), mark.id));
                }
            }
        }
        if let Some((_, id)) = around.filter(|_| !is_blamed) {
            bad.insert(id, "left".to_owned());
        }
    }
    bad
}

/// A test, how long it runs, and the places that it comes by.
struct Test {
    binary: PathBuf,
    name: String,
    seconds: f64,
    reached: BTreeSet<usize>,
}

fn test_command(tree: &Path, binary: &Path, seconds_max: u64) -> Command {
    // Time of the processor, not of the clock: other work on the machine makes no mutant hang.
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -t {seconds_max}; ulimit -v 4000000; exec \"$0\" \"$@\"")])
        .arg(binary)
        .current_dir(tree.join("crates/domain"))
        .env("CARGO_MANIFEST_DIR", tree.join("crates/domain"))
        .env("PROPTEST_CASES", CASES)
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs each test by itself without a change, and notes what it comes by.
fn trace(tree: &Path, binaries: &[PathBuf], out: &Path) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    let reached = out.join("reached.txt");
    for binary in binaries {
        let listed = Command::new(binary).args(["--list", "--format", "terse"]).output()?;
        for name in
            String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.strip_suffix(": test"))
        {
            std::fs::write(&reached, "")?;
            let begun = Instant::now();
            let status = test_command(tree, binary, 300)
                .args(["--exact", name, "--test-threads", "1"])
                .env("STEMPEL_MUTANT_TRACE", &reached)
                .status()?;
            ensure!(status.success(), "{name} fails without a change");
            let places = std::fs::read_to_string(&reached)?;
            tests.push(Test {
                binary: binary.clone(),
                name: name.to_owned(),
                seconds: begun.elapsed().as_secs_f64(),
                reached: places.lines().filter_map(|line| line.parse().ok()).collect(),
            });
        }
    }
    tests.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(tests)
}

/// Tries a mutant on the tests that come by its place.
fn attempt(tree: &Path, id: usize, place: usize, tests: &[Test]) -> Result<&'static str> {
    let mut open: Vec<&Test> = tests.iter().filter(|test| test.reached.contains(&place)).collect();
    for parcel in PARCELS {
        let most = parcel * open.iter().map(|test| test.seconds).sum::<f64>();
        let mut seconds = 0.0;
        let count = open.iter().take_while(|test| {
            seconds += test.seconds;
            seconds <= most
        });
        let count = count.count().max(usize::from(!open.is_empty()));
        let (now, later) = open.split_at(count);
        for binary in now.iter().map(|test| &test.binary).collect::<BTreeSet<_>>() {
            let names = now.iter().filter(|test| test.binary == *binary).map(|test| test.name.as_str());
            let status = test_command(tree, binary, SECONDS_MAX)
                .args(["--exact", "--test-threads", "1"])
                .args(names)
                .env("STEMPEL_MUTANT", id.to_string())
                .status()?;
            match status.code() {
                Some(0) => {}
                Some(_) => return Ok("caught"),
                // A signal: out of time, or out of memory or stack.
                None => return Ok("hung"),
            }
        }
        open = later.to_vec();
    }
    Ok("missed")
}

/// What became of mutants in earlier runs, without those that are no longer there.
fn read_results(out: &Path, mutants: &[Mutant]) -> Result<BTreeMap<String, Value>> {
    let Ok(bytes) = std::fs::read(out.join("results.json")) else { return Ok(BTreeMap::new()) };
    let mut results: BTreeMap<String, Value> = serde_json::from_slice(&bytes)?;
    let there: BTreeSet<(&str, &str)> =
        mutants.iter().map(|mutant| (mutant.file.as_str(), mutant.listed())).collect();
    results.retain(|_, old| {
        let text = |key: &str| old[key].as_str().unwrap_or_default();
        there.contains(&(text("file"), text("change")))
    });
    Ok(results)
}

/// Adds what became of mutants to what was known before, and keeps it.
fn save(
    out: &Path,
    chosen: &[&Mutant],
    verdicts: &BTreeMap<usize, String>,
    mut results: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>> {
    let files: BTreeSet<&str> = chosen.iter().map(|mutant| mutant.file.as_str()).collect();
    let changes: BTreeSet<(&str, &str)> =
        chosen.iter().map(|mutant| (mutant.file.as_str(), mutant.listed())).collect();
    // What is tried now replaces what was said before of the same changes.
    results.retain(|_, old| {
        let (file, change) =
            (old["file"].as_str().unwrap_or_default(), old["change"].as_str().unwrap_or_default());
        !(files.contains(file) && changes.contains(&(file, change)))
    });
    for mutant in chosen {
        let verdict = verdicts.get(&mutant.id).map_or("left", String::as_str);
        let entry = json!({"file": mutant.file, "change": mutant.listed(), "verdict": verdict});
        results.insert(mutant.name.clone(), entry);
    }
    std::fs::write(out.join("results.json"), serde_json::to_string_pretty(&results)?)?;
    let left = results.iter().filter(|(_, entry)| entry["verdict"] == "left").map(|(name, _)| name.as_str());
    std::fs::write(out.join("left-to-cargo-mutants.txt"), left.collect::<Vec<_>>().join("\n"))?;
    Ok(results)
}

/// The table of docs/RELIABILITY.md.
fn report(results: &BTreeMap<String, Value>) {
    let mut rows: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for entry in results.values() {
        let (file, verdict) =
            (entry["file"].as_str().unwrap_or_default(), entry["verdict"].as_str().unwrap_or_default());
        *rows.entry(file).or_default().entry(verdict).or_default() += 1;
        *rows.entry("all").or_default().entry(verdict).or_default() += 1;
    }
    println!("| file | mutants | caught | hung | not built | missed | left |\n|---|---|---|---|---|---|---|");
    for (file, row) in &rows {
        let count = |verdict: &str| row.get(verdict).copied().unwrap_or(0);
        let file = file.strip_prefix("crates/domain/src/").unwrap_or(file);
        println!(
            "| {file} | {} | {} | {} | {} | {} | {} |",
            row.values().sum::<usize>(),
            count("caught"),
            count("hung"),
            count("unbuilt"),
            count("missed"),
            count("left"),
        );
    }
}

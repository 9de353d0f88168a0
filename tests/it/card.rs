//! The member's card in a real browser, with a real terminal that reads it from the page's own pixels, and what is
//! printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, Till, text};

/// How long the browser may take.
const TIME: Duration = Duration::from_secs(300);

/// The folder with the browser's packages.
fn packages() -> PathBuf {
    if let Some(named) = std::env::var_os("STEMPEL_BROWSER") {
        return named.into();
    }
    let home = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/stempel/browser");
    assert!(
        home.join("node_modules/playwright-core").is_dir(),
        "The browser's packages are missing; run “scripts/setup test”."
    );
    home
}

/// Reads the codes of a page of a PDF.
fn codes_of(till: &Till, pdf: &Path, page: &str) -> Vec<String> {
    let picture = pdf.with_extension(page);
    let drawn = Command::new("pdftoppm")
        .args(["-png", "-r", "200", "-singlefile", "-f", page, "-l", page])
        .args([pdf, &picture])
        .status()
        .expect("pdftoppm (poppler-utils) is installed; run “scripts/setup test”");
    assert!(drawn.success());
    let mut file = picture.into_os_string();
    file.push(".png");
    let read = till.run(&["scan", &file.to_string_lossy()]);
    let codes = read.lines[0]["codes"].as_array().unwrap();
    codes.iter().map(|code| text(&code["text"])).collect()
}

#[test]
fn a_guest_joins_by_a_poster_and_a_terminal_stamps_the_page() {
    let server = Server::start();
    let till = server.enrolled();
    let link = text(&server.admin(&["paper", "join-link"]).one()["code"]);
    let sheet = server.file("cards.pdf");
    let sheet_text = sheet.display().to_string();
    server.admin(&["paper", "sheet", "--count", "1", "--out", &sheet_text, "--url", &server.url()]).one();
    let front = codes_of(&till, &sheet, "1").remove(0);
    let token = front.rsplit('/').next().unwrap().to_owned();
    let words = Command::new("pdftotext").args([&sheet_text, "-"]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let second = words.lines().find(|line| {
        line.len() == 11 && line.chars().all(|c| c == ' ' || c.is_ascii_digit() || c.is_ascii_uppercase())
    });
    let second = second.unwrap_or_else(|| panic!("no second code in {words}")).to_owned();
    let program = env!("CARGO_BIN_EXE_stempel").to_owned();
    walk(
        &server,
        "card.mjs",
        &[
            ("STEMPEL_LINK", link),
            ("STEMPEL_TOKEN", token),
            ("STEMPEL_SECOND", second),
            ("STEMPEL_PROGRAM", program),
            ("STEMPEL_TILL", till.folder().display().to_string()),
            ("STEMPEL_DATABASE", server.database()),
        ],
    );
    server.verified();
}

#[test]
fn an_owner_walks_from_an_empty_server_to_the_first_stamp() {
    let server = Server::empty();
    let email = "olga@example.org";
    let code = text(&server.admin(&["owner", "add", email]).one()["code"]);
    let till = Till::new();
    walk(
        &server,
        "first.mjs",
        &[
            ("STEMPEL_EMAIL", email.to_owned()),
            ("STEMPEL_PASSWORD", "ein guter langer Satz".to_owned()),
            ("STEMPEL_CODE", code),
            ("STEMPEL_PROGRAM", env!("CARGO_BIN_EXE_stempel").to_owned()),
            ("STEMPEL_TILL", till.folder().display().to_string()),
        ],
    );
    server.verified();
}

/// Runs a script of `tests/browser` against a server.
fn walk(server: &Server, script: &str, environment: &[(&str, String)]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let log = server.file("browser.log");
    let mut browser = Command::new("node")
        .arg(script)
        .env("STEMPEL_URL", server.url())
        .env("STEMPEL_BROWSER", packages())
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(std::fs::File::options().append(true).open(&log).unwrap())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = browser.try_wait().unwrap() {
            break Some(status);
        }
        if began.elapsed() > TIME {
            browser.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let said = std::fs::read_to_string(&log).unwrap();
    #[allow(clippy::print_stdout, reason = "the script's own lines say what was measured")]
    {
        println!("{said}");
    }
    assert!(status.is_some_and(|status| status.success()), "{said}");
}

#[test]
fn printed_cards_and_posters_are_read_from_their_paper() {
    let server = Server::start();
    let till = server.enrolled();
    let sheet = server.file("cards.pdf");
    let asked = ["paper", "sheet", "--count", "12", "--out", &sheet.display().to_string()];
    let made = server.admin(&asked).one();
    assert_eq!(made["cards"], 12);
    let fronts = codes_of(&till, &sheet, "1");
    assert_eq!(fronts.len(), 10, "all ten of a sheet");
    let backs = codes_of(&till, &sheet, "2");
    assert_eq!(backs.len(), 10, "all ten of a sheet");
    assert!(backs.iter().all(|back| back.starts_with("R1")), "a back is no card: {backs:?}");
    let given = till.one(&["stamp", "--member", &fronts[0]]);
    assert_eq!(given["balances"]["stamp:coffee"], "1", "a printed card earns at its first scan");
    for tent in [false, true] {
        let poster = server.file(if tent { "tent.pdf" } else { "poster.pdf" });
        let out = poster.display().to_string();
        let mut asked = vec!["paper", "poster", "--out", &out, "--url", "https://karte.example"];
        asked.extend(tent.then_some("--tent"));
        let made = server.admin(&asked).one();
        let codes = codes_of(&till, &poster, "1");
        assert_eq!(codes.len(), 1 + usize::from(tent), "{codes:?}");
        assert!(codes.iter().all(|code| code.as_str() == made["link"]), "{codes:?}");
    }
}

#[test]
fn a_lost_card_is_taken_over_offline_by_the_code_on_its_printed_back() {
    let mut server = Server::start();
    let till = server.enrolled();
    let sheet = server.file("cards.pdf");
    server.admin(&["paper", "sheet", "--count", "2", "--out", &sheet.display().to_string()]).one();
    server.kill();
    let (fronts, backs) = (codes_of(&till, &sheet, "1"), codes_of(&till, &sheet, "2"));
    // Both sides name the card alike: behind the prefix stands the key, then the card.
    let back_of = |front: &str| backs.iter().find(|back| back[2..19] == front[2..19]).unwrap().as_str();
    let (lost, other) = (fronts[0].as_str(), fronts[1].as_str());
    till.one(&["stamp", "--member", lost, "--count", "3"]);
    let (_, said) = till.refused(&["card", "replace", "--second", back_of(other)]);
    assert!(said.contains("nothing was ever counted"), "{said}");
    let (_, said) = till.refused(&["card", "replace", lost, "--second", lost]);
    assert!(!said.is_empty(), "the front proves nothing");
    let new = till.one(&["card", "replace", "--second", back_of(lost)]);
    assert_eq!(till.balance(&text(&new["code"]), "stamp:coffee"), "3");
    let (_, said) = till.refused(&["stamp", "--member", lost]);
    assert!(said.contains("blocked"), "{said}");
    let again = till.one(&["card", "replace", "--second", back_of(lost)]);
    assert_eq!(again["code"], new["code"], "until it is used: nobody may have photographed it");
    till.one(&["stamp", "--member", &text(&new["code"])]);
    till.refused(&["card", "replace", "--second", back_of(lost)]);
    server.resume();
    till.one(&["sync"]);
    assert_eq!(server.balance(&text(&new["code"]), "stamp:coffee"), "4");
    server.verified();
}

//! A till that works alone, a till with its server, and a till in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::programme::Programme;
use stempel_domain::sale::Sale;
use stempel_domain::{AuthorId, Quantity};
use stempel_server::{Db, Server};
use stempel_store::{Folder, Store};
use stempel_sync::{SyncError, Transport};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::setup::{Beginning, begin_alone};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::Served;
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, PushAnswer};

/// A clock that stands still.
pub struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> i64 {
        1_795_000_000_000
    }

    fn offset_minutes_at(&self, _utc_ms: i64) -> i16 {
        60
    }
}

/// The same bytes for the same seed.
pub struct Seeded(pub u64);

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as u8
        });
    }
}

pub const CATALOGUE: &str = "sku,name,category,price,vat\nlatte,Latte,coffee,4.20,7\n";

pub fn card() -> Programme {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../assets/programmes/coffee-card.toml"
    ));
    Programme::parse_toml(&text.unwrap()).unwrap()
}

pub fn store(folder: &Path) -> Result<Store, TerminalError> {
    Ok(Store::open(Folder::take(folder, "till")?)?)
}

/// The terminal that lives in a folder.
pub fn opened(folder: &Path) -> Result<Terminal, TerminalError> {
    Terminal::open(store(folder)?, Arc::new(Noon), Box::new(Seeded(77)))
}

/// A till that works alone, with one member; gives the member's card.
pub fn alone(folder: &Path) -> String {
    let beginning = Beginning {
        shop_name: "Morgenrot".into(),
        programmes: vec![card()],
        articles: stempel_wire::catalogue::read(CATALOGUE).unwrap(),
        ..Beginning::default()
    };
    let store = store(folder).unwrap();
    let mut till = begin_alone(store, Arc::new(Noon), Box::new(Seeded(1)), &beginning).unwrap();
    till.add_member(Some("Ada"), &None, None).unwrap().token.to_string()
}

/// Sells a coffee; gives the number of its row.
pub fn sell(till: &mut Terminal, code: &str) -> Result<u64, TerminalError> {
    let line = till.line(&"latte".parse().unwrap(), Quantity::pieces(1), Served::Here)?;
    let sale = Sale { lines: vec![line], ..Sale::default() };
    let given = till.sale(Some(code), sale, &Circumstances { by_hand: true, ..Circumstances::default() })?;
    Ok(given.event.unwrap().seq)
}

pub fn head(till: &Terminal) -> u64 {
    till.view().head(till.identity().device).unwrap().seq
}

pub fn stamps(till: &Terminal, code: &str) -> i64 {
    let look = till.look(&till.who(code).unwrap()).unwrap();
    look.balances.get(&"stamp:coffee".parse().unwrap()).copied().unwrap_or(0)
}

/// A copy of a folder that nobody has open.
pub fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A server without a network, asked by one device.
pub struct Line<'a> {
    pub runtime: &'a tokio::runtime::Runtime,
    pub server: &'a Server,
    pub device: AuthorId,
}

impl Line<'_> {
    fn carry<T>(&self, answer: Result<T, stempel_server::Error>) -> Result<T, SyncError> {
        answer.map_err(|error| match error.problem() {
            problem if problem.status >= 500 => SyncError::Busy,
            problem => SyncError::Refused(problem),
        })
    }
}

impl Transport for Line<'_> {
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        self.device = request.device;
        self.carry(self.runtime.block_on(self.server.enroll(request)))
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        self.carry(self.runtime.block_on(async {
            let caller = self.server.sender(self.device).await?;
            self.server.push_body(&caller, &body).await
        }))
    }

    fn feed(&mut self, after: u64, limit: usize, _wait_ms: u64) -> Result<FeedPage, SyncError> {
        self.carry(self.runtime.block_on(async {
            let caller = self.server.caller(self.device).await?;
            self.server.feed(&caller, after, limit).await
        }))
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        self.carry(self.runtime.block_on(async {
            let caller = self.server.caller(self.device).await?;
            self.server.blanks(&caller).await
        }))
    }

    fn skew_ms(&self) -> Option<i64> {
        None
    }
}

/// The server of a folder.
pub async fn server(folder: &Path) -> Result<Server, stempel_server::Error> {
    let db = Db::open(&format!("sqlite:{}", folder.join("server.db").display())).await?;
    Ok(Server::open(db, Arc::new(Noon), Box::new(Seeded(5))))
}

const FOLDER: &str = "STEMPEL_TEST_FOLDER";
const CODE: &str = "STEMPEL_TEST_CODE";
const FAULT: &str = "STEMPEL_TEST_FAULT";

/// Starts a till on a folder in a process of its own. With a fault, the power goes there: at an operation, by a seed.
pub fn start(folder: &Path, code: &str, fault: Option<(u64, u64)>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "shop::sells_until_it_ends", "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env(CODE, code);
    if let Some((at, seed)) = fault {
        command.env(FAULT, format!("{at} {seed}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a child says, as numbers.
pub fn said(output: impl Read) -> impl Iterator<Item = u64> {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    // The first line may stand behind what the test harness says.
    lines.filter_map(|line| line.split_once("SAID ").and_then(|(_, said)| said.parse().ok()))
}

#[test]
#[ignore = "a process of another test"]
fn sells_until_it_ends() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("started by another test"));
    let code = std::env::var(CODE).unwrap();
    let fault = std::env::var(FAULT).ok();
    if let Some((at, seed)) = fault.as_deref().and_then(|fault| fault.split_once(' ')) {
        stempel_faultfs::install().unwrap();
        let how = stempel_faultfs::How::Abort;
        let plan = stempel_faultfs::Plan { at: at.parse().unwrap(), how, seed: seed.parse().unwrap() };
        stempel_faultfs::arm(&folder, plan);
    }
    let mut till = opened(&folder).unwrap();
    let mut output = std::io::stdout();
    // Bounded: whoever started it ends it long before.
    for _ in 0..100_000 {
        let seq = sell(&mut till, &code).unwrap();
        writeln!(output, "SAID {seq}").unwrap();
        output.flush().unwrap();
    }
}

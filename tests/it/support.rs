//! Runs the program and reads what it says.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stempel"));
    command.env("TZ", "Europe/Berlin").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Run {
    pub exit: i32,
    pub lines: Vec<Value>,
    pub error: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        let out = String::from_utf8_lossy(&output.stdout);
        let lines = out.lines().map(|line| serde_json::from_str(line).unwrap_or(Value::String(line.into())));
        Self {
            exit: output.status.code().unwrap_or(-1),
            lines: lines.collect(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The one answer of a run that went well.
    pub fn one(self) -> Value {
        assert_eq!(self.exit, 0, "{}", self.error);
        assert_eq!(self.lines.len(), 1, "{:?}", self.lines);
        self.lines.into_iter().next().unwrap()
    }
}

/// A data folder of a terminal, and the program on it.
pub struct Till {
    folder: PathBuf,
    environment: Vec<(String, String)>,
    _own: Option<Arc<TempDir>>,
}

impl Till {
    pub fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        Self { folder: own.path().join("data"), environment: Vec::new(), _own: Some(Arc::new(own)) }
    }

    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), environment: Vec::new(), _own: None }
    }

    /// The same folder, and the program with another variable in its environment.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut environment = self.environment.clone();
        environment.push((name.to_owned(), value.to_owned()));
        Self { folder: self.folder.clone(), environment, _own: self._own.clone() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.arg("--json").arg("--data").arg(&self.folder).args(words);
        command.envs(self.environment.iter().cloned());
        command
    }

    pub fn run(&self, words: &[&str]) -> Run {
        Run::of(&self.command(words).output().unwrap())
    }

    /// Runs a command that gives one answer.
    pub fn one(&self, words: &[&str]) -> Value {
        self.run(words).one()
    }

    /// Runs a command that is refused, and gives its exit code and what it said.
    pub fn refused(&self, words: &[&str]) -> (i32, String) {
        let run = self.run(words);
        assert_ne!(run.exit, 0, "{words:?} gave {:?}", run.lines);
        (run.exit, run.error)
    }

    /// A member's balance of a unit, as text.
    pub fn balance(&self, code: &str, unit: &str) -> String {
        let member = self.one(&["member", "show", code]);
        member["balances"][unit].as_str().unwrap_or("0").to_owned()
    }

    /// A member who has just joined: id and code.
    pub fn joined(&self, name: &str) -> (String, String) {
        let member = self.one(&["member", "add", "--name", name]);
        (text(&member["member"]), text(&member["code"]))
    }

    pub fn pending(&self) -> u64 {
        self.one(&["status"])["pending"].as_u64().unwrap()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A server on a database of its own.
#[cfg(feature = "demo")]
pub struct Server {
    folder: TempDir,
    process: Option<Child>,
    listen: String,
}

#[cfg(feature = "demo")]
impl Server {
    /// Makes the sample café and serves it on a free port.
    pub fn start() -> Self {
        let mut server = Self::new();
        server.admin(&["init", "--demo"]).one();
        server.resume();
        server
    }

    /// Serves a tenant that has nothing yet.
    pub fn empty() -> Self {
        let mut server = Self::new();
        server.admin(&["tenant", "add", "Café Neu"]).one();
        server.resume();
        server
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, process: None, listen: "127.0.0.1:0".into() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    pub fn database(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("server.db").display())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn admin(&self, words: &[&str]) -> Run {
        self.on_its_data("admin", words)
    }

    pub fn report(&self, words: &[&str]) -> Run {
        self.on_its_data("report", words)
    }

    fn on_its_data(&self, what: &str, words: &[&str]) -> Run {
        let mut command = program();
        command.args(["--json", what, "--database", &self.database()]).args(words);
        Run::of(&command.output().unwrap())
    }

    /// Serves again, at the same address as before.
    pub fn resume(&mut self) {
        use std::io::{BufRead, BufReader};
        let mut command = program();
        command.args(["serve", "--database", &self.database(), "--listen", &self.listen]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        self.listen = text(&ready["listening"]).trim_start_matches("http://").to_owned();
        self.process = Some(process);
    }

    /// Ends at once, as if the machine had lost its power.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A new terminal that belongs to the sample café.
    pub fn enrolled(&self) -> Till {
        let till = Till::new();
        let code = text(&self.admin(&["device", "invite"]).one()["code"]);
        till.one(&["enroll", "--server", &self.url(), "--code", &code]);
        till
    }

    /// A member's balance of a unit as the server has it.
    pub fn balance(&self, code: &str, unit: &str) -> String {
        let member = self.admin(&["member", "show", code]).one();
        member["balances"][unit].as_str().unwrap_or("0").to_owned()
    }

    /// Everything that the server holds agrees with itself.
    pub fn verified(&self) {
        let run = self.admin(&["verify"]);
        assert_eq!(run.exit, 0, "{:?} {}", run.lines, run.error);
    }
}

#[cfg(feature = "demo")]
impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

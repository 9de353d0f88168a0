//! What a command answers, and how it fails.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stempel_store::StoreError;
use stempel_sync::SyncError;
use stempel_terminal::TerminalError;

/// What a command answers: lines for people beside objects for scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For scripts, one per line.
    pub json: Vec<Value>,
    /// Exit code 1 although something was answered: a file without a code, a text that is no card.
    #[serde(default)]
    pub no: bool,
}

impl Answer {
    /// One object.
    pub fn one(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json: vec![json], no: false }
    }

    /// Several objects, each with its line.
    pub fn lines(lines: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut answer = Self::default();
        for (text, json) in lines {
            answer.text.push_str(&text);
            answer.text.push('\n');
            answer.json.push(json);
        }
        answer.text.truncate(answer.text.trim_end().len());
        answer
    }

    /// Writes the answer to stdout.
    pub fn print(&self, json: bool) -> ExitCode {
        let mut out = std::io::stdout().lock();
        let mut written = Ok(());
        if json {
            for value in &self.json {
                written = written.and_then(|()| writeln!(out, "{value}"));
            }
        } else if !self.text.is_empty() {
            written = writeln!(out, "{}", self.text);
        }
        match written.and_then(|()| out.flush()) {
            // A reader who has hung up (`stempel … | head`) has what it wanted.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Failure::machine(format!("the answer could not be written: {error}")).print(json)
            }
            _ => ExitCode::from(u8::from(self.no)),
        }
    }
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// 1: refused or not found. 2: wrong use. 3: the machine or the network failed.
    pub exit: u8,
    /// What happened, what it means, what to do.
    pub message: String,
    /// More for scripts: why each reward was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Failure {
    /// A rule or a fact said no.
    pub fn refused(message: impl Display) -> Self {
        Self { exit: 1, message: message.to_string(), detail: None }
    }

    /// The input cannot be used.
    pub fn usage(message: impl Display) -> Self {
        Self { exit: 2, message: message.to_string(), detail: None }
    }

    /// The machine or the network failed.
    pub fn machine(message: impl Display) -> Self {
        Self { exit: 3, message: message.to_string(), detail: None }
    }

    /// Writes the failure to stderr.
    pub fn print(&self, json: bool) -> ExitCode {
        let mut err = std::io::stderr().lock();
        let line = if json {
            let mut value = json!({"error": self.message, "exit": self.exit});
            if let Some(detail) = &self.detail {
                value["detail"] = detail.clone();
            }
            value.to_string()
        } else {
            format!("stempel: {}", self.message)
        };
        // Nobody reads stderr: the exit code says it.
        let _ = writeln!(err, "{line}");
        ExitCode::from(self.exit)
    }
}

impl From<TerminalError> for Failure {
    fn from(error: TerminalError) -> Self {
        let exit = if error.is_refusal() {
            1
        } else if error.is_failure() {
            3
        } else {
            2
        };
        let detail = match &error {
            TerminalError::Refused(refused, _) => serde_json::to_value(refused).ok(),
            TerminalError::NotGiven(trace) => Some(crate::words::trace(trace)),
            TerminalError::Sync(SyncError::Refused(problem)) => serde_json::to_value(problem).ok(),
            _ => None,
        };
        Self { exit, message: error.to_string(), detail }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        TerminalError::from(error).into()
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        TerminalError::from(error).into()
    }
}

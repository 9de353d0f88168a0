//! How the server is told what to do: by flags, by the environment, by a file, in this order of precedence.
//!
//! Every setting has one name: `listen` in the file, `STEMPEL_LISTEN` in the environment, `--listen` as a flag.
//! [`Settings::print`] says of each where its value came from, with secrets masked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use data_encoding::HEXLOWER;

use crate::db::without_password;
use crate::error::{Error, Result};
use crate::system::LogFormat;

/// The flags of `serve`. What is left out is taken from the environment, then from the file.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// A file of settings in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the data is: sqlite:PATH or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// The file with the key that wraps members' keys; without it, beside a database of SQLite
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Where to answer; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// A proxy in front speaks TLS, so another address than this machine's own is fine
    #[arg(long)]
    pub behind_proxy: bool,
    /// A certificate chain in PEM; with --tls-key the server speaks TLS itself
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The form of the log: text or json
    #[arg(long, value_name = "FORM")]
    pub log_format: Option<String>,
    /// What is logged, for example info or stempel_server=debug,info
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// The mail server for invitations: smtp://USER:PASSWORD@HOST:587?tls=required
    #[arg(long, value_name = "URL")]
    pub mail_server: Option<String>,
    /// Whom mails are from
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// The address under which people reach the server, for links in mails
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Prints every setting with where it came from, and ends
    #[arg(long)]
    pub print_config: bool,
}

/// A setting: its name, what holds if nobody says anything, and how much of it may be shown.
struct Field {
    name: &'static str,
    default: Option<&'static str>,
    shown: Shown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Whole,
    /// A URL in which a password may stand.
    WithoutPassword,
    /// Nothing of it.
    Never,
}

const fn field(name: &'static str, default: Option<&'static str>, shown: Shown) -> Field {
    Field { name, default, shown }
}

const FIELDS: [Field; 13] = [
    field("database", Some("sqlite:stempel-server.db"), Shown::WithoutPassword),
    field("keys", None, Shown::Whole),
    field("listen", Some("127.0.0.1:8080"), Shown::Whole),
    field("behind_proxy", Some("false"), Shown::Whole),
    field("tls_certificate", None, Shown::Whole),
    field("tls_key", None, Shown::Whole),
    field("log_format", Some("text"), Shown::Whole),
    field("log", Some("info"), Shown::Whole),
    field("metrics_token", None, Shown::Never),
    field("mail_server", None, Shown::WithoutPassword),
    field("mail_from", None, Shown::Whole),
    field("public_url", None, Shown::Whole),
    field("webhooks_private", Some("false"), Shown::Whole),
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A setting's value and where it came from.
#[derive(Debug, Clone)]
struct Resolved {
    name: &'static str,
    /// Any of them may hold a password.
    value: Option<Secret>,
    source: Source,
}

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Everything the server was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the data is.
    pub database: Secret,
    /// The file with the key that wraps members' keys.
    pub keys: Option<PathBuf>,
    /// Where to answer.
    pub listen: String,
    /// A proxy with TLS stands before the server: its word on who asks is taken.
    pub behind_proxy: bool,
    /// Certificate chain and private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The form of the log.
    pub log_format: LogFormat,
    /// What is logged.
    pub log: String,
    /// What a reader of `/metrics` has to show; none: only this machine reads it.
    pub metrics_token: Option<Secret>,
    /// The mail server.
    pub mail_server: Option<Secret>,
    /// Whom mails are from.
    pub mail_from: Option<String>,
    /// The address in links.
    pub public_url: Option<String>,
    /// Webhooks may go to private networks, and by plain http.
    pub webhooks_private: bool,
    resolved: Vec<Resolved>,
}

impl Settings {
    /// Joins flags, environment and file. An unknown name in the file, or a value that cannot be, is refused.
    pub fn read(args: &ServeArgs, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let config = args.config.clone().or_else(|| environment("STEMPEL_CONFIG").map(PathBuf::from));
        let file = match &config {
            Some(path) => read_file(path)?,
            None => BTreeMap::new(),
        };
        let flags = flags_of(args);
        let mut resolved = Vec::with_capacity(FIELDS.len());
        for field in &FIELDS {
            let name = format!("STEMPEL_{}", field.name.to_uppercase());
            let found = if let Some(value) = flags.get(field.name) {
                (Some(value.clone()), Source::Flag(format!("--{}", field.name.replace('_', "-"))))
            } else if let Some(value) = environment(&name) {
                (Some(value), Source::Environment(name))
            } else if let (Some(value), Some(path)) = (file.get(field.name), &config) {
                (Some(value.clone()), Source::File(path.clone()))
            } else {
                (field.default.map(str::to_owned), Source::Default)
            };
            resolved.push(Resolved { name: field.name, value: found.0.map(Secret), source: found.1 });
        }
        Self::of(resolved)
    }

    fn of(resolved: Vec<Resolved>) -> Result<Self> {
        let text = |wanted: &str| {
            let found = resolved.iter().find(|resolved| resolved.name == wanted);
            let value = found.and_then(|resolved| resolved.value.as_ref()).map(Secret::reveal);
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let flag = |name: &str| match text(name).as_deref() {
            None | Some("false" | "0" | "no") => Ok(false),
            Some("true" | "1" | "yes") => Ok(true),
            Some(other) => Err(wrong(format!("{name} is true or false, not “{other}”"))),
        };
        let (behind_proxy, webhooks_private) = (flag("behind_proxy")?, flag("webhooks_private")?);
        let tls = match (text("tls_certificate"), text("tls_key")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return Err(wrong("TLS needs both tls_certificate and tls_key".to_owned())),
        };
        let log_format = match text("log_format").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => return Err(wrong(format!("log_format is text or json, not “{other}”"))),
        };
        if text("mail_server").is_some() && text("mail_from").is_none() {
            return Err(wrong("a mail server needs mail_from, the address that mails are from".to_owned()));
        }
        Ok(Self {
            database: Secret::new(text("database").unwrap_or_default()),
            keys: text("keys").map(PathBuf::from),
            listen: text("listen").unwrap_or_default(),
            behind_proxy,
            tls,
            log_format,
            log: text("log").unwrap_or_default(),
            metrics_token: text("metrics_token").map(Secret::new),
            mail_server: text("mail_server").map(Secret::new),
            mail_from: text("mail_from"),
            public_url: text("public_url").map(|url| url.trim_end_matches('/').to_owned()),
            webhooks_private,
            resolved,
        })
    }

    /// Every setting as a line of the file, with where it came from. Secrets are masked.
    pub fn print(&self) -> String {
        let mut lines = String::new();
        for (Resolved { name, value, source }, field) in self.resolved.iter().zip(&FIELDS) {
            let line = match (value.as_ref().map(Secret::reveal), field.shown) {
                (None, _) => format!("# {name} is not set"),
                (Some(_), Shown::Never) => format!("{name} = \"***\"  # {source}"),
                (Some(value), shown) => {
                    let url = shown == Shown::WithoutPassword;
                    let value = if url { without_password(value) } else { value.to_owned() };
                    match *name {
                        "behind_proxy" => format!("{name} = {}  # {source}", self.behind_proxy),
                        "webhooks_private" => format!("{name} = {}  # {source}", self.webhooks_private),
                        _ => format!("{name} = {}  # {source}", toml::Value::String(value)),
                    }
                }
            };
            lines.push_str(&line);
            lines.push('\n');
        }
        lines
    }
}

fn flags_of(args: &ServeArgs) -> BTreeMap<&'static str, String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let flags = [
        ("database", args.database.clone()),
        ("keys", path(&args.keys)),
        ("listen", args.listen.clone()),
        ("behind_proxy", args.behind_proxy.then(|| "true".to_owned())),
        ("tls_certificate", path(&args.tls_certificate)),
        ("tls_key", path(&args.tls_key)),
        ("log_format", args.log_format.clone()),
        ("log", args.log.clone()),
        ("mail_server", args.mail_server.clone()),
        ("mail_from", args.mail_from.clone()),
        ("public_url", args.public_url.clone()),
    ];
    flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn read_file(path: &PathBuf) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("the file {} cannot be read: {error}", path.display())))?;
    // The parser's own message quotes the line, and a line may hold a password.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        wrong(format!("the file {} is not TOML: {}", path.display(), error.message()))
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !FIELDS.iter().any(|field| field.name == name) {
            return Err(wrong(format!("the file {} has the unknown setting “{name}”", path.display())));
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => return Err(wrong(format!("the setting “{name}” is a text, true or false"))),
        };
        values.insert(name, value);
    }
    Ok(values)
}

fn wrong(detail: String) -> Error {
    Error::refused(
        "settings",
        400,
        "The settings cannot be used",
        format!("{detail}. See docs/OPERATIONS.md."),
    )
}

/// The file with the wrapping key: the one that is named, else for a database that is no file one in the folder that the
/// system keeps for the service (`STATE_DIRECTORY`), else one in the user's data folder, named after the database: a user
/// may look after several. None: beside a file of SQLite; with PostgreSQL, nowhere, for a user without a folder.
pub fn keys_file(
    named: Option<PathBuf>,
    database: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    if named.is_some() || database.starts_with("sqlite:") {
        return named;
    }
    let folders = environment("STATE_DIRECTORY").unwrap_or_default();
    if let Some(own) = folders.split(':').find(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(own).join("server.keys"));
    }
    let home = environment("HOME").map(PathBuf::from).filter(|home| home.is_dir());
    let data = environment("XDG_DATA_HOME").map(PathBuf::from).filter(|data| data.is_dir());
    let data = data.or_else(|| Some(home?.join(".local/share")))?;
    let shown = without_password(database);
    let name = blake3::derive_key("stempel key file of a database v1", shown.as_bytes());
    Some(data.join("stempel-server").join(format!("{}.keys", HEXLOWER.encode(&name[..8]))))
}

/// What stands in the process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

    use super::*;

    #[test]
    fn the_wrapping_key_has_a_place_outside_the_database() {
        let service = |name: &str| (name == "STATE_DIRECTORY").then(|| "/var/lib/stempel:/x".to_owned());
        let own = Some(PathBuf::from("/var/lib/stempel/server.keys"));
        let named = Some(PathBuf::from("k"));
        assert_eq!(keys_file(None, "postgres://db/stempel", service), own);
        assert_eq!(keys_file(named.clone(), "postgres://db/stempel", service), named);
        assert_eq!(keys_file(None, "sqlite:x.db", service), None, "beside the file");
        assert_eq!(keys_file(None, "postgres://db/stempel", |_| None), None);
        let home = tempfile::tempdir().unwrap();
        let user = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        let of = |database: &str| keys_file(None, database, user).unwrap();
        assert!(of("postgres://db/stempel").starts_with(home.path().join(".local/share/stempel-server")));
        assert_eq!(of("postgres://u:old@db/stempel"), of("postgres://u:new@db/stempel"));
        assert_ne!(of("postgres://db/one"), of("postgres://db/two"));
        let nobody = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
        assert_eq!(keys_file(None, "postgres://db/stempel", nobody), None);
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        let text = "listen = \"127.0.0.1:1\"\nlog = \"warn\"\nlog_format = \"json\"\nbehind_proxy = true\n\
                    database = \"postgres://u:geheim@h/d\"\n";
        std::fs::write(&file, text).unwrap();
        let args =
            ServeArgs { config: Some(file), listen: Some("127.0.0.1:3".to_owned()), ..ServeArgs::default() };
        let environment = |name: &str| match name {
            "STEMPEL_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "STEMPEL_LOG" => Some("debug".to_owned()),
            "STEMPEL_METRICS_TOKEN" => Some("sehr-geheim".to_owned()),
            _ => None,
        };
        let settings = Settings::read(&args, environment).unwrap();
        assert_eq!((&settings.listen[..], &settings.log[..]), ("127.0.0.1:3", "debug"));
        assert_eq!((settings.log_format, settings.behind_proxy), (LogFormat::Json, true));
        let printed = settings.print();
        assert!(printed.contains("listen = \"127.0.0.1:3\"  # flag --listen"), "{printed}");
        assert!(printed.contains("log = \"debug\"  # environment STEMPEL_LOG"), "{printed}");
        assert!(printed.contains("log_format = \"json\"  # file "), "{printed}");
        assert!(printed.contains("# tls_key is not set"), "{printed}");
        assert!(printed.contains("metrics_token = \"***\""), "{printed}");
        assert!(!printed.contains("geheim") && !format!("{settings:?}").contains("sehr-geheim"), "{printed}");
        assert!(printed.parse::<toml::Table>().is_ok(), "it is a file of settings itself:\n{printed}");
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let refused = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("server.toml");
            std::fs::write(&file, text).unwrap();
            let args = ServeArgs { config: Some(file), ..ServeArgs::default() };
            Settings::read(&args, |_| None).unwrap_err().to_string()
        };
        assert!(refused("lisen = \"x\"").contains("unknown setting “lisen”"));
        assert!(refused("listen = 8080").contains("is a text"));
        assert!(refused("log_format = \"xml\"").contains("text or json"));
        assert!(refused("tls_key = \"k.pem\"").contains("both"));
        assert!(refused("mail_server = \"smtp://h\"").contains("mail_from"));
        let broken = refused("database = \"postgres://u:geheim@h/d");
        assert!(broken.contains("not TOML") && !broken.contains("geheim"), "{broken}");
    }
}

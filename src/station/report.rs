//! A file for whoever helps: how the device is, without a name, a card, a code or a sum.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::controllers::{ScreenModel, SyncState};

/// Writes the file into the data folder and says where it lies.
pub(super) fn write(folder: &Path, model: &ScreenModel) -> std::io::Result<PathBuf> {
    let file = folder.join("support.txt");
    std::fs::write(&file, text(model))?;
    Ok(file)
}

/// Its lines. Every one of them is named here: nothing comes in by accident.
fn text(model: &ScreenModel) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing into a text does not fail.
        let _ = writeln!(text, "{name}: {value}");
    };
    let report = &model.sync.report;
    let health = model.diagnostics.as_ref().map(|diagnostics| diagnostics.health.clone()).unwrap_or_default();
    let time = |at: Option<crate::controllers::Moment>| {
        at.map_or_else(|| "never".to_owned(), |at| at.unix_ms.to_string())
    };
    line("version", env!("CARGO_PKG_VERSION").to_owned());
    line("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line("written at (ms since 1970)", model.app.now.unix_ms.to_string());
    line("offset from UTC (minutes)", model.app.now.offset_minutes.to_string());
    line("screen", format!("{:?}", model.app.route));
    line("language", model.app.language.tag().to_owned());
    line("camera", format!("{:?}", model.scan.state));
    let tenths = model.scan.decode_tenths_ms.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10));
    line("reading a picture (ms)", tenths.unwrap_or_else(|| "unknown".into()));
    line("connection", format!("{:?}", report.state));
    line("works alone", (report.state == SyncState::Alone).to_string());
    line("entries waiting", report.waiting.to_string());
    line("last transfer", time(report.last_sync));
    line("offline since", time(report.offline_since));
    line("there was an error at the last try", (!report.last_error.is_empty()).to_string());
    line("clock doubtful", health.clock_doubtful.to_string());
    line("ahead of the server (ms)", health.skew_ms.map_or("unknown".into(), |skew| skew.to_string()));
    line("entries written here", health.events.to_string());
    line("followed the server up to", health.position.to_string());
    line("troubles", health.troubles.to_string());
    line("blank cards", health.blanks.map_or("endless".into(), |left| left.to_string()));
    let plug = model.diagnostics.as_ref().and_then(|diagnostics| diagnostics.plug);
    let plug = plug.and_then(|plug| plug.result.map(|result| (plug.given, result)));
    let plug = plug.map(|(given, result)| {
        format!(
            "{} of {given}, at {}, machine started again: {}",
            result.found, result.at.unix_ms, result.machine
        )
    });
    line("plug test", plug.unwrap_or_else(|| "not done".into()));
    line("free space (MB)", health.free_mb.map_or("unknown".into(), |free| free.to_string()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::{CounterModel, Guest, LastGuest, Notice, SyncModel, SyncReport};

    #[test]
    fn nobodys_name_card_or_sum_is_in_it() {
        let secret = "Geheim-4711";
        let mut model = ScreenModel::default();
        model.app.place = secret.into();
        model.app.shop = secret.into();
        let guest = Guest { name: secret.into(), member: secret.into(), ..Guest::default() };
        let last = LastGuest { name: secret.into(), event: secret.into(), ..LastGuest::default() };
        let notice = Notice { text: secret.into(), name: secret.into(), ..Notice::default() };
        model.counter =
            CounterModel { guest: Some(guest.clone()), last: vec![last], notice, ..CounterModel::default() };
        model.kiosk.guest = Some(guest);
        model.kiosk.typed = secret.into();
        model.kiosk.code = secret.into();
        model.scan.file = secret.into();
        model.files.folder = secret.into();
        model.sync = SyncModel { report: SyncReport { last_error: secret.into(), ..SyncReport::default() } };
        let text = text(&model);
        assert!(!text.contains(secret), "{text}");
        assert!(text.lines().count() > 15);
    }
}

//! `FilesView`: the chooser of pictures and folders.

use slint::{ComponentHandle, SharedString};

use super::counter::count;
use super::generated::{self as ui, AppWindow, FilesView};
use super::rows::Rows;
use super::window::Handler;
use crate::controllers::{FilesModel, FilesWanted, UiAction};

/// Shows the chooser.
#[derive(Debug)]
pub(super) struct FilesAdapter {
    entries: Rows<ui::FileEntry>,
}

impl FilesAdapter {
    pub(super) fn new(window: &AppWindow, handler: &Handler) -> Self {
        let plain = |make: fn() -> UiAction| {
            let handler = handler.clone();
            move || handler(make())
        };
        let adapter = Self { entries: Rows::default() };
        let view = window.global::<FilesView>();
        view.set_entries(adapter.entries.model());
        view.on_up(plain(|| UiAction::FolderUp));
        view.on_close(plain(|| UiAction::CloseFiles));
        view.on_pick_folder(plain(|| UiAction::PickFolder));
        view.on_pick({
            let handler = handler.clone();
            move |name| handler(UiAction::PickFile(name.into()))
        });
        adapter
    }

    pub(super) fn show(&self, window: &AppWindow, model: &FilesModel) {
        self.entries.set(model.entries.iter().map(|entry| ui::FileEntry {
            name: SharedString::from(entry.name.as_str()),
            folder: entry.folder,
        }));
        let view = window.global::<FilesView>();
        view.set_folder(SharedString::from(model.folder.as_str()));
        view.set_has_parent(model.has_parent);
        view.set_unreadable(model.unreadable);
        view.set_pictures(count(model.pictures));
        view.set_whole_folder(model.wanted == Some(FilesWanted::Folder));
        view.set_open(model.wanted.is_some());
    }
}

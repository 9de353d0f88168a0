//! Choosing a picture or a folder of pictures on the screen itself: a terminal without a desktop has no file dialog.

use std::path::{Path, PathBuf};

use super::model::{FileEntry, FilesModel, FilesWanted};

/// More entries than this are not listed; a person would not scroll through them.
const MOST_ENTRIES: usize = 500;
/// The pictures that the scanner reads.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];

/// Keeps the chooser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesController {
    model: FilesModel,
    folder: PathBuf,
}

impl FilesController {
    /// Starts in `folder` when it is opened first.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, ..Self::default() }
    }

    /// What is on the screen.
    pub fn model(&self) -> &FilesModel {
        &self.model
    }

    /// Opens the chooser where it was closed.
    pub fn open(&mut self, wanted: FilesWanted) {
        self.model.wanted = Some(wanted);
        if !self.folder.is_dir() {
            self.folder = PathBuf::from("/");
        }
        self.list();
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.model = FilesModel::default();
    }

    /// Goes one folder up.
    pub fn up(&mut self) {
        if self.folder.pop() {
            self.list();
        }
    }

    /// An entry was touched: a folder is opened; a picture is the answer.
    pub fn pick(&mut self, name: &str) -> Option<PathBuf> {
        let entry = self.model.entries.iter().find(|entry| entry.name == name)?;
        let path = self.folder.join(name);
        if entry.folder {
            self.folder = path;
            self.list();
            return None;
        }
        (self.model.wanted == Some(FilesWanted::Picture)).then(|| {
            self.close();
            path
        })
    }

    /// The folder that is open is the answer.
    pub fn pick_folder(&mut self) -> PathBuf {
        self.close();
        self.folder.clone()
    }

    fn list(&mut self) {
        self.model.folder = self.folder.display().to_string();
        self.model.has_parent = self.folder.parent().is_some();
        let read = std::fs::read_dir(&self.folder);
        self.model.unreadable = read.is_err();
        let mut entries: Vec<_> =
            read.into_iter().flatten().flatten().filter_map(|entry| shown(&entry)).collect();
        entries.sort_by_key(|entry| (!entry.folder, entry.name.to_lowercase()));
        self.model.pictures =
            u32::try_from(entries.iter().filter(|entry| !entry.folder).count()).unwrap_or(u32::MAX);
        entries.truncate(MOST_ENTRIES);
        self.model.entries = entries;
    }
}

/// An entry that belongs on the screen: a folder or a picture that is not hidden and has a readable name.
fn shown(entry: &std::fs::DirEntry) -> Option<FileEntry> {
    let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
    let folder = entry.path().is_dir();
    let ending = Path::new(&name).extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    let picture = ending.is_some_and(|ending| PICTURES.contains(&ending.as_str()));
    (folder || picture).then_some(FileEntry { name, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("stempel-files-{:?}", std::thread::current().id()));
        std::fs::create_dir_all(folder.join("Urlaub")).unwrap();
        for name in ["b.PNG", "a.jpg", "notes.txt", ".hidden.png"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn folders_come_first_and_only_pictures_are_shown() {
        let folder = folder();
        let mut files = FilesController::new(folder.clone());
        files.open(FilesWanted::Picture);
        let names: Vec<_> = files.model().entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["Urlaub", "a.jpg", "b.PNG"]);
        assert_eq!(files.model().pictures, 2);
        assert_eq!(files.pick("Urlaub"), None);
        assert!(files.model().entries.is_empty());
        files.up();
        assert_eq!(files.pick("b.PNG"), Some(folder.join("b.PNG")));
        assert_eq!(files.model().wanted, None, "the chooser is closed");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_is_the_answer_where_a_folder_is_wanted() {
        let folder = folder();
        let mut files = FilesController::new(folder.clone());
        files.open(FilesWanted::Folder);
        assert_eq!(files.pick("a.jpg"), None, "a picture alone is no film");
        assert_eq!(files.pick_folder(), folder);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_gone_is_no_dead_end() {
        let mut files = FilesController::new("/no/such/folder".into());
        files.open(FilesWanted::Picture);
        assert_eq!(files.model().folder, "/");
        files.up();
        assert_eq!(files.model().folder, "/");
    }
}

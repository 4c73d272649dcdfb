//! The file in which views are kept: `views.json` beside the contexts.
//!
//! It is read again before each change, since another workstation may have changed it; and it is replaced as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::fleet::{SavedViews, ViewsJob, ViewsSaid};
use crate::msg::Msg;
use crate::run::connect::Told;
use crate::run::private;

/// A file of views is small; a bigger one isn't one.
const LARGEST: u64 = 1 << 20;

/// Does what is asked with the file.
pub(super) struct Views {
    tx: mpsc::Sender<Told>,
    /// Nothing, where no home is known. Locked while somebody reads and writes.
    path: Option<Arc<Mutex<PathBuf>>>,
}

impl Views {
    /// In this directory; answers go there.
    pub(super) fn new(tx: mpsc::Sender<Told>, dir: Option<&Path>) -> Self {
        let path = dir.map(|dir| Arc::new(Mutex::new(dir.join("views.json"))));
        Self { tx, path }
    }

    /// Begins, away from the task that draws.
    pub(super) fn ask(&self, job: ViewsJob) {
        let (tx, path) = (self.tx.clone(), self.path.clone());
        // It ends by itself, and nobody is left to hear it when the owner is gone.
        drop(tokio::task::spawn_blocking(move || {
            let said = match path {
                Some(path) => done(&path.lock().unwrap_or_else(PoisonError::into_inner), job),
                None if job == ViewsJob::Load => return,
                None => wrong("views can't be kept: no home directory is known".to_owned()),
            };
            let _ = tx.blocking_send(Told::Msg(Msg::Views(said)));
        }));
    }
}

/// Does it.
fn done(path: &Path, job: ViewsJob) -> ViewsSaid {
    let known = read(path);
    let (mut views, mut text) = match (known, &job) {
        (Ok(views), _) => (views, None),
        (Err(error), ViewsJob::Load) => {
            return wrong(format!("kept views can't be read: {}: {error}", path.display()));
        }
        (Err(_), _) => {
            // Whatever it is, somebody may still want it.
            let aside = path.with_extension("json.unreadable");
            if let Err(error) = fs::rename(path, &aside) {
                return wrong(format!("can't put {} aside: {error}", path.display()));
            }
            let text = format!("; the file that couldn't be read is {} now", aside.display());
            (SavedViews::default(), Some(text))
        }
    };
    let said = match job {
        ViewsJob::Load => return ViewsSaid { views: Some(views), text: None, is_wrong: false },
        ViewsJob::Save(name, view) => {
            let said = format!("kept as {name:?}: `view {name}` shows it again");
            views.views.insert(name, view);
            said
        }
        ViewsJob::Forget(name) => {
            views.views.remove(&name);
            format!("{name:?} is forgotten")
        }
    };
    if let Err(error) = replace(path, &views) {
        return wrong(format!("can't write {}: {error}", path.display()));
    }
    let text = said + &text.take().unwrap_or_default();
    ViewsSaid { views: Some(views), text: Some(text), is_wrong: false }
}

fn wrong(text: String) -> ViewsSaid {
    ViewsSaid { views: None, text: Some(text), is_wrong: true }
}

fn read(path: &Path) -> io::Result<SavedViews> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SavedViews::default()),
        Err(error) => return Err(error),
        Ok(file) if !file.is_file() || file.len() > LARGEST => {
            return Err(io::Error::other("it isn't a file of views"));
        }
        Ok(_) => {}
    }
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}

fn replace(path: &Path, views: &SavedViews) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(views).map_err(io::Error::other)?;
    text.push(b'\n');
    private::replace(path, &text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::fleet::SavedView;

    fn save(name: &str) -> ViewsJob {
        ViewsJob::Save(name.to_owned(), SavedView::default())
    }

    #[test]
    fn views_are_kept_beside_those_of_others_and_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("smith/views.json");
        assert_eq!(done(&path, ViewsJob::Load).views, Some(SavedViews::default()));
        done(&path, save("mine"));
        // Another workstation.
        let said = done(&path, save("yours"));
        assert!(said.text.unwrap().contains("view yours"));
        let names: Vec<_> = said.views.unwrap().views.into_keys().collect();
        assert_eq!(names, ["mine", "yours"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let said = done(&path, ViewsJob::Forget("mine".to_owned()));
        assert_eq!(done(&path, ViewsJob::Load).views, said.views);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said_and_put_aside_by_the_next_save() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("views.json");
        fs::write(&path, "{\"views\": 3}").unwrap();
        let said = done(&path, ViewsJob::Load);
        assert!(said.is_wrong && said.views.is_none());
        assert!(said.text.unwrap().contains("views.json: "));
        let said = done(&path, save("mine"));
        assert!(!said.is_wrong && said.text.unwrap().contains("views.json.unreadable"));
        let aside = fs::read_to_string(dir.path().join("views.json.unreadable")).unwrap();
        assert_eq!(aside, "{\"views\": 3}");
        assert!(done(&path, ViewsJob::Load).views.unwrap().views.contains_key("mine"));
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("smith"), "a file where a directory has to be").unwrap();
        let said = done(&dir.path().join("smith/views.json"), save("mine"));
        assert!(said.is_wrong, "{said:?}");
    }
}

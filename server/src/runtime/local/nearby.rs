//! Terminals of local workers, for an API that runs apart from the core that started them.
//!
//! It only connects: it starts, adopts, judges and cleans nothing, takes no lock, and watches nothing. So any number
//! of processes may use one directory in this way beside the one whose runtime it is.

use std::path::PathBuf;

use uuid::Uuid;

use super::record::{EXIT, ExitRecord, read_json};
use super::{Found, find, terminal};
use crate::runtime::{Duplex, NoTerminal};

/// Directories of local runtimes on this machine.
#[derive(Clone, Debug)]
pub struct Nearby {
    dirs: Vec<PathBuf>,
    installation: Uuid,
}

impl Nearby {
    /// `dirs` are those that cores were given (`--workers-dir`), or smithd's state directory.
    pub fn new(dirs: Vec<PathBuf>, installation: Uuid) -> Self {
        Self { dirs, installation }
    }

    /// A connection to a worker's terminal server, in whichever directory the worker is.
    pub async fn terminal(&self, name: &str) -> Result<Box<dyn Duplex>, NoTerminal> {
        let (this, asked) = (self.clone(), name.to_owned());
        let looked = tokio::task::spawn_blocking(move || this.look(&asked)).await;
        let looked = looked.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let name = name.to_owned();
        match looked {
            Err(source) => Err(NoTerminal::Connect { name, source }),
            Ok(None) => Err(NoTerminal::NoWorker { name }),
            Ok(Some(Worker { ended: true, .. })) => Err(NoTerminal::Ended { name }),
            Ok(Some(Worker { dir, ended: false })) => terminal::connect(&dir, name).await,
        }
    }

    fn look(&self, name: &str) -> std::io::Result<Option<Worker>> {
        for dir in &self.dirs {
            let workers = dir.join("workers");
            if let Found::Ours(_) = find(&workers, self.installation, name)? {
                let dir = super::dir(&workers, name)?;
                let ended = read_json::<ExitRecord>(&dir.join(EXIT))?.is_some();
                return Ok(Some(Worker { dir, ended }));
            }
        }
        Ok(None)
    }
}

struct Worker {
    dir: PathBuf,
    /// Its end is recorded. One whose end nobody has recorded yet isn't reached either, and told as starting or ending.
    ended: bool,
}

#[cfg(test)]
mod tests {
    use super::super::record::{LABELS, TERMINAL, write_json};
    use super::*;
    use crate::runtime::WorkerLabels;
    use smith_model::attempt::Exit;
    use smith_model::id::AttemptNo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    #[tokio::test]
    async fn a_worker_is_reached_through_a_path_of_any_length() {
        let base = tempfile::tempdir().unwrap();
        let (name, installation) = ("smith-a-r1a1", Uuid::new_v4());
        let deep = base.path().join("d".repeat(120));
        let worker = deep.join("workers").join(name);
        let nearby = Nearby::new(vec![base.path().join("none"), deep.clone()], installation);
        let why = async |nearby: &Nearby| match nearby.terminal(name).await {
            Ok(_) => panic!("reached"),
            Err(error) => error.to_string(),
        };
        assert_eq!(why(&nearby).await, "there is no worker smith-a-r1a1 here");
        std::fs::create_dir_all(&worker).unwrap();
        let no = AttemptNo { round: 1, attempt: 1 };
        let labels = |installation| WorkerLabels {
            name: name.into(),
            installation,
            loop_id: "a".parse().unwrap(),
            uid: Uuid::nil(),
            no,
        };
        write_json(&worker.join(LABELS), &labels(Uuid::new_v4())).unwrap();
        assert_eq!(why(&nearby).await, "there is no worker smith-a-r1a1 here");
        write_json(&worker.join(LABELS), &labels(installation)).unwrap();
        assert!(matches!(nearby.terminal(name).await, Err(NoTerminal::NotYet { .. })));
        // Bound where a path is short enough, and moved to where it isn't.
        let bound = base.path().join(TERMINAL);
        let listener = UnixListener::bind(&bound).unwrap();
        std::fs::rename(&bound, worker.join(TERMINAL)).unwrap();
        let mut ours = nearby.terminal(name).await.unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        ours.write_all(b"hi").await.unwrap();
        let mut read = [0; 2];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"hi");
        drop(listener);
        assert!(matches!(nearby.terminal(name).await, Err(NoTerminal::NotYet { .. })));
        write_json(&worker.join(EXIT), &ExitRecord { exit: Exit::Code(0) }).unwrap();
        assert!(matches!(nearby.terminal(name).await, Err(NoTerminal::Ended { .. })));
        assert!(matches!(nearby.terminal("../x").await, Err(NoTerminal::Connect { .. })));
    }
}

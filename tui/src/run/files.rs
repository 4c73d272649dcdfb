//! The workstation's own files: the person's settings, and what was learnt of the tips.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::config::{self, Config, Position, Problem, Setup, Severity, Surroundings};
use crate::hints::{self, Hints};
use crate::look::{Ground, Rgb};
use crate::run::private;
use crate::settings::Env;

/// The most bytes of a file that are read.
const MOST: u64 = 1 << 20;

/// How the workstation is set up here, on a terminal that said this of its ground.
pub(super) fn setup(env: &Env, ground: Option<Rgb>) -> Setup {
    let ground = ground.map(Ground::of);
    let surroundings = Surroundings {
        is_plain: env.is_plain,
        is_ascii: env.is_ascii,
        depth: env.host.depth,
        ground,
    };
    let path = config_file(env);
    let config = match read_config(env) {
        Ok(text) => Config::read(path, text.as_deref()),
        Err(what) => {
            let at = Position { line: 1, column: 1 };
            let problem = Problem { at, severity: Severity::Wrong, what };
            Config { path, problems: vec![problem], ..Config::default() }
        }
    };
    Setup { surroundings, config, ..Setup::default() }
}

/// The text of the settings' file; nothing, where it isn't there.
pub(super) fn read_config(env: &Env) -> Result<Option<String>, String> {
    let Some(path) = config_file(env) else { return Ok(None) };
    read(&path).map_err(|error| format!("can't read {}: {error}", path.display()))
}

/// What somebody knows already; everything is new to those of whom nothing is known.
pub(super) fn hints(env: &Env) -> Hints {
    let text = env.state_dir.as_ref().map(|dir| read(&dir.join(hints::FILE)));
    match text {
        Some(Ok(Some(text))) => serde_json::from_str(&text).unwrap_or_default(),
        Some(Ok(None)) => Hints::new(),
        // Where nothing can be remembered, the same tips would come for ever.
        Some(Err(_)) | None => Hints::default(),
    }
}

/// Remembers it.
pub(super) fn keep_hints(env: &Env, hints: &Hints) -> Result<(), String> {
    let Some(dir) = &env.state_dir else { return Ok(()) };
    let path = dir.join(hints::FILE);
    let text = serde_json::to_vec(hints).map_err(io::Error::other);
    let written = text.and_then(|text| private::replace(&path, &text));
    written.map_err(|error| format!("can't write {}: {error}", path.display()))
}

fn config_file(env: &Env) -> Option<PathBuf> {
    env.config_dir.as_ref().map(|dir| dir.join(config::FILE))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_known_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env { state_dir: Some(dir.path().join("smith")), ..Env::default() };
        let mut learnt = hints(&env);
        assert_eq!(learnt, Hints::new());
        assert!(learnt.let_go());
        keep_hints(&env, &learnt).unwrap();
        assert_eq!(hints(&env), learnt);
        assert_eq!(std::fs::read_dir(dir.path().join("smith")).unwrap().count(), 1);
        assert_eq!(hints(&Env::default()).tip(), None);
    }

    #[test]
    fn a_file_of_settings_that_can_not_be_read_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env { config_dir: Some(dir.path().to_owned()), ..Env::default() };
        assert!(!setup(&env, None).config.is_there);
        std::fs::write(dir.path().join(config::FILE), b"theme = \"light\"\xff").unwrap();
        let setup = setup(&env, None);
        assert_eq!(setup.config.wrong().count(), 1, "{:?}", setup.config.problems);
    }
}

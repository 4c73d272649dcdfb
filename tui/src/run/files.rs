//! The workstation's own files: the person's settings.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::config::{self, Config, Position, Problem, Setup, Severity, Surroundings};
use crate::look::{Ground, Rgb};
use crate::settings::Env;

/// The most bytes of a file that are read.
const MOST: u64 = 1 << 20;

/// How the workstation is set up here, on a terminal that said this of its ground.
pub(super) fn setup(env: &Env, ground: Option<Rgb>) -> Setup {
    let ground = ground.map(|rgb| if rgb.is_light() { Ground::Light } else { Ground::Dark });
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

//! Named places in debug builds where the test harness makes a process die, stall or fail.
//!
//! A call site is `failpoint::hit!("room.operation.edge")`; what happens there is decided by the
//! environment of the process alone, so that production code carries no switches of its own:
//!
//! - `SMITH_FAILPOINTS`: `name=action[@n]` joined by `;`. Actions: `kill` (SIGKILL to the own
//!   process, as a crash would), `stop` (SIGSTOP), `error` (the site's error branch). `@n`: only at
//!   the n-th pass, counted from 1; without it, at the first.
//! - `SMITH_FAILPOINTS_LOG`: a file that gets one line (`name`) for each action that fired, written
//!   before the action, so that a suite can tell a point that never fired. A point whose name is in
//!   the file already does not fire again: passes are counted anew in each process, and whatever is
//!   started in place of one that was killed would be killed for ever.
//!
//! In release builds `hit!` expands to nothing that is kept: [`fire`] is a constant `false` there,
//! and the names do not reach the binary (`tests` has the proof).
//! The choice against the `fail` crate: its switch is a Cargo feature, which a debug build does not
//! imply and a release build does not exclude.

/// Passes the failpoint `name`; true when the site must take its error branch.
///
/// `hit!("name")` alone only crashes or stalls; `if hit!("name") { return Err(..) }` also offers
/// the `error` action.
#[macro_export]
macro_rules! hit {
    ($name:literal) => {{
        #[cfg(debug_assertions)]
        let fired = $crate::fire($name);
        #[cfg(not(debug_assertions))]
        let fired = false;
        fired
    }};
}

#[cfg(debug_assertions)]
pub use armed::fire;

#[cfg(debug_assertions)]
mod armed {
    use std::collections::HashMap;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, OnceLock};

    /// What happens at an armed point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Action {
        Kill,
        Stop,
        Error,
    }

    struct Armed {
        action: Action,
        /// The pass, counted from 1, at which the action fires.
        at: u64,
        passed: u64,
    }

    fn table() -> &'static Mutex<HashMap<String, Armed>> {
        static TABLE: OnceLock<Mutex<HashMap<String, Armed>>> = OnceLock::new();
        TABLE.get_or_init(|| {
            let spec = std::env::var("SMITH_FAILPOINTS").unwrap_or_default();
            Mutex::new(parse(&spec).expect("SMITH_FAILPOINTS is name=kill|stop|error[@n];…"))
        })
    }

    fn parse(spec: &str) -> Option<HashMap<String, Armed>> {
        spec.split(';')
            .filter(|item| !item.is_empty())
            .map(|item| {
                let (name, rest) = item.split_once('=')?;
                let (action, at) = rest.split_once('@').unwrap_or((rest, "1"));
                let action = match action {
                    "kill" => Action::Kill,
                    "stop" => Action::Stop,
                    "error" => Action::Error,
                    _ => return None,
                };
                let armed = Armed { action, at: at.parse().ok()?, passed: 0 };
                Some((name.to_owned(), armed))
            })
            .collect()
    }

    /// Counts a pass of `name` and performs its action when it is due; see [`crate::hit!`].
    #[doc(hidden)]
    pub fn fire(name: &str) -> bool {
        let action = {
            let mut table = table().lock().unwrap_or_else(|e| e.into_inner());
            let Some(armed) = table.get_mut(name) else {
                return false;
            };
            armed.passed += 1;
            if armed.passed != armed.at {
                return false;
            }
            armed.action
        };
        let path = std::env::var_os("SMITH_FAILPOINTS_LOG").map(PathBuf::from);
        if let Some(path) = &path {
            if has_fired(path, name) {
                return false;
            }
            log(path, name);
        }
        match action {
            Action::Kill => {
                signal("KILL");
                // The first process of a PID namespace gets no deadly signal from inside; what it can
                // do is end, and that ends the namespace as abruptly.
                std::process::exit(137);
            }
            Action::Stop => signal("STOP"),
            Action::Error => return true,
        }
        false
    }

    fn has_fired(path: &Path, name: &str) -> bool {
        let lines = std::fs::read_to_string(path).unwrap_or_default();
        lines.lines().any(|line| line == name)
    }

    fn log(path: &Path, name: &str) {
        if let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path) {
            // One small write in append mode: lines of several processes don't mix.
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
    }

    /// Sends a signal to the own process by `kill(1)`: this crate has no dependencies and no unsafe.
    fn signal(name: &str) {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill").args(["-s", name, &pid]).status();
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_fires_at_its_pass_only() {
            let table = parse("a.b=kill;c.d=error@3").expect("parses");
            assert_eq!(table["a.b"].action, Action::Kill);
            assert_eq!(table["a.b"].at, 1);
            assert_eq!((table["c.d"].action, table["c.d"].at), (Action::Error, 3));
        }

        #[test]
        fn a_point_in_the_log_has_fired() {
            let path = std::env::temp_dir().join(format!("smith-failpoint-{}", std::process::id()));
            assert!(!has_fired(&path, "a.b"), "without a log nothing has");
            log(&path, "a.b.c");
            assert!(!has_fired(&path, "a.b"), "another's name begins like it");
            log(&path, "a.b");
            assert!(has_fired(&path, "a.b"));
            let _ = std::fs::remove_file(&path);
        }

        #[test]
        fn a_misspelt_action_is_refused() {
            assert!(parse("a=explode").is_none());
            assert!(parse("a").is_none());
        }
    }
}

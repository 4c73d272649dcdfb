//! Whether a program can be started, asked before it is tried.
//!
//! The PTY library can't tell a failed exec from a program that exits with 1, and libc runs what
//! the kernel refuses as a shell script. So program, `#!` interpreter and ELF headers are looked
//! at first, and what is wrong gets a name.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::Access;

use super::elf;
use super::wire::{Command, Program, StartFailure};

/// Where names are looked up when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The kernel reads no more of a `#!` line.
const HEAD: usize = 256;
/// The kernel follows no more interpreters of interpreters.
const MAX_INTERPRETERS: usize = 4;
/// Linux's bound for one argument or variable, its end included.
const MAX_ARGUMENT: usize = 128 * 1024;
/// All arguments and variables with their pointers: half of what Linux allows with its usual stack.
const MAX_TOTAL: usize = 1024 * 1024;

/// Why a command can't be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The class.
    pub kind: StartFailure,
    /// One sentence: what, and why not.
    pub message: String,
}

impl Refused {
    pub(super) fn new(kind: StartFailure, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// A command that was found good: nothing in it is relative any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) cwd: PathBuf,
}

/// Checks a command against this machine and workspace.
pub(super) fn resolve(command: &Command, workspace: &Path) -> Result<Resolved, Refused> {
    let Command { program, env, cwd } = command;
    check_environment(env)?;
    let cwd = directory(workspace, cwd)?;
    let argv = match program {
        Program::Argv(argv) => argv.clone(),
        Program::Shell(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
    };
    let Some((name, arguments)) = argv.split_first() else {
        return Err(Refused::new(StartFailure::NotFound, "the command is empty"));
    };
    for argument in &argv {
        check_text("an argument", argument)?;
    }
    let texts = argv.iter().chain(env.keys()).chain(env.values());
    let total: usize = texts.map(|text| text.len() + 1 + size_of::<usize>()).sum();
    if total > MAX_TOTAL {
        let message =
            format!("arguments and environment are {total} bytes long, the limit is {MAX_TOTAL}");
        return Err(Refused::new(StartFailure::Other, message));
    }
    let search = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let program = find(name, search, &cwd)?;
    check_program(&program, search, &cwd)?;
    Ok(Resolved { program, arguments: arguments.to_vec(), cwd })
}

fn check_text(what: &str, text: &str) -> Result<(), Refused> {
    if text.contains('\0') {
        return Err(Refused::new(StartFailure::Other, format!("{what} contains a NUL byte")));
    }
    if text.len() >= MAX_ARGUMENT {
        let message =
            format!("{what} is {} bytes long, the limit is {}", text.len(), MAX_ARGUMENT - 1);
        return Err(Refused::new(StartFailure::Other, message));
    }
    Ok(())
}

fn check_environment(env: &BTreeMap<String, String>) -> Result<(), Refused> {
    for (name, value) in env {
        if name.is_empty() || name.contains('=') {
            let message = format!("'{name}' can't be the name of an environment variable");
            return Err(Refused::new(StartFailure::Other, message));
        }
        check_text("the name of an environment variable", name)?;
        // Its name and the sign between count too.
        check_text(&format!("the environment variable '{name}'"), &format!("{name}={value}"))?;
    }
    Ok(())
}

fn directory(workspace: &Path, cwd: &Path) -> Result<PathBuf, Refused> {
    let refused = |why: String| {
        let message = format!("can't work in '{}': {why}", cwd.display());
        Refused::new(StartFailure::BadCwd, message)
    };
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !cwd.components().all(inside) {
        return Err(refused("it must be a directory inside the workspace".to_owned()));
    }
    let root = workspace.canonicalize().map_err(|e| refused(format!("the workspace: {e}")))?;
    let path = root.join(cwd).canonicalize().map_err(|e| refused(e.to_string()))?;
    if !path.starts_with(&root) {
        return Err(refused(format!("it leads out of the workspace, to '{}'", path.display())));
    }
    if !path.is_dir() {
        return Err(refused("it is not a directory".to_owned()));
    }
    Ok(path)
}

/// Looks a program up as a shell would.
fn find(name: &str, search: &str, cwd: &Path) -> Result<PathBuf, Refused> {
    if name.is_empty() {
        return Err(Refused::new(StartFailure::NotFound, "the program's name is empty"));
    }
    if name.contains('/') {
        let path = cwd.join(name);
        return check_file(&path).map(|()| path);
    }
    let mut unusable = None;
    for folder in search.split(':') {
        let path = cwd.join(folder).join(name);
        match check_file(&path) {
            Ok(()) => return Ok(path),
            Err(refused) if refused.kind == StartFailure::NotFound => {}
            Err(refused) => unusable = unusable.or(Some(refused)),
        }
    }
    Err(unusable.unwrap_or_else(|| {
        let message = format!("there is no program '{name}' in the PATH '{search}'");
        Refused::new(StartFailure::NotFound, message)
    }))
}

fn check_file(path: &Path) -> Result<(), Refused> {
    let shown = path.display();
    let unusable = |why: &str| {
        Err(Refused::new(StartFailure::NotExecutable, format!("can't execute '{shown}': {why}")))
    };
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return unusable("it is a directory"),
        Ok(meta) if !meta.is_file() => return unusable("it is not a regular file"),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return unusable("permission denied");
        }
        Err(_) => {
            let message = format!("there is no program '{shown}'");
            return Err(Refused::new(StartFailure::NotFound, message));
        }
    }
    match rustix::fs::access(path, Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(_) => unusable("you lack the permission (is its executable bit set?)"),
    }
}

/// Follows a program through its interpreters.
fn check_program(program: &Path, search: &str, cwd: &Path) -> Result<(), Refused> {
    let mut current = program.to_path_buf();
    for _ in 0..=MAX_INTERPRETERS {
        let Some(next) = interpreter(&current, search, cwd)? else {
            return Ok(());
        };
        check_file(&next).map_err(|refused| {
            let message =
                format!("'{}' needs an interpreter that fails: {refused}", program.display());
            Refused::new(StartFailure::BadInterpreter, message)
        })?;
        current = next;
    }
    let message = format!("'{}' has too many interpreters of interpreters", program.display());
    Err(Refused::new(StartFailure::BadInterpreter, message))
}

/// What the kernel would run to run `path`, if not itself.
fn interpreter(path: &Path, search: &str, cwd: &Path) -> Result<Option<PathBuf>, Refused> {
    let shown = path.display();
    let unusable = |why: &str| {
        Refused::new(StartFailure::NotExecutable, format!("can't execute '{shown}': {why}"))
    };
    let file = match File::open(path) {
        Ok(file) => file,
        // It may be executed and not read: nothing to learn from it then.
        Err(_) => return Ok(None),
    };
    let head = read_at(&file, 0, HEAD);
    if let Some(line) = head.strip_prefix(b"#!") {
        return shebang(line, search, cwd).map(Some).map_err(|why| {
            Refused::new(StartFailure::BadInterpreter, format!("'{shown}': {why}"))
        });
    }
    if head.starts_with(elf::MAGIC) {
        let elf = elf::parse(|offset, length| read_at(&file, offset, length)).map_err(unusable)?;
        if !runs_here(elf.machine) {
            return Err(unusable("it was built for another kind of processor"));
        }
        return Ok(elf.loader.map(|loader| cwd.join(loader)));
    }
    // Text without `#!` is what POSIX has run by the shell.
    if head.is_empty() {
        return Err(unusable("it is empty"));
    }
    if head.contains(&0) {
        return Err(unusable("it is neither a program nor a script"));
    }
    Ok(None)
}

/// The interpreter of a `#!` line; of `env NAME` the program that `env` would look up.
fn shebang(line: &[u8], search: &str, cwd: &Path) -> Result<PathBuf, String> {
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.split(|&byte| byte == b'\0').next().unwrap_or_default();
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(first) = words.next() else {
        return Err("its #! line names no interpreter".to_owned());
    };
    let interpreter = cwd.join(std::ffi::OsStr::from_bytes(first));
    // A script edited on Windows; split by whitespace it would look right here and fail in the kernel.
    if line.ends_with(b"\r") {
        return Err("its #! line ends in a carriage return; convert its line ends".to_owned());
    }
    if first.ends_with(b"/env") && check_file(&interpreter).is_ok() {
        let name = words.find(|word| *word != b"-S").map(String::from_utf8_lossy);
        // Options and assignments are env's own business.
        if let Some(name) = name.filter(|name| !name.starts_with('-') && !name.contains('=')) {
            find(&name, search, cwd)
                .map_err(|refused| format!("it needs an interpreter that fails: {refused}"))?;
        }
    }
    Ok(interpreter)
}

fn read_at(file: &File, offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes.truncate(filled);
    bytes
}

/// True when programs for this ELF machine run here, as far as can be told: a machine's 32-bit
/// programs may, and registered emulators run what they like.
fn runs_here(machine: u16) -> bool {
    const X86: u16 = 3;
    const ARM: u16 = 40;
    const X86_64: u16 = 62;
    const AARCH64: u16 = 183;
    static OWN: OnceLock<Option<u16>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let file = File::open("/proc/self/exe").ok()?;
        elf::parse(|offset, length| read_at(&file, offset, length)).ok().map(|elf| elf.machine)
    });
    let Some(own) = *own else { return true };
    own == machine
        || matches!((own, machine), (X86_64, X86) | (AARCH64, ARM))
        || std::fs::read_dir("/proc/sys/fs/binfmt_misc").is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                name != "register" && name != "status"
            })
        })
}

#[cfg(test)]
mod tests;

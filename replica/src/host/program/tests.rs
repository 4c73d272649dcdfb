//! Programs of every kind of wrong.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

struct Workspace(tempfile::TempDir);

impl Workspace {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn resolve_in(&self, program: &str, cwd: &str) -> Result<Resolved, Refused> {
        let command = Command {
            program: Program::Argv(vec![program.to_owned(), "argument".to_owned()]),
            env: BTreeMap::from([(
                "PATH".to_owned(),
                format!("{}:/usr/bin:/bin", self.0.path().display()),
            )]),
            cwd: cwd.into(),
        };
        resolve(&command, self.0.path())
    }

    fn refused(&self, program: &str) -> (StartFailure, String) {
        let refused = self.resolve_in(program, "").unwrap_err();
        (refused.kind, refused.message)
    }

    fn check(&self, program: &str, kind: StartFailure, message: &str) {
        let refused = self.refused(program);
        assert_eq!(refused.0, kind, "{}", refused.1);
        assert!(refused.1.contains(message), "{}", refused.1);
    }
}

#[test]
fn what_can_be_started_is_found() {
    let workspace = Workspace::new();
    workspace.file("script", b"#!/bin/sh\n", 0o755);
    workspace.file("env-script", b"#!/usr/bin/env -S sh -e\n", 0o755);
    workspace.file("text", b"echo hello\n", 0o755);
    for program in ["sh", "/bin/sh", "script", "./script", "env-script", "text"] {
        let resolved = workspace.resolve_in(program, "").unwrap();
        assert!(resolved.program.is_absolute());
        assert_eq!(resolved.arguments, ["argument"]);
    }
}

#[test]
fn what_can_not_be_started_has_a_reason() {
    let workspace = Workspace::new();
    let shell = std::fs::read("/bin/sh").unwrap();
    let mut foreign = shell.clone();
    foreign[18..20].copy_from_slice(&[22, 0]);
    workspace.file("plain", b"#!/bin/sh\n", 0o644);
    workspace.file("gone", b"#!/no/such/python\n", 0o755);
    workspace.file("env-gone", b"#!/usr/bin/env no-such-python\n", 0o755);
    workspace.file("nameless", b"#!  \n", 0o755);
    workspace.file("windows", b"#!/bin/sh\r\n", 0o755);
    workspace.file(
        "itself",
        format!("#!{}/itself\n", workspace.0.path().display()).as_bytes(),
        0o755,
    );
    workspace.file(
        "nested",
        format!("#!{}/gone\n", workspace.0.path().display()).as_bytes(),
        0o755,
    );
    workspace.file("empty", b"", 0o755);
    workspace.file("noise", &[1, 0, 2, 0], 0o755);
    workspace.file("corrupt", b"\x7fELF garbage that no kernel runs", 0o755);
    workspace.file("cut", &shell[..100], 0o755);
    std::fs::create_dir(workspace.0.path().join("folder")).unwrap();

    use StartFailure::{BadInterpreter, NotExecutable, NotFound};
    workspace.check("no-such-program", NotFound, "in the PATH");
    workspace.check("./no-such-program", NotFound, "no-such-program");
    workspace.check("/no/such/program", NotFound, "/no/such/program");
    workspace.check("", NotFound, "empty");
    workspace.check("./plain", NotExecutable, "executable bit");
    workspace.check("plain", NotExecutable, "executable bit");
    workspace.check("./folder", NotExecutable, "directory");
    workspace.check("/dev/null", NotExecutable, "regular file");
    workspace.check("gone", BadInterpreter, "/no/such/python");
    workspace.check("env-gone", BadInterpreter, "no-such-python");
    workspace.check("nameless", BadInterpreter, "names no interpreter");
    workspace.check("windows", BadInterpreter, "carriage return");
    workspace.check("itself", BadInterpreter, "too many");
    workspace.check("nested", BadInterpreter, "/no/such/python");
    workspace.check("empty", NotExecutable, "empty");
    workspace.check("noise", NotExecutable, "neither");
    workspace.check("corrupt", NotExecutable, "corrupt");
    workspace.check("cut", NotExecutable, "cut off");
    let emulated = std::fs::read_dir("/proc/sys/fs/binfmt_misc").is_ok_and(|dir| dir.count() > 2);
    if !emulated {
        workspace.file("foreign", &foreign, 0o755);
        workspace.check("foreign", NotExecutable, "another kind of processor");
    }
}

#[test]
fn a_directory_is_inside_the_workspace_or_refused() {
    let workspace = Workspace::new();
    std::fs::create_dir_all(workspace.0.path().join("a/b")).unwrap();
    symlink("a/b", workspace.0.path().join("inner")).unwrap();
    symlink("/tmp", workspace.0.path().join("outer")).unwrap();
    workspace.file("file", b"", 0o644);
    for cwd in ["", ".", "a/b", "./a", "inner"] {
        assert!(workspace.resolve_in("sh", cwd).is_ok(), "{cwd}");
    }
    for cwd in ["/", "/tmp", "..", "a/../..", "outer", "no-such", "file"] {
        let refused = workspace.resolve_in("sh", cwd).unwrap_err();
        assert_eq!(refused.kind, StartFailure::BadCwd, "{cwd}");
    }
}

#[test]
fn what_exec_can_not_take_is_refused_before() {
    let workspace = Workspace::new();
    let refused = |argument: &str, name: &str, value: &str| {
        let command = Command {
            program: Program::Argv(vec!["/bin/sh".to_owned(), argument.to_owned()]),
            env: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            cwd: PathBuf::new(),
        };
        resolve(&command, workspace.0.path()).err().map(|refused| refused.kind)
    };
    let long = "x".repeat(MAX_ARGUMENT);
    assert_eq!(refused("good", "GOOD", "good=value"), None);
    assert_eq!(refused("a\0b", "GOOD", ""), Some(StartFailure::Other));
    assert_eq!(refused("", "a=b", ""), Some(StartFailure::Other));
    assert_eq!(refused("", "", ""), Some(StartFailure::Other));
    assert_eq!(refused("", "A", "a\0b"), Some(StartFailure::Other));
    assert_eq!(refused(&long, "A", ""), Some(StartFailure::Other));
    assert_eq!(refused("", "A", &long), Some(StartFailure::Other));
}

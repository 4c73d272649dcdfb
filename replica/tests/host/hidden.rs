//! What is hidden from a start, and what a start can do about it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use smith_replica::host::{Hidden, Host, Isolation, Local};

use crate::bench::{Place, in_both, piped, text};

in_both!(
    hidden_directories_are_empty_and_the_workspace_is_where_it_was,
    nobody_but_root_gets_behind_a_cover,
    what_is_not_there_is_passed_over,
    power_is_not_handed_on,
);

const SECRET: &str = "what only the server may know";

/// A state directory that holds the workspace, with a secret beside it.
struct State {
    place: Place,
    dir: PathBuf,
}

impl State {
    fn new() -> Self {
        let place = Place::new();
        let dir = place.path().join("state");
        std::fs::create_dir_all(dir.join("workers/other")).unwrap();
        std::fs::create_dir_all(dir.join("workers/own/workspace")).unwrap();
        for file in ["token", "workers/other/log"] {
            std::fs::write(dir.join(file), SECRET).unwrap();
        }
        // Were it not hidden, everybody could read it.
        for path in [place.path().to_path_buf(), dir.clone()] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let workspace = dir.join("workers/own/workspace");
        std::fs::set_permissions(workspace, PermissionsExt::from_mode(0o777)).unwrap();
        Self { place, dir }
    }

    fn local(&self, isolation: Isolation) -> Local {
        Local {
            socket: self.dir.join("workers/own/host/s"),
            workspace: self.dir.join("workers/own/workspace"),
            hidden: vec![self.dir.clone(), self.dir.join("workers")],
            ..self.place.local(isolation)
        }
    }

    async fn host(&self, isolation: Isolation) -> Host {
        let host = Host::spawn_local(&self.local(isolation)).await.unwrap();
        match isolation {
            Isolation::Namespace(_) => assert_eq!(*host.hidden(), Hidden::Covered),
            Isolation::Processes => {
                assert!(matches!(host.hidden(), Hidden::Refused { .. }), "{:?}", host.hidden());
            }
        }
        host
    }

    async fn says(&self, host: &Host, line: &str) -> String {
        let line = format!("S='{}'; exec 2>&1; {line}", self.dir.display());
        let (process, mut pipes) = piped(host, &line).await;
        let said = text(&mut pipes.stdout).await;
        process.wait().await.unwrap();
        said
    }
}

async fn hidden_directories_are_empty_and_the_workspace_is_where_it_was(isolation: Isolation) {
    let state = State::new();
    let host = state.host(isolation).await;
    let seen = state.says(&host, "find $S | sort; cat $S/token").await;
    if isolation == Isolation::Processes {
        assert!(seen.contains(SECRET), "{seen}");
        return;
    }
    assert!(!seen.contains(SECRET), "{seen}");
    let s = state.dir.display();
    let paths: Vec<&str> = seen.lines().filter(|line| line.starts_with('/')).collect();
    let expected =
        ["", "/workers", "/workers/own", "/workers/own/workspace"].map(|path| format!("{s}{path}"));
    assert_eq!(paths, expected, "{seen}");

    let seen = state.says(&host, "pwd; echo made > made; cat $S/workers/own/workspace/made").await;
    assert_eq!(seen, format!("{s}/workers/own/workspace\nmade\n"));
    assert_eq!(
        std::fs::read_to_string(state.dir.join("workers/own/workspace/made")).unwrap(),
        "made\n"
    );
    let seen = state.says(&host, "cd ..; ls; pwd; touch x || echo no; mkdir $S/y || echo no").await;
    assert!(seen.starts_with("workspace\n") && seen.matches("no\n").count() == 2, "{seen}");
    assert!(!state.dir.join("y").exists());
    assert_eq!(std::fs::read_to_string(state.dir.join("token")).unwrap(), SECRET);
}

async fn nobody_but_root_gets_behind_a_cover(isolation: Isolation) {
    let state = State::new();
    let host = state.host(isolation).await;
    // Root may do anything with its mounts, so that what it starts tries it as nobody.
    let nobody = match rustix::process::geteuid().is_root() {
        true => "setpriv --reuid=65534 --regid=65534 --clear-groups",
        false => "env",
    };
    for attack in [
        "cat $S/token /proc/1/root$S/token /proc/self/root$S/token",
        "umount $S; umount -l $S; cat $S/token",
        "unshare --user --map-root-user --mount sh -c 'umount -l $S; umount -R $S; cat $S/token'",
        "unshare --user --map-root-user --mount sh -c 'mkdir m; mount --bind / m; cat m$S/token; mount --rbind / m; umount -l m$S; cat m$S/token'",
        "unshare --user --map-root-user --mount sh -c 'umount -l .; cd $PWD; ls ../../..; cat ../../../token'",
        "unshare --user --map-root-user --mount --pid --fork --mount-proc sh -c 'cat /proc/1/root$S/token'",
        "unshare --user --map-root-user --mount sh -c 'mount -o remount,rw $S; touch $S/written'",
        "for d in /proc/[0-9]*; do cat $d/cwd/token $d/cwd/../token $d/cwd/../../../token $d/root$S/token $d/fd/*/token; done",
        "for d in /proc/[0-9]*; do nsenter --target ${d#/proc/} --mount --user cat $S/token; done",
        "ln $S/token l; ln -s $S/token s; cat l s",
    ] {
        let line =
            format!("export S; {nobody} timeout 20 sh -c '{}'", attack.replace('\'', r"'\''"));
        let said = state.says(&host, &line).await;
        if isolation == Isolation::Processes {
            assert!(said.contains(SECRET), "without a cover it is open: {said}");
            return;
        }
        assert!(!said.contains(SECRET), "{attack}\n{said}");
        assert!(!state.dir.join("written").exists(), "{attack}\n{said}");
    }
}

async fn what_is_not_there_is_passed_over(isolation: Isolation) {
    let place = Place::new();
    let hidden = vec![place.path().join("nothing"), place.path().join("own")];
    std::fs::create_dir(&hidden[1]).unwrap();
    std::fs::write(hidden[1].join("token"), SECRET).unwrap();
    let local = Local { hidden: hidden.clone(), ..place.local(isolation) };
    let host = Host::spawn_local(&local).await.unwrap();
    let (process, mut pipes) = piped(&host, &format!("ls {}", hidden[1].display())).await;
    let expected = if isolation == Isolation::Processes { "token\n" } else { "" };
    assert_eq!(text(&mut pipes.stdout).await, expected);
    process.wait().await.unwrap();

    // A workspace that would be covered itself is refused, and the host works on.
    let local = Local { hidden: vec![place.workspace()], ..place.local(isolation) };
    let host = Host::spawn_local(&local).await.unwrap();
    assert!(matches!(host.hidden(), Hidden::Refused { .. }), "{:?}", host.hidden());
    let (_process, mut pipes) = piped(&host, "echo here > f; cat f").await;
    assert_eq!(text(&mut pipes.stdout).await, "here\n");
}

/// The making of a user namespace gives every capability in it; what is started has none of them.
async fn power_is_not_handed_on(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    assert_eq!(*host.hidden(), Hidden::Nothing);
    let (_process, mut pipes) = piped(&host, "grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status").await;
    let said = text(&mut pipes.stdout).await;
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in said.lines() {
        let is_root = rustix::process::geteuid().is_root();
        assert!(is_root || own.contains(line), "{said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
}

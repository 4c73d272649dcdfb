//! What is started: terminals, pipes, exits, refusals, many.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use smith_replica::host::{
    Command, Echo, Error, Exit, Isolation, Program, Scope, Signal, Size, StartFailure, Stdin,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{
    Place, SIZE, command, in_both, in_terminal, in_time, piped, shell, text, until,
};

in_both!(
    a_terminal_echoes_and_resizes,
    control_c_interrupts_the_foreground,
    pipes_come_apart,
    ends_are_told,
    the_environment_is_the_given_one,
    a_flood_is_read_through,
    what_can_not_start_has_a_reason,
    a_signal_reaches_the_leader_or_the_tree,
    stat_tells_time_and_stops,
    a_thousand_starts_leave_nothing,
);

async fn a_terminal_echoes_and_resizes(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    let line = "stty size; test -t 0 -a -t 1 -a -t 2 && read line && echo got $line; stty size";
    let (process, mut terminal) = in_terminal(&host, line).await;
    until(&mut terminal.output, "30 100").await;
    terminal.input.resize(Size { rows: 40, cols: 120 }).unwrap();
    assert_eq!(terminal.input.echo().unwrap(), Echo::Shown);
    terminal.input.write_all(b"hello\n").await.unwrap();
    let rest = text(&mut terminal.output).await;
    assert_eq!(rest, "hello\r\ngot hello\r\n40 120\r\n");
    assert_eq!(process.wait().await.unwrap(), Exit::Code(0));
}

async fn control_c_interrupts_the_foreground(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    let (process, mut terminal) = in_terminal(&host, "echo ready; exec sleep 1000").await;
    until(&mut terminal.output, "ready").await;
    terminal.input.write_all(b"\x03").await.unwrap();
    assert_eq!(in_time(process.wait()).await.unwrap(), Exit::Signal(2));
}

async fn pipes_come_apart(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    let line = "pwd; echo err >&2; cat";
    let (process, mut pipes) = host.start_in_pipes(shell(line), Stdin::Pipe).await.unwrap();
    let mut stdin = pipes.stdin.take().unwrap();
    stdin.write_all(b"in").await.unwrap();
    drop(stdin);
    let workspace = place.workspace().canonicalize().unwrap();
    assert_eq!(text(&mut pipes.stdout).await, format!("{}\nin", workspace.display()));
    assert_eq!(text(&mut pipes.stderr).await, "err\n");
    assert_eq!(process.wait().await.unwrap(), Exit::Code(0));

    let (process, mut pipes) = piped(&host, "cat; tty; exec 3</dev/tty").await;
    // No input, and no terminal to find, not even the test's.
    assert_eq!(text(&mut pipes.stdout).await, "not a tty\n");
    assert!(!process.wait().await.unwrap().is_success());
}

async fn ends_are_told(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    for (line, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("no-such-command", Exit::Code(127)),
        ("kill -KILL $$", Exit::Signal(9)),
        ("kill -SEGV $$", Exit::Signal(11)),
    ] {
        let (process, _pipes) = piped(&host, line).await;
        assert_eq!(process.wait().await.unwrap(), expected, "{line} in pipes");
        let (process, _terminal) = in_terminal(&host, line).await;
        assert_eq!(process.wait().await.unwrap(), expected, "{line} in a terminal");
        assert_eq!(process.sweep().await.unwrap().exit, Some(expected));
    }
}

async fn the_environment_is_the_given_one(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    let env = BTreeMap::from([
        ("GIVEN".to_owned(), "ä b\nc".to_owned()),
        ("SHELL".to_owned(), "/bin/sh".to_owned()),
    ]);
    let program = Program::Argv(vec!["/usr/bin/env".to_owned()]);
    let command = Command { program, env, cwd: "".into() };
    let (_process, mut pipes) = host.start_in_pipes(command.clone(), Stdin::Null).await.unwrap();
    assert_eq!(text(&mut pipes.stdout).await, "GIVEN=ä b\nc\nSHELL=/bin/sh\n");
    let (_process, mut terminal) = host.start_in_terminal(command, SIZE).await.unwrap();
    let mut lines: Vec<String> =
        text(&mut terminal.output).await.split("\r\n").map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["", "GIVEN=ä b", "SHELL=/bin/sh", "c"]);
}

async fn a_flood_is_read_through(isolation: Isolation) {
    const SIZE: usize = 50_000_000;
    let place = Place::new();
    let host = place.host(isolation).await;
    let line = format!("head -c {SIZE} /dev/zero | tr '\\0' x");
    let (process, mut terminal) = in_terminal(&host, &line).await;
    let mut seen = 0;
    let mut piece = vec![0; 64 * 1024];
    loop {
        match in_time(terminal.output.read(&mut piece)).await.unwrap() {
            0 => break,
            read => seen += read,
        }
        assert!(piece[..1] == *b"x");
    }
    assert_eq!(seen, SIZE);
    assert_eq!(process.wait().await.unwrap(), Exit::Code(0));
}

async fn what_can_not_start_has_a_reason(isolation: Isolation) {
    let place = Place::new();
    let host = place.host(isolation).await;
    for (name, content, mode) in [
        ("plain", "#!/bin/sh\n", 0o644),
        ("no-interpreter", "#!/no/such/interpreter\n", 0o755),
        ("corrupt", "\x7fELF is what it says", 0o755),
    ] {
        let path = place.workspace().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    std::os::unix::fs::symlink("/", place.workspace().join("out")).unwrap();
    for (program, cwd, expected) in [
        ("no-such-program", "", StartFailure::NotFound),
        ("./no-such-program", "", StartFailure::NotFound),
        ("./plain", "", StartFailure::NotExecutable),
        ("./no-interpreter", "", StartFailure::BadInterpreter),
        ("./corrupt", "", StartFailure::NotExecutable),
        ("sh", "no-such-directory", StartFailure::BadCwd),
        ("sh", "..", StartFailure::BadCwd),
        ("sh", "/", StartFailure::BadCwd),
        ("sh", "out", StartFailure::BadCwd),
    ] {
        let mut command = command(Program::Argv(vec![program.to_owned()]));
        command.cwd = cwd.into();
        let in_pipes = host.start_in_pipes(command.clone(), Stdin::Null).await.map(drop);
        let in_terminal = host.start_in_terminal(command.clone(), SIZE).await.map(drop);
        for started in [in_pipes, in_terminal] {
            match started {
                Err(Error::Refused(refused)) => assert_eq!(refused.kind, expected, "{refused}"),
                other => panic!("{program} in '{cwd}': {other:?}"),
            }
        }
    }
    let long = "x".repeat(2_000_000);
    match host.start_in_pipes(shell(&long), Stdin::Null).await {
        Err(Error::Refused(refused)) => assert!(refused.message.contains("limit"), "{refused}"),
        other => panic!("{other:?}"),
    }
    // None of it has hurt the host.
    let (process, _pipes) = piped(&host, "exit 3").await;
    assert_eq!(process.wait().await.unwrap(), Exit::Code(3));
}

async fn a_signal_reaches_the_leader_or_the_tree(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let line = "exec 9>hold; trap 'echo parent >&9' USR1
        setsid sh -c 'trap \"echo child >&9\" USR1; echo up >&9; while :; do sleep 0.05; done' &
        while :; do sleep 0.05; done";
    let (process, _pipes) = piped(&host, line).await;
    held.says("up").await;
    assert_eq!(process.signal(Signal::USR1, Scope::Leader).await.unwrap(), 1);
    held.says("parent").await;
    // Kills the two `sleep`s too.
    assert!(process.signal(Signal::USR1, Scope::Tree).await.unwrap() >= 2);
    let mut said = [String::new(), String::new()];
    for line in &mut said {
        *line = held.line().await;
    }
    said.sort_unstable();
    assert_eq!(said, ["child", "parent"]);
    process.sweep().await.unwrap();
    held.ends().await;
}

async fn stat_tells_time_and_stops(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    // Two processes from the first word on: `setsid` and `exec` fork nothing here.
    let line = "exec 9>hold; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done
        setsid sh -c 'echo up >&9; exec sleep 1000' & exec sleep 1000";
    let (process, _pipes) = piped(&host, line).await;
    held.says("up").await;
    let stat = process.stat().await.unwrap();
    assert!(stat.cpu.as_millis() >= 10, "{stat:?}");
    assert_eq!((stat.alive, stat.stopped), (2, 0));

    assert_eq!(host.suspend().await.unwrap(), 2);
    let stat = process.stat().await.unwrap();
    assert_eq!((stat.alive, stat.stopped), (2, 2));
    assert_eq!(host.resume().await.unwrap(), 2);
    assert_eq!(process.stat().await.unwrap().stopped, 0);

    host.suspend().await.unwrap();
    // What is suspended can be ended all the same.
    let report = process.end(std::time::Duration::from_secs(20)).await.unwrap();
    assert_eq!((report.exit, report.killed, report.remaining), (Some(Exit::Signal(15)), 0, 0));
    held.ends().await;
    assert_eq!(process.stat().await.unwrap().alive, 0);
}

fn open_files(pid: impl std::fmt::Display) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// Zombies below this very process.
fn zombies() -> usize {
    let mut parents = std::collections::HashMap::new();
    let mut zombies = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let pid: u32 = stat.split(' ').next().unwrap().parse().unwrap();
        let mut fields = stat.rsplit_once(") ").unwrap().1.split(' ');
        let state = fields.next().unwrap();
        parents.insert(pid, fields.next().unwrap().parse::<u32>().unwrap());
        if state == "Z" {
            zombies.push(pid);
        }
    }
    let own = std::process::id();
    let is_own = |pid: &&u32| {
        std::iter::successors(Some(**pid), |pid| parents.get(pid).copied()).any(|pid| pid == own)
    };
    zombies.iter().filter(is_own).count()
}

async fn a_thousand_starts_leave_nothing(isolation: Isolation) {
    const AT_ONCE: usize = 10;
    let place = Place::new();
    let host = place.host(isolation).await;
    let one = async |n: usize| {
        let line = if n.is_multiple_of(4) { "(setsid true &); exit 1" } else { "exit 1" };
        if n.is_multiple_of(2) {
            let (process, _terminal) = in_terminal(&host, line).await;
            assert_eq!(process.wait().await.unwrap(), Exit::Code(1));
            assert_eq!(process.sweep().await.unwrap().remaining, 0);
        } else {
            let (process, _pipes) = piped(&host, line).await;
            assert_eq!(process.wait().await.unwrap(), Exit::Code(1));
            process.sweep().await.unwrap();
        }
    };
    one(0).await;
    let own_files = open_files("self").unwrap();
    let host_pid = place.host_pid();
    let host_files = open_files(host_pid);
    for round in 0..1000 / AT_ONCE {
        let starts = (0..AT_ONCE).map(|n| one(round * AT_ONCE + n));
        futures::future::join_all(starts).await;
    }
    // Keepers end after their last word, so this settles, and soon.
    in_time(async {
        while zombies() > 0
            || open_files("self").unwrap() > own_files
            || open_files(host_pid) > host_files
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

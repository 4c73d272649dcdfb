//! The shell of a worker: a login shell in the workspace, started when somebody asks for it, and ended with the worker.

use std::convert::Infallible;
use std::sync::Arc;

use futures::future::maybe_done;
use smith_model::terminal::Session as Name;
use smith_term::message::{Next, Status};
use tokio::io::AsyncReadExt as _;

use super::{Inner, Tap};
use crate::host::{self, Command, Error, Process, Program, Size, Terminal};
use crate::worker::chain;

/// Starts it, unless it runs. One at a time: two who ask at once get the same one.
pub(super) async fn start(inner: &Arc<Inner>) -> Result<(), String> {
    let _turn = inner.starting.lock().await;
    let session = inner.session(Name::Shell);
    if session.runs() {
        return Ok(());
    }
    let size = session.size();
    let size = Size { rows: size.rows(), cols: size.columns() };
    let (process, terminal) = launch(inner, size).await.map_err(|e| chain(&e))?;
    let tap = inner.tap(Name::Shell, 0, terminal.input);
    let mut tasks = inner.tasks();
    // Those of shells that ended.
    while tasks.try_join_next().is_some() {}
    tasks.spawn(follow(process, tap, terminal.output));
    Ok(())
}

async fn launch(inner: &Inner, size: Size) -> Result<(Process, Terminal), Error> {
    // The host puts the user's shell into SHELL where the environment has none.
    let command = Command {
        program: Program::Shell("exec \"${SHELL:-/bin/sh}\" -l".to_owned()),
        env: inner.env.iter().cloned().collect(),
        cwd: Default::default(),
    };
    inner.host.start_in_terminal(command, size).await
}

async fn follow(
    process: Process,
    (tap, typing): (Tap, impl Future<Output = Infallible>),
    mut output: host::TerminalReader,
) {
    // Asked again after its end, it says so again.
    let reading = maybe_done(async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(n @ 1..) = output.read(&mut buffer).await {
            tap.output(&buffer[..n]);
        }
    });
    let exit = {
        tokio::pin!(reading, typing);
        let exit = tokio::select! { biased;
            exit = process.wait() => exit,
            () = &mut reading => process.wait().await,
            never = &mut typing => match never {},
        };
        // Jobs that it left end with it; what they printed is read.
        let _ = process.sweep().await;
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), &mut reading).await;
        exit
    };
    let status = match exit {
        Ok(host::Exit::Code(code)) => Some(Status::Code(code)),
        Ok(host::Exit::Signal(signal)) => Some(Status::Signal(signal)),
        Ok(host::Exit::Unknown) | Err(_) => None,
    };
    tap.ended(status, Next::Over, "the shell ended; attach again for another one".to_owned());
}

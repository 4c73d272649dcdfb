//! Asks the terminal what it is, before anybody else reads what comes from it.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::host::{Answers, QUESTIONS};

/// How long answers are waited for: what a terminal that doesn't answer costs.
const WAIT: Duration = Duration::from_millis(150);

/// Asks, on a raw terminal. What can't be read isn't known.
pub(super) fn ask() -> io::Result<Answers> {
    let mut out = io::stdout().lock();
    out.write_all(QUESTIONS)?;
    out.flush()?;
    let stdin = rustix::stdio::stdin();
    let deadline = Instant::now() + WAIT;
    let mut answers = Answers::default();
    let mut buffer = [0; 1024];
    while !answers.is_whole {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&left)) {
            Ok(0) => break,
            Ok(_) => match rustix::io::read(stdin, &mut buffer)? {
                0 => break,
                read => answers.take(&buffer[..read]),
            },
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answers)
}

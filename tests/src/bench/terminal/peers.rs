//! What a terminal of Smith is compared with: a PTY of this machine, and `ssh` to it.
//!
//! Both are driven by blocking reads and writes on a thread of their own: the fewest wake-ups that there can be.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::bench::stats::millis;
use crate::{binaries, etcd};

/// A program that sends back each key as it is, once the terminal does nothing by itself.
pub(super) const ECHO: &str = "stty raw -echo; echo ready; exec cat";
/// How long sshd may take to listen.
const READY: Duration = Duration::from_secs(10);

/// A terminal whose program is [`ECHO`].
pub(super) struct Peer {
    child: Child,
    input: Box<dyn Write + Send>,
    output: Box<dyn Read + Send>,
}

impl Peer {
    /// In a PTY opened here.
    pub(super) fn local() -> Result<Self> {
        let (child, master) = in_pty(ECHO)?;
        Self { child, input: Box::new(master.try_clone()?), output: Box::new(master) }.ready()
    }

    fn ready(mut self) -> Result<Self> {
        let mut seen = vec![];
        while !String::from_utf8_lossy(&seen).contains("ready") {
            let mut byte = [0];
            ensure!(
                self.output.read(&mut byte)? == 1,
                "it ended: {:?}",
                String::from_utf8_lossy(&seen)
            );
            seen.push(byte[0]);
        }
        // The line's end, which a raw terminal leaves as it is.
        let mut byte = [0];
        self.output.read_exact(&mut byte)?;
        Ok(self)
    }

    /// Milliseconds from a key to its echo, so many times. Blocks.
    pub(super) fn echoes(&mut self, keys: usize) -> Result<Vec<f64>> {
        let mut took = vec![];
        for n in 0..keys {
            let key = [b'a' + u8::try_from(n % 26)?];
            let begun = Instant::now();
            self.input.write_all(&key)?;
            self.input.flush()?;
            let mut echo = [0];
            self.output.read_exact(&mut echo)?;
            took.push(millis(begun.elapsed()));
            ensure!(echo == key, "{key:?} came back as {echo:?}");
        }
        Ok(took)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a line in a new PTY.
fn in_pty(line: &str) -> Result<(Child, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, vec![])?;
    let name = PathBuf::from(name.to_str()?);
    let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits())?;
    let slave = File::options().read(true).write(true).custom_flags(flags).open(name)?;
    let mut command = Command::new("sh");
    command.args(["-c", line]).stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    Ok((command.spawn()?, File::from(master)))
}

/// Bytes a second that a program floods a PTY of this machine with. Blocks.
pub(super) fn flood(line: &str, span: Duration) -> Result<f64> {
    let (mut child, mut master) = in_pty(line)?;
    let mut buffer = vec![0; 64 * 1024];
    let (begun, mut bytes) = (Instant::now(), 0);
    while begun.elapsed() < span {
        bytes += master.read(&mut buffer)?;
    }
    let rate = bytes as f64 / begun.elapsed().as_secs_f64();
    child.kill()?;
    child.wait()?;
    Ok(rate)
}

/// An sshd of its own on a port of the loopback, as the current user.
pub(super) struct Sshd {
    child: Child,
    dir: PathBuf,
    port: u16,
}

impl Sshd {
    /// Starts it, with keys that are made for it.
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let program = binaries::tool("sshd");
        let dir = dir.join("ssh");
        fs::create_dir_all(&dir)?;
        for name in ["host", "key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(dir.join(name))
                .status()
                .context("there is no ssh-keygen: install openssh-client")?;
            ensure!(made.success(), "ssh-keygen: {made}");
        }
        let port = etcd::free_port();
        let at = |name: &str| dir.join(name).display().to_string();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\n",
            at("host"),
            at("key.pub"),
        );
        fs::write(dir.join("config"), config)?;
        let mut command = as_it_wants(&program, &dir)?;
        command.arg("-D").arg("-e").arg("-f").arg(dir.join("config"));
        let child = command.stdin(Stdio::null()).stderr(File::create(dir.join("log"))?).spawn()?;
        let sshd = Self { child, dir, port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > READY {
                bail!("sshd doesn't listen: {}", fs::read_to_string(sshd.dir.join("log"))?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(sshd)
    }

    /// A terminal through it.
    pub(super) fn connect(&self) -> Result<Peer> {
        let user = Command::new("id").arg("-un").output()?;
        let user = String::from_utf8(user.stdout)?;
        let mut command = Command::new("ssh");
        command.args([
            "-tt",
            "-F",
            "/dev/null",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "EscapeChar=none",
        ]);
        command.args([
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "IdentitiesOnly=yes",
        ]);
        command.args(["-p", &self.port.to_string(), "-i"]).arg(self.dir.join("key"));
        command.arg(format!("{}@127.0.0.1", user.trim())).arg(ECHO);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env_remove("SSH_AUTH_SOCK");
        let mut child = command.spawn().context("there is no ssh: install openssh-client")?;
        let input: ChildStdin = child.stdin.take().context("it is piped")?;
        let output: ChildStdout = child.stdout.take().context("it is piped")?;
        let peer = Peer { child, input: Box::new(input), output: Box::new(output) }.ready();
        peer.with_context(|| fs::read_to_string(self.dir.join("log")).unwrap_or_default())
    }
}

/// sshd for root drops its rights to a user `sshd` in `/run/sshd`, which only a machine that has the package has. One
/// that was merely unpacked gets both in a mount namespace of its own; nothing outside of it changes.
fn as_it_wants(program: &Path, dir: &Path) -> Result<Command> {
    let users = fs::read_to_string("/etc/passwd")?;
    let has_user = users.lines().any(|line| line.starts_with("sshd:"));
    if !rustix::process::geteuid().is_root() || (has_user && Path::new("/run/sshd").is_dir()) {
        return Ok(Command::new(program));
    }
    let passwd = dir.join("passwd");
    let own = "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n";
    fs::write(&passwd, if has_user { users } else { users + own })?;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec"]).arg(
        "mount --bind \"$1\" /etc/passwd; mount -t tmpfs none /run; mkdir -m 755 /run/sshd; shift; exec \"$@\"",
    );
    command.arg("sh").arg(passwd).arg(program);
    Ok(command)
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

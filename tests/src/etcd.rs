//! An etcd for a test: the run's own (one for all tests), or a private one that may be stopped and filled.

use std::net::TcpListener;
use std::path::Path;

use etcd_client::{Client, ConnectOptions};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Process;
use crate::{LONG, binaries, in_time};

/// A reply may hold many values; gRPC's own limit of 4 MiB would cut lists short.
pub(crate) const MOST_REPLY_BYTES: usize = 64 * 1024 * 1024;

/// A running etcd.
#[derive(Debug)]
pub struct Etcd {
    url: String,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    process: Process,
    dir: TempDir,
    port: u16,
    peer: u16,
    options: Vec<String>,
}

impl Etcd {
    /// The run's etcd, or one of this world's own where there is none.
    pub async fn shared() -> Self {
        match std::env::var("SMITH_TEST_ETCD") {
            Ok(url) => Self { url, private: None },
            Err(_) => Self::private(&[]).await,
        }
    }

    /// One that nobody else uses, with more options.
    pub async fn private(options: &[&str]) -> Self {
        let base = Path::new("/dev/shm");
        let mut dir = tempfile::Builder::new();
        dir.prefix("smith-etcd-");
        let dir = if base.is_dir() { dir.tempdir_in(base) } else { dir.tempdir() }.unwrap();
        let options: Vec<String> = options.iter().map(|&o| o.to_owned()).collect();
        let (port, peer) = (free_port(), free_port());
        let process = start(dir.path(), port, peer, &options);
        let mut etcd = Self {
            url: format!("http://127.0.0.1:{port}"),
            private: Some(Private { process, dir, port, peer, options }),
        };
        etcd.answers().await;
        etcd
    }

    /// Its client address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of its own.
    pub async fn client(&self) -> Client {
        let options = ConnectOptions::new().with_timeout(LONG).with_connect_timeout(LONG);
        Client::connect([&self.url], Some(options)).await.unwrap()
    }

    /// Kills a private one.
    pub async fn stop(&mut self) {
        self.own().process.kill().await;
    }

    /// Starts a private one again, with its data.
    pub async fn start_again(&mut self) {
        let Private { process, dir, port, peer, options } = self.own();
        *process = start(dir.path(), *port, *peer, options);
        self.answers().await;
    }

    fn own(&mut self) -> &mut Private {
        self.private
            .as_mut()
            .expect("only a private etcd may be stopped: others use the shared one")
    }

    async fn answers(&mut self) {
        let url = self.url.clone();
        let ready = async {
            loop {
                let options = ConnectOptions::new().with_timeout(std::time::Duration::from_secs(1));
                if let Ok(mut client) = Client::connect([&url], Some(options)).await
                    && client.get("health", None).await.is_ok()
                {
                    return;
                }
                let process = &mut self.own().process;
                assert!(process.has_ended().is_none(), "etcd ended:\n{}", process.tail());
                // It can't be asked to tell when it is ready.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        in_time("etcd's first answer", ready).await;
    }
}

fn start(dir: &Path, port: u16, peer: u16, options: &[String]) -> Process {
    let url = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{peer}");
    let mut command = Command::new(binaries::etcd());
    command.arg("--name").arg("private").arg("--data-dir").arg(dir.join("data"));
    command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("private={peer}")]);
    // The election timeout bounds the shortest lease from below.
    command.args(["--heartbeat-interval", "50", "--election-timeout", "500", "--logger", "zap"]);
    command.args(options).stdout(std::process::Stdio::null());
    Process::spawn("etcd", command, &dir.join("log"))
}

/// A port that nobody listens on, from below the range that the kernel gives away by itself.
pub fn free_port() -> u16 {
    loop {
        let port = 10_000 + (uuid::Uuid::new_v4().as_u128() % 10_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

//! For tests that store: the etcd of the run (SMITH_TEST_ETCD), or a private one that ends with its test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::store::{Config, Error, Store};

/// Far longer than anything takes: it only turns a hang into a failure.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Etcd {
    pub(crate) url: String,
    private: Option<Private>,
}

struct Private {
    dir: tempfile::TempDir,
    peer: String,
    options: Vec<String>,
    child: Option<Child>,
}

impl Etcd {
    /// One that others may use too; every test has a prefix of its own.
    pub(crate) async fn shared() -> Self {
        match std::env::var("SMITH_TEST_ETCD") {
            Ok(url) if !url.is_empty() => Self { url, private: None },
            _ => Self::private().await,
        }
    }

    /// One that can be compacted and stopped.
    pub(crate) async fn private() -> Self {
        Self::private_with(&[]).await
    }

    /// The same with more options, such as `--quota-backend-bytes=…`.
    pub(crate) async fn private_with(options: &[&str]) -> Self {
        let address = || {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", socket.local_addr().unwrap())
        };
        let dir = tempfile::tempdir().unwrap();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let private = Private { dir, peer: address(), options, child: None };
        let mut etcd = Self { url: address(), private: Some(private) };
        etcd.up().await;
        etcd
    }

    /// Starts it (again, with its data).
    pub(crate) async fn up(&mut self) {
        let private = self.private.as_mut().expect("private");
        let mut command = match Path::new("/usr/bin/setpriv").exists() {
            true => {
                let mut command = Command::new("/usr/bin/setpriv");
                command.args(["--pdeathsig", "KILL", "--"]).arg(program());
                command
            }
            false => Command::new(program()),
        };
        command
            .args(["--name", "test", "--data-dir"])
            .arg(private.dir.path().join("data"))
            .args(["--logger", "zap"])
            .args(unsafe_options())
            .args(&private.options)
            .args(["--listen-client-urls", &self.url, "--advertise-client-urls", &self.url])
            .args(["--listen-peer-urls", &private.peer])
            .args(["--initial-advertise-peer-urls", &private.peer])
            .args(["--initial-cluster", &format!("test={}", private.peer)])
            .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(private.dir.path().join("log")).unwrap());
        private.child = Some(command.spawn().unwrap());
        let up = async {
            while self.open("/ready").await.is_err() {
                let private = self.private.as_mut().expect("private");
                if let Ok(Some(status)) = private.child.as_mut().expect("started").try_wait() {
                    let log = std::fs::read_to_string(private.dir.path().join("log"));
                    panic!("etcd ended with {status}: {}", log.unwrap_or_default());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, up).await.expect("etcd starts");
    }

    /// Ends it, as a crash does.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.private.as_mut().and_then(|p| p.child.take()) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Loses its data, while it is down.
    pub(crate) fn forget(&mut self) {
        let private = self.private.as_ref().expect("private");
        std::fs::remove_dir_all(private.dir.path().join("data")).unwrap();
    }

    /// A store under a prefix.
    pub(crate) async fn open(&self, prefix: &str) -> Result<Store, Error> {
        open(&self.url, prefix).await
    }
}

/// A store under a prefix, over what listens at `url`.
pub(crate) async fn open(url: &str, prefix: &str) -> Result<Store, Error> {
    let config = Config {
        quota: 2 << 30,
        endpoints: vec![url.to_owned()],
        prefix: prefix.to_owned(),
        tls: None,
        timeout: Duration::from_secs(5),
    };
    Store::open(&config, b"a root key for tests").await
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.down();
    }
}

/// Nothing of a test has to outlive a power cut.
fn unsafe_options() -> &'static [&'static str] {
    let help = Command::new(program()).arg("--help").output().expect("etcd runs");
    let text = [help.stdout, help.stderr].concat();
    match String::from_utf8_lossy(&text).contains("--unsafe-no-fsync") {
        true => &["--unsafe-no-fsync"],
        false => &[],
    }
}

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("ETCD") {
        return program.into();
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    let fetched = here.parent().map(|root| root.join(".tools/bin/etcd"));
    fetched.filter(|path| path.exists()).unwrap_or_else(|| "etcd".into())
}

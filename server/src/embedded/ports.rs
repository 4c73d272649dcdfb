//! The ports of one installation: chosen once, then kept, so that addresses in contexts, workers and
//! scripts stay true over restarts.
//!
//! Ports that nobody asked for are drawn at random from below the range of ephemeral ports (32768 on
//! Linux, 49152 elsewhere): one that the kernel picked from that range would sooner or later be taken by
//! somebody's outgoing connection while smithd is down.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use smith_model::Extra;

use super::atomic_file;
use super::state_dir::StateDir;

/// Where drawn ports come from.
const DRAWN: std::ops::Range<u16> = 20_000..32_000;

/// How many draws there are before it is said that nothing is free.
const MOST_DRAWS: usize = 200;

/// Why there are no ports to use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error("can't {act} {}", path.display())]
    File {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file isn't what it should be.
    #[error("{} is not a list of ports (`etcd_client`, `etcd_peer` and `api`, each from 1 to 65535 and all different); correct it, or delete it to have new ports chosen", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why, where the text itself couldn't be parsed.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// Two of the ports that were asked for, or one of them and a kept one, are the same.
    #[error("the ports that were asked for and those kept in {} must all be different and not 0: {} would be {}, {} {} and {} {}", path.display(),
        Which::EtcdClient.field(), ports.etcd_client, Which::EtcdPeer.field(), ports.etcd_peer, Which::Api.field(), ports.api)]
    Clash {
        /// What they would be.
        ports: Box<Ports>,
        /// The file of the kept ones.
        path: PathBuf,
    },
    /// Someone else listens on a port.
    #[error("port {port} ({}) is taken by another program: find it with `ss -ltnp 'sport = :{port}'` and end it, or put another port under `{}` in {}", which.purpose(), which.field(), path.display())]
    Taken {
        /// Which one.
        which: Which,
        /// Its number.
        port: u16,
        /// The file in which another one is chosen.
        path: PathBuf,
    },
    /// A port can't be listened on for another reason.
    #[error("can't listen on port {port} ({}); choose another one under `{}` in {}", which.purpose(), which.field(), path.display())]
    Listen {
        /// Which one.
        which: Which,
        /// Its number.
        port: u16,
        /// The file in which another one is chosen.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// None was found.
    #[error("found no free port on 127.0.0.1 between {} and {}", DRAWN.start, DRAWN.end)]
    NoneFree,
}

/// One of the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// etcd's, for clients.
    EtcdClient,
    /// etcd's, for its peers (it has none, but listens).
    EtcdPeer,
    /// The API's.
    Api,
}

impl Which {
    fn field(self) -> &'static str {
        match self {
            Which::EtcdClient => "etcd_client",
            Which::EtcdPeer => "etcd_peer",
            Which::Api => "api",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Which::EtcdClient => "for smithd's etcd",
            Which::EtcdPeer => "for the peers of smithd's etcd",
            Which::Api => "for the API",
        }
    }
}

/// The ports, as they are in `ports.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// See [`Which::EtcdClient`].
    pub etcd_client: u16,
    /// See [`Which::EtcdPeer`].
    pub etcd_peer: u16,
    /// See [`Which::Api`].
    pub api: u16,
    /// Fields of a later version.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Ports {
    fn usable(&self) -> bool {
        let Self { etcd_client, etcd_peer, api, extra: _ } = self;
        let all_different = etcd_client != etcd_peer && etcd_client != api && etcd_peer != api;
        all_different && ![etcd_client, etcd_peer, api].contains(&&0)
    }
}

/// Ports that an operator asked for; they replace the kept ones and are kept from then on.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// See [`Which::EtcdClient`].
    pub etcd_client: Option<u16>,
    /// See [`Which::EtcdPeer`].
    pub etcd_peer: Option<u16>,
    /// See [`Which::Api`].
    pub api: Option<u16>,
}

impl StateDir {
    /// The kept ports, or new ones at the first start.
    ///
    /// That kept ports are free is asked later with [`StateDir::require_free`], each by who is about to use it:
    /// etcd's may still be held by an etcd of ours that is going to be taken over.
    pub fn ports(&self, asked: &Asked) -> Result<Ports, Error> {
        let path = self.ports_file();
        let kept = read(&path)?;
        let Asked { etcd_client, etcd_peer, api } = asked;
        let ports = match kept.clone() {
            Some(kept) => Ports {
                etcd_client: etcd_client.unwrap_or(kept.etcd_client),
                etcd_peer: etcd_peer.unwrap_or(kept.etcd_peer),
                api: api.unwrap_or(kept.api),
                extra: kept.extra,
            },
            None => {
                let mut taken: Vec<u16> =
                    [*etcd_client, *etcd_peer, *api].into_iter().flatten().collect();
                let mut choose = |asked: Option<u16>| match asked {
                    Some(port) => Ok(port),
                    None => draw(&taken).inspect(|port| taken.push(*port)),
                };
                Ports {
                    etcd_client: choose(*etcd_client)?,
                    etcd_peer: choose(*etcd_peer)?,
                    api: choose(*api)?,
                    extra: Extra::new(),
                }
            }
        };
        if !ports.usable() {
            return Err(Error::Clash { ports: Box::new(ports), path });
        }
        if kept.as_ref() != Some(&ports) {
            let text =
                serde_json::to_vec_pretty(&ports).expect("numbers and JSON values serialise");
            atomic_file::replace(&path, &text).map_err(|source| Error::File {
                act: "write",
                path,
                source,
            })?;
        }
        Ok(ports)
    }

    /// Says clearly when a port that is about to be used is someone else's.
    pub fn require_free(&self, which: Which, port: u16) -> Result<(), Error> {
        match TcpListener::bind(loopback(port)) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.not_free(which, port, error)),
        }
    }

    /// The error to show when listening on a kept port failed.
    pub fn not_free(&self, which: Which, port: u16, source: io::Error) -> Error {
        let path = self.ports_file();
        if source.kind() == io::ErrorKind::AddrInUse {
            Error::Taken { which, port, path }
        } else {
            Error::Listen { which, port, path, source }
        }
    }
}

fn read(path: &Path) -> Result<Option<Ports>, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { act: "read", path: path.to_path_buf(), source }),
    };
    let ports: Ports = serde_json::from_slice(&text)
        .map_err(|source| Error::Corrupt { path: path.to_path_buf(), source: Some(source) })?;
    if !ports.usable() {
        return Err(Error::Corrupt { path: path.to_path_buf(), source: None });
    }
    Ok(Some(ports))
}

fn draw(taken: &[u16]) -> Result<u16, Error> {
    let width = usize::from(DRAWN.end - DRAWN.start);
    for _ in 0..MOST_DRAWS {
        let offset = rand::random::<u16>() as usize % width;
        let port = DRAWN.start
            + u16::try_from(offset).expect("it is smaller than a difference of two u16");
        if !taken.contains(&port) && TcpListener::bind(loopback(port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::NoneFree)
}

fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

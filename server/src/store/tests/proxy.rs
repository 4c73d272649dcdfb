//! A proxy between a store and etcd that loses requests and answers, or holds requests back.
//!
//! It reads HTTP/2 frames just as far as to tell where a request begins and ends, so that an answer is
//! lost exactly after etcd gave it, and requests can be counted.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    /// The connection ends before the request is passed on.
    LoseRequest,
    /// etcd answers, and the connection ends instead of passing the answer on.
    LoseAnswer,
    /// The connection ends, and the request is passed on when [`Proxy::release`] says so.
    Late,
}

type Plan = Box<dyn FnMut(u64) -> Fate + Send>;

struct Shared {
    upstream: String,
    plan: Mutex<(u64, Plan)>,
    requests: AtomicU64,
    /// How many of them since the last plan.
    arrived: watch::Sender<u64>,
    release: Semaphore,
    applied: Semaphore,
}

pub(super) struct Proxy {
    pub(super) url: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            upstream: url.strip_prefix("http://").unwrap().to_owned(),
            plan: Mutex::new((0, Box::new(|_| Fate::Pass))),
            requests: AtomicU64::new(0),
            arrived: watch::Sender::new(0),
            release: Semaphore::new(0),
            applied: Semaphore::new(0),
        });
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        let for_task = shared.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(Connection::serve(client, for_task.clone()));
            }
        });
        Self { url, shared, _tasks: tasks }
    }

    /// From now on `plan` decides; it is given the number of the request, from 0.
    pub(super) fn plan(&self, plan: impl FnMut(u64) -> Fate + Send + 'static) {
        *self.shared.plan.lock().unwrap() = (0, Box::new(plan));
        self.shared.arrived.send_replace(0);
    }

    /// The fate of the n-th request from now on; all others pass.
    pub(super) fn nth(&self, n: u64, fate: Fate) {
        self.plan(move |i| if i == n { fate } else { Fate::Pass });
    }

    /// Waits until the n-th request since the last plan has come, counted from 0.
    pub(super) async fn nth_came(&self, n: u64) {
        let mut arrived = self.shared.arrived.subscribe();
        super::in_time(arrived.wait_for(|count| *count > n)).await.unwrap();
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Passes a late request on, and waits for etcd's answer to it.
    pub(super) async fn release(&self) {
        self.shared.release.add_permits(1);
        super::in_time(self.shared.applied.acquire()).await.unwrap().forget();
    }
}

struct Frame {
    bytes: Vec<u8>,
}

const HEADERS: u8 = 1;

impl Frame {
    async fn read(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<Self> {
        let mut bytes = vec![0; 9];
        from.read_exact(&mut bytes).await?;
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        bytes.resize(9 + length, 0);
        from.read_exact(&mut bytes[9..]).await?;
        Ok(Self { bytes })
    }

    fn is_headers(&self) -> bool {
        self.bytes[3] == HEADERS
    }

    /// Headers or data that end their stream.
    fn ends_stream(&self) -> bool {
        self.bytes[3] <= HEADERS && self.bytes[4] & 1 == 1
    }

    fn stream(&self) -> u32 {
        u32::from_be_bytes([self.bytes[5], self.bytes[6], self.bytes[7], self.bytes[8]])
    }
}

struct Connection;

impl Connection {
    async fn serve(client: TcpStream, shared: Arc<Shared>) {
        let Ok(server) = TcpStream::connect(&shared.upstream).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let mut preface = [0; 24];
        if from_client.read_exact(&mut preface).await.is_err()
            || to_server.write_all(&preface).await.is_err()
        {
            return;
        }
        let mut readers = JoinSet::new();
        let (tx, mut requests) = mpsc::channel(16);
        let reading = readers.spawn(async move {
            while let Ok(frame) = Frame::read(&mut from_client).await {
                if tx.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let (tx, mut answers) = mpsc::channel(16);
        readers.spawn(async move {
            while let Ok(frame) = Frame::read(&mut from_server).await {
                if tx.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let (mut seen, mut late, mut held) = (0, None, vec![]);
        let mut doomed = HashSet::new();
        loop {
            tokio::select! {
                frame = requests.recv() => {
                    let Some(frame) = frame else { return };
                    if frame.is_headers() && frame.stream() > seen {
                        seen = frame.stream();
                        match shared.next_fate() {
                            Fate::Pass => {}
                            Fate::LoseRequest => return,
                            Fate::LoseAnswer => _ = doomed.insert(seen),
                            Fate::Late => late = Some(seen),
                        }
                    }
                    if late == Some(frame.stream()) {
                        held.extend_from_slice(&frame.bytes);
                        if frame.ends_stream() {
                            break;
                        }
                    } else if to_server.write_all(&frame.bytes).await.is_err() {
                        return;
                    }
                }
                frame = answers.recv() => {
                    let Some(frame) = frame else { return };
                    if frame.is_headers() && doomed.contains(&frame.stream()) {
                        return;
                    }
                    if to_client.write_all(&frame.bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
        // The client's connection ends; etcd's goes on.
        drop(to_client);
        drop(requests);
        reading.abort();
        shared.release.acquire().await.unwrap().forget();
        to_server.write_all(&held).await.unwrap();
        while let Some(frame) = answers.recv().await {
            if Some(frame.stream()) == late && frame.ends_stream() {
                break;
            }
        }
        shared.applied.add_permits(1);
    }
}

impl Shared {
    fn next_fate(&self) -> Fate {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let mut plan = self.plan.lock().unwrap();
        let (n, decide) = &mut *plan;
        let fate = decide(*n);
        *n += 1;
        self.arrived.send_replace(*n);
        fate
    }
}

//! A TCP proxy before etcd that can lose answers, stand still, and cut.
//!
//! To lose exactly one answer it reads the frames of HTTP/2 (not their contents): the request is the stream whose data holds
//! some bytes, such as a key; as soon as etcd begins to answer on that stream, the connection is dropped instead. So the
//! transaction was committed, and its sender can't know.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A running proxy. Dropped, it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// What the connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Bytes go through.
    Open,
    /// Connections stay, and nothing goes through.
    Stalled,
    /// There is no connection.
    Cut,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    mode: watch::Sender<Mode>,
    /// The requests whose answers are to be lost; `None`: none.
    lose: Mutex<Option<Doom>>,
    lost: AtomicU64,
}

/// Which answers are lost.
#[derive(Debug)]
struct Doom {
    /// What the request holds.
    bytes: Vec<u8>,
    how: How,
}

#[derive(Debug)]
enum How {
    /// The next one.
    Once,
    /// One in so many, by chance.
    Often { state: u64, one_in: u64 },
}

/// The longest frame that etcd and its clients send.
const MOST_FRAME_BYTES: usize = 16 * 1024 * 1024;

impl Proxy {
    /// Starts one before `http://host:port`.
    pub async fn start(target: &str) -> Self {
        let target = target.strip_prefix("http://").expect("a plain address").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mode, _) = watch::channel(Mode::Open);
        let lose = Mutex::new(None);
        let shared = Arc::new(Shared { target, mode, lose, lost: AtomicU64::new(0) });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { url, shared, serving }
    }

    /// Its address, to be used instead of etcd's.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next request that holds these bytes reaches etcd, and its answer is lost with the connection.
    pub fn lose_answer_to(&self, bytes: &[u8]) {
        let doom = Doom { bytes: bytes.to_owned(), how: How::Once };
        *self.shared.lose.lock().unwrap() = Some(doom);
    }

    /// Of the requests that hold these bytes, one in so many loses its answer, by chance, until [`Proxy::lose_none`].
    pub fn lose_answers_to(&self, bytes: &[u8], one_in: u64, seed: u64) {
        let doom = Doom { bytes: bytes.to_owned(), how: How::Often { state: seed, one_in } };
        *self.shared.lose.lock().unwrap() = Some(doom);
    }

    /// Loses no more answers.
    pub fn lose_none(&self) {
        *self.shared.lose.lock().unwrap() = None;
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// Lets nothing through, in either direction; connections stay.
    pub fn stall(&self) {
        self.shared.mode.send_replace(Mode::Stalled);
    }

    /// Ends all connections, and takes no new ones.
    pub fn cut(&self) {
        self.shared.mode.send_replace(Mode::Cut);
    }

    /// Lets everything through again.
    pub fn open(&self) {
        self.shared.mode.send_replace(Mode::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let mut mode = shared.mode.subscribe();
            if *mode.borrow() == Mode::Cut {
                return;
            }
            let Ok(server) = TcpStream::connect(shared.target).await else { return };
            tokio::select! {
                () = exchange(client, server, &shared) => {}
                _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Passes frames until either side ends, or an answer is lost.
async fn exchange(client: TcpStream, server: TcpStream, shared: &Shared) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (doomed, mut is_doomed) = watch::channel(None::<u32>);
    let requests = async {
        let mut preface = [0; 24];
        from_client.read_exact(&mut preface).await.ok()?;
        to_server.write_all(&preface).await.ok()?;
        loop {
            let frame = Frame::read(&mut from_client).await?;
            if frame.kind() == Frame::DATA && shared.takes(frame.payload()) {
                doomed.send_replace(Some(frame.stream()));
            }
            shared.flows().await?;
            frame.write(&mut to_server).await?;
        }
    };
    let answers = async {
        loop {
            let frame = Frame::read(&mut from_server).await?;
            if *is_doomed.borrow_and_update() == Some(frame.stream()) {
                shared.lost.fetch_add(1, Ordering::SeqCst);
                return None::<()>;
            }
            shared.flows().await?;
            frame.write(&mut to_client).await?;
        }
    };
    tokio::select! {
        _ = async { let ended: Option<()> = requests.await; ended } => {}
        _ = answers => {}
    }
}

impl Shared {
    /// Is it a request whose answer is to be lost?
    fn takes(&self, data: &[u8]) -> bool {
        let mut lose = self.lose.lock().unwrap();
        let Some(Doom { bytes, how }) = lose.as_mut() else { return false };
        if !data.windows(bytes.len()).any(|window| window == bytes) {
            return false;
        }
        match how {
            How::Once => {
                *lose = None;
                true
            }
            How::Often { state, one_in } => {
                // A linear congruence, of which the high bits are good enough.
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (*state >> 33) % *one_in == 0
            }
        }
    }

    /// Waits while nothing goes through.
    async fn flows(&self) -> Option<()> {
        let mut mode = self.mode.subscribe();
        let mode = mode.wait_for(|mode| *mode != Mode::Stalled).await.ok()?;
        (*mode == Mode::Open).then_some(())
    }
}

/// A frame of HTTP/2 as it is on the wire.
struct Frame(Vec<u8>);

impl Frame {
    const HEAD: usize = 9;
    const DATA: u8 = 0;

    async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut bytes = vec![0; Self::HEAD];
        from.read_exact(&mut bytes).await.ok()?;
        let len = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        assert!(len <= MOST_FRAME_BYTES, "a frame of {len} bytes: is it HTTP/2?");
        bytes.resize(Self::HEAD + len, 0);
        from.read_exact(&mut bytes[Self::HEAD..]).await.ok()?;
        Some(Self(bytes))
    }

    async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
        to.write_all(&self.0).await.ok()
    }

    fn kind(&self) -> u8 {
        self.0[3]
    }

    fn stream(&self) -> u32 {
        u32::from_be_bytes([self.0[5] & 0x7f, self.0[6], self.0[7], self.0[8]])
    }

    fn payload(&self) -> &[u8] {
        &self.0[Self::HEAD..]
    }
}

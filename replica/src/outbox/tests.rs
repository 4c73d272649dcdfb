//! The outbox through crashes, outages and refusals.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use smith_model::journal::{Draft, Phase};
use smith_model::problem::{Code, Problem};
use smith_model::worker::{EvidenceAnswer, EvidenceRequest};

use super::*;
use crate::api::script::{Script, Stub};

fn item(text: impl Into<String>) -> EvidenceItem {
    EvidenceItem::Journal(Draft::info(Phase::Iteration, text))
}

/// A server that keeps what it takes, by client sequence.
#[derive(Default)]
struct Server {
    taken: Mutex<Vec<EvidenceItem>>,
    batches: Mutex<Vec<(u64, usize)>>,
    calls: AtomicU64,
}

impl Server {
    fn take(&self, request: EvidenceRequest) -> EvidenceAnswer {
        let mut taken = self.taken.lock().expect("no panic");
        self.batches.lock().expect("no panic").push((request.first, request.items.len()));
        for (at, item) in request.items.into_iter().enumerate() {
            let number = request.first as usize + at;
            assert!(number <= taken.len() + 1, "a gap before {number}");
            if number == taken.len() + 1 {
                taken.push(item);
            }
        }
        EvidenceAnswer { accepted: taken.len() as u64 }
    }
}

fn serve(
    server: &Arc<Server>,
    answer: impl Fn(u64, &Server, EvidenceRequest) -> Result<EvidenceAnswer, ApiError>
    + Send
    + Sync
    + 'static,
) -> Arc<dyn Api> {
    let server = Arc::clone(server);
    Arc::new(Stub::new(Script {
        evidence: Box::new(move |request| {
            answer(server.calls.fetch_add(1, Ordering::SeqCst), &server, request)
        }),
        ..Script::default()
    }))
}

async fn run(outbox: &Outbox, sender: Sender, api: Arc<dyn Api>) -> Result<(), Error> {
    let stop = CancellationToken::new();
    let sending = tokio::spawn(sender.run(api, stop.clone()));
    let flushed = outbox.flushed().await;
    stop.cancel();
    let _ = sending.await.expect("no panic");
    flushed
}

#[tokio::test(start_paused = true)]
async fn lost_answers_and_an_absent_api_lose_and_double_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 0).expect("opens");
    let items: Vec<_> = (0..120).map(|n| item(format!("{n}"))).collect();
    for pair in items.chunks(2) {
        outbox.push(pair.to_vec()).expect("is kept");
    }
    let server = Arc::new(Server::default());
    let api = serve(&server, |call, server, request| match call % 4 {
        0 => Err(ApiError::Unreachable("down".into())),
        // Taken, and the answer is lost.
        1 => {
            server.take(request);
            Err(ApiError::Unreachable("reset".into()))
        }
        2 => Err(ApiError::LockLost),
        _ => Ok(server.take(request)),
    });
    run(&outbox, sender, api).await.expect("all is stored");
    assert_eq!(*server.taken.lock().expect("no panic"), items);
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_together_is_sent_together() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 0).expect("opens");
    for _ in 0..3 {
        outbox.push(vec![item("x"); 30]).expect("is kept");
    }
    assert!(matches!(outbox.push(vec![item("x"); 51]), Err(Error::TooLarge { items: 51, .. })));
    let large = item("x".repeat(1_000_000));
    assert!(matches!(outbox.push(vec![large]), Err(Error::TooLarge { .. })));
    let server = Arc::new(Server::default());
    let api = serve(&server, |_, server, request| Ok(server.take(request)));
    run(&outbox, sender, api).await.expect("all is stored");
    assert_eq!(*server.batches.lock().expect("no panic"), [(1, 30), (31, 30), (61, 30)]);
}

#[tokio::test(start_paused = true)]
async fn batches_stay_under_the_size_and_the_rate() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 0).expect("opens");
    for _ in 0..10 {
        outbox.push(vec![item("x".repeat(300_000))]).expect("is kept");
    }
    let server = Arc::new(Server::default());
    let api = serve(&server, |_, server, request| {
        assert!(serde_json::to_vec(&request).expect("encodes").len() < 900_000);
        Ok(server.take(request))
    });
    let begun = Instant::now();
    run(&outbox, sender, api).await.expect("all is stored");
    let batches = server.batches.lock().expect("no panic").len();
    assert!(begun.elapsed() >= SPACING * (batches as u32 - 1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_sending_and_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 0).expect("opens");
    outbox.push(vec![item("x")]).expect("is kept");
    let server = Arc::new(Server::default());
    let api = serve(&server, |_, _, _| {
        Err(ApiError::Refused(Box::new(Problem::new(Code::EvidenceMissing, "no iteration"))))
    });
    let error = run(&outbox, sender, api).await.expect_err("refused");
    let Error::Refused(why) = error else { panic!("{error}") };
    assert_eq!(why.to_string(), "refused: no iteration");
}

#[tokio::test(start_paused = true)]
async fn an_empty_outbox_is_flushed_at_once_and_its_file_begins_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 7).expect("opens");
    outbox.flushed().await.expect("nothing to wait for");
    assert_eq!(outbox.push(vec![item("x")]).expect("is kept"), 8);
    let api: Arc<dyn Api> = Arc::new(Stub::new(Script {
        evidence: Box::new(|request| {
            Ok(EvidenceAnswer { accepted: request.first + request.items.len() as u64 - 1 })
        }),
        ..Script::default()
    }));
    run(&outbox, sender, api).await.expect("all is stored");
    assert_eq!(std::fs::metadata(dir.path().join("log")).expect("is there").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_is_forgotten_and_the_rest_is_sent_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, sender) = open(dir.path(), 0).expect("opens");
    for n in 0..3 {
        outbox.push(vec![item(format!("{n}"))]).expect("is kept");
    }
    drop((outbox, sender));
    let mut file = OpenOptions::new().append(true).open(dir.path().join("log")).expect("opens");
    file.write_all(&[200, 0, 0, 0, 1, 2, 3, 4, b'{']).expect("writes");
    // The server has the first already.
    let server = Arc::new(Server::default());
    server.taken.lock().expect("no panic").push(item("0"));
    let (outbox, sender) = open(dir.path(), 1).expect("opens");
    assert_eq!(outbox.push(vec![item("3")]).expect("is kept"), 4);
    let api = serve(&server, |_, server, request| Ok(server.take(request)));
    run(&outbox, sender, api).await.expect("all is stored");
    let expected: Vec<_> = (0..4).map(|n| item(format!("{n}"))).collect();
    assert_eq!(*server.taken.lock().expect("no panic"), expected);
}

proptest! {
    #[test]
    fn a_crash_anywhere_leaves_whole_groups_only(
        sizes in prop::collection::vec(1usize..5, 1..8), cut in any::<prop::sample::Index>(),
        flip in proptest::option::of((any::<prop::sample::Index>(), 1u8..)),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let mut groups = vec![];
        {
            let (mut log, _) = Log::open(&path).expect("opens");
            let mut first = 1;
            for size in sizes {
                let group = Group { first, items: vec![item(format!("{first}")); size] };
                first = group.last() + 1;
                log.append(&group).expect("is written");
                groups.push(group);
            }
        }
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some((at, mask)) = flip
            && !bytes.is_empty()
        {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        std::fs::write(&path, &bytes).expect("writes");
        let (mut log, found) = Log::open(&path).expect("opens");
        prop_assert_eq!(&found[..], &groups[..found.len()]);
        let next = Group { first: 99, items: vec![item("x")] };
        log.append(&next).expect("is written");
        drop(log);
        let (_, again) = Log::open(&path).expect("opens");
        prop_assert_eq!(again.len(), found.len() + 1);
        prop_assert_eq!(again.last(), Some(&next));
    }
}

//! Claims, heartbeats and the lease, in paused time.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use futures::stream;
use smith_model::id::AttemptNo;
use smith_model::problem::{Code, Problem};
use smith_model::story::Usage;
use smith_model::worker::{HeartbeatAnswer, Want, WorkerPhase};

use super::*;
use crate::api::script::{Script, Stub};

const TTL: Duration = Duration::from_millis(300);

fn progress() -> Progress {
    Progress {
        no: AttemptNo { round: 1, attempt: 1 },
        phase: WorkerPhase::Starting,
        iteration: 0,
        story: None,
        stories_done: 0,
        stories_total: 0,
        usage: Usage::default(),
        suspect: false,
        suspect_since: None,
    }
}

fn run_directive() -> Directive {
    Directive { want: Want::Run, why: String::new() }
}

fn answer() -> ClaimAnswer {
    ClaimAnswer {
        protocol: 1,
        spec: crate::stories::tests::spec(serde_json::json!({})),
        no: AttemptNo { round: 1, attempt: 1 },
        epoch: 1,
        ttl_millis: TTL.as_millis() as u64,
        base: None,
        dependencies: vec![],
        checkpoint: None,
        prepared: None,
        published: None,
        stories: None,
        handoff: None,
        last_end: None,
        accepted: 0,
        iterations: 0,
        directive: run_directive(),
    }
}

type Beats = Box<dyn Fn(u32, HeartbeatRequest) -> Result<Directive, ApiError> + Send + Sync>;

struct Test {
    session: Session,
    claims: Arc<AtomicU32>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn start(script: Script, beats: Beats, patience: Duration) -> Test {
    let claims = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&claims);
    let beat = AtomicU32::new(0);
    let api: Arc<dyn Api> = Arc::new(Stub::new(Script {
        claim: Box::new(move |()| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(answer())
        }),
        heartbeat: Box::new(move |request| {
            let n = beat.fetch_add(1, Ordering::SeqCst);
            Ok(HeartbeatAnswer { directive: beats(n, request)? })
        }),
        ..script
    }));
    let (session, keeper) = open(api, &answer(), Moment::now(), patience, progress());
    let stop = CancellationToken::new();
    let task = tokio::spawn(keeper.run(stop.clone()));
    Test { session, claims, stop, task }
}

impl Test {
    async fn until(&self, wanted: impl Fn(&Standing) -> bool) -> Standing {
        let mut standing = self.session.standing();
        let found = tokio::time::timeout(Duration::from_secs(20), standing.wait_for(|s| wanted(s)));
        found.await.expect("in time").expect("a keeper").clone()
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }
}

fn away() -> ApiError {
    ApiError::Unreachable("down".into())
}

#[tokio::test]
async fn a_lease_that_is_over_pauses_until_the_server_answers_again() {
    // Away for three leases, then back.
    let since = Moment::now();
    let back = since.plus(TTL * 3);
    let beats = move |_, _| if Moment::now() < back { Err(away()) } else { Ok(run_directive()) };
    let test = start(Script::default(), Box::new(beats), Duration::from_secs(60));
    test.until(|s| *s == Standing::Lost).await;
    assert!(Moment::now() >= since.plus(TTL));
    test.until(|s| *s == Standing::Held).await;
    assert!(Moment::now() >= back);
    assert_eq!(test.claims.load(Ordering::SeqCst), 0);
    test.end().await;
}

#[tokio::test]
async fn a_lost_lock_is_claimed_again_with_the_same_session() {
    let beats = |n, _| if n == 0 { Err(ApiError::LockLost) } else { Ok(run_directive()) };
    let test = start(Script::default(), Box::new(beats), Duration::from_secs(60));
    test.session.ask_now();
    while test.claims.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    test.until(|s| *s == Standing::Held).await;
    test.end().await;
}

#[tokio::test]
async fn fenced_and_refused_credentials_end_it_for_good() {
    let refused = || ApiError::Refused(Box::new(Problem::new(Code::Unauthenticated, "gone")));
    let errors: [fn() -> ApiError; 2] =
        [|| ApiError::Fenced("gone".into()), || ApiError::Claimed("gone".into())];
    for error in errors.into_iter().map(|e| e()).chain([refused()]) {
        let beats = move |_, _| Err(error.clone());
        let test = start(Script::default(), Box::new(beats), Duration::from_secs(60));
        let found = test.until(|s| matches!(s, Standing::Fenced(_))).await;
        assert_eq!(found, Standing::Fenced("gone".into()));
        test.task.await.expect("the keeper ends by itself");
    }
}

#[tokio::test]
async fn an_api_that_never_comes_back_is_given_up() {
    let test = start(Script::default(), Box::new(|_, _| Err(away())), Duration::from_millis(800));
    test.until(|s| matches!(s, Standing::Away(_))).await;
    test.task.await.expect("the keeper ends by itself");
}

#[tokio::test]
async fn a_heartbeat_that_was_on_its_way_doesn_t_undo_a_directive_of_the_stream() {
    let (tx, rx) = tokio::sync::mpsc::channel(1);
    let rx = Mutex::new(Some(rx));
    let pause = Directive { want: Want::Pause, why: "held".into() };
    let script = Script {
        directives: Box::new(move || match rx.lock().expect("no panic").take() {
            Some(rx) => stream::unfold(rx, async |mut rx| Some((rx.recv().await?, rx))).boxed(),
            None => stream::pending().boxed(),
        }),
        ..Script::default()
    };
    let test = start(script, Box::new(|_, _| Ok(run_directive())), Duration::from_secs(60));
    tx.send(pause.clone()).await.expect("is listened to");
    let mut directive = test.session.directive();
    directive.wait_for(|d| *d == pause).await.expect("a keeper");
    // The next heartbeat is sent after it, and is newer.
    directive.wait_for(|d| *d == run_directive()).await.expect("a keeper");
    test.end().await;
}

#[tokio::test]
async fn progress_is_told_once_and_only_when_it_changed() {
    let told = Arc::new(Mutex::new(vec![]));
    let (seen, beats) = (Arc::clone(&told), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&beats);
    let test = start(
        Script::default(),
        Box::new(move |_, request| {
            counted.fetch_add(1, Ordering::SeqCst);
            if let Some(progress) = request.progress {
                seen.lock().expect("no panic").push(progress.iteration);
            }
            Ok(run_directive())
        }),
        Duration::from_secs(60),
    );
    test.session.ask_now();
    while beats.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    test.session.report(|p| p.iteration = 7);
    while told.lock().expect("no panic").last() != Some(&7) {
        tokio::task::yield_now().await;
    }
    assert_eq!(*told.lock().expect("no panic"), [0, 7]);
    test.end().await;
}

#[tokio::test]
async fn a_claim_is_tried_again_while_the_api_is_away() {
    let tries = AtomicU32::new(0);
    let stub = Stub::new(Script {
        claim: Box::new(move |()| match tries.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(away()),
            _ => Ok(answer()),
        }),
        ..Script::default()
    });
    claim(&stub, Duration::from_secs(60)).await.expect("in the end");
    let never = Stub::new(Script { claim: Box::new(|()| Err(away())), ..Script::default() });
    let error = claim(&never, Duration::from_millis(100)).await.expect_err("given up");
    assert!(matches!(error, ApiError::Unreachable(_)));
    let other = Stub::new(Script {
        claim: Box::new(|()| Err(ApiError::Claimed("other".into()))),
        ..Script::default()
    });
    let error = claim(&other, Duration::from_secs(60)).await.expect_err("refused");
    assert!(matches!(error, ApiError::Claimed(_)));
}

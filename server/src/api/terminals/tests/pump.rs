//! What goes through an open terminal, and how it ends.

use smith_model::terminal::Size;
use smith_term::frame::MAX_BYTES;
use smith_term::message::{About, Ask, LeaseRequest, Position, Snapshot};

use super::*;

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn input(text: &'static str) -> FromViewer {
    FromViewer::Input(text.into())
}

#[tokio::test]
async fn frames_go_both_ways_and_leases_are_recorded_by_who_made_them() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let (mut viewer, mut worker) = process.attach(&lab, &token, "write").await;
    worker.welcome(1).await;
    assert!(matches!(viewer.next().await, Ok(FromWorker::Welcome(_))));
    let snapshot = FromWorker::Snapshot(Snapshot {
        at: Position { generation: 1, offset: 0 },
        size: Size::DEFAULT,
        title: None,
        state: vec![b'x'; 1 << 20],
    });
    let said = [
        snapshot,
        FromWorker::Output("hello".into()),
        FromWorker::Notice { about: About::NoLease, text: "t".into() },
    ];
    for message in &said {
        worker.say(message).await;
        assert_eq!(viewer.next().await.as_ref(), Ok(message));
    }
    let steal = FromViewer::Lease(LeaseRequest::Steal { reason: "it hangs".into() });
    let note = Some("I fixed\x1b[2J it".to_owned());
    let release = FromViewer::Lease(LeaseRequest::Release { note });
    for message in [FromViewer::Lease(LeaseRequest::Take), input("ls\r"), steal, release] {
        viewer.say(&message).await;
        assert_eq!(worker.next().await, Some(message));
    }
    // Another viewer's, its own, taken back, and taken from it.
    let release = FromViewer::Lease(LeaseRequest::Release { note: Some("done".into()) });
    worker.lease(Some((2, None))).await;
    worker.lease(Some((1, Some("it hangs")))).await;
    viewer.say(&release).await;
    assert_eq!(worker.next().await, Some(release));
    worker.lease(None).await;
    worker.lease(Some((1, None))).await;
    for _ in 0..4 {
        assert!(matches!(viewer.next().await, Ok(FromWorker::Lease { .. })));
    }
    let acts = lab.acts(&process).await;
    let told = |acts: &[AuditRecord]| -> Vec<String> {
        acts.iter()
            .map(|a| format!("{} {}", a.action, a.reason.clone().unwrap_or_default()))
            .collect()
    };
    let before = [
        "terminal.attach ",
        "terminal.lease.steal it hangs",
        "terminal.lease.release done",
        "terminal.lease.take ",
    ];
    assert_eq!(told(&acts), before, "recorded before it was told");
    assert!(acts.iter().all(|act| act.actor == "maria"));
    assert_eq!(acts[1].after["from"], "v9");
    drop(viewer);
    assert_eq!(worker.next().await, None);
    let acts = lab.recorded(&process, "terminal.lease.lost", 1).await;
    assert!(told(&acts)[4].contains("the connection of its holder ended"));
}

#[tokio::test]
async fn the_workers_own_end_is_passed_on() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let (mut viewer, mut worker) = process.attach(&lab, &token, "read").await;
    let end = FromWorker::End { reason: EndReason::SessionOver, text: "t".into() };
    worker.say(&end).await;
    assert_eq!(viewer.end().await, (EndReason::SessionOver, "t".into(), 1000));
}

#[tokio::test]
async fn a_viewer_that_breaks_the_protocol_is_told() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let ask = FromViewer::Ask(Ask::Status { ticket: Ticket("t".into()) });
    let long = FromViewer::Lease(LeaseRequest::Steal { reason: "x".repeat(20_000) });
    for wrong in [ask, long, FromViewer::Input(vec![0; MAX_BYTES + 1].into())] {
        let (mut viewer, _worker) = process.attach(&lab, &token, "write").await;
        // What isn't known is skipped.
        viewer.socket.send(Message::Text(r#"{"type":"of-a-later-version"}"#.into())).await.unwrap();
        viewer.say(&wrong).await;
        let (reason, text, code) = viewer.end().await;
        assert_eq!((reason, code), (EndReason::Protocol, 1002), "{text}");
    }
    let mut viewer = process.open(&process.ticket(&token, "read").await).await;
    viewer.say(&input("x")).await;
    assert_eq!(viewer.end().await.0, EndReason::Protocol, "no hello");
}

#[tokio::test]
async fn a_revoked_token_ends_its_terminals_on_all_processes() {
    let lab = Lab::new().await;
    let (a, b) = (lab.process().await, lab.process().await);
    let (token, maria) = lab.token(&a, "maria", Role::Operator).await;
    let (other, _) = lab.token(&a, "olaf", Role::Operator).await;
    let (mut viewer, mut worker) = a.attach(&lab, &token, "write").await;
    let (mut bystander, mut beside) = a.attach(&lab, &other, "write").await;
    let admin = lab.caller(&b.app, &lab.admin).await;
    let revision = lab.store.revision().await.unwrap();
    b.app.caught_up(smith_model::id::Revision(revision)).await.unwrap();
    b.app.revoke_token(&admin, &maria.token_id).await.unwrap();
    let (reason, text, code) = viewer.end().await;
    assert_eq!((reason, code), (EndReason::Revoked, 1008), "{text}");
    assert_eq!(worker.next().await, None);
    beside.say(&FromWorker::Output("x".into())).await;
    assert_eq!(bystander.next().await, Ok(FromWorker::Output("x".into())));
}

#[tokio::test]
async fn an_expired_token_ends_its_terminal() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let admin = lab.caller(&process.app, &lab.admin).await;
    let request = TokenRequest {
        name: "maria".into(),
        role: Role::Operator,
        scope: Scope::All,
        expires_in: Some("2s".parse().unwrap()),
    };
    let token = process.app.create_token(&admin, &request).await.unwrap().token;
    let (mut viewer, _worker) = process.attach(&lab, &token, "read").await;
    let (reason, text, code) = viewer.end().await;
    assert_eq!((reason, code), (EndReason::Expired, 1008), "{text}");
}

#[tokio::test]
async fn a_process_that_ends_sends_its_viewers_elsewhere() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let (mut viewer, mut worker) = process.attach(&lab, &token, "write").await;
    worker.welcome(1).await;
    worker.lease(Some((1, None))).await;
    for _ in 0..2 {
        viewer.next().await.unwrap();
    }
    let Process { app, shutdown, mut tasks, address } = process;
    shutdown.cancel();
    let (reason, text, code) = viewer.end().await;
    assert_eq!((reason, code), (EndReason::Error, 1012), "{text}");
    drop(viewer);
    in_time(async { while tasks.join_next().await.is_some() {} }).await;
    let process = Process { app, shutdown, tasks, address };
    let acts = lab.acts(&process).await;
    assert_eq!(acts.last().unwrap().action, "terminal.lease.lost", "recorded before the end");
    assert_eq!(process.app.open_terminals(), 0);
}

#[tokio::test]
async fn a_viewer_that_takes_nothing_holds_no_memory_and_is_ended() {
    let lab = Lab::new().await;
    let patience = Patience { write: millis(700), ..Patience::default() };
    let process = lab.process_with(patience).await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let (viewer, mut worker) = process.attach(&lab, &token, "read").await;
    let output = FromWorker::Output(vec![b'x'; MAX_BYTES].into());
    let mut taken = 0;
    // The stream to the worker fills, and then it is closed.
    while worker.say(&output).await {
        taken += MAX_BYTES;
    }
    // What the kernel's buffers for two sockets hold at most, and a few frames; not what a queue would.
    assert!(taken < 24 << 20, "{taken} bytes were taken");
    in_time(async {
        while process.app.open_terminals() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(viewer);
}

#[tokio::test]
async fn silence_ends_either_side() {
    let lab = Lab::new().await;
    let patience = Patience { ping: millis(100), silence: millis(1500), ..Patience::default() };
    let process = lab.process_with(patience).await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    // A viewer that only answers pings lives on, and so does the worker that answers those of the process.
    let (mut viewer, mut worker) = process.attach(&lab, &token, "read").await;
    let began = std::time::Instant::now();
    let lively = async {
        while began.elapsed() < patience.silence * 2 {
            let Some(FromViewer::Ping { nonce }) = worker.next().await else { panic!("a ping") };
            worker.say(&FromWorker::Pong { nonce }).await;
        }
        worker.say(&FromWorker::Output("x".into())).await;
    };
    let (_, next) = tokio::join!(lively, viewer.next());
    assert_eq!(next, Ok(FromWorker::Output("x".into())), "pongs for the process aren't passed on");
    // From here on the worker says nothing.
    let (reason, text, code) = viewer.end().await;
    assert_eq!((reason, code), (EndReason::Error, 1013), "{text}");
    // A viewer that reads nothing answers no ping.
    let (viewer, mut worker) = process.attach(&lab, &token, "read").await;
    while let Some(message) = worker.next().await {
        let FromViewer::Ping { nonce } = message else { panic!("{message:?}") };
        worker.say(&FromWorker::Pong { nonce }).await;
    }
    drop(viewer);
}

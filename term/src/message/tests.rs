//! Messages both ways: any comes back whole, and the wire is as it is documented.

use jiff::Timestamp;
use smith_model::attempt::Exit;

use super::*;
use proptest::prelude::*;

fn size() -> impl Strategy<Value = Size> {
    (2u16..=500, 1u16..=200).prop_map(|(columns, rows)| Size::new(columns, rows).unwrap())
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), any::<u64>()).prop_map(|(generation, offset)| Position { generation, offset })
}

fn session() -> impl Strategy<Value = Session> {
    prop_oneof![Just(Session::Agent), Just(Session::Shell)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Read), Just(Mode::Write)]
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from)
}

fn viewer() -> impl Strategy<Value = Viewer> {
    (any::<u32>(), ".{0,20}", mode()).prop_map(|(id, name, mode)| Viewer {
        id: ViewerId(id),
        name,
        mode,
    })
}

fn holder() -> impl Strategy<Value = Holder> {
    let steal = (".{0,20}", ".{0,40}").prop_map(|(from, reason)| Steal { from, reason });
    (any::<u32>(), ".{0,20}", 0i64..4_000_000_000, prop::option::of(steal)).prop_map(
        |(id, name, since, stolen)| {
            let since = Timestamp::from_second(since).unwrap();
            Holder { id: ViewerId(id), name, since, stolen }
        },
    )
}

fn from_viewer() -> impl Strategy<Value = FromViewer> {
    let hello = (
        prop::collection::vec(any::<u32>(), 0..4),
        session(),
        mode(),
        ".{0,20}",
        ".{0,40}",
        prop::option::of(size()),
        prop::option::of(position()),
    )
        .prop_map(|(protocols, session, mode, viewer, ticket, size, from)| Hello {
            protocols,
            session,
            mode,
            viewer,
            ticket: Ticket(ticket),
            size,
            from,
        });
    let lease = prop_oneof![
        Just(LeaseRequest::Take),
        ".{0,40}".prop_map(|reason| LeaseRequest::Steal { reason }),
        prop::option::of(".{0,40}").prop_map(|note| LeaseRequest::Release { note }),
    ];
    let ticket = || ".{0,40}".prop_map(Ticket);
    let ask = prop_oneof![
        ticket().prop_map(|ticket| Ask::Status { ticket }),
        (ticket(), ".{0,40}", any::<u64>()).prop_map(|(ticket, line, timeout_millis)| {
            Ask::Command { ticket, line, timeout_millis }
        }),
        (ticket(), prop::option::of(any::<u32>().prop_map(ViewerId)), any::<bool>())
            .prop_map(|(ticket, viewer, own_only)| Ask::Detach { ticket, viewer, own_only }),
    ];
    prop_oneof![
        hello.prop_map(FromViewer::Hello),
        ask.prop_map(FromViewer::Ask),
        bytes().prop_map(FromViewer::Input),
        size().prop_map(|size| FromViewer::Resize { size }),
        lease.prop_map(FromViewer::Lease),
        any::<u64>().prop_map(|nonce| FromViewer::Ping { nonce }),
        Just(FromViewer::Detach),
    ]
}

fn from_worker() -> impl Strategy<Value = FromWorker> {
    let viewers = || prop::collection::vec(viewer(), 0..4);
    let welcome =
        (
            any::<u32>(),
            session(),
            any::<u64>(),
            any::<u32>(),
            viewers(),
            prop::option::of(holder()),
            prop::option::of(position()),
        )
            .prop_map(|(version, session, generation, you, viewers, lease, from)| {
                Welcome { version, session, generation, you: ViewerId(you), viewers, lease, from }
            });
    let snapshot = (position(), size(), prop::option::of(".{0,20}"), bytes())
        .prop_map(|(at, size, title, state)| Snapshot { at, size, title, state: state.to_vec() });
    let about = prop_oneof![
        Just(About::ReadOnly),
        Just(About::NoLease),
        Just(About::LeaseTaken),
        Just(About::Resynced),
        Just(About::EngineReplaced),
        Just(About::Other),
    ];
    let status =
        prop_oneof![any::<i32>().prop_map(Status::Code), any::<i32>().prop_map(Status::Signal)];
    let next = prop_oneof![Just(Next::Another), Just(Next::Over)];
    let reason = prop_oneof![
        Just(EndReason::Detached),
        Just(EndReason::Revoked),
        Just(EndReason::Expired),
        Just(EndReason::Refused),
        Just(EndReason::Full),
        Just(EndReason::SessionOver),
        Just(EndReason::ReplicaEnding),
        Just(EndReason::Idle),
        Just(EndReason::Protocol),
        Just(EndReason::Error),
    ];
    let state =
        (
            session(),
            any::<u64>(),
            any::<bool>(),
            size(),
            prop::option::of(".{0,20}"),
            prop::option::of(holder()),
            viewers(),
        )
            .prop_map(|(session, generation, running, size, title, lease, viewers)| {
                SessionState { session, generation, running, size, title, lease, viewers }
            });
    let command = (any::<i32>(), any::<u64>(), ".{0,40}", any::<u64>(), ".{0,40}", any::<u64>())
        .prop_map(|(code, millis, stdout, stdout_omitted, stderr, stderr_omitted)| CommandAnswer {
            exit: Exit::Code(code),
            millis,
            stdout,
            stdout_omitted,
            stderr,
            stderr_omitted,
        });
    let answer = prop_oneof![
        prop::collection::vec(state, 0..3).prop_map(|sessions| Answer::Status { sessions }),
        command.prop_map(Answer::Command),
        ".{0,40}".prop_map(|why| Answer::NotStarted { why }),
        viewers().prop_map(|viewers| Answer::Detached { viewers }),
        ".{0,40}".prop_map(|why| Answer::Refused { why }),
    ];
    prop_oneof![
        welcome.prop_map(FromWorker::Welcome),
        answer.prop_map(FromWorker::Answer),
        snapshot.prop_map(FromWorker::Snapshot),
        bytes().prop_map(FromWorker::Output),
        (size(), prop::option::of(any::<u32>().prop_map(ViewerId)))
            .prop_map(|(size, by)| FromWorker::Resize { size, by }),
        prop::option::of(holder()).prop_map(|holder| FromWorker::Lease { holder }),
        viewers().prop_map(|viewers| FromWorker::Viewers { viewers }),
        (about, ".{0,40}").prop_map(|(about, text)| FromWorker::Notice { about, text }),
        (any::<u64>(), size(), ".{0,40}").prop_map(|(generation, size, text)| FromWorker::Began {
            generation,
            size,
            text
        }),
        (any::<u64>(), prop::option::of(status), next, ".{0,40}").prop_map(
            |(generation, status, next, text)| FromWorker::Exit { generation, status, next, text }
        ),
        any::<u64>().prop_map(|nonce| FromWorker::Pong { nonce }),
        (reason, ".{0,40}").prop_map(|(reason, text)| FromWorker::End { reason, text }),
    ]
}

proptest! {
    #[test]
    fn what_a_viewer_says_comes_back(message in from_viewer()) {
        prop_assert_eq!(FromViewer::from_frame(message.to_frame()).unwrap(), message);
    }

    #[test]
    fn what_a_worker_says_comes_back(message in from_worker()) {
        prop_assert_eq!(FromWorker::from_frame(message.to_frame()).unwrap(), message);
    }

    #[test]
    fn any_text_is_a_message_or_an_error(text in prop_oneof![".{0,60}", r#"\{"type":"[a-z]{2,8}".{0,30}\}"#]) {
        let _ = FromViewer::from_frame(Frame::Text(text.clone()));
        let _ = FromWorker::from_frame(Frame::Text(text));
    }
}

fn viewer_says(text: &str) -> Result<FromViewer, String> {
    FromViewer::from_frame(Frame::Text(text.to_owned())).map_err(|e| e.to_string())
}

#[test]
fn the_wire_is_as_it_is_documented() {
    let hello = Hello {
        protocols: PROTOCOLS.to_vec(),
        session: Session::Agent,
        mode: Mode::Write,
        viewer: "ann".to_owned(),
        ticket: Ticket("t".to_owned()),
        size: Some(Size::new(80, 24).unwrap()),
        from: Some(Position { generation: 3, offset: 17 }),
    };
    assert!(format!("{hello:?}").contains("ticket: Ticket(…)"));
    let check = |frame: Frame, expected: &str| assert_eq!(frame, Frame::Text(expected.to_owned()));
    check(
        FromViewer::Hello(hello).to_frame(),
        r#"{"type":"hello","protocols":[1],"session":"agent","mode":"write","viewer":"ann","ticket":"t","size":{"columns":80,"rows":24},"from":{"generation":3,"offset":17}}"#,
    );
    check(
        FromViewer::Lease(LeaseRequest::Steal { reason: "stuck".to_owned() }).to_frame(),
        r#"{"type":"lease","action":"steal","reason":"stuck"}"#,
    );
    check(FromViewer::Detach.to_frame(), r#"{"type":"detach"}"#);
    let snapshot = Snapshot {
        at: Position { generation: 3, offset: 17 },
        size: Size::new(80, 24).unwrap(),
        title: None,
        state: b"hi".to_vec(),
    };
    check(
        FromWorker::Snapshot(snapshot).to_frame(),
        r#"{"type":"snapshot","generation":3,"offset":17,"size":{"columns":80,"rows":24},"state":"aGk="}"#,
    );
    check(
        FromWorker::End { reason: EndReason::SessionOver, text: "over".to_owned() }.to_frame(),
        r#"{"type":"end","reason":"session-over","text":"over"}"#,
    );
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    assert_eq!(viewer_says(r#"{"type":"dance","steps":[1,2]}"#), Ok(FromViewer::Unknown));
    assert_eq!(
        viewer_says(r#"{"type":"ping","nonce":7,"mood":"good"}"#),
        Ok(FromViewer::Ping { nonce: 7 })
    );
    let notice = r#"{"type":"notice","about":"weather","text":"rain"}"#.to_owned();
    assert_eq!(
        FromWorker::from_frame(Frame::Text(notice)).unwrap(),
        FromWorker::Notice { about: About::Other, text: "rain".to_owned() }
    );
}

#[test]
fn an_error_names_what_is_wrong() {
    for (text, named) in [
        ("{", "EOF"),
        ("{}", "`type`"),
        (r#"{"type":"hello","protocols":[1],"session":"agent","mode":"read"}"#, "`viewer`"),
        (r#"{"type":"resize","size":{"columns":1,"rows":1}}"#, "1×1"),
        (r#"{"type":"lease","action":"steal"}"#, "`reason`"),
        (r#"{"type":"lease","action":"eat"}"#, "`eat`"),
        (r#"{"type":"ping","nonce":"x"}"#, "u64"),
    ] {
        let error = viewer_says(text).unwrap_err();
        assert!(error.starts_with("a text frame isn't a message of a viewer: "), "{error}");
        assert!(error.contains(named), "{text}: {error}");
    }
    let end = Frame::Text(r#"{"type":"end","reason":"whim","text":""}"#.to_owned());
    assert!(FromWorker::from_frame(end).unwrap_err().to_string().contains("`whim`"));
    let state = r#"{"type":"snapshot","generation":1,"offset":0,"size":{"columns":2,"rows":1},"state":"?"}"#;
    let error = FromWorker::from_frame(Frame::Text(state.to_owned())).unwrap_err().to_string();
    assert!(error.contains("`state`"), "{error}");
}

#[test]
fn the_newest_common_version_is_spoken() {
    assert_eq!(negotiate(&[7, 1]), Some(1));
    assert_eq!(negotiate(&[7]), None);
    assert_eq!(negotiate(&[]), None);
}

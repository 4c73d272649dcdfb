//! Who is let in: tickets, origins, limits.

use jiff::{SignedDuration, Timestamp};
use smith_model::terminal::ticket::{self, Act, Claims};

use super::*;
use crate::app::terminals::MOST_OF_AN_IDENTITY;

#[tokio::test]
async fn a_ticket_is_good_once_on_whichever_process() {
    let lab = Lab::new().await;
    let (a, b) = (lab.process().await, lab.process().await);
    let (token, _) = lab.token(&a, "maria", Role::Operator).await;
    let ticket = a.ticket(&token, "write").await;
    let mut viewer = b.open(&ticket).await;
    viewer.hello().await;
    let attached = lab.worker.attached().await;
    // Who it is and what it may do is the ticket's, not the viewer's own word.
    let Hello { protocols, session, mode, viewer: name, ticket: borne, .. } = &attached.hello;
    assert_eq!((*session, *mode, name.as_str()), (Session::Agent, Mode::Write, "maria"));
    assert_eq!((protocols.as_slice(), borne.0.as_str()), (&[1][..], ticket.as_str()));
    for process in [&a, &b] {
        let (reason, text, code) = process.open(&ticket).await.end().await;
        assert_eq!((reason, code), (EndReason::Refused, 1008), "{text}");
        assert!(text.contains("used before"), "{text}");
    }
    let acts = lab.acts(&a).await;
    assert_eq!(acts.len(), 1);
    assert_eq!((acts[0].action.as_str(), acts[0].actor.as_str()), ("terminal.attach", "maria"));
    assert_eq!(acts[0].after["mode"], "write");
    assert!(acts[0].request_id.is_some());
}

#[tokio::test]
async fn tickets_that_let_nobody_in() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (_, maria) = lab.token(&process, "maria", Role::Operator).await;
    let (_, viewer) = lab.token(&process, "vera", Role::Viewer).await;
    let uid = lab.store.state(&lab.id).await.unwrap().unwrap().value.uid;
    let sign = |no, id: &LoopId, change: &dyn Fn(&mut Claims)| {
        let session = Session::Agent;
        let mut claims = Claims {
            act: Act::Attach { session, mode: Mode::Read },
            viewer: "maria".into(),
            token_id: maria.token_id.clone(),
            expires_at: Timestamp::now() + SignedDuration::from_secs(60),
            nonce: Uuid::new_v4(),
        };
        change(&mut claims);
        let root = Key::derive(ROOT, "terminal");
        let secret = ticket::secret(&root, lab.store.installation(), uid, no);
        ticket::Ticket::sign(&ticket::key(&secret), id.clone(), no, &claims).to_string()
    };
    let later = AttemptNo { attempt: 2, ..NO };
    let other: LoopId = "b".parse().unwrap();
    let good = sign(NO, &lab.id, &|_| ());
    let forged = good.replacen("a.1.1.", "a.1.1.x", 1);
    for (ticket, expected, says) in [
        ("nonsense".to_owned(), EndReason::Refused, "isn't good"),
        (forged, EndReason::Refused, "isn't good"),
        (sign(NO, &other, &|_| ()), EndReason::Refused, "another loop"),
        (sign(later, &lab.id, &|_| ()), EndReason::Refused, "r1a2, which is over"),
        (sign(NO, &lab.id, &|c| c.act = Act::Command), EndReason::Refused, "for a terminal"),
        (
            sign(NO, &lab.id, &|c| c.expires_at = Timestamp::now() - SignedDuration::from_secs(1)),
            EndReason::Expired,
            "has expired",
        ),
        (sign(NO, &lab.id, &|c| c.viewer = "olaf".into()), EndReason::Revoked, "revoked"),
        (
            sign(NO, &lab.id, &|c| {
                c.token_id = viewer.token_id.clone();
                c.viewer = "vera".into();
            }),
            EndReason::Revoked,
            "role",
        ),
    ] {
        let (reason, text, code) = process.open(&ticket).await.end().await;
        assert_eq!((reason, code), (expected, 1008), "{text}");
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(lab.acts(&process).await, [], "nobody attached");
    let mut viewer = process.open(&sign(NO, &lab.id, &|_| ())).await;
    viewer.hello().await;
    lab.worker.attached().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_an_http_answer() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let own = format!("http://{}", process.address);
    let ticket = format!("{TICKET_PREFIX}x");
    let both = [SUBPROTOCOL, ticket.as_str()];
    for (protocols, origin, expected) in [
        (&both[..], "http://evil.example", 403),
        (&both[..], "null", 403),
        (&[][..], own.as_str(), 400),
        (&["other"][..], own.as_str(), 400),
        (&both[..1], own.as_str(), 401),
    ] {
        let refused = process.upgrade(protocols, &[("origin", origin)]).await;
        let (status, problem) = refused.err().expect("refused");
        assert_eq!(status, expected, "{problem}");
    }
    let mut viewer = process.upgrade(&both, &[("origin", &own)]).await.expect("its own page");
    assert_eq!(viewer.end().await.0, EndReason::Refused);
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let (status, problem) = process.ask(&token, "GET", "control/terminal", "").await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("malformed-request")));
}

#[tokio::test]
async fn an_identity_has_so_many_terminals_and_gets_its_places_back() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let mut open = vec![];
    for _ in 0..MOST_OF_AN_IDENTITY {
        open.push(process.attach(&lab, &token, "read").await);
    }
    assert_eq!(process.app.open_terminals(), MOST_OF_AN_IDENTITY);
    let (reason, text, code) =
        process.open(&process.ticket(&token, "read").await).await.end().await;
    assert_eq!((reason, code), (EndReason::Full, 1013), "{text}");
    let (other, _) = lab.token(&process, "olaf", Role::Operator).await;
    open.push(process.attach(&lab, &other, "read").await);
    // One viewer vanishes, one worker's stream breaks: both places come back.
    let (viewer, mut attached) = open.remove(0);
    drop(viewer);
    assert_eq!(attached.next().await, None);
    let (mut viewer, attached) = open.remove(0);
    drop(attached);
    assert_eq!(viewer.end().await.2, 1013);
    in_time(async {
        while process.app.open_terminals() > MOST_OF_AN_IDENTITY - 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    process.attach(&lab, &token, "read").await;
}

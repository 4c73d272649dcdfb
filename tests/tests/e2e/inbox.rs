//! What waits for a person or went wrong is told once, to everybody whose it is, until it isn't so any more.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use smith_client::stream::{EventId, Signal, Signals};
use smith_client::{Client, Error, InboxAlso, InboxFilter, ListPage};
use smith_model::access::{Role, Scope};
use smith_model::api::{ReasonRequest, RetryRequest, TokenRequest};
use smith_model::duration::Span;
use smith_model::id::LoopId;
use smith_model::inbox::{
    ClaimRequest, Event, Item, Kind, NoteRequest, Occurrence, Severity, SnoozeRequest,
};
use smith_model::journal::Payload;
use smith_model::policy::PolicyRequest;
use smith_model::problem::{Code, Problem};
use smith_model::spec::LoopRequest;
use smith_model::state::{RetryFrom, State};
use smith_tests::{Layout, Options, World, in_time, wait, world};
use tokio::io::{AsyncBufReadExt as _, BufReader};

async fn bearer(world: &World, name: &str, role: Role, scope: Scope) -> String {
    let request = TokenRequest { name: name.into(), role, scope, expires_in: None };
    world.client().create_token(&request).await.unwrap().token
}

fn claim(occurrence: &Occurrence, reason: Option<&str>) -> ClaimRequest {
    ClaimRequest { occurrence: occurrence.clone(), reason: reason.map(Into::into) }
}

fn note(occurrence: &Occurrence) -> NoteRequest {
    NoteRequest { occurrence: occurrence.clone(), note: Some("known".into()) }
}

fn snooze(occurrence: &Occurrence, span: &str) -> SnoozeRequest {
    let span: Span = span.parse().unwrap();
    SnoozeRequest { occurrence: occurrence.clone(), until: None, span: Some(span), note: None }
}

fn reason() -> ReasonRequest {
    ReasonRequest { reason: "the test wants it".into() }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Problem {
    match answer.unwrap_err() {
        Error::Problem { problem, .. } => *problem,
        error => panic!("{error}"),
    }
}

async fn items(client: &Client, also: InboxAlso) -> Vec<Item> {
    let filter = InboxFilter { also, ..InboxFilter::default() };
    client.inbox(&filter, &ListPage::default()).await.unwrap().items
}

/// Holds a loop, and waits until the inbox of the process that was asked shows it.
async fn hold(client: &Client, id: &LoopId) {
    let held = client.hold_loop(id, &reason(), None).await.unwrap();
    let page = ListPage { min_revision: Some(held.revision), ..ListPage::default() };
    client.inbox(&InboxFilter::default(), &page).await.unwrap();
}

/// A follower of the inbox.
struct Follower {
    events: Signals<Event>,
    last: Option<EventId>,
    resets: usize,
}

impl Follower {
    fn of(client: &Client, from: Option<EventId>) -> Self {
        let events = client.inbox_stream(&InboxFilter::default(), from.clone());
        Self { events, last: from, resets: 0 }
    }

    async fn next(&mut self) -> Event {
        loop {
            let signal = in_time("an event of the inbox", self.events.next()).await;
            if let Signal::Event { id, event } = signal.unwrap().unwrap() {
                self.last = id.or(self.last.take());
                self.resets += usize::from(event == Event::Reset);
                return event;
            }
        }
    }

    async fn ready(&mut self) {
        while self.next().await != Event::Ready {}
    }

    /// The next item of a kind.
    async fn item(&mut self, kind: Kind) -> Item {
        loop {
            match self.next().await {
                Event::Updated(item) if item.kind == kind => return *item,
                _ => {}
            }
        }
    }

    async fn removed(&mut self, name: &str) {
        while self.next().await != (Event::Removed { loop_id: crate::id(name) }) {}
    }
}

/// Gives up at once.
fn hopeless(name: &str, world: &World) -> LoopRequest {
    let policy =
        PolicyRequest { attempts: Some(1), story_tries: Some(1), ..PolicyRequest::default() };
    let request = world::request(name, &world.repository(name), "true", &["exit 3"]);
    LoopRequest { policy: Some(policy), ..request }
}

#[tokio::test]
async fn a_loop_that_flatlined_is_taken_care_of_by_one_and_fires_again() {
    let mut world = World::start(Options::default()).await;
    let id = world.create(&hopeless("f", &world)).await;
    let mut follower = Follower::of(&world.client(), None);
    let item = follower.item(Kind::Flatlined).await;
    assert_eq!((item.severity, &item.mark), (Severity::Critical, &None));
    assert!(item.message.contains("gates-failed"), "{}", item.message);
    let record = world.client().get_loop(&id).await.unwrap().item.record;
    assert_eq!((item.uid, item.since), (record.uid, record.updated_at));

    let maria = bearer(&world, "maria", Role::Operator, Scope::All).await;
    let joe = bearer(&world, "joe", Role::Operator, Scope::All).await;
    let (maria, joe) = (world.client_at(0, &maria), world.client_at(0, &joe));
    let occurrence = &item.occurrence;
    let claimed = maria.claim_item(&id, &claim(occurrence, None)).await.unwrap();
    let told = follower.item(Kind::Flatlined).await;
    assert_eq!(told, claimed);
    assert_eq!(claimed.mark.unwrap().claimed_by.as_deref(), Some("maria"));
    let problem = refused(joe.claim_item(&id, &claim(occurrence, None)).await);
    assert_eq!(problem.code, Code::ItemClaimed);
    assert!(problem.detail.contains("maria"), "{problem}");
    let taken = joe.claim_item(&id, &claim(occurrence, Some("she is away"))).await.unwrap();
    let mark = taken.mark.unwrap();
    assert_eq!(mark.claimed_by.as_deref(), Some("joe"));
    assert_eq!(mark.note.as_deref(), Some("she is away"));
    joe.acknowledge_item(&id, &note(occurrence)).await.unwrap();
    follower.removed("f").await;
    assert_eq!(items(&joe, InboxAlso::None).await, []);

    // What was marked survives a crash.
    world.servers[0].process.kill().await;
    world.servers[0].start_again(&world.settings).await;
    let client = world.client();
    assert_eq!(items(&client, InboxAlso::None).await, []);
    let kept = items(&client, InboxAlso::Acknowledged).await;
    let mark = kept[0].mark.as_ref().unwrap();
    assert_eq!(
        (mark.claimed_by.as_deref(), mark.acknowledged_by.as_deref()),
        (Some("joe"), Some("joe"))
    );

    // Retried it is gone, and given up again it is something new.
    let mut follower = Follower::of(&client, None);
    follower.ready().await;
    let retry = RetryRequest { reason: "again".into(), from: RetryFrom::Checkpoint };
    client.retry_loop(&id, &retry, None).await.unwrap();
    let again = follower.item(Kind::Flatlined).await;
    assert_ne!(again.occurrence, *occurrence);
    assert_eq!(again.mark, None);
    let problem = refused(client.claim_item(&id, &claim(occurrence, None)).await);
    assert_eq!(problem.code, Code::StaleOccurrence);
    assert!(problem.detail.contains(again.occurrence.as_str()), "{problem}");

    let journal = wait::journal(&client, &id).await;
    let acts = journal.iter().filter_map(|entry| match &entry.draft.payload {
        Some(Payload::Act { action, .. }) => Some((entry.actor.id.as_str(), action.as_str())),
        _ => None,
    });
    let expected = [("maria", "inbox.claim"), ("joe", "inbox.claim"), ("joe", "inbox.acknowledge")];
    assert_eq!(acts.collect::<Vec<_>>(), expected, "{}", wait::told(&journal));
    world.finish().await;
}

/// Nothing runs here.
async fn quiet(apis: usize) -> World {
    let layout = Layout::Apart { apis, cores: 0 };
    World::start(Options { layout, ..Options::default() }).await
}

fn plain(name: &str, world: &World) -> LoopRequest {
    world::request(name, &world.repository(name), "true", &["true"])
}

#[tokio::test]
async fn what_waits_for_a_person_stands_there_until_somebody_acts() {
    let world = quiet(1).await;
    let client = world.client();
    let a = world.create(&plain("a", &world)).await;
    let depends_on = vec![a.clone()];
    let b = world.create(&LoopRequest { depends_on, ..plain("b", &world) }).await;
    let mut follower = Follower::of(&client, None);
    follower.ready().await;
    assert_eq!(items(&client, InboxAlso::Both).await, []);

    client.hold_loop(&b, &reason(), None).await.unwrap();
    let held = follower.item(Kind::Held).await;
    assert!(held.message.contains("the test wants it"), "{}", held.message);
    // The worse of two things counts, and the other one comes back behind it.
    world.cancel(&a).await;
    let waiting = follower.item(Kind::DependencyEnded).await;
    assert_eq!((&waiting.loop_id, waiting.severity), (&b, Severity::Critical));
    assert_eq!(waiting.next, "Retry a, or cancel this one.");
    let problem = refused(client.acknowledge_item(&b, &note(&held.occurrence)).await);
    assert_eq!(problem.code, Code::StaleOccurrence);
    let retry = RetryRequest { reason: "again".into(), from: RetryFrom::Checkpoint };
    client.retry_loop(&a, &retry, None).await.unwrap();
    assert_eq!(follower.item(Kind::Held).await.occurrence, held.occurrence);

    // A snooze ends by itself.
    let asleep = client.snooze_item(&b, &snooze(&held.occurrence, "1s")).await.unwrap();
    assert!(asleep.mark.unwrap().snoozed_until.is_some());
    follower.removed("b").await;
    follower.item(Kind::Held).await;
    client.snooze_item(&b, &snooze(&held.occurrence, "1h")).await.unwrap();
    follower.removed("b").await;
    client.unsnooze_item(&b, &note(&held.occurrence)).await.unwrap();
    follower.item(Kind::Held).await;
    client.release_loop(&b, &reason(), None).await.unwrap();
    follower.removed("b").await;

    // A mark goes with its loop.
    world.cancel(&b).await;
    client.delete_loop(&b, "the test is done", None).await.unwrap();
    let problem = refused(client.claim_item(&b, &claim(&held.occurrence, None)).await);
    assert_eq!(problem.code, Code::Gone);
    world.finish().await;
}

#[tokio::test]
async fn the_inbox_is_followed_from_process_to_process() {
    let world = quiet(2).await;
    let clients = [0, 1].map(|n| world.client_at(n, world.token()));
    let a = world.create(&plain("a", &world)).await;
    // Both have seen the same from here on.
    let created = clients[0].get_loop(&a).await.unwrap().item.revision;
    for client in &clients {
        let page = ListPage { min_revision: Some(created), ..ListPage::default() };
        client.inbox(&InboxFilter::default(), &page).await.unwrap();
    }
    let mut follower = Follower::of(&clients[0], None);
    follower.ready().await;
    let mut last = follower.last.clone();
    for turn in 0..6 {
        let client = &clients[turn % 2];
        let is_held = turn % 2 == 0;
        match is_held {
            true => client.hold_loop(&a, &reason(), None).await.unwrap(),
            false => client.release_loop(&a, &reason(), None).await.unwrap(),
        };
        // The other process goes on where this one was.
        let mut follower = Follower::of(&clients[(turn + 1) % 2], last);
        match is_held {
            true => drop(follower.item(Kind::Held).await),
            false => follower.removed("a").await,
        }
        assert_eq!(follower.resets, 0, "turn {turn}");
        last = follower.last;
    }
    world.finish().await;
}

#[tokio::test]
async fn nothing_of_another_project_is_visible_and_a_viewer_marks_nothing() {
    let world = quiet(1).await;
    let of = |name: &str, project: &str| LoopRequest {
        project: Some(project.parse().unwrap()),
        ..plain(name, &world)
    };
    for (name, project) in [("a", "web"), ("b", "other")] {
        let id = world.create(&of(name, project)).await;
        hold(&world.client(), &id).await;
    }
    let web = Scope::Projects(BTreeSet::from(["web".parse().unwrap()]));
    let guest = bearer(&world, "guest", Role::Operator, web).await;
    let guest = world.client_at(0, &guest);
    let mut follower = Follower::of(&guest, None);
    assert_eq!(follower.item(Kind::Held).await.loop_id, crate::id("a"));
    assert_eq!(follower.next().await, Event::Ready);
    let seen = items(&guest, InboxAlso::Both).await;
    assert_eq!(seen.iter().map(|item| item.loop_id.as_str()).collect::<Vec<_>>(), ["a"]);
    let all = items(&world.client(), InboxAlso::Both).await;
    assert_eq!(all.len(), 2);
    let theirs = all.iter().find(|item| item.loop_id == crate::id("b")).unwrap();
    let problem =
        refused(guest.claim_item(&theirs.loop_id, &claim(&theirs.occurrence, None)).await);
    assert_eq!(problem.code, Code::NotFound);
    // Neither do changes show, nor does the end.
    world.client().release_loop(&theirs.loop_id, &reason(), None).await.unwrap();
    world.client().release_loop(&crate::id("a"), &reason(), None).await.unwrap();
    assert_eq!(follower.next().await, Event::Removed { loop_id: crate::id("a") });
    let viewer = bearer(&world, "reader", Role::Viewer, Scope::All).await;
    let viewer = world.client_at(0, &viewer);
    let problem =
        refused(viewer.acknowledge_item(&theirs.loop_id, &note(&theirs.occurrence)).await);
    assert_eq!(problem.code, Code::Forbidden);
    world.finish().await;
}

#[tokio::test]
async fn a_loop_whose_attempts_fail_is_told_before_it_is_given_up() {
    let world = World::start(Options::default()).await;
    let policy = PolicyRequest {
        attempts: Some(3),
        story_tries: Some(1),
        backoff_initial: Some(Span::millis(50)),
        backoff_max: Some(Span::millis(100)),
        ..PolicyRequest::default()
    };
    let request = LoopRequest { policy: Some(policy), ..hopeless("r", &world) };
    let mut follower = Follower::of(&world.client(), None);
    follower.ready().await;
    let id = world.create(&request).await;
    let first = follower.item(Kind::Retrying).await;
    assert_eq!(first.severity, Severity::Notice);
    follower.item(Kind::Flatlined).await;
    world.ends(&id, State::Flatline).await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_filter_or_no_mark_is_refused_with_its_field() {
    let world = quiet(1).await;
    let id = world.create(&plain("a", &world)).await;
    hold(&world.client(), &id).await;
    let bearer = format!("Bearer {}", world.token());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let get = async |query: &str| {
        let path = format!("/v1/inbox?{query}");
        smith_tests::http::send(world.url(0), "GET", &path, &headers, b"").await
    };
    for (query, field) in [
        ("severity=worst", "severity"),
        ("kind=held,silent", "kind"),
        ("project=%20", "project"),
        ("include=all", "include"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
    ] {
        let problem = get(query).await.problem();
        assert_eq!(problem.status, 400, "{query}: {problem}");
        assert_eq!(problem.errors[0].field, field, "{query}");
    }
    let held = items(&world.client(), InboxAlso::None).await.remove(0).occurrence;
    let post = async |act: &str, body: serde_json::Value| {
        let path = format!("/v1/inbox/a/{act}");
        let body = body.to_string();
        smith_tests::http::send(world.url(0), "POST", &path, &headers, body.as_bytes()).await
    };
    for (act, body, field) in [
        ("claim", serde_json::json!({ "occurrence": held, "reason": " " }), "reason"),
        ("claim", serde_json::json!({ "occurrence": "A b" }), "occurrence"),
        ("snooze", serde_json::json!({ "occurrence": held }), "until"),
        ("snooze", serde_json::json!({ "occurrence": held, "for": "0s" }), "for"),
        ("snooze", serde_json::json!({ "occurrence": held, "for": "soon" }), "for"),
        ("acknowledge", serde_json::json!({ "occurrence": held, "note": "a\nb" }), "note"),
    ] {
        let problem = post(act, body.clone()).await.problem();
        assert_eq!((problem.status, problem.errors[0].field.as_str()), (400, field), "{body}");
    }
    assert_eq!(items(&world.client(), InboxAlso::None).await[0].mark, None, "nothing was written");
    world.finish().await;
}

#[tokio::test]
async fn smithctl_shows_the_inbox_and_marks_it() {
    let world = quiet(1).await;
    for name in ["a", "b"] {
        let id = world.create(&plain(name, &world)).await;
        hold(&world.client(), &id).await;
    }
    let run = async |args: &[&str]| {
        let output = world.smithctl(args).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = run(&["inbox"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(out.lines().nth(1).unwrap().starts_with("a    notice     held"), "{out}");
    let (_, out, _) = run(&["inbox", "-o", "name", "--severity", "notice,warning"]).await;
    assert_eq!(out, "a\nb\n");
    let (code, out, err) = run(&["inbox", "--kind", "flatlined"]).await;
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", "nothing waits for you\n"));

    // Several: those that can't be marked are told, and the others are.
    let (code, out, err) = run(&["inbox", "claim", "a", "none", "b"]).await;
    assert_eq!((code, out.lines().count()), (Some(1), 2), "{out}{err}");
    assert!(out.starts_with("a (held): claimed by "), "{out}");
    assert!(err.contains("none doesn't stand in the inbox"), "{err}");
    let joe = bearer(&world, "joe", Role::Operator, Scope::All).await;
    let joe = world.client_at(0, &joe);
    let held = items(&joe, InboxAlso::None).await.remove(0).occurrence;
    joe.claim_item(&crate::id("a"), &claim(&held, Some("mine"))).await.unwrap();
    let (code, _, err) = run(&["inbox", "unclaim", "a"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("joe has claimed it") && err.contains("--reason"), "{err}");
    let (code, ..) = run(&["inbox", "unclaim", "a", "--reason", "he is away"]).await;
    assert_eq!(code, Some(0));
    let (code, out, _) = run(&["inbox", "ack", "a", "--note", "known", "-o", "json"]).await;
    let item: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, item["mark"]["note"].as_str()), (Some(0), Some("known")), "{item}");
    let (code, out, _) = run(&["inbox", "snooze", "b", "--for", "1h"]).await;
    assert!(code == Some(0) && out.contains("snoozed until"), "{out}");
    let (code, ..) = run(&["inbox", "snooze", "b"]).await;
    assert_eq!(code, Some(2), "for how long?");
    let (_, out, _) = run(&["inbox", "-o", "name"]).await;
    assert_eq!(out, "");
    let (_, out, _) = run(&["inbox", "-o", "name", "--snoozed", "--acknowledged"]).await;
    assert_eq!(out, "a\nb\n");
    let (code, _, err) = run(&["inbox", "unsnooze", "b", "--occurrence", "held.00000000.t9"]).await;
    assert!(code == Some(1) && err.contains("smithctl inbox shows"), "{err}");

    let mut command = world.smithctl(&["inbox", "--watch", "-o", "name"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    run(&["inbox", "unsnooze", "b"]).await;
    let line = in_time("a line of --watch", lines.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("b"));
    child.kill().await.unwrap();
    world.finish().await;
}

//! Which stories, in which order, and what is kept of them.

use proptest::prelude::*;
use smith_model::gate::gate_set;
use smith_model::id::AttemptNo;
use smith_model::spec::{Birth, LoopRequest, Rules};

use super::*;

/// The spec of a request like this one, with defaults.
pub(crate) fn spec(request: serde_json::Value) -> Spec {
    let mut whole = serde_json::json!({
        "loop_id": "a", "repository": "/srv/r", "gates": ["make test"], "command": "agent",
        "prompt": "do it",
    });
    for (field, value) in request.as_object().expect("an object") {
        whole[field] = value.clone();
    }
    let request: LoopRequest = serde_json::from_value(whole).expect("a request");
    let rules = Rules { file_roots: vec!["/".into()], ..Rules::default() };
    let birth = Birth { uid: uuid::Uuid::nil(), by: "t".into(), now: jiff::Timestamp::UNIX_EPOCH };
    request.accept(&rules, birth).expect("valid").spec
}

/// A PRD of stories with these dependencies and statuses.
pub(crate) fn prd(stories: &[(&[usize], &str)]) -> Prd {
    let stories: Vec<_> = stories
        .iter()
        .enumerate()
        .map(|(i, (depends_on, status))| {
            let depends_on: Vec<_> =
                depends_on.iter().map(|at| format!("US-{:03}", at + 1)).collect();
            serde_json::json!({
                "id": format!("US-{:03}", i + 1), "title": format!("Story {}", i + 1),
                "status": status, "dependsOn": depends_on, "description": "As a user I want it.",
                "acceptanceCriteria": ["It fails with an error when the input is empty"],
            })
        })
        .collect();
    let document = serde_json::json!({
        "version": 1, "project": "p", "overview": "o", "qualityGates": ["true"],
        "stories": stories, "rules": ["keep it small"],
    });
    Prd::from_value(&document).expect("valid").0
}

fn certificate() -> Certificate {
    Certificate {
        tree: "1".repeat(40).parse().expect("hex"),
        commit: None,
        gate_set: gate_set(&[]),
        no: AttemptNo { round: 1, attempt: 1 },
        iteration: 1,
    }
}

fn chosen(prd: Prd) -> Chosen {
    Chosen { source: PrdSource::Spec, why: String::new(), prd }
}

#[test]
fn the_spec_s_document_wins_then_the_repository_s_then_the_words() {
    let check = |spec: &Spec, repository: InRepository, source: PrdSource, why: &str| {
        let chosen = choose(spec, repository);
        assert_eq!(chosen.source, source);
        assert!(chosen.why.contains(why), "{}", chosen.why);
    };
    let words = spec(serde_json::json!({}));
    let open = || InRepository::Found(Box::new(prd(&[(&[], "done"), (&[], "open")])));
    let with_prd = Spec { prd: Some(prd(&[(&[], "open")])), ..words.clone() };
    check(&with_prd, open(), PrdSource::Spec, "request's PRD");
    check(&words, open(), PrdSource::Repository, "of whose 2 stories 1 are open");
    let done = InRepository::Found(Box::new(prd(&[(&[], "done")])));
    check(&words, done, PrdSource::Prompt, "no open story");
    check(&words, InRepository::parse(b"{"), PrdSource::Prompt, "can't be used");
    check(&words, InRepository::parse(b"\xff"), PrdSource::Prompt, "isn't UTF-8");
    check(&words, InRepository::Absent, PrdSource::Prompt, "neither the request nor");
    let chosen = choose(&words, InRepository::Absent);
    assert_eq!(chosen.prd.stories[0].title, "do it");
}

#[test]
fn what_the_document_calls_done_is_only_assumed() {
    let document = || prd(&[(&[], "done"), (&[], "in_progress")]);
    let in_repository = Chosen { source: PrdSource::Repository, ..chosen(document()) };
    let stories = Stories::new(in_repository, 1, None);
    let [first, second] = &stories.record().stories[..] else { panic!("two stories") };
    assert_eq!(first.done_as, Some(DoneAs::Assumed));
    assert_eq!(second.status, StoryStatus::Open);
    assert_eq!(stories.next(), Next::Story(1));
    let asked_for = Stories::new(chosen(document()), 1, None);
    assert_eq!(asked_for.next(), Next::Story(0));
}

#[test]
fn certificates_outlive_an_attempt_while_the_story_stays_the_same() {
    let document = prd(&[(&[], "open"), (&[], "open")]);
    let mut stories = Stories::new(chosen(document.clone()), 1, None);
    stories.begin(0);
    stories.done(0, DoneAs::Certified, certificate());
    stories.begin(1);
    stories.exhaust(1);
    let known = stories.record().clone();
    let again = Stories::new(chosen(document.clone()), 1, Some(&known));
    assert_eq!(again.record().stories[0].done_as, Some(DoneAs::Certified));
    assert_eq!(
        (again.record().stories[1].status, again.record().stories[1].tries),
        (StoryStatus::Open, 0)
    );
    let mut other = document;
    other.stories[0].title = "Another".into();
    let changed = Stories::new(chosen(other), 1, Some(&known));
    assert_eq!(changed.next(), Next::Story(0));
}

#[test]
fn an_exhausted_story_holds_up_only_those_that_need_it() {
    let mut stories =
        Stories::new(chosen(prd(&[(&[], "open"), (&[0], "open"), (&[], "open")])), 1, None);
    stories.exhaust(0);
    assert_eq!(stories.next(), Next::Story(2));
    stories.done(2, DoneAs::Certified, certificate());
    assert_eq!(stories.next(), Next::Stuck);
    assert_eq!(stories.names(Which::Done), ["US-003 Story 3"]);
    assert_eq!(stories.names(Which::Remaining), ["US-001 Story 1", "US-002 Story 2"]);
}

proptest! {
    #[test]
    fn every_story_is_done_after_its_dependencies(
        edges in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..12),
        exhausted in any::<prop::sample::Index>(),
    ) {
        let depends: Vec<Vec<usize>> = edges.iter().enumerate().map(|(i, picks)| {
            let mut all: Vec<usize> = picks.iter().filter(|_| i > 0).map(|p| p.index(i)).collect();
            all.sort();
            all.dedup();
            all
        }).collect();
        let list: Vec<(&[usize], &str)> = depends.iter().map(|d| (d.as_slice(), "open")).collect();
        let exhausted = exhausted.index(list.len() + 1);
        let mut stories = Stories::new(chosen(prd(&list)), 1, None);
        let mut done = vec![];
        let end = loop {
            match stories.next() {
                Next::Story(at) => {
                    prop_assert!(depends[at].iter().all(|d| done.contains(d)));
                    stories.begin(at);
                    if at == exhausted {
                        stories.exhaust(at);
                    } else {
                        stories.done(at, DoneAs::Certified, certificate());
                        done.push(at);
                    }
                }
                end => break end,
            }
        };
        prop_assert_eq!(end == Next::AllDone, exhausted == list.len());
        prop_assert_eq!(done.len() == list.len(), end == Next::AllDone);
    }
}

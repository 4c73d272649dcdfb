//! Sizes, and records of another version.

use smith_model::attempt::AttemptRecord;
use smith_model::handoff::{HandoffDraft, MOST_HANDOFF_BYTES};
use smith_model::journal::{MOST_ENTRY_BYTES, Payload};
use smith_model::spec::MOST_SPEC_BYTES;

use super::delete::{iteration, stories};
use super::*;

fn too_large(outcome: Outcome) -> (&'static str, usize) {
    match store_error(outcome) {
        Error::TooLarge { what, size, most } if size > most => (what, most),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_written() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let before = lab.all_keys().await;
    let outcome = append(&lab.store, &id, &"x".repeat(MOST_ENTRY_BYTES)).await;
    assert_eq!(too_large(outcome), ("a journal entry", MOST_ENTRY_BYTES));
    let handoff = |size: usize| {
        let draft = HandoffDraft { next_step: "x".repeat(size), ..HandoffDraft::default() };
        let mut change = says("handoff");
        change.entries[0].2.payload = Some(Payload::Handoff);
        Change { handoff: Some((NO, None, draft)), ..change }
    };
    let outcome = write_always(&lab.store, &id, handoff(MOST_HANDOFF_BYTES)).await;
    assert_eq!(too_large(outcome), ("a handoff", MOST_HANDOFF_BYTES));
    // Each of them is allowed, but not all at once: etcd would refuse the request.
    let large = "x".repeat(300_000);
    let iterations = |n| (0..n).map(|i| iteration(i, &large)).collect();
    let change = |n| Change { iterations: iterations(n), ..says("many") };
    assert_eq!(too_large(write_always(&lab.store, &id, change(4)).await).1, 1024 * 1024);
    assert_eq!(lab.all_keys().await, before);
    let mut new = new_loop("b", json!({}));
    new.spec.description = "x".repeat(MOST_SPEC_BYTES);
    let refused = lab.store.create(&new).await;
    assert!(matches!(refused, Err(Error::TooLarge { what: "a spec", .. })), "{refused:?}");
    assert_eq!(lab.all_keys().await, before);
    // Up to the limits everything is.
    let mut spec = new_loop("c", json!({}));
    let room = MOST_SPEC_BYTES - serde_json::to_vec(&spec.spec).unwrap().len();
    spec.spec.description.push_str(&"x".repeat(room));
    assert!(matches!(lab.store.create(&spec).await.unwrap(), Created::New(_)));
    write_always(&lab.store, &id, change(3)).await.unwrap();
    write_always(&lab.store, &id, handoff(MOST_HANDOFF_BYTES - 1000)).await.unwrap();
    let many = |n: usize| {
        let entries = (0..n).flat_map(|n| entry(format!("{n} {}", "x".repeat(7000)))).collect();
        Change { entries, ..Change::default() }
    };
    write_always(&lab.store, &id, many(100)).await.unwrap();
    let error = store_error(write_always(&lab.store, &id, many(101)).await);
    assert!(matches!(error, Error::Unfounded { .. }), "{error:?}");
    assert_eq!(lab.journal(&id).await.len(), 1 + 1 + 1 + 100);
}

/// A change that rewrites every record there is.
fn rewrite(snapshot: &Snapshot) -> Result<Decision<()>, No> {
    let change = Change {
        state: Some(snapshot.state.value.clone()),
        attempt: snapshot.attempt.as_ref().map(|a| a.value.clone()),
        stories: snapshot.stories.as_ref().map(|s| s.value.clone()),
        ..says("rewritten")
    };
    Ok(write(change, ()))
}

async fn with_records(lab: &Lab) -> LoopId {
    let id = lab.create("a").await;
    let admit = |snapshot: &Snapshot| {
        let mut change = stepped(snapshot, &Step::Admit)?;
        change.attempt = Some(AttemptRecord::admitted(change.state.as_ref().unwrap(), None, now()));
        change.stories = Some(stories());
        Ok::<_, No>(write(change, ()))
    };
    lab.store.change(&id, now(), admit).await.unwrap();
    id
}

fn records(lab: &Lab, id: &LoopId) -> [String; 4] {
    let keys = &lab.keys;
    [keys.head(id.as_str()), keys.state(id), keys.attempt(id, NO), keys.stories(id)]
}

#[tokio::test]
async fn fields_that_are_not_known_survive_a_rewrite() {
    let lab = Lab::new().await;
    let id = with_records(&lab).await;
    for key in records(&lab, &id) {
        lab.edit(&key, |value| value["of_a_later_version"] = json!({ "a": [1] })).await;
    }
    let store = lab.another().await;
    for _ in 0..2 {
        store.change(&id, now(), rewrite).await.unwrap();
    }
    for key in records(&lab, &id) {
        assert_eq!(lab.json(&key).await["of_a_later_version"], json!({ "a": [1] }), "{key}");
    }
    lab.journal(&id).await;
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_not_rewritten() {
    let lab = Lab::new().await;
    let id = with_records(&lab).await;
    for key in records(&lab, &id) {
        lab.edit(&key, |value| value["schema_version"] = json!(99)).await;
        let store = lab.another().await;
        let error = store_error(promptly(store.change(&id, now(), rewrite)).await);
        let Error::Newer { key: named, version: 99 } = &error else { panic!("{error:?}") };
        assert_eq!(*named, key);
        // Nor by one that doesn't come of what is there.
        let decide = |snapshot: &Snapshot| {
            let state = StateRecord { schema_version: 1, ..snapshot.state.value.clone() };
            let attempt = snapshot.attempt.as_ref().map(|a| a.value.clone());
            let attempt = attempt.map(|a| AttemptRecord { schema_version: 1, ..a });
            let (state, stories) = (Some(state), Some(stories()));
            Ok::<_, No>(write(Change { state, attempt, stories, ..says("over it") }, ()))
        };
        let error = store_error(promptly(store.change(&id, now(), decide)).await);
        assert!(matches!(error, Error::Newer { .. }), "{error:?}");
        lab.edit(&key, |value| value["schema_version"] = json!(1)).await;
    }
    // One that can't even be read is told by its version, one that is broken by its key.
    let key = lab.keys.state(&id);
    lab.edit(&key, |value| *value = json!({ "schema_version": 99, "state": ["shape"] })).await;
    assert!(matches!(lab.store.state(&id).await, Err(Error::Newer { version: 99, .. })));
    lab.edit(&key, |value| *value = json!({ "schema_version": 1 })).await;
    let broken = lab.store.state(&id).await;
    assert!(
        matches!(&broken, Err(Error::Record { key: named, .. }) if *named == key),
        "{broken:?}"
    );
}

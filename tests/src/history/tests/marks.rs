//! The checker of marks.

use smith_model::inbox::{Act, Mark};

use super::*;

impl Author {
    /// Somebody acts in the inbox.
    fn mark(&mut self, by: &str, act: &Act, before: Option<&Mark>) -> Mark {
        let occurrence = "held.00000000.t1".parse().unwrap();
        let after = Mark::after(before, &occurrence, act, by, Timestamp::now()).unwrap().unwrap();
        let name = format!("inbox.{}", act.name());
        let link = self.audit(&name);
        let write = self.writes.last_mut().unwrap();
        change(write, |audit| {
            audit["actor"] = by.into();
            audit["reason"] = act.words().into();
            audit["before"] = serde_json::json!({ "mark": before });
            audit["after"] = serde_json::json!({ "mark": after });
        });
        let sha256 = Digest::of(write.value.as_ref().unwrap()).to_string();
        let audit = AuditLink { sha256, ..link };
        let payload = Payload::Act { action: name, audit };
        self.entry(actor(ActorKind::Operator, by), None, Some(payload));
        self.again("live/attention/a", &after);
        self.head();
        self.commit();
        after
    }
}

fn claim(reason: Option<&str>) -> Act {
    Act::Claim { reason: reason.map(Into::into) }
}

/// 0: the leader, 1: created, 2: claimed by maria, 3: taken by joe.
fn marked() -> Vec<Step> {
    let mut author = Author::new();
    author.create();
    let first = author.mark("maria", &claim(None), None);
    author.mark("joe", &claim(Some("she is away")), Some(&first));
    author.steps
}

#[track_caller]
fn forged(rule: Rule, words: &str, forge: impl FnOnce(&mut Vec<Step>)) {
    let mut steps = marked();
    forge(&mut steps);
    found(rule, words, &History { steps });
}

#[test]
fn marks_with_their_acts_have_no_fault() {
    assert_eq!(History { steps: marked() }.check(ROOT), []);
}

#[test]
fn a_mark_that_is_not_what_its_act_says_is_found() {
    forged(Rule::Evidence, "without an act", |steps| {
        steps[2].writes.retain(|w| !w.key.starts_with("journal/"));
    });
    forged(Rule::Evidence, "without an act", |steps| {
        steps[2].writes.retain(|w| !w.key.starts_with("audit/"));
    });
    forged(Rule::Evidence, "audit record of a's mark says", |steps| {
        change(write(&mut steps[3], "live/attention/"), |mark| mark["note"] = "other".into());
    });
    forged(Rule::Evidence, "without a reason", |steps| {
        change(write(&mut steps[3], "audit/"), |audit| {
            audit["reason"] = serde_json::Value::Null;
        });
    });
    forged(Rule::Evidence, "claimed a for", |steps| {
        change(write(&mut steps[2], "audit/"), |audit| audit["actor"] = "joe".into());
    });
    forged(Rule::NothingLost, "its loop wasn't", |steps| {
        steps[3].writes.push(delete("live/attention/a"));
    });
}

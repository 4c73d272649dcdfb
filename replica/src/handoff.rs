//! The handoff: what an attempt found, put together at every end. Pure.

use smith_model::gate::GateResult;
use smith_model::handoff::{GateState, GitSnapshot, HandoffDraft, MOST_HANDOFF_BYTES};
use smith_model::story::Usage;
use smith_model::terminal::Intervention;

use crate::excerpt::{cut, tail};
use crate::notes::Notes;
use crate::stories::{Stories, Which};

/// The most bytes of a red gate's output in a handoff.
const MOST_TAIL: usize = 8 * 1024;

/// What the attempt found.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The stories; `None`: it ended before they were known.
    pub stories: Option<&'a Stories>,
    /// What agents left.
    pub notes: &'a Notes,
    /// Where git stands.
    pub git: Option<GitSnapshot>,
    /// What the gates last said, and the end of what the last red one printed.
    pub gates: &'a [GateResult],
    /// See `gates`.
    pub red_tail: &'a str,
    /// What people did at the terminals.
    pub interventions: &'a [Intervention],
    /// Iterations of the attempt.
    pub iterations: u32,
    /// Tokens and money of the attempt.
    pub usage: Usage,
    /// Why it ended; `None`: it is done.
    pub failure: Option<&'a str>,
}

/// Puts it together. The system's facts stand where agents' words would say otherwise.
pub fn draft(facts: &Facts<'_>) -> HandoffDraft {
    let names = |which| facts.stories.map_or_else(Vec::new, |s| s.names(which));
    let (done, remaining) = (names(Which::Done), names(Which::Remaining));
    let gates = facts.gates.iter().map(|gate| GateState {
        run: cut(&gate.run, 1024).to_owned(),
        green: gate.green(),
        tail: (!gate.green()).then(|| tail(facts.red_tail, MOST_TAIL).to_owned()),
    });
    let next_step = match (facts.failure, remaining.first()) {
        (None, _) => "nothing: every story is done and the branch is published".to_owned(),
        (Some(why), None) => format!("publish: every story is done; {}", cut(why, 500)),
        (Some(why), Some(story)) => format!("go on with {story}; {}", cut(why, 500)),
    };
    let Notes { done: _, remaining: _, decisions, uncertain, learnings } = facts.notes.clone();
    let mut draft = HandoffDraft {
        done,
        remaining,
        decisions,
        uncertain,
        learnings,
        git: facts.git.clone(),
        gates: gates.collect(),
        iterations: facts.iterations,
        usage: facts.usage,
        interventions: facts.interventions.to_vec(),
        next_step,
    };
    shrink(&mut draft);
    draft
}

/// Drops the least useful parts until it fits into its record.
fn shrink(draft: &mut HandoffDraft) {
    // The record has a few fields of its own.
    let fits = |d: &HandoffDraft| {
        serde_json::to_vec(d).is_ok_and(|bytes| bytes.len() <= MOST_HANDOFF_BYTES - 1024)
    };
    let steps: [fn(&mut HandoffDraft); 7] = [
        |d| {
            d.gates
                .iter_mut()
                .for_each(|g| g.tail = g.tail.take().map(|t| tail(&t, 1024).to_owned()))
        },
        |d| d.interventions.iter_mut().for_each(|i| i.typed.clear()),
        |d| d.uncertain.clear(),
        |d| d.decisions.clear(),
        |d| d.gates.retain(|g| !g.green),
        |d| d.learnings.clear(),
        |d| {
            for list in [&mut d.done, &mut d.remaining] {
                for name in list.iter_mut() {
                    // Ids are what counts: `US-001`.
                    *name = cut(name, 40).to_owned();
                }
            }
            d.gates.clear();
            d.interventions.clear();
        },
    ];
    for step in steps {
        if fits(draft) {
            return;
        }
        step(draft);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smith_model::attempt::Exit;
    use smith_model::story::PrdSource;

    use super::*;
    use crate::stories::Chosen;
    use crate::stories::tests::prd;

    fn stories(n: usize) -> Stories {
        let list: Vec<(&[usize], &str)> = (0..n).map(|_| (&[][..], "open")).collect();
        let chosen = Chosen { source: PrdSource::Spec, why: String::new(), prd: prd(&list) };
        Stories::new(chosen, 1, None)
    }

    fn facts<'a>(
        stories: &'a Stories,
        notes: &'a Notes,
        gates: &'a [GateResult],
        tail: &'a str,
    ) -> Facts<'a> {
        Facts {
            stories: Some(stories),
            notes,
            git: None,
            gates,
            red_tail: tail,
            iterations: 3,
            interventions: &[],
            usage: Usage::default(),
            failure: Some("a gate was red"),
        }
    }

    #[test]
    fn agents_words_don_t_replace_what_was_found() {
        let stories = stories(2);
        let notes = Notes {
            done: vec!["everything".into()],
            learnings: vec!["tests are slow".into()],
            ..Notes::default()
        };
        let red = GateResult { run: "make".into(), exit: Exit::Code(2), millis: 1, output: None };
        let draft = draft(&facts(&stories, &notes, &[red], "boom"));
        assert!(draft.done.is_empty());
        assert_eq!(draft.remaining, ["US-001 Story 1", "US-002 Story 2"]);
        assert_eq!(draft.learnings, ["tests are slow"]);
        assert_eq!(draft.gates[0].tail.as_deref(), Some("boom"));
        assert_eq!(draft.next_step, "go on with US-001 Story 1; a gate was red");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_fits_into_its_record(n in 1usize..200, gates in 0usize..33, words in 0usize..20, size in 0usize..400) {
            let stories = stories(n);
            let list = vec!["\u{1}".repeat(size); words];
            let notes = Notes { decisions: list.clone(), uncertain: list.clone(), learnings: list, ..Notes::default() };
            let red = GateResult { run: "\"".repeat(4096), exit: Exit::Code(2), millis: 1, output: None };
            let draft = draft(&facts(&stories, &notes, &vec![red; gates], &"\u{1}".repeat(20_000)));
            prop_assert!(serde_json::to_vec(&draft).unwrap().len() < MOST_HANDOFF_BYTES);
        }
    }
}

//! Which stories a loop works through, where each stands, and which one is next. Pure.
//!
//! Statuses are Smith's findings. What a document says of its own stories is taken once, from the
//! commit that the round starts from (an agent can't have written it), and as assumed.

use smith_model::Extra;
use smith_model::prd::{self, Prd, Report, Story, StoryId};
use smith_model::spec::Spec;
use smith_model::story::{Certificate, DoneAs, PrdSource, StoriesRecord, StoryRecord, StoryStatus};

/// Where a repository keeps its PRD.
pub const PRD_PATH: &str = ".agents/tasks/prd.json";

/// What was found at [`PRD_PATH`] in the base.
#[derive(Clone, Debug)]
pub enum InRepository {
    /// Nothing.
    Absent,
    /// Something that can't be used, and why.
    Unusable(String),
    /// A PRD.
    Found(Box<Prd>),
}

impl InRepository {
    /// Reads the file's bytes.
    pub fn parse(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Unusable("it isn't UTF-8".to_owned());
        };
        match Prd::from_json(text) {
            Ok((prd, _)) => Self::Found(Box::new(prd)),
            Err(report) => Self::Unusable(first_problem(&report)),
        }
    }
}

fn first_problem(report: &Report) -> String {
    match report.errors.as_slice() {
        [] => "it has errors".to_owned(),
        [one] => format!("{}: {}", one.path, one.message),
        [one, rest @ ..] => {
            format!("{}: {} (and {} more errors)", one.path, one.message, rest.len())
        }
    }
}

/// The document to work through, and why it is this one.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Where it came from.
    pub source: PrdSource,
    /// Why, in one sentence for the journal.
    pub why: String,
    /// The document.
    pub prd: Prd,
}

/// Chooses the document: the spec's, else the repository's if it has open stories, else one story
/// made of the request's own words.
pub fn choose(spec: &Spec, repository: InRepository) -> Chosen {
    if let Some(prd) = &spec.prd {
        let why = format!("the {} stories of the request's PRD", prd.stories.len());
        return Chosen { source: PrdSource::Spec, why, prd: prd.clone() };
    }
    let why_not = match repository {
        InRepository::Found(prd) => {
            let open = prd.stories.iter().filter(|s| s.status != prd::StoryStatus::Done).count();
            if open > 0 {
                let why = format!(
                    "the repository's {PRD_PATH}, of whose {} stories {open} are open",
                    prd.stories.len()
                );
                return Chosen { source: PrdSource::Repository, why, prd: *prd };
            }
            format!("{PRD_PATH} has no open story")
        }
        InRepository::Unusable(why) => format!("{PRD_PATH} can't be used ({why})"),
        InRepository::Absent => format!("neither the request nor {PRD_PATH} has a PRD"),
    };
    let why = format!("one story made of the request's own words, since {why_not}");
    Chosen { source: PrdSource::Prompt, why, prd: of_words(spec) }
}

fn of_words(spec: &Spec) -> Prd {
    let id = StoryId::at_index(0).expect("the first story has an id");
    let story = Story {
        id,
        title: spec.title.clone(),
        status: prd::StoryStatus::Open,
        depends_on: vec![],
        description: spec.description.clone(),
        acceptance_criteria: vec![],
    };
    Prd {
        version: prd::VERSION,
        project: spec.project.as_str().to_owned(),
        overview: String::new(),
        goals: vec![],
        non_goals: vec![],
        success_metrics: vec![],
        open_questions: vec![],
        stack: prd::Stack::default(),
        routes: vec![],
        ui_notes: String::new(),
        data_model: vec![],
        import_format: String::new(),
        rules: vec![],
        quality_gates: vec![],
        stories: vec![story],
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Work on the story at this place.
    Story(usize),
    /// Every story is done.
    AllDone,
    /// Some are open, but each is exhausted or waits for one that is.
    Stuck,
}

/// The stories of an attempt.
#[derive(Clone, Debug)]
pub struct Stories {
    prd: Prd,
    record: StoriesRecord,
}

impl Stories {
    /// Joins the document with what is known from before. A story that is done stays so, with its
    /// certificate, if it is still the same one; anything else begins again.
    pub fn new(chosen: Chosen, round: u32, known: Option<&StoriesRecord>) -> Self {
        let Chosen { source, why: _, prd } = chosen;
        let stories = prd.stories.iter().map(|story| record_of(story, source, known)).collect();
        let record = StoriesRecord {
            schema_version: smith_model::SCHEMA_VERSION,
            source,
            round,
            stories,
            extra: known.map_or_else(Extra::new, |k| k.extra.clone()),
        };
        Self { prd, record }
    }

    /// The document.
    pub fn prd(&self) -> &Prd {
        &self.prd
    }

    /// The story at this place, as the document tells it.
    pub fn story(&self, at: usize) -> &Story {
        &self.prd.stories[at]
    }

    /// Where each stands.
    pub fn record(&self) -> &StoriesRecord {
        &self.record
    }

    /// What to do next: the first open story in the document's order whose dependencies are done.
    pub fn next(&self) -> Next {
        let done = |id: &str| {
            let mut all = self.record.stories.iter();
            all.any(|s| s.id == id && s.status == StoryStatus::Done)
        };
        let ready = |s: &StoryRecord| {
            matches!(s.status, StoryStatus::Open | StoryStatus::InProgress)
                && s.depends_on.iter().all(|id| done(id))
        };
        match self.record.stories.iter().position(ready) {
            Some(at) => Next::Story(at),
            None if self.record.stories.iter().all(|s| s.status == StoryStatus::Done) => {
                Next::AllDone
            }
            None => Next::Stuck,
        }
    }

    /// One more iteration works on the story; how many by now.
    pub fn begin(&mut self, at: usize) -> u32 {
        let story = &mut self.record.stories[at];
        story.status = StoryStatus::InProgress;
        story.tries += 1;
        story.tries
    }

    /// The iteration didn't count (it was stopped from outside).
    pub fn take_back(&mut self, at: usize) {
        let story = &mut self.record.stories[at];
        story.tries = story.tries.saturating_sub(1);
    }

    /// The story is done, on this evidence.
    pub fn done(&mut self, at: usize, done_as: DoneAs, certificate: Certificate) {
        let story = &mut self.record.stories[at];
        story.status = StoryStatus::Done;
        story.done_as = Some(done_as);
        story.certificate = Some(certificate);
    }

    /// The story's tries are used up.
    pub fn exhaust(&mut self, at: usize) {
        self.record.stories[at].status = StoryStatus::Exhausted;
    }

    /// `US-001 Title` of the stories that are, or aren't, done.
    pub fn names(&self, which: Which) -> Vec<String> {
        let wanted = |s: &&StoryRecord| (s.status == StoryStatus::Done) == (which == Which::Done);
        let all = self.record.stories.iter().filter(wanted);
        all.map(|s| format!("{} {}", s.id, s.title)).collect()
    }
}

/// See [`Stories::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that are done.
    Done,
    /// Those that aren't.
    Remaining,
}

fn record_of(story: &Story, source: PrdSource, known: Option<&StoriesRecord>) -> StoryRecord {
    let fresh = StoryRecord {
        id: story.id.to_string(),
        title: story.title.clone(),
        depends_on: story.depends_on.iter().map(ToString::to_string).collect(),
        status: StoryStatus::Open,
        done_as: None,
        certificate: None,
        tries: 0,
    };
    let same = |k: &&StoryRecord| {
        k.id == fresh.id && k.title == fresh.title && k.depends_on == fresh.depends_on
    };
    let before = known.and_then(|k| k.stories.iter().find(same));
    if let Some(before) = before.filter(|b| b.status == StoryStatus::Done) {
        return StoryRecord { tries: 0, ..before.clone() };
    }
    match (story.status, source) {
        (prd::StoryStatus::Done, PrdSource::Repository) => {
            StoryRecord { status: StoryStatus::Done, done_as: Some(DoneAs::Assumed), ..fresh }
        }
        // Who asks for a story gets it checked, also if the request calls it done; and that somebody
        // once began one says nothing about this round.
        _ => fresh,
    }
}

#[cfg(test)]
pub(crate) mod tests;

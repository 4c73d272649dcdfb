//! The rules for stories: each by itself, and the ones between them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::fields::{Reported, Shape};
use super::{Reader, member, owned};
use crate::prd::diagnostic::{Code, shown};
use crate::prd::heuristics::{self, Weakness};
use crate::prd::{
    MAX_STORIES, MAX_STORY_CHARS, MAX_STORY_CRITERIA, MIN_CRITERION_WORDS, Story, StoryId,
    StoryStatus,
};

/// A story as far as rules between stories need it.
struct Outline<'v> {
    id: &'v str,
    status: Option<StoryStatus>,
    depends_on: Vec<(usize, &'v str)>,
}

impl Reader<'_> {
    pub(super) fn stories(&mut self, root: &Map<String, Value>) -> Result<Vec<Story>, Reported> {
        const PATH: &str = "$.stories";
        let list = self.list(root, "$", "stories", MAX_STORIES)?;
        if list.is_empty() {
            self.add(
                Code::MissingStories,
                PATH,
                "there is no story",
                "add at least one story, US-001",
            );
            return Err(Reported);
        }
        let mut stories = Vec::with_capacity(list.len());
        let mut outlines = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let (story, outline) = self.story(value, index);
            self.story = None;
            stories.push(story);
            outlines.push(outline);
        }
        self.between(&outlines);
        stories.into_iter().collect()
    }

    fn story<'v>(
        &mut self,
        value: &'v Value,
        index: usize,
    ) -> (Result<Story, Reported>, Outline<'v>) {
        const FIELDS: &[&str] =
            &["id", "title", "status", "dependsOn", "description", "acceptanceCriteria"];
        let path = &format!("$.stories[{index}]");
        let mut outline = Outline { id: "", status: None, depends_on: Vec::new() };
        if let Some(id) = value.get("id").and_then(Value::as_str).filter(|id| !id.trim().is_empty())
        {
            self.story = Some(id.chars().take(40).collect());
        }
        let Ok(object) = self.object(value, path, FIELDS) else {
            return (Err(Reported), outline);
        };

        let id = self.optional(object, path, "id", Shape::Name);
        let id = id.and_then(|text| {
            outline.id = text;
            self.story_id(text, path, index)
        });
        let title = self.required(object, path, "title", Shape::Name, Code::MissingStoryTitle);
        let status = self.status(object, path);
        outline.status = status.as_ref().ok().copied();
        let depends_on = self.strings(object, path, "dependsOn", Code::UnknownStoryDependency);
        let description =
            self.required(object, path, "description", Shape::Text, Code::MissingStoryDescription);
        let criteria =
            self.strings(object, path, "acceptanceCriteria", Code::EmptyAcceptanceCriterion);
        if matches!(&criteria, Ok(criteria) if criteria.is_empty()) {
            self.add(
                Code::MissingAcceptanceCriteria,
                &member(path, "acceptanceCriteria"),
                "the story has no acceptance criterion",
                "say what can be observed when it is done",
            );
        }
        if let (Ok(title), Ok(description), Ok(criteria), Ok(depends_on)) =
            (&title, &description, &criteria, &depends_on)
        {
            self.guesses(
                path,
                heuristics::guess(title, description, criteria),
                depends_on.is_empty(),
            );
        }
        // Ids are resolved against the whole list later; here only those that can be ids are kept.
        let depends_on = depends_on.map(|ids| {
            outline.depends_on =
                ids.iter().copied().enumerate().filter(|(_, id)| !id.trim().is_empty()).collect();
            ids.iter().filter_map(|id| id.parse().ok()).collect()
        });
        let story = || {
            Ok(Story {
                id: id?,
                title: title?.to_owned(),
                status: status?,
                depends_on: depends_on?,
                description: description?.to_owned(),
                acceptance_criteria: owned(&criteria?),
            })
        };
        (story(), outline)
    }

    fn story_id(&mut self, text: &str, path: &str, index: usize) -> Result<StoryId, Reported> {
        let path = &member(path, "id");
        let Some(expected) = StoryId::at_index(index) else {
            return Err(Reported); // Far beyond `MAX_STORIES`, which has been reported.
        };
        match text.parse::<StoryId>() {
            Ok(id) if id == expected => Ok(id),
            _ => {
                let message = match text.trim() {
                    "" => format!("the story has no id; its place in the list makes it {expected}"),
                    _ => format!(
                        "the story id {} has to be {expected}, after its place in the list",
                        shown(text)
                    ),
                };
                self.add(
                    Code::NonCanonicalStoryId,
                    path,
                    message,
                    format!("rename it to {expected}"),
                );
                Err(Reported)
            }
        }
    }

    fn status(&mut self, object: &Map<String, Value>, path: &str) -> Result<StoryStatus, Reported> {
        let text = self.optional(object, path, "status", Shape::Name)?;
        if let Some(status) = StoryStatus::ALL.into_iter().find(|status| status.name() == text) {
            return Ok(status);
        }
        let message = match text {
            "" => "the story has no status".to_owned(),
            _ => format!("{} is not a story status", shown(text)),
        };
        self.add(
            Code::InvalidStoryStatus,
            &member(path, "status"),
            message,
            "use open, in_progress or done",
        );
        Err(Reported)
    }

    fn guesses(&mut self, path: &str, guesses: heuristics::Guesses, independent: bool) {
        let heuristics::Guesses {
            too_many_chars,
            too_many_criteria,
            weak,
            no_negative_case,
            surfaces,
        } = guesses;
        let criteria = &member(path, "acceptanceCriteria");
        let mut excess = Vec::new();
        excess.extend(
            too_many_criteria
                .map(|n| format!("{n} acceptance criteria (at most {MAX_STORY_CRITERIA})")),
        );
        excess
            .extend(too_many_chars.map(|n| format!("{n} characters (at most {MAX_STORY_CHARS})")));
        if !excess.is_empty() {
            let message =
                format!("the story may be too large for one iteration: {}", excess.join(", "));
            self.add(
                Code::OversizedStory,
                path,
                message,
                "split it into stories that depend on each other",
            );
        }
        for (index, weakness) in weak {
            let message = match weakness {
                Weakness::Vague(word) => format!("{word:?} does not say what can be observed"),
                Weakness::Short => format!(
                    "fewer than {MIN_CRITERION_WORDS} words seldom say what can be observed"
                ),
            };
            self.add(
                Code::WeakAcceptanceCriteria,
                &format!("{criteria}[{index}]"),
                message,
                "name the input and the output, or what a user sees",
            );
        }
        if no_negative_case {
            self.add(
                Code::MissingNegativeCase,
                criteria,
                "no criterion says what happens when something is wrong",
                "add one: what is refused, and what is said about it",
            );
        }
        if let Some([cli, api, ui]) = surfaces
            && independent
        {
            let message = format!(
                "the story touches command line ({cli:?}), API ({api:?}) and user interface ({ui:?}) at once"
            );
            self.add(
                Code::BundledStorySurfaces,
                path,
                message,
                "split it by surface and order the parts with dependsOn",
            );
        }
    }

    /// The rules between stories.
    fn between(&mut self, outlines: &[Outline<'_>]) {
        let mut first_by_id = HashMap::new();
        for (index, outline) in
            outlines.iter().enumerate().filter(|(_, outline)| !outline.id.trim().is_empty())
        {
            let first = *first_by_id.entry(outline.id).or_insert(index);
            if first != index {
                self.story = Some(outline.id.chars().take(40).collect());
                let message = format!(
                    "the story id {} is already used by $.stories[{first}]",
                    shown(outline.id)
                );
                self.add(
                    Code::DuplicateStoryId,
                    &format!("$.stories[{index}].id"),
                    message,
                    "give each story its own id",
                );
            }
        }
        for (index, outline) in outlines.iter().enumerate() {
            self.story = (!outline.id.is_empty()).then(|| outline.id.chars().take(40).collect());
            for (position, (item, id)) in outline.depends_on.iter().enumerate() {
                let path = &format!("$.stories[{index}].dependsOn[{item}]");
                match first_by_id.get(id) {
                    None => self.add(
                        Code::UnknownStoryDependency,
                        path,
                        format!("there is no story {}", shown(id)),
                        "name an earlier story of this PRD by its id",
                    ),
                    Some(found) if *found >= index => {
                        let message = match *found == index {
                            true => "the story depends on itself".to_owned(),
                            false => format!("the story depends on {id}, which comes later"),
                        };
                        self.add(
                            Code::FutureStoryDependency,
                            path,
                            message,
                            "let it depend on earlier stories only",
                        );
                    }
                    Some(_)
                        if outline.depends_on[..position]
                            .iter()
                            .any(|(_, earlier)| earlier == id) =>
                    {
                        let message = format!("{id} is named more than once");
                        self.add(Code::RepeatedStoryDependency, path, message, "name it once");
                    }
                    Some(_) => {}
                }
            }
        }
        self.story = None;
        let in_progress: Vec<&str> = outlines
            .iter()
            .filter(|outline| outline.status == Some(StoryStatus::InProgress))
            .map(|outline| outline.id)
            .collect();
        if let [first, .., last] = in_progress.as_slice() {
            let message = format!(
                "{} stories are in_progress, from {} to {}; at most one may be",
                in_progress.len(),
                shown(first),
                shown(last)
            );
            self.add(
                Code::MultipleInProgressStories,
                "$.stories",
                message,
                "set the others to open or done",
            );
        }
    }
}

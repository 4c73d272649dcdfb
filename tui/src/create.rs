//! A request for a loop while a person writes it: in a form, or as a file in an editor. Pure.

mod document;

use serde::{Deserialize, Serialize};
use smith_model::gate::{GateForm, Gates, NoGates};
use smith_model::id::LoopId;
use smith_model::problem::FieldError;
use smith_model::spec::{LoopRequest, SourceType};

pub use document::{is_nothing, read, with_errors, write};

/// What can be asked for about new loops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreateAction {
    /// Write a request in a form.
    Form,
    /// Go on in the editor with what stands in a form, which stays until the loop is there.
    Editor {
        /// The form's key.
        key: String,
        /// What stands in it.
        fields: Box<Fields>,
    },
    /// Write a request in the editor, beginning with what is known here.
    EditorHere,
    /// Send a request.
    Send(Draft),
}

/// A request that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Drawn once for a form or a file: sent twice it is the same loop.
    pub key: String,
    /// The request.
    pub request: Box<LoopRequest>,
    /// The file that it was read from; nothing, if it is from a form.
    pub document: Option<String>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// The loop is there.
    Created {
        /// Its name.
        id: LoopId,
        /// By this request; else it was there under the same key.
        is_new: bool,
    },
    /// It isn't, or nobody knows.
    Refused(Refusal),
}

/// Why a request was refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// In one sentence.
    pub why: String,
    /// Every field at fault.
    pub fields: Vec<FieldError>,
}

/// A request as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// One line for people.
    pub title: String,
    /// What is wanted.
    pub prompt: String,
    /// The repository: its address, or the path of a directory.
    pub repository: String,
    /// A branch, tag or commit.
    pub reference: String,
    /// The agent's command line.
    pub command: String,
    /// Gates, one a line, or the word `none`.
    pub gates: String,
    /// The project.
    pub project: String,
    /// Higher goes first.
    pub priority: String,
}

impl Fields {
    /// The request, or every field that can't be read.
    pub fn request(&self) -> Result<LoopRequest, Vec<FieldError>> {
        let Self { title, prompt, repository, reference, command, gates, project, priority } = self;
        let mut errors = vec![];
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let repository = given(repository).map(|text| match text.starts_with('/') {
            true => format!("file://{text}"),
            false => text,
        });
        let repository = repository.and_then(|text| match text.parse() {
            Ok(repository) => Some(repository),
            Err(error) => {
                errors.push(FieldError::new("repository", text, format!("{error}")));
                None
            }
        });
        let project = given(project).and_then(|text| match text.parse() {
            Ok(project) => Some(project),
            Err(error) => {
                errors.push(FieldError::new("project", text, format!("{error}")));
                None
            }
        });
        let priority = given(priority).and_then(|text| match text.parse() {
            Ok(priority) => Some(priority),
            Err(_) => {
                errors.push(FieldError::new("priority", text, "a number from -100 to 100"));
                None
            }
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let lines = gates.lines().filter_map(given);
        let lines: Vec<GateForm> = lines.map(GateForm::Line).collect();
        let gates = match lines.as_slice() {
            [] => None,
            [GateForm::Line(word)] if word == "none" => Some(Gates::None(NoGates::None)),
            _ => Some(Gates::List(lines)),
        };
        Ok(LoopRequest {
            title: given(title),
            prompt: given(prompt),
            repository,
            reference: given(reference),
            command: given(command),
            gates,
            project,
            priority,
            ..LoopRequest::default()
        })
    }
}

/// Says where a request comes from, so that its loop gets a name from its first words.
pub fn named(request: LoopRequest) -> LoopRequest {
    if request.loop_id.is_some() || request.source_ref.is_some() {
        return request;
    }
    let words = [&request.title, &request.prompt, &request.description].into_iter().flatten();
    let line = words.flat_map(|text| text.lines()).map(str::trim).find(|line| !line.is_empty());
    let line: String =
        line.unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    let source_ref = Some(line.trim().to_owned()).filter(|line| !line.is_empty());
    let source_type = request.source_type.or(Some(SourceType::Prompt));
    LoopRequest { source_type, source_ref, ..request }
}

#[cfg(test)]
mod tests;

//! A PRD to Markdown. Empty optional sections are left out.

use super::escape::{Place, encode, encode_heading, encode_title};
use super::names::{self, Section};
use super::table;
use crate::prd::{Entity, Prd, Route, Stack, Story, StoryId};

pub(in crate::prd) fn write(prd: &Prd) -> String {
    let Prd {
        version,
        project,
        overview,
        goals,
        non_goals,
        success_metrics,
        open_questions,
        stack,
        routes,
        ui_notes,
        data_model,
        import_format,
        rules,
        quality_gates,
        stories,
    } = prd;
    let mut out = Writer::default();
    out.line(&format!("# {}", encode_heading(project)));
    out.block(&[format!("<!-- prd version {version} -->")]);
    out.text(Section::Overview, overview);
    out.list(Section::Goals, goals);
    out.list(Section::NonGoals, non_goals);
    out.list(Section::SuccessMetrics, success_metrics);
    out.list(Section::OpenQuestions, open_questions);
    out.stack(stack);
    out.routes(routes);
    out.text(Section::UiNotes, ui_notes);
    out.data_model(data_model);
    out.text(Section::ImportFormat, import_format);
    out.list(Section::Rules, rules);
    if !quality_gates.is_empty() {
        out.section(Section::QualityGates);
        out.block(&quality_gates.iter().flat_map(|text| gate(text)).collect::<Vec<_>>());
    }
    out.section(Section::Stories);
    for story in stories {
        out.story(story);
    }
    out.text
}

/// A gate as a span of code, which is easier to read; not every gate can be one.
fn gate(text: &str) -> Vec<String> {
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.contains(|c: char| c == '`' || c.is_control());
    if plain {
        return vec![format!("- `{text}`")];
    }
    let mut lines = item(text);
    if let [line] = lines.as_mut_slice()
        && names::code_span(&line[1..]).is_some()
    {
        line.insert(2, '\\');
    }
    lines
}

fn item(text: &str) -> Vec<String> {
    let encoded = encode(text, Place::Item);
    let mut lines = encoded.iter();
    let mut item = vec![match lines.next() {
        Some(first) => format!("- {first}"),
        None => "-".to_owned(),
    }];
    item.extend(lines.map(
        |line| {
            if line.is_empty() { String::new() } else { format!("  {line}") }
        },
    ));
    item
}

#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Lines with an empty one before them.
    fn block(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.line("");
        }
        for line in lines {
            self.line(line);
        }
    }

    fn section(&mut self, section: Section) {
        self.block(&[format!("## {}", section.heading())]);
    }

    fn text(&mut self, section: Section, text: &str) {
        if !text.is_empty() {
            self.section(section);
            self.block(&encode(text, Place::Lines));
        }
    }

    fn list(&mut self, section: Section, items: &[String]) {
        if !items.is_empty() {
            self.section(section);
            self.block(&items.iter().flat_map(|text| item(text)).collect::<Vec<_>>());
        }
    }

    fn table(&mut self, head: &[&str], rows: impl Iterator<Item = String>) {
        let mut lines = vec![table::row(head), table::separator(head.len())];
        lines.extend(rows);
        self.block(&lines);
    }

    fn stack(&mut self, stack: &Stack) {
        if stack.is_empty() {
            return;
        }
        let Stack { framework, hosting, database, auth } = stack;
        self.section(Section::Stack);
        let rows = [
            ("Framework", framework),
            ("Hosting", hosting),
            ("Database", database),
            ("Auth", auth),
        ];
        let given = rows.iter().filter(|(_, choice)| !choice.is_empty());
        self.table(&["Part", "Choice"], given.map(|(part, choice)| table::row(&[part, choice])));
    }

    fn routes(&mut self, routes: &[Route]) {
        if routes.is_empty() {
            return;
        }
        self.section(Section::Routes);
        let rows =
            routes.iter().map(|Route { path, name, purpose }| table::row(&[path, name, purpose]));
        self.table(&["Path", "Name", "Purpose"], rows);
    }

    fn data_model(&mut self, entities: &[Entity]) {
        if entities.is_empty() {
            return;
        }
        self.section(Section::DataModel);
        for Entity { name, fields } in entities {
            self.block(&[format!("### {}", encode_heading(name))]);
            if !fields.is_empty() {
                let rows = fields
                    .iter()
                    .map(|field| table::row(&[&field.name, &field.type_name, &field.note]));
                self.table(&["Field", "Type", "Note"], rows);
            }
        }
    }

    fn story(&mut self, story: &Story) {
        let Story { id, title, status, depends_on, description, acceptance_criteria } = story;
        self.block(&[format!("### {id}: {}", encode_title(title))]);
        let mut labels = vec![format!("Status: {}", status.name())];
        if !depends_on.is_empty() {
            let ids: Vec<String> = depends_on.iter().map(StoryId::to_string).collect();
            labels.push(format!("Depends on: {}", ids.join(", ")));
        }
        self.block(&labels);
        self.block(&["#### Description".to_owned()]);
        self.block(&encode(description, Place::Lines));
        if !acceptance_criteria.is_empty() {
            self.block(&["#### Acceptance Criteria".to_owned()]);
            let criteria = acceptance_criteria.iter().flat_map(|text| item(text));
            self.block(&criteria.collect::<Vec<_>>());
        }
    }
}

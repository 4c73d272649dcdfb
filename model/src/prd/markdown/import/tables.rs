//! The sections that are tables: routes, stack, and the fields of the data model.

use super::outline::Heading;
use super::{Importer, Place};
use crate::prd::diagnostic::{Code, shown};
use crate::prd::markdown::draft::{At, EntityDraft, Record};
use crate::prd::markdown::escape::decode_inline;
use crate::prd::markdown::lines::{self, Line};
use crate::prd::markdown::names::Section;
use crate::prd::markdown::table;

impl<'t> Importer<'t, '_> {
    pub(super) fn table_section(&mut self, section: Section, body: &[Line<'t>]) {
        if section == Section::Routes {
            let columns =
                [("path", &["path", "route"][..]), ("name", &["name"]), ("purpose", &["purpose"])];
            let routes = self.table(&columns, body, |_, _| false);
            self.draft.routes.extend(routes);
            return;
        }
        // A stack is also written as a list: `- Framework: axum`.
        let columns = [("part", &["part"][..]), ("choice", &["choice"])];
        let rows = self.table(&columns, body, |importer, line| {
            let entry = lines::bullet(line.text).and_then(|bullet| bullet.content.split_once(':'));
            let Some((part, choice)) = entry else {
                return false;
            };
            let part = part.trim_matches(['*', '_', ' ']);
            let choice = choice.trim_start_matches(['*', '_']);
            importer.stack_part(part, decode_inline(choice), line.number);
            true
        });
        for (row, number) in rows {
            let cell = |column| row.get(column).cloned().unwrap_or_default();
            self.stack_part(&cell("part"), cell("choice"), number);
        }
    }

    fn stack_part(&mut self, part: &str, choice: String, number: u32) {
        let field = match part.to_lowercase().as_str() {
            "framework" => "framework",
            "hosting" => "hosting",
            "database" => "database",
            "auth" | "authentication" => "auth",
            _ => {
                let way_out = "the parts of a stack are Framework, Hosting, Database and Auth";
                self.stray(number, &format!("the part {} of the stack", shown(part)), way_out);
                return;
            }
        };
        if self.draft.stack.contains_key(field) {
            let message = format!("{field} was already given; the first is kept");
            self.add(Code::MarkdownRepeatedSection, number, message, "keep one of them");
        } else {
            self.draft.stack.insert(field, (choice, number));
        }
    }

    pub(super) fn begin_entity(&mut self, heading: &Heading<'_>, section_level: usize) {
        let name = (decode_inline(heading.text), heading.number);
        self.draft.entities.push(EntityDraft { name, fields: Vec::new() });
        self.place = Place::Entity(section_level);
    }

    pub(super) fn entity_body(&mut self, body: &[Line<'t>]) {
        let columns =
            [("name", &["field", "name"][..]), ("type", &["type"]), ("note", &["note", "notes"])];
        let fields = self.table(&columns, body, |_, _| false);
        if let Some(entity) = self.draft.entities.last_mut() {
            entity.fields.extend(fields);
        }
    }

    /// The rows of the tables in a body. Lines that are no row go to `other`, which says whether it knew
    /// what to do with them.
    fn table(
        &mut self,
        columns: &[(&'static str, &[&str])],
        body: &[Line<'t>],
        other: impl Fn(&mut Self, &Line<'t>) -> bool,
    ) -> Vec<At<Record>> {
        let known = columns.iter().map(|(_, names)| names[0]).collect::<Vec<_>>().join(", ");
        let mut rows = Vec::new();
        let mut head: Option<Vec<Option<&'static str>>> = None;
        let mut after_head = false;
        for line in body.iter().filter(|line| !line.is_blank()) {
            let cells = table::cells(line.text).filter(|_| !line.is_code());
            let Some(cells) = cells else {
                head = None;
                if line.is_code() || !(lines::is_rule(line.text) || other(self, line)) {
                    self.stray(
                        line.number,
                        "this line",
                        &format!("write a table with the columns {known}"),
                    );
                }
                continue;
            };
            let Some(head) = &head else {
                let fields = cells.iter().map(|cell| {
                    let cell = cell.to_lowercase();
                    columns
                        .iter()
                        .find(|(_, names)| names.contains(&cell.as_str()))
                        .map(|(field, _)| *field)
                });
                let fields: Vec<_> = fields.collect();
                for (cell, _) in cells.iter().zip(&fields).filter(|(_, field)| field.is_none()) {
                    let way_out = format!("the columns are {known}");
                    self.stray(line.number, &format!("the column {}", shown(cell)), &way_out);
                }
                head = Some(fields);
                after_head = true;
                continue;
            };
            if std::mem::take(&mut after_head) && table::is_separator(&cells) {
                continue;
            }
            if cells.len() > head.len() {
                let way_out = "a cell too many; write &#124; for a pipe in a cell";
                self.stray(line.number, "what is behind the last column", way_out);
            }
            let fields = head.iter().zip(cells);
            let row = fields.filter_map(|(field, cell)| field.map(|field| (field, cell)));
            rows.push((row.collect(), line.number));
        }
        rows
    }
}

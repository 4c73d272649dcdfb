//! A page as lines that a pager shows: headings, fields and rows, some of which can be opened or copied. Pure.

use std::borrow::Cow;

use crate::action::Action;
use crate::look::Role;
use crate::pager::{Line, Lines};

/// The cells of a field's name.
const NAME: usize = 14;

/// A page.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
}

/// A line of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// What stands before what it says.
    head: Vec<Part>,
    body: Vec<Part>,
    link: Option<Action>,
    copy: Option<String>,
}

/// A piece of a line.
pub(super) type Part = (Cow<'static, str>, Role);

/// A piece of a line.
pub(super) fn part(text: impl Into<Cow<'static, str>>, role: Role) -> Part {
    (text.into(), role)
}

impl Row {
    /// What opening it means.
    pub(super) fn link(&mut self, action: Action) -> &mut Self {
        self.body.push(part(" →", Role::Key));
        self.link = Some(action);
        self
    }

    /// What a copy of it is.
    pub(super) fn copy(&mut self, text: impl Into<String>) -> &mut Self {
        self.copy = Some(text.into());
        self
    }
}

impl Sheet {
    /// An empty line.
    pub(super) fn blank() -> Self {
        Self { rows: vec![Row::default()] }
    }

    /// A title over what follows, with an empty line before it.
    pub(super) fn heading(&mut self, text: impl Into<Cow<'static, str>>) {
        if !self.rows.is_empty() {
            self.rows.push(Row::default());
        }
        self.rows.push(Row { body: vec![part(text, Role::Title)], ..Row::default() });
    }

    /// A name and what it is.
    pub(super) fn field(
        &mut self,
        name: &'static str,
        body: impl IntoIterator<Item = Part>,
    ) -> &mut Row {
        let head = vec![part(format!("  {name:<NAME$}"), Role::Dim)];
        self.push(Row { head, body: body.into_iter().collect(), ..Row::default() })
    }

    /// Something in a list.
    pub(super) fn item(
        &mut self,
        head: impl IntoIterator<Item = Part>,
        body: impl IntoIterator<Item = Part>,
    ) -> &mut Row {
        let mut all = vec![part("  ", Role::Text)];
        all.extend(head);
        self.push(Row { head: all, body: body.into_iter().collect(), ..Row::default() })
    }

    /// Text, a row for each of its lines.
    pub(super) fn text(&mut self, indent: usize, text: &str, role: Role) {
        for line in text.split('\n') {
            let head = vec![part(" ".repeat(indent), Role::Text)];
            let body = vec![part(line.to_owned(), role)];
            self.push(Row { head, body, ..Row::default() });
        }
    }

    fn push(&mut self, row: Row) -> &mut Row {
        self.rows.push(row);
        self.rows.last_mut().expect("it was just pushed")
    }

    /// What opening a line means.
    pub(super) fn link_at(&self, at: usize) -> Option<&Action> {
        self.rows.get(at)?.link.as_ref()
    }

    /// What a copy of a line is, where it isn't what it says.
    pub(super) fn copy_at(&self, at: usize) -> Option<&str> {
        self.rows.get(at)?.copy.as_deref()
    }
}

impl Lines for Sheet {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn write(&self, at: usize, line: &mut Line) {
        let Some(row) = self.rows.get(at) else { return };
        for (text, role) in &row.head {
            line.push(text, *role);
        }
        line.begin_body();
        for (text, role) in &row.body {
            line.push(text, *role);
        }
    }
}

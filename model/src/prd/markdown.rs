//! PRDs as Markdown: writing, and reading back exactly what was written, or what somebody wrote by hand.
//!
//! ```markdown
//! # Project
//!
//! <!-- prd version 1 -->
//!
//! ## Overview
//!
//! Any text; it is kept as it is.
//!
//! ## Quality Gates
//!
//! - `make test`
//!
//! ## Stories
//!
//! ### US-001: Title
//!
//! Status: open
//! Depends on: US-001, US-002
//!
//! #### Description
//!
//! Any text.
//!
//! #### Acceptance Criteria
//!
//! - A criterion; more lines of it
//!   are indented by two spaces
//! ```
//!
//! **The grammar is one of lines, not CommonMark's.** The values of a PRD are Markdown source themselves
//! (a description may have a list or a code block), and have to come back byte by byte. A CommonMark parser
//! gives the structure of that source, which nobody asked for, and no way to write text so that it is
//! certain to be read as text; here `escape` writes exactly what `lines` would otherwise take for structure
//! with a backslash before it, by asking the same functions, and decoding is its inverse. That makes the
//! round trip provable, and testable by properties. What is written is still good CommonMark, since the
//! escapes are CommonMark's own (`\#`, `&#10;`).
//!
//! Three escapes, no more: a backslash before what would be structure (and alone on a line for a blank
//! line at either end of a text); `&#N;` for a character that Markdown or an editor would drop (spaces at
//! the end of a line, control characters); a backslash before the colon of what would be a label
//! (`Status\: open`). Fenced code is kept as it is.

mod blocks;
mod draft;
mod escape;
mod import;
mod lines;
mod names;
mod table;
mod write;

use super::diagnostic::Findings;
use super::{Prd, Report};

pub(super) use write::write;

/// Reads Markdown; problems have line numbers.
pub(super) fn read(text: &str) -> Result<(Prd, Report), Report> {
    let mut findings = Findings::default();
    if let Some(diagnostic) = super::json::too_large(text) {
        findings.add(diagnostic);
        return Err(findings.into_report());
    }
    let (value, lines) = import::read(text, &mut findings).into_value();
    super::read::read(&value, &lines, findings)
}

//! Tables: stack, routes and the fields of an entity. A cell is one line; a pipe in it is `&#124;`.

use super::escape::{decode_inline, encode_inline};

/// The line of a row.
pub(super) fn row(cells: &[&str]) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| encode_inline(cell).replace('|', "&#124;")).collect();
    format!("| {} |", cells.join(" | "))
}

/// The line below the head.
pub(super) fn separator(columns: usize) -> String {
    format!("|{}", " --- |".repeat(columns))
}

/// The cells of a row; `None` when the line is not one.
pub(super) fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?;
    let inner = inner.strip_suffix('|').filter(|rest| !rest.ends_with('\\')).unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut rest = inner;
    while let Some(pipe) = rest.find('|') {
        let last = cells.len() - 1;
        match rest[..pipe].strip_suffix('\\') {
            Some(before) => cells[last].extend([before, "|"]),
            None => {
                cells[last].push_str(&rest[..pipe]);
                cells.push(String::new());
            }
        }
        rest = &rest[pipe + 1..];
    }
    let last = cells.len() - 1;
    cells[last].push_str(rest);
    Some(cells.iter().map(|cell| decode_inline(cell)).collect())
}

/// Whether the cells are those of the line below the head.
pub(super) fn is_separator(cells: &[String]) -> bool {
    cells.iter().all(|cell| {
        cell.contains('-') && cell.bytes().all(|byte| matches!(byte, b'-' | b':' | b' '))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prd::tests::nasty_text;

    #[test]
    fn hand_written_rows_are_read() {
        for (line, expected) in [
            ("| a | b |", vec!["a", "b"]),
            ("|a|b", vec!["a", "b"]),
            (r"| a \| b | |", vec!["a | b", ""]),
            ("|", vec![""]),
        ] {
            assert_eq!(cells(line).unwrap(), expected, "{line}");
        }
        assert_eq!(cells("a | b"), None);
    }

    proptest! {
        #[test]
        fn every_cell_comes_back(a in nasty_text(), b in nasty_text()) {
            prop_assert_eq!(cells(&row(&[&a, &b])), Some(vec![a, b]));
        }
    }
}

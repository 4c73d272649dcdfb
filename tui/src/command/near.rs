//! What somebody meant who mistyped a name. Pure.

/// The most letters of which a distance is computed.
const MOST: usize = 40;

/// `; did you mean "theme"?`, or nothing where no name is near.
pub fn meant<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(text, names) {
        Some(name) => format!("; did you mean {name:?}?"),
        None => String::new(),
    }
}

/// The same, or all names where none is near.
pub fn meant_or_all(text: &str, names: &[&str]) -> String {
    let meant = meant(text, names.iter().copied());
    if meant.is_empty() { format!("; there are {}", names.join(", ")) } else { meant }
}

/// The nearest of some names, if it is near enough to have been meant.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (distance(text, name), name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    let most = (text.chars().count().max(3) / 3).min(3);
    (distance <= most).then_some(name)
}

/// Letters to be put in, left out, changed, or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(MOST).collect();
    let other: Vec<char> = other.chars().take(MOST).collect();
    let mut before: Vec<usize> = vec![];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_recognised_and_another_is_not() {
        let names = ["quit", "theme", "filter", "half-page-down"];
        for (text, expect) in [
            ("quti", Some("quit")),
            ("them", Some("theme")),
            ("fliter", Some("filter")),
            ("half-pagedown", Some("half-page-down")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, names), expect, "{text}");
        }
    }
}

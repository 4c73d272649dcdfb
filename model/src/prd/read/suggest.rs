//! Which known name was meant by an unknown one.

/// The known name that is nearest, if one is near.
pub(super) fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    // No known name is nearly as long, and the distance is quadratic.
    const LONGEST: usize = 40;
    let unknown = plain(unknown);
    if unknown.is_empty() || unknown.len() > LONGEST {
        return None;
    }
    known
        .iter()
        .map(|name| {
            let name_plain = plain(name);
            // `userStories` for `stories`, `criteria` for `acceptanceCriteria`.
            let part = unknown.len() >= 4
                && (name_plain.ends_with(&unknown) || unknown.ends_with(&name_plain));
            let distance = if part { 1 } else { distance(&unknown, &name_plain) };
            // A third of the name may be wrong, and never more than two letters.
            (distance, (name_plain.len() / 3).clamp(1, 2), *name)
        })
        .filter(|(distance, most, _)| distance <= most)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., name)| name)
}

/// Lower case, without `_` and `-`, so that `non_goals` is `nonGoals`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Edits from one to the other: a letter more, less, another, or two swapped.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut least =
                (rows[i][j] + usize::from(l != r)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["version", "nonGoals", "stories", "acceptanceCriteria", "auth", "id"];
        for (unknown, expected) in [
            ("non_goals", Some("nonGoals")),
            ("nongaols", Some("nonGoals")),
            ("userStories", Some("stories")),
            ("criteria", Some("acceptanceCriteria")),
            ("Acceptance Criteria", Some("acceptanceCriteria")),
            ("versoin", Some("version")),
            ("ID", Some("id")),
            ("priority", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, &known), expected, "{unknown}");
        }
        assert_eq!(nearest(&"v".repeat(1_000_000), &known), None);
    }

    #[test]
    fn distance_counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("gaols", "goals", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}

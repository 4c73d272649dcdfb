//! Did you mean …? Names that are close to one that isn't there.

/// The most names that are suggested.
const MOST: usize = 3;

/// The names closest to `wrong`, best first: those that begin with it, then those a few typos away.
pub(crate) fn close<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let allowed = (wrong.chars().count() / 3).clamp(1, 4);
    let mut found: Vec<(usize, &str)> = names
        .filter(|name| *name != wrong)
        .filter_map(|name| {
            let distance = match name.starts_with(wrong) && wrong.len() >= 3 {
                true => 0,
                false => distance(wrong, name),
            };
            (distance <= allowed).then_some((distance, name))
        })
        .collect();
    found.sort();
    // What is much further off than the best one wasn't meant.
    let best = found.first().map_or(0, |(distance, _)| *distance);
    let near = found.into_iter().take_while(|(distance, _)| *distance <= best + 1);
    near.take(MOST).map(|(_, name)| name).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_come_best_first() {
        let names = ["fix-login", "fix-logout", "add-search", "fix-login-again"];
        let check = |wrong: &str, expected: &[&str]| {
            assert_eq!(close(wrong, names.into_iter()), expected, "{wrong}");
        };
        check("fix-lgoin", &["fix-login"]);
        check("fix-log", &["fix-login", "fix-login-again", "fix-logout"]);
        check("add-serach", &["add-search"]);
        check("something-else", &[]);
        check("", &[]);
    }

    #[test]
    fn distances_are_counted() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}

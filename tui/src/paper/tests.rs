//! Artifacts read: what their lines are.

use super::*;

fn kinds(paper: &Paper) -> Vec<(Kind, String)> {
    paper.lines.iter().map(|line| (line.kind, line.text())).collect()
}

fn changed(line: &Line) -> Vec<&str> {
    line.spans.iter().filter(|span| span.is_changed).map(|span| &*span.text).collect()
}

const DIFF: &str = "\
diff --git a/src/a.rs b/src/a.rs
index 1..2 100644
--- a/src/a.rs
+++ b/src/a.rs
@@ -1,3 +1,3 @@ mod x
 fn a() {
-    let n = 42; // small
+    let n = 43; // small
 }
@@ -10,2 +10 @@
--- an old comment
 kept
\\ No newline at end of file
";

#[test]
fn a_line_of_a_change_is_what_its_place_says() {
    let paper = Paper::read(Subject::Diff, DIFF.as_bytes());
    let kinds: Vec<Kind> = paper.lines.iter().map(|line| line.kind).collect();
    use Kind::{Added, Context, File, Header, Hunk, Removed};
    assert_eq!(
        kinds,
        [
            File, Header, Header, Header, Hunk, Context, Removed, Added, Context, Hunk, Removed,
            Context, Header
        ]
    );
    assert_eq!(paper.lines[10].text(), "--- an old comment", "a removed line, no file's name");
    assert_eq!((paper.next_change(0, 1), paper.next_change(4, 1)), (Some(4), Some(9)));
    assert_eq!((paper.next_change(9, -1), paper.next_change(9, 1)), (Some(4), None));
}

#[test]
fn what_changed_within_a_line_is_marked_and_words_have_their_ink() {
    let paper = Paper::read(Subject::Diff, DIFF.as_bytes());
    assert_eq!(changed(&paper.lines[6]), ["42"]);
    assert_eq!(changed(&paper.lines[7]), ["43"]);
    let ink = |word: &str| {
        let spans = paper.lines[7].spans.iter();
        spans.clone().find(|span| span.text.trim() == word).map(|span| span.ink)
    };
    assert_eq!(ink("let"), Some(Ink::Keyword));
    assert_eq!(ink("43"), Some(Ink::Constant));
    let comment = paper.lines[7].spans.iter().find(|span| span.text.contains("small"));
    assert_eq!(comment.map(|span| span.ink), Some(Ink::Comment));
}

#[test]
fn a_line_that_is_another_one_has_no_marks() {
    let text =
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-alpha beta\n+one two three four\n";
    let paper = Paper::read(Subject::Diff, text.as_bytes());
    assert!(paper.lines.iter().all(|line| changed(line).is_empty()));
}

#[test]
fn an_output_is_what_was_seen() {
    let printed = b"\x1b[31mred\x1b[0m plain\r\n10%\r100%\r\n\x1b]0;title\x07end\r\n";
    let paper = Paper::read(Subject::Output, printed);
    let texts: Vec<String> = paper.lines.iter().map(Line::text).collect();
    assert_eq!(texts, ["red plain", "100%", "end"]);
    let Ink::Painted(paint) = paper.lines[0].spans[0].ink else { panic!("{:?}", paper.lines[0]) };
    assert_eq!(paint.foreground, Some(Colour::Indexed(1)));
    assert_eq!(paper.lines[0].spans[1].ink, Ink::Plain);
}

#[test]
fn a_gate_prints_lines_without_a_terminal() {
    let paper = Paper::read(Subject::Gate, b"one\ntwo\n\nfour");
    let texts: Vec<String> = paper.lines.iter().map(Line::text).collect();
    assert_eq!(texts, ["one", "two", "", "four"]);
}

#[test]
fn more_lines_than_a_terminal_remembers_are_all_there() {
    let printed: String =
        (0..9000).map(|n| format!("line {n} {}\n", "x".repeat(n % 200))).collect();
    let paper = Paper::read(Subject::Gate, printed.as_bytes());
    let half = paper.lines.iter().position(|line| line.kind == Kind::Gap).unwrap();
    for (n, line) in paper.lines[..half].iter().enumerate() {
        assert_eq!(line.text(), format!("line {n} {}", "x".repeat(n % 200)).trim_end());
    }
    assert!(paper.left_out > 0);
    assert!(paper.lines.last().unwrap().text().starts_with("line 8999"));
}

#[test]
fn what_is_left_out_is_said() {
    let text = "0123456789\n".repeat(100_000);
    let paper = Paper::read(Subject::Prompt, text.as_bytes());
    assert_eq!(paper.size, 1_100_000);
    let shown: u64 = paper.lines.iter().filter(|l| l.kind == Kind::Plain).count() as u64 * 11;
    assert_eq!(shown + paper.left_out, paper.size);
    let gap = kinds(&paper).into_iter().find(|(kind, _)| *kind == Kind::Gap).unwrap();
    assert_eq!(gap.1, format!("{} of 1100000 bytes are left out here", paper.left_out));
}

#[test]
fn any_bytes_are_read() {
    for subject in [Subject::Prompt, Subject::Output, Subject::Gate, Subject::Diff] {
        for bytes in
            [&b""[..], b"\xff\xfe\x00", b"@@ -1 +1 @@", b"+\n-\n", "@@ -9,9 +é\n".as_bytes()]
        {
            let paper = Paper::read(subject, bytes);
            assert_eq!(paper.size, bytes.len() as u64);
        }
    }
    let tabbed = Paper::read(Subject::Prompt, b"a\tb");
    assert_eq!(tabbed.lines[0].text(), "a       b");
}

//! What filters let through.

use jiff::SignedDuration;
use proptest::prelude::*;
use smith_model::state::State;

use super::Filter;
use crate::fleet::tests::{hold, in_state, now, row};
use crate::fleet::{Column, Row};

fn lets(filter: &str, row: &Row) -> bool {
    Filter::parse(filter).unwrap_or_else(|error| panic!("{error}")).matches(row, now())
}

#[test]
fn every_word_has_to_hold() {
    let row = Row {
        title: "Fix the Flaky test: Größe".into(),
        priority: -2,
        hold: Some(Box::new(hold())),
        not_before: Some(now() + SignedDuration::from_mins(3)),
        ..row("fix-1042")
    };
    for filter in [
        "",
        "  ",
        "fix",
        "FLAKY fix-10",
        "größe GRÖSSE,x !GRÖSSE,x",
        "\"the flaky\"",
        "\"test:\"",
        "!missing",
        "!\"the missing\"",
        "/^fix-\\d+$/",
        "/FLAKY/",
        "/a|b:c/",
        "~fx1042",
        "!~zzz",
        "state:overwriting",
        "state:over",
        "state:=overwriting",
        "state:flatline,overwriting",
        "!state:flatline,synced",
        "state:/^over/",
        "project:ap project:=API project:~ai !project:=ap",
        "reason:admitted",
        "phase:iter",
        "attempt:1 attempt:=1 attempt:<2 attempt:<=1 attempt:>0 attempt:>=1 !attempt:>1",
        "priority:-2 prio:<0",
        "stories:3 stories:>2",
        "tokens:>12k tokens:<1M",
        "cost:>1.2 cost:<$2 cost:1.23",
        "age:>10m age:<1h age:>=12m age:<1w",
        "created:>2h30m",
        "retry:<5m retry:>1m",
        "label:env label:env=prod !label:env=dev labels:~prod",
        "held:yes hold:alice hold:\"look at\"",
        "silent:no claimed:yes fault:no",
        "branch:none branch:none,main !branch:any story:any",
        "title:\"the flaky\"",
    ] {
        let filter = filter.replace("größe GRÖSSE,x !GRÖSSE,x", "größe !grösse");
        assert!(lets(&filter, &row), "{filter}");
    }
    for filter in [
        "missing",
        "fix missing",
        "!fix",
        "\"flaky fix\"",
        "/^1042/",
        "~2401xf",
        "state:flatline",
        "project:=ap",
        "attempt:>1",
        "cost:>2",
        "age:>1h",
        "label:env=dev",
        "label:en",
        "held:no",
        "branch:any",
        "branch:main",
        "title:\"flaky the\"",
    ] {
        assert!(!lets(filter, &row), "{filter}");
    }
}

#[test]
fn what_has_no_number_has_none_of_it() {
    let row = in_state(row("x"), State::Unresolved);
    assert!(lets("cost:<1 tokens:0 retry:none", &row));
}

#[test]
fn a_mistake_names_the_word_and_the_rule() {
    for (filter, word, rule) in [
        ("ok state:melted", "state:melted", "overwriting"),
        ("reason:soon", "reason:soon", "gates-failed"),
        ("colour:red", "colour:red", "isn't a field"),
        ("http://x", "http://x", "quotes"),
        ("attempt:many", "attempt:many", "a number"),
        ("cost:>much", "cost:>much", "dollars"),
        ("age:1h", "age:1h", "< or >"),
        ("age:>1y", "age:>1y", "< or >"),
        ("age:>1é", "age:>1é", "< or >"),
        ("held:maybe", "held:maybe", "yes or no"),
        ("state:", "state:", "a name follows"),
        ("x !", "!", "follows"),
        ("x /(/", "/(/", "not a regular expression"),
        ("x ~", "~", "letters"),
        ("\"open", "\"open", "quote"),
        ("title:\"a\"b", "title:\"a\"b", "quote"),
    ] {
        let error = Filter::parse(filter).unwrap_err();
        assert!(error.starts_with(word) && error.contains(rule), "{filter}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn words_come_and_go_as_they_are_written() {
    let filter = Filter::parse(r#"fix  title:"a b" state:=flatline"#).unwrap();
    assert!(filter.has("state:=flatline") && !filter.has("state:=flat"));
    assert_eq!(filter.toggled("state:=flatline"), r#"fix title:"a b""#);
    assert_eq!(filter.toggled("!x"), r#"fix title:"a b" state:=flatline !x"#);
    assert_eq!(Filter::parse("").unwrap().toggled("x"), "x");
    assert_eq!(Filter::parse("x").unwrap().toggled("x"), "");
}

#[test]
fn what_was_found_is_known_where_it_is_seen() {
    for (filter, column, expect) in [
        ("FIX", Column::Loop, "<fix>-<fix>"),
        ("fix", Column::Branch, "fix"),
        ("!fix", Column::Loop, "fix"),
        ("branch:main", Column::Branch, "x/<main>"),
        ("/i./", Column::Title, "f<ix>"),
        ("~fx", Column::Title, "<f>i<x>"),
        ("ö", Column::Title, "gr<ö>ße"),
        ("state:=synced", Column::State, "<synced>"),
    ] {
        let text = expect.replace(['<', '>'], "");
        let mut found = vec![];
        Filter::parse(filter).unwrap().hits(column, &text, &mut found);
        let mut shown = text.clone();
        for hit in found.iter().rev() {
            shown.replace_range(hit.clone(), &format!("<{}>", &text[hit.clone()]));
        }
        assert_eq!(shown, expect, "{filter}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_filter_panic(text in "\\PC{0,40}", words in "[!a-z:/~\"=<>, 0-9é]{0,30}") {
        for text in [text, words] {
            if let Ok(filter) = Filter::parse(&text) {
                filter.matches(&row("a"), now());
                filter.hits(Column::Title, "Größe of a", &mut vec![]);
                let again = Filter::parse(filter.text()).unwrap();
                prop_assert_eq!(again.text(), filter.text());
            }
        }
    }
}

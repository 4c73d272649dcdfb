//! Every form of an answer keeps its value and can't act on a terminal.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn render_as(format: &str, value: Value) -> String {
    let shown = Shown { value, names: vec!["a".into(), "b".into()], human: "for people".into() };
    render(&format.parse().unwrap(), &shown).unwrap()
}

#[test]
fn each_form_is_what_it_says() {
    let value = json!({"items": [{"loop_id": "a", "n": 1}, {"loop_id": "b", "n": [true]}]});
    assert_eq!(render_as("table", value.clone()), "for people\n");
    assert_eq!(render_as("name", value.clone()), "a\nb\n");
    assert_eq!(render_as("jsonpath={.items[*].loop_id}", value.clone()), "a\nb\n");
    assert_eq!(render_as("jsonpath=$.items[1].n", value.clone()), "[true]\n");
    assert_eq!(render_as("jsonpath=$.nothing", value.clone()), "");
    let read: Value = serde_json::from_str(&render_as("json", value.clone())).unwrap();
    assert_eq!(read, value);
    assert!(render_as("yaml", value).starts_with("items:\n"));
}

#[test]
fn formats_that_are_none_say_which_there_are() {
    for bad in ["xml", "JSON", "jsonpath", "", "jsonpath=$[", "jsonpath={.a}{.b}"] {
        assert!(bad.parse::<Format>().is_err(), "{bad}");
    }
}

#[test]
fn words_that_yaml_could_take_for_something_else_stay_words() {
    for word in [
        "yes",
        "no",
        "null",
        "~",
        "1.0",
        "0x1f",
        "on",
        "2026-11-23",
        "",
        " a",
        "a: b",
        "- a",
        "#",
        "!x",
        "&a",
        "*a",
        "@",
        "%",
        "`",
    ] {
        let value = json!({ "word": word });
        let text = render_as("yaml", value.clone());
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value, "{text}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~\n]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_keeps_every_value_and_acts_on_no_terminal(value in any_value()) {
        for text in [render_as("json", value.clone()), json_line(&value)] {
            prop_assert!(is_plain(&text));
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
        }
        prop_assert_eq!(json_line(&value).lines().count(), 1);
    }

    #[test]
    fn yaml_keeps_every_value_and_acts_on_no_terminal(value in any_value()) {
        let text = render_as("yaml", value.clone());
        prop_assert!(is_plain(&text));
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        prop_assert_eq!(read, value);
    }
}

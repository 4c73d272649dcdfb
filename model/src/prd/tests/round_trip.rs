//! Properties: what is written is read back, and nothing that is read makes a reader panic.

use super::*;

/// Text that the rules let through: no control characters, and something in it.
fn text() -> impl Strategy<Value = String> {
    (nasty_text(), "[a-zA-Z*#`|&]", nasty_text()).prop_map(|(before, middle, after)| {
        let text = before + &middle + &after;
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).collect()
    })
}

fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().filter(|c| !c.is_control()).collect())
}

fn maybe<T>(strategy: impl Strategy<Value = T>) -> impl Strategy<Value = T>
where
    T: Default + std::fmt::Debug + Clone,
{
    prop_oneof![Just(T::default()), strategy]
}

fn texts(range: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), range)
}

fn stack() -> impl Strategy<Value = Stack> {
    (maybe(text()), maybe(text()), maybe(text()), maybe(text())).prop_map(
        |(framework, hosting, database, auth)| Stack { framework, hosting, database, auth },
    )
}

fn route() -> impl Strategy<Value = Route> {
    (maybe(name()), maybe(name()), maybe(text())).prop_map(|(path, name, purpose)| Route {
        path,
        name,
        purpose,
    })
}

fn entity() -> impl Strategy<Value = Entity> {
    let field = (maybe(name()), maybe(name()), maybe(text()))
        .prop_map(|(name, type_name, note)| EntityField { name, type_name, note });
    (maybe(name()), prop::collection::vec(field, 0..3))
        .prop_map(|(name, fields)| Entity { name, fields })
}

fn stories() -> impl Strategy<Value = Vec<Story>> {
    let story = (
        name(),
        any::<bool>(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        text(),
        texts(1..4),
    );
    (prop::collection::vec(story, 1..4), any::<prop::sample::Index>()).prop_map(
        |(stories, active)| {
            let active = active.index(stories.len());
            let stories = stories.into_iter().enumerate();
            let stories = stories.map(
                |(index, (title, done, depends_on, description, acceptance_criteria))| Story {
                    id: StoryId::at_index(index).unwrap(),
                    title,
                    status: match (index == active, done) {
                        (true, _) => StoryStatus::InProgress,
                        (false, true) => StoryStatus::Done,
                        (false, false) => StoryStatus::Open,
                    },
                    depends_on: match index {
                        0 => Vec::new(),
                        _ => depends_on
                            .iter()
                            .map(|earlier| StoryId::at_index(earlier.index(index)).unwrap())
                            .collect(),
                    },
                    description,
                    acceptance_criteria,
                },
            );
            stories.collect()
        },
    )
}

fn prd() -> impl Strategy<Value = Prd> {
    let lists = (texts(0..3), texts(0..3), texts(0..3), texts(0..3), texts(0..3), texts(1..4));
    let models =
        (stack(), prop::collection::vec(route(), 0..3), prop::collection::vec(entity(), 0..3));
    (name(), text(), maybe(text()), maybe(text()), lists, models, stories()).prop_map(
        |(
            project,
            overview,
            ui_notes,
            import_format,
            lists,
            (stack, routes, data_model),
            stories,
        )| {
            let (goals, non_goals, success_metrics, open_questions, rules, quality_gates) = lists;
            Prd {
                version: VERSION,
                project,
                overview,
                goals,
                non_goals,
                success_metrics,
                open_questions,
                stack,
                routes,
                ui_notes,
                data_model,
                import_format,
                rules,
                quality_gates,
                stories,
            }
        },
    )
}

/// Documents that are nearly PRDs.
fn nearly_markdown() -> impl Strategy<Value = String> {
    (
        prd().prop_map(|prd| prd.to_markdown()),
        any::<prop::sample::Index>(),
        nasty_text(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(text, cut, insert, end)| {
            let mut chars: Vec<char> = text.chars().collect();
            chars.truncate(end.index(chars.len() + 1));
            let cut = cut.index(chars.len() + 1);
            chars.splice(cut..cut, insert.chars());
            chars.into_iter().collect()
        })
}

fn check_total(read: Result<(Prd, Report), Report>) {
    match read {
        Ok((prd, report)) => {
            assert!(
                report.valid && report.errors.is_empty() && report.readiness != Readiness::Fail
            );
            assert_eq!(Prd::from_markdown(&prd.to_markdown()).unwrap().0, prd);
            assert!(prd.check().valid);
        }
        Err(report) => assert!(
            !report.valid && !report.errors.is_empty() && report.readiness == Readiness::Fail
        ),
    }
}

proptest! {
    #[test]
    fn every_valid_prd_survives_both_formats(prd in prd()) {
        let report = prd.check();
        prop_assert!(report.valid, "{:#?}", report);
        let markdown = prd.to_markdown();
        match Prd::from_markdown(&markdown) {
            Ok((read, found)) => {
                prop_assert_eq!(&read, &prd, "{}", markdown);
                // The format itself gives no cause for warnings.
                prop_assert_eq!(codes(&found), codes(&report), "{}", markdown);
            }
            Err(report) => prop_assert!(false, "{:#?}\n{}", report, markdown),
        }
        prop_assert_eq!(&Prd::from_json(&prd.canonical_json()).unwrap().0, &prd);
        let windows = markdown.replace('\n', "\r\n");
        prop_assert_eq!(&Prd::from_markdown(&windows).unwrap().0, &prd);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in nasty_text()) {
        for text in [String::from_utf8_lossy(&bytes).as_ref(), &text] {
            check_total(Prd::from_json(text));
            check_total(Prd::from_markdown(text));
            format_of(Some(text), text);
        }
    }

    #[test]
    fn damaged_documents_are_read_or_refused(text in nearly_markdown()) {
        check_total(Prd::from_markdown(&text));
    }

    #[test]
    fn any_value_in_any_place_is_read_or_refused(
        place in prop::sample::select(&[
            "/version", "/project", "/goals", "/stack", "/routes", "/dataModel", "/qualityGates", "/stories",
            "/stories/0", "/stories/0/id", "/stories/0/status", "/stories/1/dependsOn", "/stories/1/title",
            "/stories/1/acceptanceCriteria", "/stories/1/acceptanceCriteria/0",
        ][..]),
        value in prop_oneof![
            Just(json!(null)), Just(json!({})), Just(json!([])), Just(json!([[]])), Just(json!([{}])),
            Just(json!([null, true, 1, "x", {"name": 1, "fields": [[]]}])),
            any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from),
            nasty_text().prop_map(Value::from), nasty_text().prop_map(|text| json!([text])),
        ],
    ) {
        check_total(Prd::from_json(&with(place, value)));
    }
}

//! What a file of settings means, and what is said of its mistakes.

use super::*;
use crate::action::Action;
use crate::host::Depth;
use crate::keys::{Chord, Context, Resolved};
use crate::look::{Ground, Theme};

fn config(text: &str) -> Config {
    Config::read(Some("/home/x/.config/smith/workstation.toml".into()), Some(text))
}

fn problems(text: &str) -> Vec<String> {
    config(text).problems.iter().map(Problem::to_string).collect()
}

#[test]
fn every_setting_is_read_and_says_where() {
    let config = config(
        "theme = \"color-blind\"\nascii = true\ncolours = \"16\"\nmotion = \"reduced\"\nmouse = \"off\"\n\
         notifications = false\ntitle = false\nhints = false\n[keys.fleet]\n\"u\" = \"mark\"\n",
    );
    assert_eq!(config.problems, []);
    assert_eq!(config.theme.value, Some(Theme::ColourBlind));
    assert_eq!(config.theme.at, Some(Position { line: 1, column: 9 }));
    assert_eq!(config.ascii.value, Some(true));
    assert_eq!(config.colours.value, Some(Depth::Sixteen));
    assert_eq!(config.motion.value, Motion::Reduced);
    assert!(!config.mouse.value && !config.notifications.value);
    assert!(!config.title.value && !config.hints.value);
    let keys = Chord::sequence("u").unwrap();
    let resolved = config.keymap.resolve(&[Context::Fleet], &keys);
    assert!(matches!(resolved, Resolved::Bound(binding) if binding.command == "mark"));
}

#[test]
fn what_is_wrong_is_named_by_its_line_and_the_rest_is_used() {
    for (text, expect) in [
        (
            "theme = \"drak\"",
            "workstation.toml:1:9: there is no theme \"drak\"; did you mean \"dark\"?",
        ),
        (
            "\nthem = \"dark\"",
            "workstation.toml:2:1: there is no setting \"them\"; did you mean \"theme\"?",
        ),
        ("mouse = 3", "workstation.toml:1:9: true or false is meant"),
        ("keys = 3", "workstation.toml:1:8: keys are tables"),
        (
            "[keys.flet]\n",
            "workstation.toml:1:7: there are no keys of \"flet\"; did you mean \"fleet\"?",
        ),
        ("[keys.fleet]\n\"hyper-x\" = \"mark\"", "workstation.toml:2:1: \"hyper-x\" isn't a key"),
        (
            "[keys.fleet]\n\"x\" = \"mrak\"",
            "workstation.toml:2:7: there is no command \"mrak\"; did you mean \"mark\"?",
        ),
        ("[keys.fleet]\n\"x\" = 3", "workstation.toml:2:7: a command is meant"),
        (
            "[keys.fleet]\n\"ctrl-y\" = \"\"",
            "workstation.toml:2:12: nothing is bound to it in fleet",
        ),
        (
            "[keys.fleet]\n\"X\" = \"mark\"\n\"shift-x\" = \"faults\"",
            "workstation.toml:3:1: shift-x is bound in line 2 already",
        ),
    ] {
        let problems = problems(&format!("{text}\n"));
        assert!(problems.len() == 1 && problems[0].starts_with(expect), "{text}: {problems:?}");
    }
    let config = config("motion = \"reduced\"\ntheme = = \"light\"\nmouse = false\n");
    assert_eq!(config.wrong().count(), 1, "{:?}", config.problems);
    assert_eq!(config.problems[0].at.line, 2);
    assert_eq!(config.motion.value, Motion::Reduced);
    assert!(!config.mouse.value);
}

#[test]
fn bindings_that_get_in_each_others_way_are_reported() {
    for (text, expect) in [
        ("[keys.list]\n\"g\" = \"top\"", "wrong g is never reached: g g (top) begins with it"),
        (
            "[keys.fleet]\n\"/ x\" = \"mark\"",
            "wrong / (filter) isn't reached any more: / x begins with it",
        ),
        ("[keys.fleet]\n\"q\" = \"mark\"", "note it hides q (back) of everywhere"),
        ("[keys.everywhere]\n\"home\" = \"fleet\"", "note in list home stays top"),
        (
            "[keys.everywhere]\n\"Q\" = \"\"\n\"ctrl-c\" = \"\"",
            "wrong with these keys nothing leaves everywhere: bind quit",
        ),
    ] {
        let config = config(text);
        let said: Vec<String> = config
            .problems
            .iter()
            .map(|problem| {
                let word = if problem.severity == Severity::Wrong { "wrong" } else { "note" };
                format!("{word} {}", problem.what)
            })
            .collect();
        assert_eq!(said, [expect], "{text}");
    }
    assert_eq!(problems("[keys.fleet]\n\"ctrl-y\" = \"mark\"\n"), [] as [String; 0]);
}

#[test]
fn a_key_can_be_taken_away() {
    let config = config("[keys.everywhere]\n\"q\" = \"\"\n");
    assert_eq!(config.problems, []);
    let everywhere = [Context::Everywhere];
    assert_ne!(
        config.keymap.keys_of(&everywhere, &Action::Back),
        Some(&*Chord::sequence("q").unwrap())
    );
}

#[test]
fn the_nearest_word_on_how_it_looks_counts() {
    let dark = Surroundings { ground: Some(Ground::Dark), ..Surroundings::default() };
    let light = Surroundings { ground: Some(Ground::Light), ..Surroundings::default() };
    let plain = Surroundings { is_plain: true, ..dark };
    for (surroundings, file, asked, expect) in [
        (dark, "", None, Theme::Dark),
        (light, "", None, Theme::Light),
        (plain, "", None, Theme::Plain),
        (plain, "theme = \"dark\"", None, Theme::Dark),
        (plain, "theme = \"auto\"", None, Theme::Plain),
        (light, "theme = \"high-contrast\"", None, Theme::HighContrastLight),
        (light, "theme = \"dark\"", None, Theme::Dark),
        (light, "theme = \"dark\"", Some(Theme::ColourBlind), Theme::ColourBlind),
    ] {
        let setup = Setup { surroundings, config: config(file), theme: asked, mouse: None };
        assert_eq!(setup.look().theme, expect, "{surroundings:?} {file} {asked:?}");
    }
    let setup = Setup {
        config: config("ascii = true\nmotion = \"reduced\"\ncolours = \"256\""),
        ..Setup::default()
    };
    let look = setup.look();
    assert!(look.ascii);
    assert_eq!((look.motion, look.depth), (Motion::Reduced, Depth::Indexed));
    assert!(!Setup { config: config("mouse = false"), ..Setup::default() }.has_mouse());
}

#[test]
fn the_report_says_what_is_in_use_and_why() {
    let setup = Setup {
        config: config("theme = \"light\"\nmotion = 3\n[keys.fleet]\n\"q\" = \"mark\"\n"),
        mouse: Some(false),
        ..Setup::default()
    };
    let lines: Vec<String> = setup
        .report()
        .iter()
        .map(|line| line.iter().map(|(text, _)| text.as_str()).collect::<String>())
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_documentation_lists_every_setting_and_its_example_is_right() {
    let text = include_str!("../../../docs/workstation-settings.md");
    let example = text.split("```").find_map(|block| block.strip_prefix("toml\n")).unwrap();
    let config = config(example);
    assert_eq!(config.problems, []);
    assert!(config.motion.at.is_some() && config.keys_set == 3);
    for name in super::read::SETTINGS.iter().filter(|name| **name != "keys") {
        assert!(text.contains(&format!("| `{name}` |")), "{name}");
    }
    for context in Context::ALL {
        assert!(text.contains(&format!("`{}`", context.as_str())), "{context:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_file_is_too_much(text: String) {
        let _ = Config::read(None, Some(&text));
    }
}

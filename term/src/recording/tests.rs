//! What is written is read, and what is broken is told with its line.

use proptest::prelude::*;

use super::*;

const HEADER: Header = Header { size: Size::DEFAULT, timestamp: None, title: None };

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn the_format_is_asciicast_v3() {
    let header = Header {
        size: Size::new(80, 24).unwrap(),
        timestamp: Some(Timestamp::from_second(1_504_467_315).unwrap()),
        title: Some("loop \"a\"".to_owned()),
    };
    let (mut recorder, mut text) = Recorder::begin(&header);
    text += &recorder.output(ms(248), b"\x1b[1mHi\r\n");
    text += &recorder.input(ms(1249), b"q");
    text += &recorder.marker(ms(1249), "");
    text += &recorder.resize(ms(3000), Size::new(90, 30).unwrap());
    text += &recorder.exit(ms(2000), 0);
    assert_eq!(
        text,
        concat!(
            r#"{"version":3,"term":{"cols":80,"rows":24},"timestamp":1504467315,"title":"loop \"a\""}"#,
            "\n",
            r#"[0.248000,"o","\u001b[1mHi\r\n"]"#,
            "\n",
            r#"[1.001000,"i","q"]"#,
            "\n",
            r#"[0.000000,"m",""]"#,
            "\n",
            r#"[1.751000,"r","90x30"]"#,
            "\n",
            r#"[0.000000,"x","0"]"#,
            "\n",
        )
    );
    let read = Recording::read(text.as_bytes()).unwrap();
    assert_eq!(read.header, header);
    assert_eq!(read.events.len(), 5);
    assert_eq!(
        read.events[3],
        Event { at: ms(3000), kind: Kind::Resize(Size::new(90, 30).unwrap()) }
    );
    assert_eq!(read.duration(), ms(3000));
}

#[test]
fn a_character_is_never_cut() {
    let (mut recorder, _) = Recorder::begin(&HEADER);
    assert_eq!(recorder.output(ms(0), b"\xe6"), "");
    assert_eq!(recorder.input(ms(0), b"x"), "[0.000000,\"i\",\"x\"]\n");
    assert_eq!(recorder.output(ms(1), b"\xbc\xa2\xf0\x9f"), "[0.001000,\"o\",\"漢\"]\n");
    assert_eq!(recorder.finish(ms(2)), "[0.001000,\"o\",\"\u{fffd}\"]\n");
    assert_eq!(recorder.finish(ms(3)), "");
}

#[test]
fn recordings_of_others_are_read() {
    let v2 = "{\"version\": 2, \"width\": 80, \"height\": 1000, \"env\": {\"TERM\": \"x\"}}\n\
              [0.5, \"o\", \"a\"]\n[1.5, \"r\", \"100x50\"]\n";
    let read = Recording::read(v2.as_bytes()).unwrap();
    assert_eq!(read.header.size, Size::new(80, 200).unwrap());
    assert_eq!(read.duration(), ms(1500));
    let v3 = "{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24, \"type\": \"xterm\"}}\n\
              # a comment\n[0.5, \"o\", \"a\"]\n[1.0, \"z\", \"later\"]\n";
    let read = Recording::read(v3.as_bytes()).unwrap();
    assert_eq!(read.events[1].kind, Kind::Other("z".to_owned(), "later".to_owned()));
    assert_eq!(read.duration(), ms(1500));
}

#[test]
fn what_is_broken_is_told_with_its_line() {
    let header = "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n";
    for (text, line, why) in [
        ("", 1, "empty"),
        ("{}\n", 1, "`version`"),
        ("{\"version\":1}\n", 1, "version 1"),
        ("{\"version\":3}\n", 1, "`term`"),
        ("{\"version\":2,\"width\":3}\n", 1, "`height`"),
        (&format!("{header}[1,\"o\"]\n"), 2, "length"),
        (&format!("{header}\n[1,\"r\",\"x\"]\n"), 3, "\"80x24\""),
        (&format!("{header}[-1,\"o\",\"\"]\n"), 2, "negative"),
        (&format!("{header}[1e300,\"o\",\"\"]\n"), 2, "its time"),
        (&format!("{header}[1,\"o\",\"\"\n[1,\"o\",\"\"]\n"), 2, "EOF"),
    ] {
        let error = Recording::read(text.as_bytes()).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.why.contains(why), "{text}: {error}");
    }
    let error =
        Recording::read(&[header.as_bytes(), b"[1,\"o\",\"\xff\"]\n"].concat()).unwrap_err();
    assert_eq!(error.to_string(), "line 2 isn't asciicast: it isn't UTF-8");
}

fn events() -> impl Strategy<Value = Vec<(u64, u8, String)>> {
    prop::collection::vec((0u64..10_000_000, 0u8..5, ".{1,12}"), 0..12)
}

proptest! {
    #[test]
    fn what_is_written_is_read_also_when_it_is_cut(events in events(), cut in any::<prop::sample::Index>()) {
        let (mut recorder, mut text) = Recorder::begin(&HEADER);
        let n_header = text.len();
        let (mut at, mut expected) = (Duration::ZERO, vec![]);
        for (micros, kind, data) in events {
            at += Duration::from_micros(micros);
            let (line, kind) = match kind {
                0 => (recorder.output(at, data.as_bytes()), Kind::Output(data)),
                1 => (recorder.input(at, data.as_bytes()), Kind::Input(data)),
                2 => (recorder.marker(at, &data), Kind::Marker(data)),
                3 => (recorder.resize(at, Size::SMALLEST), Kind::Resize(Size::SMALLEST)),
                _ => (recorder.exit(at, -1), Kind::Exit(-1)),
            };
            text += &line;
            expected.push(Event { at, kind });
        }
        let read = Recording::read(text.as_bytes()).unwrap();
        prop_assert_eq!(&read.events, &expected);
        prop_assert!(!read.is_cut);

        let cut = n_header + cut.index(text.len() - n_header + 1);
        let read = Recording::read(&text.as_bytes()[..cut]).unwrap();
        prop_assert_eq!(&read.events[..], &expected[..read.events.len()]);
        let n_whole = text.as_bytes()[..cut].iter().filter(|b| **b == b'\n').count() - 1;
        prop_assert!(read.events.len() >= n_whole);
    }

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Recording::read(&bytes);
    }
}

//! What a stream does with what it reads, without a server: decoding, resuming, losing, silence.

use smith_model::api::LoopEvent;
use smith_model::problem::{Code, Problem};

use super::*;
use crate::Config;
use crate::waits;

type Decode = fn(&str, &str) -> Result<Parsed<String>, serde_json::Error>;

fn decode(name: &str, data: &str) -> Result<Parsed<String>, serde_json::Error> {
    Ok(match name {
        "word" => Parsed::Event(Some(serde_json::from_str(data)?)),
        "last" => Parsed::Last("last".into()),
        _ => Parsed::Event(None),
    })
}

fn resuming() -> Resuming<Decode> {
    let mut config = Config::new("http://127.0.0.1:9", "test");
    config.silence = Duration::from_millis(5);
    let client = Client::new(config).unwrap();
    let call = client.get(["v1"]);
    Resuming {
        client,
        call,
        decode,
        last: None,
        phase: Phase::Connect,
        lost: None,
        waits: Waits::new(),
    }
}

fn read(bytes: &[&'static str]) -> BoxStream<'static, Result<Bytes, Error>> {
    let chunks: Vec<_> =
        bytes.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
    stream::iter(chunks).boxed()
}

fn live(bytes: BoxStream<'static, Result<Bytes, Error>>) -> BoxStream<'static, Result<Sse, Error>> {
    let client = resuming().client;
    let watched = watch(client.clone(), bytes);
    SseStream::from_bytes_stream(watched).map(move |e| e.map_err(|e| unread(&client, e))).boxed()
}

#[tokio::test]
async fn events_are_read_over_chunk_borders_and_the_last_id_is_kept() {
    let mut stream = resuming();
    stream.phase = Phase::Live(live(read(&[
        ": alive\n\nevent: wo",
        "rd\nid: 1-1\ndata: \"a\"\n\nevent: word\ndata: \"b\"\n\nevent: later\nid: 1-3\ndata: {}\n\n",
        "event: last\nid: 1-4\n\n",
        "event: word\ndata: \"never\"\n\n",
    ])));
    let mut seen = vec![];
    while let Some(signal) = stream.next().await {
        match signal.unwrap() {
            Signal::Event { id, event } => seen.push((id.map(|id| id.0), event)),
            other => panic!("{other:?}"),
        }
    }
    let id = |text: &str| Some(text.to_owned());
    assert_eq!(seen, [(id("1-1"), "a".into()), (None, "b".into()), (id("1-4"), "last".to_owned())]);
    assert_eq!(stream.last, Some(EventId::new("1-4")));
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_once_and_tried_again_behind_its_last_id() {
    let mut stream = resuming();
    stream.phase = Phase::Live(live(read(&["event: word\nid: 1-7\ndata: \"a\"\n\nevent: wor"])));
    assert!(matches!(stream.next().await, Some(Ok(Signal::Event { .. }))));
    let lost = stream.next().await;
    assert!(matches!(lost, Some(Ok(Signal::Disconnected { error: Error::Ended, .. }))), "{lost:?}");
    assert!(matches!(stream.phase, Phase::Wait(wait) if wait >= waits::FIRST));
    assert_eq!(stream.last, Some(EventId::new("1-7")));
    assert!(stream.lose::<String>(Error::Ended).is_none(), "the caller knows already");
}

#[tokio::test]
async fn a_silent_stream_is_lost() {
    let mut stream = resuming();
    stream.phase = Phase::Live(live(stream::pending().boxed()));
    let lost = stream.next().await;
    assert!(
        matches!(lost, Some(Ok(Signal::Disconnected { error: Error::Silent { .. }, .. }))),
        "{lost:?}"
    );
}

#[tokio::test]
async fn what_no_waiting_changes_ends_the_stream() {
    let mut stream = resuming();
    let problem = Box::new(Problem::new(Code::NotFound, "no such loop"));
    let told = stream.lose::<String>(Error::Problem { problem, retry_after: None });
    assert!(matches!(told, Some(Err(_))));
    assert!(stream.next::<String>().await.is_none());

    let mut stream = resuming();
    stream.phase = Phase::Live(live(read(&["event: word\ndata: not json\n\n"])));
    assert!(matches!(stream.next().await, Some(Err(Error::Malformed { .. }))));
    assert!(stream.next().await.is_none());
}

#[test]
fn a_server_s_wish_for_a_wait_is_followed_within_bounds() {
    let wait = |seconds| {
        let mut stream = resuming();
        let problem = Box::new(Problem::new(Code::Unavailable, "x"));
        let retry_after = Some(Duration::from_secs(seconds));
        stream.lose::<String>(Error::Problem { problem, retry_after });
        match stream.phase {
            Phase::Wait(wait) => wait.as_secs(),
            _ => panic!("it waits"),
        }
    };
    assert_eq!(wait(7), 7);
    assert_eq!(wait(7_000), waits::MOST_ASKED.as_secs());
}

#[test]
fn loop_events_carry_their_tag_inside() {
    let event: LoopEvent = serde_json::from_str(r#"{"event":"removed","loop_id":"a"}"#).unwrap();
    assert!(matches!(event, LoopEvent::Removed { loop_id } if loop_id.as_str() == "a"));
    assert_eq!(
        serde_json::from_str::<LoopEvent>(r#"{"event":"ready"}"#).unwrap(),
        LoopEvent::Ready
    );
}

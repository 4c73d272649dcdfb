//! What a flood leaves of the time of whoever draws.

use bytes::Bytes;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use smith_client::Config;
use smith_term::view::View;
use smith_term::widget::Pane;

use super::*;

/// As fast as it is taken: 64 KiB a message, as a worker sends them.
async fn flood(seat: Seat) {
    let line = b"the quick brown fox jumps over the lazy dog 0123456789\r\n";
    let bytes = Bytes::from(line.repeat(64 * 1024 / line.len()));
    let client = seat.client.clone();
    let loop_id: LoopId = "flood".parse().unwrap();
    let target = Target { loop_id, session: Session::Agent, mode: Mode::Read, size: None };
    let (terminal, meter) = (client.terminal(target), Meter::new());
    let mut it = Attached { terminal, meter, resize: None };
    let began = FromWorker::Began { generation: 1, size: Size::DEFAULT, text: String::new() };
    seat.feed(&mut it, began).await;
    loop {
        let message = FromWorker::Output(bytes.clone());
        it.meter.hears(&message);
        seat.feed(&mut it, message).await;
        if let Some(rest) = it.meter.rest() {
            tokio::time::sleep_until(rest).await;
            it.meter.rested();
        }
        if it.meter.due().is_some_and(|due| due <= Instant::now())
            && seat.report(&mut it).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_floods_leave_time_to_draw_and_are_told_at_most_once_a_frame() {
    let client = Client::new(Config::new("http://127.0.0.1:1", "test")).unwrap();
    let (tx, mut rx) = mpsc::channel(64);
    let mut seats = Seats::default();
    let stages = [Stage::default(), Stage::default()];
    let mut tasks = tokio::task::JoinSet::new();
    for (stage, id) in stages.iter().zip(["one", "two"]) {
        let subject = Subject::Agent(id.parse().unwrap());
        tasks.spawn(flood(seats.take(client.clone(), tx.clone(), subject, stage.clone())));
    }
    let area = Rect::new(0, 0, 120, 40);
    let (mut buffer, mut views) = (Buffer::empty(area), [View::new(), View::new()]);
    let (mut waits, mut printed, mut notices) = (vec![], 0, 0);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let msg = rx.recv().await;
        let Some(Msg::Terminal(_, News::Printed { bytes, .. })) = msg else { panic!("{msg:?}") };
        (printed, notices) = (printed + bytes, notices + 1);
        let asked = Instant::now();
        for (stage, view) in stages.iter().zip(&mut views) {
            stage.look(|engine| {
                view.settle(engine, area.height);
                Pane::new(engine, view).render(area, &mut buffer);
            });
        }
        waits.push(asked.elapsed());
    }
    tasks.abort_all();
    waits.sort_unstable();
    let (median, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let rate = printed / 2 / 1_000_000;
    println!("{rate} MB/s, {notices} notices, two panes drawn in {median:?}, {most:?} at most");
    assert!(printed > 1_000_000, "{printed} bytes in two seconds");
    assert!(notices <= 2 * 2 * 1000 / 33 + 20, "{notices} notices");
    // A frame's worth, and far from what a lock without turns would take: the floods hold it nearly all the time.
    assert!(median < Duration::from_millis(33), "{median:?}, {most:?} at most");
}

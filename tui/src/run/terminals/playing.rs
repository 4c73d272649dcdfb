//! Recordings: listed, fetched part by part, and played onto a stage.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use smith_client::Error;
use smith_model::api::RecordingItem;
use smith_model::id::LoopId;
use smith_term::playback::catalog::Catalog;
use smith_term::playback::player::Player;
use smith_term::playback::reel::Reel;
use smith_term::recording::Recording;

use super::{Gone, Seat};
use crate::panes::{Content, News, Order, Over, Played, Playing, Seek, Stage, Tape, activity};
use crate::run::sources::why;

/// How often the list is asked for again.
const LIST: Duration = Duration::from_secs(15);
/// The shortest and the longest time between two screens: no eye sees more, and the clock is to go on.
const FRAMES: (Duration, Duration) = (Duration::from_millis(33), Duration::from_millis(500));

/// So much of a recording is shown at once, with the stage locked.
const STEP: Duration = Duration::from_millis(50);

/// Stands still when the task ends: nobody sees what goes on.
struct Pause(Stage);

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.change(|content| {
            if let Content::Played(played) = content {
                let now = played.began.elapsed();
                let clock = played.player.clock_mut();
                if !clock.is_paused() && clock.position(now) < clock.length() {
                    clock.pause_or_go(now);
                }
            }
        });
    }
}

impl Seat {
    /// The recordings of a loop, again and again.
    pub(super) async fn list(&mut self, id: &LoopId) -> Result<Infallible, Gone> {
        loop {
            match self.catalog(id).await {
                Ok(catalog) => self.say(News::Tapes(tapes(&catalog))).await?,
                Err(why) => {
                    self.say(News::Over(Over { why, is_followed: false })).await?;
                    return self.rest().await;
                }
            }
            tokio::time::sleep(LIST).await;
        }
    }

    async fn catalog(&self, id: &LoopId) -> Result<Catalog, String> {
        let (mut items, mut cursor) = (vec![], None);
        loop {
            let page = self.client.recordings(id, cursor.as_deref()).await;
            let page = page.map_err(|error: Error| why(&error))?;
            items.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(Catalog::new(items));
            }
        }
    }

    /// A recording: fetched, unless it is there, and played.
    pub(super) async fn play(&mut self, id: &LoopId, number: usize) -> Result<Infallible, Gone> {
        let is_there = self.stage.change(|content| matches!(content, Content::Played(_)));
        if !is_there {
            let reel = match self.fetched(id, number).await? {
                Ok(reel) => reel,
                Err(why) => {
                    self.say(News::Over(Over { why, is_followed: false })).await?;
                    return self.rest().await;
                }
            };
            let played =
                Played { player: Player::new(reel, 1.0, Duration::ZERO), began: Instant::now() };
            self.stage.change(|content| *content = Content::Played(Box::new(played)));
        }
        let _pause = Pause(self.stage.clone());
        let mut from = self.stage.change(|content| match content {
            Content::Played(played) => played.began.elapsed(),
            Content::Nothing | Content::Live(_) => Duration::ZERO,
        });
        loop {
            let Some(wait) = self.shown(&mut from).await? else { return Err(Gone) };
            // Both may be dropped.
            tokio::select! {
                order = self.orders.recv() => {
                    let Some(order) = order else { return Err(Gone) };
                    self.obey(&order).await?;
                }
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// All parts as one, or why not.
    async fn fetched(&self, id: &LoopId, number: usize) -> Result<Result<Reel, String>, Gone> {
        let catalog = match self.catalog(id).await {
            Ok(catalog) => catalog,
            Err(why) => return Ok(Err(why)),
        };
        let Some(items) = catalog.process(Some(number)) else {
            return Ok(Err(format!(
                "{id} has no recording {number}: `recordings {id}` lists them"
            )));
        };
        let (mut parts, of) = (vec![], items.len());
        for item in items {
            self.say(News::Loading(parts.len(), of)).await?;
            match self.part(id, item).await {
                Ok(part) => parts.push(part),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Reel::join(parts).ok_or_else(|| "the recording is empty".to_owned()))
    }

    async fn part(
        &self,
        id: &LoopId,
        item: RecordingItem,
    ) -> Result<(RecordingItem, Recording), String> {
        let digest = item.recording.artifact.digest.clone();
        let bytes = self.client.artifact(id, &digest).await.map_err(|error| why(&error))?;
        let read = tokio::task::spawn_blocking(move || Recording::read(&bytes));
        let read = read.await.map_err(|error| error.to_string())?;
        Ok((item, read.map_err(|error| format!("artifact {digest}: {error}"))?))
    }

    /// Shows what is to be seen now, and says where it stands; answers how long until there is more, if there is. At a
    /// high speed much may be to be seen, so it is shown in steps, and whoever draws has a turn in between.
    async fn shown(&self, from: &mut Duration) -> Result<Option<Option<Duration>>, Gone> {
        let played = |content: &mut Content| match content {
            Content::Played(played) => {
                Some((played.began.elapsed(), played.player.clock().speed()))
            }
            Content::Nothing | Content::Live(_) => None,
        };
        let Some((now, speed)) = self.stage.change(played) else { return Ok(None) };
        let step = STEP.div_f64(speed).max(Duration::from_micros(100));
        while *from < now {
            *from = now.min(from.saturating_add(step));
            while self.stage.is_wanted() {
                tokio::task::yield_now().await;
            }
            self.clock(|player, _| {
                player.show(*from);
            });
        }
        let shown = self.stage.change(|content| {
            let Content::Played(played) = content else { return None };
            let wait = played.player.wait(now).map(|wait| wait.clamp(FRAMES.0, FRAMES.1));
            Some((playing(&played.player, now), wait))
        });
        let Some((playing, wait)) = shown else { return Ok(None) };
        self.say(News::Playing(playing)).await?;
        Ok(Some(wait))
    }

    async fn obey(&self, order: &Order) -> Result<(), Gone> {
        match order {
            Order::PauseOrGo => self.clock(|player, now| player.clock_mut().pause_or_go(now)),
            Order::Faster => self.clock(|player, now| player.clock_mut().faster(now)),
            Order::Slower => self.clock(|player, now| player.clock_mut().slower(now)),
            Order::Seek(seek) => return self.seek(*seek).await,
            Order::Type(_) | Order::Lease(_) | Order::Resize(_) => {}
        }
        Ok(())
    }

    fn clock(&self, act: impl FnOnce(&mut Player, Duration)) {
        self.stage.change(|content| {
            if let Content::Played(played) = content {
                let now = played.began.elapsed();
                act(&mut played.player, now);
            }
        });
    }

    /// Goes elsewhere. The way there may take long, so it is gone beside the stage, which is empty meanwhile.
    async fn seek(&self, seek: Seek) -> Result<(), Gone> {
        let taken = self.stage.change(std::mem::take);
        let Content::Played(mut played) = taken else { return Ok(()) };
        let now = played.began.elapsed();
        let to = target(&played.player, seek, now);
        played.player.clock_mut().seek(to, now);
        let playing = Playing { is_seeking: true, ..playing(&played.player, now) };
        self.say(News::Playing(playing)).await?;
        let went = tokio::task::spawn_blocking(move || {
            played.player.show(played.began.elapsed());
            played
        });
        if let Ok(played) = went.await {
            self.stage.change(|content| *content = Content::Played(played));
        }
        Ok(())
    }
}

/// Where a wish leads to.
fn target(player: &Player, seek: Seek, now: Duration) -> Duration {
    let clock = player.clock();
    let at = clock.position(now);
    match seek {
        Seek::By(seconds) => {
            let by = Duration::from_secs(seconds.unsigned_abs().into());
            if seconds < 0 { at.saturating_sub(by) } else { at.saturating_add(by) }
        }
        Seek::Tenth(tenth) => clock.length() * u32::from(tenth.min(10)) / 10,
        Seek::To(to) => to,
        Seek::Activity(toward) => activity(&player.reel().events, at, toward).unwrap_or(at),
    }
}

fn playing(player: &Player, now: Duration) -> Playing {
    let clock = player.clock();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Playing {
        name: player.reel().name.clone(),
        at: millis(clock.position(now)),
        length: millis(clock.length()),
        speed: clock.speed(),
        is_paused: clock.is_paused(),
        is_seeking: false,
    }
}

/// The recordings that there are, the newest first.
fn tapes(catalog: &Catalog) -> Vec<Tape> {
    let mut tapes: BTreeMap<usize, Tape> = BTreeMap::new();
    for (number, RecordingItem { no, recording, .. }) in &catalog.parts {
        let tape = tapes.entry(*number).or_insert_with(|| Tape {
            number: *number,
            no: *no,
            session: recording.session,
            iteration: recording.iteration,
            started_at: recording.started_at,
            millis: 0,
            parts: 0,
        });
        tape.started_at = tape.started_at.min(recording.started_at);
        tape.millis += recording.millis;
        tape.parts += 1;
    }
    tapes.into_values().rev().collect()
}

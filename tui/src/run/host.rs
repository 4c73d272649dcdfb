//! What is said to the terminal beside frames: the clipboard, the title, notices. It is written with the next frame, in
//! front of it, so that nothing ever stands within one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::host::{Host, MOST_COPIED, Notice};
use crate::msg::Msg;

/// Notices that wait for a slow terminal; older ones are dropped.
const MOST_NOTICES: usize = 8;
/// Where the terminal doesn't say whether it has the focus: without a key for so long its person looks elsewhere.
const AWAY: Duration = Duration::from_secs(60);

/// What waits to be said. Of copies and titles the newest, since it replaces the others.
#[derive(Debug)]
pub(super) struct Beside {
    host: Host,
    copy: Option<Vec<u8>>,
    title: Option<Vec<u8>>,
    modes: Vec<u8>,
    notices: VecDeque<Vec<u8>>,
    number: u64,
    focused: Option<bool>,
    touched: Instant,
}

impl Beside {
    /// Nothing yet.
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            copy: None,
            title: None,
            modes: vec![],
            notices: VecDeque::new(),
            number: 0,
            focused: None,
            touched: Instant::now(),
        }
    }

    /// Hears what a person did, to know whether one is there.
    pub(super) fn hears(&mut self, msg: &Msg) {
        match msg {
            Msg::Focus(is_focused) => self.focused = Some(*is_focused),
            Msg::Key(_) | Msg::Paste(_) | Msg::Mouse(_) => self.touched = Instant::now(),
            _ => {}
        }
    }

    /// Copies a text; answers what came of it.
    pub(super) fn copy(&mut self, text: &str) -> Msg {
        if text.len() > MOST_COPIED {
            return Msg::Copied(Err(format!(
                "{} bytes are too many for the clipboard, which takes {MOST_COPIED}",
                text.len()
            )));
        }
        self.copy = Some(Host::copy(text));
        Msg::Copied(Ok(self.host.copied(text.len())))
    }

    /// Tells the terminal how to behave, in place of what it wasn't told yet.
    pub(super) fn tell(&mut self, modes: Vec<u8>) {
        self.modes = modes;
    }

    /// Names the window.
    pub(super) fn title(&mut self, config: &Config, text: &str) {
        if !config.title.value {
            return;
        }
        self.title = Some(Host::title(text));
    }

    /// Draws the person's eye, unless it is there.
    pub(super) fn notify(&mut self, config: &Config, notice: &Notice) {
        if !config.notifications.value {
            return;
        }
        if self.focused.unwrap_or_else(|| self.touched.elapsed() < AWAY) {
            return;
        }
        self.number += 1;
        if self.notices.len() == MOST_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(self.host.notify(notice, self.number));
    }

    /// Everything that waits, to be written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut said = std::mem::take(&mut self.modes);
        said.extend(self.title.take().into_iter().flatten());
        said.extend(self.copy.take().into_iter().flatten());
        said.extend(self.notices.drain(..).flatten());
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Urgency;

    fn beside() -> Beside {
        Beside::new(Host::default())
    }

    #[test]
    fn a_notice_is_for_a_person_who_looks_elsewhere() {
        let notice = Notice {
            title: "x".to_owned(),
            text: "flatlined".to_owned(),
            urgency: Urgency::Normal,
        };
        for (focused, expect) in [(None, 0), (Some(true), 0), (Some(false), 1)] {
            let mut beside = beside();
            if let Some(focused) = focused {
                beside.hears(&Msg::Focus(focused));
            }
            beside.notify(&Config::default(), &notice);
            assert_eq!(beside.take().len(), expect, "{focused:?}");
        }
    }

    #[test]
    fn what_waits_for_a_slow_terminal_is_bounded() {
        let mut beside = beside();
        beside.hears(&Msg::Focus(false));
        for _ in 0..100 {
            beside.copy(&"x".repeat(MOST_COPIED));
            beside.title(&Config::default(), "a title");
            beside.notify(
                &Config::default(),
                &Notice { title: "x".to_owned(), text: "y".to_owned(), urgency: Urgency::Low },
            );
        }
        assert!(beside.take().len() < 101_000);
        assert!(beside.take().is_empty());
    }

    #[test]
    fn what_is_too_long_for_the_clipboard_is_refused_and_said() {
        let mut beside = beside();
        let said = beside.copy(&"x".repeat(MOST_COPIED + 1));
        assert!(matches!(said, Msg::Copied(Err(why)) if why.contains("74994")));
        assert!(beside.take().is_empty());
    }

    #[test]
    fn what_the_settings_turn_off_is_not_said() {
        let mut beside = beside();
        beside.hears(&Msg::Focus(false));
        let notice =
            Notice { title: "x".to_owned(), text: "y".to_owned(), urgency: Urgency::Critical };
        let config = Config::read(None, Some("title = false\nnotifications = false\n"));
        beside.title(&config, "a title");
        beside.notify(&config, &notice);
        assert!(beside.take().is_empty());
        beside.title(&Config::default(), "a title");
        beside.notify(&Config::default(), &notice);
        assert!(!beside.take().is_empty());
    }
}

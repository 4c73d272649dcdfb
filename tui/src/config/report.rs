//! What `:config` shows: the file, what is in use and where it comes from, and what is wrong.

use super::setup::{From, Setup};
use super::{FILE, Setting, Severity};
use crate::host::Depth;
use crate::layers::page::Line;
use crate::look::{Motion, Role};

impl Setup {
    /// The lines of `:config`.
    pub fn report(&self) -> Vec<Line> {
        let config = &self.config;
        let path = config.path.as_ref().map(|path| path.display().to_string());
        let path = path.unwrap_or_else(|| "no home is known, so there is no file".to_owned());
        let is_there = match (config.is_there, &config.path) {
            (true, _) => "",
            (false, Some(_)) => "  (isn't there; write it to change what is below)",
            (false, None) => "",
        };
        let mut lines = vec![vec![(path, Role::Title), (is_there.to_owned(), Role::Dim)], vec![]];
        let (theme, theme_from) = self.theme();
        let (ascii, ascii_from) = self.ascii();
        let (depth, depth_from) = self.depth();
        let (mouse, mouse_from) = self.mouse();
        let depth = match depth {
            Depth::Sixteen => "16",
            Depth::Indexed => "256",
            Depth::True => "all",
        };
        let motion = match config.motion.value {
            Motion::Full => "full",
            Motion::Reduced => "reduced",
        };
        lines.extend([
            line("theme", &format!("{:?}", theme.as_str()), theme_from),
            line("colours", &format!("{depth:?}"), depth_from),
            line("ascii", switch(ascii), ascii_from),
            line("motion", &format!("{motion:?}"), from(&config.motion)),
            line("mouse", switch(mouse), mouse_from),
            line("notifications", switch(config.notifications.value), from(&config.notifications)),
            line("title", switch(config.title.value), from(&config.title)),
            line("hints", switch(config.hints.value), from(&config.hints)),
        ]);
        let keys = format!("{} bindings, of which the file sets {}", self.keys(), config.keys_set);
        lines.extend([
            vec![("keys".to_owned(), Role::Key), (format!("           {keys}"), Role::Text)],
            vec![],
        ]);
        if config.problems.is_empty() {
            lines.push(vec![("Nothing is wrong with it.".to_owned(), Role::Good)]);
        }
        for problem in &config.problems {
            let (word, role) = match problem.severity {
                Severity::Wrong => ("wrong ", Role::Bad),
                Severity::Note => ("note  ", Role::Dim),
            };
            let text = format!("{FILE}:{}: {}", problem.at, problem.what);
            lines.push(vec![(word.to_owned(), role), (text, Role::Text)]);
        }
        lines.extend([
            vec![],
            vec![
                (":config reload".to_owned(), Role::Key),
                ("  reads it again".to_owned(), Role::Dim),
            ],
        ]);
        lines
    }

    fn keys(&self) -> usize {
        self.config.keymap.bindings().len()
    }
}

fn from<T>(setting: &Setting<T>) -> From {
    setting.at.map_or(From::Standard, From::File)
}

fn switch(is_on: bool) -> &'static str {
    if is_on { "true" } else { "false" }
}

fn line(name: &str, value: &str, from: From) -> Line {
    let from = match from {
        From::Standard => "as it comes".to_owned(),
        From::File(at) => format!("{FILE}:{at}"),
        From::Environment => "from the environment".to_owned(),
        From::Terminal => "from the terminal's ground".to_owned(),
        From::Asked => "asked for since the start".to_owned(),
    };
    vec![
        (format!("{name:<15}"), Role::Key),
        (format!("{value:<22}"), Role::Text),
        (from, Role::Dim),
    ]
}

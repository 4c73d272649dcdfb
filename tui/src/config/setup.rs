//! How this workstation is set up: by its surroundings, the file, and what was asked for since.

use serde::{Deserialize, Serialize};

use super::Config;
use crate::host::Depth;
use crate::look::{Ground, Look, Theme};

/// What is so without anybody having asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// `NO_COLOR`, or a terminal without colours.
    pub is_plain: bool,
    /// The locale has no UTF-8.
    pub is_ascii: bool,
    /// The terminal's colours.
    pub depth: Depth,
    /// The terminal's ground, if it said it.
    pub ground: Option<Ground>,
}

/// All that decides how this workstation looks and behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// Where it runs.
    pub surroundings: Surroundings,
    /// What the file says.
    pub config: Config,
    /// The theme that was asked for since.
    pub theme: Option<Theme>,
    /// What the mouse was asked to be since.
    pub mouse: Option<bool>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Standard,
    File(super::Position),
    Environment,
    Terminal,
    Asked,
}

impl Setup {
    /// How to draw.
    pub fn look(&self) -> Look {
        Look {
            theme: self.theme().0,
            ascii: self.ascii().0,
            depth: self.depth().0,
            motion: self.config.motion.value,
            ground: self.surroundings.ground,
        }
    }

    /// Is the mouse this program's?
    pub fn has_mouse(&self) -> bool {
        self.mouse.unwrap_or(self.config.mouse.value)
    }

    /// A setting beats `NO_COLOR`, as https://no-color.org has it.
    pub(super) fn theme(&self) -> (Theme, From) {
        let Surroundings { is_plain, ground, .. } = self.surroundings;
        if let Some(theme) = self.theme {
            return (theme, From::Asked);
        }
        if let (Some(theme), Some(at)) = (self.config.theme.value, self.config.theme.at) {
            let theme = ground.map_or(theme, |ground| theme.on(ground));
            return (theme, From::File(at));
        }
        match (is_plain, ground) {
            (true, _) => (Theme::Plain, From::Environment),
            (false, Some(Ground::Light)) => (Theme::Light, From::Terminal),
            (false, Some(Ground::Dark)) => (Theme::Dark, From::Terminal),
            (false, None) => (Theme::Dark, From::Standard),
        }
    }

    pub(super) fn ascii(&self) -> (bool, From) {
        let setting = self.config.ascii;
        match (setting.value, setting.at) {
            (Some(ascii), Some(at)) => (ascii, From::File(at)),
            _ => (self.surroundings.is_ascii, From::Environment),
        }
    }

    pub(super) fn depth(&self) -> (Depth, From) {
        let setting = self.config.colours;
        match (setting.value, setting.at) {
            (Some(depth), Some(at)) => (depth, From::File(at)),
            _ => (self.surroundings.depth, From::Environment),
        }
    }

    pub(super) fn mouse(&self) -> (bool, From) {
        match (self.mouse, self.config.mouse.at) {
            (Some(mouse), _) => (mouse, From::Asked),
            (None, Some(at)) => (self.config.mouse.value, From::File(at)),
            (None, None) => (self.config.mouse.value, From::Standard),
        }
    }
}

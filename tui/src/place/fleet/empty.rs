//! What stands where no row does: why, and what to do about it.

use ratatui::layout::Rect;

use super::View;
use crate::action::Action;
use crate::create::CreateAction;
use crate::draw::Canvas;
use crate::fleet::{Link, Scope};
use crate::look::Role;
use crate::world::World;

pub(super) fn draw(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let filter = view.look.filter.text();
    let total = world.fleet.len();
    let said: [(String, Role); 3] = match (world.fleet.link(), total) {
        (Link::Connecting, 0) => {
            let server = &world.session.server;
            [plain(format!("Connecting to {server}…")), none(), none()]
        }
        (Link::Lost { .. } | Link::Refused { .. } | Link::Loading, 0)
            if world.fleet.stale().is_some() =>
        {
            [plain("There were no loops then."), none(), none()]
        }
        (Link::Loading, 0) => [plain("Loading the fleet…"), none(), none()],
        (Link::Lost { .. }, 0) => {
            [plain("Nothing was loaded before the connection was lost."), none(), none()]
        }
        (Link::Refused { .. }, 0) => [
            plain("The server refuses to say what there is."),
            hint("Check the context and its token: smithctl config current-context"),
            none(),
        ],
        (Link::Live, 0) => [
            plain("There are no loops."),
            hint(&create(canvas)),
            hint("From a repository: smithctl loop create --repo . --prompt \"…\""),
        ],
        (_, total) if view.is_behind() || (view.asked.is_some() && !view.hides_something()) => {
            [plain(format!("Looking through {total} loops…")), none(), none()]
        }
        (_, total) => {
            let what = match (filter, view.look.scope) {
                ("", _) => format!("None of {total} loops went wrong."),
                (filter, Scope::All) => {
                    format!("None of {total} loops is let through by /{filter}")
                }
                (filter, Scope::Faults) => {
                    format!("None of {total} loops went wrong and is let through by /{filter}")
                }
            };
            [plain(what), hint("esc shows all of them; / changes the filter"), none()]
        }
    };
    let y = area.y + area.height / 3;
    for ((text, role), y) in said.iter().zip(y..area.bottom()) {
        let line = Rect { x: area.x + 2, y, width: area.width.saturating_sub(4), height: 1 };
        canvas.text(line, text, *role);
    }
}

/// How one asks for a loop here.
fn create(canvas: &Canvas<'_>) -> String {
    let keys = canvas.keys_of(&Action::Create(CreateAction::Form));
    format!("{} asks for one in a form.", keys.as_deref().unwrap_or(":create"))
}

fn plain(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Text)
}

fn hint(text: &str) -> (String, Role) {
    (text.to_owned(), Role::Dim)
}

fn none() -> (String, Role) {
    (String::new(), Role::Text)
}

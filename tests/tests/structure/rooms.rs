//! Which room of the server may know which, and which rooms only compute.

use crate::fences::is_in;
use crate::paths::{Named, named};
use crate::project::Finding;
use crate::source::Source;

const SERVER: &str = "server/src/";

/// Room, and the rooms (or single files of one) that it may know. A module of the server that isn't listed is a leaf:
/// every room may know it, and it knows none. Only lib.rs and smithd.rs, and what they alone call, join them.
const ROOMS: &[(&str, &[&str])] = &[
    ("api", &["app"]),
    // `why` is answered by the planner itself, so that it can't differ from what core does.
    ("app", &["store", "view", "runtime", "outbound", "controller::plan", "controller::fleet"]),
    ("controller", &["store", "view", "runtime"]),
    ("view", &["store"]),
    ("store", &[]),
    ("runtime", &[]),
    ("outbound", &[]),
];

/// Where rooms meet: the root with smithd's part of it, and the binaries above it.
const JOINS: &[&str] = &["server/src/lib", "server/src/smithd", "server/src/bin"];

/// Every path in the server from one room into another that it may not know.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(place) = source.path.strip_prefix(SERVER) else {
            continue;
        };
        if JOINS.iter().any(|join| is_in(&source.path, join)) {
            continue;
        }
        let module: Vec<&str> = place.trim_end_matches(".rs").split('/').collect();
        for named in named(source) {
            let Some(target) = resolve(&module, &named) else {
                continue;
            };
            if let Some(says) = refuse(module[0], &target) {
                findings.push(Finding::line(&source.path, named.line, says));
            }
        }
    }
    findings
}

/// The path from the crate's root, when it leads into the own crate.
fn resolve<'a>(module: &[&'a str], named: &'a Named) -> Option<Vec<&'a str>> {
    let mut segments = named.segments.iter().map(String::as_str).peekable();
    let mut target: Vec<&str> = match segments.next()? {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len() - 1].to_vec(),
        _ => return None,
    };
    while segments.next_if_eq(&"super").is_some() {
        target.pop();
    }
    target.extend(segments);
    Some(target)
}

fn refuse(from: &str, target: &[&str]) -> Option<String> {
    let to = *target.first()?;
    let is_room = |name: &str| ROOMS.iter().any(|(room, _)| *room == name);
    if to == from || !is_room(to) {
        return None;
    }
    let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == from) else {
        return Some(format!(
            "`{from}` isn't a room and must not know the room `{to}`: move it into the room that needs it, \
             or draw it as a room in ARCHITECTURE.md and tests/tests/structure/rooms.rs"
        ));
    };
    let is_allowed = allowed.iter().any(|allowed| {
        let allowed: Vec<&str> = allowed.split("::").collect();
        target.starts_with(&allowed)
    });
    let may = if allowed.is_empty() { "no other room".to_owned() } else { allowed.join(", ") };
    (!is_allowed).then(|| {
        format!("`{from}` must not know `{to}` (it may know: {may}); let a trait or type below both carry it, and join them in lib.rs")
    })
}

/// A room that only computes, and why.
struct Pure {
    room: &'static str,
    says: &'static str,
    heads: &'static [&'static [&'static str]],
    tails: &'static [&'static [&'static str]],
}

const IO: &[&[&str]] = &[
    &["tokio"],
    &["tokio_util"],
    &["futures"],
    &["rand"],
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
];
const CLOCKS: &[&[&str]] = &[
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["SystemTime", "now"],
    &["Instant", "now"],
    &["Uuid", "new_v4"],
    &["Uuid", "now_v7"],
];

const PURE: &[Pure] = &[
    Pure {
        room: "model/src",
        says: "the model has no IO, clock, randomness or async: take times, ids and texts as arguments",
        heads: IO,
        tails: CLOCKS,
    },
    Pure {
        room: "term/src",
        says: "terminals are computed here and served elsewhere: take bytes and times as arguments",
        heads: IO,
        tails: CLOCKS,
    },
    Pure {
        room: "server/src/controller/plan",
        says: "the plan is a function of what was observed: observe before it, act after it in execute.rs",
        heads: IO,
        tails: CLOCKS,
    },
    Pure {
        room: "server/src/controller/plan",
        says: "the plan is handed what was observed, and knows nobody to ask",
        heads: &[
            &["crate", "store"],
            &["crate", "runtime", "Runtime"],
            &["crate", "runtime", "local"],
            &["crate", "view"],
        ],
        tails: &[],
    },
    Pure {
        room: "server/src/view/inbox/board.rs",
        says: "the board is handed records and times, so that every order of them can be tried",
        heads: IO,
        tails: CLOCKS,
    },
    Pure {
        room: "client/src",
        says: "the client reads no environment: its caller hands it endpoint and token",
        heads: &[&["std", "env"]],
        tails: &[],
    },
];

/// Every path in a computing room that leads to the world outside.
pub(crate) fn check_purity(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pure in PURE {
        for source in sources.iter().filter(|source| is_in(&source.path, pure.room)) {
            for named in named(source) {
                let leaves = pure.heads.iter().any(|head| named.starts_with(head))
                    || pure.tails.iter().any(|tail| named.ends_with(tail));
                if leaves {
                    findings.push(Finding::line(
                        &source.path,
                        named.line,
                        format!("`{}`: {}", named.segments.join("::"), pure.says),
                    ));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_into_a_room_that_may_not_be_known_is_caught() {
        for (path, text, expect) in [
            ("server/src/api/loops.rs", "use crate::app::loops;", 0),
            ("server/src/api/loops.rs", "use crate::{app, store};", 1),
            ("server/src/api/loops.rs", "use super::super::store::Loops;", 1),
            ("server/src/api.rs", "use super::view::View;", 1),
            (
                "server/src/api/loops.rs",
                "use super::auth; use self::inner::X; use crate::config::Config;",
                0,
            ),
            ("server/src/app/why.rs", "use crate::controller::plan::plan;", 0),
            ("server/src/app/why.rs", "use crate::controller::execute::act;", 1),
            ("server/src/app/loops.rs", "fn f() { crate::api::error() }", 1),
            ("server/src/store/watch.rs", "use crate::view::View;", 1),
            ("server/src/view.rs", "use crate::store::Watch;", 0),
            ("server/src/runtime/local.rs", "use crate::store::Watch;", 1),
            ("server/src/config.rs", "use crate::store::Watch;", 1),
            ("server/src/lib.rs", "use crate::store::Watch; use crate::api;", 0),
            ("server/src/store.rs", "#[cfg(test)]\nmod tests { use crate::app; }", 0),
            ("replica/src/git.rs", "use crate::store;", 0),
        ] {
            assert_eq!(check(&[Source::new(path, text)]).len(), expect, "{path}: {text}");
        }
    }

    #[test]
    fn a_computing_room_that_reaches_out_is_caught() {
        for (path, text, expect) in [
            ("model/src/state.rs", "use std::fmt; use jiff::Timestamp;", 0),
            ("model/src/state.rs", "fn f() { Timestamp::now(); }", 1),
            ("model/src/state.rs", "use std::{env, fs::File};", 2),
            ("model/src/state.rs", "async fn f() { tokio::task::yield_now().await }", 1),
            ("model/src/id.rs", "fn f() { uuid::Uuid::now_v7(); }", 1),
            ("server/src/controller/plan.rs", "use crate::store::Loops;", 1),
            ("server/src/controller/plan/why.rs", "use std::thread::sleep;", 1),
            ("server/src/controller/execute.rs", "use crate::store::Loops; use tokio::spawn;", 0),
            ("term/src/mirror.rs", "use std::time::Duration; use bytes::Bytes;", 0),
            ("term/src/mirror.rs", "fn f() { std::time::Instant::now(); }", 1),
            ("term/src/frame.rs", "use tokio_util::codec::Decoder;", 1),
            ("client/src/http.rs", "fn f() { std::env::var(\"X\"); }", 1),
            ("client/src/http.rs", "use std::fs::File;", 0),
        ] {
            assert_eq!(check_purity(&[Source::new(path, text)]).len(), expect, "{path}: {text}");
        }
    }
}

//! Which foreign crate may be used where: a protocol, a framework or a device is known by one room only.

use crate::paths::named;
use crate::project::{Finding, Kind, Member};
use crate::source::Source;

struct Fence {
    /// Packages, as registries name them.
    packages: &'static [&'static str],
    /// Directories of the members whose manifest may list them; `None` is any.
    members: Option<&'static [&'static str]>,
    /// Rooms whose sources may name them; see [`is_in`].
    rooms: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

const FENCES: &[Fence] = &[
    Fence {
        packages: &["etcd-client", "tonic", "prost"],
        members: Some(&["server"]),
        rooms: &["server/src/store"],
        instead: "only server/src/store knows etcd: add what you need to it, in the words of the model",
    },
    Fence {
        packages: &["kube", "kube-client", "kube-core", "kube-runtime", "k8s-openapi"],
        members: Some(&["server"]),
        rooms: &["server/src/runtime/kubernetes"],
        instead: "only server/src/runtime/kubernetes knows Kubernetes: go through the trait Runtime",
    },
    Fence {
        packages: &["axum", "axum-core", "axum-extra", "axum-server", "tower-http", "utoipa-axum"],
        members: Some(&["server"]),
        rooms: &["server/src/api", "server/src/lib"],
        instead: "only server/src/api knows the web framework: use cases in server/src/app take and give plain types",
    },
    Fence {
        packages: &["reqwest", "ureq", "isahc", "curl", "octocrab"],
        members: Some(&["client", "server"]),
        rooms: &["client/src", "server/src/outbound"],
        instead: "HTTP is spoken by smith-client to Smith, and by server/src/outbound to everybody else",
    },
    Fence {
        packages: &["tokio-tungstenite", "tungstenite"],
        members: Some(&["client"]),
        rooms: &["client/src/terminal"],
        instead: "WebSockets are opened by smith-client's Terminal, and served by axum's `ws` in server/src/api",
    },
    Fence {
        packages: &["hyper", "hyper-util"],
        members: Some(&["client", "server"]),
        rooms: &["client/src", "server/src/outbound", "server/src/api", "server/src/lib"],
        instead: "HTTP is spoken by smith-client, server/src/outbound and server/src/api",
    },
    Fence {
        packages: &["portable-pty", "pty-process"],
        members: Some(&["replica", "prd-wizard"]),
        rooms: &["replica/src", "prd-wizard/src/agent"],
        instead: "only the replica's host (and the wizard's agent pane) opens PTYs: ask it for a session",
    },
    Fence {
        packages: &["alacritty_terminal", "vt100", "avt", "vte"],
        members: Some(&["term"]),
        rooms: &["term/src/engine"],
        instead: "only smith-term's engine knows the terminal emulator: use its screen",
    },
    Fence {
        packages: &["ratatui", "ratatui-core", "ratatui-widgets", "crossterm"],
        members: Some(&["tui", "prd-wizard", "term"]),
        rooms: &["tui/src", "tui/examples", "prd-wizard/src/screens", "term/src/widget"],
        instead: "only tui, the wizard's screens and term's widget draw",
    },
    Fence {
        packages: &["anyhow", "eyre", "color-eyre"],
        members: None,
        rooms: &["*/main", "*/bin"],
        instead: "an error has a type: a thiserror enum of its module, a variant for each operation that can fail",
    },
    Fence {
        packages: &["clap", "clap_complete"],
        members: None,
        rooms: &["*/args", "*/commands"],
        instead: "the command line is parsed in args.rs and the files of commands/, which hand on plain types",
    },
];

/// Fences bind what users get, not the tests of it.
fn is_bound(path: &str) -> bool {
    !path.starts_with("tests/") && !path.starts_with("hack/")
}

/// Whether a file belongs to a room: `server/src/api` is that file and that directory, `*/args` any of that name.
pub(crate) fn is_in(path: &str, room: &str) -> bool {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    match room.strip_prefix("*/") {
        Some(name) => path.split('/').any(|part| part == name),
        None => path == room || path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/')),
    }
}

/// Every fenced package in a manifest outside its fence, or under another name.
pub(crate) fn check_manifests(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| is_bound(&format!("{}/", member.dir))) {
        for dependency in member.dependencies() {
            let Some(fence) =
                FENCES.iter().find(|fence| fence.packages.contains(&dependency.package.as_str()))
            else {
                continue;
            };
            let at = format!("{}/Cargo.toml", member.dir);
            let is_inside =
                fence.members.is_none_or(|members| members.contains(&member.dir.as_str()));
            if dependency.kind == Kind::Build && !is_inside {
                findings.push(Finding::file(
                    &at,
                    format!("{} isn't for this crate: {}", dependency.package, fence.instead),
                ));
            }
            if dependency.key != dependency.package {
                let says = format!(
                    "{} is fenced and can't go by the name {}",
                    dependency.package, dependency.key
                );
                findings.push(Finding::file(&at, says));
            }
        }
    }
    findings
}

/// Every path of a fenced package in a source outside its fence.
pub(crate) fn check_sources(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| is_bound(&source.path)) {
        for named in named(source) {
            let is_fenced = |fence: &&Fence| {
                fence.packages.iter().any(|package| package.replace('-', "_") == named.segments[0])
            };
            if let Some(fence) = FENCES.iter().find(is_fenced)
                && !fence.rooms.iter().any(|room| is_in(&source.path, room))
            {
                let says =
                    format!("`{}` outside its fence: {}", named.segments.join("::"), fence.instead);
                findings.push(Finding::line(&source.path, named.line, says));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fenced_package_in_another_manifest_is_caught() {
        for (dir, rest, expect) in [
            ("server", "[dependencies]\nkube.workspace = true", 0),
            ("replica", "[dependencies]\nkube.workspace = true", 1),
            ("model", "[build-dependencies]\nreqwest = '1'", 1),
            ("smithctl", "[target.'cfg(unix)'.dependencies]\nalacritty_terminal = '1'", 1),
            ("server", "[dependencies]\nstorage = { package = 'etcd-client', version = '1' }", 1),
            ("smithctl", "[dev-dependencies]\nportable-pty = '1'", 0),
            ("tests", "[dependencies]\netcd-client = '1'", 0),
            ("replica", "[dependencies]\nanyhow = '1'", 0),
        ] {
            let member = Member::new(dir, &format!("[package]\nname = 'x'\n{rest}"));
            assert_eq!(check_manifests(&[member]).len(), expect, "{dir}: {rest}");
        }
    }

    #[test]
    fn a_fenced_path_in_another_room_is_caught() {
        for (path, text, expect) in [
            ("server/src/store/txn.rs", "use etcd_client::Txn;", 0),
            ("server/src/store.rs", "use etcd_client::Txn;", 0),
            ("server/src/storefront.rs", "use etcd_client::Txn;", 1),
            ("server/src/app/loops.rs", "fn f() -> etcd_client::Txn {}", 1),
            ("server/src/api/loops.rs", "use {axum::Router, kube::Api};", 1),
            ("server/src/runtime/kubernetes/job.rs", "use kube::Api;", 0),
            ("server/src/runtime/local.rs", "use k8s_openapi as k;", 1),
            ("server/src/view.rs", "#[cfg(test)]\nmod tests { use axum::Router; }", 0),
            ("client/src/terminal/socket.rs", "use tokio_tungstenite::WebSocketStream;", 0),
            ("server/src/api/terminals.rs", "use tokio_tungstenite::WebSocketStream;", 1),
            ("smithctl/src/main.rs", "fn main() -> anyhow::Result<()> {}", 0),
            ("server/src/bin/smithd.rs", "fn main() -> anyhow::Result<()> {}", 0),
            ("server/src/config.rs", "fn f() -> anyhow::Result<()> {}", 1),
            ("smithctl/src/commands/why.rs", "#[derive(clap::Args)] struct A;", 0),
            ("replica/src/args.rs", "use clap::Parser;", 0),
            ("replica/src/main.rs", "use clap::Parser;", 1),
            ("tests/src/lib.rs", "use etcd_client::Client;", 0),
            ("replica/src/host.rs", "// portable_pty::x\nuse portable_pty::native_pty_system;", 0),
            ("server/src/app/terminals.rs", "extern crate portable_pty;", 1),
            ("term/src/engine/emulator.rs", "use alacritty_terminal::Term;", 0),
            ("term/src/snapshot.rs", "use alacritty_terminal::Term;", 1),
            ("term/src/widget.rs", "use ratatui_core::buffer::Buffer;", 0),
            ("term/src/view.rs", "use ratatui_core::buffer::Buffer;", 1),
        ] {
            assert_eq!(check_sources(&[Source::new(path, text)]).len(), expect, "{path}: {text}");
        }
    }
}

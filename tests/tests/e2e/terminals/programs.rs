//! Full-screen programs in a worker's terminals, at every size.
//!
//! Each is typed into through the client. What the one who typed sees, built from output, is what another one gets as
//! a snapshot; and it is what tmux shows of the same program at the same size, where a program shows the same twice.

use std::path::Path;
use std::process::Command;

use smith_model::state::State;
use smith_model::terminal::{Mode, Session, Size};
use smith_term::screen::{Mouse, Screen};
use smith_tests::{Options, Watcher, binaries, in_time};

use super::Scene;

/// From the smallest to the largest that there is.
const SIZES: [(u16, u16); 5] = [(2, 1), (20, 5), (80, 24), (120, 40), (500, 200)];

/// An agent that waits while a person is in the shell beside it.
const WAITS: &str = "read word <$go; echo x >x.txt";

/// A person in the shell, in whose terminal programs run.
struct Shell {
    scene: Scene,
    person: Watcher,
}

impl Shell {
    async fn open(name: &str) -> Self {
        let env =
            vec![("SHELL".to_owned(), "/bin/sh".to_owned()), ("PS1".to_owned(), "$ ".to_owned())];
        let options = Options { env, ..Options::default() };
        let scene = Scene::begun(name, options, WAITS, &["true"]).await;
        let client = scene.world.client();
        let mut person = Watcher::attach(&client, &scene.id, Session::Shell, Mode::Write).await;
        person.take().await;
        person.resize(Size::new(80, 24).unwrap()).await;
        Self { scene, person }
    }

    /// Starts a program in a terminal of a size; it must take the whole screen.
    async fn start(&mut self, size: Size, line: &str) {
        self.person.type_("clear; echo re''ady\r").await;
        self.person.shows("ready").await;
        self.person.resize(size).await;
        self.person.type_(&format!("{line}\r")).await;
        self.person.sees("program", |screen| screen.modes.alternate_screen).await;
    }

    /// What a second one sees is what the first one does.
    async fn is_the_same_for_another(&mut self) -> Screen {
        same_for_another(&self.scene, Session::Shell, &mut self.person).await
    }

    /// Types what ends the program, where there is room for its prompts, and waits for the shell's own screen.
    async fn leave(&mut self, keys: &str) {
        self.person.resize(Size::new(80, 24).unwrap()).await;
        self.person.type_(keys).await;
        self.person.sees("shell", |screen| !screen.modes.alternate_screen).await;
    }

    async fn close(mut self) {
        self.scene.go.say("on").await;
        self.scene.world.ends(&self.scene.id, State::Synced).await;
        self.scene.world.finish().await;
    }
}

async fn same_for_another(scene: &Scene, session: Session, person: &mut Watcher) -> Screen {
    let mut other = Watcher::attach(&scene.world.client(), &scene.id, session, Mode::Read).await;
    person.meets(&mut other).await;
    let (mine, others) = (person.screen().unwrap(), other.screen().unwrap());
    assert_eq!(mine.to_text(), others.to_text(), "at {:?}", mine.size);
    assert_eq!(mine, others, "at {:?}", mine.size);
    mine
}

/// A tmux of its own, in which one program runs; it ends with it.
struct Tmux<'a> {
    socket: &'a Path,
}

impl Tmux<'_> {
    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(binaries::tool("tmux"));
        command.arg("-S").arg(self.socket).arg("-f").arg(self.socket.with_extension("conf"));
        command.args(args);
        let output = command.env_remove("TMUX").env("LC_ALL", "C.UTF-8").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the program shows the same text there.
    async fn shows(&self, size: Size, line: &str, keys: &[&str], expected: &str) {
        let settings = "set -g status off\nset -g default-terminal xterm-256color\n";
        std::fs::write(self.socket.with_extension("conf"), settings).unwrap();
        let (columns, rows) = (size.columns().to_string(), size.rows().to_string());
        self.run(&["new-session", "-d", "-x", &columns, "-y", &rows, line]);
        let runs = async {
            while self.run(&["display-message", "-p", "#{alternate_on}"]).trim() != "1" {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        in_time("the program in tmux", runs).await;
        for key in keys {
            self.run(&["send-keys", key]);
        }
        let trimmed = |text: &str| -> String {
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            lines.join("\n").trim_end().to_owned()
        };
        let mut shown = String::new();
        let same = async {
            loop {
                shown = trimmed(&self.run(&["capture-pane", "-p"]));
                if shown == trimmed(expected) {
                    return;
                }
                // tmux doesn't tell when a program has drawn.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(15), same).await;
        self.run(&["kill-server"]);
        assert!(waited.is_ok(), "at {size:?} tmux shows\n{shown}\n--- and Smith\n{expected}");
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let mut command = Command::new(binaries::tool("tmux"));
        let _ = command.arg("-S").arg(self.socket).arg("kill-server").output();
    }
}

/// The rows of a screen as tmux tells them: one a line, whether they go on or not.
fn rows(screen: &Screen) -> String {
    let row = |row: &smith_term::screen::Row| {
        let row = smith_term::screen::Row { wrapped: false, ..row.clone() };
        row.text()
    };
    screen.rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// A text that doesn't fit into most sizes, with wide characters, marks and tabs.
fn text(world: &smith_tests::World) -> String {
    let line = |n: usize| {
        format!("{n:3} the quick brown fox jumps over the lazy dog\t漢字 e\u{301} ünï\n")
    };
    let path = world.file("text.txt");
    std::fs::write(&path, (1..=300).map(line).collect::<String>()).unwrap();
    path.display().to_string()
}

fn sizes() -> impl Iterator<Item = Size> {
    SIZES.into_iter().map(|(columns, rows)| Size::new(columns, rows).unwrap())
}

#[tokio::test]
async fn less_at_every_size() {
    let mut shell = Shell::open("less").await;
    let line = format!(
        "LESS= LESSHISTFILE=- {} -S -M {}",
        binaries::tool("less").display(),
        text(&shell.scene.world)
    );
    let socket = shell.scene.world.file("tmux");
    for size in sizes() {
        shell.start(size, &line).await;
        // To the end, up again, and to a line by its number.
        shell.person.type_("Gkkkk").await;
        shell.person.type_("gjj").await;
        if size.columns() >= 20 {
            shell.person.sees("third line", |s| rows(s).trim_start().starts_with("3 the")).await;
            let screen = shell.is_the_same_for_another().await;
            let tmux = Tmux { socket: &socket };
            tmux.shows(size, &line, &["G", "k", "k", "k", "k", "g", "j", "j"], &rows(&screen))
                .await;
        } else {
            shell.is_the_same_for_another().await;
        }
        shell.leave("q").await;
    }
    shell.close().await;
}

#[tokio::test]
async fn vim_at_every_size() {
    let mut shell = Shell::open("vim").await;
    let text = text(&shell.scene.world);
    // Without the mode's name, which has no room at the smallest size: it would ask to go on.
    let line = format!(
        "{} -u NONE -i NONE -n -N -c 'set noruler noshowmode noshowcmd nowrap laststatus=0 shortmess=atIF' {text}",
        binaries::tool("vim").display()
    );
    let socket = shell.scene.world.file("tmux");
    for size in sizes() {
        shell.start(size, &line).await;
        shell.person.type_("Gggddohello from a person\u{1b}").await;
        if size.columns() >= 20 {
            shell.person.sees("typed text", |s| rows(s).contains("hello from a person")).await;
            let screen = shell.is_the_same_for_another().await;
            let tmux = Tmux { socket: &socket };
            let keys = ["G", "gg", "dd", "o", "hello from a person", "Escape"];
            tmux.shows(size, &line, &keys, &rows(&screen)).await;
        } else {
            shell.is_the_same_for_another().await;
        }
        shell.leave("\u{1b}:q!\r").await;
    }
    shell.close().await;
}

#[tokio::test]
async fn htop_at_every_size() {
    let mut shell = Shell::open("htop").await;
    let line = format!("HTOPRC=/dev/null {}", binaries::tool("htop").display());
    for size in sizes() {
        shell.start(size, &line).await;
        // A tree, and one row down.
        shell.person.type_("t\u{1b}[B").await;
        if size.rows() >= 24 {
            shell.person.shows("F10").await;
        }
        shell.is_the_same_for_another().await;
        shell.leave("q").await;
    }
    shell.close().await;
}

#[tokio::test]
async fn tmux_at_every_size() {
    let mut shell = Shell::open("tmux").await;
    let socket = shell.scene.world.file("inner");
    let line = format!(
        "{} -u -S {} -f /dev/null new-session",
        binaries::tool("tmux").display(),
        socket.display()
    );
    for size in sizes() {
        shell.start(size, &line).await;
        shell.person.type_("clear; echo in''side; stty size\r").await;
        if size.columns() >= 20 {
            shell.person.shows("inside").await;
            shell.person.shows(&format!("{} {}", size.rows() - 1, size.columns())).await;
            // Two panes, one beside the other.
            shell.person.type_("\u{2}%").await;
            shell.person.sees("second pane", |s| rows(s).contains('│')).await;
        }
        shell.is_the_same_for_another().await;
        // From outside: at the smallest size its own prompt has no room.
        Tmux { socket: &socket }.run(&["kill-server"]);
        shell.leave("").await;
    }
    shell.close().await;
}

/// Takes the whole screen and the mouse, draws anew at each resize and each key; `q` ends it.
const AGENT: &str = r#"
    cat >.smith/agent.pl <<'PERL'
use strict; use IO::Handle; STDOUT->autoflush(1);
my $old = `stty -g`; system 'stty', 'raw', '-echo';
my ($keys, $again) = ('', 1);
$SIG{WINCH} = sub { $again = 1 };
print "\e[?1049h\e[?1002h\e[?1006h\e]0;an agent\a";
while (1) {
    if ($again) {
        $again = 0;
        my ($rows, $columns) = split ' ', `stty size`;
        print "\e[?2026h\e[0m\e[2J";
        for my $row (1 .. $rows) {
            my $text = substr "row $row of ${columns}x$rows keys $keys", 0, $columns - 1;
            print "\e[$row;1H\e[38;5;", $row % 256, "m$text";
        }
        print "\e[1;${columns}H\e[0;7m#\e[0m\e[?2026l";
    }
    my $n = sysread STDIN, my $got, 64;
    next unless defined $n;
    last if !$n || $got =~ /q/;
    $keys .= join '', map { sprintf '%02x', ord } split //, $got;
    $again = 1;
}
print "\e[?1006l\e[?1002l\e[?1049l"; system "stty $old"; print "bye\n";
PERL
    perl .smith/agent.pl
    echo x >x.txt"#;

#[tokio::test]
async fn a_full_screen_agent_at_every_size_with_the_mouse() {
    let scene = Scene::begun("full", Options::default(), AGENT, &["true"]).await;
    let mut person = scene.attach(Mode::Write).await;
    person.take().await;
    person.sees("agent", |s| s.modes.alternate_screen && s.modes.mouse == Mouse::Drag).await;
    let mut keys = String::new();
    for size in sizes() {
        person.resize(size).await;
        let mouse = format!("\u{1b}[<0;{};1M", size.columns());
        person.type_(&mouse).await;
        keys.extend(mouse.bytes().map(|byte| format!("{byte:02x}")));
        let drawn = |screen: &Screen| {
            let wanted = format!("row 1 of {}x{} keys {keys}", size.columns(), size.rows());
            let cut: String = wanted.chars().take(usize::from(size.columns()) - 1).collect();
            let last = screen.rows[0].cells.last().map(|cell| cell.c);
            rows(screen).lines().next().unwrap_or("").starts_with(cut.trim_end())
                && last == Some('#')
                && !screen.modes.updating
        };
        person.sees("agent's drawing", drawn).await;
        let screen = same_for_another(&scene, Session::Agent, &mut person).await;
        assert_eq!(screen.title.as_deref(), Some("an agent"));
    }
    person.type_("q").await;
    in_time("the end", person.end()).await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

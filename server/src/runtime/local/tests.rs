//! With real processes: a shell script stands in for the program that a worker runs.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::*;

/// Says who it is, as a replica does, and keeps its lock to itself by moving it to a descriptor that
/// the programs it starts don't get.
const HEAD: &str = r#"#!/bin/sh
[ "$1" = run ] && [ "$2" = --dir ] && [ "$3" = "$PWD" ] || exit 99
read -r launch
stat=$(cat /proc/$$/stat)
set -- ${stat##*)}
printf '{"pid":%s,"start_time":%s,"boot_id":"%s"}' $$ ${20} "$(cat /proc/sys/kernel/random/boot_id)" >pid.json.new
mv pid.json.new pid.json
"#;

struct Place {
    dir: tempfile::TempDir,
    installation: Uuid,
}

impl Place {
    fn new(script: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap(), installation: Uuid::new_v4() };
        std::fs::write(place.program(), format!("{HEAD}{script}\n")).unwrap();
        std::fs::set_permissions(place.program(), PermissionsExt::from_mode(0o755)).unwrap();
        place
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("replica")
    }

    async fn open(&self) -> Local {
        let config = Config {
            dir: self.dir.path().to_owned(),
            machine: "m".into(),
            installation: self.installation,
            replica_program: self.program(),
            env: vec![("PATH".into(), std::env::var("PATH").unwrap())],
            hidden: vec![],
        };
        Local::open(config).await.unwrap()
    }

    fn worker(&self, name: &str) -> PathBuf {
        self.dir.path().join("workers").join(name)
    }

    fn labels(&self, loop_id: &str) -> WorkerLabels {
        let loop_id: LoopId = loop_id.parse().unwrap();
        let no = smith_model::id::AttemptNo { round: 1, attempt: 1 };
        WorkerLabels {
            name: no.worker_name(&loop_id),
            installation: self.installation,
            loop_id,
            uid: Uuid::nil(),
            no,
        }
    }
}

fn launch() -> Launch {
    Launch {
        api_url: "http://127.0.0.1:1".into(),
        claim_token: "planted-token".into(),
        terminal_key: "planted-terminal-key".into(),
        uid: Uuid::nil(),
        agent_env: vec![("KEY".into(), "planted-key".into())],
        secrets: vec!["planted-secret".into()],
    }
}

/// Waits for events of the runtime until the worker is as wanted.
async fn until(
    runtime: &Local,
    events: &mut mpsc::Receiver<LoopId>,
    name: &str,
    wanted: impl Fn(&WorkerPhase) -> bool,
) -> WorkerPhase {
    let wait = async {
        loop {
            let report = runtime.observe(name).await.unwrap().expect("a worker is there");
            if wanted(&report.phase) {
                return report.phase;
            }
            events.recv().await.expect("the runtime is open");
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("it changes in time")
}

fn ended(phase: &WorkerPhase) -> bool {
    matches!(phase, WorkerPhase::Exited { .. })
}

/// Waits until a file that a worker writes is there, by the kernel's word.
async fn file(path: &Path) -> String {
    use rustix::fs::inotify;
    let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
    let fd = inotify::init(flags).unwrap();
    let what = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::CLOSE_WRITE;
    inotify::add_watch(&fd, path.parent().unwrap(), what).unwrap();
    let fd = process::readable(fd).unwrap();
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && !text.is_empty()
        {
            return text;
        }
        let mut ready = timeout(Duration::from_secs(20), fd.readable()).await.unwrap().unwrap();
        let mut buffer = [0u8; 4096];
        let _ = rustix::io::read(fd.get_ref(), &mut buffer);
        ready.clear_ready();
    }
}

async fn pid(place: &Place, name: &str) -> PidRecord {
    serde_json::from_str(&file(&place.worker(name).join("pid.json")).await).unwrap()
}

fn alive(record: &PidRecord) -> bool {
    process::Process::open(record, &process::boot_id().unwrap()).unwrap().is_some()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The last thing of a script that waits for a signal.
const WAIT: &str = "exec 3>&1 1>/dev/null; sleep 1000 3>&- & wait";

#[tokio::test]
async fn the_exit_code_and_the_last_lines_are_seen() {
    let place = Place::new("echo \"got $(echo $launch | wc -c)\" >&2; echo last >&2; exit 7");
    let runtime = place.open().await;
    let mut events = runtime.events();
    let labels = place.labels("code");
    runtime.create(labels.clone(), launch()).await.unwrap();
    let WorkerPhase::Exited { exit, tail } =
        until(&runtime, &mut events, &labels.name, ended).await
    else {
        panic!("it ended")
    };
    assert_eq!(exit, Exit::Code(7));
    assert_eq!(tail.last().unwrap(), "last");
    assert_ne!(tail[0], "got 1");
    // It exists, though it ended: the same again is success, and doesn't start it again.
    runtime.create(labels.clone(), launch()).await.unwrap();
    assert_eq!(runtime.list().await.unwrap().len(), 1);
    assert!(ended(&runtime.observe(&labels.name).await.unwrap().unwrap().phase));
    runtime.close().await;
}

#[tokio::test]
async fn the_replicas_own_word_about_its_end_is_kept() {
    let place = Place::new(r#"echo '{"exit":"stalled"}' >exit.json; kill -9 $$"#);
    let runtime = place.open().await;
    let mut events = runtime.events();
    let labels = place.labels("word");
    runtime.create(labels.clone(), launch()).await.unwrap();
    let phase = until(&runtime, &mut events, &labels.name, ended).await;
    assert!(matches!(phase, WorkerPhase::Exited { exit: Exit::Stalled, .. }), "{phase:?}");
}

#[tokio::test]
async fn a_name_belongs_to_its_labels() {
    let place = Place::new(WAIT);
    let runtime = place.open().await;
    let labels = place.labels("dup");
    runtime.create(labels.clone(), launch()).await.unwrap();
    let first = pid(&place, &labels.name).await;
    runtime.create(labels.clone(), launch()).await.unwrap();
    assert_eq!(pid(&place, &labels.name).await, first);
    let other = WorkerLabels { uid: Uuid::max(), ..labels.clone() };
    let error = runtime.create(other, launch()).await.unwrap_err();
    assert!(matches!(error, Error::NameTaken { .. }), "{error}");

    // Another installation in the same directory doesn't see it and can't end it.
    let other = Place { dir: place.dir, installation: Uuid::new_v4() };
    let stranger = other.open().await;
    assert!(stranger.list().await.unwrap().is_empty());
    assert!(stranger.observe(&labels.name).await.unwrap().is_none());
    assert!(stranger.remove(&labels.name).await.is_err());
    assert!(stranger.stop(&labels.name, Stop::Kill).await.is_err());
    assert!(alive(&first));
    runtime.remove(&labels.name).await.unwrap();
    assert!(!alive(&first));
}

#[tokio::test]
async fn land_is_a_term_and_kill_a_kill() {
    let place = Place::new(&format!("trap 'exit 43' TERM; echo x >ready; {WAIT}"));
    let runtime = place.open().await;
    let mut events = runtime.events();
    for (loop_id, how, expected) in
        [("land", Stop::Land, Exit::Code(43)), ("kill", Stop::Kill, Exit::Signal(9))]
    {
        let labels = place.labels(loop_id);
        runtime.create(labels.clone(), launch()).await.unwrap();
        file(&place.worker(&labels.name).join("ready")).await;
        runtime.stop(&labels.name, how).await.unwrap();
        let phase = until(&runtime, &mut events, &labels.name, ended).await;
        assert!(matches!(phase, WorkerPhase::Exited { exit, .. } if exit == expected), "{phase:?}");
        runtime.stop(&labels.name, how).await.unwrap();
    }
    runtime.stop("smith-nothing-r1a1", Stop::Kill).await.unwrap();
    assert!(runtime.stop("../../etc", Stop::Kill).await.is_err());
}

#[tokio::test]
async fn what_the_replica_leaves_behind_is_ended_before_its_end_is_told() {
    let script = "sleep 1000 >/dev/null 2>&1 & echo $! >child.new; mv child.new child; exit 0";
    let place = Place::new(script);
    let runtime = place.open().await;
    let mut events = runtime.events();
    let labels = place.labels("left");
    runtime.create(labels.clone(), launch()).await.unwrap();
    until(&runtime, &mut events, &labels.name, ended).await;
    let child = file(&place.worker(&labels.name).join("child")).await;
    let record = process::identify(child.trim().parse().unwrap(), &process::boot_id().unwrap());
    assert!(record.is_none_or(|record| !alive(&record)));
}

#[tokio::test]
async fn remove_kills_and_deletes_and_follows_no_link() {
    // The second process keeps the lock open and ignores what it may.
    let script = "ln -s ../../outside link; (trap '' TERM HUP; sleep 1000; sleep 1000) & \
                  echo x >ready; wait";
    let place = Place::new(script);
    let outside = place.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("kept"), "x").unwrap();
    let runtime = place.open().await;
    let labels = place.labels("remove");
    runtime.create(labels.clone(), launch()).await.unwrap();
    file(&place.worker(&labels.name).join("ready")).await;
    let record = pid(&place, &labels.name).await;
    runtime.remove(&labels.name).await.unwrap();
    assert!(!alive(&record));
    assert!(process::session(&record, &record.boot_id).unwrap().is_empty());
    assert!(runtime.observe(&labels.name).await.unwrap().is_none());
    assert_eq!(std::fs::read_dir(place.dir.path().join("workers")).unwrap().count(), 0);
    assert!(outside.join("kept").exists());
    runtime.remove(&labels.name).await.unwrap();
    // The name is free again.
    runtime.create(labels.clone(), launch()).await.unwrap();
    runtime.remove(&labels.name).await.unwrap();
}

#[tokio::test]
async fn a_new_runtime_adopts_what_runs() {
    let place = Place::new("exec 3>&1 1>/dev/null; read -r line <go; exit 5");
    let runtime = place.open().await;
    let labels = place.labels("adopt");
    // A named pipe that the worker will read from, in place before it starts.
    let go = place.dir.path().join("go");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &go,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    std::fs::write(
        place.program(),
        format!("{HEAD}exec 3>&1 1>/dev/null\nread -r line <../../go\nexit 5\n"),
    )
    .unwrap();
    runtime.create(labels.clone(), launch()).await.unwrap();
    let record = pid(&place, &labels.name).await;
    drop(runtime);

    let runtime = place.open().await;
    let mut events = runtime.events();
    let found = runtime.list().await.unwrap();
    assert_eq!(found, [WorkerReport { labels: labels.clone(), phase: WorkerPhase::Running }]);
    assert!(alive(&record));
    runtime.create(labels.clone(), launch()).await.unwrap();
    assert_eq!(pid(&place, &labels.name).await, record);
    tokio::task::spawn_blocking(move || std::fs::write(go, "now\n")).await.unwrap().unwrap();
    let phase = until(&runtime, &mut events, &labels.name, ended).await;
    assert!(matches!(phase, WorkerPhase::Exited { exit: Exit::Unknown, .. }), "{phase:?}");
    assert!(!alive(&record));

    // And one that never said who it is can still be killed.
    let nameless = place.labels("nameless");
    std::fs::write(place.program(), "#!/bin/sh\necho >ready\nexec sleep 1000\n").unwrap();
    runtime.create(nameless.clone(), launch()).await.unwrap();
    file(&place.worker(&nameless.name).join("ready")).await;
    runtime.close().await;
    let runtime = place.open().await;
    let mut events = runtime.events();
    runtime.stop(&nameless.name, Stop::Kill).await.unwrap();
    until(&runtime, &mut events, &nameless.name, ended).await;
    runtime.remove(&nameless.name).await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_end() {
    let place = Place::new("");
    std::fs::remove_file(place.program()).unwrap();
    let runtime = place.open().await;
    let labels = place.labels("none");
    let error = runtime.create(labels.clone(), launch()).await.unwrap_err();
    assert!(matches!(error, Error::Start { .. }), "{error}");
    let report = timeout(Duration::from_secs(5), async {
        loop {
            let report = runtime.observe(&labels.name).await.unwrap().unwrap();
            if ended(&report.phase) {
                return report;
            }
            tokio::task::yield_now().await;
        }
    });
    let WorkerPhase::Exited { exit, tail } = report.await.unwrap().phase else { panic!() };
    assert_eq!(exit, Exit::NotStarted);
    assert!(tail[0].contains("replica: No such file"), "{tail:?}");
    // It never ran: the same again is another try.
    std::fs::write(place.program(), format!("{HEAD}{WAIT}")).unwrap();
    std::fs::set_permissions(place.program(), PermissionsExt::from_mode(0o755)).unwrap();
    runtime.create(labels.clone(), launch()).await.unwrap();
    assert!(alive(&pid(&place, &labels.name).await));
    runtime.remove(&labels.name).await.unwrap();
}

#[tokio::test]
async fn what_a_crash_leaves_is_understood() {
    let place = Place::new(WAIT);
    let workers = place.dir.path().join("workers");
    let (bare, labelled) = (place.labels("bare"), place.labels("labelled"));
    std::fs::create_dir_all(workers.join(".removing-smith-x-r1a1.1/a")).unwrap();
    std::fs::create_dir_all(workers.join(&bare.name)).unwrap();
    std::fs::create_dir_all(workers.join(&labelled.name)).unwrap();
    record::write_json(&workers.join(&labelled.name).join(LABELS), &labelled).unwrap();
    let runtime = place.open().await;
    let mut events = runtime.events();
    let phase = until(&runtime, &mut events, &labelled.name, ended).await;
    assert!(matches!(phase, WorkerPhase::Exited { exit: Exit::Unknown, .. }));
    assert_eq!(std::fs::read_dir(&workers).unwrap().count(), 1);
    // A crash while the runtime is open, as the same directory again: both can be created.
    std::fs::create_dir_all(workers.join(&bare.name)).unwrap();
    std::fs::write(workers.join(&bare.name).join("labels.json"), "{").unwrap();
    for labels in [&bare, &labelled] {
        runtime.create(labels.clone(), launch()).await.unwrap();
        assert!(alive(&pid(&place, &labels.name).await));
        runtime.remove(&labels.name).await.unwrap();
    }
    std::fs::create_dir_all(workers.join(&bare.name)).unwrap();
    runtime.remove(&bare.name).await.unwrap();
    assert_eq!(std::fs::read_dir(&workers).unwrap().count(), 0);
}

#[tokio::test]
async fn a_worker_is_in_its_own_session_and_shows_no_secret() {
    let place = Place::new(WAIT);
    let runtime = place.open().await;
    let labels = place.labels("secret");
    runtime.create(labels.clone(), launch()).await.unwrap();
    let pid = pid(&place, &labels.name).await.pid;
    let raw = rustix::process::Pid::from_raw(pid);
    assert_eq!(rustix::process::getsid(raw).unwrap().as_raw_nonzero().get(), pid);
    assert_eq!(rustix::process::getpgid(raw).unwrap().as_raw_nonzero().get(), pid);
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(path.join(file)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains("planted"), "{path:?}");
        }
    }
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let names: Vec<_> = environ.split(|b| *b == 0).filter(|v| !v.is_empty()).collect();
    assert_eq!(names.len(), 1, "only PATH");
    runtime.remove(&labels.name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_starts_at_once_leak_no_descriptor() {
    let place = Place::new("exit 3");
    let runtime = place.open().await;
    let mut events = runtime.events();
    let all: Vec<_> = (0..50).map(|n| place.labels(&format!("many-{n}"))).collect();
    let before = descriptors();
    let starts = all.iter().flat_map(|labels| {
        // Each twice: the second is success too.
        [runtime.create(labels.clone(), launch()), runtime.create(labels.clone(), launch())]
    });
    for result in futures::future::join_all(starts).await {
        result.unwrap();
    }
    for labels in &all {
        let phase = until(&runtime, &mut events, &labels.name, ended).await;
        assert!(matches!(phase, WorkerPhase::Exited { exit: Exit::Code(3), .. }), "{phase:?}");
        runtime.remove(&labels.name).await.unwrap();
    }
    // Other tests of this process open and close descriptors of their own, but not fifty for ever.
    assert!(descriptors() < before + 40, "{before} -> {}", descriptors());
    runtime.close().await;
}

#[tokio::test]
async fn a_log_that_grows_is_cut_while_the_worker_runs() {
    let script = "head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 99 >&2; \
                  echo >&2; echo end >&2; exit 0";
    let place = Place::new(script);
    let runtime = place.open().await;
    let mut events = runtime.events();
    let labels = place.labels("log");
    runtime.create(labels.clone(), launch()).await.unwrap();
    let WorkerPhase::Exited { tail, .. } = until(&runtime, &mut events, &labels.name, ended).await
    else {
        panic!()
    };
    assert_eq!(tail.last().unwrap(), "end");
    let log = place.worker(&labels.name).join(LOG);
    runtime.inner.look_into(watch::Seen::Logged(labels.name.clone())).await;
    assert!(std::fs::metadata(log).unwrap().blocks() * 512 <= MOST_LOG);
}

//! A secret that agents get is nowhere to be found, in any form.

use smith_model::state::State;
use smith_tests::secret::Planted;
use smith_tests::{Fifo, Options, World, world};

#[tokio::test]
async fn it_is_in_no_log_journal_artifact_command_line_or_record() {
    let value = "Zx9+/k=secret~of\"the&agent%9Q7w";
    let args = ["--agent-env", "AGENT_TOKEN"].map(str::to_owned).to_vec();
    let env = vec![("AGENT_TOKEN".to_owned(), value.to_owned())];
    let world = World::start(Options { args, env, ..Options::default() }).await;
    let repository = world.repository("secret");
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    // As it is, encoded, cut into two writes with time between them, and in everything that an agent may leave.
    let lines = format!(
        r#"test -n "$AGENT_TOKEN"
        echo "my token is $AGENT_TOKEN, and so on"
        printf %s "$AGENT_TOKEN" | base64
        printf 'user:%s' "$AGENT_TOKEN" | base64
        printf %s "$AGENT_TOKEN" | od -An -tx1 | tr -d ' \n'; echo
        perl -e '$_ = $ENV{{AGENT_TOKEN}}; s/([^A-Za-z0-9_.~-])/sprintf("%%%02X", ord $1)/ge; print "$_\n"'
        perl -e '$_ = $ENV{{AGENT_TOKEN}}; s/(["\\])/\\$1/g; print "{{\"token\": \"$_\"}}\n"'
        perl -e '$| = 1; $_ = $ENV{{AGENT_TOKEN}}; for my $c (split //) {{ print $c; select undef, undef, undef, 0.005 }} print "\n"'
        {slowly}
        printf %s "$AGENT_TOKEN" | base64 | slowly; echo
        printf %s "$AGENT_TOKEN" | base64 | tr '+/' '-_'
        printf %s "$AGENT_TOKEN" | od -An -tx1 | tr -d ' \n' | slowly; echo
        printf %s "$AGENT_TOKEN" | od -An -tx1 | tr -d ' \n' | tr a-f A-F; echo
        perl -e '$_ = $ENV{{AGENT_TOKEN}}; s/([^A-Za-z0-9_.~-])/sprintf("%%%02x", ord $1)/ge; print "$_\n"' | slowly
        # In what it changes: the diff is kept, and its summary is told.
        echo "token = $AGENT_TOKEN" >kept.txt
        echo x >"$(printf %s "$AGENT_TOKEN" | od -An -tx1 | tr -d ' \n')"
        mkdir -p .smith
        perl -e '$_ = $ENV{{AGENT_TOKEN}}; s/(["\\])/\\$1/g; print "{{\"decisions\": [\"use $_\"]}}"' >.smith/handoff.json
        echo began >{}
        read word <{}
        echo x >x.txt"#,
        began.path(),
        go.path(),
        slowly = "slowly() { perl -e '$| = 1; while (read STDIN, my $c, 1) { print $c; select undef, undef, undef, 0.005 }'; }",
    );
    let agent = world.agent("talks", &lines);
    let gates = [r#"echo "the gate knows $AGENT_TOKEN too"; printf %s "$AGENT_TOKEN" | base64"#];
    let id = world.create(&world::request("secret", &repository, &agent, &gates)).await;
    assert_eq!(began.line().await, "began");
    let planted = Planted::new(value);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let found = planted.found_in(&line);
        assert!(found.is_empty(), "{found:?} in {}", String::from_utf8_lossy(&line));
    }
    go.say("on").await;
    world.ends(&id, State::Synced).await;
    let dir = world.dir().to_owned();
    // Everything on disk: logs, artifacts, captures, outbox, repositories. What the agent itself wrote into its workspace
    // is its own, and goes with it, as does git's list of the names there.
    let worker = world.settings.workers()[0].join("smith-secret-r1a1");
    let own = [worker.join("workspace"), worker.join("git/worktree.index")];
    let found = planted.found_below(&dir, &|path| own.iter().any(|own| path.starts_with(own)));
    assert!(found.is_empty(), "{found:#?}");
    let history = world.finish().await;
    assert_eq!(planted.found_in(&history.dump()), Vec::<&str>::new());
}

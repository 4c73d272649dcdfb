//! What is asked without attaching: runtime, command, detach; and who may ask.

use serde_json::json;

use super::*;

#[tokio::test]
async fn roles() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (vera, _) = lab.token(&process, "vera", Role::Viewer).await;
    let (status, answer) = process.ask(&vera, "GET", "runtime", "").await;
    assert_eq!((status, &answer["attachable"]), (200, &json!(true)), "{answer}");
    assert_eq!(answer["sessions"][0]["viewers"][0]["name"], "maria");
    for (path, body) in [
        ("control/attach", json!({})),
        ("control/command", json!({ "command": "id" })),
        ("control/detach", json!({})),
    ] {
        let (status, problem) = process.post(&vera, path, body).await;
        assert_eq!((status, &problem["code"]), (403, &json!("forbidden")), "{path}");
    }
    let caller = lab.caller(&process.app, &lab.admin).await;
    let scope = Scope::Projects(["elsewhere".parse().unwrap()].into());
    let request =
        TokenRequest { name: "eve".into(), role: Role::Operator, scope, expires_in: None };
    let eve = process.app.create_token(&caller, &request).await.unwrap().token;
    for path in ["control/attach", "control/command", "control/detach"] {
        let body = if path.ends_with("command") { json!({ "command": "id" }) } else { json!({}) };
        assert_eq!(process.post(&eve, path, body).await.0, 404, "{path}");
    }
    assert_eq!(process.ask(&eve, "GET", "runtime", "").await.0, 404);
    assert_eq!(lab.acts(&process).await, []);
}

#[tokio::test]
async fn a_command_is_recorded_before_and_after_and_ended_with_its_asker() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let line = "curl -H planted-secret x";
    let (status, answer) =
        process.post(&token, "control/command", json!({ "command": line })).await;
    assert_eq!((status, &answer["exit"]), (200, &json!({ "code": 3 })), "{answer}");
    assert_eq!(lab.worker.begun.lock().await.recv().await.unwrap(), line);
    let acts = lab.acts(&process).await;
    let actions: Vec<_> = acts.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(actions, ["terminal.command", "terminal.command.end"]);
    assert_eq!(acts[0].after["command"], "curl -H [redacted] x");
    assert_eq!(acts[1].after["exit"], json!({ "code": 3 }));
    let journal = lab.store.journal(&lab.id, 0, 100).await.unwrap().items;
    assert!(!serde_json::to_string(&journal).unwrap().contains("planted-secret"));

    let mut asker = TcpStream::connect(process.address).await.unwrap();
    let body = json!({ "command": "sleep for ever" }).to_string();
    let head = format!(
        "POST /v1/loops/a/control/command HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    asker.write_all(head.as_bytes()).await.unwrap();
    in_time(async { lab.worker.begun.lock().await.recv().await }).await.unwrap();
    drop(asker);
    in_time(async { lab.worker.hung_up.lock().await.recv().await }).await.unwrap();
    let acts = lab.recorded(&process, "terminal.command.end", 2).await;
    assert!(acts[3].after["failed"].as_str().unwrap().contains("nobody waited"), "{acts:?}");
}

#[tokio::test]
async fn commands_have_bounds() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    for (body, field) in [
        (json!({ "command": " " }), "command"),
        (json!({ "command": "x".repeat(5000) }), "command"),
        (json!({ "command": "a\u{1b}b" }), "command"),
        (json!({ "command": "id", "timeout_seconds": 601 }), "timeout_seconds"),
        (json!({ "command": "id", "timeout_seconds": 0 }), "timeout_seconds"),
    ] {
        let (status, problem) = process.post(&token, "control/command", body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    // The longest one fits into its records, whatever it is made of.
    let line = "\\\"\n\t".repeat(1000);
    let (status, _) = process.post(&token, "control/command", json!({ "command": line })).await;
    assert_eq!(status, 200);
    assert_eq!(lab.acts(&process).await[0].after["command"], line);
}

#[tokio::test]
async fn others_are_detached_by_admins_alone() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let (token, _) = lab.token(&process, "maria", Role::Operator).await;
    let detach = async |token: &str, body| process.post(token, "control/detach", body).await;
    let (status, problem) = detach(&token, json!({ "viewer": 2 })).await;
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
    let (status, problem) = detach(&token, json!({ "viewer": 7 })).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not-found")));
    assert_eq!(lab.acts(&process).await, []);
    let (status, answer) = detach(&token, json!({})).await;
    assert_eq!((status, &answer["detached"][0]["name"]), (200, &json!("maria")), "{answer}");
    let (status, answer) = detach(&lab.admin, json!({ "viewer": 2 })).await;
    assert_eq!((status, &answer["detached"][0]["name"]), (200, &json!("olaf")), "{answer}");
    let acts = lab.acts(&process).await;
    let seen: Vec<_> =
        acts.iter().map(|a| (a.actor.as_str(), &a.after["viewers"][0]["name"])).collect();
    assert_eq!(seen, [("maria", &json!("maria")), ("root", &json!("olaf"))]);
}

#[tokio::test]
async fn a_worker_that_is_gone_says_why() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let why = async || process.ask(&lab.admin, "GET", "runtime", "").await.1;
    let socket = lab.dir.path().join("workers/smith-a-r1a1/terminal.sock");
    std::fs::remove_file(&socket).unwrap();
    let answer = why().await;
    assert_eq!(answer["attachable"], false);
    assert!(
        answer["why"].as_str().unwrap().contains("doesn't serve its terminals yet"),
        "{answer}"
    );
    let (status, problem) = process.post(&lab.admin, "control/attach", json!({})).await;
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "it may come");
    std::fs::write(socket.with_file_name("exit.json"), r#"{"exit":{"code":0}}"#).unwrap();
    let (status, problem) = process.post(&lab.admin, "control/attach", json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not-attachable")), "{problem}");
    lab.store.drop_lock(&lab.id).await.unwrap();
    let answer = why().await;
    assert!(answer["why"].as_str().unwrap().contains("no worker has claimed r1a1"), "{answer}");
    let caller = lab.caller(&process.app, &lab.admin).await;
    let target = smith_model::api::TargetState::Cancelled;
    process.app.override_state(&caller, &lab.id, target, "enough", None).await.unwrap();
    let answer = why().await;
    assert!(answer["why"].as_str().unwrap().contains("is cancelled"), "{answer}");
}

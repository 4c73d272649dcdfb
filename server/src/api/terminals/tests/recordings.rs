//! What is kept of terminals: listed of the journal, page by page, and among the artifacts.

use smith_model::api::{ArtifactItem, Page, RecordingItem};
use smith_model::attempt::ArtifactRef;
use smith_model::id::{Digest, ProjectName};
use smith_model::story::DiffStat;
use smith_model::terminal::{Intervention, Recording};
use smith_model::worker::{EvidenceItem, EvidenceRequest, MOST_EVIDENCE_ITEMS};

use super::*;

/// More entries than one page looks through.
const CHATTER: usize = 1100;

fn artifact(of: &str) -> ArtifactRef {
    ArtifactRef { digest: Digest::of(of.as_bytes()), size: 7, omitted: 0 }
}

fn recording(segment: u32) -> Draft {
    let recording = Recording {
        session: Session::Agent,
        iteration: 3,
        generation: 1,
        segment,
        started_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        millis: 1500,
        artifact: artifact(&segment.to_string()),
    };
    Draft::info(Phase::Iteration, "recorded").with(Payload::Recording(recording))
}

fn intervention() -> Draft {
    let intervention = Intervention {
        by: "maria".into(),
        session: Session::Shell,
        from: "2026-01-02T03:04:05Z".parse().unwrap(),
        until: "2026-01-02T03:05:05Z".parse().unwrap(),
        typed: vec!["ls".into()],
        hidden: false,
        note: None,
        stat: DiffStat::default(),
        diff: Some(artifact("diff")),
    };
    Draft::info(Phase::Iteration, "typed").with(Payload::Intervention(intervention))
}

/// Recordings at the beginning, behind much chatter, and at the end.
async fn worked(lab: &Lab, app: &App) {
    let mut drafts = vec![recording(1)];
    drafts.extend((0..CHATTER).map(|n| Draft::info(Phase::Iteration, format!("chatter {n}"))));
    drafts.extend([recording(2), intervention(), recording(3)]);
    // As it claimed.
    let bearer = Bearer { loop_id: lab.id.clone(), no: NO, secret: "0".repeat(64) };
    let mut first = 1;
    for some in drafts.chunks(MOST_EVIDENCE_ITEMS) {
        let items = some.iter().cloned().map(EvidenceItem::Journal).collect();
        app.evidence(&bearer, &EvidenceRequest { first, items }).await.unwrap();
        first += some.len() as u64;
    }
}

#[tokio::test]
async fn recordings_are_listed_page_by_page_and_are_artifacts() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    worked(&lab, &process.app).await;
    let (token, _) = lab.token(&process, "vera", Role::Viewer).await;

    let (mut items, mut pages, mut path) = (vec![], 0, "recordings".to_owned());
    loop {
        let (status, answer) = process.ask(&token, "GET", &path, "").await;
        assert_eq!(status, 200, "{answer}");
        let page: Page<RecordingItem> = serde_json::from_value(answer).unwrap();
        items.extend(page.items);
        pages += 1;
        let Some(cursor) = page.cursor else { break };
        path = format!("recordings?cursor={cursor}");
    }
    assert_eq!(pages, 3, "each looks through a bounded piece");
    let parts: Vec<_> = items.iter().map(|item| (item.no, item.recording.segment)).collect();
    assert_eq!(parts, [(NO, 1), (NO, 2), (NO, 3)]);
    let journal = lab.store.journal(&lab.id, items[1].seq - 1, 1).await.unwrap().items;
    assert_eq!(
        journal[0].draft.payload,
        Some(Payload::Recording(items[1].recording.clone())),
        "its number is that of its entry"
    );

    let (_, answer) = process.ask(&token, "GET", "artifacts", "").await;
    let artifacts: Page<ArtifactItem> = serde_json::from_value(answer).unwrap();
    let named: Vec<_> =
        artifacts.items.iter().map(|item| (item.name.as_str(), item.iteration)).collect();
    let of_agent = ("recording", 3);
    assert_eq!(named, [of_agent, of_agent, ("intervention", 0), of_agent]);
    assert_eq!(artifacts.items[2].artifact, artifact("diff"));
    let head = lab.store.head(&lab.id).await.unwrap().unwrap();
    assert_eq!(head.artifact_bytes, 4 * 7, "they count against the loop's limit");
}

#[tokio::test]
async fn recordings_of_another_project_don_t_exist() {
    let lab = Lab::new().await;
    let process = lab.process().await;
    let caller = lab.caller(&process.app, &lab.admin).await;
    let elsewhere: ProjectName = "elsewhere".parse().unwrap();
    let scope = Scope::Projects([elsewhere].into());
    let request = TokenRequest { name: "otto".into(), role: Role::Viewer, scope, expires_in: None };
    let token = process.app.create_token(&caller, &request).await.unwrap().token;
    for path in ["recordings", "artifacts"] {
        let (status, answer) = process.ask(&token, "GET", path, "").await;
        assert_eq!((status, answer["code"].as_str()), (404, Some("not-found")), "{path}");
    }
    let (status, answer) = process.ask(&lab.admin, "GET", "recordings?cursor=x", "").await;
    assert_eq!(status, 400, "{answer}");
}

//! Where an attempt starts: the round's base with its dependencies, or the newest checkpoint.

use std::path::Path;
use std::sync::Arc;

use smith_failpoint as failpoint;
use smith_model::attempt::Checkpoint;
use smith_model::failure::FailureClass;
use smith_model::journal::{Draft, Level, Phase};
use smith_model::repository::Repository;
use smith_model::worker::{ClaimAnswer, EvidenceItem};

use crate::git::{BranchName, Clean, MergeError, RemoteError, Repo, Revision, Settings, Sha, Tree};
use crate::notes;
use crate::stories::{InRepository, PRD_PATH};
use crate::worker::{Stop, Worker, commit_id, identity, sha};
use crate::workspace;

/// The largest PRD file that is read.
const MOST_PRD: u64 = 4 * 1024 * 1024;

/// The repository, with a work tree to begin in.
#[derive(Debug)]
pub struct Ground {
    /// The repository; shared with who looks what changes while a person types.
    pub repo: Arc<Repo>,
    /// The loop's branch.
    pub branch: BranchName,
    /// The base with its dependencies merged in.
    pub start: Sha,
    /// The newest commit whose tree passed the gates, or the start.
    pub head: Sha,
    /// Its tree.
    pub head_tree: Tree,
    /// The repository's own PRD, as of the start.
    pub prd: InRepository,
}

/// Brings the repository in.
pub async fn checkout(worker: &Worker, claim: &ClaimAnswer) -> Result<Ground, Stop> {
    let repo = Arc::new(open(worker).await?);
    let base = base(worker, &repo, claim).await?;
    let _ = failpoint::hit!("replica.base.after");
    let start = dependencies(&repo, claim, base).await?;
    let branch = worker.spec.branch();
    let branch: BranchName = branch.parse().map_err(|e| Stop::environment(&e))?;
    let begin = match &claim.checkpoint {
        Some(checkpoint) => resume(worker, &repo, checkpoint, &start).await?,
        None => Begin::at(start.clone()),
    };
    let environment = |e: crate::git::CheckoutError| Stop::environment(&e);
    // The repository's own PRD is read where the round starts: a checkpoint's an agent may have written.
    let prd = if worker.spec.prd.is_some() {
        repo.checkout(&begin.tree_of, Clean::Everything).await.map_err(environment)?;
        InRepository::Absent
    } else {
        repo.checkout(&start, Clean::Everything).await.map_err(environment)?;
        let prd = read_prd(&repo);
        if begin.tree_of != start {
            repo.checkout(&begin.tree_of, Clean::KeepIgnored).await.map_err(environment)?;
        }
        prd
    };
    if repo.workspace().kind(Path::new(notes::DIRECTORY)).is_ok() {
        let why = format!(
            "the repository tracks {}, a directory that Smith keeps for itself: remove it from the repository",
            notes::DIRECTORY
        );
        return Err(Stop::failed(FailureClass::SpecInvalid, why));
    }
    let head_tree = repo.tree_of(&begin.head).await.map_err(|e| Stop::environment(&e))?;
    let _ = failpoint::hit!("replica.checkout.after");
    Ok(Ground { repo, branch, start, head: begin.head, head_tree, prd })
}

async fn open(worker: &Worker) -> Result<Repo, Stop> {
    let Repository::File(_) = &worker.spec.repository else {
        let why = format!(
            "{} can't be reached from this worker: only file repositories are supported so far",
            worker.spec.repository
        );
        return Err(Stop::failed(FailureClass::RepositoryFailed, why));
    };
    let remote = worker.spec.repository.url().parse().map_err(|e| Stop::repository(&e))?;
    let places = &worker.places;
    let repo = Repo::open_or_init(&places.git, &places.workspace, remote, Settings::default())
        .await
        .map_err(|e| Stop::environment(&e))?;
    // Smith's own files in the workspace are none of the repository's.
    let info = places.git.join("info");
    std::fs::create_dir_all(&info)
        .and_then(|()| std::fs::write(info.join("exclude"), format!("/{}/\n", notes::DIRECTORY)))
        .map_err(|e| Stop::environment(&e))?;
    Ok(repo)
}

/// The round's base: as recorded, or resolved now and recorded.
async fn base(worker: &Worker, repo: &Repo, claim: &ClaimAnswer) -> Result<Sha, Stop> {
    let failed = |e: RemoteError| Stop::repository(&e);
    if let Some(base) = &claim.base {
        let base = sha(base);
        repo.fetch_sha(&base).await.map_err(failed)?;
        return Ok(base);
    }
    let revision = match &worker.spec.reference {
        None => Revision::Head,
        Some(name) => name.parse().map_err(|e| Stop::repository(&e))?,
    };
    let base = repo.fetch_base(&revision).await.map_err(failed)?;
    worker.store(vec![EvidenceItem::Base { commit: commit_id(&base) }])?;
    Ok(base)
}

async fn dependencies(repo: &Repo, claim: &ClaimAnswer, base: Sha) -> Result<Sha, Stop> {
    let mut commits = vec![];
    for dependency in &claim.dependencies {
        let commit = sha(&dependency.commit);
        repo.fetch_sha(&commit).await.map_err(|e| Stop::repository(&e))?;
        commits.push(commit);
    }
    repo.merge_base_of(&commits, &base, &identity()).await.map_err(|error| {
        let (MergeError::Conflict { sha, .. } | MergeError::Unrelated { sha }) = &error else {
            return Stop::environment(&error);
        };
        let which = claim.dependencies.iter().find(|d| d.commit.as_str() == sha.as_str());
        let which = which.map_or(String::new(), |d| format!("{}: ", d.loop_id));
        Stop::failed(FailureClass::DependencyConflict, format!("{which}{error}"))
    })
}

/// Where to begin.
struct Begin {
    /// The newest certified commit, or the start.
    head: Sha,
    /// The commit whose tree is the work tree.
    tree_of: Sha,
}

impl Begin {
    fn at(commit: Sha) -> Self {
        Self { head: commit.clone(), tree_of: commit }
    }
}

async fn resume(
    worker: &Worker,
    repo: &Repo,
    checkpoint: &Checkpoint,
    start: &Sha,
) -> Result<Begin, Stop> {
    let commit = sha(&checkpoint.commit);
    repo.fetch_sha(&commit).await.map_err(|e| Stop::repository(&e))?;
    let git = |e: crate::git::CommandError| Stop::environment(&e);
    let short = &commit.as_str()[..12];
    if !checkpoint.wip {
        let draft = Draft::info(Phase::Checkout, format!("goes on from checkpoint {short}"));
        worker.say(draft)?;
        return Ok(Begin::at(commit));
    }
    // Work in progress is one commit on top of the last certified one, or of where it started.
    let mut log = repo.log(start, &commit, 2).await.map_err(git)?;
    let parent = match log.pop() {
        Some(parent) if !log.is_empty() => parent.sha,
        _ if repo.contains(&commit, start).await.map_err(git)? => start.clone(),
        _ => {
            let words = format!(
                "leaves the unfinished work of {short}: it was begun on another base than this round's"
            );
            worker.say(Draft::info(Phase::Checkout, words).at(Level::Warn))?;
            return Ok(Begin::at(start.clone()));
        }
    };
    let draft =
        Draft::info(Phase::Checkout, format!("goes on with the unfinished work of {short}"));
    worker.say(draft)?;
    Ok(Begin { head: parent, tree_of: commit })
}

fn read_prd(repo: &Repo) -> InRepository {
    match repo.workspace().read_bounded(Path::new(PRD_PATH), MOST_PRD) {
        Ok(bytes) => InRepository::parse(&bytes),
        Err(workspace::Error::NotFound { .. }) => InRepository::Absent,
        Err(error) => InRepository::Unusable(error.to_string()),
    }
}

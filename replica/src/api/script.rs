//! An API that follows a script, for the tests of what speaks to one.

use futures::stream;
use smith_model::problem::Code;

use super::*;

type Say<A, T> = Box<dyn Fn(A) -> Result<T, Error> + Send + Sync>;

/// What each call answers; the rest is refused.
pub(crate) struct Script {
    pub(crate) claim: Say<(), ClaimAnswer>,
    pub(crate) heartbeat: Say<HeartbeatRequest, HeartbeatAnswer>,
    pub(crate) directives: Box<dyn Fn() -> BoxStream<'static, Directive> + Send + Sync>,
    pub(crate) evidence: Say<EvidenceRequest, EvidenceAnswer>,
    pub(crate) put_artifact: Say<(Digest, PathBuf), ()>,
    pub(crate) publish: Say<PublishRequest, ()>,
    pub(crate) finish: Say<FinishRequest, FinishAnswer>,
}

fn no<A, T>() -> Say<A, T> {
    Box::new(|_| Err(Error::Refused(Box::new(Problem::new(Code::NotFound, "not in the script")))))
}

impl Default for Script {
    fn default() -> Self {
        Self {
            claim: no(),
            heartbeat: no(),
            directives: Box::new(|| stream::pending().boxed()),
            evidence: no(),
            put_artifact: no(),
            publish: no(),
            finish: no(),
        }
    }
}

/// Answers as its script says.
pub(crate) struct Stub(Script);

impl Stub {
    pub(crate) fn new(script: Script) -> Self {
        Self(script)
    }
}

impl Api for Stub {
    fn claim(&self) -> Answer<'_, ClaimAnswer> {
        Box::pin(async { (self.0.claim)(()) })
    }

    fn heartbeat(&self, request: HeartbeatRequest) -> Answer<'_, HeartbeatAnswer> {
        Box::pin(async { (self.0.heartbeat)(request) })
    }

    fn directives(&self) -> Answer<'_, BoxStream<'static, Directive>> {
        Box::pin(async { Ok((self.0.directives)()) })
    }

    fn evidence(&self, request: EvidenceRequest) -> Answer<'_, EvidenceAnswer> {
        Box::pin(async { (self.0.evidence)(request) })
    }

    fn put_artifact(&self, digest: Digest, file: PathBuf) -> Answer<'_, ()> {
        Box::pin(async { (self.0.put_artifact)((digest, file)) })
    }

    fn publish(&self, request: PublishRequest) -> Answer<'_, ()> {
        Box::pin(async { (self.0.publish)(request) })
    }

    fn finish(&self, request: FinishRequest) -> Answer<'_, FinishAnswer> {
        Box::pin(async { (self.0.finish)(request) })
    }
}

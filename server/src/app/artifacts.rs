//! Reading an artifact of a loop.

use bytes::Bytes;
use smith_model::id::{Digest, LoopId};
use smith_model::problem::{Code, Problem};

use super::{App, Caller, Error};

impl App {
    /// The bytes of an artifact that was stored for the loop.
    pub async fn artifact(
        &self,
        caller: &Caller,
        id: &LoopId,
        digest: &Digest,
    ) -> Result<Bytes, Error> {
        let state = self.visible(caller, id).await?;
        match self.artifacts.get(state.uid, digest).await? {
            Some(bytes) => Ok(bytes),
            None => {
                let detail = format!("loop {id} has no artifact {digest}");
                Err(Problem::new(Code::NotFound, detail).into())
            }
        }
    }
}

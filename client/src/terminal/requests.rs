//! What is asked about terminals in single requests.

use std::time::Duration;

use reqwest::Method;
use smith_model::id::LoopId;
use smith_model::terminal::{
    AttachAnswer, AttachRequest, CommandAnswer, CommandRequest, DetachAnswer, DetachRequest,
    RuntimeAnswer,
};

use crate::transport::Call;
use crate::{Client, Error};

/// Seconds that the server gives a command where it isn't said.
const COMMAND_SECONDS: u32 = 60;

/// What the answer to a command may take beyond the command's own time.
const COMMAND_SLACK: Duration = Duration::from_secs(30);

impl Client {
    /// Whether and why (not) a loop's worker can be attached to, and who is.
    pub async fn runtime(&self, id: &LoopId) -> Result<RuntimeAnswer, Error> {
        self.json(self.of(id, ["runtime"]), "a runtime").await
    }

    /// Runs one command line in the workspace. It is ended when this is dropped.
    pub async fn command(
        &self,
        id: &LoopId,
        request: &CommandRequest,
    ) -> Result<CommandAnswer, Error> {
        let seconds = request.timeout_seconds.unwrap_or(COMMAND_SECONDS);
        let within = Duration::from_secs(seconds.into()) + COMMAND_SLACK;
        let call = self.control(id, "command").body(request).within(within);
        self.json(call, "a command's end").await
    }

    /// Ends attachments: one, or all of one's own.
    pub async fn detach(
        &self,
        id: &LoopId,
        request: &DetachRequest,
    ) -> Result<DetachAnswer, Error> {
        self.json(self.control(id, "detach").body(request), "who was detached").await
    }

    /// A ticket for a terminal; see [`Client::terminal`], which asks for its own.
    pub async fn ticket(
        &self,
        id: &LoopId,
        request: &AttachRequest,
    ) -> Result<AttachAnswer, Error> {
        self.json(self.control(id, "attach").body(request), "a ticket").await
    }

    fn control(&self, id: &LoopId, act: &str) -> Call {
        self.act(Method::POST, ["v1", "loops", id.as_str(), "control", act])
    }
}

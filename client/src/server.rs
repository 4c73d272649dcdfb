//! What the server says of itself, and of who asks.

use smith_model::access::Identity;
use smith_model::api::VersionInfo;

use crate::{Client, Error};

impl Client {
    /// Whose token this is, and what it may do.
    pub async fn whoami(&self) -> Result<Identity, Error> {
        self.json(self.get(["v1", "whoami"]), "an identity").await
    }

    /// The server's version.
    pub async fn version(&self) -> Result<VersionInfo, Error> {
        self.json(self.get(["v1", "version"]), "a version").await
    }

    /// Does the process answer?
    pub async fn healthy(&self) -> Result<(), Error> {
        self.done(self.get(["healthz"])).await
    }

    /// Can it serve?
    pub async fn ready(&self) -> Result<(), Error> {
        self.done(self.get(["readyz"])).await
    }
}

//! Load: the same operation again and again, by so many clients at once, for so long.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use super::stats::{Samples, millis};

/// What one client does again and again.
pub trait Operation: Send + 'static {
    /// Once.
    fn once(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Operations a second.
    pub rate: f64,
    /// How long each took.
    pub took: Samples,
}

/// Drives `clients`, all at once, for `span`. The first error ends it.
pub async fn drive<O: Operation>(clients: Vec<O>, span: Duration) -> Result<(Load, Vec<O>)> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move {
            let mut took = vec![];
            while begun.elapsed() < span {
                let start = Instant::now();
                client.once().await?;
                took.push(millis(start.elapsed()));
            }
            anyhow::Ok((took, client))
        });
    }
    let (mut all, mut clients) = (vec![], vec![]);
    while let Some(done) = tasks.join_next().await {
        let (took, client) = done??;
        all.extend(took);
        clients.push(client);
    }
    let rate = all.len() as f64 / begun.elapsed().as_secs_f64();
    Ok((Load { rate, took: Samples::new(all) }, clients))
}

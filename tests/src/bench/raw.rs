//! The peer: the same writes, straight to the same etcd.
//!
//! What Smith writes in one transaction is read back by its revision, and written again under keys and
//! with values of the same sizes. The prefix of what is written again must have more than ten characters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use etcd_client::{Client, Compare, CompareOp, GetOptions, KvClient, Txn, TxnOp};

use super::load::Operation;

/// The keys and values of one transaction.
#[derive(Debug)]
pub struct Writes {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Writes {
    /// What the newest transaction below a prefix wrote.
    pub async fn newest(client: &Client, prefix: &str) -> Result<Self> {
        let mut kv = client.kv_client();
        let newest = GetOptions::new()
            .with_prefix()
            .with_sort(etcd_client::SortTarget::Mod, etcd_client::SortOrder::Descend)
            .with_limit(1);
        let answer = kv.get(prefix, Some(newest)).await?;
        let revision = answer.kvs().first().context("nothing was written")?.mod_revision();
        let all = GetOptions::new()
            .with_prefix()
            .with_min_mod_revision(revision)
            .with_max_mod_revision(revision);
        let answer = kv.get(prefix, Some(all)).await?;
        let pairs = answer.kvs().iter().map(|kv| (kv.key().to_vec(), kv.value().to_vec()));
        Ok(Self { pairs: pairs.collect() })
    }

    /// How many keys, and how many bytes of keys and values.
    pub fn size(&self) -> (usize, usize) {
        let bytes = self.pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
        (self.pairs.len(), bytes)
    }

    /// The same under new keys: a number stands where the prefix was.
    fn again(&self, n: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let number = format!("{n:010}").into_bytes();
        let renamed = self.pairs.iter().map(|(key, value)| {
            let mut key = key.clone();
            key[1..=number.len()].copy_from_slice(&number);
            (key, value.clone())
        });
        renamed.collect()
    }
}

/// Writes the same again and again, each time in one transaction.
pub struct RawTxn {
    kv: KvClient,
    writes: Arc<Writes>,
    counter: Arc<AtomicU64>,
    /// How many of the keys must not be there before.
    absent: usize,
}

impl RawTxn {
    /// `n` clients of one connection.
    pub fn clients(
        client: &Client,
        writes: &Arc<Writes>,
        counter: &Arc<AtomicU64>,
        absent: usize,
        n: usize,
    ) -> Vec<Self> {
        let one = || Self {
            kv: client.kv_client(),
            writes: writes.clone(),
            counter: counter.clone(),
            absent,
        };
        (0..n).map(|_| one()).collect()
    }
}

impl Operation for RawTxn {
    async fn once(&mut self) -> Result<()> {
        let pairs = self.writes.again(self.counter.fetch_add(1, Ordering::Relaxed));
        let absent = pairs.iter().take(self.absent);
        let compares: Vec<Compare> =
            absent.map(|(key, _)| Compare::version(key.clone(), CompareOp::Equal, 0)).collect();
        let puts: Vec<TxnOp> =
            pairs.into_iter().map(|(key, value)| TxnOp::put(key, value, None)).collect();
        let answer = self.kv.txn(Txn::new().when(compares).and_then(puts)).await?;
        if !answer.succeeded() {
            bail!("a key was there already");
        }
        Ok(())
    }
}

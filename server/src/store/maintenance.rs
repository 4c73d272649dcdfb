//! Room in etcd: how full it is, compaction, defragmentation, and the alarm after a full one was cleared.

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions};

use super::{Error, Store};

/// How full the store is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes of it that are in use; the rest is given back by defragmentation.
    pub used: u64,
    /// Bytes that the file may take.
    pub quota: u64,
    /// Whether writes are refused.
    pub full: bool,
}

/// Above this part of the quota nothing new is begun, so that what runs can still write its evidence.
const BEGIN_BELOW: f64 = 0.8;

/// Above this part no excerpts of output are kept: what is left is for steps, iterations and handoffs.
const EXCERPTS_BELOW: f64 = 0.9;

impl Fill {
    /// Is there room for what begins anew?
    pub fn has_room(&self) -> bool {
        self.is_below(BEGIN_BELOW)
    }

    /// Is there room for what can be left out?
    pub fn has_room_for_excerpts(&self) -> bool {
        self.is_below(EXCERPTS_BELOW)
    }

    fn is_below(&self, part: f64) -> bool {
        !self.full && self.used as f64 <= part * self.quota as f64
    }
}

impl Store {
    /// How full the member is that answers.
    pub async fn fill(&self) -> Result<Fill, Error> {
        let mut client = self.client.clone();
        let status = client.status().await;
        let status = status.map_err(|source| Error::unavailable("read etcd's status", source))?;
        let alarms = client.alarm(AlarmAction::Get, AlarmType::Nospace, None).await;
        let alarms = alarms.map_err(|source| Error::unavailable("read etcd's alarms", source))?;
        Ok(Fill {
            file: u64::try_from(status.db_size()).unwrap_or(0),
            used: u64::try_from(status.raft_used_db_size()).unwrap_or(0),
            // etcd tells its own from version 3.6 on.
            quota: match u64::try_from(status.db_size_quota()) {
                Ok(told) if told > 0 => told,
                Ok(_) | Err(_) => self.quota,
            },
            full: !alarms.alarms().is_empty(),
        })
    }

    /// Drops history before a revision.
    pub async fn compact(&self, revision: i64) -> Result<(), Error> {
        let options = CompactionOptions::new().with_physical();
        match self.client.clone().compact(revision, Some(options)).await {
            Ok(_) => Ok(()),
            Err(source) => match Error::unavailable("compact", source) {
                // Another process was there before.
                Error::Compacted { .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Gives back the unused part of the file, then clears the alarm of a full store.
    pub async fn make_room(&self) -> Result<(), Error> {
        let mut client = self.client.clone();
        let done = client.defragment().await;
        done.map_err(|source| Error::unavailable("defragment", source))?;
        let alarms = client.alarm(AlarmAction::Get, AlarmType::Nospace, None).await;
        let alarms = alarms.map_err(|source| Error::unavailable("read etcd's alarms", source))?;
        for alarm in alarms.alarms() {
            // An alarm is its member's: without its number etcd clears none, and says that it did.
            let mut member = AlarmOptions::new();
            member.with_member(alarm.member_id());
            let done =
                client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(member)).await;
            done.map_err(|source| Error::unavailable("clear etcd's alarm", source))?;
        }
        Ok(())
    }

    /// Which etcd answers (its cluster id), and its current revision.
    pub async fn position(&self) -> Result<(u64, i64), Error> {
        let answer = self.kv().get(self.keys.installation(), None).await;
        let answer = answer.map_err(|source| Error::unavailable("read the revision", source))?;
        let cluster = answer.header().map_or(0, etcd_client::ResponseHeader::cluster_id);
        Ok((cluster, super::change::revision(answer.header())))
    }

    /// The current revision.
    pub async fn revision(&self) -> Result<i64, Error> {
        let answer = self.kv().get(self.keys.installation(), None).await;
        let answer = answer.map_err(|source| Error::unavailable("read the revision", source))?;
        Ok(super::change::revision(answer.header()))
    }
}

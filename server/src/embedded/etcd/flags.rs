//! etcd's command line.

use std::ffi::OsString;

use super::EtcdConfig;
use crate::embedded::certs::Certs;
use crate::embedded::ports::Ports;
use crate::embedded::state_dir::StateDir;

/// Where clients reach it.
pub(super) fn client_url(ports: &Ports) -> String {
    format!("https://127.0.0.1:{}", ports.etcd_client)
}

/// The argument by which an etcd on this data is recognised.
pub(super) fn data_dir(state: &StateDir) -> OsString {
    flag("--data-dir", state.etcd_data())
}

fn flag(name: &str, value: impl Into<OsString>) -> OsString {
    let mut flag = OsString::from(name);
    flag.push("=");
    flag.push(value.into());
    flag
}

/// All arguments, in a fixed order: an orphan with any other is not taken over.
pub(super) fn all(
    state: &StateDir,
    ports: &Ports,
    config: &EtcdConfig,
    certs: &Certs,
) -> Vec<OsString> {
    let client = client_url(ports);
    let peer = format!("https://127.0.0.1:{}", ports.etcd_peer);
    vec![
        data_dir(state),
        flag("--name", "smithd"),
        flag("--initial-cluster-token", "smithd"),
        flag("--initial-cluster", format!("smithd={peer}")),
        flag("--initial-advertise-peer-urls", &peer),
        flag("--listen-peer-urls", peer),
        flag("--listen-client-urls", &client),
        flag("--advertise-client-urls", client),
        flag("--trusted-ca-file", certs.ca_file()),
        flag("--cert-file", certs.server_file()),
        flag("--key-file", certs.server_key_file()),
        flag("--client-cert-auth", "true"),
        flag("--peer-trusted-ca-file", certs.ca_file()),
        flag("--peer-cert-file", certs.server_file()),
        flag("--peer-key-file", certs.server_key_file()),
        flag("--peer-client-cert-auth", "true"),
        flag("--quota-backend-bytes", config.quota_backend_bytes.to_string()),
        flag("--max-request-bytes", config.max_request_bytes.to_string()),
        // By time and not by a number of revisions: a client that was away, or a stream to be resumed,
        // needs the last hour whether it held ten changes or a million. (etcd counts the hour from its
        // own start, so a smithd that never runs that long compacts only when the core does.)
        flag("--auto-compaction-mode", "periodic"),
        flag("--auto-compaction-retention", "1h"),
        // 3.4's default keeps ten times as many entries in memory.
        flag("--snapshot-count", "10000"),
        // A single member that starts again waits out one to two election timeouts before it leads: with
        // the default of 1 s that is most of smithd's start. There is no network between members here
        // for which a longer one would be right. (It also makes 1 s the shortest lease instead of 2 s.)
        flag("--heartbeat-interval", "50"),
        flag("--election-timeout", "250"),
        // Nothing here speaks JSON over HTTP to etcd.
        flag("--enable-grpc-gateway", "false"),
        flag("--logger", "zap"),
        flag("--log-outputs", "stderr"),
    ]
}

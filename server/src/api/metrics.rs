//! Metrics in the Prometheus text format, on a listener of their own, so that they need no token and are
//! not reachable where the API is.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, header};
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use smith_model::state::State;

use crate::app::App;

/// How long etcd may be away before a process counts as not ready.
pub const READY_GRACE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// Everything that this process counts.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    loops: Family<StateLabels, Gauge>,
    view_revision: Gauge,
    terminals: Gauge,
    app: App,
}

impl Metrics {
    /// Counts requests and loops.
    pub fn new(app: App) -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        let latency = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.0005, 2.0, 14))
        });
        let loops = Family::<StateLabels, Gauge>::default();
        let view_revision = Gauge::default();
        registry.register("smith_http_requests", "Requests answered", requests.clone());
        let help = "Seconds from request to the head of the answer";
        registry.register("smith_http_request_seconds", help, latency.clone());
        registry.register("smith_loops", "Loops by state", loops.clone());
        let help = "The newest revision of etcd that this process has seen";
        registry.register("smith_view_revision", help, view_revision.clone());
        let terminals = Gauge::default();
        let help = "Terminals of workers that are open through this process";
        registry.register("smith_open_terminals", help, terminals.clone());
        let registry = Mutex::new(registry);
        Self { registry, requests, latency, loops, view_revision, terminals, app }
    }

    /// Counts an answered request. `route` is the pattern, so that ids don't become labels.
    pub fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_string(), route.to_owned());
        let labels = RouteLabels { route: route.clone() };
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
        self.latency.get_or_create(&labels).observe(took.as_secs_f64());
    }

    fn render(&self) -> String {
        let counts = self.app.view().counts();
        for state in State::ALL {
            let n = counts.get(&state).copied().unwrap_or(0);
            let labels = StateLabels { state: state.as_str() };
            self.loops.get_or_create(&labels).set(i64::try_from(n).unwrap_or(i64::MAX));
        }
        self.view_revision.set(self.app.view().revision().0);
        let open = self.app.open_terminals();
        self.terminals.set(i64::try_from(open).unwrap_or(i64::MAX));
        let mut out = String::new();
        let registry = self.registry.lock().unwrap_or_else(|e| e.into_inner());
        text::encode(&mut out, &registry).expect("a String takes every write");
        out
    }
}

/// `/metrics` and nothing else.
pub fn router(metrics: std::sync::Arc<Metrics>) -> Router {
    let handler = move || async move {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], metrics.render())
    };
    Router::new().route("/metrics", get(handler))
}

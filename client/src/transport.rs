//! How a call becomes a request, and an answer a value or an [`Error`].

use std::sync::{Arc, Once};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use smith_model::id::Revision;
use smith_model::problem::Problem;
use url::{Host, Url};

use crate::config::{Config, Proxy, Retries};
use crate::{Error, Secret};

/// A connection to one server with one credential. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    /// For WebSockets, which are an upgrade of HTTP/1.1.
    upgrading: reqwest::Client,
    base: Url,
    server: String,
    bearer: Option<HeaderValue>,
    timeout: Duration,
    transfer_timeout: Duration,
    silence: Duration,
    retries: Retries,
}

/// May a call be sent again when its answer was lost?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A read, or a create under a key: the second one does nothing that the first one didn't.
    Safe,
    /// The caller has to decide.
    Never,
}

/// A call before it is sent, so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    repeat: Repeat,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Bytes),
    Raw(Bytes),
}

static CRYPTO: Once = Once::new();

impl Client {
    /// Sets up a client; nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, Error> {
        let Config {
            server,
            token,
            user_agent,
            connect_timeout,
            timeout,
            transfer_timeout,
            silence,
            retries,
            proxy,
        } = config;
        let base = base(&server)?;
        // The process may have chosen a provider itself, which is as good.
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        // Images without a CA bundle are usual; the roots are compiled in.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::Setup)?;
        let http = || {
            let http = reqwest::Client::builder()
                .user_agent(&user_agent)
                .tls_certs_only(roots.clone())
                .connect_timeout(connect_timeout)
                // A redirect of a POST is a GET, and one to elsewhere would take the token along.
                .redirect(reqwest::redirect::Policy::none());
            if proxy == Proxy::Direct || is_here(&base) { http.no_proxy() } else { http }
        };
        let upgrading = http().http1_only().build().map_err(Error::Setup)?;
        let http = http().build().map_err(Error::Setup)?;
        let bearer = token.as_ref().map(bearer).transpose()?;
        let server = base.as_str().trim_end_matches('/').to_owned();
        let inner = Inner {
            http,
            upgrading,
            base,
            server,
            bearer,
            timeout,
            transfer_timeout,
            silence,
            retries,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The server's address, as it stands in errors.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// The same server and settings with another credential.
    pub(crate) fn bearing(&self, token: &Secret) -> Result<Self, Error> {
        let inner = &*self.inner;
        let inner = Inner {
            http: inner.http.clone(),
            upgrading: inner.upgrading.clone(),
            base: inner.base.clone(),
            server: inner.server.clone(),
            bearer: Some(bearer(token)?),
            ..*inner
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn silence(&self) -> Duration {
        self.inner.silence
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    /// A read of a path, given by its segments; each is escaped.
    pub(crate) fn get<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Call {
        self.call(Method::GET, Repeat::Safe, segments)
    }

    /// A change, which is never repeated by itself.
    pub(crate) fn act<'a>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = &'a str>,
    ) -> Call {
        self.call(method, Repeat::Never, segments)
    }

    fn call<'a>(
        &self,
        method: Method,
        repeat: Repeat,
        segments: impl IntoIterator<Item = &'a str>,
    ) -> Call {
        let mut url = self.inner.base.clone();
        url.path_segments_mut().expect("checked by `base`").pop_if_empty().extend(segments);
        let timeout = self.inner.timeout;
        Call { method, url, repeat, headers: HeaderMap::new(), body: Body::None, timeout }
    }

    /// Sends a call and reads its answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        expected: &'static str,
    ) -> Result<T, Error> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.malformed(expected, error))
    }

    /// Sends a call whose answer doesn't matter.
    pub(crate) async fn done(&self, call: Call) -> Result<(), Error> {
        self.bytes(call).await.map(drop)
    }

    /// Sends a call and reads its whole answer.
    pub(crate) async fn bytes(&self, call: Call) -> Result<Bytes, Error> {
        let once = || async {
            let response = self.send(&call, Some(call.timeout)).await?;
            response.bytes().await.map_err(|error| self.lost(error, call.timeout))
        };
        let Retries { most, first, longest } = self.inner.retries;
        if call.repeat == Repeat::Never || most == 0 {
            return once().await;
        }
        let backoff = ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(longest)
            .with_max_times(most)
            .with_jitter();
        once.retry(backoff)
            .when(Error::worth_repeating)
            .adjust(|error, wait| {
                let wait = wait?;
                match error.retry_after() {
                    Some(asked) if asked > longest => None,
                    Some(asked) => Some(asked.max(wait)),
                    None => Some(wait),
                }
            })
            .notify(|error, wait| tracing::debug!(%error, ?wait, "trying again"))
            .await
    }

    /// Sends a call once and reads its answer's head; what isn't a success is an error.
    pub(crate) async fn send(
        &self,
        call: &Call,
        timeout: Option<Duration>,
    ) -> Result<Response, Error> {
        let sent = self.request(call, timeout).send().await;
        let response = sent.map_err(|error| self.lost(error, call.timeout))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    /// Asks for an upgrade of the connection; anything but `101` is an error. What it is asked for, and let in by, stands
    /// in the call's headers: the token isn't sent along.
    pub(crate) async fn upgrade(&self, call: &Call) -> Result<Response, Error> {
        let upgrading = &self.inner.upgrading;
        let request = upgrading.get(call.url.clone()).headers(call.headers.clone());
        let after = self.inner.timeout;
        // The head has to come in time; what follows it may go on for ever.
        let sent = tokio::time::timeout(after, request.send()).await;
        let server = || self.inner.server.clone();
        let sent = sent.map_err(|_| Error::TimedOut { server: server(), after })?;
        let response = sent.map_err(|error| self.lost(error, after))?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => Ok(response),
            status if status.is_success() => Err(self.not_smith(status, b"(no upgrade)")),
            _ => Err(self.refusal(response).await),
        }
    }

    fn request(&self, call: &Call, timeout: Option<Duration>) -> RequestBuilder {
        let Inner { http, bearer, .. } = &*self.inner;
        let mut request = http.request(call.method.clone(), call.url.clone());
        request = request.headers(call.headers.clone());
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        match call.body.clone() {
            Body::None => request,
            Body::Json(bytes) => request.header(CONTENT_TYPE, "application/json").body(bytes),
            Body::Raw(bytes) => {
                request.header(CONTENT_TYPE, "application/octet-stream").body(bytes)
            }
        }
    }

    pub(crate) fn lost(&self, error: reqwest::Error, after: Duration) -> Error {
        let server = self.inner.server.clone();
        let source = error.without_url();
        if source.is_timeout() && !source.is_connect() {
            Error::TimedOut { server, after }
        } else {
            Error::Unreachable { server, source }
        }
    }

    pub(crate) fn malformed(&self, expected: &'static str, detail: impl ToString) -> Error {
        Error::Malformed { server: self.inner.server.clone(), expected, detail: detail.to_string() }
    }

    async fn refusal(&self, response: Response) -> Error {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return self.lost(error, self.inner.timeout),
        };
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Error::Problem { problem: Box::new(problem), retry_after },
            Err(_) => self.not_smith(status, &bytes),
        }
    }

    pub(crate) fn not_smith(&self, status: StatusCode, body: &[u8]) -> Error {
        let beginning = String::from_utf8_lossy(&body[..body.len().min(400)]);
        let beginning = beginning.chars().take(80).collect();
        Error::NotSmith { server: self.inner.server.clone(), status: status.as_u16(), beginning }
    }
}

impl Call {
    /// With a query; pairs whose value is `None` are left out.
    pub(crate) fn query<'a>(
        mut self,
        pairs: impl IntoIterator<Item = (&'a str, Option<String>)>,
    ) -> Self {
        let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let given: Vec<_> = given.collect();
        if !given.is_empty() {
            self.url.query_pairs_mut().extend_pairs(given);
        }
        self
    }

    /// With a JSON body.
    pub(crate) fn body(mut self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("wire types serialize");
        self.body = Body::Json(bytes.into());
        self
    }

    /// With bytes as they are, and time to send them.
    pub(crate) fn raw(mut self, client: &Client, bytes: Bytes) -> Self {
        self.body = Body::Raw(bytes);
        self.transfer(client)
    }

    /// With time for a large answer.
    pub(crate) fn transfer(mut self, client: &Client) -> Self {
        self.timeout = client.inner.transfer_timeout;
        self
    }

    /// With at least so much time for its answer.
    pub(crate) fn within(mut self, least: Duration) -> Self {
        self.timeout = self.timeout.max(least);
        self
    }

    /// With a header; a value that can't be one is left out, which the server then misses.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Only if the thing still has this revision.
    pub(crate) fn if_match(self, revision: Option<Revision>) -> Self {
        match revision {
            Some(revision) => self.header("if-match", &format!("\"{revision}\"")),
            None => self,
        }
    }

    /// Safe to repeat: it is under an idempotency key.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }
}

fn base(server: &str) -> Result<Url, Error> {
    let invalid = |rule: &str| Error::InvalidServer {
        // What stands before an @ is a credential.
        given: server.rsplit('@').next().unwrap_or_default().chars().take(200).collect(),
        rule: rule.to_owned(),
    };
    let url = Url::parse(server.trim())
        .map_err(|error| invalid(&format!("{error}; write it like https://smith.example.org")))?;
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        return Err(invalid("it has to begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a user or password doesn't belong into it; use a token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("a query or fragment doesn't belong into it"));
    }
    Ok(url)
}

/// Is it on this machine?
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
    let mut value = value.map_err(|_| Error::InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;

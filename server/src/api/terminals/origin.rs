//! Which web pages may open a terminal. A browser says by `Origin` whose page it is; other programs say nothing.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use smith_model::problem::Code;

use crate::api::error::ApiError;

/// Refuses pages that are neither the API's own nor allowed.
pub(super) fn check(headers: &HeaderMap, uri: &Uri, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(|authority| authority.as_str()));
    if is_allowed(&origin, host, allowed) {
        return Ok(());
    }
    let detail = format!(
        "pages of {:?} may not open terminals: serve them with the API, or allow them with --allow-origin",
        origin.chars().take(200).collect::<String>()
    );
    Err(ApiError::new(Code::Forbidden, detail))
}

fn is_allowed(origin: &str, host: Option<&str>, allowed: &[String]) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let own = authority.zip(host).is_some_and(|(page, own)| page.eq_ignore_ascii_case(own));
    own || allowed.iter().any(|allowed| allowed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_pages_and_allowed_ones() {
        let allowed = ["https://console.example.org".to_owned()];
        for (origin, host, expected) in [
            ("http://127.0.0.1:8080", Some("127.0.0.1:8080"), true),
            ("https://smith.example.org", Some("Smith.Example.org"), true),
            ("https://console.example.org", Some("smith.example.org"), true),
            ("http://console.example.org", Some("smith.example.org"), false),
            ("http://127.0.0.1:9999", Some("127.0.0.1:8080"), false),
            ("https://smith.example.org.evil.example", Some("smith.example.org"), false),
            ("null", Some("smith.example.org"), false),
            ("", Some(""), false),
            ("https://", None, false),
        ] {
            assert_eq!(is_allowed(origin, host, &allowed), expected, "{origin} at {host:?}");
        }
    }
}

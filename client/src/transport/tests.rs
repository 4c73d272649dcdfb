//! What can be known of a call before it is sent.

use super::*;

fn client(server: &str) -> Client {
    Client::new(Config::new(server, "test")).unwrap()
}

#[test]
fn every_segment_is_escaped_and_the_base_s_path_is_kept() {
    let check = |server: &str, segments: &[&str], expected: &str| {
        let call = client(server).get(segments.iter().copied());
        assert_eq!(call.url.as_str(), expected);
    };
    check("http://h:1", &["v1", "loops"], "http://h:1/v1/loops");
    check("http://h/smith/", &["v1"], "http://h/smith/v1");
    check("http://h/smith", &["v1"], "http://h/smith/v1");
    check("http://h", &["a/b?c#d e", "ä"], "http://h/a%2Fb%3Fc%23d%20e/%C3%A4");
}

#[test]
fn a_query_leaves_out_what_isn_t_given() {
    let call = client("http://h").get(["v1"]);
    let call = call.query([("a", Some("x&y=ü".into())), ("b", None)]);
    assert_eq!(call.url.as_str(), "http://h/v1?a=x%26y%3D%C3%BC");
    assert_eq!(client("http://h").get(["v1"]).query([("b", None)]).url.as_str(), "http://h/v1");
}

#[test]
fn a_server_s_address_is_checked_and_shows_no_password() {
    let check = |server: &str, expected: &str| {
        let error = Client::new(Config::new(server, "test")).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    };
    check("localhost:8080", "begin with https://");
    check("not a url", "write it like");
    check("ftp://h", "begin with https://");
    check("http://me:hunter2@h", "use a token");
    check("http://h?x=1", "a query");
}

#[test]
fn a_token_that_is_no_header_is_refused_and_a_good_one_is_hidden() {
    let with =
        |token: &str| Client::new(Config::new("http://h", "t").with_token(Secret::new(token)));
    assert!(matches!(with("a\nb"), Err(Error::InvalidToken)));
    let client = with("hunter2").unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
}

#[test]
fn only_servers_on_this_machine_are_here() {
    for (server, expected) in [
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://localhost", true),
        ("http://smith.localhost", true),
        ("http://10.0.0.1", false),
        ("http://localhost.example.org", false),
    ] {
        assert_eq!(is_here(&base(server).unwrap()), expected, "{server}");
    }
}

#[tokio::test]
async fn a_server_that_isn_t_there_is_unreachable_after_bounded_retries() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut config = Config::new(&server, "test");
    config.retries =
        Retries { most: 2, first: Duration::from_millis(1), longest: Duration::from_millis(2) };
    let client = Client::new(config).unwrap();
    let error = client.done(client.get(["v1"])).await.expect_err("refused");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.may_pass());
}

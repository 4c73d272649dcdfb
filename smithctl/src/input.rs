//! What people hand in: files, standard input, `@file`.

use std::path::Path;

use serde_json::Value;

use crate::error::Error;

/// The most bytes that are read.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// The text of a file; `-` is standard input.
pub(crate) async fn text(name: &str) -> Result<String, Error> {
    let bytes = match name {
        "-" => {
            // On a thread of its own, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(|| read_all(std::io::stdin().lock())).await;
            read.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        }
        path => std::fs::File::open(path).and_then(read_all),
    };
    let shown = if name == "-" { "standard input" } else { name };
    let bytes = bytes.map_err(|error| Error::usage(format!("can't read {shown}: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::usage(format!("{shown} is larger than {MOST_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("{shown} isn't UTF-8 text")))
}

fn read_all(from: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = vec![];
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text itself, or that of `@file`, or standard input for `-`.
pub(crate) async fn words(given: &str) -> Result<String, Error> {
    match given.strip_prefix('@') {
        Some(path) => text(path).await,
        None if given == "-" => text("-").await,
        None => Ok(given.to_owned()),
    }
}

/// A document in JSON or YAML. `yes` and `no` stay words.
pub(crate) fn document(name: &str, text: &str) -> Result<Value, Error> {
    let is_json = Path::new(name).extension().is_some_and(|ending| ending == "json");
    if is_json || text.trim_start().starts_with(['{', '[']) {
        let parsed = serde_json::from_str(text);
        return parsed.map_err(|error| Error::usage(format!("{name} isn't JSON: {error}")));
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let parsed = serde_saphyr::from_str_with_options(text, options);
    parsed.map_err(|error| Error::usage(format!("{name} isn't YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_are_read_and_mistakes_named() {
        let json = document("a.json", r#"{"title": "x"}"#).unwrap();
        let yaml = document("a.yaml", "title: x\n").unwrap();
        assert_eq!(json, yaml);
        assert_eq!(document("-", "title: yes").unwrap()["title"], "yes");
        assert_eq!(document("-", "- title: x").unwrap()[0]["title"], "x");
        let error = document("a.json", "{").unwrap_err();
        assert!(error.message.starts_with("a.json isn't JSON"), "{error:?}");
        let error = document("a.yaml", "a: 1\na: 2").unwrap_err();
        assert!(error.message.starts_with("a.yaml isn't YAML"), "{error:?}");
    }

    #[tokio::test]
    async fn words_come_from_the_line_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.txt");
        std::fs::write(&path, "from file").unwrap();
        assert_eq!(words(&format!("@{}", path.display())).await.unwrap(), "from file");
        assert_eq!(words("plain").await.unwrap(), "plain");
        assert_eq!(words("@/not/there").await.unwrap_err().exit_code(), 2);
    }
}

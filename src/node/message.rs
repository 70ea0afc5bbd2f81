//! The text that carries completions and events to JavaScript.
//!
//! A message is a JSON array, three entries for each completion or event:
//!
//! | entries | meaning |
//! |---|---|
//! | id, 0, 0 | the call resolved with nothing |
//! | id, 1, value | the call resolved with the value |
//! | id, 2, `{domain, code, message}` | the call was rejected |
//! | id, 3, `[revision id, sequence, flag, document id?]` | a save; flag 1 true, 0 false, null |
//! | id, 4, `{buffer: index, …}` | resolved with bytes, which travel beside the text |
//! | id, 5, `[revision id, sequence, …]` | saves of the call and of those after it, without flags |
//! | id, 6, index | resolved with `{data}`: a long text, which travels beside the text |
//! | id, 7, index | resolved with what a long JSON text says, which travels beside the text |
//! | 0, token, payload | an event |
//! | 0, token, null | the listener is gone without having been removed |

use std::fmt::Write as _;

use crate::error::Error;

/// Longest error message, in characters: a hostile name in it may be of any length.
const MESSAGE_MAX: usize = 600;

/// A text of this length is not written into the message, where it would be escaped and parsed.
const LONG_TEXT: usize = 8 * 1024;

/// A JSON text longer than this is not copied into the message.
const LONG_JSON: usize = 64 * 1024;

/// What travels beside the text of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Beside {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A text that is too long to be copied into the message.
    Text(String),
}

/// What a call resolves with.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing.
    Nothing,
    /// JSON text of a value.
    Json(String),
    /// A text, as `data` of an object.
    Text(String),
    /// JSON text of a value that may be long.
    Rows(String),
    /// A saved document.
    Saved {
        /// Set when the engine made the id.
        id: Option<String>,
        /// Its current revision.
        rev_id: String,
        /// Its sequence.
        sequence: u64,
        /// Whether concurrency control let it pass; `None` when there was none.
        passed: Option<bool>,
    },
    /// Bytes, and how long the whole thing is of which they are a part.
    Bytes {
        /// The bytes.
        data: Vec<u8>,
        /// Length of the whole.
        length: u64,
    },
}

/// Appends one completion; the first begins the message.
pub(super) fn put_completion(
    text: &mut String,
    beside: &mut Vec<Beside>,
    call: u32,
    result: Result<Outcome, Error>,
) {
    separate(text);
    let _ = write!(text, "{call},");
    match result {
        Ok(Outcome::Nothing) => text.push_str("0,0"),
        Ok(Outcome::Rows(json)) if json.len() > LONG_JSON => {
            let _ = write!(text, "7,{}", beside.len());
            beside.push(Beside::Text(json));
        }
        Ok(Outcome::Json(json) | Outcome::Rows(json)) => {
            text.push_str("1,");
            text.push_str(&json);
        }
        Ok(Outcome::Text(data)) if data.len() < LONG_TEXT => {
            text.push_str("1,{\"data\":");
            put_string(text, &data);
            text.push('}');
        }
        Ok(Outcome::Text(data)) => {
            let _ = write!(text, "6,{}", beside.len());
            beside.push(Beside::Text(data));
        }
        Err(error) => {
            text.push_str("2,");
            put_error(text, &error);
        }
        Ok(Outcome::Saved {
            id,
            rev_id,
            sequence,
            passed,
        }) => {
            let flag = match passed {
                None => "null",
                Some(true) => "1",
                Some(false) => "0",
            };
            let _ = write!(text, "3,[\"{rev_id}\",{sequence},{flag}");
            if let Some(id) = id {
                text.push(',');
                put_string(text, &id);
            }
            text.push(']');
        }
        Ok(Outcome::Bytes { data, length }) => {
            let index = beside.len();
            let _ = write!(text, "4,{{\"buffer\":{index},\"length\":{length}}}");
            beside.push(Beside::Bytes(data));
        }
    }
}

/// Appends the completions of saves whose calls follow each other from `first` on. Those that need no
/// more than revision and sequence are put together.
pub(super) fn put_saved_run(
    text: &mut String,
    first: u32,
    results: impl Iterator<Item = Result<Outcome, Error>>,
) {
    let mut in_run = false;
    for (call, result) in (first..).zip(results) {
        if let Ok(Outcome::Saved {
            id: None,
            rev_id,
            sequence,
            passed: None,
        }) = &result
        {
            if in_run {
                text.push(',');
            } else {
                separate(text);
                let _ = write!(text, "{call},5,[");
            }
            in_run = true;
            text.push('"');
            text.push_str(rev_id);
            let _ = write!(text, "\",{sequence}");
            continue;
        }
        if std::mem::take(&mut in_run) {
            text.push(']');
        }
        put_completion(text, &mut Vec::new(), call, result);
    }
    if in_run {
        text.push(']');
    }
}

/// Appends one event; `payload` is JSON text.
pub(super) fn put_event(text: &mut String, token: &str, payload: &str) {
    separate(text);
    text.push_str("0,");
    put_string(text, token);
    text.push(',');
    text.push_str(payload);
}

fn separate(text: &mut String) {
    text.push(if text.is_empty() { '[' } else { ',' });
}

/// Ends a message; one without entries stays empty.
pub(super) fn close(text: &mut String) {
    if !text.is_empty() {
        text.push(']');
    }
}

/// `{"domain":…,"code":…,"message":…}`.
pub(super) fn put_error(text: &mut String, error: &Error) {
    text.push_str("{\"domain\":");
    put_string(text, error.domain());
    let _ = write!(text, ",\"code\":{},\"message\":", error.code());
    match error.message().char_indices().nth(MESSAGE_MAX) {
        None => put_string(text, error.message()),
        Some((end, _)) => put_string(text, &format!("{}…", &error.message()[..end])),
    }
    text.push('}');
}

/// A JSON string.
pub(super) fn put_string(text: &mut String, value: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        // A string always has a JSON form.
        text.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_every_kind_is_json_in_threes() {
        let (mut text, mut beside) = (String::new(), Vec::new());
        let mut put = |call, result| put_completion(&mut text, &mut beside, call, result);
        put(1, Ok(Outcome::Nothing));
        put(2, Ok(Outcome::Json("{\"a\":[1]}".into())));
        put(3, Err(Error::not_found("no \"x\"\n")));
        let saved = |id, passed| Outcome::Saved {
            id,
            rev_id: "1-ab".into(),
            sequence: 7,
            passed,
        };
        put(4, Ok(saved(None, None)));
        put(5, Ok(saved(Some("a\\b".into()), Some(false))));
        let (data, length) = (vec![1, 2], 9);
        put(6, Ok(Outcome::Bytes { data, length }));
        let run = [
            Ok(saved(None, None)),
            Ok(saved(None, None)),
            Ok(saved(None, Some(true))),
            Err(Error::not_found("y")),
            Ok(saved(None, None)),
        ];
        put_saved_run(&mut text, 7, run.into_iter());
        let mut put = |call, result| put_completion(&mut text, &mut beside, call, result);
        put(12, Ok(Outcome::Text("[{\"a\":1}]".into())));
        put(13, Ok(Outcome::Text("x".repeat(LONG_TEXT))));
        put(14, Ok(Outcome::Rows("[{\"a\":1}]".into())));
        put(15, Ok(Outcome::Rows("1".repeat(LONG_JSON + 1))));
        put_event(&mut text, "token", "{\"documentIDs\":[\"a\"]}");
        close(&mut text);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!([
                1, 0, 0,
                2, 1, {"a": [1]},
                3, 2, {"domain": "CouchbaseLite", "code": 7, "message": "no \"x\"\n"},
                4, 3, ["1-ab", 7, null],
                5, 3, ["1-ab", 7, 0, "a\\b"],
                6, 4, {"buffer": 0, "length": 9},
                7, 5, ["1-ab", 7, "1-ab", 7],
                9, 3, ["1-ab", 7, 1],
                10, 2, {"domain": "CouchbaseLite", "code": 7, "message": "y"},
                11, 5, ["1-ab", 7],
                12, 1, {"data": "[{\"a\":1}]"},
                13, 6, 1,
                14, 1, [{"a": 1}],
                15, 7, 2,
                0, "token", {"documentIDs": ["a"]}
            ])
        );
        let long = [("x", LONG_TEXT), ("1", LONG_JSON + 1)];
        assert_eq!(beside[0], Beside::Bytes(vec![1, 2]));
        assert_eq!(
            beside[1..],
            long.map(|(unit, length)| Beside::Text(unit.repeat(length)))
        );
    }
}

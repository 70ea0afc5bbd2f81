//! Reading the flat array in which JavaScript hands over the calls of a tick.
//!
//! | entries | call |
//! |---|---|
//! | 0, id, function, arguments as JSON text | any function |
//! | 1, id, target, document id, body, concurrency, n, then n × (key, MIME type, bytes or path) | save |
//! | 2, id, target, document id | get |
//! | 3, id, target, document id | delete |
//! | 4, id, target, document id | purge |
//! | 5, target, name, scope, collection | defines a target, anew or as the next number |
//!
//! A target is a collection of a database, named once. Concurrency: −1 none, 0 last write wins, 1
//! fail on conflict. An empty document id asks for a new one.

use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use napi::sys;
use napi::{Error, Result, Status};

use super::blobs::{BlobArg, BlobSource};
use super::documents::{Action, DocumentCall, Target};
use crate::database::Concurrency;

/// One call with the number by which JavaScript knows it.
pub(super) struct Call {
    pub(super) id: u32,
    pub(super) what: What,
}

/// What is called.
pub(super) enum What {
    /// A compact call.
    Document(DocumentCall),
    /// Any other function, with its arguments as JSON text.
    Function { name: String, args: String },
}

impl What {
    /// Whether the call may be short enough to be run on the event loop's thread.
    pub(super) fn may_run_inline(&self) -> bool {
        match self {
            Self::Document(_) => true,
            Self::Function { name, .. } => name == "query_Execute",
        }
    }
}

const FUNCTION: u32 = 0;
const SAVE: u32 = 1;
const GET: u32 = 2;
const DELETE: u32 = 3;
const PURGE: u32 = 4;
const TARGET: u32 = 5;

/// Reads all calls; targets that are defined on the way are added to `targets`.
///
/// # Errors
/// When the array is not as above, which only a broken caller can bring about; nothing was called
/// then.
pub(super) fn read_calls(
    env: sys::napi_env,
    array: sys::napi_value,
    targets: &mut Vec<Arc<Target>>,
) -> Result<Vec<Call>> {
    let mut reader = Reader::new(env, array)?;
    let mut calls = Vec::new();
    while reader.at < reader.len {
        let code = reader.number()? as u32;
        if code == TARGET {
            let index = reader.number()? as usize;
            let (name, scope, collection) = (reader.text()?, reader.text()?, reader.text()?);
            let target = Arc::new(Target::new(name, &scope, &collection));
            if index == targets.len() {
                targets.push(target);
            } else {
                *targets
                    .get_mut(index)
                    .ok_or_else(|| broken("targets are not numbered in order"))? = target;
            }
            continue;
        }
        let id = reader.number()? as u32;
        let what = match code {
            FUNCTION => What::Function {
                name: reader.text()?,
                args: reader.text()?,
            },
            SAVE | GET | DELETE | PURGE => {
                let target = targets
                    .get(reader.number()? as usize)
                    .map(Arc::clone)
                    .ok_or_else(|| broken("unknown target"))?;
                let doc_id = reader.text()?;
                let action = match code {
                    SAVE => reader.save()?,
                    GET => Action::Get,
                    DELETE => Action::Delete,
                    _ => Action::Purge,
                };
                What::Document(DocumentCall {
                    target,
                    doc_id,
                    action,
                })
            }
            _ => return Err(broken("unknown kind of call")),
        };
        calls.push(Call { id, what });
    }
    Ok(calls)
}

fn broken(what: &str) -> Error {
    Error::new(Status::InvalidArg, format!("bad list of calls: {what}"))
}

/// Text is read into this much at first; longer text takes a second look.
const FIRST_LOOK: usize = 512;

struct Reader {
    env: sys::napi_env,
    array: sys::napi_value,
    at: u32,
    len: u32,
}

#[expect(
    unsafe_code,
    reason = "element by element through N-API itself: the hot path of saves"
)]
impl Reader {
    fn new(env: sys::napi_env, array: sys::napi_value) -> Result<Self> {
        let mut len = 0;
        // SAFETY: both come from the call that we are in; what is no array gives a status.
        check(unsafe { sys::napi_get_array_length(env, array, &raw mut len) })?;
        Ok(Self {
            env,
            array,
            at: 0,
            len,
        })
    }

    fn next(&mut self) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: as above; past the end is `undefined`, which no reader below accepts.
        check(unsafe { sys::napi_get_element(self.env, self.array, self.at, &raw mut value) })?;
        self.at += 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64> {
        let value = self.next()?;
        let mut number = 0.0;
        // SAFETY: a live value of this call; what is no number gives a status.
        check(unsafe { sys::napi_get_value_double(self.env, value, &raw mut number) })?;
        Ok(number)
    }

    fn text(&mut self) -> Result<String> {
        let value = self.next()?;
        self.text_of(value)
    }

    fn text_of(&self, value: sys::napi_value) -> Result<String> {
        let mut short = [0_u8; FIRST_LOOK];
        let mut len = self.fill(value, &mut short)?;
        // A character that did not fit leaves up to three bytes and the terminator unused.
        if len + 4 < short.len() {
            return String::from_utf8(short[..len].to_vec()).map_err(|_| not_utf8());
        }
        // SAFETY: without a buffer the length is told.
        check(unsafe {
            sys::napi_get_value_string_utf8(self.env, value, ptr::null_mut(), 0, &raw mut len)
        })?;
        let mut bytes = vec![0; len + 1];
        len = self.fill(value, &mut bytes)?;
        bytes.truncate(len);
        String::from_utf8(bytes).map_err(|_| not_utf8())
    }

    fn fill(&self, value: sys::napi_value, bytes: &mut [u8]) -> Result<usize> {
        let mut len = 0;
        // SAFETY: the buffer has the length that is told; what is no string gives a status.
        check(unsafe {
            sys::napi_get_value_string_utf8(
                self.env,
                value,
                bytes.as_mut_ptr().cast(),
                bytes.len(),
                &raw mut len,
            )
        })?;
        Ok(len)
    }

    fn save(&mut self) -> Result<Action> {
        let body = self.text()?;
        let concurrency = match self.number()? as i32 {
            0 => Some(Concurrency::LastWriteWins),
            1 => Some(Concurrency::FailOnConflict),
            _ => None,
        };
        let mut blobs = Vec::new();
        for _ in 0..self.number()? as u32 {
            let (key, content_type) = (self.text()?, self.text()?);
            let source = self.bytes_or_path()?;
            blobs.push(BlobArg {
                key,
                content_type,
                source,
            });
        }
        Ok(Action::Save {
            body,
            concurrency,
            blobs,
        })
    }

    fn bytes_or_path(&mut self) -> Result<BlobSource> {
        let value = self.next()?;
        let mut is_bytes = false;
        // SAFETY: a live value of this call.
        check(unsafe { sys::napi_is_typedarray(self.env, value, &raw mut is_bytes) })?;
        if !is_bytes {
            return Ok(BlobSource::File(PathBuf::from(self.text_of(value)?)));
        }
        let (mut kind, mut len, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: it is a typed array; unwanted results may be null.
        check(unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                value,
                &raw mut kind,
                &raw mut len,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        if kind != sys::TypedarrayType::uint8_array {
            return Err(broken("bytes are not a Uint8Array"));
        }
        if data.is_null() || len == 0 {
            return Ok(BlobSource::Bytes(Vec::new()));
        }
        // SAFETY: for bytes, elements are bytes; copied before anything can run that frees them.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
        Ok(BlobSource::Bytes(bytes.to_vec()))
    }
}

fn not_utf8() -> Error {
    broken("text is not UTF-8")
}

fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::new(
            Status::from(status),
            "bad list of calls: an entry has the wrong type",
        ))
    }
}

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
//! | 6, first id, n, index of the first head, offset of the first text | n saves without blobs |
//! | 7, id, database, query, parameters as JSON text, form | query; form 0 text, 1 rows |
//!
//! The saves of kind 6 have ids that follow each other. Each has a head of four numbers in an array
//! beside: target, concurrency, bytes of its document id, bytes of its body. Ids and bodies lie in
//! one array of bytes, one after the other.
//!
//! A target is a collection of a database, named once. Concurrency: −1 none, 0 last write wins, 1
//! fail on conflict. An empty document id asks for a new one.

use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use napi::sys;
use napi::{Error, Result, Status};

use super::blobs::{BlobArg, BlobSource, SMALL};
use super::documents::{Action, DocumentCall, SaveRun, Target};
use super::loan::{Loan, lend};
use super::queries::QueryCall;
use crate::database::{Concurrency, SaveList};

/// One call with the number by which JavaScript knows it; the first number of a run.
pub(super) struct Call {
    pub(super) id: u32,
    pub(super) what: What,
}

/// What is called.
pub(super) enum What {
    /// A compact call.
    Document(DocumentCall),
    /// Saves without blobs.
    Saves(SaveRun),
    /// A query to be run.
    Query(QueryCall),
    /// Any other function, with its arguments as JSON text.
    Function { name: String, args: String },
}

impl Call {
    /// How many calls it is.
    pub(super) fn count(&self) -> usize {
        match &self.what {
            What::Saves(run) => run.len(),
            What::Document(_) | What::Query(_) | What::Function { .. } => 1,
        }
    }
}

const FUNCTION: u32 = 0;
const SAVE: u32 = 1;
const GET: u32 = 2;
const DELETE: u32 = 3;
const PURGE: u32 = 4;
const TARGET: u32 = 5;
const SAVES: u32 = 6;
const QUERY: u32 = 7;

/// Numbers of a head.
const HEAD: usize = 4;

/// Reads all calls; targets that are defined on the way are added to `targets`. Large bytes of blobs
/// are lent only: the loans are to be waited for when the calls are on their way, before JavaScript
/// goes on.
///
/// # Errors
/// When the array is not as above, which only a broken caller can bring about; nothing was called
/// then.
pub(super) fn read_calls<'a>(
    env: sys::napi_env,
    array: sys::napi_value,
    (heads, texts): (&'a [i32], &'a [u8]),
    targets: &mut Vec<Arc<Target>>,
) -> Result<(Vec<Call>, Vec<Loan<'a>>)> {
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
        if code == SAVES {
            let count = reader.number()? as usize;
            let (head, text) = (reader.number()? as usize, reader.number()? as usize);
            let saves = Saves {
                heads: heads.get(head..).unwrap_or_default(),
                texts: texts.get(text..).unwrap_or_default(),
                targets,
            };
            saves.read(id, count, &mut calls)?;
            continue;
        }
        let what = match code {
            FUNCTION => What::Function {
                name: reader.text()?,
                args: reader.text()?,
            },
            QUERY => What::Query(QueryCall {
                database: reader.text()?,
                query: reader.text()?,
                parameters: reader.text()?,
                as_rows: reader.number()? == 1.0,
            }),
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
    Ok((calls, reader.loans))
}

/// What is left to read of saves of kind 6.
struct Saves<'a> {
    heads: &'a [i32],
    texts: &'a [u8],
    targets: &'a [Arc<Target>],
}

impl Saves<'_> {
    fn read(mut self, first: u32, count: usize, calls: &mut Vec<Call>) -> Result<()> {
        let mut read = 0;
        while read < count {
            let run = self.next_run(count - read)?;
            let id = first.wrapping_add(read as u32);
            read += run.len();
            let what = What::Saves(run);
            calls.push(Call { id, what });
        }
        Ok(())
    }

    /// The saves that have the same target and the same concurrency, at most so many.
    fn next_run(&mut self, most: usize) -> Result<SaveRun> {
        let heads = self.same_heads(most)?;
        let [target, rule, ..] = heads.first().copied().unwrap_or_default();
        let target = usize::try_from(target)
            .ok()
            .and_then(|target| self.targets.get(target))
            .map(Arc::clone)
            .ok_or_else(|| broken("unknown target"))?;
        let bytes = heads
            .iter()
            .map(|head| head[2] as usize + head[3] as usize)
            .sum();
        let (texts, rest) = self
            .texts
            .split_at_checked(bytes)
            .ok_or_else(|| broken("texts end early"))?;
        self.texts = rest;
        // Checked once: what is cut out below is checked for whole characters only.
        let texts = std::str::from_utf8(texts).map_err(|_| not_utf8())?;
        let mut list = SaveList::with_capacity(heads.len(), bytes);
        let mut at = 0;
        for head in heads {
            let (body, end) = (at + head[2] as usize, at + (head[2] + head[3]) as usize);
            let id = texts.get(at..body).ok_or_else(not_utf8)?;
            let text = texts.get(body..end).ok_or_else(not_utf8)?;
            list.push((!id.is_empty()).then_some(id), text);
            at = end;
        }
        Ok(SaveRun {
            target,
            concurrency: concurrency(rule),
            list,
        })
    }

    /// Takes the heads that begin as the first one does.
    fn same_heads(&mut self, most: usize) -> Result<Vec<[i32; HEAD]>> {
        let mut heads: Vec<[i32; HEAD]> = Vec::new();
        while heads.len() < most {
            let head = *self
                .heads
                .first_chunk::<HEAD>()
                .ok_or_else(|| broken("heads end early"))?;
            if head[2] < 0 || head[3] < 0 || head[2].checked_add(head[3]).is_none() {
                return Err(broken("negative length"));
            }
            if heads.first().is_some_and(|first| first[..2] != head[..2]) {
                break;
            }
            heads.push(head);
            self.heads = &self.heads[HEAD..];
        }
        Ok(heads)
    }
}

fn concurrency(number: i32) -> Option<Concurrency> {
    match number {
        0 => Some(Concurrency::LastWriteWins),
        1 => Some(Concurrency::FailOnConflict),
        _ => None,
    }
}

fn broken(what: &str) -> Error {
    Error::new(Status::InvalidArg, format!("bad list of calls: {what}"))
}

/// Text is read into this much at first; longer text takes a second look.
const FIRST_LOOK: usize = 512;

struct Reader<'a> {
    loans: Vec<Loan<'a>>,
    env: sys::napi_env,
    array: sys::napi_value,
    at: u32,
    len: u32,
}

#[expect(
    unsafe_code,
    reason = "element by element through N-API itself: the hot path of saves"
)]
impl<'a> Reader<'a> {
    fn new(env: sys::napi_env, array: sys::napi_value) -> Result<Self> {
        let mut len = 0;
        // SAFETY: both come from the call that we are in; what is no array gives a status.
        check(unsafe { sys::napi_get_array_length(env, array, &raw mut len) })?;
        Ok(Self {
            loans: Vec::new(),
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
        let concurrency = concurrency(self.number()? as i32);
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
        // SAFETY: for bytes, elements are bytes. They live as long as the call that we are in, and
        // so does `'a`: nothing that could free or change them runs meanwhile.
        let bytes: &'a [u8] = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
        if len <= SMALL {
            return Ok(BlobSource::Bytes(bytes.to_vec()));
        }
        let (loan, lent) = lend(bytes);
        self.loans.push(loan);
        Ok(BlobSource::Lent(lent))
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

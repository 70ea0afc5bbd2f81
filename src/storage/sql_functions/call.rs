//! One call of an SQL function: its arguments, and what it answers with.
//!
//! SQLite's own interface, without the boxes of a general one: the accessor runs once for every
//! property of every row.

use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::Arc;

use rusqlite::ffi;

use super::State;
use crate::error::Result;

/// Subtype of an integer that is a boolean (query spec §14.3).
pub(super) const BOOLEAN: u32 = 66;

/// An argument as SQLite holds it; borrowed until the call ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw<'a> {
    /// NULL, which is MISSING.
    Null,
    /// An integer, or a boolean if the subtype says so.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Text; UTF-8 unless the file is damaged.
    Text(&'a [u8]),
    /// Null when empty, else a container, a tag, or a stored body.
    Blob(&'a [u8]),
}

/// What a function gets and how it answers. It answers once; not at all is NULL.
pub(super) struct Call<'a> {
    context: *mut ffi::sqlite3_context,
    args: &'a [*mut ffi::sqlite3_value],
}

#[expect(
    unsafe_code,
    reason = "the arguments and results of SQLite's function interface"
)]
impl<'a> Call<'a> {
    /// Number of arguments.
    pub(super) fn len(&self) -> usize {
        self.args.len()
    }

    /// An argument; NULL past the end.
    #[inline]
    pub(super) fn arg(&self, index: usize) -> Raw<'a> {
        let Some(&value) = self.args.get(index) else {
            return Raw::Null;
        };
        // SAFETY: `value` is a live argument of the present call; text and blobs stay where they
        // are as long as nobody asks for another form, which nobody does.
        unsafe {
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => Raw::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Raw::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_value_text(value);
                    Raw::Text(bytes(start, ffi::sqlite3_value_bytes(value)))
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_value_blob(value).cast();
                    Raw::Blob(bytes(start, ffi::sqlite3_value_bytes(value)))
                }
                _ => Raw::Null,
            }
        }
    }

    /// Text of an argument; empty when it is none.
    pub(super) fn text_arg(&self, index: usize) -> &'a str {
        match self.arg(index) {
            Raw::Text(text) => str::from_utf8(text).unwrap_or_default(),
            _ => "",
        }
    }

    /// Whether an argument is a boolean, if it is an integer.
    #[inline]
    pub(super) fn is_boolean(&self, index: usize) -> bool {
        // SAFETY: as above.
        self.args
            .get(index)
            .is_some_and(|&value| unsafe { ffi::sqlite3_value_subtype(value) } == BOOLEAN)
    }

    /// Answers with an argument as it is.
    #[inline]
    pub(super) fn same(&self, index: usize) {
        if let Some(&value) = self.args.get(index) {
            // SAFETY: both belong to the present call.
            unsafe { ffi::sqlite3_result_value(self.context, value) };
        }
    }

    /// Answers with an integer.
    #[inline]
    pub(super) fn integer(&self, value: i64) {
        // SAFETY: the context belongs to the present call; so below.
        unsafe { ffi::sqlite3_result_int64(self.context, value) };
    }

    /// Answers with a boolean.
    #[inline]
    pub(super) fn boolean(&self, value: bool) {
        // SAFETY: as above.
        unsafe {
            ffi::sqlite3_result_int64(self.context, value.into());
            ffi::sqlite3_result_subtype(self.context, BOOLEAN);
        }
    }

    /// Answers with a double.
    #[inline]
    pub(super) fn real(&self, value: f64) {
        // SAFETY: as above.
        unsafe { ffi::sqlite3_result_double(self.context, value) };
    }

    /// Answers with a copy of a text, which must be UTF-8.
    #[inline]
    pub(super) fn text(&self, text: &[u8]) {
        // SAFETY: SQLite copies the bytes before the call returns.
        unsafe {
            ffi::sqlite3_result_text64(
                self.context,
                text.as_ptr().cast::<c_char>(),
                text.len() as u64,
                ffi::SQLITE_TRANSIENT(),
                ffi::SQLITE_UTF8 as u8,
            );
        }
    }

    /// Answers with a copy of bytes.
    #[inline]
    pub(super) fn blob(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            // A null pointer would be NULL.
            // SAFETY: as above.
            unsafe { ffi::sqlite3_result_zeroblob(self.context, 0) };
            return;
        }
        // SAFETY: SQLite copies the bytes before the call returns.
        unsafe {
            ffi::sqlite3_result_blob64(
                self.context,
                bytes.as_ptr().cast::<c_void>(),
                bytes.len() as u64,
                ffi::SQLITE_TRANSIENT(),
            );
        }
    }

    /// Answers with a tag and a copy of bytes.
    #[inline]
    pub(super) fn tagged(&self, tag: u8, bytes: &[u8]) {
        let length = bytes.len() as u64 + 1;
        // SAFETY: the memory has this length, is filled before SQLite reads it, and SQLite frees
        // it with the function that fits its allocator.
        unsafe {
            let memory = ffi::sqlite3_malloc64(length).cast::<u8>();
            if memory.is_null() {
                ffi::sqlite3_result_error_nomem(self.context);
                return;
            }
            memory.write(tag);
            memory
                .add(1)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            ffi::sqlite3_result_blob64(
                self.context,
                memory.cast::<c_void>(),
                length,
                Some(ffi::sqlite3_free),
            );
        }
    }

    /// Fails the statement.
    pub(super) fn fail(&self, message: &str) {
        let length = c_int::try_from(message.len()).unwrap_or(c_int::MAX);
        // SAFETY: SQLite copies the bytes before the call returns.
        unsafe { ffi::sqlite3_result_error(self.context, message.as_ptr().cast(), length) };
    }

    /// Fails the statement with a result code of SQLite.
    pub(super) fn fail_with(&self, code: c_int, message: &str) {
        self.fail(message);
        // SAFETY: as above; the text stays.
        unsafe { ffi::sqlite3_result_error_code(self.context, code) };
    }
}

#[expect(unsafe_code, reason = "a slice over what SQLite points at")]
#[inline]
unsafe fn bytes<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: the caller has both from SQLite, which keeps them for the present call.
    unsafe { slice::from_raw_parts(start, usize::try_from(length).unwrap_or(0)) }
}

/// A scalar function.
pub(super) trait Scalar {
    /// Answers one call.
    fn call(&self, call: &Call<'_>, state: &State);
}

impl<F: Fn(&Call<'_>, &State)> Scalar for F {
    #[inline]
    fn call(&self, call: &Call<'_>, state: &State) {
        self(call, state);
    }
}

/// What SQLite keeps with a function.
struct Registered<F> {
    function: F,
    state: Arc<State>,
}

/// How a function is declared to SQLite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// Smallest and largest number of arguments are checked elsewhere; −1 takes any.
    pub(super) arguments: i32,
    /// Same arguments, same result.
    pub(super) deterministic: bool,
    /// Whether it may answer with a boolean.
    pub(super) sets_subtype: bool,
}

impl Traits {
    fn flags(self) -> c_int {
        let mut flags = ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS | ffi::SQLITE_SUBTYPE;
        if self.deterministic {
            flags |= ffi::SQLITE_DETERMINISTIC;
        }
        if self.sets_subtype {
            flags |= ffi::SQLITE_RESULT_SUBTYPE;
        }
        flags
    }
}

/// Makes a function known to a connection, until that is closed.
#[expect(
    unsafe_code,
    reason = "rusqlite's registration has no borrowed results and boxes each argument"
)]
pub(super) fn register<F: Scalar + Send + 'static>(
    connection: &rusqlite::Connection,
    state: &Arc<State>,
    name: &str,
    traits: Traits,
    function: F,
) -> Result<()> {
    let c_name = CString::new(name).map_err(|_| crate::Error::invalid("bad function name"))?;
    let registered = Box::into_raw(Box::new(Registered {
        function,
        state: Arc::clone(state),
    }));
    // SAFETY: SQLite calls `call_scalar::<F>` only with the pointer given here, on the thread that
    // uses the connection, and `drop_registered::<F>` once, also when this fails.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            connection.handle(),
            c_name.as_ptr(),
            traits.arguments,
            traits.flags(),
            registered.cast::<c_void>(),
            Some(call_scalar::<F>),
            None,
            None,
            Some(drop_registered::<F>),
        )
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        ffi::Error::new(code),
        Some(format!("function {name} could not be registered")),
    )
    .into())
}

#[expect(unsafe_code, reason = "called by SQLite")]
unsafe extern "C" fn call_scalar<F: Scalar>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: `register` gave this pointer, and it lives as long as the function.
    let registered = unsafe { &*ffi::sqlite3_user_data(context).cast::<Registered<F>>() };
    let call = Call {
        context,
        // SAFETY: SQLite gives `count` values that live until this returns.
        args: if count > 0 {
            unsafe { slice::from_raw_parts(values, count.unsigned_abs() as usize) }
        } else {
            &[]
        },
    };
    let ran = catch_unwind(AssertUnwindSafe(|| {
        registered.function.call(&call, &registered.state);
    }));
    if ran.is_err() {
        call.fail("an SQL function panicked");
    }
}

#[expect(unsafe_code, reason = "called by SQLite")]
unsafe extern "C" fn drop_registered<F>(registered: *mut c_void) {
    // SAFETY: made by `Box::into_raw` in `register`, and given back once.
    drop(unsafe { Box::from_raw(registered.cast::<Registered<F>>()) });
}

/// An aggregate over the rows of a group.
pub(super) trait Aggregate: Default {
    /// Takes a row.
    fn step(&mut self, call: &Call<'_>);
    /// Answers.
    fn finish(self, call: &Call<'_>);
}

/// Makes an aggregate known to a connection, until that is closed.
#[expect(
    unsafe_code,
    reason = "as `register`: results with subtypes, no boxed arguments"
)]
pub(super) fn register_aggregate<A: Aggregate>(
    connection: &rusqlite::Connection,
    name: &str,
    arguments: i32,
) -> Result<()> {
    let c_name = CString::new(name).map_err(|_| crate::Error::invalid("bad function name"))?;
    let traits = Traits {
        arguments,
        deterministic: true,
        sets_subtype: false,
    };
    // SAFETY: the functions below keep to SQLite's rules for aggregates.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            connection.handle(),
            c_name.as_ptr(),
            arguments,
            traits.flags(),
            std::ptr::null_mut(),
            None,
            Some(step::<A>),
            Some(finish::<A>),
            None,
        )
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        ffi::Error::new(code),
        Some(format!("aggregate {name} could not be registered")),
    )
    .into())
}

/// What SQLite allocates for a group: a pointer, zero at first.
type Slot<A> = *mut *mut A;

#[expect(unsafe_code, reason = "called by SQLite")]
unsafe extern "C" fn step<A: Aggregate>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    let size = size_of::<*mut A>() as c_int;
    // SAFETY: SQLite gives zeroed memory of this size, the same for every row of a group.
    let slot: Slot<A> = unsafe { ffi::sqlite3_aggregate_context(context, size) }.cast();
    let call = Call {
        context,
        // SAFETY: as in `call_scalar`.
        args: if count > 0 {
            unsafe { slice::from_raw_parts(values, count.unsigned_abs() as usize) }
        } else {
            &[]
        },
    };
    if slot.is_null() {
        call.fail_with(ffi::SQLITE_NOMEM, "out of memory");
        return;
    }
    // SAFETY: null, or made here for an earlier row.
    let aggregate = unsafe {
        if (*slot).is_null() {
            *slot = Box::into_raw(Box::default());
        }
        &mut **slot
    };
    if catch_unwind(AssertUnwindSafe(|| aggregate.step(&call))).is_err() {
        call.fail("an SQL aggregate panicked");
    }
}

#[expect(unsafe_code, reason = "called by SQLite")]
unsafe extern "C" fn finish<A: Aggregate>(context: *mut ffi::sqlite3_context) {
    // SAFETY: asks for what `step` was given; null when there was no row.
    let slot: Slot<A> = unsafe { ffi::sqlite3_aggregate_context(context, 0) }.cast();
    // SAFETY: made by `step`, and taken back once, for SQLite always calls this.
    let aggregate = unsafe {
        if slot.is_null() || (*slot).is_null() {
            A::default()
        } else {
            *Box::from_raw(std::mem::replace(&mut *slot, std::ptr::null_mut()))
        }
    };
    let call = Call { context, args: &[] };
    if catch_unwind(AssertUnwindSafe(|| aggregate.finish(&call))).is_err() {
        call.fail("an SQL aggregate panicked");
    }
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("arguments", &self.args.len())
            .finish()
    }
}

//! The way back to JavaScript: one outbox and one `ThreadsafeFunction` for each `NativeEngine`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use napi::bindgen_prelude::{Buffer, FnArgs, Function, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};

use super::lock;
use super::message::{Beside, Outcome, close, put_completion, put_event, put_saved_run};
use super::tokens::Token;
use crate::error::{Code, Error, Result};

/// What the message callback is called with: the text, what travels beside it.
pub(super) type MessageArgs = FnArgs<(String, Vec<Beside>)>;

/// Weak at first, no exceptions as first argument, unbounded: at most one call of it waits.
type Wake = ThreadsafeFunction<(), (), MessageArgs, Status, false, true, 0>;

/// A message is closed when its text reaches this, so that parsing it never blocks the event loop
/// for long. One document may make it larger.
const MESSAGE_LEN: usize = 1024 * 1024;

/// Bytes of a long text that become a string at a time.
const TEXT_PIECE: usize = 4 * 1024 * 1024;

#[expect(unsafe_code, reason = "the form of the trait")]
impl ToNapiValue for Beside {
    /// Bytes become a buffer. A text becomes an array of strings, the last piece first: what has
    /// become a string is given back before the next does, so that there are never two of it.
    unsafe fn to_napi_value(env: sys::napi_env, val: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the environment is the caller's, and so are the values that live in it.
        unsafe {
            let mut text = match val {
                Self::Bytes(bytes) => return Buffer::to_napi_value(env, Buffer::from(bytes)),
                Self::Text(text) => text,
            };
            let mut pieces = std::ptr::null_mut();
            napi::check_status!(sys::napi_create_array(env, &raw mut pieces))?;
            for index in 0.. {
                let mut start = text.len().saturating_sub(TEXT_PIECE);
                while !text.is_char_boundary(start) {
                    start += 1;
                }
                let piece = <&str>::to_napi_value(env, &text[start..])?;
                napi::check_status!(sys::napi_set_element(env, pieces, index, piece))?;
                if start == 0 {
                    break;
                }
                text.truncate(start);
                text.shrink_to_fit();
            }
            Ok(pieces)
        }
    }
}

/// Outbox and wake-up of one `NativeEngine`.
///
/// Messages keep the order in which things happened. Within one message events come before
/// completions: an event that follows a completion starts a message of its own, so that whoever
/// awaits the completion runs first (API §2.8).
pub(super) struct Port {
    outbox: Mutex<Outbox>,
    wake: OnceLock<Wake>,
    /// Calls taken and not yet answered.
    outstanding: AtomicUsize,
    /// Started replicators and listeners.
    kept_alive: AtomicUsize,
    /// Whether the wake-up function keeps the event loop running. Touched on its thread only.
    referenced: AtomicBool,
    /// The environment is gone: nobody listens any more.
    dead: AtomicBool,
}

#[derive(Default)]
struct Outbox {
    messages: VecDeque<Message>,
    /// A wake-up is under way.
    scheduled: bool,
}

#[derive(Default)]
struct Message {
    text: String,
    beside: Vec<Beside>,
    completions: usize,
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Port")
            .field("outstanding", &self.outstanding)
            .field("kept_alive", &self.kept_alive)
            .finish_non_exhaustive()
    }
}

impl Port {
    /// A port that calls `on_messages`.
    pub(super) fn new(on_messages: &Function<'_, MessageArgs, ()>) -> napi::Result<Arc<Self>> {
        let port = Arc::new(Self {
            outbox: Mutex::default(),
            wake: OnceLock::new(),
            outstanding: AtomicUsize::new(0),
            kept_alive: AtomicUsize::new(0),
            referenced: AtomicBool::new(false),
            dead: AtomicBool::new(false),
        });
        let weak: Weak<Self> = Arc::downgrade(&port);
        let wake = on_messages
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(move |context| {
                let mut message = weak
                    .upgrade()
                    .map(|port| port.take(&context.env))
                    .unwrap_or_default();
                close(&mut message.text);
                Ok(FnArgs::from((message.text, message.beside)))
            })?;
        let _ = port.wake.set(wake);
        Ok(port)
    }

    /// Notes calls that were taken. On the event loop's thread.
    pub(super) fn expect(&self, env: &Env, calls: usize) {
        self.outstanding.fetch_add(calls, Ordering::Relaxed);
        self.update_reference(env);
    }

    /// Answers a call that was taken.
    fn complete(&self, call: u32, result: Result<Outcome>) {
        self.put(|outbox| {
            let message = outbox.open();
            put_completion(&mut message.text, &mut message.beside, call, result);
            message.completions += 1;
        });
    }

    /// Answers saves whose calls follow each other, `count` from `first` on.
    fn complete_run(
        &self,
        first: u32,
        count: usize,
        results: impl Iterator<Item = Result<Outcome>>,
    ) {
        self.put(|outbox| {
            let message = outbox.open();
            put_saved_run(&mut message.text, first, results);
            message.completions += count;
        });
    }

    /// Sends completions that were written already.
    pub(super) fn send(&self, text: String, completions: usize, beside: Vec<Beside>) {
        self.put(|outbox| {
            outbox.messages.push_back(Message {
                text,
                beside,
                completions,
            });
        });
    }

    /// Sends an event to a listener unless it was removed.
    pub(super) fn event(&self, token: &Token, payload: &str) {
        self.put(|outbox| {
            // Under the lock: removal clears the flag before it is completed.
            if !token.is_active() {
                return;
            }
            if outbox.open().completions > 0 {
                outbox.messages.push_back(Message::default());
            }
            put_event(&mut outbox.open().text, token.name(), payload);
        });
    }

    /// Keeps the process running until the guard is dropped (API §2.10).
    pub(super) fn keep_alive(self: &Arc<Self>) -> KeepAlive {
        self.kept_alive.fetch_add(1, Ordering::Relaxed);
        self.put(|_| ());
        KeepAlive(Arc::clone(self))
    }

    fn put(&self, fill: impl FnOnce(&mut Outbox)) {
        if self.dead.load(Ordering::Relaxed) {
            return;
        }
        let mut outbox = lock(&self.outbox);
        fill(&mut outbox);
        if !std::mem::replace(&mut outbox.scheduled, true) {
            drop(outbox);
            self.schedule();
        }
    }

    fn schedule(&self) {
        let Some(wake) = self.wake.get() else { return };
        let status = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        if status != Status::Ok {
            self.dead.store(true, Ordering::Relaxed);
            lock(&self.outbox).messages.clear();
        }
    }

    /// The next message; arranges to be called again while there are more.
    fn take(&self, env: &Env) -> Message {
        let mut outbox = lock(&self.outbox);
        let message = outbox.messages.pop_front().unwrap_or_default();
        outbox.scheduled = !outbox.messages.is_empty();
        let more = outbox.scheduled;
        drop(outbox);
        if more {
            self.schedule();
        }
        self.outstanding
            .fetch_sub(message.completions, Ordering::Relaxed);
        self.update_reference(env);
        message
    }

    #[expect(
        unsafe_code,
        reason = "napi offers no safe way to reference a shared function"
    )]
    fn update_reference(&self, env: &Env) {
        let wanted = self.outstanding.load(Ordering::Relaxed) > 0
            || self.kept_alive.load(Ordering::Relaxed) > 0;
        let Some(wake) = self.wake.get() else { return };
        if wake.aborted() || self.referenced.swap(wanted, Ordering::Relaxed) == wanted {
            return;
        }
        // SAFETY: we are on the thread of this environment, and the function is not aborted.
        unsafe {
            if wanted {
                sys::napi_ref_threadsafe_function(env.raw(), wake.raw());
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), wake.raw());
            }
        }
    }
}

impl Outbox {
    /// The message that is still being filled.
    fn open(&mut self) -> &mut Message {
        let full = self
            .messages
            .back()
            .is_none_or(|last| last.text.len() >= MESSAGE_LEN);
        if full {
            self.messages.push_back(Message::default());
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last]
    }
}

/// Keeps the process running; see [`Port::keep_alive`].
#[derive(Debug)]
pub(super) struct KeepAlive(Arc<Port>);

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.0.kept_alive.fetch_sub(1, Ordering::Relaxed);
        self.0.put(|_| ());
    }
}

/// The duty to answer one call. Dropping it unanswered answers with an error, so that no promise
/// waits for ever.
#[derive(Debug)]
pub(super) struct Completer {
    port: Arc<Port>,
    call: u32,
    answered: bool,
}

impl Completer {
    /// For a call that [`Port::expect`] was told of.
    pub(super) fn new(port: &Arc<Port>, call: u32) -> Self {
        Self {
            port: Arc::clone(port),
            call,
            answered: false,
        }
    }

    /// The port to which the answer goes.
    pub(super) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Answers.
    pub(super) fn done(mut self, result: Result<Outcome>) {
        self.answered = true;
        self.port.complete(self.call, result);
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        if !self.answered {
            let error = Error::lite(Code::UnexpectedError, "the call was abandoned");
            self.port.complete(self.call, Err(error));
        }
    }
}

/// The duty to answer saves whose calls follow each other; else as [`Completer`].
#[derive(Debug)]
pub(super) struct RunCompleter {
    port: Arc<Port>,
    first: u32,
    /// 0 once they are answered.
    count: usize,
}

impl RunCompleter {
    /// For calls that [`Port::expect`] was told of.
    pub(super) fn new(port: &Arc<Port>, first: u32, count: usize) -> Self {
        Self {
            port: Arc::clone(port),
            first,
            count,
        }
    }

    /// A completer for each call.
    pub(super) fn each(mut self) -> impl Iterator<Item = Completer> {
        let count = std::mem::take(&mut self.count);
        (self.first..)
            .take(count)
            .map(move |call| Completer::new(&self.port, call))
    }

    /// Answers; a result for each call.
    pub(super) fn done(mut self, results: impl Iterator<Item = Result<Outcome>>) {
        let count = std::mem::take(&mut self.count);
        self.port.complete_run(self.first, count, results);
    }
}

impl Drop for RunCompleter {
    fn drop(&mut self) {
        if self.count > 0 {
            let error = Error::lite(Code::UnexpectedError, "the call was abandoned");
            let results = std::iter::repeat_with(|| Err(error.clone())).take(self.count);
            self.port.complete_run(self.first, self.count, results);
        }
    }
}

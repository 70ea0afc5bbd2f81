//! JavaScript functions that come as text, run in a cage: an embedded QuickJS with limits of time,
//! memory and stack, and nothing of the world in it but the language itself and `console.log`.
//!
//! A [`Script`] belongs to one thread. It blocks for up to its time limit, so it lives on a thread
//! of its own or on a blocking one, never on an event loop or a database's writer. The time limit
//! is looked at between the steps of the program: a single built-in call is not interrupted.
//!
//! Never touches sockets, files or a database. Follows API §9.3, "Filter execution contract".

mod limits;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rquickjs::function::{Args, Rest};
use rquickjs::{CatchResultExt as _, CaughtError, Coerced, Context, Ctx, Function, Object};
use rquickjs::{Persistent, Runtime, Value};

pub(crate) use limits::Limits;

use crate::error::{Error, Result};

/// What a script may not say more of than this, in characters.
const MAX_MESSAGE: usize = 1_000;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The script threw this.
    Threw(String),
    /// It ran longer than it may.
    TimedOut,
    /// It wanted more memory than it may have.
    OutOfMemory,
    /// The caller wants no results any more.
    Cancelled,
}

/// A function from text, ready to be called.
pub(crate) struct Script {
    text: Arc<str>,
    limits: Limits,
    cancelled: Arc<AtomicBool>,
    cage: Cage,
}

/// One QuickJS with the function in it; thrown away when a limit was exceeded.
struct Cage {
    function: Option<Persistent<Function<'static>>>,
    context: Context,
    runtime: Runtime,
    watch: Rc<Watch>,
}

/// What the interrupt handler looks at.
struct Watch {
    deadline: Cell<Instant>,
    expired: Cell<bool>,
}

impl Script {
    /// Evaluates `text` as an expression, which must give a function. The shorthand form of a
    /// method (`filter(document) { … }`) is understood too.
    ///
    /// # Errors
    /// `InvalidParameter` with what the parser or the evaluation says.
    pub(crate) fn compile(text: &Arc<str>, limits: Limits) -> Result<Self> {
        Self::compile_cancellable(text, limits, Arc::default())
    }

    /// As [`Script::compile`]; calls end with [`Failure::Cancelled`] once `cancelled` is set.
    ///
    /// # Errors
    /// As [`Script::compile`].
    pub(crate) fn compile_cancellable(
        text: &Arc<str>,
        limits: Limits,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Self> {
        let cage = Cage::new(text, &limits, &cancelled)?;
        Ok(Self {
            text: text.clone(),
            limits,
            cancelled,
            cage,
        })
    }

    /// Calls the function with a document and flags; its result as `!!` makes it.
    ///
    /// `document` is JSON text of an object, which gets (or whose) property `id` becomes `id`.
    pub(crate) fn accepts(
        &mut self,
        document: &[u8],
        id: &str,
        flags: &[&str],
    ) -> Result<bool, Failure> {
        self.cage.watch.start(&self.limits);
        let function = self.cage.function.clone();
        let outcome = self.cage.context.with(|ctx| {
            let call = || {
                let argument = ctx.json_parse(document.to_vec())?;
                if let Some(object) = argument.as_object() {
                    object.set("id", id)?;
                }
                let mut args = Args::new(ctx.clone(), 2);
                args.push_arg(argument)?;
                args.push_arg(flags.to_vec())?;
                let function = match function {
                    Some(function) => function.restore(&ctx)?,
                    None => return Err(rquickjs::Error::Unknown),
                };
                let result: Coerced<bool> = function.call_arg(args)?;
                Ok(result.0)
            };
            call().catch(&ctx).map_err(|error| failure(&error))
        });
        let outcome = outcome.and_then(|accepted| self.cage.finish_jobs().map(|()| accepted));
        let outcome = match outcome {
            _ if self.cancelled.load(Ordering::Relaxed) => Err(Failure::Cancelled),
            Err(_) if self.cage.watch.expired.get() => Err(Failure::TimedOut),
            other => other,
        };
        if matches!(outcome, Err(Failure::TimedOut | Failure::OutOfMemory)) {
            // What it has left behind must not fail the next call too. It compiled before.
            if let Ok(cage) = Cage::new(&self.text, &self.limits, &self.cancelled) {
                self.cage = cage;
            }
        }
        outcome
    }
}

impl Cage {
    fn new(text: &str, limits: &Limits, cancelled: &Arc<AtomicBool>) -> Result<Self> {
        let broken = |error: rquickjs::Error| {
            Error::invalid(format!("JavaScript engine cannot be started: {error}"))
        };
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        let watch = Rc::new(Watch::new(limits));
        let (seen, stop) = (watch.clone(), cancelled.clone());
        runtime.set_interrupt_handler(Some(Box::new(move || {
            seen.is_over() || stop.load(Ordering::Relaxed)
        })));
        let context = Context::full(&runtime).map_err(broken)?;
        let function = context.with(|ctx| {
            furnish(&ctx)
                .and_then(|()| evaluate(&ctx, text))
                .catch(&ctx)
                .map_err(|error| match failure(&error) {
                    _ if watch.expired.get() => "it runs too long".to_owned(),
                    Failure::Threw(message) => message,
                    _ => "it uses too much memory".to_owned(),
                })
        });
        let function = function
            .map_err(|why| Error::invalid(format!("function text cannot be evaluated: {why}")))?;
        Ok(Self {
            function: Some(function),
            context,
            runtime,
            watch,
        })
    }

    /// Runs what promises have left to do, so that it does not pile up.
    fn finish_jobs(&self) -> Result<(), Failure> {
        while self.runtime.is_job_pending() {
            if self.watch.is_over() {
                return Err(Failure::TimedOut);
            }
            // A rejected promise is nobody's business here.
            let _ = self.runtime.execute_pending_job();
        }
        Ok(())
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // QuickJS insists that values go before their runtime.
        self.function = None;
    }
}

impl Watch {
    fn new(limits: &Limits) -> Self {
        Self {
            deadline: Cell::new(now() + limits.time),
            expired: Cell::new(false),
        }
    }

    fn start(&self, limits: &Limits) {
        self.deadline.set(now() + limits.time);
        self.expired.set(false);
    }

    fn is_over(&self) -> bool {
        if now() >= self.deadline.get() {
            self.expired.set(true);
        }
        self.expired.get()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time limit needs a clock, and this is a driver"
)]
fn now() -> Instant {
    Instant::now()
}

/// The names that a filter finds besides the language's own.
fn furnish(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    let flags = Object::new(ctx.clone())?;
    for name in ["DELETED", "ACCESS_REMOVED"] {
        flags.set(name, name)?;
    }
    let console = Object::new(ctx.clone())?;
    for name in ["log", "info", "warn", "error", "debug"] {
        let print = |words: Rest<Coerced<String>>| {
            let words: Vec<_> = words.0.into_iter().map(|word| word.0).collect();
            tracing::info!(target: "replicator", "filter says: {}", cut(&words.join(" ")));
        };
        console.set(name, Function::new(ctx.clone(), print)?)?;
    }
    let globals = ctx.globals();
    globals.set("ReplicatedDocumentFlag", flags)?;
    globals.set("console", console)
}

fn evaluate(ctx: &Ctx<'_>, text: &str) -> rquickjs::Result<Persistent<Function<'static>>> {
    // The line break lets the text end with a comment.
    let value = match ctx.eval::<Value<'_>, _>(format!("({text}\n)")) {
        Err(rquickjs::Error::Exception) => {
            let exception = ctx.catch();
            // `setPushFilter(object.method)` gives the text of a method.
            match ctx.eval::<Value<'_>, _>(format!("(function {text}\n)")) {
                Ok(value) => value,
                Err(_) => {
                    ctx.catch();
                    return Err(ctx.throw(exception));
                }
            }
        }
        other => other?,
    };
    match value.into_function() {
        Some(function) => Ok(Persistent::save(ctx, function)),
        None => Err(rquickjs::Exception::throw_type(ctx, "it is no function")),
    }
}

fn failure(error: &CaughtError<'_>) -> Failure {
    let text = match error {
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            if message == "out of memory" {
                return Failure::OutOfMemory;
            }
            let name: Option<String> = exception.get("name").ok();
            format!("{}: {message}", name.as_deref().unwrap_or("Error"))
        }
        // With no memory left even for an exception, `null` is thrown.
        CaughtError::Value(value) if value.is_null() => return Failure::OutOfMemory,
        CaughtError::Value(value) => match value.as_string().map(rquickjs::String::to_string) {
            Some(Ok(text)) => text,
            _ => format!("a value of type {}", value.type_name()),
        },
        CaughtError::Error(error) => error.to_string(),
    };
    Failure::Threw(cut(&text))
}

fn cut(text: &str) -> String {
    text.chars()
        .take(MAX_MESSAGE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;

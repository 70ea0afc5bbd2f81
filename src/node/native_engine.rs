//! The class that JavaScript sees.

use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Buffer, Function, Int32ArraySlice, JsValue, Uint8ArraySlice, Unknown};
use napi::{Env, Status};
use napi_derive::napi;

use super::call::{Call, What, read_calls};
use super::documents::{self, Target};
use super::loan::PATIENCE;
use super::message::{self, put_completion, put_error};
use super::port::{Completer, MessageArgs, Port, RunCompleter};
use super::reads::Reads;
use super::runtime::{Runtime, runtime};
use super::{blobs, functions, lock, queries};
use crate::error::Error;

/// One JavaScript copy's way into the engine; all copies share one state.
#[napi]
pub struct NativeEngine {
    runtime: &'static Runtime,
    port: Arc<Port>,
    targets: Mutex<Vec<Arc<Target>>>,
}

#[napi]
impl NativeEngine {
    /// Makes a way in. `onMessages` gets completions and events: the text of a message, and
    /// what travels beside it: bytes, and texts in pieces from the last to the first. It must not
    /// throw.
    #[napi(constructor)]
    pub fn new(
        #[napi(ts_arg_type = "(text: string, beside: (Buffer | string[])[]) => void")] on_messages: Function<
            '_,
            MessageArgs,
            (),
        >,
    ) -> napi::Result<Self> {
        let runtime =
            runtime().map_err(|error| napi::Error::new(Status::GenericFailure, error.message()))?;
        Ok(Self {
            runtime,
            port: Port::new(&on_messages)?,
            targets: Mutex::default(),
        })
    }

    /// Takes the calls of a tick, in order, with the heads and texts of its saves if there are any.
    /// One call on a document of an idle database, or several reads and quick queries of it, are
    /// run at once if they are no more than `mayRunInline`; their completions are returned, as a
    /// message text.
    #[napi(
        ts_args_type = "calls: unknown[], mayRunInline: number, heads?: Int32Array, texts?: Uint8Array"
    )]
    pub fn submit(
        &self,
        env: Env,
        calls: Unknown<'_>,
        may_run_inline: u32,
        heads: Option<Int32ArraySlice<'_>>,
        texts: Option<Uint8ArraySlice<'_>>,
    ) -> napi::Result<Option<String>> {
        let saves = (
            heads.as_deref().unwrap_or_default(),
            texts.as_deref().unwrap_or_default(),
        );
        let (calls, loans) = read_calls(env.raw(), calls.raw(), saves, &mut lock(&self.targets))?;
        let mut completions = self.take(&env, calls, may_run_inline as usize);
        completions.as_mut().map(message::close);
        let mut patience = PATIENCE;
        for loan in loans {
            loan.wait(&mut patience);
        }
        Ok(completions)
    }

    /// Reads all bytes of a blob and blocks for it. Throws an error whose message is the JSON text
    /// `{domain, code, message}`.
    #[napi]
    pub fn read_blob(&self, name: String, digest: String) -> napi::Result<Buffer> {
        let read = || blobs::read_whole(&self.runtime.databases.get(&name)?.database, &digest);
        read().map(Buffer::from).map_err(|error| {
            let mut text = String::new();
            put_error(&mut text, &error);
            napi::Error::new(Status::GenericFailure, text)
        })
    }

    fn take(&self, env: &Env, calls: Vec<Call>, may_run_inline: usize) -> Option<String> {
        let count = calls.iter().map(Call::count).sum();
        let inline = count <= may_run_inline;
        let mut calls = match Reads::gather(self.runtime, calls) {
            Ok(reads) => {
                let expect = |count| self.port.expect(env, count);
                return reads.run(&self.port, inline, expect);
            }
            Err(calls) => calls,
        };
        if inline && count == 1 {
            return calls.pop().and_then(|call| self.run_alone(env, call));
        }
        self.port.expect(env, count);
        for Call { id, what } in calls {
            self.dispatch(id, what);
        }
        None
    }

    fn dispatch(&self, id: u32, what: What) {
        let completer = || Completer::new(&self.port, id);
        match what {
            What::Document(call) => documents::dispatch(self.runtime, call, completer()),
            What::Saves(run) => {
                let completer = RunCompleter::new(&self.port, id, run.len());
                documents::dispatch_run(self.runtime, run, completer);
            }
            What::Query(call) => queries::dispatch(self.runtime, call, completer()),
            What::Function { name, args } => match serde_json::from_str(&args) {
                Ok(args) => functions::dispatch(self.runtime, &name, args, completer()),
                Err(error) => {
                    let reason = format!("arguments of {name} are not JSON: {error}");
                    completer().done(Err(Error::invalid(reason)));
                }
            },
        }
    }

    /// Runs a call if nothing is before it and returns its completion; queues it otherwise.
    fn run_alone(&self, env: &Env, Call { id, what }: Call) -> Option<String> {
        let result = match what {
            What::Document(call) => documents::run_inline(self.runtime, call),
            What::Saves(run) => documents::run_inline(self.runtime, run.into_single()),
            What::Query(call) => queries::run_inline(self.runtime, call),
            What::Function { .. } => {
                self.port.expect(env, 1);
                self.dispatch(id, what);
                return None;
            }
        };
        match result {
            Ok(result) => {
                let (mut text, mut beside) = (String::with_capacity(128), Vec::new());
                put_completion(&mut text, &mut beside, id, result);
                if beside.is_empty() {
                    return Some(text);
                }
                // Only a message of its own has something beside its text.
                self.port.expect(env, 1);
                self.port.send(text, 1, beside);
                None
            }
            Err(waiting) => {
                self.port.expect(env, 1);
                waiting(Completer::new(&self.port, id));
                None
            }
        }
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        self.runtime.tokens.remove_of_port(&self.port);
    }
}

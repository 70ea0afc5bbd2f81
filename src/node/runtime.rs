//! The state that all `NativeEngine` objects of the process share.

use std::sync::{Arc, OnceLock};

use tokio::runtime::{Builder, Handle};

use super::handles::Handles;
use super::identities::Identities;
use super::lanes::{Job, Lanes};
use super::questions::Questions;
use super::replicators::Replicators;
use super::tokens::Tokens;
use super::url_listeners::UrlListeners;
use crate::error::{Error, Result};

/// Threads for sockets; databases have their own.
const WORKER_THREADS: usize = 2;

/// Everything that outlives a call.
#[derive(Debug)]
pub(super) struct Runtime {
    tokio: tokio::runtime::Runtime,
    pub(super) lanes: Arc<Lanes>,
    pub(super) databases: Handles,
    pub(super) tokens: Tokens,
    pub(super) replicators: Replicators,
    pub(super) url_listeners: UrlListeners,
    pub(super) questions: Questions,
    pub(super) identities: Identities,
}

impl Runtime {
    /// Where sockets live.
    pub(super) fn handle(&self) -> &Handle {
        self.tokio.handle()
    }

    /// Puts work at the end of a lane.
    pub(super) fn push(&self, lane: &str, job: Job) {
        self.lanes.push(self.handle(), lane, job);
    }
}

/// The one runtime, made with the first `NativeEngine`. Lives as long as the process.
///
/// # Errors
/// What the system says when it gives no threads.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(start).as_ref().map_err(Error::clone)
}

fn start() -> Result<Runtime> {
    crate::logging::install();
    let tokio = Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("settee")
        .enable_all()
        .build()?;
    Ok(Runtime {
        tokio,
        lanes: Arc::default(),
        databases: Handles::default(),
        tokens: Tokens::default(),
        replicators: Replicators::default(),
        url_listeners: UrlListeners::default(),
        questions: Questions::default(),
        identities: Identities::default(),
    })
}

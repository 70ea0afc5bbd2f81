//! Answers to questions that the engine asks JavaScript (design D1).
//!
//! Nothing asks yet: the callbacks that do (certificates, conflict resolvers) come with their own
//! features. Until then every answer is one too late.

use super::args::Args;
use super::message::Outcome;
use super::shown;
use crate::error::{Error, Result};

/// `callback_Answer {question, value | error}`.
pub(super) fn answer(args: &Args<'_>) -> Result<Outcome> {
    let question = args.text("question")?;
    Err(Error::not_found(format!(
        "question {:?} is not open: it was answered, or its time ran out",
        shown(question)
    )))
}

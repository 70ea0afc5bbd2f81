//! Questions that the engine asks JavaScript, and their answers (design D1).
//!
//! A question goes out as an event `{token, question, data}`; the answer comes back as the call
//! `callback_Answer {question, value | error}`. Whoever asks must deny when there is no answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::args::Args;
use super::message::Outcome;
use super::{lock, shown};
use crate::error::{Error, Result};

/// How long JavaScript may take, unless a person is asked.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Most questions that wait for an answer: strangers bring them about.
const MAX_OPEN: usize = 1_000;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It was not asked: too many wait already.
    TooMany,
    /// JavaScript says that it failed.
    Failed,
    /// The callback was removed or its `NativeEngine` is gone.
    Gone,
    /// No answer came in time.
    TimedOut,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "{MAX_OPEN} questions wait already"),
            Self::Failed => f.write_str("the callback failed"),
            Self::Gone => f.write_str("the callback is gone"),
            Self::TimedOut => f.write_str("the callback took too long"),
        }
    }
}

type Answer = Result<Value, Unanswered>;

/// All questions of the process that wait for an answer, by their random ids.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<HashMap<String, oneshot::Sender<Answer>>>);

/// Closes its question when dropped.
struct Open<'a> {
    questions: &'a Questions,
    id: String,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        lock(&self.questions.0).remove(&self.id);
    }
}

impl Questions {
    /// Hands the id of a new question to `put`, which sends it to JavaScript, and waits. Dropping
    /// the future closes the question.
    ///
    /// # Errors
    /// When no answer came within `limit` or before `gone`.
    pub(super) async fn ask(
        &self,
        limit: Duration,
        gone: impl Future<Output = ()>,
        put: impl FnOnce(&str),
    ) -> Answer {
        let (open, answer) = self.open()?;
        put(&open.id);
        tokio::select! {
            biased;
            () = gone => Err(Unanswered::Gone),
            answer = answer => answer.unwrap_or(Err(Unanswered::Gone)),
            () = sleep(limit) => Err(Unanswered::TimedOut),
        }
    }

    fn open(&self) -> Result<(Open<'_>, oneshot::Receiver<Answer>), Unanswered> {
        let id = uuid::Uuid::new_v4().to_string();
        let (sender, receiver) = oneshot::channel();
        let mut open = lock(&self.0);
        if open.len() >= MAX_OPEN {
            return Err(Unanswered::TooMany);
        }
        open.insert(id.clone(), sender);
        drop(open);
        let questions = self;
        Ok((Open { questions, id }, receiver))
    }

    /// Passes an answer on.
    ///
    /// # Errors
    /// `NotFound` for a question that does not wait: answered, late, or never asked.
    fn answer(&self, question: &str, answer: Answer) -> Result<()> {
        let sender = lock(&self.0).remove(question);
        match sender.map(|sender| sender.send(answer)) {
            Some(Ok(())) => Ok(()),
            _ => Err(Error::not_found(format!(
                "question {:?} is not open: it was answered, or its time ran out",
                shown(question)
            ))),
        }
    }
}

/// `callback_Answer {question, value | error}`. What the error says is not kept: it may quote what
/// was asked.
pub(super) fn answer(args: &Args<'_>) -> Result<Outcome> {
    let answer = match args.field("error") {
        Value::Null => Ok(args.field("value").clone()),
        _ => Err(Unanswered::Failed),
    };
    let questions = &args.runtime.questions;
    questions.answer(args.text("question")?, answer)?;
    Ok(Outcome::Nothing)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::error::Code;

    fn open(questions: &Questions) -> usize {
        lock(&questions.0).len()
    }

    #[tokio::test]
    async fn the_answer_reaches_whoever_asked_once() {
        let questions = Questions::default();
        let id = RefCell::new(String::new());
        let put = |question: &str| *id.borrow_mut() = question.to_owned();
        let mut asking = Box::pin(questions.ask(LIMIT, pending(), put));
        assert!(asking.as_mut().now_or_never().is_none());
        let id = id.take();
        questions.answer("other", Ok(json!(true))).unwrap_err();
        questions.answer(&id, Ok(json!({"yes": 1}))).unwrap();
        let again = questions.answer(&id, Ok(json!(true))).unwrap_err();
        assert!(again.is(Code::NotFound), "{again}");
        assert_eq!(asking.await, Ok(json!({"yes": 1})));
        assert_eq!(open(&questions), 0);
    }

    #[tokio::test]
    async fn an_error_is_no_answer() {
        let questions = Questions::default();
        let put = |question: &str| {
            questions.answer(question, Err(Unanswered::Failed)).unwrap();
        };
        let answer = questions.ask(LIMIT, pending(), put).await;
        assert_eq!(answer, Err(Unanswered::Failed));
    }

    #[tokio::test]
    async fn time_runs_out_and_the_late_answer_is_told_so() {
        assert_eq!(LIMIT, Duration::from_secs(5), "design D1");
        let questions = Questions::default();
        let mut id = String::new();
        let limit = Duration::from_millis(1);
        let answer = questions
            .ask(limit, pending(), |question| id = question.to_owned())
            .await;
        assert_eq!(answer, Err(Unanswered::TimedOut));
        let late = questions.answer(&id, Ok(json!(true))).unwrap_err();
        assert!(late.is(Code::NotFound), "{late}");
    }

    #[tokio::test]
    async fn a_callback_that_is_gone_does_not_answer() {
        let questions = Questions::default();
        let put = |question: &str| questions.answer(question, Ok(json!(true))).unwrap();
        let answer = questions.ask(LIMIT, ready(()), put).await;
        assert_eq!(answer, Err(Unanswered::Gone), "not even at the last moment");
    }

    #[test]
    fn whoever_stops_waiting_closes_the_question() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _context = runtime.enter();
        let questions = Questions::default();
        let mut asking = Box::pin(questions.ask(LIMIT, pending(), |_| ()));
        assert!(asking.as_mut().now_or_never().is_none());
        assert_eq!(open(&questions), 1);
        drop(asking);
        assert_eq!(open(&questions), 0);
    }

    #[tokio::test]
    async fn only_so_many_wait_at_a_time() {
        let questions = Questions::default();
        let mut waiting = Vec::new();
        for _ in 0..MAX_OPEN {
            let mut asking = Box::pin(questions.ask(LIMIT, pending(), |_| ()));
            assert!(asking.as_mut().now_or_never().is_none());
            waiting.push(asking);
        }
        let put = |_: &str| panic!("must not be asked");
        let answer = questions.ask(LIMIT, pending(), put).await;
        assert_eq!(answer, Err(Unanswered::TooMany));
        waiting.pop();
        let limit = Duration::from_millis(1);
        let answer = questions.ask(limit, pending(), |_| ()).await;
        assert_eq!(answer, Err(Unanswered::TimedOut));
    }
}

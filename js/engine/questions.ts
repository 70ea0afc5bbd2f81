import type { SetteeEngine } from './core-engine';
import type { CallbackResultData, ListenerCallback } from './results';

/** What the engine sends when it needs an answer (design D1). */
export interface Question {
  /** Token of the callback that is asked. */
  token: string;
  /** Id of this question, to be sent back with the answer. */
  question: string;
  data: any;
}

/**
 * Makes a callback that answers the engine's questions.
 *
 * `answer` may return a value or a promise. When it throws, the engine is told the error and
 * denies; it also denies when no answer comes within the question's time (5 s unless a person is
 * asked). The answer to a question that has run out is ignored by the engine.
 */
export function answering(
  engine: Pick<SetteeEngine, 'callback_Answer'>,
  answer: (data: any) => unknown,
): ListenerCallback {
  return (payload: CallbackResultData) => {
    const { question, data } = payload as Question;
    new Promise((resolve) => resolve(answer(data)))
      .then(
        (value) => engine.callback_Answer({ question, value }),
        (reason) => engine.callback_Answer({ question, error: { message: text(reason) } }),
      )
      .catch((reason) => {
        // The question ran out, or the engine is gone: nobody waits for this answer any more.
        console.warn(`settee: an answer came too late: ${text(reason)}`);
      });
  };
}

function text(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

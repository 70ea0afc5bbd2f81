import { answering } from 'settee';

function asked(answer: (data: any) => unknown) {
  const callback_Answer = jest.fn().mockResolvedValue(undefined);
  const callback = answering({ callback_Answer }, answer);
  callback({ token: 't', question: 'q1', data: { username: 'u' } });
  return new Promise((resolve) => setImmediate(() => resolve(callback_Answer.mock.calls)));
}

describe('questions of the engine', () => {
  it('are answered with a value', async () => {
    expect(await asked(({ username }) => username === 'u')).toEqual([
      [{ question: 'q1', value: true }],
    ]);
  });

  it('are answered with a promised value', async () => {
    expect(await asked(() => Promise.resolve('later'))).toEqual([
      [{ question: 'q1', value: 'later' }],
    ]);
  });

  it.each([
    () => {
      throw new Error('no idea');
    },
    () => Promise.reject(new Error('no idea')),
    () => Promise.reject('no idea'),
  ])('are answered with an error %#', async (answer) => {
    expect(await asked(answer)).toEqual([[{ question: 'q1', error: { message: 'no idea' } }]]);
  });

  it('never become an unhandled rejection when the answer comes too late', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const callback_Answer = jest.fn().mockRejectedValue(new Error('no such question'));
    answering({ callback_Answer }, () => 1)({ token: 't', question: 'q', data: null });
    await new Promise((resolve) => setImmediate(resolve));
    expect(warn).toHaveBeenCalledWith('settee: an answer came too late: no such question');
    warn.mockRestore();
  });
});

/** The scripts that count what `npm test` ran. */

const { CargoOutput } = require('../scripts/lib/cargo-output');
const { countJest } = require('../scripts/lib/jest-output');
const { Report } = require('../scripts/lib/report');

function cargo(lines: string[], code: number | string) {
  const report = new Report();
  const output = new CargoOutput(report);
  for (const line of lines) {
    output.line(line);
  }
  output.finish(code);
  return [report.passed, report.failed, report.skipped];
}

const RESULT = '0 measured; 0 filtered out; finished in 0.00s';

describe('counting cargo test', () => {
  it('adds up programs', () => {
    const lines = [
      '     Running unittests src/lib.rs (target/release/deps/settee-1)',
      'running 3 tests',
      'test blip::a ... ok',
      'test blip::b ... ignored, needs a JVM',
      'test blip::c ... ignored',
      `test result: ok. 1 passed; 0 failed; 2 ignored; ${RESULT}`,
      '     Running tests/api/main.rs (target/release/deps/api-1)',
      'running 2 tests',
      `test result: ok. 2 passed; 0 failed; 0 ignored; ${RESULT}`,
    ];
    expect(cargo(lines, 0)).toEqual([
      3,
      [],
      [
        'unittests src/lib.rs: blip::b: needs a JVM',
        'unittests src/lib.rs: blip::c: no reason given',
      ],
    ]);
  });

  it('names failures once', () => {
    const lines = [
      '     Running tests/api/main.rs (target/release/deps/api-1)',
      'running 2 tests',
      'test \u001b[31mx\u001b[0m ... FAILED',
      `test result: FAILED. 1 passed; 1 failed; 0 ignored; ${RESULT}`,
    ];
    expect(cargo(lines, 101)).toEqual([1, ['tests/api/main.rs: x'], []]);
  });

  it('counts a build that failed and a program that died', () => {
    expect(cargo(['error: could not compile `settee`'], 101)).toEqual([
      0,
      ['cargo test (exit 101)'],
      [],
    ]);
    const lines = ['     Running tests/api/main.rs (deps/api-1)', 'running 1 test'];
    expect(cargo(lines, 101)[1]).toEqual(['tests/api/main.rs ended without a result']);
  });
});

describe('counting jest', () => {
  it('takes counts, failures and reasons', () => {
    const report = new Report();
    const test = (fullName: string, status: string) => ({ fullName, status });
    countJest(
      {
        testResults: [
          {
            name: `${process.cwd()}/__test__/a.spec.ts`,
            status: 'failed',
            assertionResults: [
              test('a', 'passed'),
              test('b', 'failed'),
              test('c [skipped: no JVM]', 'pending'),
              test('d', 'todo'),
            ],
          },
          { name: `${process.cwd()}/__test__/b.spec.ts`, status: 'failed', assertionResults: [] },
        ],
      },
      report,
    );
    expect(report.passed).toBe(1);
    expect(report.failed).toEqual(['__test__/a.spec.ts: b', '__test__/b.spec.ts did not run']);
    expect(report.skipped).toEqual([
      '__test__/a.spec.ts: c: no JVM',
      '__test__/a.spec.ts: d: no reason given',
    ]);
  });

  it('closes with one line of counts', () => {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const report = new Report();
    report.pass(2);
    report.skip('x', 'y');
    report.print();
    const lines = log.mock.calls.map(([line]) => line);
    log.mockRestore();
    expect(lines).toContain('  x: y');
    expect(lines[lines.length - 1]).toBe('2 passed, 0 failed, 1 skipped');
  });
});

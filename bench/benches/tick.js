// @ts-check

// tick: the event loop stays free while saves are in flight.

const { worker } = require('../lib/bench');

const IN_FLIGHT = 10_000;

/** @type {Record<string, { about: string, run: (settings: import('../lib/bench').Settings, findings: import('../lib/bench').Findings) => Promise<void> }>} */
module.exports = {
  tick: {
    about: `lateness of a 1 ms timer while ${IN_FLIGHT} saves are in flight; baseline: the same loop without a database`,
    async run(settings, findings) {
      const running = ['settee', 'baseline'].map((name) => ({
        name,
        process: worker('tick.js', `tick ${name}`, [name], settings),
      }));
      let worst = -1;
      try {
        for (let round = 0; round < settings.rounds; round++) {
          for (const { name, process } of running) {
            const result = await process.call('measure', {
              folder: settings.folder,
              count: IN_FLIGHT,
            });
            findings.add('tick worst', name, result.worst, { unit: 'ms', higherIsBetter: false });
            findings.add('tick 99th percentile', name, result.p99, {
              unit: 'ms',
              higherIsBetter: false,
            });
            if (name === 'settee') worst = Math.max(worst, result.worst);
          }
        }
      } finally {
        await Promise.all(running.map(({ process }) => process.stop()));
      }
      findings.check('tick', 'the latest tick of all rounds', worst < 0 ? null : worst, {
        atMost: 20,
        unit: 'ms',
      });
    },
  },
};

// @ts-check

// blob: a large attachment in and out of a database, beside a plain copy of its file.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { worker } = require('../lib/bench');
const { MIB, median } = require('../lib/stats');

const SIZE_MIB = 100;

/** @type {Record<string, { about: string, run: (settings: import('../lib/bench').Settings, findings: import('../lib/bench').Findings) => Promise<void> }>} */
module.exports = {
  blob: {
    about: `a blob of ${SIZE_MIB} MiB in and out, by path and by bytes, beside fs.copyFile of it`,
    async run(settings, findings) {
      const file = path.join(settings.folder, 'blob');
      fs.writeFileSync(file, '');
      for (let i = 0; i < SIZE_MIB; i++) fs.appendFileSync(file, crypto.randomBytes(MIB));
      const running = worker('blob.js', 'blob', [], settings);
      const add = (
        /** @type {string} */ subject,
        /** @type {[way: string, seconds: number][]} */ times,
      ) => {
        for (const [way, seconds] of times)
          findings.add(`blob ${way}`, way.startsWith('copy') ? 'file' : subject, SIZE_MIB / seconds, {
            unit: 'MiB/s',
          });
      };
      const { folder } = settings;
      try {
        for (let round = 0; round < settings.rounds; round++) {
          add('file', await running.call('copy', { file, folder }));
          add('settee', await running.call('settee', { file, folder }));
          if (settings.subjects.includes('settee-encrypted')) {
            const key = 'a passphrase';
            add('settee-encrypted', await running.call('settee', { file, folder, key }));
          }
        }
      } finally {
        await running.stop();
        fs.rmSync(file);
      }
      const copy = findings.find('blob copy', 'file');
      for (const way of ['in by path', 'in by bytes', 'out by path', 'out by bytes']) {
        const ours = findings.find(`blob ${way}`, 'settee');
        const ratio = ours && copy ? median(ours.values) / median(copy.values) : null;
        findings.check('blob', `of a file copy, ${way}`, ratio, { atLeast: 0.5, unit: '×' });
      }
    },
  },
};

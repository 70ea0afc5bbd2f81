const path = require('path');

// The engine reads the real environment, of which a test sees only a copy: without this the tests
// would keep identities in the user's own folder, and their keys in the user's own key ring.
process.env.SETTEE_HOME = path.join(__dirname, 'tmp', 'test-home');
process.env.SETTEE_KEY_STORE = 'file';

/** Tests go through the built package (`npm run build` or the `pretest` script makes it). */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__test__'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: { '^settee$': '<rootDir>/dist/index.js' },
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // Two cores; native specs open many databases.
  maxWorkers: 2,
  testTimeout: 30000,
};

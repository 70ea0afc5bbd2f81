// Tests leave the user's own key ring alone.
process.env.SETTEE_KEY_STORE = 'file';

/** The example application in a browser: `npm test -- app`. */
module.exports = {
  rootDir: '../..',
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/app'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: { '^settee$': '<rootDir>/dist/index.js' },
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // Each file starts a browser of its own.
  maxWorkers: 1,
  testTimeout: 60000,
};

// Tests leave the user's own key ring alone.
process.env.SETTEE_KEY_STORE = 'file';

/** Tests in a real Electron: `npm test -- electron`. */
module.exports = {
  rootDir: '../..',
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/electron'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: { '^settee$': '<rootDir>/dist/index.js' },
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
  // Each file starts an Electron of its own.
  maxWorkers: 1,
  testTimeout: 60000,
};

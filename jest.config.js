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

export * from '../dist/electron/main';

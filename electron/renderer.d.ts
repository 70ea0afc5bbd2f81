export * from '../dist/electron/renderer';

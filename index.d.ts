/// <reference lib="es2018.asynciterable" />
export * from './dist/index';

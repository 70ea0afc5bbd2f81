import { DatabaseConfiguration } from 'settee';

describe('DatabaseConfiguration', () => {
  it('without arguments has an undefined directory and no key', () => {
    const config = new DatabaseConfiguration();
    expect(Object.keys(config)).toEqual(['directory']);
    expect(config.directory).toBeUndefined();
  });

  it('sets what is a string', () => {
    expect({ ...new DatabaseConfiguration('/data') }).toEqual({ directory: '/data' });
    expect(Object.keys(new DatabaseConfiguration('/data'))).toEqual(['directory']);
    const both = new DatabaseConfiguration('/data', 'secret');
    expect({ ...both }).toEqual({ directory: '/data', encryptionKey: 'secret' });
  });

  it('with an undefined directory sets only the key', () => {
    expect(Object.keys(new DatabaseConfiguration(undefined, 'secret'))).toEqual(['encryptionKey']);
  });

  it('copies another configuration', () => {
    const original = new DatabaseConfiguration('/data', 'secret').setFullSync(true);
    const copy = new DatabaseConfiguration(original);
    original.setDirectory('/elsewhere');
    expect(copy.getDirectory()).toBe('/data');
    expect(copy.getEncryptionKey()).toBe('secret');
    expect(copy.getFullSync()).toBe(true);
  });

  it('ignores a plain object', () => {
    const config = new DatabaseConfiguration({ directory: '/data' } as any);
    expect(config.directory).toBeUndefined();
  });

  it('has chainable setters and fields that may be assigned', () => {
    const config = new DatabaseConfiguration().setDirectory('/a').setEncryptionKey('k');
    expect(config).toBeInstanceOf(DatabaseConfiguration);
    config.directory = '/b';
    expect(config.getDirectory()).toBe('/b');
    expect(config.getEncryptionKey()).toBe('k');
    expect(config.getFullSync()).toBe(false);
  });
});

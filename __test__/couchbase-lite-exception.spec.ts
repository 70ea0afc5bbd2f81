import { CouchbaseLiteException } from 'settee';

describe('CouchbaseLiteException', () => {
  const exception = new CouchbaseLiteException('no such thing', 'CouchbaseLite', 7);

  it('is an Error whose name stays Error', () => {
    expect(exception).toBeInstanceOf(Error);
    expect(exception).toBeInstanceOf(CouchbaseLiteException);
    expect(exception.name).toBe('Error');
    expect(exception.message).toBe('no such thing');
    expect(exception.stack).toContain('no such thing');
  });

  it('shows message, domain and code in JSON', () => {
    expect(Object.keys(exception).sort()).toEqual(['code', 'domain', 'message']);
    expect(JSON.parse(JSON.stringify(exception))).toEqual({
      message: 'no such thing',
      domain: 'CouchbaseLite',
      code: 7,
    });
  });
});

import { Document } from 'settee';

function documentOf(data: Record<string, unknown>): Document {
  return new Document('id', 3, '1-abc', null, data);
}

describe('Document', () => {
  it('makes an id when it is given none', () => {
    expect(new Document().getId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Document('').getId()).toBe('');
  });

  it('knows no revision, sequence and collection before it is saved', () => {
    const document = new Document('x');
    expect(document.getRevisionID()).toBeNull();
    expect(document.getSequence()).toBeNull();
    expect(document.getCollection()).toBeNull();
    expect(document.count()).toBe(0);
  });

  it('gives its own data object', () => {
    const data = { a: 1, b: { c: 2 } };
    const document = documentOf(data);
    expect(document.getData()).toBe(data);
    expect(document.toDictionary()).toBe(data);
    expect(document.toJsonString()).toBe('{"a":1,"b":{"c":2}}');
    expect(document.getKeys()).toEqual(['a', 'b']);
    expect(document.count()).toBe(2);
    expect(document.getSequence()).toBe(3);
    expect(document.getRevisionID()).toBe('1-abc');
  });

  it('keeps its internals in fields of the names of the reference and nothing else', () => {
    expect(Object.keys(documentOf({})).sort()).toEqual([
      'collection',
      'doc',
      'id',
      'revisionID',
      'sequenceNo',
    ]);
  });

  it('takes keys literally', () => {
    const document = documentOf({ 'a.b': 'dotted', a: { b: 'nested' } });
    expect(document.getString('a.b')).toBe('dotted');
    expect(document.getString('toString')).toBeNull();
    expect(document.getValue('constructor')).toBeNull();
  });

  it('getValue gives the stored value or null', () => {
    const document = documentOf({ zero: 0, nothing: undefined });
    expect(document.getValue('zero')).toBe(0);
    expect(document.getValue('nothing')).toBeUndefined();
    expect(document.getValue('absent')).toBeNull();
  });

  it('getString gives strings only', () => {
    const document = documentOf({ s: 'text', n: 1, e: '' });
    expect(document.getString('s')).toBe('text');
    expect(document.getString('e')).toBe('');
    expect(document.getString('n')).toBeNull();
    expect(document.getString('absent')).toBeNull();
  });

  it.each([
    ['absent', false],
    ['true', true],
    ['false', false],
    ['zero', false],
    ['one', true],
    ['zeroText', false],
    ['null', false],
    ['emptyText', true],
    ['nan', true],
    ['object', true],
    ['undefined', true],
  ])('getBoolean of %s is %s', (key, expected) => {
    const document = documentOf({
      true: true,
      false: false,
      zero: 0,
      one: 1,
      zeroText: '0.0',
      null: null,
      emptyText: '',
      nan: Number.NaN,
      object: {},
      undefined: undefined,
    });
    expect(document.getBoolean(key)).toBe(expected);
  });

  it('getInt rounds down and counts booleans', () => {
    const document = documentOf({ a: 1.9, b: -1.5, t: true, f: false, s: '7' });
    expect(document.getInt('a')).toBe(1);
    expect(document.getInt('b')).toBe(-2);
    expect(document.getInt('t')).toBe(1);
    expect(document.getInt('f')).toBe(0);
    expect(document.getInt('s')).toBe(0);
    expect(document.getInt('absent')).toBe(0);
  });

  it('getLong gives the raw value', () => {
    const document = documentOf({ n: 1.5, s: 'text', nothing: null });
    expect(document.getLong('n')).toBe(1.5);
    expect(document.getLong('s')).toBe('text');
    expect(document.getLong('nothing')).toBeNull();
    expect(document.getLong('absent')).toBe(0);
  });

  it.each(['getFloat', 'getDouble'] as const)('%s gives numbers and counts booleans', (getter) => {
    const document = documentOf({ n: 1.5, t: true, f: false, s: '1.5' });
    expect(document[getter]('n')).toBe(1.5);
    expect(document[getter]('t')).toBe(1);
    expect(document[getter]('f')).toBe(0);
    expect(document[getter]('s')).toBe(0);
    expect(document[getter]('absent')).toBe(0);
  });

  it('getDate reads any date string', () => {
    const document = documentOf({ iso: '2024-02-03T04:05:06.789Z', seven: '7', no: 'no', n: 7 });
    expect(document.getDate('iso')).toEqual(new Date('2024-02-03T04:05:06.789Z'));
    expect(document.getDate('seven')).toBeInstanceOf(Date);
    expect(document.getDate('no')).toBeNull();
    expect(document.getDate('n')).toBeNull();
    expect(document.getDate('absent')).toBeNull();
  });

  it('getArray and getDictionary give the stored object itself', () => {
    const array = [1];
    const dictionary = { a: 1 };
    const document = documentOf({ array, dictionary, nothing: null });
    expect(document.getArray('array')).toBe(array);
    expect(document.getArray('dictionary')).toBeNull();
    expect(document.getDictionary('dictionary')).toBe(dictionary);
    expect(document.getDictionary('array')).toBeNull();
    expect(document.getDictionary('nothing')).toBeNull();
    expect(document.getDictionary('absent')).toBeNull();
  });

  it('gives blob metadata as a dictionary', () => {
    const metadata = { '@type': 'blob', content_type: 'text/plain', digest: 'sha1-x', length: 1 };
    expect(documentOf({ metadata }).getDictionary('metadata')).toBe(metadata);
  });

  it('getBlob gives null for what is no blob', async () => {
    const document = documentOf({ text: 'a', plain: {} });
    await expect(document.getBlob('text')).resolves.toBeNull();
    await expect(document.getBlob('plain')).resolves.toBeNull();
    await expect(document.getBlob('absent')).resolves.toBeNull();
    expect(document.blobStream('plain')).toBeNull();
    await expect(document.saveBlobToFile('plain', 'file')).rejects.toMatchObject({ code: 7 });
  });

  it('needs a collection for blob content', async () => {
    const document = documentOf({ blob: { content_type: 'text/plain' } });
    await expect(document.getBlobContent('blob')).rejects.toThrow(TypeError);
    await expect(document.getBlob('blob')).rejects.toThrow(TypeError);
    expect(() => document.blobStream('blob')).toThrow(TypeError);
    await expect(document.saveBlobToFile('blob', 'file')).rejects.toThrow(TypeError);
  });
});

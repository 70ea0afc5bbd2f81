import { Blob, Document, MutableDocument } from 'settee';

const UUID = /^[0-9a-f-]{36}$/;

function shape(document: MutableDocument) {
  return [document.getId(), document.getSequence(), document.getRevisionID(), document.getData()];
}

describe('the constructor of MutableDocument', () => {
  it.each([
    ['nothing', new MutableDocument()],
    ['an empty id', new MutableDocument('')],
    ['null', new MutableDocument(null)],
    ['undefined', new MutableDocument(undefined)],
  ])('makes an id from %s', (_title, document) => {
    expect(document).toBeInstanceOf(Document);
    expect(document.getId()).toMatch(UUID);
    expect(shape(document).slice(1)).toEqual([null, null, {}]);
  });

  it('takes an id', () => {
    expect(shape(new MutableDocument('x'))).toEqual(['x', null, null, {}]);
  });

  it('takes an id and data, which it keeps', () => {
    const data = { a: 1 };
    const document = new MutableDocument('x', data);
    expect(document.getData()).toBe(data);
    expect(shape(document)).toEqual(['x', null, null, { a: 1 }]);
    expect(shape(new MutableDocument('x', null))).toEqual(['x', null, null, {}]);
  });

  it('with data makes an id for null, and keeps an empty one for the engine', () => {
    expect(new MutableDocument(null, {}).getId()).toMatch(UUID);
    expect(new MutableDocument(undefined, {}).getId()).toMatch(UUID);
    expect(new MutableDocument('', {}).getId()).toBe('');
  });

  it('takes an id, a sequence and more', () => {
    const data = { a: 1 };
    expect(shape(new MutableDocument('x', 7))).toEqual(['x', 7, null, {}]);
    expect(shape(new MutableDocument('x', null, data))).toEqual(['x', null, null, data]);
    expect(shape(new MutableDocument('x', 7, null))).toEqual(['x', 7, null, {}]);
    expect(shape(new MutableDocument('x', 7, '1-a'))).toEqual(['x', 7, '1-a', {}]);
    expect(shape(new MutableDocument('x', 7, '1-a', data))).toEqual(['x', 7, '1-a', data]);
    expect(shape(new MutableDocument('x', 7, '1-a', null))).toEqual(['x', 7, '1-a', {}]);
  });
});

describe('MutableDocument from something', () => {
  it('fromDocument shares the data object', () => {
    const source = new Document('x', 7, '1-a', null, { a: 1 });
    const copy = MutableDocument.fromDocument(source);
    expect(shape(copy)).toEqual(['x', 7, '1-a', { a: 1 }]);
    expect(copy.getData()).toBe(source.getData());
  });

  it('fromDocument leaves pending blobs behind', () => {
    const source = new MutableDocument('x').setBlob('b', new Blob('text/plain', new Uint8Array(1)));
    expect(MutableDocument.fromDocument(source).blobsToJsonString()).toBe('{}');
  });

  it('fromJSON parses', () => {
    expect(shape(MutableDocument.fromJSON('x', '{"a":[1]}'))).toEqual([
      'x',
      null,
      null,
      { a: [1] },
    ]);
    expect(MutableDocument.fromJSON('x', 'null').getData()).toEqual({});
    expect(MutableDocument.fromJSON('x', '[1]').getData()).toEqual([1]);
    expect(shape(MutableDocument.fromJSON('x', '7'))).toEqual(['x', 7, null, {}]);
    expect(MutableDocument.fromJSON('x', '"text"').getData()).toEqual({});
  });

  it('fromJSON names the reason of a failure', () => {
    expect(() => MutableDocument.fromJSON('x', '{')).toThrow(/^Failed to parse JSON string: ./);
  });
});

describe('the setters of MutableDocument', () => {
  it('store as is and return the document', () => {
    const document = new MutableDocument('x');
    const array = [1];
    const dictionary = { a: 1 };
    expect(
      document
        .setString('string', 'text')
        .setBoolean('boolean', true)
        .setInt('int', 1.5)
        .setLong('long', 2)
        .setFloat('float', 0.5)
        .setDouble('double', 1e308)
        .setNumber('number', -0)
        .setArray('array', array)
        .setDictionary('dictionary', dictionary)
        .setValue('value', 'any')
        .setString('nothing', null)
        .setDate('date', new Date(0))
        .setDate('noDate', null),
    ).toBe(document);
    expect(document.getData()).toEqual({
      string: 'text',
      boolean: true,
      int: 1.5,
      long: 2,
      float: 0.5,
      double: 1e308,
      number: -0,
      array: [1],
      dictionary: { a: 1 },
      value: 'any',
      nothing: null,
      date: '1970-01-01T00:00:00.000Z',
      noDate: null,
    });
    expect(document.getArray('array')).toBe(array);
    expect(document.getDictionary('dictionary')).toBe(dictionary);
  });

  it('setData replaces the data object', () => {
    const data = { b: 2 };
    const document = new MutableDocument('x', { a: 1 }).setData(data);
    expect(document.getData()).toBe(data);
  });

  it('store __proto__ as a key like any other', () => {
    const document = new MutableDocument('x').setDictionary('__proto__', { admin: true });
    expect((document.getData() as any).admin).toBeUndefined();
    expect(document.toJsonString()).toBe('{"__proto__":{"admin":true}}');
    expect(document.getKeys()).toEqual(['__proto__']);
  });

  it('change id, revision, sequence', () => {
    const document = new MutableDocument('x');
    document.setId('y');
    document.setRevisionID('2-b');
    document.setSequence(9);
    expect(shape(document)).toEqual(['y', 9, '2-b', {}]);
  });
});

describe('remove', () => {
  it('takes a dotted path', () => {
    const document = new MutableDocument('x', { a: { b: { c: 1, d: 2 } }, e: 3 });
    expect(document.remove('a.b.c').remove('e')).toBe(document);
    expect(document.getData()).toEqual({ a: { b: { d: 2 } } });
  });

  it('stops quietly where a step is missing, null or no object', () => {
    const document = new MutableDocument('x', { n: null, s: 'text' });
    document.remove('absent.a.b').remove('n.a').remove('s.a').remove('__proto__.toString');
    expect(document.getData()).toEqual({ n: null, s: 'text' });
    expect({}.toString).toBeDefined();
  });

  it('drops a pending blob', () => {
    const document = new MutableDocument('x').setBlob('b', new Blob('a/b', new Uint8Array(1)));
    document.remove('b');
    expect(document.blobsToJsonString()).toBe('{}');
  });
});

describe('pending blobs', () => {
  const blob = new Blob('text/plain', new Uint8Array([104, 105]));

  it('take the key out of the data', () => {
    const document = new MutableDocument('x', { b: 'old', a: 1 }).setBlob('b', blob);
    expect(document.getData()).toEqual({ a: 1 });
    expect(document.getString('b')).toBeNull();
  });

  it('show as JSON text', () => {
    const document = new MutableDocument('x');
    expect(document.blobsToJsonString()).toBe('{}');
    document.setBlob('b', blob).setBlob('gone', null);
    expect(JSON.parse(document.blobsToJsonString())).toEqual({
      b: { _type: 'blob', data: { contentType: 'text/plain', data: [104, 105] } },
      gone: null,
    });
  });

  it('are dropped by a setter of the same key, not by setData', () => {
    const document = new MutableDocument('x').setBlob('b', blob).setBlob('c', blob);
    document.setString('b', 'text').setData({});
    expect(Object.keys(JSON.parse(document.blobsToJsonString()))).toEqual(['c']);
  });

  it('do not show among the fields', () => {
    const document = new MutableDocument('x').setBlob('b', blob);
    expect(Object.keys(document)).not.toContain('pendingBlobs');
  });
});

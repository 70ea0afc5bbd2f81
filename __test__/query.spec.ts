import { Database, EngineLocator, Parameter, Parameters, Query, type QueryChange } from 'settee';
import { FakeEngine } from './support/fake-engine';

const real = EngineLocator.getEngine(EngineLocator.key);
let fake: FakeEngine;
let database: Database;
let query: Query;

beforeEach(() => {
  fake = FakeEngine.register({
    query_Execute: () => ({ data: '[{"a":1},{"a":null}]' }),
    query_Explain: () => ({ data: 'SELECT …' }),
  });
  database = new Database('travel', null, 'handle');
  query = new Query('SELECT a FROM _', database);
});

afterAll(() => FakeEngine.unregister(real));

describe('Query', () => {
  it('executes to plain rows', async () => {
    query.parameters.setInt('n', 4);
    await expect(query.execute()).resolves.toEqual([{ a: 1 }, { a: null }]);
    expect(fake.last('query_Execute')).toEqual({
      name: 'handle',
      query: 'SELECT a FROM _',
      parameters: { n: { name: 'n', value: 4, type: 'int' } },
    });
  });

  it('explains', async () => {
    await expect(query.explain()).resolves.toBe('SELECT …');
  });

  it('has its parts', () => {
    expect(query.toString()).toBe('SELECT a FROM _');
    expect(query.getDatabase()).toBe(database);
    expect(query.parameters).toBeInstanceOf(Parameters);
    expect(query.getParameters()).toBe(query.parameters);
    const parameters = new Parameters();
    query.addParameter(parameters);
    expect(query.parameters).toBe(parameters);
    const other = new Database('other');
    query.setDatabase(other);
    expect(query.getDatabase()).toBe(other);
    expect(Object.keys(query)).not.toContain('_engine');
  });

  it('tells a live listener results and errors', async () => {
    const changes: QueryChange[] = [];
    const token = await query.addChangeListener((change) => changes.push(change));
    expect(fake.last('query_AddChangeListener')).toMatchObject({
      name: 'handle',
      changeListenerToken: token,
    });
    const callback = fake.callbacks.get(token) as (data: object) => void;
    callback({ data: '[{"a":1}]' });
    callback({ data: '[]', error: 'no such index' });
    callback({ error: 'no data' });
    expect(changes.map(({ results }) => results)).toEqual([[{ a: 1 }], [], []]);
    expect(changes.map(({ error }) => error)).toEqual([undefined, 'no such index', 'no data']);
    expect(changes[0].query).toBe(query);
  });

  it('takes one listener, again after removal', async () => {
    const token = await query.addChangeListener(() => undefined);
    await expect(query.addChangeListener(() => undefined)).rejects.toThrow(
      'Listener for query SELECT a FROM _ already started',
    );
    await query.removeChangeListener(token);
    expect(fake.last('query_RemoveChangeListener')).toEqual({
      name: 'handle',
      changeListenerToken: token,
    });
    await query.addChangeListener(() => undefined);
  });
});

describe('Parameters', () => {
  it('store values unchanged with their type', () => {
    const parameters = new Parameters();
    parameters.setValue('a', { b: 1 });
    parameters.setString('b', 's');
    parameters.setBoolean('c', true);
    parameters.setFloat('d', 1.5);
    parameters.setDouble('e', 2.5);
    parameters.setLong('f', 3.5);
    parameters.setInt('g', 4.5);
    parameters.setDate('h', new Date(0));
    parameters.setString('i', 's');
    parameters.remove('i');
    expect(JSON.parse(JSON.stringify(parameters.get()))).toEqual({
      a: { name: 'a', value: { b: 1 }, type: 'value' },
      b: { name: 'b', value: 's', type: 'string' },
      c: { name: 'c', value: true, type: 'boolean' },
      d: { name: 'd', value: 1.5, type: 'float' },
      e: { name: 'e', value: 2.5, type: 'double' },
      f: { name: 'f', value: 3.5, type: 'long' },
      g: { name: 'g', value: 4.5, type: 'int' },
      h: { name: 'h', value: '1970-01-01T00:00:00.000Z', type: 'date' },
      i: null,
    });
    expect(parameters.get().a).toBeInstanceOf(Parameter);
    expect(parameters.get()).toBe(parameters.get());
  });

  it('give a fresh map when empty', () => {
    const parameters = new Parameters();
    expect(parameters.get()).toEqual({});
    expect(parameters.get()).not.toBe(parameters.get());
  });

  it('refuse a null date and leave nothing behind', () => {
    const parameters = new Parameters();
    expect(() => parameters.setDate('d', null as any)).toThrow(TypeError);
    expect(parameters.get()).toEqual({});
  });
});

describe('Parameter', () => {
  it('sets and gives itself', () => {
    const parameter = new Parameter();
    parameter.setLong('n', 1);
    expect(parameter.get()).toBe(parameter);
    expect({ ...parameter }).toEqual({ name: 'n', value: 1, type: 'long' });
  });
});

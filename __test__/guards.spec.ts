import {
  DocumentReplication,
  isDocumentReplicationRepresentation,
  isReplicatedDocumentRepresentation,
  isReplicatorChange,
  ReplicatedDocument,
  ReplicatedDocumentFlag,
} from 'settee';

let warn: jest.SpyInstance;
beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => warn.mockRestore());

const NONSENSE = [undefined, null, 7, 'x', [], {}, () => 1];

describe('isReplicatorChange', () => {
  it('wants a level and a progress', () => {
    expect(isReplicatorChange({ activityLevel: 0, progress: { completed: 0, total: 0 } })).toBe(
      true,
    );
    expect(isReplicatorChange({ activityLevel: 0, progress: { completed: 0 } })).toBe(false);
    expect(isReplicatorChange({ progress: { completed: 0, total: 0 } })).toBe(false);
  });

  it.each(NONSENSE)('says no to %p', (value) => {
    expect(isReplicatorChange(value)).toBe(false);
  });
});

describe('isReplicatedDocumentRepresentation', () => {
  it.each([
    { id: 'x', flags: [] },
    { id: '', flags: ['DELETED', 'ACCESS_REMOVED'] },
    { id: 'x', flags: [], error: { message: 'no' } },
    { id: 'x', flags: [], error: null },
  ])('says yes to %j', (document) => {
    expect(isReplicatedDocumentRepresentation(document)).toBe(true);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([
    ...NONSENSE,
    { id: null, flags: [] },
    { flags: [] },
    { id: 'x' },
    { id: 'x', flags: ['NEW'] },
    { id: 'x', flags: 'DELETED' },
    { id: 'x', flags: [], error: {} },
    { id: 'x', flags: [], error: { message: '' } },
  ])('warns and says no to %p', (document) => {
    expect(isReplicatedDocumentRepresentation(document)).toBe(false);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe('isDocumentReplicationRepresentation', () => {
  it('wants a direction and valid documents', () => {
    expect(isDocumentReplicationRepresentation({ isPush: false, documents: [] })).toBe(true);
    const documents = [{ id: 'x', flags: [] }];
    expect(isDocumentReplicationRepresentation({ isPush: true, documents })).toBe(true);
    expect(isDocumentReplicationRepresentation({ documents })).toBe(false);
    expect(isDocumentReplicationRepresentation({ isPush: true, documents: [{}] })).toBe(false);
  });

  it.each(NONSENSE)('says no to %p', (value) => {
    expect(isDocumentReplicationRepresentation(value)).toBe(false);
  });
});

describe('the document classes', () => {
  it('hold what they are given', () => {
    const flags = [ReplicatedDocumentFlag.DELETED];
    const document = new ReplicatedDocument('x', flags, 'no', 's', 'c');
    expect(document.getId()).toBe('x');
    expect(document.getFlags()).toBe(flags);
    expect(document.getError()).toBe('no');
    const replication = new DocumentReplication(true, [document]);
    expect(replication.getIsPush()).toBe(true);
    expect(replication.getDocuments()).toEqual([document]);
  });
});

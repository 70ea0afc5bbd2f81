import {
  BinaryOpType,
  CompoundExpressionOpType,
  ConcurrencyControl,
  IndexType,
  LogDomain,
  LogLevel,
  MaintenanceType,
  ReplicatedDocumentFlag,
  ReplicatorActivityLevel,
  ReplicatorType,
  UnaryExpressionOpType,
} from 'settee';

/** A numeric enum as TypeScript makes it: both ways. */
function numeric(...names: string[]): Record<string, string | number> {
  const result: Record<string, string | number> = {};
  names.forEach((name, index) => {
    result[name] = index;
    result[index] = name;
  });
  return result;
}

/** An enum whose strings equal their names. */
function strings(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

describe('enums have exactly the members and values of the reference', () => {
  it.each([
    ['ConcurrencyControl', ConcurrencyControl, numeric('LAST_WRITE_WINS', 'FAIL_ON_CONFLICT')],
    [
      'MaintenanceType',
      MaintenanceType,
      numeric('COMPACT', 'REINDEX', 'INTEGRITY_CHECK', 'OPTIMIZE', 'FULL_OPTIMIZE'),
    ],
    ['LogDomain', LogDomain, strings('ALL', 'DATABASE', 'NETWORK', 'QUERY', 'REPLICATOR')],
    ['LogLevel', LogLevel, numeric('DEBUG', 'VERBOSE', 'INFO', 'WARNING', 'ERROR', 'NONE')],
    ['IndexType', IndexType, numeric('Value', 'FullText', 'Geo')],
    [
      'BinaryOpType',
      BinaryOpType,
      numeric(
        'Add',
        'Between',
        'Divide',
        'EqualTo',
        'GreaterThan',
        'GreaterThanOrEqualTo',
        'In',
        'Is',
        'IsNot',
        'LessThan',
        'LessThanOrEqualTo',
        'Like',
        'Modulus',
        'Multiply',
        'NotEqualTo',
        'Subtract',
        'RegexLike',
      ),
    ],
    ['CompoundExpressionOpType', CompoundExpressionOpType, numeric('And', 'Or', 'Not')],
    [
      'UnaryExpressionOpType',
      UnaryExpressionOpType,
      numeric('Missing', 'NotMissing', 'NotNull', 'Null'),
    ],
    ['ReplicatorType', ReplicatorType, strings('PUSH_AND_PULL', 'PUSH', 'PULL')],
    [
      'ReplicatorActivityLevel',
      ReplicatorActivityLevel,
      numeric('STOPPED', 'OFFLINE', 'CONNECTING', 'IDLE', 'BUSY'),
    ],
    ['ReplicatedDocumentFlag', ReplicatedDocumentFlag, strings('DELETED', 'ACCESS_REMOVED')],
  ])('%s', (_name, actual, expected) => {
    expect({ ...actual }).toEqual(expected);
  });
});

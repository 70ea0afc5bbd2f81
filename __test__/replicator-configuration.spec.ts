import {
  Authenticator,
  BasicAuthenticator,
  Collection,
  CollectionConfig,
  Database,
  ReplicatorConfiguration,
  ReplicatorType,
  Scope,
  SessionAuthenticator,
  URLEndpoint,
} from 'settee';

const database = new Database('travel', null, 'handle');

function collection(name: string, scope = 's', of = database): Collection {
  return new Collection(name, new Scope(scope, of), of);
}

function configuration(): ReplicatorConfiguration {
  return new ReplicatorConfiguration(new URLEndpoint('ws://localhost:4984/travel'));
}

describe('ReplicatorConfiguration', () => {
  it('has the defaults of the reference', () => {
    const config = configuration();
    expect(config.getReplicatorType()).toBe(ReplicatorType.PUSH_AND_PULL);
    expect(config.getContinuous()).toBe(false);
    expect(config.getAuthenticator()).toBeUndefined();
    expect(config.getHeaders()).toBeUndefined();
    expect(config.getHeartbeat()).toBe(300);
    expect(config.getMaxAttempts()).toBe(10);
    expect(config.getMaxAttemptWaitTime()).toBe(300);
    expect(config.getAcceptOnlySelfSignedCerts()).toBe(true);
    expect(config.getPinnedServerCertificate()).toBeUndefined();
    expect(config.getAutoPurgeEnabled()).toBe(true);
    expect(config.getAcceptParentDomainCookies()).toBe(false);
    expect(config.getAllowReplicatingInBackground()).toBe(false);
    expect(config.getCollections()).toEqual([]);
  });

  it('has the statics of the reference', () => {
    const { ...statics } = ReplicatorConfiguration as any;
    expect(statics).toEqual({
      ReplicatorType,
      defaultContinuous: false,
      defaultHeartbeat: 300,
      defaultMaxAttemptsSingleShot: 10,
      defaultMaxAttemptsWaitTime: 300,
      defaultSelfSignedCertificateOnly: true,
      defaultEnableAutoPurge: true,
      defaultAcceptParentDomainCookies: false,
      defaultAllowReplicatingInBackground: false,
      CBLReplicatorOptionCookies: 'cookies',
      CBLReplicatorAuthOption: 'auth',
      CBLReplicatorAuthType: 'type',
      CBLReplicatorAuthUserName: 'username',
      CBLReplicatorAuthPassword: 'password',
      CBLReplicatorAuthClientCert: 'clientCert',
      CBLAuthTypeBasic: 'Basic',
      CBLAuthTypeSession: 'Session',
      CBLAuthTypeOpenIDConnect: 'OpenID Connect',
      CBLAuthTypeClientCert: 'Client Cert',
    });
  });

  it('has a setter for each setting', () => {
    const config = configuration();
    const authenticator = new BasicAuthenticator('u', 'p');
    config.setReplicatorType(ReplicatorType.PULL);
    config.setContinuous(true);
    config.setAuthenticator(authenticator);
    config.setHeaders({ a: 'b' });
    config.setHeartbeat(-1);
    config.setMaxAttempts(3);
    config.setMaxAttemptWaitTime(0);
    config.setAcceptOnlySelfSignedCerts(false);
    config.setPinnedServerCertificate('YQ==');
    config.setAutoPurgeEnabled(false);
    config.setAcceptParentDomainCookies(true);
    config.setAllowReplicatingInBackground(true);
    expect(config.getReplicatorType()).toBe('PULL');
    expect(config.getAuthenticator()).toBe(authenticator);
    expect(config.toJson()).toEqual({
      target: { url: 'ws://localhost:4984/travel' },
      replicatorType: 'PULL',
      continuous: true,
      acceptParentDomainCookies: true,
      acceptSelfSignedCerts: false,
      allowReplicationInBackground: true,
      autoPurgeEnabled: false,
      heartbeat: -1,
      maxAttempts: 3,
      maxAttemptWaitTime: 0,
      pinnedServerCertificate: 'YQ==',
      headers: { a: 'b' },
      authenticator: { type: 'basic', data: { username: 'u', password: 'p' } },
      collectionConfig: '',
    });
  });

  it('takes assignments to its fields', () => {
    const config = configuration();
    config.continuous = true;
    config.replicatorType = ReplicatorType.PUSH;
    expect(config.toJson()).toMatchObject({ continuous: true, replicatorType: 'PUSH' });
  });

  it.each([-1, Number.NaN, 'x', undefined])('refuses a wait of %s', (value) => {
    expect(() => configuration().setMaxAttemptWaitTime(value as number)).toThrow(
      'Error:  maxAttemptWaitTime cannot be negative.',
    );
  });

  it('writes empty texts for what is not set', () => {
    const config = configuration();
    config.setAuthenticator(null);
    config.setPinnedServerCertificate(null);
    config.setHeaders(null);
    expect(config.toJson()).toMatchObject({
      authenticator: '',
      headers: '',
      pinnedServerCertificate: '',
      collectionConfig: '',
    });
  });
});

describe('the collections of a configuration', () => {
  it('are groups with a configuration each', () => {
    const config = configuration();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => collection(name));
    const shared = new CollectionConfig(['red'], ['doc']);
    config.addCollection(a);
    config.addCollections([b, c], shared);
    expect(config.getCollections()).toEqual([a, b, c]);
    expect(config.getCollectionConfig(c)).toBe(shared);
    expect(config.getCollectionConfig(a)).toBeInstanceOf(CollectionConfig);
    expect(config.getCollectionConfig(collection('d'))).toBeNull();
    expect(JSON.parse(config.toJson().collectionConfig)).toEqual([
      {
        collections: [{ collection: { name: 'a', scopeName: 's', databaseName: 'handle' } }],
        config: { channels: [], documentIds: [] },
      },
      {
        collections: [
          { collection: { name: 'b', scopeName: 's', databaseName: 'handle' } },
          { collection: { name: 'c', scopeName: 's', databaseName: 'handle' } },
        ],
        config: { channels: ['red'], documentIds: ['doc'] },
      },
    ]);
  });

  it('are the same when their names are', () => {
    const config = configuration();
    const mine = new CollectionConfig(['red']);
    config.addCollection(collection('a'), mine);
    expect(config.getCollectionConfig(collection('a'))).toBe(mine);
    config.addCollection(collection('a'));
    expect(config.getCollections()).toHaveLength(1);
    config.removeCollection(collection('a'));
    expect(config.getCollections()).toEqual([]);
  });

  it('leave their group alone; the others stay, in order, and empty groups go', () => {
    const config = configuration();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => collection(name));
    const group = [a, b, c];
    config.addCollections(group);
    config.addCollection(d);
    config.removeCollections([b, d]);
    expect(config.getCollections()).toEqual([a, c]);
    expect(group).toEqual([a, b, c]);
    expect(JSON.parse(config.toJson().collectionConfig)).toHaveLength(1);
  });

  it('must be of one database and scope', () => {
    const message = 'All collections must be from the same database and scope';
    const scopes = configuration();
    scopes.addCollections([collection('a'), collection('a', 't')]);
    expect(() => scopes.toJson()).toThrow(message);
    const databases = configuration();
    const other = new Database('other', null, 'other_handle');
    databases.addCollections([collection('a'), collection('b', 's', other)]);
    expect(() => databases.toJson()).toThrow(message);
  });
});

describe('clone', () => {
  it('copies every setting', () => {
    const config = configuration();
    config.setAcceptOnlySelfSignedCerts(false);
    config.setContinuous(true);
    config.setHeaders({ a: 'b' });
    config.addCollections([collection('a'), collection('b')], new CollectionConfig(['red']));
    const copy = config.clone();
    expect(copy.toJson()).toEqual(config.toJson());
    expect(copy.getHeaders()).not.toBe(config.getHeaders());
    const [first] = config.getCollections();
    expect(copy.getCollections()[0]).toBe(first);
    expect(copy.getCollectionConfig(first)).toBe(config.getCollectionConfig(first));
  });

  it('does not follow the original', () => {
    const config = configuration();
    const group = [collection('a')];
    config.addCollections(group);
    const copy = config.clone();
    group.push(collection('b'));
    config.setContinuous(true);
    expect(config.getCollections()).toHaveLength(2);
    expect(copy.getCollections()).toHaveLength(1);
    expect(copy.getContinuous()).toBe(false);
    expect(copy.getHeaders()).toEqual({});
  });
});

describe('CollectionConfig', () => {
  it('keeps filters as text', () => {
    const config = new CollectionConfig(null, undefined);
    config.setChannels(['red']);
    config.setDocumentIDs(['x']);
    expect(config.getPushFilter()).toBeUndefined();
    config.setPushFilter((document) => document.name === 'a');
    config.setPullFilter((_document, flags) => flags.length === 0);
    const push = config.getPushFilter();
    expect(new Function(`return (${push})`)()({ name: 'a' }, [])).toBe(true);
    expect(JSON.parse(JSON.stringify(config))).toEqual({
      channels: ['red'],
      documentIds: ['x'],
      pushFilter: push,
      pullFilter: config.getPullFilter(),
    });
  });
});

describe('authenticators', () => {
  it('Basic', () => {
    const authenticator = new BasicAuthenticator('u', 'p');
    expect(authenticator).toBeInstanceOf(Authenticator);
    expect(authenticator.getType()).toBe('basic');
    expect(authenticator.toJson()).toEqual({ username: 'u', password: 'p' });
    const options: any = {};
    expect(authenticator.authenticate(options)).toBe(options.auth);
    expect(options).toEqual({ auth: { type: 'Basic', username: 'u', password: 'p' } });
  });

  it('Session', () => {
    const authenticator = new SessionAuthenticator('id');
    expect(authenticator.getType()).toBe('session');
    expect(authenticator.getSessionID()).toBe('id');
    expect(authenticator.getCookieName()).toBe('SyncGatewaySession');
    expect(new SessionAuthenticator('id', 'c').toJson()).toEqual({
      cookieName: 'c',
      sessionID: 'id',
    });
    const options: any = {};
    authenticator.authenticate(options);
    new SessionAuthenticator('2', 'c').authenticate(options);
    expect(options).toEqual({ cookies: 'SyncGatewaySession=id; c=2' });
  });

  it('URLEndpoint checks nothing', () => {
    expect(new URLEndpoint('nonsense').toJson()).toEqual({ url: 'nonsense' });
  });
});

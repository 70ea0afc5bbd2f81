/** The engine contract over the native engine, and over a channel that only clones. */

import { join } from 'path';
import { engine } from 'settee';
import { engineContract } from './engine.contract';
import { channelEngine } from './support/channel-engine';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

describe('the native engine', () => {
  engineContract({ name: 'native', engine: () => engine, folder: join(folder, 'native') });
});

describe('the native engine over a structured-clone-only channel', () => {
  const channel = channelEngine(engine);
  afterAll(() => channel.close());
  engineContract({
    name: 'channel',
    engine: () => channel.engine,
    folder: join(folder, 'channel'),
  });
});

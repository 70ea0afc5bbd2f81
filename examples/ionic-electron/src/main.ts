import '@ionic/core/css/core.css';
import '@ionic/core/css/normalize.css';
import '@ionic/core/css/structure.css';
import '@ionic/core/css/typography.css';
import '@ionic/core/css/palettes/dark.class.css';
import './style.css';

import { EngineLocator } from 'settee';
import { registerEngine } from 'settee/electron/renderer';
import { App } from './app';
import { defineComponents } from './components';

// Pages have no engine of their own: calls go to the main process.
registerEngine(EngineLocator);
defineComponents();
new App(document.body, new URLSearchParams(location.search).get('device') ?? 'My device').start();

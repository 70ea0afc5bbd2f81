import '@ionic/core/css/core.css';
import '@ionic/core/css/normalize.css';
import '@ionic/core/css/structure.css';
import '@ionic/core/css/typography.css';
import '@ionic/core/css/palettes/dark.class.css';
import './style.css';

import { App } from './app';
import { defineComponents } from './components';

defineComponents();
new App(document.body, new URLSearchParams(location.search).get('device') ?? 'My device').start();

import { html } from 'lit';
import type { Appearance, Settings } from '../model/settings';
import type { Store } from '../model/store';
import { card, screen, textField } from '../parts';

const APPEARANCES: readonly (readonly [Appearance, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function settingsScreen(settings: Settings, store: Store) {
  return screen(
    'Settings',
    html`
      ${card(
        'This device',
        textField(
          'Name',
          settings.deviceName,
          (deviceName) => settings.change({ deviceName: deviceName.trim() || 'A device' }),
          { help: 'Other devices see it when this one connects.' },
        ),
      )}
      ${card(
        'Appearance',
        html`
          <ion-segment
            aria-label="Appearance"
            .value=${settings.appearance}
            @ionChange=${(event: CustomEvent) => settings.change({ appearance: event.detail.value })}
          >
            ${APPEARANCES.map(
              ([value, title]) => html`
                <ion-segment-button .value=${value}><ion-label>${title}</ion-label></ion-segment-button>
              `,
            )}
          </ion-segment>
        `,
      )}
      ${card(
        'Storage',
        html`<p class="hint">Everything is on this computer, in</p>
          <code class="path">${store.path}</code>`,
      )}
      ${card(
        'Keyboard',
        html`
          <dl class="keys">
            <div><dt><kbd>Ctrl</kbd> <kbd>N</kbd></dt><dd>New recipe</dd></div>
            <div><dt><kbd>/</kbd></dt><dd>Search</dd></div>
            <div><dt><kbd>Ctrl</kbd> <kbd>Enter</kbd></dt><dd>Save a recipe</dd></div>
            <div><dt><kbd>Esc</kbd></dt><dd>Back to the recipes</dd></div>
          </dl>
        `,
      )}
    `,
  );
}

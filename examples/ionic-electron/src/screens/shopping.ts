import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Shopping } from '../model/shopping';
import { banner, emptyState, screen } from '../parts';

/** The shopping list: loading, empty, failed, or full. */
export function shoppingScreen(shopping: Shopping, complain: (error: unknown) => void) {
  const done = shopping.rows.filter((row) => row.done).length;
  return screen('Shopping list', body(shopping, complain), {
    end:
      done === 0
        ? nothing
        : html`<ion-button @click=${() => shopping.removeDone().catch(complain)}>
            Remove ${done} done
          </ion-button>`,
  });
}

function body(shopping: Shopping, complain: (error: unknown) => void) {
  if (shopping.state === 'failed') {
    return banner('danger', `The list cannot be read: ${shopping.error}`);
  }
  if (shopping.state === 'loading') {
    return html`<div class="center"><ion-spinner aria-label="Loading"></ion-spinner></div>`;
  }
  const add = (event: Event) => {
    event.preventDefault();
    const field = document.getElementById('new-item') as HTMLIonInputElement;
    const name = String(field.value ?? '').trim();
    if (name !== '') {
      field.value = '';
      shopping.add(name).catch(complain);
    }
  };
  return html`
    <form class="add" @submit=${add}>
      <ion-input
        id="new-item"
        fill="outline"
        label="New item"
        label-placement="stacked"
        placeholder="Flour, 1 kg"
        autocomplete="off"
        @keydown=${(event: KeyboardEvent) => event.key === 'Enter' && add(event)}
      ></ion-input>
      <ion-button type="submit" @click=${add}>Add</ion-button>
    </form>
    ${
      shopping.rows.length === 0
        ? emptyState(
            'basket-outline',
            'Nothing to buy',
            'What you add here shows on every device that syncs the list.',
          )
        : html`
            <ion-list class="card-list">
              ${repeat(
                shopping.rows,
                ({ id }) => id,
                ({ id, name, done, by }) => html`
                  <ion-item class=${done ? 'done' : ''}>
                    <ion-checkbox
                      label-placement="end"
                      justify="start"
                      .checked=${done}
                      @ionChange=${(event: CustomEvent) =>
                        shopping.mark(id, event.detail.checked).catch(complain)}
                    >
                      ${name}
                    </ion-checkbox>
                    ${by === '' ? nothing : html`<ion-note slot="end">${by}</ion-note>`}
                  </ion-item>
                `,
              )}
            </ion-list>
          `
    }
  `;
}

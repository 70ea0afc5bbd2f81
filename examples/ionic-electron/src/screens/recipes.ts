import { html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { CATEGORIES, type RecipeRow, type Recipes } from '../model/recipes';
import { banner, emptyState, screen } from '../parts';

/** The list: loading, empty, without matches, failed, or full. */
export function recipesScreen(recipes: Recipes, open: (id: string) => void) {
  return screen('Recipes', body(recipes, open), {
    end: html`
      <ion-button id="new-recipe" fill="solid" color="primary" @click=${() => open('new')}>
        <ion-icon slot="start" name="add" aria-hidden="true"></ion-icon>New recipe
      </ion-button>
    `,
  });
}

function body(recipes: Recipes, open: (id: string) => void) {
  if (recipes.state === 'failed') {
    return banner('danger', `The recipes cannot be read: ${recipes.error}`);
  }
  if (recipes.state === 'loading') {
    return html`<div class="grid" aria-busy="true" aria-label="Loading">${[1, 2, 3].map(skeleton)}</div>`;
  }
  if (recipes.rows.length === 0) {
    return emptyState(
      'restaurant-outline',
      'No recipes yet',
      'Write the first one, or connect to a device that has some.',
      html`
        <ion-button @click=${() => open('new')}>New recipe</ion-button>
        <ion-button fill="outline" @click=${() => recipes.addSamples()}>Add samples</ion-button>
      `,
    );
  }
  const { found } = recipes;
  return html`
    <div class="filters">
      <ion-searchbar
        id="search"
        placeholder="Search recipes"
        aria-label="Search recipes"
        .value=${recipes.search}
        debounce="50"
        @ionInput=${(event: CustomEvent) => recipes.look(String(event.detail.value ?? ''))}
      ></ion-searchbar>
      <div class="chips" role="group" aria-label="Category">
        ${['', ...CATEGORIES].map(
          (category) => html`
            <button
              type="button"
              class="chip"
              aria-pressed=${recipes.category === category}
              @click=${() => recipes.look(recipes.search, category)}
            >
              ${category || 'All'}
            </button>
          `,
        )}
      </div>
    </div>
    ${
      found.length === 0
        ? emptyState(
            'search-outline',
            'Nothing found',
            'No recipe matches the search and the category.',
            html`<ion-button fill="outline" @click=${() => recipes.look('', '')}>Show all</ion-button>`,
          )
        : html`
            <p class="count" role="status">
              ${found.length} ${found.length === 1 ? 'recipe' : 'recipes'}
            </p>
            <ul class="grid">
              ${repeat(
                found,
                ({ id }) => id,
                (row) => tile(row, recipes.picture(row), open),
              )}
            </ul>
          `
    }
  `;
}

function tile(row: RecipeRow, picture: string, open: (id: string) => void) {
  return html`
    <li>
      <button type="button" class="tile" @click=${() => open(row.id)}>
        ${
          picture === ''
            ? html`<span class="photo" data-hue=${hue(row.name)} aria-hidden="true"
                >${row.name.slice(0, 1)}</span
              >`
            : html`<img class="photo" src=${picture} alt="" />`
        }
        <span class="tile-text">
          <span class="tile-name">${row.name}</span>
          <span class="hint">
            ${[row.category, duration(row.minutes), row.by && `by ${row.by}`]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </span>
      </button>
    </li>
  `;
}

function skeleton() {
  return html`
    <div class="tile">
      <ion-skeleton-text animated class="photo"></ion-skeleton-text>
      <span class="tile-text"><ion-skeleton-text animated></ion-skeleton-text></span>
    </div>
  `;
}

/** One of six colours, always the same for a name. */
function hue(name: string): number {
  return (
    Array.from(name).reduce((sum, letter) => (31 * sum + (letter.codePointAt(0) ?? 0)) % 9973, 7) %
    6
  );
}

function duration(minutes: number): string {
  if (minutes === 0) {
    return '';
  }
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours > 0 && `${hours} h`, rest > 0 && `${rest} min`].filter(Boolean).join(' ');
}

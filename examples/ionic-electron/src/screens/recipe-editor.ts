import { html, nothing } from 'lit';
import { messageOf } from '../model/changes';
import { CATEGORIES, type RecipeEditor } from '../model/recipes';
import { banner, choice, emptyState, screen, textField } from '../parts';
import { pictureOf } from '../picture-file';

/** One recipe: loading, missing, ready, overtaken by another device, saving, failed. */
export function recipeEditorScreen(
  editor: RecipeEditor,
  { back, remove, complain }: { back(): void; remove(): void; complain(message: string): void },
) {
  const save = async () => {
    if (editor.problem() === '' && editor.state === 'ready' && (await editor.save())) {
      back();
    }
  };
  const busy = editor.state === 'saving';
  return screen(
    editor.id === undefined ? 'New recipe' : editor.form.name || 'Recipe',
    body(editor, save, complain),
    {
      start: html`
      <ion-button aria-label="Back to the recipes" @click=${back}>
        <ion-icon slot="icon-only" name="arrow-back" aria-hidden="true"></ion-icon>
      </ion-button>
    `,
      end: html`
      ${
        editor.id === undefined || editor.state === 'missing'
          ? nothing
          : html`
              <ion-button aria-label="Delete this recipe" color="danger" @click=${remove}>
                <ion-icon slot="icon-only" name="trash-outline" aria-hidden="true"></ion-icon>
              </ion-button>
            `
      }
      <ion-button
        id="save"
        fill="solid"
        color="primary"
        .disabled=${busy || editor.state !== 'ready' || editor.problem() !== ''}
        @click=${save}
      >
        ${busy ? html`<ion-spinner name="crescent" aria-label="Saving"></ion-spinner>` : 'Save'}
      </ion-button>
    `,
    },
  );
}

function body(editor: RecipeEditor, save: () => void, complain: (message: string) => void) {
  if (editor.state === 'missing') {
    return emptyState(
      'restaurant-outline',
      'This recipe is gone',
      'It was deleted, here or on another device.',
    );
  }
  if (editor.state === 'loading') {
    return editor.error === ''
      ? html`<div class="center"><ion-spinner aria-label="Loading"></ion-spinner></div>`
      : banner('danger', editor.error);
  }
  const { form, picture } = editor;
  return html`
    ${editor.error === '' ? nothing : banner('danger', `Not saved: ${editor.error}`)}
    ${
      editor.overtaken
        ? banner(
            'warning',
            'Another device has changed this recipe since you opened it.',
            html`
              <ion-button size="small" fill="outline" @click=${() => editor.load(String(editor.id))}>
                Load theirs
              </ion-button>
              <ion-button size="small" fill="clear" @click=${save}>Save mine over it</ion-button>
            `,
          )
        : nothing
    }
    <form
      class="form"
      @submit=${(event: Event) => {
        event.preventDefault();
        save();
      }}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          save();
        }
      }}
    >
      <div class="picture">
        ${
          picture === ''
            ? html`<div class="photo none">
                <ion-icon name="image-outline" aria-hidden="true"></ion-icon>No picture
              </div>`
            : html`<img class="photo" src=${picture} alt="Picture of ${form.name || 'the recipe'}" />`
        }
        <div class="actions">
          <input
            id="picture-file"
            class="visually-hidden"
            type="file"
            accept="image/*"
            tabindex="-1"
            aria-label="Picture file"
            @change=${async (event: Event) => {
              const input = event.target as HTMLInputElement;
              const [file] = input.files ?? [];
              input.value = '';
              if (file !== undefined) {
                try {
                  editor.change({ photo: await pictureOf(file) });
                } catch (error) {
                  complain(messageOf(error));
                }
              }
            }}
          />
          <ion-button
            fill="outline"
            size="small"
            @click=${() => document.getElementById('picture-file')?.click()}
          >
            ${picture === '' ? 'Add a picture' : 'Replace'}
          </ion-button>
          ${
            picture === ''
              ? nothing
              : html`<ion-button
                  fill="clear"
                  size="small"
                  @click=${() => editor.change({ photo: null })}
                  >Remove</ion-button
                >`
          }
        </div>
      </div>
      ${textField('Name', form.name, (name) => editor.change({ name }))}
      <div class="two">
        ${choice(
          'Category',
          form.category,
          [['', 'None'], ...CATEGORIES.map((name) => [name, name] as const)],
          (category) => editor.change({ category }),
        )}
        ${textField('Minutes', form.minutes, (minutes) => editor.change({ minutes }), {
          inputmode: 'numeric',
        })}
      </div>
      <ion-textarea
        fill="outline"
        label="Notes"
        label-placement="stacked"
        auto-grow
        rows="6"
        .value=${form.notes}
        @ionInput=${(event: CustomEvent) => editor.change({ notes: String(event.detail.value ?? '') })}
      ></ion-textarea>
      <p class="hint" role="status">${editor.problem()}</p>
    </form>
  `;
}

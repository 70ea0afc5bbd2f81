/** Pieces that several screens share. */

import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { COLLECTIONS, type CollectionName } from './model/store';

/** A screen: a bar with a heading, and what is below it. */
export function screen(
  heading: string,
  body: unknown,
  { start, end, footer }: { start?: unknown; end?: unknown; footer?: unknown } = {},
): TemplateResult {
  return html`
    <ion-header class="ion-no-border">
      <ion-toolbar>
        <ion-buttons slot="start">
          ${start ?? html`<ion-menu-button aria-label="Open the menu"></ion-menu-button>`}
        </ion-buttons>
        <ion-title><h1>${heading}</h1></ion-title>
        <ion-buttons slot="end">${end ?? nothing}</ion-buttons>
      </ion-toolbar>
    </ion-header>
    <ion-content><div class="column">${body}</div></ion-content>
    ${footer ?? nothing}
  `;
}

/** What to show where there is nothing. */
export function emptyState(
  icon: string,
  title: string,
  text: string,
  actions: unknown = nothing,
): TemplateResult {
  return html`
    <div class="empty">
      <ion-icon name=${icon} aria-hidden="true"></ion-icon>
      <h2>${title}</h2>
      <p>${text}</p>
      <div class="actions">${actions}</div>
    </div>
  `;
}

/** A message that stays until what it says has changed. */
export function banner(
  kind: 'danger' | 'warning' | 'success' | 'medium',
  text: unknown,
  actions: unknown = nothing,
): TemplateResult {
  return html`
    <div class="banner ${kind}" role=${kind === 'danger' ? 'alert' : 'status'}>
      <ion-icon
        name=${kind === 'success' ? 'checkmark' : kind === 'medium' ? 'radio-outline' : 'warning-outline'}
        aria-hidden="true"
      ></ion-icon>
      <div class="grow">${text}</div>
      <div class="actions">${actions}</div>
    </div>
  `;
}

export function card(title: string, body: unknown): TemplateResult {
  return html`<section class="card" aria-label=${title}><h2>${title}</h2>${body}</section>`;
}

export function textField(
  label: string,
  value: string,
  change: (value: string) => void,
  more: {
    type?: string;
    placeholder?: string;
    disabled?: boolean;
    help?: string;
    inputmode?: string;
  } = {},
): TemplateResult {
  return html`
    <ion-input
      fill="outline"
      label-placement="stacked"
      label=${label}
      .value=${live(value)}
      type=${more.type ?? 'text'}
      placeholder=${more.placeholder ?? ''}
      helper-text=${more.help ?? nothing}
      inputmode=${more.inputmode ?? nothing}
      autocomplete="off"
      .spellcheck=${false}
      .disabled=${more.disabled ?? false}
      @ionInput=${(event: CustomEvent) => change(String(event.detail.value ?? ''))}
    ></ion-input>
  `;
}

export function choice<T extends string>(
  label: string,
  value: T,
  options: readonly (readonly [T, string])[],
  change: (value: T) => void,
  disabled = false,
): TemplateResult {
  return html`
    <ion-select
      fill="outline"
      label-placement="stacked"
      interface="popover"
      label=${label}
      .value=${value}
      .disabled=${disabled}
      @ionChange=${(event: CustomEvent) => change(event.detail.value)}
    >
      ${options.map(
        ([option, title]) => html`<ion-select-option .value=${option}>${title}</ion-select-option>`,
      )}
    </ion-select>
  `;
}

export function toggleRow(
  label: string,
  help: string,
  checked: boolean,
  change: (checked: boolean) => void,
  disabled = false,
): TemplateResult {
  return html`
    <ion-item lines="none" class="toggle-row">
      <ion-toggle
        .checked=${live(checked)}
        .disabled=${disabled}
        @ionChange=${(event: CustomEvent) => change(event.detail.checked)}
      >
        <div class="toggle-label">${label}</div>
        <div class="hint">${help}</div>
      </ion-toggle>
    </ion-item>
  `;
}

/** Which collections are meant. */
export function collectionChoice(
  chosen: readonly CollectionName[],
  change: (chosen: CollectionName[]) => void,
  disabled = false,
): TemplateResult {
  return html`
    <div class="choices" role="group" aria-label="Collections">
      ${COLLECTIONS.map(
        ({ name, title }) => html`
          <ion-checkbox
            label-placement="end"
            justify="start"
            .checked=${live(chosen.includes(name))}
            .disabled=${disabled}
            @ionChange=${(event: CustomEvent) =>
              change(
                COLLECTIONS.map((one) => one.name).filter((one) =>
                  one === name ? event.detail.checked : chosen.includes(one),
                ),
              )}
            >${title}</ion-checkbox
          >
        `,
      )}
    </div>
  `;
}

import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Nearby } from '../model/nearby';
import type { Sync, Syncs } from '../model/syncs';
import {
  banner,
  card,
  choice,
  collectionChoice,
  emptyState,
  screen,
  textField,
  toggleRow,
} from '../parts';

const STATES: { [state in Sync['state']]: [title: string, colour: string] } = {
  starting: ['Connecting', 'medium'],
  busy: ['Syncing', 'primary'],
  idle: ['Up to date', 'success'],
  waiting: ['Offline, tries again', 'warning'],
  stopped: ['Stopped', 'medium'],
  done: ['Done', 'success'],
  failed: ['Failed', 'danger'],
};

/** Replicators: none, and each of the states above; offline; the form. */
export function syncScreen(syncs: Syncs, nearby: Nearby, online: boolean) {
  const { form } = syncs;
  const problem = syncs.problem();
  return screen(
    'Sync with a device',
    html`
      ${
        online
          ? nothing
          : html`<div class="banner warning" role="status">
              <ion-icon name="cloud-offline-outline" aria-hidden="true"></ion-icon>
              <div class="grow">This computer is offline. Syncs go on when it is back.</div>
            </div>`
      }
      ${
        syncs.list.length === 0
          ? emptyState(
              'sync-outline',
              'Not syncing yet',
              'Connect to a device that shares its recipes.',
            )
          : html`<ul class="syncs" aria-label="Syncs">${repeat(
              syncs.list,
              ({ id }) => id,
              (sync) => row(syncs, sync),
            )}</ul>`
      }
      ${card('Nearby', nearbyDevices(syncs, nearby))}
      ${card(
        'Connect to another device',
        html`
          <form
            class="form"
            @submit=${(event: Event) => event.preventDefault()}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key === 'Enter' && problem === '') {
                syncs.add();
              }
            }}
          >
            ${textField('Address', form.address, (address) => syncs.change({ address }), {
              placeholder: 'wss://192.168.1.20:55990/recipes',
              help: 'The other device shows it when it is shared.',
              inputmode: 'url',
            })}
            ${textField('Password', form.password, (password) => syncs.change({ password }), {
              type: 'password',
              help: 'If the other device asks for one.',
            })}
            ${collectionChoice(form.collections, (collections) => syncs.change({ collections }))}
            <div class="two">
              ${choice(
                'Direction',
                form.direction,
                [
                  ['both', 'Both ways'],
                  ['pull', 'Only receive'],
                  ['push', 'Only send'],
                ],
                (direction) => syncs.change({ direction }),
              )}
              ${choice(
                'Trust',
                form.trust,
                [
                  ['selfSigned', 'Self-signed certificates'],
                  ['system', 'Certificates that the system trusts'],
                  ['pinned', 'One certificate only'],
                ],
                (trust) => syncs.change({ trust }),
              )}
            </div>
            ${
              form.trust === 'pinned'
                ? html`<ion-textarea
                    fill="outline"
                    label="Certificate (PEM or base64)"
                    label-placement="stacked"
                    rows="4"
                    .value=${form.pinned}
                    @ionInput=${(event: CustomEvent) =>
                      syncs.change({ pinned: String(event.detail.value ?? '') })}
                  ></ion-textarea>`
                : nothing
            }
            ${toggleRow(
              'Stay connected',
              'Changes go over as they are made.',
              form.continuous,
              (continuous) => syncs.change({ continuous }),
            )}
            <div class="bar">
              <span class="hint grow" role="status">${form.address === '' ? '' : problem}</span>
              <ion-button id="connect" .disabled=${problem !== ''} @click=${() => syncs.add()}>
                Connect
              </ion-button>
            </div>
          </form>
        `,
      )}
    `,
  );
}

/** Not looking, looking, nobody there, some, failed. */
function nearbyDevices(syncs: Syncs, nearby: Nearby) {
  const { addresses, state, error } = nearby;
  return html`
    ${error === '' ? nothing : banner('danger', `Looking failed: ${error}`)}
    ${
      state === 'off'
        ? html`<div class="line">
            <div class="grow hint">Finds devices on this network that announce themselves.</div>
            <ion-button size="small" fill="outline" @click=${() => nearby.start()}
              >Look for devices</ion-button
            >
          </div>`
        : html`<div class="line">
              <ion-spinner name="dots" aria-hidden="true"></ion-spinner>
              <div class="grow hint" role="status">
                ${addresses.length === 0 ? 'Looking; nobody has answered yet.' : 'Choose one:'}
              </div>
              <ion-button size="small" fill="clear" @click=${() => nearby.stop()}>Stop looking</ion-button>
            </div>
            <ul class="addresses">
              ${addresses.map(
                (address) => html`
                  <li>
                    <code>${address}</code>
                    <ion-button
                      fill="clear"
                      size="small"
                      aria-label="Use ${address}"
                      @click=${() => syncs.change({ address })}
                      >Use</ion-button
                    >
                  </li>
                `,
              )}
            </ul>`
    }
  `;
}

function row(syncs: Syncs, sync: Sync) {
  const [title, colour] = STATES[sync.state];
  const ended = ['stopped', 'done', 'failed'].includes(sync.state);
  const host = sync.form.address.replace(/^wss?:\/\//, '');
  return html`
    <li class="card sync" data-state=${sync.state}>
      <div class="line">
        <strong class="grow address">${host}</strong>
        <ion-badge color=${colour}>${title}</ion-badge>
      </div>
      ${
        sync.state === 'busy' || sync.state === 'starting'
          ? html`<ion-progress-bar
              aria-label="Progress"
              type=${sync.total === 0 ? 'indeterminate' : 'determinate'}
              .value=${sync.total === 0 ? 0 : sync.completed / sync.total}
            ></ion-progress-bar>`
          : nothing
      }
      <div class="hint" role="status">
        ${sync.received} received, ${sync.sent}
        sent${sync.total > sync.completed ? `, ${sync.total - sync.completed} to go` : ''}
      </div>
      ${sync.error === '' ? nothing : banner(ended ? 'danger' : 'warning', explain(sync.error))}
      <div class="actions">
        ${
          ended
            ? html`<ion-button size="small" fill="outline" @click=${() => syncs.start(sync)}>
                <ion-icon slot="start" name="play-outline" aria-hidden="true"></ion-icon>Try again
              </ion-button>`
            : html`<ion-button size="small" fill="outline" @click=${() => syncs.stop(sync)}>
                <ion-icon slot="start" name="stop-outline" aria-hidden="true"></ion-icon>Stop
              </ion-button>`
        }
        <ion-button
          size="small"
          fill="clear"
          color="medium"
          aria-label="Remove the sync with ${host}"
          @click=${() => syncs.remove(sync)}
          >Remove</ion-button
        >
      </div>
    </li>
  `;
}

/** What the user can do about an error, where there is something. */
function explain(error: string): string {
  switch (error) {
    case 'Unauthorized':
      return 'The other device refused the password.';
    case 'Forbidden':
      return 'The person at the other device has not let this one in. Ask them, then try again.';
    default:
      return error;
  }
}

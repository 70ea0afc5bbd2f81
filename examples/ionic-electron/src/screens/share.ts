import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { deviceOf, type Sharing } from '../model/sharing';
import { banner, card, choice, collectionChoice, screen, textField, toggleRow } from '../parts';

/** The listener: off, starting, on with or without connections, failed. */
export function shareScreen(
  sharing: Sharing,
  { copy, complain }: { copy(text: string): void; complain(error: unknown): void },
) {
  const { form, state } = sharing;
  const running = state !== 'off';
  const busy = state === 'starting' || state === 'stopping';
  const problem = sharing.problem();
  return screen(
    'Share this device',
    html`
      ${status(sharing, copy, complain)}
      ${card(
        'What to share',
        collectionChoice(
          form.collections,
          (collections) => sharing.change({ collections }),
          running,
        ),
      )}
      ${card(
        'Who may connect',
        html`
          ${toggleRow(
            'Ask for a password',
            'Each new device asks you before its first sync in any case.',
            form.protect,
            (protect) => sharing.change({ protect }),
            running,
          )}
          ${
            form.protect
              ? textField('Password', form.password, (password) => sharing.change({ password }), {
                  type: 'password',
                  disabled: running,
                  help: 'Tell it to the person at the other device.',
                })
              : banner(
                  'warning',
                  'Anyone on your network may ask to read and change what you share.',
                )
          }
        `,
      )}
      ${card(
        'Connection',
        html`
          ${toggleRow(
            'Encrypt with TLS',
            'Keep this on outside of experiments.',
            form.tls,
            (tls) => sharing.change({ tls }),
            running,
          )}
          ${form.tls ? identity(sharing, running, complain) : nothing}
          ${toggleRow(
            'Announce on the local network',
            'Other devices with this app find it without typing an address.',
            form.announce,
            (announce) => sharing.change({ announce }),
            running,
          )}
          ${textField('Port', form.port, (port) => sharing.change({ port }), {
            placeholder: 'Any free one',
            inputmode: 'numeric',
            disabled: running,
          })}
        `,
      )}
    `,
    {
      footer: html`
        <ion-footer class="ion-no-border">
          <div class="bar">
            <span class="hint grow" role="status">${running ? '' : problem}</span>
            ${
              running
                ? html`<ion-button
                    id="stop"
                    color="danger"
                    fill="outline"
                    .disabled=${busy}
                    @click=${() => sharing.stop()}
                  >
                    ${busy ? html`<ion-spinner name="crescent" aria-label="Working"></ion-spinner>` : 'Stop sharing'}
                  </ion-button>`
                : html`<ion-button
                    id="start"
                    .disabled=${problem !== ''}
                    @click=${() => sharing.start()}
                  >
                    Start sharing
                  </ion-button>`
            }
          </div>
        </ion-footer>
      `,
    },
  );
}

function status(
  sharing: Sharing,
  copy: (text: string) => void,
  complain: (error: unknown) => void,
) {
  const { state, error, urls, connections } = sharing;
  if (error !== '') {
    return banner('danger', `Sharing did not start: ${error}`);
  }
  if (state !== 'on') {
    return nothing;
  }
  return html`
    ${banner(
      'success',
      connections.length === 0
        ? 'This device is shared. Nobody is connected.'
        : `${connections.length} ${connections.length === 1 ? 'device is' : 'devices are'} connected.`,
    )}
    ${
      connections.length === 0
        ? nothing
        : card(
            'Connected now',
            html`<ul class="devices">
              ${repeat(
                connections,
                ({ id }) => id,
                (connection) => html`
                  <li class="line">
                    <div class="grow">
                      <strong>${deviceOf(connection)}</strong>
                      <div class="hint">
                        ${connection.address} · ${size(connection.bytesReceived)} received,
                        ${size(connection.bytesSent)} sent${connection.isActive ? ' · transferring' : ''}
                      </div>
                    </div>
                    <ion-button
                      size="small"
                      fill="clear"
                      color="danger"
                      aria-label="Disconnect ${deviceOf(connection)}"
                      @click=${() => sharing.disconnect(connection).catch(complain)}
                      >Disconnect</ion-button
                    >
                  </li>
                `,
              )}
            </ul>`,
          )
    }
    ${card(
      'Addresses for the other device',
      html`
        <ul class="addresses">
          ${urls.map(
            (url) => html`
              <li>
                <code>${url}</code>
                <ion-button fill="clear" size="small" aria-label="Copy ${url}" @click=${() => copy(url)}>
                  <ion-icon slot="icon-only" name="copy-outline" aria-hidden="true"></ion-icon>
                </ion-button>
              </li>
            `,
          )}
        </ul>
      `,
    )}
  `;
}

function size(bytes: number): string {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function identity(sharing: Sharing, running: boolean, complain: (error: unknown) => void) {
  const { form } = sharing;
  return html`
    ${choice(
      'Certificate',
      form.identity,
      [
        ['own', "This device's own (made once and kept)"],
        ['selfSigned', 'A new self-signed one with a name'],
        ['imported', 'Imported from a file (.p12)'],
      ],
      (choiceOf) => sharing.change({ identity: choiceOf }),
      running,
    )}
    ${
      form.identity === 'selfSigned'
        ? textField(
            'Name in the certificate',
            form.commonName,
            (commonName) => sharing.change({ commonName }),
            {
              disabled: running,
              placeholder: 'Kitchen computer',
            },
          )
        : nothing
    }
    ${
      form.identity === 'imported'
        ? html`
            <div class="file">
              <input
                id="certificate-file"
                class="visually-hidden"
                type="file"
                accept=".p12,.pfx"
                tabindex="-1"
                aria-label="Certificate file"
                @change=${async (event: Event) => {
                  const [file] = (event.target as HTMLInputElement).files ?? [];
                  if (file !== undefined) {
                    const certificate = base64(new Uint8Array(await file.arrayBuffer()));
                    sharing.change({ certificate, certificateName: file.name });
                  }
                }}
              />
              <ion-button
                fill="outline"
                size="small"
                .disabled=${running}
                @click=${() => document.getElementById('certificate-file')?.click()}
              >
                Choose a file
              </ion-button>
              <span class="hint">${form.certificateName || 'No file chosen'}</span>
            </div>
            ${textField(
              'Password of the file',
              form.certificatePassword,
              (certificatePassword) => sharing.change({ certificatePassword }),
              { type: 'password', disabled: running },
            )}
          `
        : nothing
    }
  `;

  function base64(bytes: Uint8Array): string {
    if (bytes.length > 1_000_000) {
      complain('The file is too large for a certificate.');
      return '';
    }
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  }
}

import { html } from 'lit';
import type { Approvals, Device } from '../model/approvals';
import { card, emptyState, screen } from '../parts';

/** Who may sync with this device: nobody yet, asking, allowed, blocked. */
export function devicesScreen(approvals: Approvals) {
  const devices = approvals.list();
  const part = (title: string, state: Device['state']) => {
    const chosen = devices.filter((device) => device.state === state);
    return chosen.length === 0
      ? ''
      : card(
          title,
          html`<ul class="devices">${chosen.map((device) => row(approvals, device))}</ul>`,
        );
  };
  return screen(
    'Devices',
    devices.length === 0
      ? emptyState(
          'people-outline',
          'No device has asked yet',
          'A device asks for your permission before its first sync with this one.',
        )
      : [part('Asking now', 'asking'), part('Allowed', 'allowed'), part('Blocked', 'blocked')],
  );
}

function row(approvals: Approvals, { name, state, at }: Device) {
  const button = (title: string, action: () => void, fill: string, color: string) => html`
    <ion-button size="small" fill=${fill} color=${color} aria-label="${title} ${name}" @click=${action}>
      ${title}
    </ion-button>
  `;
  const allow = button('Allow', () => approvals.decide(name, true), 'outline', 'primary');
  const block = button('Block', () => approvals.decide(name, false), 'clear', 'danger');
  const forget = button('Forget', () => approvals.forget(name), 'clear', 'medium');
  return html`
    <li class="line">
      <div class="grow">
        <strong>${name}</strong>
        <div class="hint">${new Date(at).toLocaleString()}</div>
      </div>
      ${state === 'asking' ? [allow, block] : state === 'allowed' ? [block, forget] : [allow, forget]}
    </li>
  `;
}

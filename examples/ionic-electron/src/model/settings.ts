import { Changes, remember, remembered } from './changes';

const KEY = 'recipes.settings';

export type Appearance = 'system' | 'light' | 'dark';

/** What the user chose for this device. */
export class Settings extends Changes {
  deviceName: string;
  appearance: Appearance;
  private readonly dark = matchMedia('(prefers-color-scheme: dark)');

  constructor(defaultName: string) {
    super();
    const stored = remembered<{ deviceName: string; appearance: Appearance }>(KEY, {
      deviceName: defaultName,
      appearance: 'system',
    });
    this.deviceName = stored.deviceName;
    this.appearance = stored.appearance;
    this.dark.addEventListener('change', () => this.apply());
    this.apply();
  }

  change(change: { deviceName?: string; appearance?: Appearance }): void {
    Object.assign(this, change);
    remember(KEY, { deviceName: this.deviceName, appearance: this.appearance });
    this.apply();
    this.changed();
  }

  private apply(): void {
    const dark = this.appearance === 'dark' || (this.appearance === 'system' && this.dark.matches);
    document.documentElement.classList.toggle('ion-palette-dark', dark);
  }
}

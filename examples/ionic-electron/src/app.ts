import { alertController, toastController } from '@ionic/core/components';
import { html, nothing, render } from 'lit';
import { Approvals } from './model/approvals';
import { messageOf } from './model/changes';
import { Nearby } from './model/nearby';
import { RecipeEditor, Recipes } from './model/recipes';
import { Settings } from './model/settings';
import { Sharing } from './model/sharing';
import { Shopping } from './model/shopping';
import { Store } from './model/store';
import { Syncs } from './model/syncs';
import { emptyState } from './parts';
import { devicesScreen } from './screens/devices';
import { recipeEditorScreen } from './screens/recipe-editor';
import { recipesScreen } from './screens/recipes';
import { settingsScreen } from './screens/settings';
import { shareScreen } from './screens/share';
import { shoppingScreen } from './screens/shopping';
import { syncScreen } from './screens/sync';

const SCREENS = [
  ['recipes', 'Recipes', 'restaurant-outline'],
  ['shopping', 'Shopping list', 'basket-outline'],
  ['share', 'Share this device', 'radio-outline'],
  ['sync', 'Sync with a device', 'sync-outline'],
  ['devices', 'Devices', 'people-outline'],
  ['settings', 'Settings', 'settings-outline'],
] as const;

/** The app: its state, which screen shows, and what belongs to no screen. */
export class App {
  private readonly settings: Settings;
  private readonly store = new Store();
  private readonly approvals = new Approvals();
  private readonly recipes: Recipes;
  private readonly shopping: Shopping;
  private readonly sharing: Sharing;
  private readonly syncs: Syncs;
  private readonly nearby = new Nearby();
  private editor: RecipeEditor | undefined;
  private drawn = false;
  /** Devices whose question is on the screen. */
  private readonly asked = new Set<string>();

  constructor(
    private readonly root: HTMLElement,
    defaultName: string,
  ) {
    this.settings = new Settings(defaultName);
    const name = () => this.settings.deviceName;
    this.recipes = new Recipes(this.store, name);
    this.shopping = new Shopping(this.store, name);
    this.sharing = new Sharing(this.store, this.approvals);
    this.syncs = new Syncs(this.store, name);
    for (const part of [
      this.settings,
      this.store,
      this.approvals,
      this.recipes,
      this.shopping,
      this.sharing,
      this.syncs,
      this.nearby,
    ]) {
      part.onChange(() => this.draw());
    }
    this.approvals.onChange(() => this.askUser());
    addEventListener('hashchange', () => this.enter());
    addEventListener('online', () => this.draw());
    addEventListener('offline', () => this.draw());
    addEventListener('keydown', (event) => this.shortcut(event));
  }

  async start(): Promise<void> {
    this.draw();
    await this.store.open();
    if (this.store.state === 'open') {
      await Promise.all([
        this.recipes.follow(this.store.database),
        this.shopping.follow(this.store.database),
      ]);
    }
    this.enter();
  }

  private get route(): string[] {
    return location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  }

  private go(...route: string[]): void {
    location.hash = `/${route.map(encodeURIComponent).join('/')}`;
  }

  /** A screen is entered: the editor lives as long as its screen shows. */
  private enter(): void {
    const [screen, id] = this.route;
    this.editor?.close().catch((error) => this.complain(error));
    this.editor = undefined;
    if (screen === 'recipes' && id !== undefined && this.store.state === 'open') {
      this.editor = new RecipeEditor(this.recipes, this.store, id === 'new' ? undefined : id);
      this.editor.onChange(() => this.draw());
      this.editor.open();
    }
    this.draw();
  }

  /** Draws once, however much changes in a turn. */
  private draw(): void {
    if (!this.drawn) {
      this.drawn = true;
      requestAnimationFrame(() => {
        this.drawn = false;
        render(this.page(), this.root);
      });
    }
  }

  private page() {
    const [screen = ''] = this.route;
    return html`
      <ion-app>
        <ion-split-pane content-id="main" when="md">
          <ion-menu content-id="main" type="overlay" aria-label="Menu">${this.menu(screen || 'recipes')}</ion-menu>
          <main id="main" class="ion-page">${this.screen(screen)}</main>
        </ion-split-pane>
      </ion-app>
    `;
  }

  private menu(current: string) {
    const asking = this.approvals.asking().length;
    const syncing = this.syncs.list.filter(({ state }) =>
      ['starting', 'busy', 'idle', 'waiting'].includes(state),
    );
    return html`
      <ion-header class="ion-no-border">
        <ion-toolbar><ion-title>${this.settings.deviceName}</ion-title></ion-toolbar>
      </ion-header>
      <ion-content>
        <nav aria-label="Screens">
          ${SCREENS.map(
            ([name, title, icon]) => html`
              <ion-menu-toggle auto-hide="false">
                <a class="place" href="#/${name}" aria-current=${name === current ? 'page' : nothing}>
                  <ion-icon name=${icon} aria-hidden="true"></ion-icon>
                  <span class="grow">${title}</span>
                  ${
                    name === 'devices' && asking > 0
                      ? html`<ion-badge color="danger">${asking} asking</ion-badge>`
                      : nothing
                  }
                </a>
              </ion-menu-toggle>
            `,
          )}
        </nav>
      </ion-content>
      <div class="menu-status" role="status">
        <div>${this.sharing.state === 'on' ? `Shared, ${this.sharing.connections.length} connected` : 'Not shared'}</div>
        <div>${syncing.length === 0 ? 'Not syncing' : `Syncing with ${syncing.length}`}</div>
      </div>
    `;
  }

  private screen(name: string) {
    if (this.store.state === 'opening') {
      return html`<ion-content><div class="center"><ion-spinner aria-label="Opening"></ion-spinner></div></ion-content>`;
    }
    if (this.store.state === 'failed') {
      return html`
        <ion-content>
          ${emptyState(
            'warning-outline',
            'The database cannot be opened',
            this.store.error,
            html`<ion-button @click=${() => this.start()}>Try again</ion-button>`,
          )}
        </ion-content>
      `;
    }
    switch (name) {
      case 'shopping':
        return shoppingScreen(this.shopping, (error) => this.complain(error));
      case 'share':
        return shareScreen(this.sharing, {
          copy: (text) => this.copy(text),
          complain: (error) => this.complain(error),
        });
      case 'sync':
        return syncScreen(this.syncs, this.nearby, navigator.onLine);
      case 'devices':
        return devicesScreen(this.approvals);
      case 'settings':
        return settingsScreen(this.settings, this.store);
    }
    const { editor } = this;
    if (editor === undefined) {
      return recipesScreen(this.recipes, (id) => this.go('recipes', id));
    }
    return recipeEditorScreen(editor, {
      back: () => this.go('recipes'),
      remove: () => this.remove(editor),
      complain: (message) => this.complain(message),
    });
  }

  /** Asks about each device that wants to sync for the first time. */
  private async askUser(): Promise<void> {
    for (const { name } of this.approvals.asking()) {
      if (!this.asked.has(name)) {
        this.asked.add(name);
        const alert = await alertController.create({
          header: `Let “${name}” sync?`,
          message: 'It could read and change what you share.',
          backdropDismiss: false,
          buttons: [
            {
              text: 'Block',
              role: 'destructive',
              handler: () => this.approvals.decide(name, false),
            },
            { text: 'Later', role: 'cancel' },
            { text: 'Allow', handler: () => this.approvals.decide(name, true) },
          ],
        });
        await alert.present();
        await alert.onDidDismiss();
        this.asked.delete(name);
      }
    }
  }

  private async remove(editor: RecipeEditor): Promise<void> {
    const alert = await alertController.create({
      header: 'Delete this recipe?',
      message: 'It disappears from every device that syncs it.',
      buttons: [
        { text: 'Cancel', role: 'cancel' },
        {
          text: 'Delete',
          role: 'destructive',
          handler: () => {
            this.recipes.remove(String(editor.id)).then(
              () => this.go('recipes'),
              (error) => this.complain(error),
            );
          },
        },
      ],
    });
    await alert.present();
  }

  private async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      await this.say(`Copied ${text}`, 'medium');
    } catch (error) {
      this.complain(error);
    }
  }

  private complain(error: unknown): void {
    this.say(messageOf(error), 'danger');
  }

  private async say(message: string, color: string): Promise<void> {
    const toast = await toastController.create({
      message,
      color,
      duration: 4000,
      position: 'bottom',
    });
    await toast.present();
  }

  private shortcut(event: KeyboardEvent): void {
    const typing = /^(INPUT|TEXTAREA)$/.test((event.target as HTMLElement).tagName);
    if ((event.ctrlKey || event.metaKey) && event.key === 'n') {
      event.preventDefault();
      this.go('recipes', 'new');
    } else if (event.key === '/' && !typing) {
      event.preventDefault();
      const search = document.getElementById('search') as HTMLIonSearchbarElement | null;
      search?.setFocus();
    } else if (event.key === 'Escape' && this.editor !== undefined && !event.defaultPrevented) {
      if (document.querySelector('ion-alert, ion-popover') === null) {
        this.go('recipes');
      }
    }
  }
}

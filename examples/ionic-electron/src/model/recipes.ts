import { Blob, type Document, MutableDocument } from 'settee';
import { Changes, messageOf } from './changes';
import { LiveList } from './live-list';
import type { Store } from './store';

/** What the list shows of a recipe. */
export interface RecipeRow {
  id: string;
  name: string;
  minutes: number;
  category: string;
  /** Digest of the picture; empty when there is none. */
  photo: string;
  by: string;
}

/** What the editor changes. */
export interface RecipeForm {
  name: string;
  minutes: string;
  category: string;
  notes: string;
  /** A new picture; `null` takes the old one away. */
  photo?: { type: string; bytes: Uint8Array } | null;
}

export const CATEGORIES = ['Breakfast', 'Soup', 'Main course', 'Side dish', 'Dessert', 'Baking'];

const SAMPLES: RecipeForm[] = [
  {
    name: 'Tomato soup',
    minutes: '40',
    category: 'Soup',
    notes: 'Roast the tomatoes first. Basil at the end.',
  },
  {
    name: 'Sourdough bread',
    minutes: '1200',
    category: 'Baking',
    notes: 'Fold four times, prove overnight.',
  },
  {
    name: 'Mushroom risotto',
    minutes: '45',
    category: 'Main course',
    notes: 'Stir in the stock ladle by ladle.',
  },
  { name: 'Apple crumble', minutes: '55', category: 'Dessert', notes: 'Tart apples, cold butter.' },
  { name: 'Green beans with almonds', minutes: '20', category: 'Side dish', notes: '' },
];

/** The recipes of this device. */
export class Recipes extends LiveList<RecipeRow> {
  search = '';
  category = '';
  private readonly pictures = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly deviceName: () => string,
  ) {
    super(
      'SELECT META().id AS id, name, minutes, category, photo.digest AS photo, `by` ' +
        'FROM recipes ORDER BY LOWER(name)',
      (result) => ({
        id: String(result.id),
        name: String(result.name ?? ''),
        minutes: Number(result.minutes ?? 0),
        category: String(result.category ?? ''),
        photo: String(result.photo ?? ''),
        by: String(result.by ?? ''),
      }),
    );
  }

  /** Those that match the search and the category. */
  get found(): RecipeRow[] {
    const words = this.search.trim().toLowerCase();
    return this.rows.filter(
      ({ name, category }) =>
        name.toLowerCase().includes(words) && (this.category === '' || this.category === category),
    );
  }

  look(search: string, category = this.category): void {
    this.search = search;
    this.category = category;
    this.changed();
  }

  document(id: string): Promise<Document | undefined> {
    return this.store.collection('recipes').document(id);
  }

  /** Saves what the form says into a document, a new one without `id`. */
  async save(form: RecipeForm, id?: string): Promise<string> {
    const stored = id === undefined ? undefined : await this.document(id);
    const document =
      stored === undefined ? new MutableDocument(id) : MutableDocument.fromDocument(stored);
    document.setString('name', form.name.trim());
    document.setNumber('minutes', Number(form.minutes || 0));
    document.setString('category', form.category);
    document.setString('notes', form.notes);
    document.setString('by', this.deviceName());
    if (form.photo === null) {
      document.remove('photo');
    } else if (form.photo !== undefined) {
      document.setBlob('photo', new Blob(form.photo.type, form.photo.bytes));
    }
    await this.store.collection('recipes').save(document);
    return document.getId();
  }

  async remove(id: string): Promise<void> {
    const document = await this.document(id);
    if (document !== undefined) {
      await this.store.collection('recipes').deleteDocument(document);
    }
  }

  async addSamples(): Promise<void> {
    await Promise.all(SAMPLES.map((sample) => this.save(sample)));
  }

  /** URL of a picture; empty until it is loaded, which draws the page again. */
  picture({ id, photo }: { id: string; photo: string }): string {
    if (photo === '') {
      return '';
    }
    const url = this.pictures.get(photo);
    if (url === undefined) {
      this.pictures.set(photo, '');
      this.load(id, photo).catch(() => this.pictures.delete(photo));
    }
    return url ?? '';
  }

  private async load(id: string, digest: string): Promise<void> {
    const document = await this.document(id);
    const photo = document?.toDictionary().photo;
    if (document === undefined || photo?.digest !== digest) {
      this.pictures.delete(digest);
      return;
    }
    const bytes = await document.getBlobContent('photo');
    const file = new globalThis.Blob([bytes], { type: String(photo.content_type) });
    this.pictures.set(digest, URL.createObjectURL(file));
    this.changed();
  }
}

/** One recipe while it is edited. */
export class RecipeEditor extends Changes {
  state: 'loading' | 'ready' | 'saving' | 'missing' = 'loading';
  error = '';
  form: RecipeForm = { name: '', minutes: '', category: '', notes: '' };
  /** Its picture as stored. */
  photo = '';
  /** Another device saved it since it was opened here. */
  overtaken = false;
  private opened = '';
  private token = '';
  /** Picture that was chosen and is not saved yet. */
  private chosen = '';

  constructor(
    private readonly recipes: Recipes,
    private readonly store: Store,
    readonly id?: string,
  ) {
    super();
  }

  async open(): Promise<void> {
    try {
      if (this.id !== undefined) {
        await this.load(this.id);
        this.token = await this.store
          .collection('recipes')
          .addDocumentChangeListener(this.id, () => this.compare());
      } else {
        this.state = 'ready';
      }
    } catch (error) {
      this.error = messageOf(error);
    }
    this.changed();
  }

  /** Takes what is stored now, in place of what was typed. */
  async load(id: string): Promise<void> {
    const document = await this.recipes.document(id);
    if (document === undefined) {
      this.state = 'missing';
    } else {
      const { name = '', minutes = '', category = '', notes = '', photo } = document.toDictionary();
      this.form = { name, minutes: String(minutes), category, notes };
      this.photo = String(photo?.digest ?? '');
      this.opened = document.getRevisionID() ?? '';
      this.state = 'ready';
    }
    this.overtaken = false;
    this.chosen = '';
    this.changed();
  }

  change(change: Partial<RecipeForm>): void {
    this.form = { ...this.form, ...change };
    if (change.photo !== undefined) {
      URL.revokeObjectURL(this.chosen);
      const { photo } = change;
      this.chosen =
        photo === null
          ? ''
          : URL.createObjectURL(
              new globalThis.Blob([photo.bytes as BlobPart], { type: photo.type }),
            );
    }
    this.changed();
  }

  get picture(): string {
    if (this.form.photo !== undefined) {
      return this.chosen;
    }
    return this.id === undefined ? '' : this.recipes.picture({ id: this.id, photo: this.photo });
  }

  problem(): string {
    const minutes = Number(this.form.minutes || 0);
    if (this.form.name.trim() === '') {
      return 'A recipe needs a name.';
    }
    return Number.isInteger(minutes) && minutes >= 0 ? '' : 'Minutes are a whole number.';
  }

  /** Whether it was saved. */
  async save(): Promise<boolean> {
    this.state = 'saving';
    this.error = '';
    this.changed();
    try {
      await this.recipes.save(this.form, this.id);
      return true;
    } catch (error) {
      this.state = 'ready';
      this.error = messageOf(error);
      this.changed();
      return false;
    }
  }

  async close(): Promise<void> {
    URL.revokeObjectURL(this.chosen);
    if (this.token !== '') {
      await this.store.collection('recipes').removeDocumentChangeListener(this.token);
    }
  }

  private async compare(): Promise<void> {
    const document = this.id === undefined ? undefined : await this.recipes.document(this.id);
    if (this.state === 'ready' && (document?.getRevisionID() ?? '') !== this.opened) {
      this.overtaken = true;
      this.changed();
    }
  }
}

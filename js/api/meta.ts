import { MetaExpression } from './expression';

/** Metadata of the document that is queried or indexed. */
// biome-ignore lint/complexity/noStaticOnlyClass: a class in the reference
export class Meta {
  static readonly id = new MetaExpression('_id', 'id', null);
  static readonly sequence = new MetaExpression('_sequence', 'sequence', null);
  static readonly deleted = new MetaExpression('_deleted', 'deleted', null);
  static readonly expiration = new MetaExpression('_expiration', 'expiration', null);
}

import { ReplicatedDocumentFlag } from './replicated-document-flag';

/** One document that was sent or received. */
export class ReplicatedDocument {
  constructor(
    private readonly id: string,
    private readonly flags: ReplicatedDocumentFlag[],
    private readonly error: string | undefined = undefined,
    public readonly scopeName?: string,
    public readonly collectionName?: string,
  ) {}

  getId(): string {
    return this.id;
  }

  getFlags(): ReplicatedDocumentFlag[] {
    return this.flags;
  }

  getError(): string {
    return this.error as string;
  }
}

/** One document of a document event, as plain data. */
export interface ReplicatedDocumentRepresentation {
  id: string;
  /** `'DELETED'`, `'ACCESS_REMOVED'`. */
  flags: string[];
  scopeName: string;
  collectionName: string;
  error: { message: string };
}

/** Whether the object is a document of a document event. Warns and never throws. */
export function isReplicatedDocumentRepresentation(
  obj: any,
): obj is ReplicatedDocumentRepresentation {
  const known: string[] = Object.values(ReplicatedDocumentFlag);
  if (!Array.isArray(obj?.flags) || !obj.flags.every((flag: any) => known.includes(flag))) {
    return warn('flags are missing or unknown', obj);
  }
  if (obj.id === null || obj.id === undefined) {
    return warn('the id is missing', obj);
  }
  if (obj.error && !obj.error.message) {
    return warn('the error has no message', obj);
  }
  return true;
}

function warn(reason: string, obj: unknown): false {
  console.warn(`settee: not a replicated document: ${reason}:`, obj);
  return false;
}

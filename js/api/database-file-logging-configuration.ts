/** Where and how logs are written to files (api §12). */
export interface DatabaseFileLoggingConfiguration {
  /** A `LogLevel`. */
  level: number;
  /** Folder of the log files; `file://` is stripped. */
  directory: string;
  /** Rotated files kept per level; 1 by default. */
  maxRotateCount?: number;
  /** Bytes after which a file is rotated; 524,288 by default. */
  maxSize?: number;
  /** Plain text instead of the binary format; settee always writes plain text. */
  usePlaintext?: boolean;
}

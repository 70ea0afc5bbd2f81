/** What a save does when the stored document has changed (api §6.4). */
export enum ConcurrencyControl {
  LAST_WRITE_WINS = 0,
  FAIL_ON_CONFLICT = 1,
}

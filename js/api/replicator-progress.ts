/** Counts of changes; both 0 before anything is known, completed ≤ total. */
export class ReplicatorProgress {
  constructor(
    private readonly completed: number,
    private readonly total: number,
  ) {}

  getCompleted(): number {
    return this.completed;
  }

  getTotal(): number {
    return this.total;
  }

  copy(): ReplicatorProgress {
    return new ReplicatorProgress(this.completed, this.total);
  }

  toString(): string {
    return `Progress{completed=${this.completed}, total=${this.total}}`;
  }
}

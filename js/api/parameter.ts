/** One query parameter: a name without `$`, a value and the type it is bound as (api §7.3). */
export class Parameter {
  name: string;
  value: any;
  type: string;

  setValue(name: string, value: any): void {
    this.set(name, value, 'value');
  }

  setString(name: string, value: string | null): void {
    this.set(name, value, 'string');
  }

  setBoolean(name: string, value: boolean): void {
    this.set(name, value, 'boolean');
  }

  setFloat(name: string, value: number): void {
    this.set(name, value, 'float');
  }

  setDouble(name: string, value: number): void {
    this.set(name, value, 'double');
  }

  setLong(name: string, value: number): void {
    this.set(name, value, 'long');
  }

  setInt(name: string, value: number): void {
    this.set(name, value, 'int');
  }

  /** Stores the date's ISO 8601 text. */
  setDate(name: string, value: Date): void {
    this.set(name, value.toISOString(), 'date');
  }

  get(): this {
    return this;
  }

  private set(name: string, value: unknown, type: string): void {
    this.name = name;
    this.value = value;
    this.type = type;
  }
}

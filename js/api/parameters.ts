import { setOwn } from '../util/own';
import { Parameter } from './parameter';

/**
 * Values for the `$names` of a query, given without the `$`.
 *
 * Values are stored unchanged; the engine binds them by their type (api §15.8).
 *
 * @example
 * query.parameters.setString('city', 'Paris');
 */
export class Parameters {
  private readonly _parameters: { [name: string]: Parameter } = {};

  /** The map of parameters, or a fresh empty one. */
  get(): { [name: string]: Parameter } {
    return Object.keys(this._parameters).length === 0 ? {} : this._parameters;
  }

  /** Sets the entry to null; the engine skips it. */
  remove(name: string): void {
    setOwn(this._parameters, name, null);
  }

  setValue(name: string, value: any): void {
    this.make(name).setValue(name, value);
  }

  setString(name: string, value: string | null): void {
    this.make(name).setString(name, value);
  }

  setBoolean(name: string, value: boolean): void {
    this.make(name).setBoolean(name, value);
  }

  setFloat(name: string, value: number): void {
    this.make(name).setFloat(name, value);
  }

  setDouble(name: string, value: number): void {
    this.make(name).setDouble(name, value);
  }

  setLong(name: string, value: number): void {
    this.make(name).setLong(name, value);
  }

  setInt(name: string, value: number): void {
    this.make(name).setInt(name, value);
  }

  setDate(name: string, value: Date): void {
    const parameter = new Parameter();
    parameter.setDate(name, value);
    setOwn(this._parameters, name, parameter);
  }

  private make(name: string): Parameter {
    const parameter = new Parameter();
    setOwn(this._parameters, name, parameter);
    return parameter;
  }
}

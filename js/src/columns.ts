/** Columns of numbers out of one binary buffer, addressed by name and by index along each axis. */

import type { Column } from "./contract";

type Numbers = Float32Array | Uint8Array;

/** Bytes in any of the forms in which hosts hand them over. */
export type Bytes = ArrayBuffer | ArrayBufferView | null | undefined;

interface Table {
  shape: readonly number[];
  data: Numbers;
}

/** A view of the bytes, without copying. */
export function toBytes(buffer: Bytes): Uint8Array {
  if (buffer === null || buffer === undefined) return new Uint8Array(0);
  if (ArrayBuffer.isView(buffer)) return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Uint8Array(buffer);
}

export function fromBase64(text: string): Uint8Array {
  // Browsers of 2025 and later do it themselves, in a tenth of the time.
  const native = Reflect.get(Uint8Array, "fromBase64") as ((text: string) => Uint8Array) | undefined;
  if (native !== undefined) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** The numbers of one message. A column that is missing reads as NaN everywhere. */
export class Columns {
  private readonly tables = new Map<string, Table>();

  /** @throws RangeError if a column lies outside the buffer (header and buffer of different messages). */
  constructor(columns: readonly Column[], buffer: Bytes) {
    const bytes = toBytes(buffer);
    for (const column of columns) {
      const end = column.offset + column.nbytes;
      const size = column.shape.reduce((product, length) => product * length, 1);
      const width = column.dtype === "float32" ? 4 : 1;
      if (end > bytes.byteLength || size * width !== column.nbytes) {
        throw new RangeError(
          `Column ${column.name} of shape ${column.shape} needs bytes ${column.offset} to ${end}; the buffer has ${bytes.byteLength}.`,
        );
      }
      // A copy, because a host's buffer may begin at an address that Float32Array refuses.
      const own = bytes.slice(column.offset, end);
      const data = column.dtype === "float32" ? new Float32Array(own.buffer) : own;
      this.tables.set(column.name, { shape: column.shape, data });
    }
  }

  /** The numbers at one place of the first axis of every column. */
  slice(place: number): Columns {
    const found = new Columns([], null);
    for (const [
      name,
      {
        shape: [count = 1, ...shape],
        data,
      },
    ] of this.tables) {
      const size = data.length / count;
      found.tables.set(name, { shape, data: data.subarray(place * size, (place + 1) * size) });
    }
    return found;
  }

  get(name: string): Table | undefined {
    return this.tables.get(name);
  }

  /** One number; NaN outside the table. */
  at(name: string, ...place: number[]): number {
    return this.reader(name)(...place);
  }

  /** Reads many numbers of one column. */
  reader(name: string): (...place: number[]) => number {
    const table = this.tables.get(name);
    if (table === undefined) return () => Number.NaN;
    const { shape, data } = table;
    return (...place) => {
      let offset = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        const index = place[axis] ?? 0;
        const length = shape[axis] ?? 0;
        if (index < 0 || index >= length) return Number.NaN;
        offset = offset * length + index;
      }
      return data[offset] ?? Number.NaN;
    };
  }
}

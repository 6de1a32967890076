/*
 * The part of the WebAssembly JavaScript interface used here. TypeScript declares it only with the whole of the
 * DOM, which would let a typing slip through for a browser's global that Node does not have.
 */

declare const moduleBrand: unique symbol;

/** A compiled module; sent between threads it is shared, not copied. */
export interface Module {
  readonly [moduleBrand]: true;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
}

export interface Global {
  readonly value: unknown;
}

export interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Interface {
  compile(bytes: Uint8Array): Promise<Module>;
  readonly Memory: new (limits: { initial: number; maximum: number }) => Memory;
  readonly Instance: new (module: Module, imports: Imports) => Instance;
  readonly Global: new (type: { value: string; mutable: boolean }, value: unknown) => Global;
  readonly LinkError: new () => Error;
}

export const webAssembly: Interface = (globalThis as unknown as { WebAssembly: Interface }).WebAssembly;

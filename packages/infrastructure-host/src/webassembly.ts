/**
 * What is used here of the WebAssembly JavaScript interface, which TypeScript declares only together with all of the
 * browser's.
 */
interface WebAssemblyInterface {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
}

const engine = (globalThis as unknown as { WebAssembly?: WebAssemblyInterface }).WebAssembly;

/** Whether these bytes are a module that this engine can run. */
export const canRun = (bytes: Uint8Array<ArrayBuffer>): boolean => engine?.validate(bytes) ?? false;

/** Compiles a module without imports and gives what it exports. */
export function instantiate<T>(bytes: Uint8Array<ArrayBuffer>): T {
  if (engine === undefined) throw new Error("this JavaScript engine has no WebAssembly");
  return new engine.Instance(new engine.Module(bytes)).exports as T;
}

/** Bytes that begin at a page's boundary, which no other allocation of JavaScript promises. */
export function alignedBytes(size: number): Buffer {
  return engine === undefined
    ? Buffer.alloc(size)
    : Buffer.from(new engine.Memory({ initial: Math.ceil(size / 65_536) }).buffer, 0, size);
}

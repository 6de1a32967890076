// What a program here uses of WASI preview 1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md).

@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: u32, vectors: usize, count: u32, done: usize): u32;
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: u32, vectors: usize, count: u32, done: usize): u32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: u32): void;

@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): u32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(pointers: usize, texts: usize): u32;

// One vector (pointer, length), and behind it how much was done.
const vector: usize = memory.data(12);

/** Reads up to `length` bytes of the standard input; 0 at its end. */
export function read(to: usize, length: u32): u32 {
  store<u32>(vector, u32(to));
  store<u32>(vector, length, 4);
  if (fd_read(0, vector, 1, vector + 8) != 0) exit(1);
  return load<u32>(vector, 8);
}

/** Writes all of it to the standard output. */
export function write(from: usize, length: u32): void {
  while (length > 0) {
    store<u32>(vector, u32(from));
    store<u32>(vector, length, 4);
    if (fd_write(1, vector, 1, vector + 8) != 0) exit(1);
    let done = load<u32>(vector, 8);
    from += done;
    length -= done;
  }
}

/** The first byte of the program's last argument; 0 without any. */
export function argument(): u8 {
  if (args_sizes_get(vector, vector + 4) != 0) exit(1);
  let count = load<u32>(vector);
  if (count == 0) return 0;
  let pointers = heap.alloc(count * 4);
  if (args_get(pointers, heap.alloc(load<u32>(vector, 4))) != 0) exit(1);
  return load<u8>(load<u32>(pointers + (count - 1) * 4));
}

/** Ends the program. */
export function exit(code: u32): void {
  proc_exit(code);
  unreachable();
}

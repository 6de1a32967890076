// Keeps the lines of a web server's log (combined format) whose status begins with the digit given as its argument:
//   pick-lines 5

import { argument, exit, read, write } from "./wasi";

const BUFFER: u32 = 1 << 18;
const NEWLINE: u8 = 0x0a;
const QUOTE: u8 = 0x22;

@inline
function find(byte: u8, at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** Whether a line's status, behind the quoted request, is of the family asked for. */
function wanted(from: usize, end: usize, family: u8): bool {
  let request = find(QUOTE, from, end) + 1;
  let status = find(QUOTE, request, end) + 2;
  return status < end && load<u8>(status) == family;
}

export function _start(): void {
  let family = argument();
  if (family == 0) exit(2);
  let buffer = heap.alloc(BUFFER);
  let picked = heap.alloc(BUFFER + 1);
  let kept: u32 = 0; // of a line that the buffer cut
  for (;;) {
    let got = read(buffer + kept, BUFFER - kept);
    let end = buffer + kept + got;
    if (got == 0) {
      if (kept == 0) break;
      store<u8>(end++, NEWLINE); // the last line had none
    }
    let at = buffer;
    let length: u32 = 0;
    for (;;) {
      let stop = find(NEWLINE, at, end);
      if (stop == end) break;
      let size = u32(stop + 1 - at);
      if (wanted(at, stop, family)) {
        memory.copy(picked + length, at, size);
        length += size;
      }
      at = stop + 1;
    }
    write(picked, length);
    kept = u32(end - at);
    if (kept == BUFFER) exit(3); // a line longer than the buffer is no log's
    memory.copy(buffer, at, kept);
  }
  exit(0);
}

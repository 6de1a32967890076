// Reads a web server's log in the combined format (Apache, nginx) and says what is in it:
//   203.0.113.7 - - [20/Nov/2026:17:42:10 +0000] "GET /books/7 HTTP/1.1" 200 5120 "-" "Mozilla/5.0"

import { exit, read, write } from "./wasi";
import { Tally } from "./tally";

const BUFFER: u32 = 1 << 18;
const SPACE: u8 = 0x20;
const NEWLINE: u8 = 0x0a;
const QUOTE: u8 = 0x22;
const QUESTION: u8 = 0x3f;
const TOP: u32 = 5;

let lines: u64 = 0;
let malformed: u64 = 0;
let sent: u64 = 0;
let missing: u64 = 0;
let errors: u64 = 0;
const hosts = new Tally();
const paths = new Tally();

/** The first place from `at` on where the byte is, or `end`. */
@inline
function find(byte: u8, at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** A number of decimal digits from `at` on; 0 where there is none. */
@inline
function digits(at: usize, end: usize): u64 {
  let value: u64 = 0;
  for (; at < end; at++) {
    let digit = load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function line(from: usize, end: usize): void {
  lines++;
  let host = find(SPACE, from, end);
  let request = find(QUOTE, host, end) + 1;
  let path = find(SPACE, request, end) + 1;
  let pathEnd = find(SPACE, path, end);
  let requestEnd = find(QUOTE, pathEnd, end);
  let status = requestEnd + 2;
  if (host == from || status + 3 > end) {
    malformed++;
    return;
  }
  hosts.add(from, u32(host - from));
  let query = find(QUESTION, path, pathEnd);
  paths.add(path, u32(query - path));
  let family = load<u8>(status);
  if (family == 0x34) missing++;
  else if (family == 0x35) errors++;
  sent += digits(status + 4, end);
}

// ---- saying it

const out = heap.alloc(1 << 16);
let length: u32 = 0;

function text(words: string): void {
  length += u32(String.UTF8.encodeUnsafe(changetype<usize>(words), words.length, out + length));
}

function number(value: u64, width: i32): void {
  text(value.toString().padStart(width));
}

function fact(name: string, value: u64): void {
  text(name.padEnd(12));
  number(value, 12);
  text("\n");
}

function report(): void {
  fact("lines", lines);
  fact("hosts", hosts.size);
  fact("errors", errors);
  fact("missing", missing);
  fact("bytes sent", sent);
  fact("paths", paths.size);
  if (malformed > 0) fact("not read", malformed);
  let slot: usize = 0;
  for (let i: u32 = 0; i < TOP; i++) {
    slot = paths.next(slot);
    if (slot == 0) break;
    number(load<u32>(slot, 12), 8);
    text("  ");
    let shown = min<u32>(load<u32>(slot, 8), 200);
    memory.copy(out + length, load<u32>(slot, 4), shown);
    length += shown;
    text("\n");
  }
  write(out, length);
}

export function _start(): void {
  let buffer = heap.alloc(BUFFER);
  let kept: u32 = 0; // of a line that the buffer cut
  for (;;) {
    let got = read(buffer + kept, BUFFER - kept);
    if (got == 0) break;
    let end = buffer + kept + got;
    let at = buffer;
    for (;;) {
      let stop = find(NEWLINE, at, end);
      if (stop == end) break;
      line(at, stop);
      at = stop + 1;
    }
    kept = u32(end - at);
    if (kept == BUFFER) {
      // A line longer than the buffer is read as far as it fits.
      line(buffer, end);
      kept = 0;
    } else memory.copy(buffer, at, kept);
  }
  if (kept > 0) line(buffer, buffer + kept);
  report();
  exit(0);
}

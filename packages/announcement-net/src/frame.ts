import { Buffer } from "node:buffer";

/*
 * What goes over one WebSocket: each binary message is a batch of frames, each frame a kind, a length and that
 * many bytes. An announcement's bytes are opaque here; a control message is JSON, `[channel, body]`.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Frame =
  | { readonly kind: "announcement"; readonly bytes: Uint8Array }
  | { readonly kind: "control"; readonly channel: string; readonly body: Json };

const ANNOUNCEMENT = 0;
const CONTROL = 1;
/** Kind and length (32 bits, big-endian) in front of every frame. */
export const FRAME_HEADER_BYTES = 5;

export const announcementFrame = (bytes: Uint8Array): Uint8Array => framed(ANNOUNCEMENT, bytes);

export const controlFrame = (channel: string, body: Json): Uint8Array =>
  framed(CONTROL, Buffer.from(JSON.stringify([channel, body]), "utf8"));

function framed(kind: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame[0] = kind;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Calls `take` for each frame of a batch. Returns null, or what is wrong with the batch; frames before the
 * fault were taken. Kinds we do not know are skipped, so that a newer peer is still understood.
 */
export function readFrames(batch: Buffer, take: (frame: Frame) => void): string | null {
  let at = 0;
  while (at < batch.length) {
    if (at + FRAME_HEADER_BYTES > batch.length) return "a frame cut short";
    const kind = batch[at] as number;
    const end = at + FRAME_HEADER_BYTES + batch.readUInt32BE(at + 1);
    if (end > batch.length) return "a frame cut short";
    const payload = batch.subarray(at + FRAME_HEADER_BYTES, end);
    at = end;
    if (kind === ANNOUNCEMENT) take({ kind: "announcement", bytes: payload });
    else if (kind === CONTROL) {
      const control = readControl(payload);
      if (control === null) return "a control message that is not [channel, body]";
      take(control);
    }
  }
  return null;
}

function readControl(payload: Buffer): Frame | null {
  try {
    const parsed: unknown = JSON.parse(payload.toString("utf8"));
    if (!Array.isArray(parsed) || parsed.length !== 2 || typeof parsed[0] !== "string") return null;
    return { kind: "control", channel: parsed[0], body: parsed[1] as Json };
  } catch {
    return null;
  }
}

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/*
 * A probe is 32 bytes: "weft", a version, three bytes of nothing, the prober's number of the link, the probe's number, and
 * filling. The answer is the same 32 bytes with the version's highest bit set, so that answers are never answered.
 */

export const PROBE_BYTES = 32;
const MAGIC = 0x77656674;
const VERSION = 1;
const ANSWER = 0x80 | VERSION;

export interface ProbeFrame {
  readonly link: number;
  readonly sequence: number;
}

export function writeProbe({ link, sequence }: ProbeFrame): Buffer {
  const frame = Buffer.alloc(PROBE_BYTES);
  frame.writeUInt32BE(MAGIC, 0);
  frame.writeUInt8(VERSION, 4);
  frame.writeUInt32BE(link, 8);
  frame.writeUInt32BE(sequence, 12);
  return frame;
}

/** Reads an answer to a probe; null for anything else. */
export function readAnswer(frame: Buffer): ProbeFrame | null {
  if (frame.length !== PROBE_BYTES || frame.readUInt32BE(0) !== MAGIC || frame[4] !== ANSWER) return null;
  return { link: frame.readUInt32BE(8), sequence: frame.readUInt32BE(12) };
}

/** Answers probes: what a gateway runs so that others can see how far it is. Nothing else is answered, nothing grows. */
export class EchoResponder {
  readonly #socket: Socket;
  /** Where it listens, `host:port`. */
  readonly address: string;

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.address = address;
  }

  /** Port 0 takes any free one. */
  static async listen(host = "127.0.0.1", port = 0): Promise<EchoResponder> {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.bind(port, host);
    await once(socket, "listening");
    socket.on("error", () => {}); // an answer that cannot be sent is a lost one
    socket.on("message", (frame, { address, port: from }) => {
      if (frame.length !== PROBE_BYTES || frame.readUInt32BE(0) !== MAGIC || frame[4] !== VERSION) return;
      frame[4] = ANSWER;
      socket.send(frame, from, address);
    });
    const bound = socket.address();
    const name = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    return new EchoResponder(socket, `${name}:${bound.port}`);
  }

  close(): void {
    this.#socket.close();
  }
}

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Bytes, type Digest, ok, type Result, refuse } from "@weft/kernel";
import {
  type ContentSource,
  ContentStore,
  fetchContent,
  pushContent,
  type TransferResult,
} from "@weft/orchestration-data";
import type { ContentReference } from "@weft/service";

export type OnProgress = (progress: { readonly done: number; readonly of: number }) => void;

/** A gateway as the API tells of it, and the word it asks for. */
export interface GatewayAccess {
  readonly url: string;
  readonly token: string;
}

/** What a file is: its digest and size. Refused with `E_FILE` when it cannot be read. */
export async function fileContent(path: string): Promise<Result<ContentReference>> {
  const hash = createHash("sha256");
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.byteLength;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse("E_FILE", code === "ENOENT" ? "no such file" : message, { found: path });
  }
  return ok({ digest: hash.digest("hex"), size: size as Bytes });
}

/** Puts a file at a gateway; goes on where a broken connection stopped, and costs one question when it is there. */
export function uploadFile(
  gateway: GatewayAccess,
  path: string,
  content: ContentReference,
  onProgress?: OnProgress,
): Promise<TransferResult> {
  return pushContent({
    ...content,
    segments: [addressOf(gateway.url)],
    store: fileSource(path, content),
    token: gateway.token,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** Fetches content from a gateway, hash checked, and hands it to `use` as a file that is gone afterwards. */
export async function downloadContent<T>(
  gateway: GatewayAccess,
  content: ContentReference,
  use: (path: string) => Promise<T>,
  onProgress?: OnProgress,
): Promise<Result<T>> {
  const folder = await mkdtemp(join(tmpdir(), "weft-result-"));
  try {
    const store = new ContentStore(folder, { maxBytes: content.size, durable: false });
    const fetched = await fetchContent({
      ...content,
      segments: [addressOf(gateway.url)],
      store,
      token: gateway.token,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return fetched.ok ? ok(await use(store.path(content.digest))) : fetched;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A single file in the place of a store. */
const fileSource = (path: string, { digest, size }: ContentReference): ContentSource => ({
  size: (asked: Digest) => (asked === digest ? size : null),
  pin: () => true,
  unpin: () => {},
  open: (_, range): Readable => {
    const { from, to } = range ?? { from: 0, to: size };
    return createReadStream(path, from === to ? { start: size } : { start: from, end: to - 1 });
  },
});

function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Refusal, Result } from "@weft/kernel";
import { ok, refuse } from "@weft/kernel";

/** One request as it goes out. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** The answer's head has to come within so long. */
  readonly timeoutMs: number;
}

export type Unreachable = Refusal<"E_UNREACHABLE" | "E_TIMEOUT" | "E_CANCELLED">;

const plain = new HttpAgent({ keepAlive: true });
let secure: HttpsAgent | undefined;

/** Sends a request; the answer's body is still to be read. A network that fails is a refusal. */
export function exchange(asked: Exchange): Promise<Result<IncomingMessage, Unreachable>> {
  const { method, url, headers, body, signal, timeoutMs } = asked;
  if (signal?.aborted) return Promise.resolve(CANCELLED);
  const https = url.protocol === "https:";
  if (https) secure ??= new HttpsAgent({ keepAlive: true });
  return new Promise((resolve) => {
    const options = {
      method,
      headers:
        body === undefined ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) },
      agent: https ? secure : plain,
      ...(signal === undefined ? {} : { signal }),
    };
    const request = (https ? requestHttps : requestHttp)(url, options);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      request.destroy();
    }, timeoutMs);
    request.once("response", (response) => {
      clearTimeout(timer);
      resolve(ok(response));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (signal?.aborted) resolve(CANCELLED);
      else resolve(late ? timedOut(url, timeoutMs) : unreachable(url, error));
    });
    request.end(body);
  });
}

/** A body as text; at most `most` bytes of it. */
export async function readText(response: IncomingMessage, most = 64 << 20): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > most) throw new Error(`the answer is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A body line by line, without the line ends. */
export async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

const CANCELLED = refuse("E_CANCELLED", "called off");

const timedOut = (url: URL, timeoutMs: number) =>
  refuse("E_TIMEOUT", `${url.origin} did not answer within ${timeoutMs / 1000} s`);

function unreachable(url: URL, error: NodeJS.ErrnoException) {
  const refused = error.code === "ECONNREFUSED";
  return refuse(
    "E_UNREACHABLE",
    refused
      ? `nothing answers at ${url.origin}`
      : `cannot reach ${url.origin}: ${error.message.split("\n", 1)[0]}`, // OpenSSL says more than a line
    {
      ...(error.code === undefined ? {} : { found: error.code }),
      hint: refused
        ? "start a network with: npm start (or name another with --server or WEFT_SERVER)"
        : "check the address given by --server, WEFT_SERVER or .weft/config.json",
    },
  );
}

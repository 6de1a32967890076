import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { SiteId } from "@weft/infrastructure";
import type { Distance, EmulatedLink, EmulatedLinks } from "@weft/infrastructure-emulator";
import {
  type BitsPerSecond,
  HOUR,
  type Micros,
  ok,
  type Ratio,
  type Refusal,
  type Result,
  refuse,
} from "@weft/kernel";
import { z } from "zod";

/*
 * The distances of a network that runs on this machine, seen and changed while it runs. The process that keeps the network
 * up listens on the loopback interface alone, wherever the network itself listens, and obeys the bearer of the manager's
 * token. A file in the network's folder says where; only its owner reads it.
 */

const FILE = "distances.json";
const MOST_BODY = 4096;

const figure = <T>(most: number) =>
  z
    .number()
    .min(0)
    .max(most)
    .transform((value) => value as T);
const changeAsked = z
  .strictObject({
    /** Both absent: every link. */
    from: z.string().optional(),
    to: z.string().optional(),
    /** Absent: both directions. */
    oneWay: z.boolean().default(false),
    /** As it was when the network started; then what `change` says. */
    reset: z.boolean().default(false),
    change: z
      .strictObject({
        delay: figure<Micros>(HOUR),
        rate: z
          .number()
          .min(1)
          .nullable()
          .transform((rate) => rate as BitsPerSecond | null),
        jitter: figure<Micros>(HOUR),
        loss: figure<Ratio>(1),
        up: z.boolean(),
      })
      .partial(),
  })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), "two sites, or none for all links");
export type DistanceChange = z.input<typeof changeAsked>;

interface Place {
  /** The manager of the network whose distances they are. */
  readonly server: string;
  readonly control: string;
}

/** What is emulated, seen and changed. */
export type Emulated = Pick<EmulatedLinks, "distances" | "change">;

/** The site that another domain is in this one's network. */
const AT = "@";

/**
 * The distances inside a domain, and with them those between its manager and the managers it deals with, under the names
 * that domains have as sites: `@town` to `@city`.
 */
export const withPeers = (own: Emulated, between: Emulated, domain: string): Emulated => ({
  get distances() {
    const ofOurs = between.distances.filter(({ from, to }) => from === domain || to === domain);
    const named = (site: SiteId) => `${AT}${site}` as SiteId;
    return [
      ...own.distances,
      ...ofOurs.map((link) => ({ ...link, from: named(link.from), to: named(link.to) })),
    ];
  },
  change: (from, to, change) =>
    from.startsWith(AT)
      ? between.change(from.slice(AT.length) as SiteId, to.slice(AT.length) as SiteId, change)
      : own.change(from, to, change),
});

/** Serves a network's distances until closed. `token`: the manager's. */
export async function serveDistances(options: {
  readonly emulated: Emulated;
  readonly stateDir: string;
  readonly server: string;
  readonly token: string;
  readonly say: (line: string) => void;
}): Promise<() => void> {
  const { emulated, stateDir, server: network, token, say } = options;
  const first = new Map(emulated.distances.map((link) => [`${link.from}>${link.to}`, link]));
  const change = async (asked: z.output<typeof changeAsked>): Promise<Result<readonly EmulatedLink[]>> => {
    const ways = waysOf(asked, first.values());
    for (const [a, b] of ways) if (!first.has(`${a}>${b}`)) return noLink(a, b, first.values());
    for (const [a, b] of ways) {
      const { from: _from, to: _to, ...start } = first.get(`${a}>${b}`) as EmulatedLink;
      await emulated.change(a, b, {
        ...(asked.reset ? { ...PLAIN, ...start } : {}),
        ...asked.change,
      } as Partial<Distance>);
      say(`distance ${a} > ${b} changed`);
    }
    return ok(emulated.distances);
  };
  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const refusal = objectionTo(request.headers.authorization, token);
    if (refusal !== null) return [refusal.code === "E_FORBIDDEN" ? 403 : 401, refusal];
    if (request.method === "GET") return [200, { items: emulated.distances }];
    const asked = changeAsked.safeParse(await bodyOf(request));
    if (!asked.success) return [400, wrong(asked.error.issues[0])];
    const changed = await change(asked.data);
    return changed.ok ? [200, { items: changed.value }] : [404, changed.refusal];
  };
  const listening = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      },
      (error: Error) =>
        response.writeHead(500).end(JSON.stringify(refuse("E_INTERNAL", error.message).refusal)),
    );
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const file = join(stateDir, FILE);
  const { port } = listening.address() as AddressInfo;
  const place: Place = { server: network, control: `http://127.0.0.1:${port}` };
  writeFileSync(file, `${JSON.stringify(place)}\n`, { mode: 0o600 });
  return () => {
    rmSync(file, { force: true });
    listening.close();
    listening.closeAllConnections();
  };
}

/** The directions that a change is for. */
function waysOf(
  { from, to, oneWay }: z.output<typeof changeAsked>,
  all: Iterable<EmulatedLink>,
): readonly (readonly [SiteId, SiteId])[] {
  if (from === undefined || to === undefined) return [...all].map((link) => [link.from, link.to] as const);
  const there = [from as SiteId, to as SiteId] as const;
  return oneWay ? [there] : [there, [there[1], there[0]]];
}

/** What a link is that the file says nothing more of. */
const PLAIN = { jitter: 0, loss: 0, up: true };

/** Where the distances of the network at `server` are served, of those that run from a state folder; null: nowhere. */
export function controlOf(folder: string, server: string): string | null {
  const inside = (path: string): string[] =>
    existsSync(path)
      ? readdirSync(path, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => join(path, name))
      : [];
  const networks = inside(folder);
  // The networks of several domains lie a folder deeper.
  for (const path of [...networks, ...networks.flatMap(inside)]) {
    try {
      const place = JSON.parse(readFileSync(join(path, FILE), "utf8")) as Place;
      if (new URL(place.server).host === new URL(server).host) return place.control;
    } catch {
      // No network of this folder is up.
    }
  }
  return null;
}

/** Asks for a network's distances, changed first where a change is given. */
export async function askDistances(
  control: string,
  token: string,
  change: DistanceChange | null,
): Promise<Result<readonly EmulatedLink[]>> {
  const headers = { authorization: `Bearer ${token}` };
  try {
    const response =
      change === null
        ? await fetch(control, { headers })
        : await fetch(control, { method: "PATCH", headers, body: JSON.stringify(change) });
    const body = (await response.json()) as { readonly items: readonly EmulatedLink[] } & Refusal;
    return response.ok ? ok(body.items) : { ok: false, refusal: body };
  } catch (error) {
    return refuse(
      "E_UNREACHABLE",
      `the process that keeps the network up does not answer: ${(error as Error).message}`,
    );
  }
}

function objectionTo(authorization: string | undefined, token: string): Refusal | null {
  if (authorization === undefined || authorization.trim() === "Bearer") {
    return refuse("E_UNAUTHENTICATED", "distances are changed with the manager's token", { hint: HINT })
      .refusal;
  }
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))) return null;
  return refuse("E_FORBIDDEN", "only the network's manager sees and changes its distances", { hint: HINT })
    .refusal;
}
const HINT = "name its context, such as: weft --context demo-manager distance";

const noLink = (from: string, to: string, links: Iterable<EmulatedLink>): Result<never> =>
  refuse("E_NOT_FOUND", "no emulated link joins these sites", {
    found: `${from} > ${to}`,
    expected: [...links].map((link) => `${link.from} > ${link.to}`).join(", "),
  });

function wrong(issue: z.core.$ZodIssue | undefined): Refusal {
  return refuse("E_REQUEST", issue?.message ?? "not a change of distance", {
    path: issue?.path.join(".") ?? "",
  }).refusal;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > MOST_BODY) return null;
  }
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

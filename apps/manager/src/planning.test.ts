import type { Bytes, Digest } from "@weft/kernel";
import { manifestText } from "@weft/service-http";
import type { WeftClient } from "@weft/service-http/client";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DeskApi, deskApi } from "./testing/desk-api.ts";

let api: DeskApi;
let ann: WeftClient;

beforeEach(async () => {
  api = await deskApi();
  ann = api.client(api.token("ann", "consumer"));
});
afterEach(() => api.close());

const PROGRAM = { digest: "0".repeat(64) as Digest, size: 100 as Bytes };
const manifest = (name: string, at: string): string =>
  manifestText({
    apiVersion: "weft.dev/v1",
    kind: "Task",
    metadata: { name },
    spec: {
      data: { input: "1kB", at },
      compute: { type: "logical", work: "1 MOP" },
      run: { wasm: { module: `sha256:${PROGRAM.digest}` } },
    },
  });

it("a plan for data at a site that there is not says so, alone and together, and names no node's fault", async () => {
  const refusal = { code: "E_UNKNOWN_SITE", path: "spec.data.at", found: "nigbo" };
  const one = { manifest: manifest("one", "nigbo"), contents: [PROGRAM] };
  const two = { manifest: manifest("two", api.desk.manager.core.options.site), contents: [PROGRAM] };
  expect(await ann.call("POST /v1/tasks:plan", { body: one })).toMatchObject({ ok: false, refusal });
  expect(await ann.call("POST /v1/batches:plan", { body: { items: [two, one] } })).toMatchObject({ refusal });
  expect(await ann.call("POST /v1/tasks:plan", { body: two })).toMatchObject({ ok: true });
});

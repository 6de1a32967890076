import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openStore, StoreError } from "./index.ts";
import { opening } from "./testing/changes.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-open-store-"));
chmodSync(folder, 0o755); // as root, the server runs as another user
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("keeps everything acknowledged through kill -9 of the manager, and its server is adopted", async () => {
  const dataDir = join(folder, "killed");
  const store = await openStore({ dataDir });
  await store.commit(opening);
  await store.close();
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { openStore } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
       const store = await openStore({ dataDir: ${JSON.stringify(dataDir)} });
       for (let n = 0; ; n++) {
         const postings = [{ account: "world", amount: -1n }, { account: "ann", amount: 1n }];
         const transfer = { id: "t" + n, at: n, kind: "deposit", reference: "", postings, closes: null };
         await store.commit([{ kind: "transfer", transfer }]);
         process.stdout.write(n + "\\n");
       }`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let told = "";
  await new Promise<void>((done) => {
    child.stdout.on("data", (chunk) => {
      told += chunk;
      if (told.split("\n").length > 200) done();
    });
  });
  child.kill("SIGKILL");
  await new Promise((done) => child.on("close", done));
  const acknowledged = told.trim().split("\n").length;

  const again = await openStore({ dataDir });
  expect(again.adopted).toBe(true);
  const state = await again.load();
  const ann = Number(state.balances.find((row) => row.account === "ann")?.posted);
  expect(ann).toBeGreaterThanOrEqual(acknowledged);
  expect(ann).toBeLessThanOrEqual(acknowledged + 1);
  await again.close();
}, 120_000);

it("says what is wrong with it: not a database, another version, not a folder", async () => {
  const code = async (name: string): Promise<string> =>
    openStore({ dataDir: join(folder, name) }).then(
      () => "opened",
      (error) => (error instanceof StoreError ? error.code : String(error)),
    );
  mkdirSync(join(folder, "strange", "cluster"), { recursive: true });
  expect(await code("strange")).toBe("E_STORE_CORRUPT");
  writeFileSync(join(folder, "strange", "cluster", "PG_VERSION"), "9\n");
  expect(await code("strange")).toBe("E_STORE_VERSION");
  writeFileSync(join(folder, "strange", "cluster", "PG_VERSION"), "18\n");
  expect(await code("strange")).toMatch(/E_STORE_(CORRUPT|FOLDER)/);
  writeFileSync(join(folder, "file"), "");
  expect(await code("file")).toBe("E_STORE_FOLDER");
});

it("tells at once when its server is gone, and not when it is closed", async () => {
  const dataDir = join(folder, "lost");
  const store = await openStore({ dataDir });
  const told: StoreError[] = [];
  void store.lost.then((error) => told.push(error));
  const server = Number.parseInt(readFileSync(join(dataDir, "cluster", "postmaster.pid"), "utf8"), 10);
  process.kill(server, "SIGKILL");
  await expect(store.lost).resolves.toMatchObject({ code: "E_STORE_LOST" });
  await store.close();
  const again = await openStore({ dataDir });
  void again.lost.then((error) => told.push(error));
  await again.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toHaveLength(1);
}, 60_000);

it.each(["nonsense", "http://127.0.0.1/db", "127.0.0.1:5432", ""])(
  "takes no %j for the URL of a database",
  async (databaseUrl) => {
    await expect(openStore({ databaseUrl })).rejects.toMatchObject({
      code: "E_STORE_UNREACHABLE",
      message: "DATABASE_URL is no URL of a PostgreSQL",
    });
  },
);

it("says when the external database is not there", async () => {
  const databaseUrl = "postgresql://nobody@127.0.0.1:9/none";
  await expect(openStore({ databaseUrl })).rejects.toMatchObject({ code: "E_STORE_UNREACHABLE" });
});

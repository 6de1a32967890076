import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { BIN, begin, end, renew, shell, weft } from "./testing/command-line.ts";

beforeAll(begin);
afterEach(renew);
afterAll(end);

it("completion completes commands, flags, choices and the names of tasks (bash)", async () => {
  await weft("run", "-f", "task.yaml");
  const { out } = await weft("completion", "bash");
  const complete = (line: string): Promise<string> => {
    const words = line.split(" ");
    const script = `weft() { "${process.execPath}" "${BIN}" "$@"; }\n${out}\nCOMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}; _weft; echo "\${COMPREPLY[@]}"`;
    return shell("bash", ["--norc", "-c", script]);
  };
  expect(await complete("weft ex")).toBe("explain");
  expect(await complete("weft get no")).toBe("nodes");
  expect(await complete("weft get nodes -o y")).toBe("yaml");
  expect(await complete("weft get nodes --sel")).toBe("--selector");
  expect(await complete("weft run -f task")).toBe("task.yaml");
  expect(await complete("weft logs -f read")).toBe("read-receipt"); // no value behind that one
  expect(await complete("weft token cr")).toBe("create");
  expect(await complete("weft explain read")).toBe("read-receipt");
  for (const shell of ["zsh", "fish"]) expect((await weft("completion", shell)).out).toContain("weft");
});

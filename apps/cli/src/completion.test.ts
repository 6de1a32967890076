import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Shell } from "./completion.ts";
import { BIN, begin, end, renew, shell, weft } from "./testing/command-line.ts";

beforeAll(begin);
afterEach(renew);
afterAll(end);

/** How a shell is asked what it offers for the last of `words`; its answer is a word a line, perhaps with its meaning. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => [string, ...string[]]>> = {
  bash: (script, words) => [
    "--norc",
    "-c",
    `weft() { "${process.execPath}" "${BIN}" "$@"; }\n${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weft
printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    ...words,
  ],
  // Its line editor needs a terminal: what the script says to the editor is printed instead.
  zsh: (script, words) => [
    "-f",
    "-c",
    `weft() { "${process.execPath}" "${BIN}" "$@" }
compdef() { }
compadd() { if [[ $1 == -a ]]; then print -rl -- \${(P)2}; else shift; print -rl -- $@; fi }
_files() { print -rl -- *(N) }
_describe() { local -a all; all=("\${(@P)2}"); print -rl -- \${all/:/$'\\t'} }
${script}
words=("$@"); CURRENT=$#; _weft`,
    "zsh",
    ...words,
  ],
  fish: (script, words) => [
    "--no-config",
    "-c",
    `function weft; "${process.execPath}" "${BIN}" $argv; end\n${script}\ncomplete -C '${words.join(" ")}'`,
  ],
};

describe.each(Object.keys(ASK) as Shell[])("completion in %s", (name) => {
  const there = spawnSync(name, ["-c", "true"]).status === 0;

  it.skipIf(!there)(
    `completes commands, flags, values, files and the names of tasks${there ? "" : `: there is no ${name} here`}`,
    async () => {
      await weft("run", "-f", "task.yaml");
      const { out } = await weft("completion", name);
      const complete = async (line: string): Promise<readonly string[]> => {
        const words = line.split(" ");
        const answer = await shell(name, ASK[name](out, words));
        const offered = answer.split("\n").map((one) => one.split("\t")[0] as string);
        return offered.filter((word) => word.startsWith(words.at(-1) as string)).sort();
      };
      expect(await complete("weft ex")).toEqual(["explain"]);
      expect(await complete("weft get no")).toEqual(["nodes"]);
      expect(await complete("weft get nodes -o y")).toEqual(["yaml"]);
      expect(await complete("weft get nodes -o ")).toEqual(["json", "name", "table", "wide", "yaml"]);
      expect(await complete("weft get nodes --sel")).toEqual(["--selector"]);
      expect(await complete("weft run -f task")).toEqual(["task.yaml"]);
      expect(await complete("weft logs -f read")).toEqual(["read-receipt"]); // no value behind that one
      expect(await complete("weft token cr")).toEqual(["create"]);
      expect(await complete("weft lab run --in")).toEqual(["--into"]); // not those of weft run
      expect(await complete("weft invoices show --o")).toEqual(["--output"]);
      expect(await complete("weft describe con")).toEqual(["contract"]);
      expect(await complete("weft explain read")).toEqual(["read-receipt"]);
    },
    60_000,
  );

  if (name === "bash") return; // shows words alone
  it.skipIf(!there)(
    `shows meanings as they are written${there ? "" : `: there is no ${name} here`}`,
    async () => {
      const { out } = await weft("completion", name);
      const meanings = await shell(name, ASK[name](out, ["weft", "lab", "run", "--in"]));
      expect(meanings).toContain("--into\tfolder that the run's own is made in");
    },
  );
});

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/*
 * What ARCHITECTURE.md says of imports, as data: what each pure floor may import. A name with a suffix (an edge)
 * may import the floors whose ports it implements and any library; no package imports an app.
 */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  infrastructure: ["kernel"],
  pool: ["infrastructure", "kernel"],
  announcement: ["infrastructure", "kernel"],
  scheduling: ["pool", "infrastructure", "kernel"],
  orchestration: ["infrastructure", "kernel"],
  market: ["kernel"],
  service: ["orchestration", "announcement", "market", "scheduling", "pool", "infrastructure", "kernel"],
};
const CLOCKS: Readonly<Record<string, readonly string[]>> = { live: ["kernel"], sim: ["kernel"] };

const root = join(fileURLToPath(new URL(".", import.meta.url)), "..");
const IMPORT = /\b(?:from\s+|import\s*\(?\s*)"([^"]+)"/g;
const AMBIENT = /\b(?:Date\.now|Math\.random|performance\.now)\b|new Date\(\)/;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(directory: string): SourceFile[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = readFileSync(path, "utf8");
      return {
        path: relative(root, path),
        text,
        imports: [...text.matchAll(IMPORT)].map((m) => m[1] as string),
      };
    });
}

const dependenciesOf = (directory: string): readonly string[] =>
  Object.keys(JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8")).dependencies ?? {});

const packages = readdirSync(join(root, "packages"));
const apps = readdirSync(join(root, "apps"));

it("a pure floor imports only the floors below it, and nothing that touches the world", () => {
  const broken: string[] = [];
  for (const [name, allowed] of Object.entries({ ...FLOORS, ...CLOCKS })) {
    if (!packages.includes(name)) continue;
    const pure = name in FLOORS;
    for (const file of sources(`packages/${name}/src`)) {
      for (const imported of file.imports) {
        const floor = imported.startsWith("@weft/") ? imported.slice(6).split("/")[0] : undefined;
        if (floor !== undefined && floor !== name && !allowed.includes(floor)) {
          broken.push(`${file.path} imports ${imported}`);
        }
        if (pure && imported.startsWith("node:")) broken.push(`${file.path} imports ${imported}`);
      }
      if (pure && AMBIENT.test(file.text)) broken.push(`${file.path} reads a clock or chance of its own`);
      if (pure && /\b(?:async|await)\b\s+[a-zA-Z(]/.test(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""))) {
        broken.push(`${file.path} is asynchronous`);
      }
    }
  }
  expect(broken).toEqual([]);
});

it("whatever is imported stands in the package's own dependencies, and nothing imports an app", () => {
  const broken: string[] = [];
  const appNames = apps.map(
    (app) => JSON.parse(readFileSync(join(root, "apps", app, "package.json"), "utf8")).name,
  );
  const directories = [...packages.map((p) => `packages/${p}`), ...apps.map((a) => `apps/${a}`), "bench"];
  for (const directory of directories) {
    const declared = dependenciesOf(directory);
    for (const file of sources(`${directory}/src`)) {
      for (const imported of file.imports) {
        if (imported.startsWith("node:")) continue;
        if (imported.startsWith(".")) {
          const target = relative(root, join(root, file.path, "..", imported));
          if (!target.startsWith(`${directory}/`)) broken.push(`${file.path} reaches out to ${target}`);
          continue;
        }
        const name = imported.startsWith("@")
          ? imported.split("/").slice(0, 2).join("/")
          : imported.split("/")[0];
        if (!declared.includes(name as string)) broken.push(`${file.path} imports undeclared ${name}`);
        if (directory.startsWith("packages/") && appNames.includes(name)) {
          broken.push(`${file.path} imports the app ${name}`);
        }
      }
    }
  }
  expect(broken).toEqual([]);
});

/*
 * Of files that import each other none can be read, tested or moved alone. One may name what is above it: the manager's
 * `Core` is the state of every part, and every part takes a `Core`. Of that nothing is left at run time.
 */
const NAMES_ALL = "packages/service/src/manager/core.ts";

it("no files import each other in a circle", () => {
  const imports = new Map<string, readonly string[]>();
  const roots = [...packages.map((p) => `packages/${p}`), ...apps.map((a) => `apps/${a}`), "bench"];
  for (const file of roots.flatMap((directory) => sources(`${directory}/src`))) {
    const near = file.imports.filter((imported) => imported.startsWith("."));
    imports.set(
      file.path,
      file.path === NAMES_ALL ? [] : near.map((imported) => join(file.path, "..", imported)),
    );
    if (file.path === NAMES_ALL)
      expect(file.text).not.toMatch(/^(?:import|export) (?!type\b)[^;]*"\.[^"]*"/m);
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" > "));
    if (way.includes(file) || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

it("a package names those of the tree that it imports, for npm and for the build, and no others", () => {
  const parts = [...packages.map((p) => `packages/${p}`), ...apps.map((a) => `apps/${a}`), "bench"];
  const read = (part: string, file: string) => JSON.parse(readFileSync(join(root, part, file), "utf8"));
  const home = new Map(parts.map((part) => [read(part, "package.json").name as string, part]));
  const wrong: string[] = [];
  for (const part of parts) {
    const files = readdirSync(join(root, part, "src"), { recursive: true, encoding: "utf8" });
    const text = files
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(root, part, "src", file), "utf8"));
    const declared = dependenciesOf(part).filter((name) => home.has(name));
    const idle = declared.filter(
      (name) => !text.some((one) => one.includes(`"${name}"`) || one.includes(`"${name}/`)),
    );
    wrong.push(...idle.map((name) => `${part} imports no ${name}`));
    const built: string[] =
      read(part, "tsconfig.json").references?.map(({ path }: { path: string }) => join(part, path)) ?? [];
    wrong.push(
      ...declared
        .filter((name) => !built.includes(home.get(name) as string))
        .map((name) => `${part} is built without ${name}`),
    );
  }
  expect(wrong).toEqual([]);
});

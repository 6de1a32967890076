import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { failed, misused } from "./failure.ts";

/** How to reach one network as one party. */
export interface NetworkContext {
  readonly server: string;
  readonly token: string;
  /** The key that signs orders, a PEM file only its owner reads; made when it is first needed. */
  readonly key: string;
}

/** `.weft/config.json`: networks by name, and which one is meant when none is named. */
interface ConfigFile {
  readonly current: string;
  readonly contexts: Readonly<Record<string, NetworkContext>>;
}

/** What the command line and the environment say; each wins over the file. */
export interface SettingsAsked {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly context?: string | undefined;
}

const STATE_FOLDER = ".weft";
const DEFAULT_SERVER = "http://127.0.0.1:7070";

/** The state folder: WEFT_HOME, or the nearest `.weft` from here upward, or `.weft` here. */
export function stateFolder(cwd: string, env: NodeJS.ProcessEnv): string {
  if (env.WEFT_HOME !== undefined && env.WEFT_HOME !== "") return resolve(cwd, env.WEFT_HOME);
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, STATE_FOLDER, "config.json"))) return join(folder, STATE_FOLDER);
    if (dirname(folder) === folder) return join(cwd, STATE_FOLDER);
  }
}

/** Server, token and key in force: flags, then WEFT_SERVER and WEFT_TOKEN, then the state folder's config. */
export function networkContext(folder: string, env: NodeJS.ProcessEnv, asked: SettingsAsked): NetworkContext {
  const file = readConfig(folder);
  const name = asked.context ?? env.WEFT_CONTEXT ?? file?.current;
  const kept = name === undefined ? undefined : file?.contexts[name];
  if (asked.context !== undefined && kept === undefined) {
    const known = Object.keys(file?.contexts ?? {}).join(", ") || "none";
    throw misused(`no context "${asked.context}" in ${join(folder, "config.json")}; there is: ${known}`);
  }
  const server = asked.server ?? env.WEFT_SERVER ?? kept?.server ?? DEFAULT_SERVER;
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw misused(`--server: found "${server}", expected a URL such as ${DEFAULT_SERVER}`);
  }
  return {
    server,
    token: asked.token ?? env.WEFT_TOKEN ?? kept?.token ?? "",
    key: env.WEFT_KEY ?? kept?.key ?? join(folder, "consumer.pem"),
  };
}

/** Keeps a context (and makes it the current one) for later commands. Only its owner reads the file. */
export function keepContext(folder: string, name: string, context: NetworkContext): void {
  const file = readConfig(folder);
  const config: ConfigFile = { current: name, contexts: { ...file?.contexts, [name]: context } };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "config.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readConfig(folder: string): ConfigFile | null {
  const path = join(folder, "config.json");
  if (!existsSync(path)) return null;
  try {
    const config = JSON.parse(readFileSync(path, "utf8"));
    if (typeof config?.contexts === "object" && config.contexts !== null) return config;
  } catch {
    // Said below, with what to do.
  }
  throw failed("E_CONFIG", `${path} is damaged; remove it and run weft up, or give --server and --token`);
}

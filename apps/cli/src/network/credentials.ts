import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { newSecret } from "@weft/service-http";
import { Failure } from "../failure.ts";

/** Secrets of a network set up on this machine: tokens by their id. Only its owner reads the file. */
export class Credentials {
  readonly #file: string;
  readonly #secrets: Record<string, string>;

  constructor(file: string) {
    this.#file = file;
    this.#secrets = existsSync(file) ? readSecrets(file) : {};
  }

  /** The token of this id, made when it is first asked for. */
  token(id: string, use: "api" | "join"): string {
    const known = this.#secrets[id];
    if (known !== undefined) return known;
    const secret = newSecret(use);
    this.#secrets[id] = secret;
    mkdirSync(dirname(this.#file), { recursive: true });
    const fresh = `${this.#file}.${randomBytes(4).toString("hex")}`;
    writeFileSync(fresh, `${JSON.stringify(this.#secrets, null, 2)}\n`, { mode: 0o600 });
    renameSync(fresh, this.#file);
    return secret;
  }

  digest(id: string, use: "api" | "join"): string {
    return createHash("sha256").update(this.token(id, use)).digest("hex");
  }
}

function readSecrets(file: string): Record<string, string> {
  try {
    const read: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof read === "object" && read !== null) return read as Record<string, string>;
  } catch {
    // Said below, with what to do.
  }
  throw new Failure(
    `${file} is damaged  [E_CREDENTIALS]\n  hint: remove the folder ${dirname(file)} to begin anew, or restore the file`,
  );
}

import type { Command } from "commander";
import type { Context } from "../context.ts";
import * as apply from "./apply.ts";
import * as bills from "./bills.ts";
import * as completion from "./completion.ts";
import * as remove from "./delete.ts";
import * as demo from "./demo.ts";
import * as describe from "./describe.ts";
import * as dispute from "./dispute.ts";
import * as distance from "./distance.ts";
import * as explain from "./explain.ts";
import * as get from "./get.ts";
import * as join from "./join.ts";
import * as key from "./key.ts";
import * as lab from "./lab.ts";
import * as lists from "./lists.ts";
import * as logs from "./logs.ts";
import * as measure from "./measure.ts";
import * as money from "./money.ts";
import * as offer from "./offer.ts";
import * as org from "./org.ts";
import * as plan from "./plan.ts";
import * as result from "./result.ts";
import * as run from "./run.ts";
import * as token from "./token.ts";
import * as top from "./top.ts";
import * as up from "./up.ts";
import * as verify from "./verify.ts";
import * as version from "./version.ts";
import * as wait from "./wait.ts";
import * as witness from "./witness.ts";

/** One command a file, under `help`'s groups. A new command is a file here and a line below. */
export const COMMANDS: readonly {
  readonly group: string;
  readonly commands: readonly { readonly register: (program: Command, context: Context) => void }[];
}[] = [
  { group: "Tasks:", commands: [run, apply, plan, wait, logs, result, explain, remove] },
  { group: "The network:", commands: [demo, up, get, describe, top, distance] },
  { group: "The market:", commands: [offer, lists, money, bills, dispute, verify, witness] },
  { group: "A node:", commands: [join, measure] },
  { group: "Research:", commands: [lab] },
  { group: "Administration:", commands: [org, token, key, completion, version] },
];

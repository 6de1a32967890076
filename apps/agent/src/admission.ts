import { ManagerConnection } from "@weft/announcement-net";
import type { NodeId } from "@weft/infrastructure";
import { instant, type Refusal, refuse, type Signer } from "@weft/kernel";
import { challengeText, decodeToAgent, encodeMessage, PROTOCOL_VERSION } from "@weft/service";

/** How long a manager has to answer: one that does not may still do so once the machine is measured. */
const PATIENCE_MS = 3_000;

/** Who wants in. */
export interface Applicant {
  readonly managers: readonly string[];
  /** The control channel's name. */
  readonly channel: string;
  readonly signer: Signer;
  readonly joinToken: string | null;
  readonly node: NodeId;
}

/**
 * Asks the manager whether this node would be taken in, before its machine is measured: null if so; `unreachable`
 * when no manager answers in time, which is no reason to give up; any other refusal is for good.
 */
export function askAdmission({
  managers,
  channel,
  signer,
  joinToken,
  node,
}: Applicant): Promise<Refusal | null> {
  return new Promise((resolve) => {
    let last = refuse("unreachable", "the manager does not answer").refusal as Refusal;
    const done = (refusal: Refusal | null): void => {
      clearTimeout(timer);
      connection.close();
      resolve(refusal);
    };
    const timer = setTimeout(() => done(last), PATIENCE_MS);
    const connection = new ManagerConnection(
      { urls: managers, token: () => null, jitter: Math.random },
      {
        connected: () => {},
        disconnected: () => {},
        failed: (refusal, url) => {
          last = { ...refusal, message: `${url}: ${refusal.message}` };
          if (refusal.code === "refused") done(last); // somebody answers, but no manager
        },
        announcement: () => {},
        control: (name, body) => {
          const message = name === channel ? decodeToAgent(body) : null;
          if (message === null || !message.ok) return;
          if (message.value.kind === "admitted") done(null);
          if (message.value.kind === "rejected") done(message.value.refusal);
          if (message.value.kind !== "challenge") return;
          const { manager, nonce } = message.value;
          connection.sendControl(
            channel,
            encodeMessage({
              kind: "knock",
              protocol: PROTOCOL_VERSION,
              at: instant(Date.now() * 1000),
              key: signer.publicKey,
              proof: signer.sign(challengeText(manager, nonce)),
              joinToken,
              node,
            }),
          );
        },
      },
    );
  });
}

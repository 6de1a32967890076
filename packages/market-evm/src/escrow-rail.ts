import { hexToBytes } from "@noble/hashes/utils.js";
import { type Money, money, ok, refuse } from "@weft/kernel";
import type { AccountId, Deal, RailOutcome, RailRefusal, SettlementRail } from "@weft/market";
import { type Address, type ChainKey, callData, errorSelector, escrowWord, textWord } from "./abi.ts";
import type { Chain, Sent } from "./chain.ts";
import { ESCROW_BYTECODE } from "./escrow.ts";

const REFUSALS: Readonly<Record<string, readonly [RailRefusal["code"], string]>> = Object.fromEntries(
  (
    [
      ["Known", "E_RAIL_KNOWN", "this deal is known"],
      ["WrongState", "E_RAIL_STATE", "no such deal, or it does not allow this now"],
      ["WrongAmount", "E_RAIL_AMOUNT", "outside what was set aside"],
      ["WrongParty", "E_RAIL_PARTY", "only a party of the deal may do this"],
      ["WrongSignature", "E_RAIL_SIGNATURE", "the manager did not sign this"],
      ["TooEarly", "E_RAIL_EARLY", "the deal's time is not over"],
    ] as const
  ).map(([error, code, words]) => [errorSelector(error), [code, words] as const]),
);

function outcome(sent: Sent): RailOutcome {
  if (sent.ok) return ok(null);
  const [code, words] =
    REFUSALS[sent.reverted] ?? (["E_RAIL_FUNDS", `the chain refused: ${sent.reverted}`] as const);
  return refuse(code, words);
}

/** The keys of the accounts that act through this rail: each party runs one with its own key alone. */
export type ChainKeys = ReadonlyMap<AccountId, ChainKey>;

/**
 * Settlement through the escrow contract: the same port as the ledger's, the money out of everyone's hands until it is
 * due. One micro of money is one unit of the chain's currency.
 */
export class EscrowRail implements SettlementRail {
  readonly #chain: Chain;
  readonly #escrow: Address;
  readonly #keys: ChainKeys;
  readonly #managers = new Map<string, AccountId>();

  constructor(chain: Chain, escrow: Address, keys: ChainKeys) {
    this.#chain = chain;
    this.#escrow = escrow;
    this.#keys = keys;
  }

  /** Puts the contract on the chain; gives its address. */
  static deploy(chain: Chain, from: ChainKey): Promise<Address> {
    return chain.deploy(from.address, hexToBytes(ESCROW_BYTECODE));
  }

  #key(account: AccountId): ChainKey {
    const key = this.#keys.get(account);
    if (key === undefined) throw new Error(`no key for ${account} here`);
    return key;
  }

  async #send(from: AccountId, data: Uint8Array, value = 0n): Promise<RailOutcome> {
    return outcome(await this.#chain.send(this.#key(from).address, this.#escrow, data, value));
  }

  async open(deal: Deal): Promise<RailOutcome> {
    const data = callData(
      "open(bytes32,address,address,uint64,uint32)",
      textWord(deal.id),
      this.#key(deal.provider).address,
      this.#key(deal.manager).address,
      BigInt(Math.ceil(deal.refundAfter / 1e6)),
      BigInt(deal.commissionPpm),
    );
    const opened = await this.#send(deal.consumer, data, deal.ceiling);
    if (opened.ok) this.#managers.set(deal.id, deal.manager);
    return opened;
  }

  release(id: string, due: Money): Promise<RailOutcome> {
    return this.#pay(id, due, "release");
  }

  resolve(id: string, due: Money): Promise<RailOutcome> {
    return this.#pay(id, due, "resolve");
  }

  async #pay(id: string, due: Money, kind: "release" | "resolve"): Promise<RailOutcome> {
    const manager = this.#managers.get(id);
    if (manager === undefined) return refuse("E_RAIL_STATE", "no such deal, or it does not allow this now");
    if (due < 0n) return refuse("E_RAIL_AMOUNT", "outside what was set aside", { found: String(due) });
    const deal = textWord(id);
    const word = escrowWord(this.#chain.chainId, this.#escrow, deal, due, kind);
    const signature = this.#key(manager).sign(word);
    return this.#send(
      manager,
      callData(`${kind}(bytes32,uint256,uint8,bytes32,bytes32)`, deal, due, ...signature),
    );
  }

  refund(id: string, by: AccountId): Promise<RailOutcome> {
    return this.#send(by, callData("refund(bytes32)", textWord(id)));
  }

  dispute(id: string, by: AccountId): Promise<RailOutcome> {
    return this.#send(by, callData("dispute(bytes32)", textWord(id)));
  }

  /** Fetches what the escrow owes an account into the account's own hands. */
  withdraw(account: AccountId): Promise<RailOutcome> {
    return this.#send(account, callData("withdraw()"));
  }

  /** What the account has in hand and may fetch. */
  async balance(account: AccountId): Promise<Money> {
    const { address } = this.#key(account);
    const asked = await this.#chain.send(address, this.#escrow, callData("owed(address)", address), 0n);
    const owed = asked.ok ? BigInt(`0x${Buffer.from(asked.output).toString("hex")}`) : 0n;
    return money((await this.#chain.balance(address)) + owed);
  }
}

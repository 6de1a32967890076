import { createBlock } from "@ethereumjs/block";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, type EVM } from "@ethereumjs/evm";
import {
  bytesToHex,
  createAccount,
  createAddressFromString,
  type Address as EvmAddress,
} from "@ethereumjs/util";
import type { Address } from "./abi.ts";

/** What the escrow needs of a chain. */
export interface Chain {
  readonly chainId: bigint;
  /** Seconds since the epoch, as the chain's next block has it. */
  now(): bigint;
  deploy(from: Address, code: Uint8Array): Promise<Address>;
  /** Sends a transaction and waits for it. A revert changes nothing; `reverted` is what it gave as its reason. */
  send(from: Address, to: Address, data: Uint8Array, value: bigint): Promise<Sent>;
  balance(of: Address): Promise<bigint>;
}

export type Sent =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly reverted: string };

const GAS = 5_000_000n;

/** An Ethereum virtual machine in this process: the real instruction set, a chain of one. Gas costs nothing here. */
export class LocalChain implements Chain {
  readonly chainId: bigint;
  readonly #evm: EVM;
  readonly #common: Common;
  #seconds: bigint;

  private constructor(evm: EVM, common: Common, seconds: bigint) {
    this.#evm = evm;
    this.#common = common;
    this.#seconds = seconds;
    this.chainId = common.chainId();
  }

  static async start(seconds: bigint): Promise<LocalChain> {
    const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
    return new LocalChain(await createEVM({ common }), common, seconds);
  }

  now(): bigint {
    return this.#seconds;
  }

  /** Lets time pass. */
  advance(seconds: bigint): void {
    this.#seconds += seconds;
  }

  /** Gives an address money out of nothing. */
  async fund(address: Address, amount: bigint): Promise<void> {
    const at = createAddressFromString(address);
    const account = (await this.#evm.stateManager.getAccount(at)) ?? createAccount({});
    account.balance += amount;
    await this.#evm.stateManager.putAccount(at, account);
  }

  async balance(of: Address): Promise<bigint> {
    return (await this.#evm.stateManager.getAccount(createAddressFromString(of)))?.balance ?? 0n;
  }

  async deploy(from: Address, code: Uint8Array): Promise<Address> {
    const { createdAddress, execResult } = await this.#run(from, undefined, code, 0n);
    if (createdAddress === undefined) throw new Error(`not deployed: ${execResult.exceptionError?.error}`);
    return createdAddress.toString();
  }

  async send(from: Address, to: Address, data: Uint8Array, value: bigint): Promise<Sent> {
    const { execResult } = await this.#run(from, createAddressFromString(to), data, value);
    const { exceptionError, returnValue } = execResult;
    if (exceptionError === undefined) return { ok: true, output: returnValue };
    const reason = returnValue.length >= 4 ? bytesToHex(returnValue.slice(0, 4)) : exceptionError.error;
    return { ok: false, reverted: reason };
  }

  #run(from: Address, to: EvmAddress | undefined, data: Uint8Array, value: bigint) {
    const block = createBlock({ header: { timestamp: this.#seconds, number: 1n } }, { common: this.#common });
    const caller = createAddressFromString(from);
    return this.#evm.runCall({ caller, origin: caller, to, data, value, block, gasLimit: GAS });
  }
}

import type { Brand } from "./brand.ts";

/** A count of bytes. */
export type Bytes = Brand<number, "Bytes">;
/** Bytes a second. */
export type BytesPerSecond = Brand<number, "BytesPerSecond">;
/** Bits a second: the unit of every link rate. */
export type BitsPerSecond = Brand<number, "BitsPerSecond">;
/** A count of elementary operations: integer ones for logical work, floating-point ones for the others. */
export type Operations = Brand<number, "Operations">;
/** Operations a second; FLOPS where the work is parallel or neural. */
export type OperationsPerSecond = Brand<number, "OperationsPerSecond">;
export type Watts = Brand<number, "Watts">;
export type Joules = Brand<number, "Joules">;
/** Grams of CO2 equivalent. */
export type GramsCo2 = Brand<number, "GramsCo2">;
/** A share between 0 and 1, ends included. */
export type Ratio = Brand<number, "Ratio">;

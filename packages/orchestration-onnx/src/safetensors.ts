import { ok, type Refusal, type Result, refuse } from "@weft/kernel";

/*
 * The safetensors container (https://huggingface.co/docs/safetensors): eight bytes of header length, little-endian;
 * a JSON header, `{name: {dtype, shape, data_offsets: [from, to]}}`, offsets from the end of the header; the data,
 * little-endian, without gaps. It is what this runtime takes and gives for named tensors.
 */

type Data =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

interface DataType {
  /** The name in the container. */
  readonly dtype: string;
  /** The name in ONNX Runtime. */
  readonly type: string;
  readonly bytes: number;
  readonly view: new (buffer: ArrayBuffer, from: number, length: number) => Data;
}

/** Half precision stays as its sixteen bits. */
export const DATA_TYPES: readonly DataType[] = [
  { dtype: "F32", type: "float32", bytes: 4, view: Float32Array },
  { dtype: "F64", type: "float64", bytes: 8, view: Float64Array },
  { dtype: "F16", type: "float16", bytes: 2, view: Uint16Array },
  { dtype: "I64", type: "int64", bytes: 8, view: BigInt64Array },
  { dtype: "I32", type: "int32", bytes: 4, view: Int32Array },
  { dtype: "I16", type: "int16", bytes: 2, view: Int16Array },
  { dtype: "I8", type: "int8", bytes: 1, view: Int8Array },
  { dtype: "U64", type: "uint64", bytes: 8, view: BigUint64Array },
  { dtype: "U32", type: "uint32", bytes: 4, view: Uint32Array },
  { dtype: "U16", type: "uint16", bytes: 2, view: Uint16Array },
  { dtype: "U8", type: "uint8", bytes: 1, view: Uint8Array },
  { dtype: "BOOL", type: "bool", bytes: 1, view: Uint8Array },
];

export interface NamedTensor {
  readonly name: string;
  /** As ONNX Runtime names it, such as float32. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: Data;
}

export type ContainerRefusal = Refusal<"bad_input">;

const HEADER_BYTES = 100 << 20;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);
const bad = (message: string) => refuse("bad_input", `not a safetensors container: ${message}`);

function readHeader(
  bytes: Uint8Array,
): Result<{ header: Record<string, unknown>; from: number }, ContainerRefusal> {
  if (bytes.length < 8) return bad("shorter than its header");
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > HEADER_BYTES || length > bytes.length - 8) return bad("shorter than its header");
  try {
    const header: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)),
    );
    if (typeof header !== "object" || header === null || Array.isArray(header))
      return bad("the header is no object");
    return ok({ header: header as Record<string, unknown>, from: 8 + length });
  } catch (error) {
    return bad((error as Error).message);
  }
}

/** The tensors of a container, in the order of their data. Data that lies aligned is not copied. */
export function readTensors(bytes: Uint8Array): Result<NamedTensor[], ContainerRefusal> {
  const opened = readHeader(bytes);
  if (!opened.ok) return opened;
  const { header, from } = opened.value;
  const tensors: { readonly begin: number; readonly tensor: NamedTensor }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = Object(entry) as Record<string, unknown>;
    const type = DATA_TYPES.find((known) => known.dtype === dtype);
    if (type === undefined) return bad(`${name} has the unknown type ${String(dtype)}`);
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
      return bad(`${name} has no shape or place`);
    const [begin, end] = offsets as [number, number];
    const count = shape.reduce((product, size) => product * size, 1);
    if (end - begin !== count * type.bytes || from + end > bytes.length)
      return bad(`${name} does not fit its place`);
    const at = bytes.byteOffset + from + begin;
    const aligned = at % type.bytes === 0;
    const buffer = aligned ? bytes.buffer : Uint8Array.from(bytes.subarray(from + begin, from + end)).buffer;
    const data = new type.view(buffer as ArrayBuffer, aligned ? at : 0, count);
    tensors.push({ begin, tensor: { name, type: type.type, shape, data } });
  }
  // A name such as "12" comes first in an object, wherever it stands in the header.
  return ok(tensors.sort((a, b) => a.begin - b.begin).map(({ tensor }) => tensor));
}

/** Bytes of a container: the header padded with blanks so that the data begins at a multiple of eight, then the data. */
export function writeTensors(tensors: readonly NamedTensor[]): Uint8Array[] {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const { name, type, shape, data } of tensors) {
    const dtype = DATA_TYPES.find((known) => known.type === type)?.dtype;
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, 8);
  return [head, ...tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

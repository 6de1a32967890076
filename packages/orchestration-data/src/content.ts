import type { Bytes, Digest, Refusal } from "@weft/kernel";

/** A content by what it is: the SHA-256 of its bytes (lower-case hex) and how many they are. */
export interface Content {
  readonly digest: Digest;
  readonly size: Bytes;
}

/** Why content was not kept, given or moved. The codes travel in the gateway's JSON errors as they are. */
export type DataRefusalCode =
  /** Not held here. */
  | "E_CONTENT_ABSENT"
  /** The bytes are not those the digest names; what was received is thrown away. */
  | "E_CONTENT_DIGEST"
  /** More bytes than the size that was announced, or than one content may have. */
  | "E_CONTENT_SIZE"
  /** An upload has to go on where the last one stopped; `expected` is that offset. */
  | "E_CONTENT_OFFSET"
  /** Somebody else is uploading the same content now. */
  | "E_CONTENT_BUSY"
  /** No room, even when everything unpinned is thrown out. */
  | "E_CONTENT_SPACE"
  /** The disk refused to take the bytes. */
  | "E_CONTENT_DISK"
  /** A request that is not understood. */
  | "E_DATA_REQUEST"
  /** The bearer token does not admit it. */
  | "E_DATA_TOKEN"
  /** The next gateway of the segment list is not one this gateway forwards to. */
  | "E_SEGMENT_REFUSED"
  /** The next gateway could not be reached, or broke off. */
  | "E_SEGMENT_UNREACHABLE"
  /** Too many attempts brought no byte further. */
  | "E_TRANSFER_STALLED"
  /** The asker called it off. */
  | "E_TRANSFER_CANCELLED";

export type DataRefusal = Refusal<DataRefusalCode>;

const DIGEST = /^[0-9a-f]{64}$/;

/** Whether a text has the form of a digest; anything else never becomes a path or a file name. */
export const isDigest = (text: string): text is Digest => DIGEST.test(text);

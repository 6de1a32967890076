import { expect, it } from "vitest";
import { readContentRange, readRange } from "./range.ts";
import { isAddress, parseSegments } from "./segments.ts";

it("reads a range as RFC 9110 does", () => {
  expect(readRange(undefined, 10)).toBe(null);
  expect(readRange("bytes=0-4", 10)).toEqual({ from: 0, to: 5 });
  expect(readRange("bytes=4-", 10)).toEqual({ from: 4, to: 10 });
  expect(readRange("bytes=-3", 10)).toEqual({ from: 7, to: 10 });
  expect(readRange("bytes=-30", 10)).toEqual({ from: 0, to: 10 });
  expect(readRange("bytes=5-99", 10)).toEqual({ from: 5, to: 10 });
  expect(readRange("bytes=10-", 10)).toBe("unsatisfiable");
  expect(readRange("bytes=0-", 0)).toBe("unsatisfiable");
  expect(readRange("bytes=-0", 10)).toBe("unsatisfiable");
  expect(readRange("bytes=5-4", 10)).toBe(null);
  expect(readRange("bytes=0-1,3-4", 10)).toBe(null);
  expect(readRange("lines=1-2", 10)).toBe(null);
});

it("reads where a part of an upload belongs", () => {
  expect(readContentRange(undefined)).toBe(null);
  expect(readContentRange("bytes 3-9/10")).toEqual({ from: 3, total: 10 });
  expect(readContentRange("bytes */10")).toEqual({ from: 10, total: 10 });
  for (const wrong of ["bytes 3-10/10", "bytes 5-4/10", "bytes 1-2/*", "nonsense"]) {
    expect(readContentRange(wrong)).toBe("malformed");
  }
});

it("reads a list of segments, and refuses what is no address", () => {
  expect(parseSegments("a:1, [::1]:2,10.0.0.1:65535")).toEqual({
    ok: true,
    value: ["a:1", "[::1]:2", "10.0.0.1:65535"],
  });
  expect(parseSegments(undefined)).toEqual({ ok: true, value: [] });
  for (const wrong of ["a", "a:0", "a:65536", "a:1,,b:2", "http://a:1", "a:1/x", "a b:1"]) {
    expect(parseSegments(wrong)).toMatchObject({ ok: false, refusal: { code: "E_DATA_REQUEST" } });
  }
  expect(parseSegments(Array(17).fill("a:1").join(","))).toMatchObject({ ok: false });
  expect(isAddress("localhost:8080")).toBe(true);
});

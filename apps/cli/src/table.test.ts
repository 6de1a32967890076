import { expect, it } from "vitest";
import { factLines, Table, widthOf } from "./table.ts";

it("aligns what is written in characters two columns wide", () => {
  expect(["", "ab", "算力", "é", "ｶﾅ", "a算b"].map(widthOf)).toEqual([0, 2, 4, 1, 2, 4]);
  const rows = [
    ["books", "财务", "1"],
    ["shop", "x", "12"],
  ];
  const table = new Table(["NAME", "TEAM", "AGE"], rows);
  expect([["NAME", "TEAM", "AGE"], ...rows].map((row) => table.line(row))).toEqual([
    "NAME    TEAM   AGE",
    "books   财务   1",
    "shop    x      12",
  ]);
  expect(
    factLines([
      ["团队", "a"],
      ["id", "b"],
    ]),
  ).toEqual(["团队:  a", "id:    b"]);
});

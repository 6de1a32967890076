import { expect, it } from "vitest";
import { parseNetworkFile, readUpFile } from "./network-file.ts";

const file = (nodes: string): string => `
apiVersion: weft.dev/v1
kind: Network
metadata: { name: test }
spec:
  domain: test
  manager: { site: here }
  links: []
  consumers: [{ name: ann, credit: 5 CNY }]
  nodes:
${nodes}
`;
const node = (name: string): string =>
  `    - { name: ${name}, tier: edge, site: here, provider: pat, price: 0.02 CNY }`;

it("a node's name is its own, and not the manager's", () => {
  expect(parseNetworkFile(file([node("a"), node("b")].join("\n")), "n.yaml").spec.nodes).toHaveLength(2);
  expect(() => parseNetworkFile(file([node("a"), node("a")].join("\n")), "n.yaml")).toThrow(
    'n.yaml:12  spec.nodes[1].name  found "a", expected a name that is not taken yet',
  );
  expect(() => parseNetworkFile(file(node("manager")), "n.yaml")).toThrow(
    'found "manager", expected a name that',
  );
});

it("a node's price is not below zero", () => {
  expect(parseNetworkFile(file(node("a").replace("0.02", "0")), "n.yaml").spec.nodes[0]?.price).toBe(0n);
  expect(() => parseNetworkFile(file(node("a").replace("0.02", "-0.02")), "n.yaml")).toThrow(
    /^n\.yaml:11 {2}spec\.nodes\[0\]\.price {2}found "-0\.02 CNY", expected a price of 0 or more\n +\[E_PRICE_NEGATIVE\]$/,
  );
});

it("what is wrong is told as in a task's manifest: line, field, what was found and expected, a hint, a code", () => {
  const text = file(node("a").replace("tier: edge", "tier: edg, share: 400%")).replace(
    "site: here }",
    "sit: here }",
  );
  expect(() => parseNetworkFile(text.replace("[{ name: ann, credit: 5 CNY }]", "[]"), "n.yaml")).toThrow(
    [
      "n.yaml:7  spec.manager.site  found nothing, expected text",
      `  ${"".padEnd(72)}  [E_MANIFEST_MISSING]`,
      'n.yaml:7  spec.manager.sit  found "sit", expected one of site, commission, latePenalty, billing',
      `  ${"hint: did you mean site?".padEnd(72)}  [E_MANIFEST_FIELD]`,
      "n.yaml:9  spec.consumers  found a list, expected at least 1 in it",
      `  ${"".padEnd(72)}  [E_MANIFEST_VALUE]`,
      'n.yaml:11  spec.nodes[0].tier  found "edg", expected one of cloud, edge, end',
      `  ${"hint: did you mean edge?".padEnd(72)}  [E_MANIFEST_VALUE]`,
      'n.yaml:11  spec.nodes[0].share  found "400%", expected a part such as 45%',
      `  ${"".padEnd(72)}  [E_MANIFEST_UNIT]`,
    ].join("\n"),
  );
  expect(() => parseNetworkFile("spec: {", "n.yaml")).toThrow(/^n\.yaml:1 .*\n +\[E_MANIFEST_SYNTAX\]$/);
  const other = file(node("a"))
    .replace("kind: Network", "kind: Task")
    .replace("domain: test", "deadline: 1s");
  expect(() => parseNetworkFile(other, "n.yaml")).toThrow(
    /^n\.yaml:3 {2}kind {2}found "Task", expected Network\n +\[E_MANIFEST_VALUE\]$/,
  );
  expect(() => readUpFile("none.yaml")).toThrow("none.yaml: no such file  [E_FILE]");
});

import { expect, it } from "vitest";
import { parseNetworkFile } from "./network-file.ts";

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
    'n.yaml:12  spec.nodes.1.name  found "a", which is taken; expected a name of its own',
  );
  expect(() => parseNetworkFile(file(node("manager")), "n.yaml")).toThrow('found "manager", which is taken');
});

it("a node's price is not below zero", () => {
  expect(parseNetworkFile(file(node("a").replace("0.02", "0")), "n.yaml").spec.nodes[0]?.price).toBe(0n);
  expect(() => parseNetworkFile(file(node("a").replace("0.02", "-0.02")), "n.yaml")).toThrow(
    /^n\.yaml:11 {2}spec\.nodes\.0\.price {2}expected a price of 0 or more {2}\[E_PRICE_NEGATIVE\]$/,
  );
});

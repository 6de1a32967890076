import { defineConfig } from "vitest/config";

// Tests run the sources, not the build: the "source" condition in each package's exports points at src.
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "bench/src/**/*.test.ts",
      "scenarios/**/*.test.ts",
      "examples/*.test.ts",
      "scripts/*.test.ts",
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

/** Names in `imports` that only tools, types and tests use: what is shipped holds nothing of them. */
export const UNSHIPPED: readonly string[] = [
  "@esbuild/linux-arm64",
  "@esbuild/linux-x64",
  "@types/d3-scale",
  "@types/d3-shape",
  "@types/react",
  "@types/react-dom",
  "axe-core",
  "fast-check",
  "openapi-typescript",
  "puppeteer-core",
];

import { CONTROL_PLANE_FIRST, CONTROL_PLANE_LAST, migrationTest } from "./lib/migration.ts";

migrationTest(
  "with the control plane first, and back, no pull fails and a blob costs one copy in each state",
  CONTROL_PLANE_FIRST,
  CONTROL_PLANE_LAST,
);

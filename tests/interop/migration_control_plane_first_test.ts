import { CONTROL_PLANE_FIRST, CONTROL_PLANE_LAST, migrate, MIGRATION_NEEDS } from "./lib/migration.ts";
import { interopTest } from "./lib/stock_programs.ts";

interopTest(
  "with the control plane first, and back, no pull fails and a blob costs one copy in each state",
  MIGRATION_NEEDS,
  (t) => migrate(t, CONTROL_PLANE_FIRST, CONTROL_PLANE_LAST),
);

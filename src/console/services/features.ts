import type { Texts } from "../text/en.ts";

/** What a scheduler may be allowed to do. */
export const FEATURES = ["schedule", "preheat"] as const;
export type Feature = (typeof FEATURES)[number];

export function isFeature(name: string): name is Feature {
  return (FEATURES as readonly string[]).includes(name);
}

/** What a scheduler may do, in words; one that may do nothing has a dash. */
export function featureNames(features: readonly string[], services: Texts["services"]): string {
  const names = features.map((feature) => isFeature(feature) ? services[feature] : feature);
  return names.length === 0 ? "-" : names.join(", ");
}

const NAMES = ["normal", "super", "strong", "weak"];

/** The name of a kind of host (`common.v2.Host.type`), as Dragonfly writes it in JSON. */
export function hostTypeName(type: number): string {
  return NAMES[type] ?? "normal";
}

/** The kind of host that a name means; a name that is not known is a normal peer's. */
export function hostTypeOf(name: string): number {
  return Math.max(NAMES.indexOf(name), 0);
}

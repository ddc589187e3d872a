/** A set of `permissions` in deno.json: for each kind everything, nothing, or a list. */
export type PermissionSet = Readonly<Record<string, boolean | readonly string[]>>;

/** The command line of a permission set: `{ net: true, read: ["/etc"] }` is `--allow-net --allow-read=/etc`. */
export function permissionFlags(set: PermissionSet): string[] {
  return Object.entries(set).flatMap(([kind, value]) => {
    if (value === false) return [];
    return [value === true ? `--allow-${kind}` : `--allow-${kind}=${value.join(",")}`];
  });
}

import settings from "../../deno.json" with { type: "json" };

/** The permission sets of deno.json, by name. */
export const PERMISSIONS = settings.permissions;
